"""Sizes and hashes of files, read from the indexes and pages in a cache, for `cache --check`.

An index is decompressed into a file and read one record at a time, because conda-forge's has
400 MB. Pages of links are small.
"""

from __future__ import annotations

import errno
import json
import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urljoin

#: Upper limits in bytes for a decompressed index and for a page; larger ones are not read.
LARGEST, LARGEST_PAGE = 2_000_000_000, 32_000_000
_BLOCK = 2**20

#: Calls a function with the key and the record of each entry of an index file; raises ValueError if
#: it is not an index. A parameter, because reading indexes is another package's task.
Walk = Callable[[Path, Callable[[str, Any], None]], object]
#: Records by the name of the file.
Records = Mapping[str, Any]

#: What tells a page of links without any link from a page that blocks: the mark of PEP 629, and the
#: heading that the official sites and most mirrors write.
_MARKS = re.compile(r"pypi:repository-version|<(?:title|h1)>\s*Links for ", re.IGNORECASE)
_FILE = re.compile(r"""href\s*=\s*["'][^"'#]+\.(?:whl|tar\.gz|zip)["'#]""", re.IGNORECASE)
_LINK = re.compile(r"""href\s*=\s*["']([^"'#]+)#sha256=([0-9a-f]{64})""", re.IGNORECASE)


class NoRoom(OSError):
    """No temporary file can be written; `filename` is the folder, None if there is none at all."""


def of_index(
    file: Path, body: int, *, packed: bool, wanted: Collection[str], walk: Walk
) -> Records | None:
    """Return the records of the `wanted` files from an index whose content begins at byte `body`.
    None if it is not an index; nothing for one that is too large or lacks a library to unpack it.

    Raises: OSError if the file cannot be read, NoRoom.
    """
    found: dict[str, Any] = {}

    def keep(name: str, record: Any) -> None:
        if name in wanted:
            found[name] = record

    try:
        with file.open("rb") as opened:
            opened.seek(body)
            source = _unpacking(opened) if packed else opened
            with _temporary() as plain:
                size = 0
                while block := source.read(_BLOCK):
                    if (size := size + len(block)) > LARGEST:
                        return {}
                    plain.write(block)
                plain.flush()
                walk(Path(plain.name), keep)
    except ImportError:
        return {}
    except OSError:
        raise
    except Exception:  # zstandard has errors of its own, or this is not an index
        return None
    return found


@contextmanager
def _temporary() -> Iterator[Any]:
    """A named temporary file. Raises: NoRoom, unless it is the disk itself that cannot be read."""
    try:
        folder = tempfile.gettempdir()
    except OSError as error:
        raise NoRoom(error.errno, error.strerror) from error
    try:
        with tempfile.NamedTemporaryFile(suffix=".json") as plain:
            yield plain
    except OSError as error:
        if error.errno == errno.EIO:
            raise
        raise NoRoom(error.errno, error.strerror, folder) from error


def _unpacking(packed: BinaryIO) -> Any:
    """Decompress with the module that conda itself uses, which differs between 24.7 and 26.7; each
    can read a given number of bytes. Raises: ImportError if there is none."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name).ZstdFile(packed)
        except ImportError:
            continue
    return import_module("zstandard").ZstdDecompressor().stream_reader(packed)


def of_page(page: str, form: str, content: bytes) -> dict[str, str] | None:
    """Return the SHA-256 of each file that a page links to, by the file's path in the cache. `page`
    is the path of the page, `form` is json or html. None if it is not a page of links, but one that
    blocks, say."""
    if len(content) > LARGEST_PAGE:
        return {}
    text = content.decode("utf-8", "replace")
    if form == "html" or not text.lstrip().startswith("{"):
        if not _FILE.search(text) and not _MARKS.search(text):
            return None
        links = [(unescape(link), digest) for link, digest in _LINK.findall(text)]
    else:
        try:
            files = json.loads(text)["files"]
            links = [(file["url"], file["hashes"]["sha256"]) for file in files if file["hashes"]]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None
    found = {}
    for link, digest in links:
        if isinstance(link, str) and "://" not in link:
            found[unquote(urljoin(page, link))] = digest
    return found
