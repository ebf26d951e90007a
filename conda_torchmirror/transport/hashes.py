"""Check a mirror's index against the built-in index and the official channel's own.

A mirror's index names the hashes by which conda judges the mirror's files, so it vouches for
itself. The built-in index, made from the official channel's records, is a second opinion; where the
two differ, the official channel decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from conda.exceptions import CondaError

from ..exceptions.channel import ChannelError, HashConflict, HashUnconfirmed, NothingCached
from ..index import builtin
from ..index.hidden import without_hidden
from ..index.match import admits
from ..index.sources import SOURCES, Source, read_some
from ..mirrors.registry import Route
from ..mirrors.urls import UPSTREAM, upstream_url
from ..models import Build, Choice, Decision, Machine, Notice, Records, Request
from ..redirect import settings
from ..selection.choose import choose
from ..selection.facts.record import recency
from ..selection.specs import package_name, release
from ..text.messages import text
from ..text.sanitize import safe

#: What every environment needs, the channels that have it, and why a mirror without it is left.
_PYTHON = "python"
HOLLOW = Notice("probe_hollow", {"what": _PYTHON})
_HAVE_PYTHON = frozenset(("pkgs/main", *(source.base_channel for source in SOURCES)))
#: Parts of the names of errors by which solvers end; each solver has its own.
_UNSOLVED = ("nsatisfiable", "PackagesNotFound", "PackageNotFound", "SpecsConfigurationConflict")


def behind(source: Source, machine: Machine, request: Request, records: Records) -> str | None:
    """The file that would be chosen from a complete index, if this index lacks it; else None.

    In a channel that has ended, a missing record means that the copy is old, partly synced or
    empty. A live channel may withdraw single builds, so there only releases newer than all in the
    index count.
    """
    if records.origin != "live":
        return None
    known = source.built_in(machine.subdir)
    if known is None:
        return None
    known = without_hidden(known)
    held = {(build.subdir, build.fn) for build in records.builds}
    missing = [
        build
        for build in known.builds
        if build.known_by == "record" and (build.subdir, build.fn) not in held
    ]
    if source.end is None:
        missing = _newer(missing, records.builds)
    if not missing:
        return None
    best = choose(machine, request, (*records.builds, *missing), source.knowledge)
    if not isinstance(best, Choice):
        return None
    lost = set(missing)
    return next((build.fn for build in best.builds if build in lost), None)


def _newer(builds: Iterable[Build], than: Iterable[Build]) -> list[Build]:
    """The builds with a release newer than every one that `than` has of the same package."""
    last: dict[str, Any] = {}
    for build in than:
        if found := release(build.version):
            last[build.name] = max(found, last.get(build.name, found))
    return [
        build
        for build in builds
        if (found := release(build.version))
        and (build.name not in last or found > last[build.name])
    ]


def is_unsolved(error: BaseException) -> bool:
    """Whether an error says that a solve has no solution, or that packages were not found."""
    return any(word in type(error).__name__ for word in _UNSOLVED)


def is_hollow(route: Route, subdir: str) -> bool:
    """Whether the index that a solver just read of a channel which has Python is without it."""
    if route.channel not in _HAVE_PYTHON or route.mirror == UPSTREAM:
        return False
    try:
        return not read_some(route, subdir, {_PYTHON}).builds
    except (ChannelError, NothingCached):
        return False


def likely(runtime: Build, held: Iterable[Build]) -> list[Build]:
    """The newest build for each dependency of the runtime package, as a solver will choose."""
    found = []
    builds = list(held)
    for spec in runtime.depends:
        name = package_name(spec)
        fitting = [
            build
            for build in builds
            if build.name == name and admits(spec, name, build.version, build.build)
        ]
        if fitting:
            found.append(max(fitting, key=recency))
    return found


def opinion(
    decision: Decision,
    route: Route,
    *,
    official: Callable[[Collection[str]], Records],
    always: bool,
    exempt: bool,
) -> list[Notice]:
    """Compare the hashes of the chosen builds with the built-in index, and if they differ (or
    `always`) with the official channel, whose records `official` reads.

    `exempt` skips the built-in index, because the user's own server may have its own packages.

    Raises: HashConflict, HashUnconfirmed.
    """
    chosen = [
        build
        for build in decision.choice.builds
        if build.channel == route.channel and build.known_by == "record" and build.fn
    ]
    wanted = settings.read().check_hashes and not exempt
    known = (
        builtin.hashes(route.channel) if wanted and decision.records.origin != "built-in" else {}
    )
    differing = [b for b in chosen if known.get(_key(b), b.sha256) != b.sha256]
    doubted = chosen if always else differing
    if not doubted:
        return [Notice("upstream_unasked")] if always else []
    outdated = [Notice("index_outdated", {"what": build.fn}) for build in differing]
    if route.url == upstream_url(route.channel):
        return outdated
    try:
        theirs = {_key(b): b for b in official({build.name for build in doubted}).builds}
    except (CondaError, NothingCached) as error:
        because = text("hash_differs" if differing else "hash_asked")
        ways = [Notice("leave_check_upstream")] if always else []
        raise HashUnconfirmed(
            what=doubted[0].fn,
            mirror=route.mirror,
            because=because,
            detail=safe(_said(error)),
            ways=[*ways, *([Notice("accept_hashes")] if differing else [])],
        ) from error
    for build in doubted:
        _compare(build, theirs.get(_key(build)), route)
    return [*outdated, *([Notice("upstream_confirms")] if always else [])]


def _said(error: Exception) -> str:
    """The reason of an error in one line; errors of ours hold it separately."""
    cause = getattr(error, "_cause", "")
    return f"{getattr(error, 'message', error)}{f' ({cause})' if cause else ''}"


def _compare(build: Build, theirs: Build | None, route: Route) -> None:
    expected = _hash(theirs, build) if theirs is not None else text("hash_no_file")
    found = _hash(build, theirs or build)
    if expected != found:
        raise HashConflict(
            what=build.fn, mirror=route.mirror, found=safe(found), expected=safe(expected)
        )


def _hash(build: Build, other: Build) -> str:
    """The name of a hash that both records have; an old index may lack sha256."""
    return str(build.sha256 if build.sha256 and other.sha256 else build.md5)


def _key(build: Build) -> str:
    return f"{build.subdir}/{build.fn}"
