"""Dropping the indexes that conda has emptied from its cache.

After a 403 or 404, conda replaces the cached index by `{}` but keeps the old ETag. When the mirror
works again it answers "not modified", and conda finds no package of the channel until `conda clean
--index-cache`. The automatic redirect looks for them before every command that reads a channel, so
this imports nothing more.
"""

from __future__ import annotations

import os
from contextlib import suppress

from conda.base.context import context

#: The content of an emptied index, and the suffix of the file with its state (conda 24.7 to 26.7).
_EMPTY = b"{}"
_STATE = ".info.json"


def drop_emptied() -> tuple[str, ...]:
    """Remove every emptied index from conda's cache, so that it is fetched again.

    Returns the paths of the removed files. Raises nothing: a file that cannot be removed stays.
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
