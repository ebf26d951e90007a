"""The channels of conda's configuration that stay in a run."""

from __future__ import annotations

import pytest

from conda_torchmirror.handover.channels import kept
from conda_torchmirror.index.sources import named

BLOG = ("pytorch", "conda-forge", "pkgs/free", "pkgs/main", "defaults")


@pytest.mark.parametrize(
    ("configured", "exists", "left"),
    [
        (BLOG, False, ()),
        (("pkgs/free",), False, ()),
        (("pkgs/msys2", "bioconda"), False, ("bioconda",)),
        (BLOG, True, ("pkgs/main", "defaults")),
        (("pytorch", "pkgs/pro", "bioconda"), True, ("bioconda",)),
        (("pkgs/free", "bioconda"), True, None),
        (("conda-forge",), False, None),
    ],
)
def test_what_is_beside_defaults_goes_with_them(configured, exists, left):
    """Guides of years have pkgs/free of a mirror in their lists. Passed on by its name it was
    asked at conda.anaconda.org, which has none."""
    assert kept(configured, named("conda-forge"), "linux-64", exists=exists) == left


def test_what_is_beside_defaults_stays_with_the_channel_pytorch():
    assert kept(BLOG, named("pytorch"), "linux-64", exists=False) is None
