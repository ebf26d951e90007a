"""What indexes and pages that a cache has kept say of files: sizes and hashes, for `cache --check`.

An index is unpacked into a file and walked through one record at a time, since conda-forge's has
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

#: Bytes of an index and of a page, unpacked, beyond which they are not read.
LARGEST, LARGEST_PAGE = 2_000_000_000, 32_000_000
_BLOCK = 2**20

#: Gives every record of an index in a file to a function, with its key; ValueError for what is no
#: index. It is handed in, as reading indexes is not this package's.
Walk = Callable[[Path, Callable[[str, Any], None]], object]
#: Records by the name of the file.
Records = Mapping[str, Any]

_LINK = re.compile(r"""href\s*=\s*["']([^"'#]+)#sha256=([0-9a-f]{64})""", re.IGNORECASE)


def of_index(
    file: Path, body: int, *, packed: bool, wanted: Collection[str], walk: Walk
) -> Records | None:
    """The records of these files in an index whose content begins at the byte `body`; None where
    it is none. Of one that cannot be read here, for want of a library or of bounds, nothing.

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
    except Exception:  # of zstandard, or of what is no index
        return None
    return found


def _unpacking(packed: BinaryIO) -> Any:
    """By what conda itself has for it, which is another module on 24.7 than on 26.7; either reads
    as much as it is asked for. Raises: ImportError."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name).ZstdFile(packed)
        except ImportError:
            continue
    return import_module("zstandard").ZstdDecompressor().stream_reader(packed)


def of_page(page: str, form: str, content: bytes) -> dict[str, str]:
    """The hashes of the files that a page links to, by their paths here. `page` is its path, and
    `form` json or html."""
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
