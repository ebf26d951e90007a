"""Conda's setting `exclude_newer`, as its solver applies it: what is newer does not exist.

New conda (26.7) has it, old conda does not know it. A build that conda's solver will not see must
not be chosen before.
"""

from __future__ import annotations

from conda.base.context import context

from ..models import Build, Records


def without_newer(records: Records) -> Records:
    """Records without the builds that the setting excludes, which are counted.

    Raises: conda's CondaValueError for a setting that is no time.
    """
    policy = getattr(context, "exclude_newer_policy", None)
    if policy is None or not policy.active:
        return records
    kept: tuple[Build, ...] = tuple(filter(policy.should_include, records.builds))
    count = len(records.builds) - len(kept)
    return records._replace(builds=kept, excluded=records.excluded + count)
