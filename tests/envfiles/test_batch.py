"""Many files, one after the other: each is rewritten in place, and every trouble told."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from support.file_io_fixtures import NEW, OLD, M, disk_full, not_root, posix

from conda_torchmirror.envfiles import file_io
from conda_torchmirror.envfiles.batch import FileResult, Options, exit_code, run, sentence
from conda_torchmirror.mirrors.urls import UnknownMirror

pytest_plugins = ("support.file_io_fixtures",)


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


@posix
@pytest.mark.parametrize("command", ["rewrite", "upstream"])
def test_a_full_disk_is_told_in_words_of_a_file_that_is_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, conda_in_process, command: str
) -> None:
    path = tmp_path / "environment.yml"
    host = {"rewrite": "conda.anaconda.org", "upstream": "mirrors.bfsu.edu.cn/anaconda/cloud"}
    before = f"channels: ['https://{host[command]}/pytorch']\ndependencies: [pytorch]\n"
    path.write_text(before)
    monkeypatch.setattr(os, "fsync", disk_full)
    result = conda_in_process("torch-mirror", command, path)
    assert result.rc == 1
    assert "could not be written and is as it was: its disk is full" in result.words
    assert "Errno" not in result.words
    assert path.read_text() == before
    assert os.listdir(tmp_path) == ["environment.yml"]
