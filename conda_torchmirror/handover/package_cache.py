"""Conda's package cache: looking up packages, and adding those that are missing.

Conda identifies a cached package by its channel's name, which it derives from the URL that the
package came from. For a mirror other than the present one, that name is the URL itself, and the
package would be downloaded again. `alias_mirrored` corrects that in this process's memory only; the
files stay as they are, and conda still compares size and md5 with the index before using a package.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from io import StringIO
from logging import getLogger
from typing import Any

from conda.base.context import context
from conda.common.url import path_to_url
from conda.core import index
from conda.core.package_cache_data import PackageCacheData, ProgressiveFetchExtract
from conda.exceptions import PackagesNotFoundError
from conda.models.channel import Channel
from conda.models.records import PackageCacheRecord

from ..exceptions.channel import PackagesNotCached
from ..index.repodata import validate
from ..mirrors import addresses
from ..mirrors.registry import Route
from .transaction import damaged

log = getLogger(__name__)

_CHUNK = 1 << 20  # bytes
_SHOWN = 5  # names in an error
#: The file in what conda says of an address that it does not fetch offline.
_FILE = re.compile(r"/([^/\s]+\.(?:conda|tar\.bz2))[.\s]")
#: What has a meaning in an address, which conda's own function leaves as it is: a file in a folder
#: named C# or 50%25 was looked for elsewhere. Other than on Windows, a backslash is part of a name.
_MEANING = re.compile(r"[%#?\x00-\x1f]" if os.name == "nt" else r"[%#?\\\x00-\x1f]")


def alias_mirrored(routes: Iterable[Route]) -> int:
    """Reload conda's package caches, and add a record under the channel's name for every package
    that came from one of the routes or from a known mirror. Return the number of added records."""

    known = {f"{route.url.rstrip('/')}/": route.channel for route in routes}
    count = 0
    for folder in context.pkgs_dirs:
        try:
            cache = PackageCacheData(folder).reload()
            for record in tuple(cache.values()):
                name = _channel(str(record.get("url") or ""), known)
                if name is not None and record.channel.canonical_name != name:
                    twin = PackageCacheRecord.from_objects(record, channel=Channel(name))
                    cache._package_cache_records.setdefault(twin, twin)
                    count += 1
        except Exception as error:  # an optimization: without it packages are downloaded again
            log.debug("packages of %s not adopted: %r", folder, error)
    return count


def _channel(url: str, known: dict[str, str]) -> str | None:
    for prefix, name in known.items():
        if url.startswith(prefix):
            return name
    found = addresses.split(url)
    return found.identified.channel if found is not None else None


def lacking(error: BaseException, command: Sequence[str]) -> PackagesNotCached | None:
    """The error for packages that an offline run does not have, in the place of conda's: that no
    channel has them (conda 24.7), or that it would not fetch them, once for each. None for any
    other."""
    if not context.offline:
        return None
    errors = getattr(error, "errors", None) or [error]
    # Of several, another one would not be told: a damaged file, or a full disk.
    if all(type(one).__name__ == "OfflineError" for one in errors):  # not in conda 24.7
        names = {found[1] for one in errors if (found := _FILE.search(str(one)))}
    elif isinstance(error, PackagesNotFoundError) and _reads_cache_alone():
        names = {str(spec) for spec in getattr(error, "_kwargs", {}).get("packages", ())}
    else:
        return None
    # The builds that were chosen are named first; conda writes their specs with one `=` more.
    exact = [word for word in command if word.count("=") == 2 and word[:1] != "-"]
    first = tuple(f for w in exact for f in (w.replace("=", "-"), w.replace("=", "==", 1)))
    rest = sorted(names, key=lambda name: (not name.startswith(first), name))
    shown = rest[:_SHOWN] + ["..."] * (len(rest) > _SHOWN)
    return PackagesNotCached(files=", ".join(shown)) if names else None


def _reads_cache_alone() -> bool:
    """Whether conda's solver leaves the index of every channel out offline, and has nothing but the
    package cache. Conda's class for a reduced index came when it no longer did; where it reads an
    index, what it does not find is in no channel."""
    return context.solver == "classic" and not hasattr(index, "ReducedIndex")


def check_allowed(records: Iterable[Any]) -> None:
    """Enforce allowlist_channels and denylist_channels, which conda ignores for explicit files.

    Raises: conda's ChannelNotAllowed or ChannelDenied.
    """
    validate(sorted({record.channel.base_url for record in records}))


def cached(record: Any) -> Any | None:
    """The package cache's record of exactly this file, or None if it is not cached.

    Hashes and size must be equal where both records have them.
    """

    for folder in context.pkgs_dirs:
        found = PackageCacheData(folder).get(record, None)
        if found is None or not found.get("url"):
            continue
        same = all(
            not record.get(key) or not found.get(key) or record.get(key) == found.get(key)
            for key in ("sha256", "md5", "size")
        )
        if same and (found.is_extracted or found.is_fetched):
            return found
    return None


def find_brought(records: Iterable[Any], folder: str) -> dict[Any, str]:
    """The paths, by record, of package files that a download manager left.

    Looks in `folder` and in the package cache, where conda itself could not tell which channel such
    a file belongs to. A file counts only with the size and hash of its record.
    """
    found = {}
    for record in records:
        for place in (folder, PackageCacheData.first_writable().pkgs_dir):
            path = os.path.join(place, os.path.basename(record.fn))
            if record not in found and _is_file_of(path, record):
                found[record] = path
    return found


def archives(records: Iterable[Any]) -> tuple[dict[str, str], list[str]]:
    """The paths, by file name, of the archives of cached packages, and the file names of those that
    are not cached or do not match their record."""
    found: dict[str, str] = {}
    lacking: list[str] = []
    for record in records:
        there = cached(record)
        path = str(there.package_tarball_full_path) if there is not None else ""
        if _is_file_of(path, record):
            found[os.path.basename(record.fn)] = path
        else:
            lacking.append(str(record.fn))
    return found, lacking


def _is_file_of(path: str, record: Any) -> bool:
    algorithm = "sha256" if record.get("sha256") else "md5"
    expected = record.get(algorithm)
    try:
        if not expected or os.path.getsize(path) != record.get("size", os.path.getsize(path)):
            return False
        return digest(path, algorithm) == expected
    except OSError:
        return False


def fetch(
    records: Sequence[Any],
    files: Mapping[Any, str] | None = None,
    urls: Mapping[Any, str] | None = None,
    *,
    quiet: bool = False,
) -> None:
    """Add missing packages to conda's package cache, from `files` or by download: from `urls`, else
    from the URL of the record.

    Takes records rather than URLs as in an explicit file: they keep the channel's metadata, which
    may correct that of the package itself, and every conda checks their sha256. `quiet` shows no
    progress.

    Raises: CondaMultiError.
    """

    job = ProgressiveFetchExtract(records)
    job.prepare()
    for record, (download, _) in job.paired_actions.items():
        if download is not None and files and record in files:
            download.url = _address(files[record], download.target_full_path)
        elif download is not None and urls and record in urls:
            download.url = urls[record]
    with redirect_stdout(StringIO()) if quiet else nullcontext(), damaged.told():
        job.execute()


def url_of(path: str) -> str:
    """The `file:` URL of a path, of which conda's `url_to_path` and pip make that path again."""
    escaped = _MEANING.sub(lambda found: f"%{ord(found[0]):02X}", os.path.abspath(path))
    url: str = path_to_url(escaped)
    return url


def _address(path: str, target: str) -> str:
    """The address of a file that conda is to take for a package. One that is where conda would put
    it is known to it by the address that conda makes of that path itself."""
    return (
        str(path_to_url(target))
        if os.path.realpath(path) == os.path.realpath(target)
        else url_of(path)
    )


def digest(path: str, algorithm: str) -> str:
    """The hexadecimal hash of a file. Unlike conda's own function, computes md5 under FIPS too.

    Raises: OSError.
    """
    computed = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            computed.update(chunk)
    return computed.hexdigest()
