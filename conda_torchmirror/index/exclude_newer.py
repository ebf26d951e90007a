"""Conda's setting `exclude_newer`, as its solver applies it: what is newer does not exist.

New conda (26.7) has it, old conda does not know it. A build that conda's solver will not see must
not be chosen before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conda.base.context import context

from ..models import Build, Records


def without_newer(records: Records) -> Records:
    """Records without the builds that the setting excludes, which are counted.

    Raises: conda's CondaValueError for a setting that is no time.
    """
    policy = _policy()
    if policy is None:
        return records
    kept: tuple[Build, ...] = tuple(filter(policy.should_include, records.builds))
    count = len(records.builds) - len(kept)
    return records._replace(builds=kept, excluded=records.excluded + count)


def undated(builds: Iterable[Build]) -> int:
    """How many of these builds the setting could not judge; 0 without the setting.

    Conda takes a build without a timestamp for an old one, and so does `without_newer`. In an index
    of a channel nearly every record has one; in the built-in index those that are known from a
    listing alone have none.
    """
    return sum(not build.timestamp for build in builds) if _policy() else 0


def _policy() -> Any:
    """Conda's policy, None where the setting is not set or not known."""
    policy = getattr(context, "exclude_newer_policy", None)
    return policy if policy is not None and policy.active else None
