"""`cache --check`: compare the packages in nginx's cache with the indexes and pages in it.

A file of nginx's cache has a binary head, a line `KEY: ...`, the header of the response and its
body (ngx_http_file_cache.c, 1.22). Its name is the MD5 of the key, which tells it from any other
file; a file still being written has a longer name. A package is cached in ranges, each with a key
of its own. Only regular files below the folder are read, links are not followed, and nothing is
changed.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import listed
from .layout import PYPI, ROOT, WHL

_KEY = re.compile(
    rb"\nKEY: (?P<key>(?P<way>/next)?(?P<path>/anaconda/[^\n]*?)(?:bytes=(?P<first>\d+)-\d+)?)\n"
)
_RANGE = re.compile(rb"\ncontent-range: bytes \d+-\d+/(\d+)", re.IGNORECASE)
_LENGTH = re.compile(rb"\ncontent-length: (\d+)\r", re.IGNORECASE)
#: The response to what no mirror has, which is cached like an index.
_MISSING = re.compile(rb"HTTP/1\.[01] 404 ")
#: Leading bytes of a cache file, within which the key and the header of the response are.
_HEAD = 65536
#: The suffixes of packages, and the paths of pages of links, which end in their format.
_PACKAGES = (".conda", ".tar.bz2", ".whl", ".tar.gz", ".zip")
_PAGE = re.compile(rf"({ROOT}(?:{PYPI}/simple|{WHL})/.+/)(json|html)")
_INDEXES = ("repodata.json", "current_repodata.json", "repodata.json.zst")


class Piece(NamedTuple):
    """A file of the cache: a range, from byte `first`, of a file of the mirrors. In the cache file
    it begins at byte `body`. `total` is the size of the whole and `length` that of the range, in
    bytes; None where the response does not say."""

    file: Path
    first: int
    body: int
    total: int | None
    length: int | None = None

    @property
    def cut(self) -> bool:
        """Whether the body's length is not the announced one, as after a full disk."""
        return self.length is not None and self.file.stat().st_size - self.body != self.length


class Found(NamedTuple):
    """A package or an index as cached on one of the two ways, or a page that is none. `fault` is
    size, hash or unreadable for a wrong one; incomplete, unlisted, no_index or no_access for one
    that cannot be judged; "" for a right one. `pieces` are the cache files to delete if it is
    wrong."""

    path: str
    way: str
    pieces: tuple[Piece, ...]
    fault: str = ""

    @property
    def wrong(self) -> bool:
        """Whether it is known to be wrong and must be deleted."""
        return self.fault in ("size", "hash", "unreadable")


def examine(folder: Path, walk: listed.Walk) -> list[Found]:
    """Judge each package and index cached below `folder` by the indexes and pages cached there.

    Raises: listed.NoRoom.
    """
    kept, closed = _kept(folder)
    found = [Found(str(file), "", (), "no_access") for file in closed]
    names: dict[str, set[str]] = {}
    for _, path in kept:
        if path.endswith(_PACKAGES):
            parent, _, name = path.rpartition("/")
            names.setdefault(parent, set()).add(name)
    # Several by folder, because one index or page may be newer than another.
    indexes: dict[str, list[listed.Records]] = {}
    for (way, path), pieces in sorted(kept.items()):
        parent = path.rpartition("/")[0]
        try:
            if page := _PAGE.fullmatch(path):
                said = listed.of_page(page[1], page[2], b"".join(_content(pieces)))
                if said is None:
                    found.append(Found(path, way, tuple(pieces), "unreadable"))
                for at, digest in (said or {}).items():
                    place, _, name = at.rpartition("/")
                    indexes.setdefault(place, []).append({name: {"sha256": digest}})
            elif path.endswith(_INDEXES):
                index = listed.of_index(
                    pieces[0].file,
                    pieces[0].body,
                    packed=path.endswith(".zst"),
                    wanted=names.get(parent, ()),
                    walk=walk,
                )
                fault = "" if index is not None else "unreadable"
                found.append(Found(path, way, tuple(pieces), fault))
                if index is not None:
                    indexes.setdefault(parent, []).append(index)
        except listed.NoRoom:
            raise
        except OSError:
            found.append(Found(path, way, (), "no_access"))
    for (way, path), pieces in sorted(kept.items()):
        try:
            if path.endswith(_PACKAGES):
                found.append(_package(path, way, pieces, indexes))
        except OSError:  # nginx has deleted it since, or it cannot be read
            found.append(Found(path, way, (), "no_access"))
    return found


