"""Where an installed wheel came from, as far as that can be proved.

Pip records the address only of a wheel that it was given by address. For others the cache may have
the very file: if what the file says of its content is what is installed, its own address is known.
"""

from __future__ import annotations

import json
import os
import zipfile
from urllib.parse import unquote, urlsplit

from ..index.record_schema import is_url
from ..selection.wheels.link import Link
from ..selection.wheels.name import Refused, parse
from ..text.sanitize import public_url
from . import wheel_cache

#: Most bytes of a RECORD to read; that of torch has 1.5 million.
_LONGEST = 20_000_000


def address(info: str, project: str, version: str) -> str | None:
    """The URL of the wheel that the `.dist-info` folder `info` is from, or None.

    Reads only; never raises for what is in the folder or in the cache.
    """
    return _recorded(info) or _cached(info, project, version)


def _recorded(info: str) -> str | None:
    """The URL that pip recorded (PEP 610), if it is a wheel's, not of this disk."""
    try:
        with open(os.path.join(info, "direct_url.json"), encoding="utf-8") as file:
            url = json.loads(file.read(10_000)).get("url")
    except (OSError, ValueError, RecursionError, AttributeError):
        return None
    if not is_url(url):
        return None
    filename = unquote(urlsplit(url).path.rpartition("/")[2])
    if url.startswith("file:"):
        url = wheel_cache.with_address(Link(filename, url, "")).url
    is_wheel = urlsplit(url).scheme in ("http", "https") and filename.endswith(".whl")
    return public_url(url) if is_wheel else None


def _cached(info: str, project: str, version: str) -> str | None:
    try:
        with open(os.path.join(info, "RECORD"), encoding="utf-8") as file:
            installed = set(file.read(_LONGEST).splitlines())
    except (OSError, ValueError):
        return None
    for link in wheel_cache.links():
        wheel = parse(link) if link.project == project else None
        if wheel is None or isinstance(wheel, Refused) or wheel.full_version != version:
            continue
        known = wheel_cache.with_address(link).url
        content = _content(wheel_cache.path_of(link))
        if known.startswith("http") and content and content <= installed:
            return known
    return None


def _content(path: str) -> set[str]:
    """The files of a wheel with their hashes, without those that are installed elsewhere."""
    try:
        with zipfile.ZipFile(path) as archive:
            (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/RECORD")]
            if archive.getinfo(name).file_size > _LONGEST:
                return set()
            lines = archive.read(name).decode("utf-8").splitlines()
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return set()
    return {line for line in lines if ",sha256=" in line and ".data/" not in line}
