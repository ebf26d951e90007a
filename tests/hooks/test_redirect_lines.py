"""The lines beside conda's own commands fit a terminal, and stay whole in a log."""

from __future__ import annotations

import io
import sys

import pytest

from conda_torchmirror.hooks import redirect

FACTS = {"where": "pytorch, conda-forge from tuna; defaults from tuna, nju, and more from others"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "lines"), [(Terminal, 2), (io.StringIO, 1)], ids=["terminal", "log"]
)
def test_a_long_line(monkeypatch, stream, lines):
    """Some were 113 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stderr", said := stream())
    redirect._say("redirected", **FACTS)
    told = said.getvalue().splitlines()
    assert len(told) == lines
    assert " ".join(told[0].split() + [w for line in told[1:] for w in line.split()]) == (
        f"torchmirror: {FACTS['where']} (conda torch-mirror disable turns this off)"
    )
    if stream is Terminal:
        assert max(map(len, told)) < 80


def test_a_short_line_stays_one(monkeypatch):
    monkeypatch.setattr(sys, "stderr", said := Terminal())
    redirect._say("redirected", where="pytorch from tuna")
    assert len(said.getvalue().splitlines()) == 1
