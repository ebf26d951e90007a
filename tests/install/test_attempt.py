"""What of a request goes to the solver, because another channel has it."""

from __future__ import annotations

import pytest
from support.choosing import LINUX

from conda_torchmirror.index.sources import SOURCES
from conda_torchmirror.install import attempt, request


@pytest.mark.parametrize(
    ("spec", "channels", "left"),
    [
        ("torchdata=0.4.1=pyh8b8bddf_0", ["pytorch", "conda-forge"], True),
        ("torchdata 0.4.1 pyh8b8bddf_0", ["pytorch", "conda-forge"], True),
        ("torchdata=0.4.1=pyh8b8bddf_0", ["pytorch", "nvidia"], False),
        ("torchdata=0.7.0", ["pytorch", "conda-forge"], False),
        ("torchdata=99", ["pytorch", "conda-forge"], False),
        ("torchvision=0.16.1=cuda118py311h9557654_3", ["pytorch", "conda-forge"], False),
    ],
)
def test_a_partner_that_only_another_channel_has_goes_to_the_solver(spec, channels, left):
    asked = request.make(["pytorch=2.1.0", spec, "tqdm"])
    found, told = attempt.without_foreign(SOURCES[0], asked, LINUX, channels)
    if left:
        assert found.others == (spec, "tqdm")
        assert list(found.specs) == ["pytorch"]
        assert [notice.code for notice in told] == ["partner_elsewhere"]
    else:
        assert (found, told) == (asked, [])
