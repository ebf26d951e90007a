"""Records by name: from the channel or conda's cache, through conda's own index machinery.

Conda fetches (zst, conditional requests, proxies, `ssl_verify`, locks, offline); this module picks
the wanted names out of the index, skips what is unusable, and turns every way in which reading can
fail into one of our errors.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from logging import getLogger
from typing import Any

from ..exceptions import causes
from ..exceptions.channel import (
    ChannelBroken,
    ChannelError,
    ChannelForbidden,
    ChannelMissing,
    ChannelTls,
    ChannelUnreachable,
    NothingCached,
)
from ..models import Build, Records, Route
from ..text.layout import safe
from . import record_schema

log = getLogger(__name__)

#: The parts of an index that hold records.
_SECTIONS = ("packages", "packages.conda")


class _Package:
    """The four fields that a match spec looks at, without the cost of a PackageRecord."""

    def __init__(self, name: str, version: str, build: str) -> None:
        self.name, self.version, self.build = name, version, build
        tail = build.rpartition("_")[2]
        self.build_number = int(tail) if tail.isdecimal() else 0

    def __getattr__(self, field: str) -> None:
        """Nothing, for the fields of a record that are not known here."""


@lru_cache(maxsize=4096)
def _match_spec(spec: str) -> Any:
    from conda.exceptions import InvalidSpec
    from conda.models.match_spec import MatchSpec

    try:
        return MatchSpec(spec)
    except InvalidSpec:
        log.debug("unreadable match spec in a record: %s", spec)
        return None


@lru_cache(maxsize=65536)
def admits(spec: str, name: str, version: str, build: str) -> bool:
    """Whether conda's match spec admits a package; an unreadable spec admits none.

    An empty `build` stands for "any", for packages of which only the version is known.
    """
    parsed = _match_spec(spec)
    if parsed is None:
        return False
    if not build and parsed.get_raw_value("build") is not None:
        from conda.models.match_spec import MatchSpec

        # Conda 24.7 cannot take a build out of a spec that it has parsed.
        parsed = MatchSpec(name=parsed.name, version=parsed.get_raw_value("version") or "*")
    from conda.exceptions import InvalidVersionSpec

    try:
        return bool(parsed.match(_Package(name, version, build)))
    except InvalidVersionSpec:
        return False


def read(channel: Route, subdir: str, names: Collection[str]) -> Records:
    """The records of these names in a channel, for one subdir and noarch.

    Conda must have been pointed at `channel.url` before (`channels.redirected`), or the channel be
    where conda looks for it anyway.

    Raises: one of the `ChannelError` classes, or `NothingCached` when offline.
    """
    from conda.base.context import context

    builds: list[Build] = []
    skipped = 0
    dates: list[str] = []
    cached = context.offline or context.use_index_cache
    for part in (subdir, "noarch"):
        repodata, date = _fetch(channel, part)
        if not repodata and part != "noarch":
            # Conda takes a platform that is not there for one without packages.
            where: dict[str, Any] = {"channel": channel.name, "subdir": subdir}
            where["mirror"] = channel.mirror
            if cached:
                raise NothingCached(**where)
            # It does so with a 403 as well, and does not say which it was.
            url = safe(f"{channel.url}/{part}/")
            raise ChannelMissing(**where, url=url, status="404 or 403", detail="")
        if date:
            dates.append(date)
        for build in _builds(repodata, channel, part, names):
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


def cached(channel: Route, subdir: str) -> bool:
    """Whether conda's cache holds the index of a channel, wherever conda is pointed now."""
    from conda.base.constants import REPODATA_FN
    from conda.gateways.repodata import RepodataCache, cache_fn_url, create_cache_dir
    from conda.models.channel import Channel

    # What SubdirData does to find the file; it would load the means to download it as well.
    url = Channel(f"{channel.url}/{subdir}").url(with_credentials=True)
    stem = cache_fn_url(url, REPODATA_FN).removesuffix(".json")
    cache = RepodataCache(os.path.join(create_cache_dir(), stem), REPODATA_FN)
    return bool(cache.cache_path_json.exists())


