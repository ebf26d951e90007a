"""Fetching the packages of a plan: each from where the plan has it, or else from another place.

The hashes of the plan hold wherever a file comes from, so any place of its channel will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from conda.base.context import context

from ..exceptions import causes
from ..exceptions.base import TorchMirrorError
from ..exceptions.channel import NoSource, PlanNowhere
from ..exceptions.mirror import CannotWrite
from ..handover import package_cache
from ..mirrors.registry import OWN, Route
from ..mirrors.urls import host_of
from ..models import Notice
from ..options import InstallOptions
from ..redirect import settings
from ..redirect.configuration import DEFAULTS
from ..text.sanitize import safe
from ..transport import failures, routes
from ..transport.answers import are_lasting
from ..transport.failures import Failure


class _Parts(NamedTuple):
    """The URL of a package: that of its channel, its platform, and its file's name."""

    channel: str
    subdir: str
    file: str


class _Channel:
    """A channel as the URLs of a plan have it: its places, the present one first, and those that
    have failed."""

    def __init__(self, record: Any) -> None:
        parts = _parts(record)
        registry = settings.registry(settings.read())
        named = registry.identify(parts.channel)
        self.name = named.channel if named else str(record.channel.canonical_name)
        known = "://" not in self.name and self.name != DEFAULTS
        name = self.name if known else safe(parts.channel)
        self.places = [Route(name, parts.channel, named.mirror if named else OWN)]
        self.known = known
        self.failed: list[Failure] = []

    def leave(self, failure: Failure, options: InstallOptions) -> bool:
        """Go on to the next place that this computer reads the channel from; False without one."""
        first = self.places.pop(0)
        if not self.failed and self.known and settings.read().fallback:
            chain = routes.chains(options, context.subdir, [self.name])[self.name]
            self.places += [route for route in chain if route.url != first.url]
        self.failed.append(failure._replace(route=first))
        return bool(self.places)


def fetch(
    records: Sequence[Any],
    files: Mapping[Any, str],
    options: InstallOptions,
    report: Callable[[Notice], None],
    folder: Path | None = None,
) -> tuple[Notice, ...]:
    """Add packages to conda's cache, from `files` or by download. Report which place failed, and
    where its packages come from instead, and return these notices.

    `folder` is that of the plan, into which files may be put where no place is left.

    Raises: PlanNowhere, CannotWrite, and what conda raises that no place is to blame for.
    """
    channels = {_parts(record).channel: _Channel(record) for record in records}
    told: list[Notice] = []
    while True:
        try:
            package_cache.fetch(records, files, _moved(records, channels), quiet=options.as_json)
            return tuple(told)
        except Exception as error:
            if not isinstance(error, TorchMirrorError) and (full := causes.disk_error(error)):
                raise CannotWrite.of_one(full, context.pkgs_dirs[:1]) from error
            failure = failures.find_culprit(error, [one.places[0] for one in channels.values()])
            if failure is None:
                raise
            for channel in _left(failure, channels.values()):
                if not channel.leave(failure, options):
                    raise _nowhere(channel, folder) from error
                for notice in failures.left(channel.failed[-1], channel.places[:1]):
                    told.append(notice)
                    report(notice)
        records = [record for record in records if package_cache.cached(record) is None]
        # What came, and conda had no time to unpack, is not fetched again.
        files = {**files, **package_cache.find_brought(records, context.pkgs_dirs[0])}


def _parts(record: Any) -> _Parts:
    return _Parts(*str(record.url).rsplit("/", 2))


def _moved(records: Sequence[Any], channels: Mapping[str, _Channel]) -> dict[Any, str]:
    """The URLs of the packages whose channel has another place than in the plan."""
    found = {}
    for record in records:
        parts = _parts(record)
        place = channels[parts.channel].places[0]
        if place.url != parts.channel:
            found[record] = f"{place.url}/{parts.subdir}/{parts.file}"
    return found


def _nowhere(channel: _Channel, folder: Path | None) -> NoSource:
    """The error for a channel without a place that is left. What no place has any more, as a mirror
    drops old builds, or has with another content, is not waited for, nor looked for there."""
    reasons = [failure.reason for failure in channel.failed]
    lasting = are_lasting(reasons)
    if not lasting:
        ways = [Notice("plan_again")]
    elif all(reason.code == "probe_not_found" for reason in reasons):
        ways = [Notice("save_again")]
    else:
        ways = [Notice("plan_anew")]
    if lasting and channel.known:
        ways.append(Notice("other_place_listed"))
    if folder is not None:
        facts = {"folder": str(folder), "file": reasons[0].facts["what"]}
        ways.append(Notice("plan_bring" if lasting else "plan_urls", facts))
    return failures.no_route_left(channel.failed, ways, PlanNowhere)


def _left(failure: Failure, channels: Iterable[_Channel]) -> list[_Channel]:
    """The channels that are at the failed place, or at its site if all of that failed."""
    failed, site = failure.route, host_of(failure.route.url)
    return [
        one
        for one in channels
        if one.places[0] == failed or (failure.of_site and host_of(one.places[0].url) == site)
    ]
