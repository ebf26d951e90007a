"""Indexes that conda emptied: after a 403 or a 404 it caches `{}` in place of what it had.

It keeps the old ETag beside it, so that the mirror, healthy again, answers "not modified", and
every package of the channel is not found until `conda clean --index-cache`. Loads none of conda's
own index machinery: the automatic redirect runs before every command.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress

from conda.base.context import context

#: What conda writes, and where it keeps what it knows of the file (24.7 to 26.7).
_EMPTY = b"{}"
_STATE = ".info.json"


def drop_emptied() -> tuple[str, ...]:
    """Remove every emptied index from conda's cache, so that it is fetched anew.

    Returns the URLs of the folders that they were of, with credentials where the user's
    configuration has them. Raises nothing: what cannot be removed stays.
    """
    found = []
    for folder in context.pkgs_dirs:
        with suppress(OSError), os.scandir(os.path.join(folder, "cache")) as entries:
            for entry in entries:
                if entry.name.endswith(".json") and not entry.name.endswith(_STATE):
                    with suppress(OSError):
                        if entry.stat().st_size == len(_EMPTY):
                            found += _drop(entry.path)
    return tuple(found)


def _drop(path: str) -> list[str]:
    with open(path, "rb") as file:
        if file.read(len(_EMPTY) + 1) != _EMPTY:
            return []
    state = path.removesuffix(".json") + _STATE
    url = _url(state)
    os.remove(path)
    with suppress(FileNotFoundError):
        os.remove(state)
    return [url] if url else []


def _url(state: str) -> str:
    try:
        with open(state, encoding="utf-8") as file:
            known = json.load(file)
        # Older ones wrote `_url`.
        return str(known.get("url") or known.get("_url") or "")
    except Exception:  # without it conda asks for the index all the same
        return ""
