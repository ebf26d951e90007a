"""Package records by name, from the channel or conda's cache, through conda's index machinery.

Conda fetches (zst, conditional requests, proxies, `ssl_verify`, locks, offline); this module picks
the records of the wanted names, skips unusable ones, and turns every failure into one of our
errors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conda.exceptions import CondaError, CondaSSLError
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from ..exceptions import causes
from ..exceptions.base import TorchMirrorError
from ..exceptions.channel import (
    ChannelBroken,
    ChannelError,
    ChannelForbidden,
    ChannelMissing,
    ChannelTls,
    ChannelUnreachable,
    ChannelUnsent,
    NothingCached,
)
from ..exceptions.mirror import CannotWrite, ChannelIsGroup
from ..mirrors.registry import Route
from ..models import Build, Records
from ..text.layout import on_terminal
from ..text.sanitize import safe
from . import record_schema
from .cache import repo_fetch
from .emptied import drop_emptied
from .fetch import IndexTooLarge, fetch_latest, fetch_latest_path, fetch_shards
from .sparse import reader

#: The parts of an index that hold records.
_SECTIONS = ("packages", "packages.conda")
#: HTTP statuses with an error class of their own.
_OF_STATUS: dict[Any, type[ChannelError]] = {404: ChannelMissing, 403: ChannelForbidden}


@contextmanager
def spinner(message: str) -> Iterator[None]:
    """Show conda's own spinner during the block, unless the output is no terminal or is quiet, or
    nothing is asked of the site that the message names."""
    from conda.base.context import context

    if context.offline or context.json or context.quiet or context.verbosity or not on_terminal():
        yield
        return
    try:
        from conda.reporters import get_spinner as shown
    except ImportError:  # conda 24.7
        from conda.common.io import Spinner as shown
    with shown(message):
        yield


def read(route: Route, subdir: str, names: Collection[str]) -> Records:
    """The records of these names in a channel, for one subdir and noarch.

    The caller must have redirected conda to `route.url` (`redirect.in_process`), unless conda reads
    the channel from there anyway.

    Raises: one of the `ChannelError` classes, or `NothingCached` when offline.
    """
    return _read(route, subdir, names, _fetch)


def read_some(route: Route, subdir: str, names: Collection[str]) -> Records:
    """Do what `read` does, for a channel whose index is too large to be parsed.

    Reads shards if conda and the channel support them, else scans conda's cached file (`sparse`).
    Records without a readable name are not seen, so `skipped` does not count them.
    """
    return _read(
        route, subdir, names, lambda where, part: _fetch(where, part, partial(_few, names=names))
    )


def _read(
    route: Route,
    subdir: str,
    names: Collection[str],
    fetch: Callable[[Route, str], tuple[Mapping[str, Any], str | None]],
) -> Records:
    from conda.base.context import context

    builds: list[Build] = []
    skipped = 0
    dates: list[str] = []
    cached = context.offline or context.use_index_cache
    for part in (subdir, "noarch"):
        repodata, date = fetch(route, part)
        if not repodata and part != "noarch":
            # Conda treats a missing platform as one without packages.
            where: dict[str, Any] = {"channel": route.channel, "subdir": subdir}
            where["mirror"] = route.mirror
            if cached:
                raise NothingCached(**where)
            # This is a real answer: indexes emptied by earlier commands were dropped before.
            url = safe(f"{route.url}/{part}/")
            raise ChannelBroken(**where, url=url, status=None, detail="{}")
        if date:
            dates.append(date)
        for build in _builds(repodata, route, part, names):
            if build is None:
                skipped += 1
            else:
                builds.append(build)
    return Records(
        tuple(builds),
        "cache" if cached else "live",
        date=min(dates) if dates else None,
        skipped=skipped,
    )


def inspect(route: Route, subdir: str) -> None:
    """Validate every record of a channel's index in conda's cache, since solvers read all of them.

    Downloads nothing: what a solver has read is in the cache. Shards are not looked at, nor a whole
    index that is older than they are.

    Raises: ChannelBroken for the first fault.
    """
    for part in (subdir, "noarch"):
        _fetch(route, part, partial(_inspected, subdir=part))


def _inspected(fetch: Any, subdir: str) -> tuple[Mapping[str, Any], Any]:
    """Validate a cached index; return the rest of it, without its records, and no state.

    Raises: ValueError for a fault that would break a solver; it names the place in the index.
    """
    path = Path(fetch.cache_path_json)
    if not path.exists() or _has_shards(fetch):
        return {}, None
    faults: dict[str, str] = {}

    def visit(fn: str, record: Any) -> None:
        if fault := _fault_of(fn, record):
            faults.setdefault(fn, f"{fn[:80]}: {fault}")
        else:  # of a duplicate key the last value counts
            faults.pop(fn, None)

    rest = reader.walk(path, visit)
    if fault := _fault_beside(rest, subdir) or next(iter(faults.values()), None):
        raise ValueError(fault)
    return rest, None


def _has_shards(fetch: Any) -> bool:
    """Whether conda (26 or newer) reads this channel in shards."""
    from conda.base.context import context

    shards = getattr(fetch.repo_cache, "cache_path_shards", None)
    return bool(
        shards is not None and getattr(context, "repodata_use_shards", False) and shards.exists()
    )


def _fault_beside(repodata: Mapping[str, Any], subdir: str) -> str | None:
    """The first fault of an index outside its records, or None."""
    info = repodata.get("info", {})
    if not isinstance(info, Mapping) or info.get("subdir", subdir) != subdir:
        return "info: subdir"
    if "base_url" in info and urlsplit(str(info["base_url"])).scheme not in ("", "http", "https"):
        return "info: base_url"
    return next((s for s in _SECTIONS if s in repodata and repodata[s] is None), None)


def _fault_of(fn: str, record: Any) -> str | None:
    """The first invalid field of a record, including the timestamp, or None."""
    if fault := record_schema.find_fault(fn, record):
        return fault
    timestamp = record.get("timestamp")
    dated = not timestamp or record_schema.is_count(timestamp, record_schema.TIMESTAMP)
    return None if dated else "timestamp"


def _few(fetch: Any, names: Collection[str]) -> tuple[Mapping[str, Any], Any]:
    """The index, reduced to the records of these names, and its state."""
    if (shards := fetch_shards(fetch, names)) is not None:
        return shards, fetch.repo_cache.load_state()
    path, state = fetch_latest_path(fetch)
    return (reader.read(path, names) if path.exists() else {}), state


def _fetch(
    route: Route, subdir: str, reader: Callable[[Any], tuple[Any, Any]] = fetch_latest
) -> tuple[Mapping[str, Any], str | None]:
    """The index of one subdir, and the day of its Last-Modified header (YYYY-MM-DD) or None.

    Raises: our error for whatever goes wrong; conda's ChannelNotAllowed or ChannelDenied.
    """
    from conda.models.channel import Channel

    source = Channel(f"{route.channel}/{subdir}")
    if source.base_url is None:
        raise ChannelIsGroup(channel=route.channel)
    validate([source.base_url])
    fetch = repo_fetch(source)
    try:
        repodata, state = reader(fetch)
        if not _is_repodata(repodata):
            raise ValueError("no repodata")
    except Exception as error:
        raise _own_error(error, route, subdir, fetch) from error
    return repodata, _day(getattr(state, "mod", ""))


def _is_repodata(parsed: Any) -> bool:
    """Whether a parsed document has the form of an index."""
    return isinstance(parsed, dict) and all(
        isinstance(parsed.get(name), (dict, type(None))) for name in _SECTIONS
    )


def _day(http_date: str) -> str | None:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(http_date).date().isoformat()
    except Exception:  # a server may send anything, and the parser may raise anything
        return None


def validate(urls: Sequence[str]) -> None:
    """Enforce allowlist_channels and denylist_channels, as conda's own commands do.

    Raises: conda's ChannelNotAllowed or ChannelDenied.
    """
    from conda.base import context as conda_context

    if hasattr(conda_context, "validate_channels"):
        conda_context.validate_channels(urls)
    else:
        from conda.core.index import check_allowlist

        check_allowlist(urls)


def _own_error(error: Exception, route: Route, subdir: str, fetch: Any) -> TorchMirrorError:
    """Turn an exception from conda's fetch of an index into one of our errors.

    Whatever its type, the exception is about this index, unless the disk refused something. Conda
    has cached what it received: a broken index, or the empty one that stands for a refusal, is
    removed from the cache, because it would break the next command as well.
    """
    from conda.base.context import context

    if full := causes.disk_error(error):
        # What stands in the place of a file is named itself, not the folder that is full.
        other = causes.in_place(full)
        return CannotWrite.of(full, other or os.path.dirname(fetch.cache_path_json))
    status = causes.http_status(error)
    network = isinstance(error, (CondaError, RequestException, HTTPError, OSError))
    kind: type[ChannelError] = ChannelUnreachable if network else ChannelBroken
    if causes.of_settings(error) == "unsent":
        kind = ChannelUnsent
    elif isinstance(error, CondaSSLError):
        kind = ChannelTls
    elif isinstance(error, IndexTooLarge):
        kind = ChannelBroken
    elif status in _OF_STATUS:
        kind = _OF_STATUS[status]
    if kind is ChannelBroken:
        for kept in (fetch.cache_path_json, fetch.cache_path_state):
            with suppress(OSError):
                os.unlink(kept)
    elif status in _OF_STATUS:
        drop_emptied()
    if context.offline and not route.url.startswith("file:"):
        # Nobody was asked: conda's own copy is at fault, by a power cut or a disk that was full.
        return NothingCached(channel=route.channel, subdir=subdir, mirror=route.place)
    return kind(
        channel=route.channel,
        subdir=subdir,
        mirror=route.place,
        url=safe(f"{route.url}/{subdir}/"),
        status=status,
        detail=safe(causes.reason(error)),
    )


def _builds(
    repodata: Mapping[str, Any], route: Route, subdir: str, names: Collection[str]
) -> Iterator[Build | None]:
    """Yield every wanted record as a Build, or None for an unusable one.

    That includes records without a readable name, any of which may be a wanted one.
    """
    for section in _SECTIONS:
        for fn, record in (repodata.get(section) or {}).items():
            name = record.get("name") if isinstance(record, dict) else None
            if not isinstance(name, str):
                yield None
            elif name in names:
                yield _build(fn, record, route, subdir)


def _build(fn: str, record: Mapping[str, Any], route: Route, subdir: str) -> Build | None:
    if record_schema.find_fault(fn, record) is not None:
        return None
    timestamp = record.get("timestamp")
    dated = record_schema.is_count(timestamp, record_schema.TIMESTAMP)
    return Build(
        name=record["name"],
        version=record["version"],
        build=record["build"],
        build_number=record["build_number"],
        subdir=subdir,
        channel=route.channel,
        fn=fn,
        url=f"{route.url}/{subdir}/{fn}",
        depends=tuple(record.get("depends", ())),
        constrains=tuple(record.get("constrains") or ()),
        size=record.get("size"),
        md5=record.get("md5"),
        sha256=record.get("sha256"),
        timestamp=int(timestamp or 0) if dated else 0,
    )