def _fetch(channel: Route, subdir: str) -> tuple[Mapping[str, Any], str | None]:
    """The parsed index of one subdir, and the day on which the mirror says it was changed."""
    from conda.core.subdir_data import SubdirData, create_cache_dir
    from conda.models.channel import Channel

    source = Channel(f"{channel.name}/{subdir}")
    validate([source.base_url])
    create_cache_dir()
    fetch = SubdirData(source).repo_fetch
    with _failures(channel, subdir, fetch):
        repodata, state = fetch.fetch_latest_parsed()
        sections = [repodata.get(name) for name in _SECTIONS] if isinstance(repodata, dict) else [0]
        if not all(isinstance(section, (dict, type(None))) for section in sections):
            raise ValueError("no repodata")
    return repodata, _day(getattr(state, "mod", ""))


def _day(http_date: str) -> str | None:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(http_date).date().isoformat()
    except (TypeError, ValueError):
        return None


def validate(urls: Sequence[str]) -> None:
    """Obey allowlist_channels and denylist_channels, as conda's own commands do.

    Raises: conda's ChannelNotAllowed or ChannelDenied.
    """
    from conda.base import context as conda_context

    if hasattr(conda_context, "validate_channels"):
        conda_context.validate_channels(urls)
    else:
        from conda.core.index import check_allowlist

        check_allowlist(urls)


class _failures:
    """Turn whatever leaves the block into one of our errors."""

    def __init__(self, channel: Route, subdir: str, fetch: Any) -> None:
        self.channel, self.subdir, self.fetch = channel, subdir, fetch

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None:
            return
        from conda.exceptions import CondaError, CondaSSLError
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        # New conda lets urllib3's own errors through where a transfer breaks off.
        network = (CondaError, RequestException, HTTPError, OSError)
        ours = (*network, ValueError, EOFError)
        # zstandard's and zlib's own errors derive from Exception alone.
        library = type(error).__module__.partition(".")[0]
        if not isinstance(error, ours) and library not in ("zstandard", "backports", "zlib"):
            return
        status = causes.http_status(error)
        kinds: dict[Any, type[ChannelError]] = {404: ChannelMissing, 403: ChannelForbidden}
        chosen = kinds.get(status, ChannelUnreachable)
        if isinstance(error, CondaSSLError):
            chosen = ChannelTls
        elif isinstance(error, (ValueError, EOFError)) or not isinstance(error, network):
            chosen = ChannelBroken
            # Conda keeps what it was sent; kept, it would break the next command as well.
            for kept in (self.fetch.cache_path_json, self.fetch.cache_path_state):
                kept.unlink(missing_ok=True)
        raise chosen(
            channel=self.channel.name,
            subdir=self.subdir,
            mirror=self.channel.mirror,
            url=safe(f"{self.channel.url}/{self.subdir}/"),
            status=status,
            detail=safe(causes.reason(error)),
        ) from error


def _builds(
    repodata: Mapping[str, Any], channel: Route, subdir: str, names: Collection[str]
) -> Iterator[Build | None]:
    """Every wanted record as a Build, None for one that cannot be used.

    A record whose name cannot be read counts as wanted: it may be one.
    """
    for section in _SECTIONS:
        for fn, record in (repodata.get(section) or {}).items():
            name = record.get("name") if isinstance(record, dict) else None
            if not isinstance(name, str):
                yield None
            elif name in names:
                yield _build(fn, record, channel, subdir)


def _build(fn: str, record: Mapping[str, Any], channel: Route, subdir: str) -> Build | None:
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
        channel=channel.name,
        fn=fn,
        url=f"{channel.url}/{subdir}/{fn}",
        depends=tuple(record.get("depends", ())),
        constrains=tuple(record.get("constrains") or ()),
        size=record.get("size"),
        md5=record.get("md5"),
        sha256=record.get("sha256"),
        timestamp=int(timestamp or 0) if dated else 0,
    )
