"""Signals and failures at any moment of an installation: the environment is as it was or complete,
and whole."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys

import pytest
from conda.history import History
from support.change_fixtures import FORGE, OFFICIAL_ENV, tree
from support.interrupting import signalled
from support.prefixes import installed, records, whole

from conda_torchmirror.exceptions.environment import HalfMade
from conda_torchmirror.exceptions.mirror import CannotWrite

pytest_plugins = ("support.change_fixtures",)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as on POSIX")

#: How often, and with what: a second one comes while the first is undone.
ROUNDS = 12
KINDS = (("SIGTERM",), ("SIGINT", "SIGINT"), ("SIGHUP",), ("SIGINT",))


def moments(total):
    """The signals of each round: change -> signal."""
    for number in range(ROUNDS):
        at = 1 + number * total // ROUNDS
        names = KINDS[number % len(KINDS)]
        yield {at + 3 * i: getattr(signal, name) for i, name in enumerate(names)}


def check(prefix, words, scratch, before, after, signals, failing=0):
    """One round: what is there afterwards is one of both, with no file of neither."""
    done = signalled(words, prefix, signals, scratch, failing=failing)
    assert "Traceback" not in done.said
    assert "escaped" not in done.said
    if (tree(prefix) if prefix.exists() else {}) == before:
        return False
    assert installed(prefix) == after, (signals, failing, done)
    assert whole(prefix)
    named = {file for record in records(prefix).values() for file in record["files"]}
    kept = {str(f) for f in tree(prefix) if f.parts[0] != "conda-meta"}
    assert {f for f in kept if not (failing and ".c~" in f)} == named  # conda cannot clean them up
    return True


@pytest.fixture
def words_of(env_with, conda_in_process, tmp_path):
    """`words_of(kind)`: the words for a change of channel, or its replay."""

    def make(kind, prefix):
        if kind == "change":
            return (*FORGE, "-y", "-q", "-p", prefix)
        conda_in_process(*FORGE, "-q", "-p", prefix, "--save-plan", tmp_path / "plan").ok()
        return ("torch-install", "--plan", tmp_path / "plan", "-y", "-q", "-p", prefix)

    return make


@pytest.mark.parametrize("kind", ["change", "replay"])
def test_an_environment_that_is_changed_stays_whole(env_with, words_of, tmp_path, kind):
    prefix = env_with(*OFFICIAL_ENV)
    words, before, scratch = words_of(kind, prefix), tree(prefix), tmp_path / "ended"
    unharmed = signalled(words, prefix, {}, scratch)
    assert unharmed.rc == 0, unharmed.said
    after, seen = installed(prefix), set()
    for signals in moments(unharmed.changes):
        shutil.rmtree(prefix)
        assert tree(env_with(*OFFICIAL_ENV)) == before
        seen.add(check(prefix, words, scratch, before, after, signals))
    assert seen == {True, False}


@pytest.mark.parametrize("by", [None, signal.SIGINT], ids=["alone", "while-it-is-interrupted"])
def test_a_disk_that_fails_leaves_an_environment_as_it_was(env_with, words_of, tmp_path, by):
    """A disk that hangs is given up by Ctrl-C, and fails then."""
    prefix = env_with(*OFFICIAL_ENV)
    words, before, scratch = words_of("change", prefix), tree(prefix), tmp_path / "ended"
    total = signalled(words, prefix, {}, scratch).changes
    after, seen = installed(prefix), set()
    for at in range(1, total, total // ROUNDS):
        shutil.rmtree(prefix)
        assert tree(env_with(*OFFICIAL_ENV)) == before
        signals = {} if by is None else {at: by}
        seen.add(check(prefix, words, scratch, before, after, signals, failing=at))
    assert False in seen


def test_a_history_that_is_half_written_stays_as_it_was(
    env_with, words_of, conda_in_process, monkeypatch
):
    """Conda 26.7 leaves in it what was taken out again."""
    prefix = env_with(*OFFICIAL_ENV)
    words, before = words_of("change", prefix), tree(prefix)

    def fail(*args):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(History, "write_specs", fail)
    assert isinstance(conda_in_process(*words).error, CannotWrite)
    assert tree(prefix) == before


def test_an_environment_that_is_made_is_whole_or_gone(at_server, conda_in_process, tmp_path):
    prefix, scratch = tmp_path / "new", tmp_path / "ended"
    words = (*FORGE, "--python", "3.12", "-y", "-q", "-p", prefix)
    unharmed = signalled(words, prefix, {}, scratch)
    assert unharmed.rc == 0, unharmed.said
    after = installed(prefix)
    for signals in moments(unharmed.changes):
        shutil.rmtree(prefix, ignore_errors=True)
        check(prefix, words, scratch, {}, after, signals)
    shutil.rmtree(prefix, ignore_errors=True)


@pytest.mark.parametrize("kind", ["create", "replay"])
@pytest.mark.parametrize("there", [True, False], ids=["folder", "nothing"])
def test_a_folder_of_the_user_keeps_its_files_and_gets_no_records(
    at_server, conda_in_process, tmp_path, kind, there
):
    """Conda leaves the records of what it has taken out again, and a later run believes them."""
    prefix, scratch = tmp_path / "mine", tmp_path / "ended"
    words = (*FORGE, "--python", "3.12", "-q", "-p", prefix)
    if kind == "replay":
        conda_in_process(*words, "--save-plan", tmp_path / "plan").ok()
        words = ("torch-install", "--plan", tmp_path / "plan", "-q", "-p", prefix)

    def fresh():
        shutil.rmtree(prefix, ignore_errors=True)
        if there:
            prefix.mkdir()
            (prefix / "thesis.txt").write_text("mine")

    fresh()
    unharmed = signalled((*words, "-y"), prefix, {}, scratch)
    assert unharmed.rc == 0, unharmed.said
    for number in range(8):
        fresh()
        at = unharmed.changes - 2 * number
        done = signalled((*words, "-y"), prefix, {at: signal.SIGTERM}, scratch)
        assert "Traceback" not in done.said
        left = [path for path in prefix.rglob("*") if path.is_file()]
        if whole(prefix) and len(records(prefix)) > 0:
            continue  # after the last change
        assert left == ([prefix / "thesis.txt"] if there else []), (at, done)
        assert prefix.exists() == there
    shutil.rmtree(prefix, ignore_errors=True)


def test_a_creation_that_was_killed_is_said_to_be_one(at_server, conda_in_process, tmp_path):
    """Conda advises `conda create`, which then says that the folder exists."""
    prefix = tmp_path / "new"
    words = (*FORGE, "--python", "3.12", "-y", "-q", "-p", prefix)
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "lib").mkdir()
    refused = conda_in_process(*words)
    assert isinstance(refused.error, HalfMade)
    conda_in_process(*words, "--dry-run").ok()
    shutil.rmtree(prefix)  # its next step
    conda_in_process(*words).ok()
    assert whole(prefix)


TEMPORARY = """
import os, signal, sys, tempfile
from conda_torchmirror.handover.interrupts import orderly
number = getattr(signal, sys.argv[1])
if sys.argv[2] == "ignored":
    signal.signal(number, signal.SIG_IGN)
with orderly(), tempfile.NamedTemporaryFile(dir=sys.argv[3]):
    os.kill(os.getpid(), number)
    print("went on", flush=True)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("how", ["heard", "ignored"])
def test_a_command_that_is_told_to_end_leaves_no_temporary_file(tmp_path, name, how):
    """As `torch-mirror cache --check` left the index that it unpacks; `nohup` stays in force."""
    words = [sys.executable, "-c", TEMPORARY, name, how, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ("KeyboardInterrupt" in done.stderr) is (how == "heard")
    assert done.stdout == ("" if how == "heard" else "went on\n")
    assert not list(tmp_path.iterdir())
