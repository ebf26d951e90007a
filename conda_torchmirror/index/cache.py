"""Conda's cache of indexes: where an index is kept there, and whether it is still good.

Imports conda's index machinery only in functions: modules that rarely ask import this.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda.base.context import context

from ..text.sanitize import public_url

if TYPE_CHECKING:
    from ..mirrors.registry import Route


#: Conda's files of an index and of its state, which is small, and ours beside them.
_FILES = re.compile(r"[0-9a-f]{8}1?(?:(\.info)?\.json|\.torchmirror)|torchmirror-probes\.json")
_LARGEST_STATE = 1_000_000


def drop_unusable() -> None:
    """Remove from conda's cache what keeps it from fetching an index: one that it has emptied, a
    damaged state, by which it fails as if the server had sent it, and what is no file."""
    from .emptied import drop_emptied

    drop_emptied()
    for folder in context.pkgs_dirs:
        with suppress(OSError), os.scandir(os.path.join(folder, "cache")) as entries:
            for entry in entries:
                kind = _FILES.fullmatch(entry.name)
                if kind is None or entry.is_symlink():
                    continue
                with suppress(OSError):  # such as a folder that is not empty
                    if entry.is_dir():
                        os.rmdir(entry.path)
                    elif not entry.is_file() or (kind[1] and not _is_state(entry.path)):
                        os.unlink(entry.path)


def _is_state(path: str) -> bool:
    """Whether a file has the form of the state of an index."""
    with open(path, "rb") as file:
        try:
            return isinstance(json.loads(file.read(_LARGEST_STATE)), dict)
        except (ValueError, RecursionError):
            return False


def holds(route: Route, subdir: str) -> bool:
    """Whether conda's cache has the index of a channel at this route, redirected to it or not."""
    from conda.exceptions import NoWritablePkgsDirError

    try:
        return path_of(route, subdir).exists()
    except NoWritablePkgsDirError:  # conda keeps no index then: a preview goes on with our own
        return False


def forget(route: Route, subdir: str) -> None:
    """Remove the index of a channel from conda's cache, for `subdir` and noarch, if possible."""
    for part in (subdir, "noarch"):
        path = path_of(route, part)
        for kept in (path, *map(path.with_suffix, (".info.json", ".msgpack.zst"))):
            with suppress(OSError):
                kept.unlink()


def with_credentials(channel: str) -> str:
    """The URL of a channel of the configuration, given without credentials, with those that it has
    there: conda's cache tells the two apart."""
    from conda.models.channel import Channel

    for one in map(Channel, context.channels):
        known = zip(one.urls(False, ("noarch",)), one.urls(True, ("noarch",)), strict=True)
        for plain, full in known:
            if public_url(plain) == f"{channel}/noarch":
                return str(full).removesuffix("/noarch")
    return channel


def path_of(route: Route, subdir: str) -> Path:
    """The file in which conda caches the index of a channel."""
    from conda.models.channel import Channel

    return Path(repo_fetch(Channel(f"{route.url}/{subdir}")).cache_path_json)


def repo_fetch(channel: Any) -> Any:
    """Conda's `RepodataFetch` for a channel and subdir, as its `SubdirData` makes it.

    What only a download needs (10 ms of imports in 24.7) is imported when there is one.
    """
    from conda.base.constants import REPODATA_FN
    from conda.gateways.repodata import (
        RepodataFetch,
        cache_fn_url,
        create_cache_dir,
        get_repo_interface,
    )

    def interface(*args: Any, **kwargs: Any) -> Any:
        return get_repo_interface()(*args, **kwargs)

    name = cache_fn_url(channel.url(with_credentials=True), REPODATA_FN)
    base = Path(create_cache_dir(), name.removesuffix(".json"))
    return RepodataFetch(base, channel, REPODATA_FN, repo_interface_cls=interface)


def unexpired(fetch: Any) -> Any | None:
    """The `RepodataCache` of a `RepodataFetch`, with its state, if conda reads the index that is in
    it without asking the server; else None."""
    cache = fetch.repo_cache
    cache.load_state()
    if not cache.cache_path_json.exists():
        return None
    return cache if context.offline or context.use_index_cache or not cache.stale() else None


def has_package(file: str) -> bool:
    """Whether a package is in one of conda's package caches."""
    return any(os.path.exists(os.path.join(folder, file)) for folder in context.pkgs_dirs)
