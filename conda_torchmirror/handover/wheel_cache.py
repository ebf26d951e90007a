"""Wheels in conda's package cache: beside its own packages, in a folder that conda leaves alone.

Each file has a folder named by its hash, or by its URL if the hash is unknown, because files of the
same name differ between directories of one mirror. Conda's own download function fetches it, which
resumes, compares hash and size, and shows conda's own progress bar.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext, redirect_stdout
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

from conda.base.context import context
from conda.common.path import url_to_path
from conda.core.package_cache_data import PackageCacheData, ProgressiveFetchExtract
from conda.gateways.connection.download import download

from ..envfiles.file_io import copy_whole, write_file
from ..index import record_schema
from ..index.wheels import pages
from ..selection.wheels.link import Link
from ..text.sanitize import public_url
from .package_cache import digest, url_of

FOLDER = "torchmirror-wheels"
#: The file beside a wheel with the metadata of its link.
SAID = "link.json"
_KEPT = ("filename", "variant", "sha256", "requires_python")
_LONGEST = 10_000


def first() -> str:
    """The folder for new files; makes the package cache that it is in.

    Raises: conda's NoWritablePkgsDirError.
    """
    return os.path.join(PackageCacheData.first_writable().pkgs_dir, FOLDER)


def expected() -> str:
    """The folder that `first` would return, without creating anything; the first of `folders` if
    none is writable."""
    for folder in folders():
        place = os.path.dirname(folder)
        while not os.path.isdir(place) and place != os.path.dirname(place):
            place = os.path.dirname(place)
        # On Windows `os.access` is content with any folder; conda tries to write in its own.
        cache = PackageCacheData(os.path.dirname(folder))
        if os.access(place, os.W_OK) and cache.is_writable is not False:
            return folder
    return folders()[0]


def place(link: Link) -> str:
    """The path to which the file of a link would be fetched."""
    return os.path.join(expected(), _key(link), link.filename)


def folders() -> list[str]:
    """The folders that files may be in, existing or not."""
    return [os.path.join(folder, FOLDER) for folder in context.pkgs_dirs]


def links() -> Iterator[Link]:
    """Yield the cached wheels with the metadata of their links; the URLs are those of the files."""
    for folder in folders():
        try:
            entries = sorted(entry.path for entry in os.scandir(folder) if entry.is_dir())
        except OSError:
            continue
        for entry in entries:
            said = _said(entry)
            path = os.path.join(entry, said.filename) if said else ""
            if said and is_file_of(path, said._replace(sha256=None)):
                yield file_link(said, path)


def _said(entry: str) -> Link | None:
    """The validated metadata beside a file, None if invalid: any program may have written it."""
    try:
        with open(os.path.join(entry, SAID), encoding="utf-8") as file:
            found = json.loads(file.read(_LONGEST))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, Mapping):
        return None
    name, variant, sha256 = (found.get(key) for key in ("filename", "variant", "sha256"))
    size, requires, url = (found.get(key) for key in ("size", "requires_python", "url"))
    sound = (
        pages.is_name(name)
        and (url is None or _is_address(url, str(name)))
        and isinstance(variant, str)
        and (variant == "" or pages.VARIANT.fullmatch(variant))
        and (sha256 is None or record_schema.fits("sha256", sha256))
        and (size is None or record_schema.is_count(size, record_schema.SIZE))
        and (requires is None or pages.is_requirement(requires))
    )
    if not sound:
        return None
    return Link(str(name), url or "", str(variant), sha256, size, requires)


def _is_address(url: object, name: str) -> bool:
    """Whether a value is an HTTP URL that ends in the name of the file."""
    if not (isinstance(url, str) and record_schema.is_url(url)):
        return False
    parts = urlsplit(url)
    last = unquote(parts.path.rpartition("/")[2])
    return parts.scheme in ("https", "http") and last == name


def with_address(link: Link) -> Link:
    """Replace the URL of a cached file by the one that it was fetched from, if that is known.

    Returns any other link unchanged.
    """
    if not link.url.startswith("file:"):
        return link
    said = _said(os.path.dirname(path_of(link)))
    known = said is not None and said.filename == link.filename and said.url
    return link._replace(url=known) if known else link


def find(link: Link, *, quickly: bool = False) -> str | None:
    """The path of a link's file on this disk if it is complete, else None; `quickly` compares only
    the size, for a preview."""
    wanted = link._replace(sha256=None) if quickly else link
    if link.url.startswith("file:"):
        path = path_of(link)
        return path if is_file_of(path, wanted) else None
    for folder in folders():
        path = os.path.join(folder, _key(link), link.filename)
        if is_file_of(path, wanted):
            return path
    return None


def is_file_of(path: str, link: Link) -> bool:
    """Whether a file exists with the size and hash of a link, as far as the link has them."""
    try:
        if link.size is not None and os.path.getsize(path) != link.size:
            return False
        known = link.sha256
        return os.path.isfile(path) and (known is None or known == digest(path, "sha256"))
    except OSError:
        return False


def prepared(link: Link) -> str:
    """Make the folder for a file, remove an incomplete copy, and return the file's path.

    Raises: conda's NoWritablePkgsDirError; OSError.
    """
    folder = os.path.join(first(), _key(link))
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, link.filename)
    if os.path.lexists(path):
        os.unlink(path)  # incomplete, or `find` would have found it
    return path


def fetch(link: Link, path: str, name: str, version: str, *, quiet: bool = False) -> str:
    """Download a file to a path of `prepared`, resuming an earlier attempt, and return the path.

    Raises: what conda's download raises; OSError.
    """
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(StringIO()) if quiet else nullcontext())
        update = _progress(SimpleNamespace(name=name, version=version, size=link.size), stack)
        download(
            link.url,
            path,
            sha256=link.sha256,
            size=link.size,
            progress_update_callback=update,
        )
    _say(link, path)
    return path


def adopt(link: Link, path: str) -> str:
    """Take a file of a link that has another name into the cache, and return its path there.

    Raises: conda's NoWritablePkgsDirError; OSError.
    """
    to = prepared(link)
    try:
        os.link(path, to)
    except OSError:  # another disk, or one without hard links
        copy_whole(path, Path(to))
    _say(link, to)
    return to


def _say(link: Link, path: str) -> None:
    said = {name: getattr(link, name) for name in _KEPT}
    said |= {"url": public_url(link.url), "size": os.path.getsize(path)}
    write_file(Path(path).with_name(SAID), json.dumps(said))


def _progress(what: Any, stack: ExitStack) -> Callable[[float], None]:
    """Start conda's progress bar for a download; closing `stack` ends it."""
    arguments: dict[str, Any] = {}
    try:
        from conda.reporters import get_progress_bar_context_manager as manager
    except ImportError:  # conda 24.7
        pass
    else:
        arguments["context_manager"] = stack.enter_context(manager())
    bar = ProgressiveFetchExtract._progress_bar(what, leave=True, **arguments)
    stack.callback(bar.close)
    update: Callable[[float], None] = bar.update_to
    return update


def file_link(link: Link, path: str) -> Link:
    """Return the link with the URL of a file on this disk."""
    return link._replace(url=url_of(path))


def path_of(link: Link) -> str:
    """The path of a link with a file: URL."""
    path: str = url_to_path(link.url)
    return path


def _key(link: Link) -> str:
    known: Sequence[str] = [link.sha256] if link.sha256 else ["url", link.url]
    return hashlib.sha256("\0".join(known).encode()).hexdigest()[:16]