def _package(
    path: str, way: str, pieces: list[Piece], indexes: Mapping[str, list[Mapping[str, Any]]]
) -> Found:
    cut = tuple(piece for piece in pieces if piece.cut)
    if cut:
        return Found(path, way, cut, "size")
    parent, _, name = path.rpartition("/")
    return Found(path, way, tuple(pieces), _fault(pieces, name, indexes.get(parent)))


def _kept(folder: Path) -> tuple[dict[tuple[str, str], list[Piece]], list[Path]]:
    """The pieces of each file by way and path, and the files and folders that cannot be read."""
    found: dict[tuple[str, str], list[Piece]] = {}
    closed: list[Path] = []
    for file in _files(folder, closed):
        try:
            with file.open("rb") as opened:
                head = opened.read(_HEAD)
        except FileNotFoundError:  # nginx has deleted it since
            continue
        except OSError:
            closed.append(file)
            continue
        key = _KEY.search(head)
        end = head.find(b"\r\n\r\n", key.end()) if key else -1
        if key is None or end < 0 or _MISSING.match(head, key.end()):
            continue
        if hashlib.md5(key["key"], usedforsecurity=False).hexdigest() != file.name:
            continue
        total, length = (form.search(head, key.end(), end + 1) for form in (_RANGE, _LENGTH))
        piece = Piece(
            file,
            int(key["first"] or 0),
            end + 4,
            int(total[1]) if total is not None else None,
            int(length[1]) if length is not None else None,
        )
        place = ((key["way"] or b"").decode(), key["path"].decode(errors="replace"))
        found.setdefault(place, []).append(piece)
    for pieces in found.values():
        pieces.sort(key=lambda piece: piece.first)
    return found, closed


def _files(folder: Path, closed: list[Path]) -> Iterator[Path]:
    """The regular files below a folder whose names are such as nginx gives. Folders that cannot be
    read are added to `closed`: those of a cache that root has started are open to nobody else."""

    def refused(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            closed.append(Path(error.filename))

    for parent, _, names in os.walk(folder, onerror=refused):
        for name in names:
            file = Path(parent, name)
            if re.fullmatch(r"[0-9a-f]{32}", name) and not file.is_symlink() and file.is_file():
                yield file


def _content(pieces: list[Piece]) -> Iterator[bytes]:
    for piece in pieces:
        with piece.file.open("rb") as opened:
            opened.seek(piece.body)
            while block := opened.read(2**20):
                yield block


def _fault(pieces: list[Piece], name: str, indexes: list[Mapping[str, Any]] | None) -> str:
    """The fault of a package by the indexes that list it: none if it is right by one of them."""
    if not indexes:
        return "no_index"
    listed = (index.get(name) for index in indexes)
    records = [record for record in listed if isinstance(record, Mapping)]
    if not records:
        return "unlisted"
    totals = {piece.total for piece in pieces if piece.total is not None}
    if len(totals) > 1:  # ranges of two different files
        return "size"
    size, sha256 = 0, hashlib.sha256()
    md5 = hashlib.md5(usedforsecurity=False)
    for piece in pieces:
        if piece.first != size:
            return "incomplete"
        for block in _content([piece]):
            size += len(block)
            sha256.update(block)
            md5.update(block)
    if size < max(totals, default=size):
        return "incomplete"
    hashes = {"sha256": sha256.hexdigest(), "md5": md5.hexdigest()}
    faults = [_differs(record, size, hashes) for record in records]
    return "" if "" in faults else faults[0]


def _differs(record: Mapping[str, Any], size: int, hashes: Mapping[str, str]) -> str:
    if record.get("size") not in (None, size):
        return "size"
    for kind, known in hashes.items():
        if isinstance(record.get(kind), str):
            return "" if record[kind].lower() == known else "hash"
    return "unlisted"
