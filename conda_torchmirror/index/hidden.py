"""Conda's settings `exclude_newer` and `use_only_tar_bz2`, applied as in its solver: newer builds,
or those in the format .conda, do not exist.

Conda 26.7 has the first setting, 24.7 does not. A build that conda's solver will not see must not
be chosen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conda.base.context import context

from ..models import Build, Records


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
    count = len(records.builds) - len(kept)
    return records._replace(builds=kept, excluded=records.excluded + count)


def undated(builds: Iterable[Build]) -> int:
    """The number of builds without a timestamp, which the setting cannot judge; 0 without it.

    Conda and `without_hidden` treat such a build as old. In the index of a channel nearly every
    record has a timestamp; in the built-in index the builds known only from a listing have none.
    """
    return sum(not build.timestamp for build in builds) if _policy() else 0


def by_date() -> bool:
    """Whether the setting for dates is set, which conda applies to its own packages only."""
    return _policy() is not None


def _policy() -> Any:
    """Conda's policy object, None if the setting is not set or this conda does not have it."""
    policy = getattr(context, "exclude_newer_policy", None)
    return policy if policy is not None and policy.active else None
