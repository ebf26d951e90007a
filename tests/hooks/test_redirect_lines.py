"""The lines beside conda's own commands fit a terminal, and stay whole in a log."""

from __future__ import annotations

import io
import sys

import pytest
from support.lab import hosts

from conda_torchmirror.hooks import redirect

pytest_plugins = ("support.lab_fixtures",)

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


@pytest.mark.parametrize(
    ("channels", "read"),
    [
        (("pytorch/label/rc",), None),
        (("https://conda.anaconda.org/pytorch/label/rc",), None),
        (("pytorch/label/rc", "pytorch"), "pytorch"),
        (("nvidia/label/cuda-12.4.0",), "nvidia"),
        (("pytorch/label/rc", "nvidia/label/cuda-12.4.0"), "nvidia"),
    ],
)
def test_a_label_that_the_mirror_lacks_is_not_told_to_be_there(
    at_lab, lab, conda_in_process, sandbox, channels, read
):
    """`pytorch from lab` was said, and the mirror asked whether it answers."""
    words = [word for channel in channels for word in ("-c", channel)]
    done = conda_in_process("create", "-n", "new", "--override-channels", *words, "-d", "some")
    assert ("from lab" in done.stderr) is bool(read)
    if read:
        assert f"torchmirror: {read} from lab (" in done.stderr
    assert bool(lab.requests) is bool(read)
    hosts(sandbox)


@pytest.mark.parametrize("denied", ["pytorch", "https://conda.anaconda.org/pytorch"])
def test_a_channel_that_the_administrator_denies_is_no_fault_of_a_mirror(
    at_lab, lab, conda_in_process, denied
):
    """The mirror was said to send an answer that cannot be read, and was avoided from then on."""
    from conda import exceptions

    at_lab(denylist_channels=[denied])
    done = conda_in_process("search", "-c", "pytorch", "--override-channels", "from-pytorch")
    if not hasattr(exceptions, "ChannelDenied"):
        pytest.skip("this conda has no denylist_channels")
    assert done.rc == 1
    assert "ChannelDenied" in done.stderr
    assert "torchmirror" not in done.stderr
    assert not lab.requests
