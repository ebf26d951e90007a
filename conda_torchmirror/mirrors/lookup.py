"""Which mirror carries a channel, from the registry as it is written.

The same answers as `mirrors.locate` (a test compares them all), without the objects: importing
those takes longer than the automatic redirect may.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

#: The preference where the user has none: per channel the first that carries it. `tuna` has what
#: the torch channels need; `nju`, which syncs from upstream by itself, has the parts of `defaults`
#: that `tuna` lost in August 2026 (pkgs/r, pkgs/msys2). Neither has `nvidia`. Sources and dates:
#: data/mirrors.json.
DEFAULT_MIRRORS = ("tuna", "nju")

FILE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "mirrors.json")


@cache
def built_in() -> Mapping[str, Mapping[str, Any]]:
    """The entries of the built-in registry by name, in its order."""
    with open(FILE, encoding="utf-8") as file:
        return dict(json.load(file)["mirrors"])


def url_of(entry: Mapping[str, Any], channel: str, subdir: str) -> str | None:
    """The URL of a channel at a mirror that carries it for `subdir`, else None."""
    carried = entry.get("channels", {})
    below = ""
    if channel not in carried and "/label/" in channel:
        channel, _, label = channel.partition("/label/")
        if not carried.get(channel, {}).get("labels"):
            return None
        below = f"/label/{label}"
    raw = carried.get(channel)
    if raw is None or raw.get("status", "yes") != "yes":
        return None
    listed = raw.get("subdirs", "*")
    subdirs = listed.split() if isinstance(listed, str) else list(listed)
    if subdirs != ["*"] and subdir not in subdirs:
        return None
    if "url" in raw:
        url = str(raw["url"])
    else:
        root = str(entry["roots"][0]).rstrip("/")
        url = f"{root}/{channel}" if channel.startswith("pkgs/") else f"{root}/cloud/{channel}"
    return url.rstrip("/") + below


def carriers(
    entries: Mapping[str, Mapping[str, Any]], names: Iterable[str], channel: str, subdir: str
) -> list[tuple[str, str]]:
    """The mirrors among `names` that carry the channel, in order, with its URL there.

    Raises KeyError for an unknown name.
    """
    found = ((name, url_of(entries[name], channel, subdir)) for name in names)
    return [(name, url) for name, url in found if url is not None]


def on_its_own(entries: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The mirrors that may be chosen for conda channels without being named."""
    return tuple(name for name, entry in entries.items() if "conda" in entry.get("chosen", ()))
