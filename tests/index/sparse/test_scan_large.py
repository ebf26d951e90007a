"""Large and broken indexes: as a full parse, or an error."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from support import big_index
from support.index_texts import OTHER, TORCH, WANTED, index, parsed, raw, read, record

from conda_torchmirror.index.sparse import reader, scan


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """A hundred thousand records."""
    path = tmp_path_factory.mktemp("large") / "89abcdef.json"
    assert big_index.write(path, 100_000) == 100_000
    return path


FAMILY = frozenset(big_index.FAMILY)


def test_a_large_index_sorted_and_shuffled(large, tmp_path):
    document = json.loads(large.read_text())
    assert list(document["packages.conda"]) == sorted(document["packages.conda"])
    expected = parsed(large.read_bytes(), FAMILY)
    assert len(expected["packages.conda"]) > 700
    large.with_suffix(".torchmirror").unlink(missing_ok=True)
    assert reader.read(large, FAMILY) == expected
    for key in scan.SECTIONS:
        members = list(document[key].items())
        random.Random(7).shuffle(members)
        document[key] = dict(members)
    content = json.dumps(document, separators=(",", ":")).encode()
    assert read(tmp_path, content, FAMILY) == expected


def test_truncations_of_a_large_index(large, tmp_path):
    """Anywhere, and at and around every boundary of the structure."""
    content = large.read_bytes()
    size = len(content)
    places = {size * n // 201 for n in range(201)}
    for mark in (b'"packages":{', b'},"packages.conda":{', b'},"removed"', b'"repodata_version"'):
        at = content.index(mark)
        places.update(range(at - 2, at + len(mark), 2))
    places.update(range(size - 24, size))
    assert len(places) >= 250
    path = tmp_path / "0123abcd.json"
    path.write_bytes(content)
    for place in sorted(places, reverse=True):
        os.truncate(path, place)
        with pytest.raises(scan.BrokenIndex):
            reader.read(path, FAMILY)
    assert not path.with_suffix(".torchmirror").exists()


BROKEN = {
    "nothing": b"",
    "a list": b"[1, 2]",
    "null": b"null",
    "a page": b"<!DOCTYPE html><html></html>",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "two documents": b'{"packages":{}}{"packages":{}}',
    "a comma too many": raw(f'"pytorch-1-0.conda":{TORCH},'),
    "no comma": raw(f'"a.conda":{OTHER} "pytorch-1-0.conda":{TORCH}'),
    "a hole": raw(f'"a.conda":{OTHER}').replace(b"sha256", b"\0" * 6),
    "no UTF-8 in a wanted record": raw(f'"pytorch-1-0.conda":{TORCH}').replace(
        b"ytorch-b", b"\xff"
    ),
    "deep": b'{"packages":' + b"[" * 200_000,
    "deep in a wanted record": b'{"packages":{"pytorch-1-0.conda":' + b"[" * 200_000,
    "a wanted record with a number of 9,999 digits": raw(
        '"pytorch-1-0.conda":{"name":"pytorch","size":' + "9" * 9999 + "}"
    ),
}


@pytest.mark.parametrize("way", BROKEN)
def test_what_is_no_index(tmp_path, way):
    with pytest.raises(scan.BrokenIndex):
        read(tmp_path, BROKEN[way])


def test_what_is_not_asked_for_is_walked_through(tmp_path):
    many = {f"x-{n}": {"a": ['}"', "{", "\\", n], "b": {"name": "pytorch"}} for n in range(60_000)}
    document = {"signatures": many, **index(WANTED), "v3": many, "info": {"subdir": "noarch"}}
    content = json.dumps(document).encode()
    assert len(json.dumps(many)) > scan._PARSED
    assert read(tmp_path, content) == parsed(content)
    for place in (len(content) // 9, len(content) // 4, len(content) * 8 // 9):
        with pytest.raises(scan.BrokenIndex):
            read(tmp_path, content[:place])


def test_a_record_larger_than_any_window(tmp_path):
    depends = [f"x{n} >=1.{n}" for n in range(9000)]
    content = json.dumps(index(("pytorch-1.0-0.conda", record("pytorch", zz=depends)))).encode()
    assert read(tmp_path, content) == parsed(content)
