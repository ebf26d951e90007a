"""Conda's cache of indexes: where it keeps one, and those that it emptied.

After a 403 or a 404 conda caches `{}` in place of what it had. It keeps the old ETag beside it, so
that the mirror, healthy again, answers "not modified", and every package of the channel is not
found until `conda clean --index-cache`. Loads none of conda's own index machinery: the automatic
redirect runs before every command, and a preview needs none.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from conda.base.context import context

if TYPE_CHECKING:
    from ..mirrors.registry import Route

#: What conda writes, and where it keeps what it knows of the file (24.7 to 26.7).
_EMPTY = b"{}"
_STATE = ".info.json"


def holds(route: Route, subdir: str) -> bool:
    """Whether conda's cache holds the index of a channel, wherever conda is pointed now."""
    return path_of(route, subdir).exists()


def forget(route: Route, subdir: str) -> None:
    """Drop the index of a channel from conda's cache, as far as it can be."""
    for part in (subdir, "noarch"):
        path = path_of(route, part)
        for kept in (path, path.with_suffix(".info.json")):
            with suppress(OSError):
                kept.unlink()


def path_of(route: Route, subdir: str) -> Path:
    """The file in which conda caches the index of a channel."""
    from conda.base.constants import REPODATA_FN
    from conda.gateways.repodata import RepodataCache, cache_fn_url, create_cache_dir
    from conda.models.channel import Channel

    # What SubdirData does to find the file; it would load the means to download it as well.
    url = Channel(f"{route.url}/{subdir}").url(with_credentials=True)
    stem = cache_fn_url(url, REPODATA_FN).removesuffix(".json")
    cache = RepodataCache(os.path.join(create_cache_dir(), stem), REPODATA_FN)
    return Path(cache.cache_path_json)


def drop_emptied() -> tuple[str, ...]:
    """Remove every emptied index from conda's cache, so that it is fetched anew.

    Returns the paths of what was removed. Raises nothing: what cannot be removed stays.
    """
    found = []
    for folder in context.pkgs_dirs:
        with suppress(OSError), os.scandir(os.path.join(folder, "cache")) as entries:
            for entry in entries:
                if entry.name.endswith(".json") and not entry.name.endswith(_STATE):
                    with suppress(OSError):
                        if entry.stat().st_size == len(_EMPTY) and _drop(entry.path):
                            found.append(entry.path)
    return tuple(found)


def _drop(path: str) -> bool:
    with open(path, "rb") as file:
        if file.read(len(_EMPTY) + 1) != _EMPTY:
            return False
    os.remove(path)
    with suppress(FileNotFoundError):
        os.remove(path.removesuffix(".json") + _STATE)
    return True
