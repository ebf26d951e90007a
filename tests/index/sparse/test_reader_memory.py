"""Places that are remembered of an index count only for that very file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from support.index_texts import NAMES, WANTED, index, parsed

from conda_torchmirror.index.sparse import reader


@pytest.fixture
def remembered(tmp_path, monkeypatch):
    """A file that was read once; a second scan fails the test."""
    path = tmp_path / "0123abcd.json"
    path.write_text(json.dumps(index(WANTED)))
    reader.read(path, NAMES)
    monkeypatch.setattr(reader, "scan", lambda *_: pytest.fail("scanned again"))
    return path


def test_an_unchanged_file_is_not_scanned_again(remembered):
    assert reader.read(remembered, NAMES) == parsed(remembered.read_bytes())
    fewer = frozenset(("libtorch",))
    assert reader.read(remembered, fewer) == parsed(remembered.read_bytes(), fewer)


def _touch(path: Path) -> None:
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))


def _rewrite(path: Path) -> None:
    """Other content of the same size and time, in the same file."""
    stat = path.stat()
    with path.open("r+") as file:
        content = file.read().replace('"pytorch"', '"quytorc"')
        file.seek(0)
        file.write(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _replace(path: Path) -> None:
    """Another file of the same size and time."""
    stat = path.stat()
    new = path.with_name("new")
    new.write_bytes(path.read_bytes())
    os.utime(new, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    new.replace(path)


def _kept(content: str) -> Any:
    return lambda path: path.with_suffix(".torchmirror").write_text(content)


CHANGES: dict[str, Any] = {
    "touched": _touch,
    "another record in its place": _rewrite,
    "another file": _replace,
    "longer": lambda path: path.write_text(path.read_text() + "\n"),
    "nothing remembered": lambda path: path.with_suffix(".torchmirror").unlink(),
    "an empty memory": _kept(""),
    "half a memory": _kept('{"format":1,"stamp":['),
    "a memory of something else": _kept("[]"),
    "a folder for a memory": lambda path: (
        path.with_suffix(".torchmirror").unlink(),
        path.with_suffix(".torchmirror").mkdir(),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_is_scanned_again(tmp_path, change):
    path = tmp_path / "0123abcd.json"
    path.write_text(json.dumps(index(WANTED)))
    reader.read(path, NAMES)
    CHANGES[change](path)
    assert reader.read(path, NAMES) == parsed(path.read_bytes())
    assert not list(tmp_path.glob("*~"))


def test_a_memory_that_is_wrong_somewhere(tmp_path):
    path = tmp_path / "0123abcd.json"
    path.write_text(json.dumps(index(WANTED)))
    reader.read(path, NAMES)
    kept = path.with_suffix(".torchmirror")
    good = kept.read_bytes()
    for place in range(len(good)):
        kept.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        assert reader.read(path, NAMES) == parsed(path.read_bytes()), place


@pytest.mark.parametrize("field", ["values", "sections", "names", "stamp", "format"])
def test_a_memory_of_another_form(tmp_path, field):
    path = tmp_path / "0123abcd.json"
    path.write_text(json.dumps(index(WANTED)))
    reader.read(path, NAMES)
    kept = path.with_suffix(".torchmirror")
    known = json.loads(kept.read_bytes().partition(b" ")[2])
    for wrong in (None, {"packages": [[0, 5]]}, {"info": [3, 10**15]}, "x", 7):
        content = json.dumps({**known, field: wrong}).encode()
        kept.write_bytes(b"%d %s" % (crc32(content), content))
        assert reader.read(path, NAMES) == parsed(path.read_bytes()), wrong


def test_other_names_are_scanned_for(tmp_path):
    path = tmp_path / "0123abcd.json"
    path.write_text(json.dumps(index(WANTED)))
    reader.read(path, ("libtorch",))
    assert reader.read(path, NAMES) == parsed(path.read_bytes())


def test_a_folder_that_cannot_be_written_to(tmp_path):
    if os.name == "nt" or os.geteuid() == 0:
        pytest.skip("nobody can be kept from writing here")
    path = tmp_path / "0123abcd.json"
    path.write_text(json.dumps(index(WANTED)))
    tmp_path.chmod(0o500)
    try:
        assert reader.read(path, NAMES) == parsed(path.read_bytes())
    finally:
        tmp_path.chmod(0o700)
