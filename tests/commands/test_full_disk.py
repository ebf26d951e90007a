"""Conda's packages on a disk that fills while they are linked: nothing stays that was begun."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.change_fixtures import tree
from support.disks import fill, small_disk
from support.prefixes import records, whole
from support.sites import ASK, OLDER

from conda_torchmirror.exceptions.mirror import CannotWrite

pytest_plugins = ("support.site_fixtures",)

#: Bytes that are left: an empty record stayed, an empty copy took the place of the history.
LEFT = (4096, 8192, 12288, 16384)
OLD = OLDER.split("-")[1]


@pytest.fixture
def small(tmp_path):
    """A disk of 400 kB."""
    with small_disk(tmp_path / "small", "400k") as folder:
        yield folder


@pytest.mark.parametrize("leaving", LEFT)
def test_an_environment_that_is_changed_stays_as_it_was(sites, conda_in_process, small, leaving):
    prefix = small / "env"
    conda_in_process(*ASK[:-1], f"pytorch={OLD}", "-p", prefix, "--python", "3.12").ok()
    before = tree(prefix)
    ballast = fill(small, leaving)
    words = (*ASK[:-1], "pytorch=2.5.1", "zlib", "-p", prefix)
    refused = conda_in_process(*words)
    assert isinstance(refused.error, CannotWrite), refused
    assert str(prefix) in str(refused.error)
    assert tree(prefix) == before
    ballast.unlink()
    conda_in_process(*words).ok()
    assert records(prefix)["pytorch"]["version"] == "2.5.1"
    assert whole(prefix)


@pytest.mark.parametrize("leaving", [*LEFT, 40960])
def test_an_environment_that_is_made_is_gone(sites, conda_in_process, small, leaving):
    prefix = small / "env"
    ballast = fill(small, leaving)
    words = (*ASK, "-p", prefix, "--python", "3.12")
    assert isinstance(conda_in_process(*words).error, CannotWrite)
    assert not prefix.exists()
    ballast.unlink()
    conda_in_process(*words).ok()
    assert whole(prefix)


@pytest.mark.parametrize("what", ["home", "log.txt"])
def test_the_disk_that_is_full_is_named(sites, small, sandbox, prefix, what):
    """Conda writes to the home too, and to standard output, by errors that name no file."""
    (small / "home").mkdir()
    (small / "home" / ".condarc").write_bytes(sandbox.condarc.read_bytes())
    home = str(small / "home" if what == "home" else sandbox.home)
    words = [sys.executable, "-m", "conda", *ASK, "-p", str(prefix), "--no-check"]
    with open(small / "log.txt" if what == "log.txt" else os.devnull, "w") as out:
        fill(small)
        done = subprocess.run(
            words,
            env={**os.environ, "HOME": home, "USERPROFILE": home},
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    said = " ".join(done.stderr.split())
    told = " Cause" if what == "home" else ", and the run ends there"
    assert f"{small / what} cannot be written{told}: its disk is full" in said


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_limit_of_this_process_is_no_fault_of_a_mirror(sites, prefix):
    """As a file of 4 GB on FAT: no further mirror is asked, and none is told to have failed."""
    import resource

    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (450, 450))

    done = subprocess.run(
        [sys.executable, "-m", "conda", *ASK, "-p", str(prefix), "--no-check"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lower,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},  # else other tests load half modules
    )
    shown = " ".join(f"{done.stdout} {done.stderr}".split())
    assert done.returncode == 1
    assert "Cause: it would be larger than its file system" in shown
    assert "cannot be had from" not in shown
    assert "ulimit -a" in shown
    assert not sites.second.asked("*/pytorch/*")
    assert records(prefix) == {}
