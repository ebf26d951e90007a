"""What nginx has kept, held against the indexes that it has kept: `cache --check`.

A file of nginx's cache has a binary head, a line `KEY: ...`, the header of the answer and its body
(ngx_http_file_cache.c, 1.22). A package lies there in ranges, each with a key of its own. Reads
files, and touches nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

_KEY = re.compile(
    rb"\nKEY: (?P<way>/next)?(?P<path>/anaconda/[^\n]*?)(?:bytes=(?P<first>\d+)-\d+)?\n"
)
_RANGE = re.compile(rb"content-range: bytes \d+-\d+/(\d+)", re.IGNORECASE)
#: Bytes of a file's head within which the key and the header of the answer are.
_HEAD = 65536
#: Bytes of an index beyond which it is not read: conda-forge's have 400 MB.
LARGEST = 2_000_000_000
_INDEXES = ("repodata.json", "current_repodata.json", "repodata.json.zst")


class Piece(NamedTuple):
    """A file of the cache: a range of a file of the mirrors that begins at `first`, whose body
    begins at `body` here. `total` are the bytes of the whole, where the answer says it."""

    file: Path
    first: int
    body: int
    total: int | None


class Found(NamedTuple):
    """A package or an index as it is kept on one of the two ways. `fault` is what is wrong: size,
    hash or unreadable; or why nothing can be said: incomplete, unlisted, no_index; "" for a right
    one."""

    path: str
    way: str
    pieces: tuple[Piece, ...]
    fault: str = ""

    @property
    def wrong(self) -> bool:
        """Whether it must go."""
        return self.fault in ("size", "hash", "unreadable")


def examine(folder: Path) -> list[Found]:
    """Everything that is kept in a folder, with what the indexes there say of it."""
    kept = _kept(folder)
    found = []
    indexes: dict[str, Mapping[str, Any]] = {}
    for (way, path), pieces in sorted(kept.items()):
        if path.endswith(_INDEXES):
            index = _index(path, pieces)
            found.append(Found(path, way, tuple(pieces), "" if index is not None else "unreadable"))
            if index is not None:
                parent = path.rpartition("/")[0]
                indexes[parent] = {**indexes.get(parent, {}), **index}
    for (way, path), pieces in sorted(kept.items()):
        if path.endswith((".conda", ".tar.bz2")):
            parent, _, name = path.rpartition("/")
            fault = _fault(pieces, name, indexes.get(parent))
            found.append(Found(path, way, tuple(pieces), fault))
    return found


def _kept(folder: Path) -> dict[tuple[str, str], list[Piece]]:
    found: dict[tuple[str, str], list[Piece]] = {}
    for file in folder.rglob("*"):
        if not (file.is_file() and re.fullmatch(r"[0-9a-f]{32}", file.name)):
            continue
        with file.open("rb") as opened:
            head = opened.read(_HEAD)
        key = _KEY.search(head)
        end = head.find(b"\r\n\r\n", key.end()) if key else -1
        if key is None or end < 0:
            continue
        total = _RANGE.search(head, key.end(), end)
        piece = Piece(
            file, int(key["first"] or 0), end + 4, int(total[1]) if total is not None else None
        )
        place = ((key["way"] or b"").decode(), key["path"].decode(errors="replace"))
        found.setdefault(place, []).append(piece)
    for pieces in found.values():
        pieces.sort(key=lambda piece: piece.first)
    return found


def _content(pieces: list[Piece]) -> Iterator[bytes]:
    for piece in pieces:
        with piece.file.open("rb") as opened:
            opened.seek(piece.body)
            while block := opened.read(2**20):
                yield block


def _index(path: str, pieces: list[Piece]) -> Mapping[str, Any] | None:
    """The records of an index by file name, or None where it is none."""
    if sum(piece.file.stat().st_size for piece in pieces) > LARGEST:
        return {}
    data = b"".join(_content(pieces))
    try:
        if path.endswith(".zst"):
            data = _unpacked(data)
        found = json.loads(data)
        return {**found.get("packages", {}), **found.get("packages.conda", {})}
    except ImportError:
        return {}
    except Exception:  # of zstandard or json, or of what is no index
        return None


def _unpacked(data: bytes) -> bytes:
    """By what conda itself has for it, which is another module on 24.7 than on 26.7.

    Raises: ImportError, or what the module raises.
    """
    for name in ("compression.zstd", "backports.zstd"):
        try:
            found = import_module(name)
        except ImportError:
            continue
        return bytes(found.ZstdDecompressor().decompress(data, max_length=LARGEST))
    return bytes(import_module("zstandard").ZstdDecompressor().decompressobj().decompress(data))


def _fault(pieces: list[Piece], name: str, index: Mapping[str, Any] | None) -> str:
    if index is None:
        return "no_index"
    record = index.get(name)
    if not isinstance(record, dict):
        return "unlisted"
    size, known = 0, hashlib.sha256()
    md5 = hashlib.md5(usedforsecurity=False)
    for piece in pieces:
        if piece.first != size:
            return "incomplete"
        for block in _content([piece]):
            size += len(block)
            known.update(block)
            md5.update(block)
    total = next((piece.total for piece in pieces if piece.total is not None), size)
    if size < total:
        return "incomplete"
    if record.get("size") not in (None, size):
        return "size"
    if isinstance(record.get("sha256"), str):
        return "" if record["sha256"] == known.hexdigest() else "hash"
    if isinstance(record.get("md5"), str):
        return "" if record["md5"] == md5.hexdigest() else "hash"
    return "unlisted"
