"""A file is whole at any moment: beside other writers, after a kill, on a full disk."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.file_io_fixtures import NEW, OLD, PACKAGE, disk_full, posix

from conda_torchmirror.envfiles import file_io
from conda_torchmirror.envfiles.file_io import FileTrouble

pytest_plugins = ("support.file_io_fixtures",)


def test_another_program_that_writes_meanwhile_is_noticed(path: Path) -> None:
    calls = []

    def change(data: bytes) -> bytes:
        calls.append(data)
        if len(calls) == 1:
            path.write_bytes(b"changed in between")
        return data + b"!"

    file_io.update(path, change)
    assert calls == [OLD, b"changed in between"]
    assert path.read_bytes() == b"changed in between!"


def test_a_file_that_never_rests_is_given_up(path: Path) -> None:
    count = 0

    def change(data: bytes) -> bytes:
        nonlocal count
        count += 1
        path.write_bytes(b"%d" % count)
        return data + b"!"

    with pytest.raises(FileTrouble, match="changes_all_the_time"):
        file_io.update(path, change)
    assert path.read_bytes() == b"%d" % count


# Several runs, and runs that end at once

_APPEND = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from conda_torchmirror.envfiles.file_io import update
for _ in range(10):
    update(Path(sys.argv[2]), lambda data: data + sys.argv[3].encode())
"""


@posix
def test_concurrent_runs_lose_no_change(path: Path) -> None:
    path.write_bytes(b"")
    command = [sys.executable, "-S", "-c", _APPEND, PACKAGE, str(path)]
    runs = [subprocess.Popen([*command, letter]) for letter in "abcd"]
    assert [run.wait(60) for run in runs] == [0] * 4
    content = path.read_text()
    assert {letter: content.count(letter) for letter in "abcd"} == dict.fromkeys("abcd", 10)


_FLIP = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from conda_torchmirror.envfiles.file_io import update
a, b = (bytes([c]) * 300_000 for c in b"ab")
print("ready", flush=True)
while True:
    update(Path(sys.argv[2]), lambda data: b if data == a else a)
"""


@posix
def test_a_kill_at_any_moment_leaves_a_whole_file(path: Path) -> None:
    whole = {bytes([c]) * 300_000 for c in b"ab"}
    path.write_bytes(b"a" * 300_000)
    backup = path.with_name("environment.yml.bak")
    moment = random.Random(4)
    left_behind = 0
    for _ in range(50):
        command = [sys.executable, "-S", "-c", _FLIP, PACKAGE, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(moment.uniform(0, 0.02))
            os.kill(child.pid, signal.SIGKILL)
        assert path.read_bytes() in whole
        if backup.exists():
            assert backup.read_bytes() in whole
        left_behind += len(list(path.parent.glob(".environment.yml.*")))
    # Kills that came while nothing was being written would prove nothing.
    assert left_behind > 0
    file_io.update(path, lambda data: data + b"!")
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name, backup.name]


# Whole files and folders at a path


@posix
@pytest.mark.parametrize(
    ("before", "mode", "after"),
    [(None, None, 0o640), (None, 0o644, 0o644), (0o600, None, 0o600), (0o600, 0o644, 0o644)],
    ids=["umask", "given", "kept", "given over kept"],
)
def test_a_written_file_is_whole_and_has_its_mode(
    tmp_path: Path, before: int | None, mode: int | None, after: int
) -> None:
    path = tmp_path / "x.txt"
    if before is not None:
        path.write_bytes(OLD)
        path.chmod(before)
    mask = os.umask(0o027)
    try:
        file_io.write_file(path, "line\nä\udce9\r\n", mode=mode)
    finally:
        os.umask(mask)
    assert path.read_bytes() == "line\nä\\udce9\r\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == after
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_name_as_long_as_names_may_be(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250)
    for content in (OLD, NEW):
        file_io.write_file(path, content)
        assert path.read_bytes() == content


@posix
def test_writing_follows_a_link_even_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    for content in (OLD, NEW):
        file_io.write_file(tmp_path / "link", content)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "target").read_bytes() == content


@posix
def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        file_io.write_file(tmp_path / "pipe", OLD)
        assert os.read(reader, 1000) == OLD
    finally:
        os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@posix
@pytest.mark.parametrize(
    ("name", "error"),
    [("folder", IsADirectoryError), ("none/x", FileNotFoundError), ("read_only", PermissionError)],
)
def test_what_cannot_be_written_is_an_os_error_that_names_it(
    tmp_path: Path, name: str, error: type[OSError]
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "read_only").write_bytes(OLD)
    (tmp_path / "read_only").chmod(0o444)
    with pytest.raises(error, match=name.partition("/")[0]):
        file_io.write_file(tmp_path / name, NEW)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "read_only"]
    assert (tmp_path / "read_only").read_bytes() == OLD


@posix
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(OLD)
    file_io.write_folder(tmp_path / "plan", {"a": "1"})
    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        file_io.write_file(tmp_path / "file", NEW)
    with pytest.raises(OSError, match="No space"):
        file_io.write_folder(tmp_path / "plan", {"b": "2"})
    assert (tmp_path / "file").read_bytes() == OLD
    assert [path.name for path in (tmp_path / "plan").iterdir()] == ["a"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "plan"]


def test_a_folder_is_replaced_by_the_new_one(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "plan"
    for files in ({"a": "1", "b": b"\xff"}, {"b": "2"}):
        file_io.write_folder(folder, files)
        assert {path.name for path in folder.iterdir()} == set(files)
    assert (folder / "b").read_text() == "2"
    assert list(folder.parent.iterdir()) == [folder]


_WRITE = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from conda_torchmirror.envfiles.file_io import write_file, write_folder
file, folder = Path(sys.argv[2], "file"), Path(sys.argv[2], "plan")
print("ready", flush=True)
while True:
    for letter in "ab":
        write_file(file, letter * 100_000)
        write_folder(folder, {"one": letter, "two": letter})
"""


@posix
def test_a_kill_at_any_moment_leaves_whole_files_and_folders(tmp_path: Path) -> None:
    folder, file = tmp_path / "plan", tmp_path / "file"
    moment = random.Random(5)
    left_behind = 0
    for _ in range(25):
        command = [sys.executable, "-S", "-c", _WRITE, PACKAGE, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(moment.uniform(0.005, 0.03))
            os.kill(child.pid, signal.SIGKILL)
        left_behind += len(list(tmp_path.glob(".*")))
        if file.exists():
            assert file.read_text() in ("a" * 100_000, "b" * 100_000)
        if folder.exists():
            content = {path.name: path.read_text() for path in folder.iterdir()}
            assert set(content) == {"one", "two"}
            assert len(set(content.values())) == 1
    assert left_behind > 0
    file_io.write_file(file, OLD)
    file_io.write_folder(folder, {"one": "c"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "plan"]


@posix
def test_a_folder_that_a_killed_run_took_away_comes_back(tmp_path: Path) -> None:
    beside = tmp_path / ".plan.12345678.torchmirror-tmp"
    (beside / "new").mkdir(parents=True)
    (beside / "old" / "plan").mkdir(parents=True)
    (beside / "old" / "plan" / "one").write_text("old")
    (beside / "old" / "plan.v2").mkdir()
    with pytest.raises(OSError, match="plan"):  # a name that no file can have
        file_io.write_folder(tmp_path / "plan", {"no/where": "new"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan", "plan.v2"]
    assert (tmp_path / "plan" / "one").read_text() == "old"
