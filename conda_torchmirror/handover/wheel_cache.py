"""Wheels in conda's package cache: beside its own packages, in a folder that conda leaves alone.

A file is kept below its hash, or its address where nobody says the hash: files of one name differ
between directories of one mirror. Conda's own download fetches it, which goes on where it was cut
off, compares hash and size, and shows conda's own progress.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext, redirect_stdout
from io import StringIO
from types import SimpleNamespace
from typing import Any

from conda.base.context import context
from conda.core.package_cache_data import PackageCacheData, ProgressiveFetchExtract
from conda.gateways.connection.download import download

from ..selection.wheels.link import Link
from .package_cache import digest

FOLDER = "torchmirror-wheels"


def first() -> str:
    """The folder that new files go into.

    Raises: conda's NoWritablePkgsDirError.
    """
    return os.path.join(PackageCacheData.first_writable().pkgs_dir, FOLDER)


def folders() -> list[str]:
    """The folders that files may be in; none is made."""
    return [os.path.join(folder, FOLDER) for folder in context.pkgs_dirs]


def find(link: Link, *, quickly: bool = False) -> str | None:
    """The file of a link, where it is whole; `quickly` goes by its size, for a preview."""
    wanted = link._replace(sha256=None) if quickly else link
    for folder in folders():
        path = os.path.join(folder, _key(link), link.filename)
        if is_file_of(path, wanted):
            return path
    return None


def is_file_of(path: str, link: Link) -> bool:
    """Whether a file has the size and the hash of a link, as far as they are known."""
    try:
        if link.size is not None and os.path.getsize(path) != link.size:
            return False
        return os.path.isfile(path) and link.sha256 in (None, digest(path, "sha256"))
    except OSError:
        return False


def fetch(link: Link, name: str, version: str, *, quiet: bool = False) -> str:
    """Download a file, or what is still lacking of it, and return its path.

    Raises: what conda's download raises; OSError.
    """
    folder = os.path.join(first(), _key(link))
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, link.filename)
    if os.path.lexists(path):
        os.unlink(path)  # it is not whole, or it would have been found
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
    return path


def _progress(what: Any, stack: ExitStack) -> Callable[[float], None]:
    """Conda's own progress bar for a download, which ends with `stack`."""
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
    """The link to a file on this disk."""
    from conda.common.url import path_to_url

    return link._replace(url=path_to_url(path))


def _key(link: Link) -> str:
    known: Sequence[str] = [link.sha256] if link.sha256 else ["url", link.url]
    return hashlib.sha256("\0".join(known).encode()).hexdigest()[:16]
