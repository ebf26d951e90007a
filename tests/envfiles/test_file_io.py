"""Files on the disk: in place, whole at any moment, one after the other, and every trouble told."""

from __future__ import annotations

import errno
import io
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import conda_torchmirror
from conda_torchmirror.envfiles import file_io
from conda_torchmirror.envfiles.batch import FileResult, Options, exit_code, run, sentence
from conda_torchmirror.envfiles.file_io import FileTrouble
from conda_torchmirror.mirrors.urls import UnknownMirror

OLD = b"channels:\r\n  - pytorch\r\ndependencies: [a]\r\n"
M = "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud"
NEW = OLD.replace(b"- pytorch", f"- {M}/pytorch".encode())
PACKAGE = str(Path(conda_torchmirror.__file__).parents[1])

posix = pytest.mark.skipif(os.name != "posix", reason="modes, links and kill -9 are POSIX")
not_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "environment.yml"
    file.write_bytes(OLD)
    return file


def one(path: object, *args: object, **options: object) -> FileResult:
    (result,) = run([str(path)], Options(*args, **options))  # type: ignore[arg-type]
    return result


def test_in_place_with_a_backup(path: Path) -> None:
    result = one(path)
    assert (result.status, result.kind) == ("changed", "environment")
    assert path.read_bytes() == NEW
    assert Path(result.backup or "").read_bytes() == OLD
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name, f"{path.name}.bak"]
    assert one(path, "upstream", backup=False).backup is None
    assert path.read_bytes() == OLD


