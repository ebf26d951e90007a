"""Wheels where the command is told to stop, or is killed: what it leaves, and the run after it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
from support.files import contents
from support.interrupting import interrupted
from support.wheel_commands import CUDA, REST, SET, WHEELS, dists
from support.wheel_fixtures import imported
from support.wheel_lab import PYTHON
from support.wheel_site import put

from conda_torchmirror.handover import interrupts, wheel_cache
from conda_torchmirror.handover.installers import process

pytest_plugins = ["support.wheel_fixtures"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as on POSIX")

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
by_signal = pytest.mark.parametrize("by", SIGNALS, ids=lambda one: one.name)


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """The folder of temporary files, for the commands of a test alone."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


class Halted:
    """A file that a server sends half of, once; it is being downloaded once `begun` is set. What
    asks for a few bytes of it only gets them."""

    def __init__(self, site, glob):
        self.begun = threading.Event()
        site.fail(glob, self)

    def __call__(self, exchange):
        if self.begun.is_set() or not exchange.headers.get("Range", "-").endswith("-"):
            exchange.serve()
            return
        content = exchange.content()
        exchange.send(200, content[: len(content) // 2], length=len(content))
        self.begun.set()
        exchange.mirror.stopped.wait(60)
        exchange.cut()


def without_hashes(lab):
    """Let pip read the index itself, as nothing there proves what it has."""
    for page in (lab.index.folder / "simple").glob("*/index.html"):
        page.unlink()
    put(lab.index, lab.made[""], "simple", hashes=False)


def downloads(prefix, plan):
    """Commands that download a wheel, by name, and what each is run with again."""
    return {
        "install": (*WHEELS, *CUDA, "-p", prefix, "-y", "--no-check"),
        "download-only": (*WHEELS, *CUDA, "-p", prefix, "--download-only"),
        "save-plan": (*WHEELS, *CUDA, "-p", prefix, "--save-plan", plan, "--with-packages"),
        "plan": ("torch-install", "--plan", plan, "-p", prefix, "-y", "--no-check"),
    }


def partly_here():
    """The sizes of the files that are being downloaded, as far as they are on the disk."""
    return [path.stat().st_size for path in Path(wheel_cache.folders()[0]).glob("*/*.partial")]


@by_signal
@pytest.mark.parametrize("what", ["install", "download-only", "save-plan", "plan"])
def test_while_a_wheel_is_downloaded(
    wheel_lab, lab_env, conda_in_process, tmp_path, scratch, what, by
):
    """Nothing changes, nothing is left but what the next run goes on with."""
    plan = tmp_path / "plan"
    words = downloads(lab_env, plan)
    if what == "plan":
        conda_in_process(*WHEELS, *CUDA, "-p", lab_env, "--save-plan", plan).ok()
    before = contents(lab_env)
    (torch,) = (made for made in wheel_lab.made["cu126"] if made.project == "torch")
    halted = Halted(wheel_lab.first, f"*/{torch.name.replace('+', '*')}")
    said = interrupted(
        *words[what],
        when=lambda: halted.begun.is_set() and any(partly_here()),
        otherwise="the download never began",
        by=by,
    )
    assert "Traceback" not in said
    assert contents(lab_env) == before
    assert not os.listdir(scratch)
    wheel_lab.first.requests.clear()
    conda_in_process(*words[what]).ok()
    (again,) = (
        request
        for request in wheel_lab.first.requests
        if request.path.endswith(torch.name) and request.headers.get("Range", "-").endswith("-")
    )
    first = int(again.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    assert 0 < first <= torch.path.stat().st_size // 2
    if what in ("install", "plan"):
        assert {*SET, *REST} <= dists(lab_env)
    if what == "save-plan":
        assert {made.name for made in wheel_lab.made["cu126"]} <= set(os.listdir(plan))


@pytest.mark.parametrize("by", SIGNALS[:2], ids=lambda one: one.name)
@pytest.mark.parametrize("there", [True, False], ids=["existing", "new"])
def test_while_pip_fetches(wheel_lab, lab_env, conda_in_process, tmp_path, scratch, there, by):
    """Pip ends too, its files are gone, and so is an environment that was made for it."""
    without_hashes(wheel_lab)
    halted = Halted(wheel_lab.index, "*/numpy-*")
    prefix = lab_env if there else tmp_path / "new"
    before = dists(prefix)
    words = (*WHEELS, *CUDA, "-p", prefix, *(() if there else ("--python", PYTHON)))
    words = (*words, "-y", "--no-check", "--no-fallback")
    said = interrupted(*words, when=halted.begun.is_set, otherwise="pip never asked for it", by=by)
    assert "ERROR REPORT" not in said
    assert running(prefix) == []
    assert dists(prefix) == before
    assert prefix.exists() == there
    assert not os.listdir(scratch)
    conda_in_process(*words).ok()
    assert {*SET, *REST} <= dists(prefix)


def running(prefix):
    """The processes of an environment's Python."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if words[0].startswith(os.fsencode(prefix)):
            found.append(words)
    return found


@pytest.mark.parametrize("lacking", ["RECORD", "modules"])
@pytest.mark.parametrize("project", ["torch", "numpy"])
def test_what_was_installed_in_part_is_installed_anew(
    installer, lab_env, install, capfd, project, lacking
):
    """Pip takes a project for installed by its metadata, which stand in the middle of a wheel of
    torch: killed after them, it leaves a torch that no further run would complete."""
    install("--no-check").ok()
    (info,) = (lab_env / "lib" / f"python{PYTHON}" / "site-packages").glob(f"{project}-*.dist-info")
    (info / "INSTALLER").unlink()
    if lacking == "RECORD":
        (info / "RECORD").unlink()
    else:
        (info.parent / project / "__init__.py").unlink()
    capfd.readouterr()
    done = install("--no-check").ok()
    assert "in part" in done.stderr
    assert imported(lab_env, project)
    assert (info / "INSTALLER").read_text().strip() == installer
    again = install("--no-check").ok()
    assert "in part" not in again.stderr


def test_a_whole_installation_is_not_touched(wheel_lab, lab_env, install):
    install("--no-check").ok()
    before = contents(lab_env)
    install("--no-check").ok()
    assert contents(lab_env) == before


def test_a_signal_that_is_ignored_stays_so(tmp_path):
    """`nohup conda torch-install` goes on when the terminal is closed."""
    was = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        code = "import os, signal; os.kill(os.getppid(), signal.SIGHUP)"
        run = partial(process.run, variables=dict(os.environ), folder=str(tmp_path))
        with interrupts.orderly():
            done = run([sys.executable, "-c", code], stdout=None, stderr=None)
        assert done.returncode == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, was)


UNDOING = """
import os, signal, time
try:
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(60)
except KeyboardInterrupt:
    open("undone", "w").close()
"""


def test_where_ctrl_c_is_ignored_an_installer_still_hears_that_it_is_to_end(tmp_path):
    """Shells ignore it for `&` in a script: an installer that inherits that was killed instead,
    half a minute later and in the middle of what it was replacing."""
    was = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run = partial(process.run, variables=dict(os.environ), folder=str(tmp_path))
        with interrupts.orderly(), pytest.raises(KeyboardInterrupt):
            run([sys.executable, "-c", UNDOING], stdout=None, stderr=None)
        assert (tmp_path / "undone").exists()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, was)
