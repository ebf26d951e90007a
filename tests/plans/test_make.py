"""The command that is told for a saved plan."""

from __future__ import annotations

import pytest

from conda_torchmirror.options import InstallOptions
from conda_torchmirror.plans.make import carried_out


@pytest.mark.parametrize(
    ("options", "prefix", "target"),
    [
        (InstallOptions(), None, " -n NEW"),
        (InstallOptions(name="lab"), "/envs/lab", " -n lab"),
        (InstallOptions(prefix="/envs/lab"), "/envs/lab", " -p /envs/lab"),
        (InstallOptions(), "/envs/active", ""),
    ],
)
def test_a_plan_is_carried_out_where_it_was_asked_for(options, prefix, target):
    assert carried_out(options, "there", prefix) == f"conda torch-install{target} --plan there"
