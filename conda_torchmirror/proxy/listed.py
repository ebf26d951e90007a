"""Sizes and hashes of files, read from the indexes and pages in a cache, for `cache --check`.

An index is decompressed into a file and read one record at a time, because conda-forge's has
400 MB. Pages of links are small.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Collection, Mapping
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

_LINK = re.compile(r"""href\s*=\s*["']([^"'#]+)#sha256=([0-9a-f]{64})""", re.IGNORECASE)


def of_index(
    file: Path, body: int, *, packed: bool, wanted: Collection[str], walk: Walk
) -> Records | None:
    """Return the records of the `wanted` files from an index whose content begins at byte `body`.
    None if it is not an index; nothing for one that is too large or lacks a library to unpack it.

    Raises: OSError.
    """
    found: dict[str, Any] = {}

    def keep(name: str, record: Any) -> None:
        if name in wanted:
            found[name] = record

    try:
        with file.open("rb") as opened, tempfile.NamedTemporaryFile(suffix=".json") as plain:
            opened.seek(body)
            source = _unpacking(opened) if packed else opened
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


def _unpacking(packed: BinaryIO) -> Any:
    """Decompress with the module that conda itself uses, which differs between 24.7 and 26.7; each
    can read a given number of bytes. Raises: ImportError if there is none."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name).ZstdFile(packed)
        except ImportError:
            continue
    return import_module("zstandard").ZstdDecompressor().stream_reader(packed)


def of_page(page: str, form: str, content: bytes) -> dict[str, str]:
    """Return the SHA-256 of each file that a page links to, by the file's path in the cache. `page`
    is the path of the page, `form` is json or html."""
    if len(content) > LARGEST_PAGE:
        return {}
    text = content.decode("utf-8", "replace")
    if form == "html" or not text.lstrip().startswith("{"):
        links = [(unescape(link), digest) for link, digest in _LINK.findall(text)]
    else:
        try:
            files = json.loads(text).get("files", ())
            links = [(file["url"], file["hashes"]["sha256"]) for file in files if file["hashes"]]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return {}
    found = {}
    for link, digest in links:
        if isinstance(link, str) and "://" not in link:
            found[unquote(urljoin(page, link))] = digest
    return found
