"""Indexes that conda emptied: after a 403 or a 404 it caches `{}` in place of what it had.

It keeps the old ETag beside it, so that the mirror, healthy again, answers "not modified", and
every package of the channel is not found until `conda clean --index-cache`. Loads none of conda's
own index machinery: the automatic redirect runs before every command.
"""

from __future__ import annotations

import os
from contextlib import suppress

from conda.base.context import context

#: What conda writes, and where it keeps what it knows of the file (24.7 to 26.7).
_EMPTY = b"{}"
_STATE = ".info.json"


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
