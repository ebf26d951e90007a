"""Where the end of the channel is said: with what it never got, and with nothing else."""

from __future__ import annotations

import pytest
from support.choosing import SOURCE, known

from conda_torchmirror.install import request
from conda_torchmirror.models import Machine, Records
from conda_torchmirror.text import reasons

MACHINE = Machine("linux-64", cuda="12.4")


def said(*words: str, python: str | None = None) -> str:
    records = Records(known("linux-64"), "built-in")
    asked, on = request.make(words), MACHINE._replace(python=python)
    return reasons.why((), records, asked, on, end=SOURCE.ended())


@pytest.mark.parametrize(
    "word",
    [
        *("pytorch>=2.6", "pytorch=2.6", "pytorch==2.7.0", "pytorch 2.9.*", "pytorch>2.5.1"),
        *("pytorch=3", "pytorch>=2.6,<3", "pytorch~=2.6", f"pytorch={'9' * 50}"),
    ],
    ids=lambda word: word[:20],
)
def test_said_of_a_release_above_the_last(word):
    assert "ended with PyTorch 2.5.1" in said(word)


@pytest.mark.parametrize(
    "word",
    ["pytorch", "pytorch=2.5.1", "pytorch>=2.5.1", "pytorch<2.7", "pytorch!=2.7", "pytorch=2"],
)
def test_not_said_of_releases_that_there_are(word):
    assert "ended with" not in said(word)


def test_said_of_a_newer_python():
    assert "Python 3.12" in said("pytorch", python="3.13")
    assert "ended with" not in said("pytorch", python="3.12")
