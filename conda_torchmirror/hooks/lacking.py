"""What the index of a channel lacks although the channel is known to have it.

Known is what the built-in index has by a record. A mirror whose copy is old or half synced lacks
some of it, and conda then finds no package of that name. One that has no package at all lacks those
too that are not known here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from conda import CondaError

from ..index import builtin, cache, match
from ..index.hidden import without_hidden
from ..index.sources import SOURCES
from ..selection.facts.names import TORCH

if TYPE_CHECKING:
    from ..mirrors.registry import Route

#: Channels that get no more builds, so that none is withdrawn either.
_ENDED = frozenset(source.channel for source in SOURCES if source.end is not None)

#: No index without packages is larger, in bytes.
_LARGEST = 10_000
#: Where an index has its packages, by the kind of file.
_PACKAGES = ("packages", "packages.conda", "v3")

#: A build string that only a spec which leaves the build open admits.
_NO_BUILD = "no_such_build"


def find(route: Route, subdir: str, specs: Iterable[str]) -> str | None:
    """The newest file that one of the specs admits, or of any package if the index is empty, if the
    index that conda has cached from this route has no such file; else None, as where conda has
    cached none."""
    try:
        index = cache.path_of(route, subdir).read_bytes()
        empty = _is_empty(index)
        for spec in specs:
            files = list(_known(spec, route.channel, subdir, of_any=empty))
            if files and not any(f'"{name}"'.encode() in index for name in files):
                return files[-1]
    except (OSError, CondaError):  # no such cache, or a spec or setting that conda cannot read
        return None
    return None


def _is_empty(index: bytes) -> bool:
    if len(index) > _LARGEST:
        return False
    try:
        document = json.loads(index)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and not any(map(document.get, _PACKAGES))


def _known(spec: str, channel: str, subdir: str, *, of_any: bool) -> Iterator[str]:
    """The files of a channel that a spec, or one `of_any` package there, admits, as the built-in
    index knows them."""
    wanted = match.read(spec)
    if wanted.channel not in (None, channel):
        return
    if of_any:
        wanted = match.read(TORCH)
    known = builtin.load(subdir, [wanted.name], channel=channel)
    for build in without_hidden(known).builds if known is not None else ():
        # A live channel may withdraw single builds, so that a spec on one proves nothing.
        tried = build.build if channel in _ENDED else _NO_BUILD
        sure = build.known_by == "record" and build.subdir == subdir
        if sure and match.admits(wanted.plain, build.name, build.version, tried):
            yield build.fn
