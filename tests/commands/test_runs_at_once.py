"""Two runs on one environment at once: the second says so, and nothing is broken."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.files import contents
from support.prefixes import records, whole
from support.running import Result
from support.sites import ASK, SET, Sites

pytest_plugins = ("support.site_fixtures",)

Conda = Callable[..., Result]

HOLD = """
import sys
from conda_torchmirror.handover.environment_lock import held
with held(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holding(prefix: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process has the lock of an environment within the block."""
    words = [sys.executable, "-c", HOLD, str(prefix)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield other


def test_the_second_run_says_so_and_the_first_ends_well(
    sites: Sites, prefix: Path, conda_in_process: Conda
) -> None:
    ask = (*ASK, "--mirror", "third", "--no-fallback", "-p", str(prefix))
    asking = [word for word in ask if word != "-y"]
    words = [sys.executable, "-u", "-m", "conda", *asking, "--no-check"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        said = ""
        while not said.endswith("Proceed ("):  # it waits for an answer
            read = first.stdout.read(1)
            assert read, said
            said += read
        second = conda_in_process(*ask)
        elsewhere = conda_in_process(*ask[:-1], prefix.with_name("other"))
        preview = conda_in_process(*ask, "--dry-run")
        first.communicate("y\n")
    assert first.returncode == 0
    assert second.rc == 1
    assert f"another torch-install is changing {prefix}" in second.stderr.replace("\n", " ")
    assert "run the same command again when the other run is done" in second.words
    assert elsewhere.rc == preview.rc == 0
    assert whole(prefix)
    assert set(records(prefix)) == SET
    conda_in_process(*ask).ok()


@pytest.mark.parametrize("end", ["done", "killed"])
def test_the_lock_ends_with_the_run_however_that_ends(
    sites: Sites, prefix: Path, conda_in_process: Conda, end: str
) -> None:
    before = contents(prefix)
    with holding(prefix) as other:
        (prefix.parent / "link").symlink_to(prefix)
        refused = conda_in_process(*ASK, "-p", prefix.parent / "link")
        assert type(refused.error).__name__ == "OtherRun"
        assert contents(prefix) == before
        if end == "killed":
            other.kill()
    conda_in_process(*ASK, "-p", prefix).ok()
