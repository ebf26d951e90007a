"""Reading the records of a few names from conda's cached index, memory-mapped and scanned (`scan`).

The positions of the wanted records are remembered in a small file beside the index, so that an
unchanged index need not be scanned again.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

from ...envfiles.file_io import write_file
from .scan import SECTIONS, Places, Walk, broken, scan

#: The suffix of the file of remembered positions, and the version of its format.
_SUFFIX, _FORMAT = ".torchmirror", 1


def read(path: Path, names: Collection[str]) -> dict[str, Any]:
    """Read an index, reduced to the records of these names and the top-level keys in `KEPT`.

    Raises: BrokenIndex; OSError if the file cannot be read.
    """
    wanted = frozenset(names)
    with path.open("rb") as file, _mapped(file) as data:
        stat = os.fstat(file.fileno())
        stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        kept = path.with_suffix(_SUFFIX)
        found = _recall(kept, stamp, wanted, data)
        if found is None:
            places = scan(data, wanted)
            found = _decoded(data, places)
            _remember(kept, stamp, wanted, places)
    return {
        key: {fn: record for fn, record in value.items() if record["name"] in wanted}
        if key in SECTIONS and isinstance(value, dict)
        else value
        for key, value in found.items()
    }


def walk(path: Path, visit: Callable[[str, Any], None]) -> dict[str, Any]:
    """Call `visit` with the key and value of every record, one record in memory at a time.

    Both values of a duplicate key are visited. Returns the rest of the index, as `read` does, with
    empty sections. Raises: BrokenIndex; OSError if the file cannot be read; what `visit` raises.
    """
    with path.open("rb") as file, _mapped(file) as data:
        places = Walk(data, visit).document()
        return _decoded(data, places)


@contextmanager
def _mapped(file: BinaryIO) -> Iterator[mmap.mmap]:
    try:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError as error:  # an empty file cannot be mapped
        raise broken(0) from error
    with data:
        yield data


def _decoded(data: mmap.mmap, places: Places) -> dict[str, Any]:
    """Parse the places of a file as an index. Raises: BrokenIndex."""
    try:
        return _decode(data, places)
    except ValueError as error:  # no UTF-8
        raise broken(0) from error


def _decode(data: mmap.mmap, places: Places) -> dict[str, Any]:
    """Parse the places of a file as one document. Raises: ValueError."""
    parts = [b'"%s":%s' % (key.encode(), data[a:b]) for key, (a, b) in places.values.items()]
    for key, spans in places.sections.items():
        members = b",".join([data[a:b] for a, b in spans])
        parts.append(b'"%s":{%s}' % (key.encode(), members))
    found: dict[str, Any] = json.loads((b"{%s}" % b",".join(parts)).decode("utf-8"))
    return found


# Remembered places


def _recall(
    kept: Path, stamp: list[int], wanted: frozenset[str], data: mmap.mmap
) -> dict[str, Any] | None:
    """The index at the remembered places; None if these are not of this file or lack any of the
    names, or if other records are there now."""
    try:
        check, _, content = kept.read_bytes().partition(b" ")
        if int(check) != crc32(content):
            return None
        known = json.loads(content)
        names = frozenset(known["names"])
        if known["format"] != _FORMAT or known["stamp"] != stamp or not wanted <= names:
            return None
        found = _decode(data, Places(known["values"], known["sections"]))
        counts = {key: len(spans) for key, spans in known["sections"].items()}
        for key, count in counts.items():
            if len(found[key]) != count or any(r["name"] not in names for r in found[key].values()):
                return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return found


def _remember(kept: Path, stamp: list[int], wanted: frozenset[str], places: Places) -> None:
    """Write the places beside the file, unless that is impossible (a read-only folder)."""
    known = {"format": _FORMAT, "stamp": stamp, "names": sorted(wanted), **places._asdict()}
    content = json.dumps(known, separators=(",", ":")).encode()
    with suppress(OSError):
        write_file(kept, b"%d %s" % (crc32(content), content))