def test_an_unchanged_file_is_not_touched(path: Path) -> None:
    before = path.stat()
    result = one(path, "upstream")
    assert (result.status, result.backup) == ("unchanged", None)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@posix
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o755], ids=oct)
def test_the_mode_stays(path: Path, mode: int) -> None:
    path.chmod(mode)
    result = one(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert stat.S_IMODE(Path(result.backup or "").stat().st_mode) == mode


@posix
def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.yml"
    link.symlink_to(Path("..") / path.name)
    result = one(link)
    assert link.is_symlink()
    assert path.read_bytes() == link.read_bytes() == NEW
    assert Path(result.backup or "") == path.with_name("environment.yml.bak")


@pytest.mark.parametrize("option", ["check", "diff"])
def test_looking_writes_nothing(path: Path, option: str) -> None:
    options = Options(**{option: True})  # type: ignore[arg-type]
    results = run([str(path)], options)
    assert results[0].status == "would_change"
    assert exit_code(results, options) == (1 if option == "check" else 0)
    assert path.read_bytes() == OLD
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    again = run([str(path)], Options("upstream", **{option: True}))  # type: ignore[arg-type]
    assert exit_code(again, options) == 0


def test_the_diff(tmp_path: Path) -> None:
    path = tmp_path / "e.yml"
    lines = [f"# {n}" for n in range(20)]
    lines[5:5] = ["channels:", "- pytorch"]
    path.write_text("\n".join([*lines, "dependencies:", f"- {M[:-6]}/cloud/pytorch::a"]))
    assert one(path, "upstream", diff=True).diff == (
        f"--- {path}",
        f"+++ {path}",
        "@@ -21,4 +21,4 @@",
        " # 18",
        " # 19",
        " dependencies:",
        f"-- {M}/pytorch::a",
        "\\ No newline at end of file",
        "+- https://conda.anaconda.org/pytorch::a",
        "\\ No newline at end of file",
    )
    assert [line for line in one(path, diff=True).diff if line[:2] == "@@"] == ["@@ -4,7 +4,7 @@"]


@posix
def test_the_diff_can_be_applied(path: Path) -> None:
    body = "".join(f"- a{n}\n" for n in range(30))
    path.write_text(f"channels:\n- pytorch\n- nvidia\n- rdkit\ndependencies:\n{body}- {M}/a::b\n")
    text = "\n".join(one(path, diff=True).diff) + "\n"
    expected = one_as_filter(path.read_bytes())
    done = subprocess.run(
        ["patch", str(path)], input=text.encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert path.read_bytes() == expected


def one_as_filter(data: bytes) -> bytes | None:
    (result,) = run(["-"], Options(), stdin=io.BytesIO(data))
    return result.data


def test_standard_input_is_a_filter() -> None:
    assert one_as_filter(OLD) == NEW
    junk = b"\x00\x01"
    (result,) = run(["-"], Options(), stdin=io.BytesIO(junk))
    assert (result.status, result.data) == ("failed", junk)


def test_the_document_is_plain_json(path: Path) -> None:
    (result,) = run([str(path)], Options(diff=True))
    document = json.loads(json.dumps(result.document))
    assert document["edits"][0] == {
        "start": 15,
        "end": 22,
        "line": 2,
        "old": "pytorch",
        "new": f"{M}/pytorch",
    }
    assert document["error"] is None
    assert document["diff"]


# Trouble


def _trouble(kind: str, tmp_path: Path) -> Path:
    path = tmp_path / "x.yml"
    match kind:
        case "folder":
            path.mkdir()
        case "too_large":
            path.write_bytes(b"#" * (file_io.MAX_SIZE + 1))
        case "read_only":
            path.write_bytes(OLD)
            path.chmod(0o444)
        case "dangling_link":
            path.symlink_to("nowhere")
        case "unreadable":
            path.symlink_to(path)
        case "not_a_file":
            os.mkfifo(path)
        case "backup_is_folder":
            path.write_bytes(OLD)
            (tmp_path / "x.yml.bak").mkdir()
        case "binary":
            path.write_bytes(bytes(range(256)))
        case _:
            pass
    return path


@posix
@pytest.mark.parametrize(
    "kind",
    [
        "missing",
        "folder",
        "too_large",
        "read_only",
        "dangling_link",
        "unreadable",
        "not_a_file",
        "backup_is_folder",
        "binary",
    ],
)
def test_trouble_with_one_file_is_told_and_the_others_are_done(
    kind: str, tmp_path: Path, path: Path
) -> None:
    options = Options()
    bad, good = run([str(_trouble(kind, tmp_path)), str(path)], options)
    assert (bad.status, good.status) == ("failed", "changed")
    assert bad.error is not None
    code = "not_unicode" if kind == "binary" else kind
    assert bad.error.code in (code, "binary")
    assert sentence(bad.error)
    assert exit_code((bad, good), options) == 1
    assert path.read_bytes() == NEW


@posix
@not_root
def test_a_read_only_folder_is_told(path: Path) -> None:
    path.parent.chmod(0o555)
    try:
        result = one(path)
    finally:
        path.parent.chmod(0o755)
    assert result.error is not None
    assert result.error.code == "folder_read_only"


def test_a_bad_mirror_is_told_before_any_file(path: Path) -> None:
    with pytest.raises(UnknownMirror):
        run([str(path)], Options(preference=("tunna",)))
    assert path.read_bytes() == OLD


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


def _disk_full(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@posix
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(OLD)
    file_io.write_folder(tmp_path / "plan", {"a": "1"})
    monkeypatch.setattr(os, "fsync", _disk_full)
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


@posix
@pytest.mark.parametrize("command", ["rewrite", "upstream"])
def test_a_full_disk_is_told_in_words_of_a_file_that_is_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, conda_in_process, command: str
) -> None:
    path = tmp_path / "environment.yml"
    host = {"rewrite": "conda.anaconda.org", "upstream": "mirrors.bfsu.edu.cn/anaconda/cloud"}
    before = f"channels: ['https://{host[command]}/pytorch']\ndependencies: [pytorch]\n"
    path.write_text(before)
    monkeypatch.setattr(os, "fsync", _disk_full)
    result = conda_in_process("torch-mirror", command, path)
    assert result.rc == 1
    assert "could not be written and is as it was: its disk is full" in result.words
    assert "Errno" not in result.words
    assert path.read_text() == before
    assert os.listdir(tmp_path) == ["environment.yml"]
