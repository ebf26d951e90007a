"""Conda's settings `exclude_newer` and `use_only_tar_bz2`, applied as in its solver: newer builds,
or those in the format .conda, do not exist.

Conda 26.7 has the first setting, 24.7 does not. A build that conda's solver will not see must not
be chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timezone
from typing import Any

from conda.base.context import context
from packaging.version import Version

from ..models import Build, Records
from ..selection.specs import release


def without_hidden(records: Records) -> Records:
    """Records without the builds that the settings exclude; `excluded` counts those that are too
    new, `packed` those in the format .conda.

    Raises: conda's CondaValueError for an invalid time in the setting.
    """
    if getattr(context, "use_only_tar_bz2", False):
        old = tuple(build for build in records.builds if not build.fn.endswith(".conda"))
        hidden = len(records.builds) - len(old)
        records = records._replace(builds=old, packed=records.packed + hidden)
    policy = _policy()
    if policy is None:
        return records
    kept: tuple[Build, ...] = tuple(filter(policy.should_include, records.builds))
    if records.origin == "built-in":
        kept = tuple(_without_later(kept, records.builds))
    count = len(records.builds) - len(kept)
    return records._replace(builds=kept, excluded=records.excluded + count)


def _without_later(kept: Sequence[Build], every: Iterable[Build]) -> Iterable[Build]:
    """Builds without those that have no date, where every one with a date of the same release, or
    of an older one, is too new. A release of which one with a date is seen keeps its own: an older
    number may have been built later, as an LTS is."""
    seen = {(build.name, build.version) for build in kept if build.timestamp}
    first: dict[str, Version] = {}
    for build in every:
        order = release(build.version) if build.timestamp else None
        if order and (build.name, build.version) not in seen:
            first[build.name] = min(order, first.get(build.name, order))
    for build in kept:
        order = release(build.version)
        since = first.get(build.name)
        known = build.timestamp or (build.name, build.version) in seen
        if known or not (since and order) or order < since:
            yield build


def hidden_of(channel: str, name: str, days: Callable[[], Iterable[str]]) -> frozenset[str]:
    """Those of `days` (as 2025-06-18) whose builds of this package the setting may hide: it hides
    one made at the end of that day."""
    policy = _policy()
    if policy is None:
        return frozenset()
    found = []
    for day in days():
        end = datetime.combine(date.fromisoformat(day), datetime.max.time(), timezone.utc)
        built = Build(name, "", "", 0, "", channel, timestamp=int(end.timestamp() * 1000))
        if not policy.should_include(built):
            found.append(day)
    return frozenset(found)


def undated(builds: Iterable[Build]) -> int:
    """The number of builds without a timestamp, which the setting cannot judge; 0 without it.

    Conda and `without_hidden` treat such a build as old; in the built-in index one is left out
    where its release, or an older one, is hidden. In the index of a channel nearly every record has
    a timestamp; in the built-in index the builds known only from a listing have none.
    """
    return sum(not build.timestamp for build in builds) if _policy() else 0


def by_date() -> bool:
    """Whether the setting for dates is set, which conda applies to its own packages only."""
    return _policy() is not None


def _policy() -> Any:
    """Conda's policy object, None if the setting is not set or this conda does not have it."""
    policy = getattr(context, "exclude_newer_policy", None)
    return policy if policy is not None and policy.active else None
