"""What removing some packages means for the rest of an environment: orphans and dependents.

Reads records and history through conda, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from conda.core.prefix_data import PrefixData
from conda.history import History
from conda.models.match_spec import MatchSpec

from ..exceptions.environment import DamagedHistory, UnreadableHistory
from ..mirrors.addresses import name_of
from ..models import Departure
from ..selection.facts.names import CUDA_NAMES, TOOLKIT
from ..selection.specs import package_name

#: Never an orphan: the choice is made for the environment's Python.
_KEPT = "python"
#: The package that every CUDA package needs since CUDA 12.
_CUDA = CUDA_NAMES[0]
#: And the one that was all of CUDA before.
_OF_CUDA = frozenset((_CUDA, TOOLKIT))


def requested(prefix: str, *, listed: bool = True) -> Mapping[str, Any]:
    """The specs that were asked for in an environment, by name; with `listed` also those of which
    a file was installed from a list. Raises: UnreadableHistory, DamagedHistory."""
    history = History(prefix)
    try:
        found = history.get_requested_specs_map()
    except UnicodeDecodeError as error:
        raise UnreadableHistory(file=history.path) from error
    except Exception as error:  # of any kind, as conda lets them through
        if (line := _damaged_line(history.path)) is None:
            raise
        raise DamagedHistory(file=history.path, line=line) from error
    return {name: spec for name, spec in found.items() if listed or not is_file(spec)}


def _damaged_line(path: str) -> int | None:
    """The number of the line of a history that conda stops at, such as one that was cut off. None
    where that is not found, so that conda's own error is what is told."""
    parse = getattr(History, "_parse_comment_line", None)  # conda's own, which it may rename
    if parse is None:
        return None
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for number, line in enumerate(lines, 1):
        try:
            for spec in parse(line).get("specs", ()):
                MatchSpec(spec)
        except Exception:  # the same
            return number
    return None


def is_file(spec: Any) -> bool:
    """Whether a spec of the history names one file, with the folder of its channel.

    So conda records every package of `create --clone`, and of a list of URLs, where nobody asked
    for each of them.
    """
    return all(spec.get(field) for field in ("subdir", "version", "build"))


def departure(
    prefix: str,
    names: Collection[str],
    channels: Collection[str] = (),
    channel_of: Callable[[str], str] = name_of,
) -> Departure:
    """Return what removing the packages of these names entails. `channel_of` names their channels.

    Of the packages that came along with them, those of CUDA and those from `channels` become
    orphans; any other (numpy, for example) stays, since somebody may use it.

    Raises: UnreadableHistory, DamagedHistory, and what conda raises for records that cannot be
    read.
    """
    records, needs = _read(prefix)
    asked = requested(prefix, listed=False)
    named = set(names) & records.keys()
    needing = closure(named, _inverted(needs)) - named
    may_go = {
        name
        for name in closure(named, needs) - named - asked.keys() - {_KEPT}
        if name in needing
        or name == _CUDA
        or _CUDA in needs[name]
        or channel_of(records[name].channel.canonical_name) in channels
    }
    # A package that stays no longer needs what is removed by name.
    without = {name: needed - named for name, needed in needs.items()}
    orphans = may_go - closure(records.keys() - named - may_go, without)
    dependents = needing - orphans
    wanted = [
        name
        for name in sorted(dependents)
        if name in asked or not any(name in needs[other] for other in dependents - {name})
    ]
    return Departure(
        named=tuple(sorted(named)),
        orphans=tuple(sorted(orphans)),
        dependents=tuple(sorted(dependents)),
        specs=tuple(str(asked.get(name, name)) for name in wanted),
    )


def unneeded(
    prefix: str,
    names: Collection[str],
    *,
    family: Collection[str],
    channels: Collection[str],
    asked: Collection[str],
    needed: Collection[str],
    channel_of: Callable[[str], str] = name_of,
    listed: bool = True,
) -> tuple[str, ...]:
    """Return what an environment no longer needs with builds for the CPU in the place of those that
    it has: the packages of these names, and of CUDA and of `channels` what only the `family` needs.
    Not what was `asked` for, now or before, nor what the builds for the CPU have `needed`; nor,
    with `listed`, packages of a list or a clone, of which nobody knows whether they were.

    Raises: as `departure`.
    """
    records, needs = _read(prefix)
    asked = {*asked, *requested(prefix, listed=listed)}
    of_family = set(family) & records.keys()
    needing = closure(of_family, _inverted(needs))
    may_go = {
        name
        for name in closure(of_family, needs) - of_family - asked
        if name in needing
        or name in _OF_CUDA
        or not needs[name].isdisjoint(_OF_CUDA)
        or channel_of(records[name].channel.canonical_name) in channels
    }
    named = set(names) & records.keys()
    without = {name: set() if name in of_family else own for name, own in needs.items()}
    stays = closure((records.keys() - named - may_go) | (records.keys() & {*needed}), without)
    return tuple(sorted((named | may_go) - stays - {_KEPT}))


def _read(prefix: str) -> tuple[dict[str, Any], dict[str, set[str]]]:
    """The records of an environment that conda manages, and the names that each needs there."""
    records = {r.name: r for r in PrefixData(prefix).iter_records() if not r.is_unmanageable}
    return records, needs_of(records)


def needs_of(records: Mapping[str, Any]) -> dict[str, set[str]]:
    """The names of those records, by name, that each of them needs."""
    return {
        name: {need for spec in record.depends if (need := package_name(spec)) in records}
        for name, record in records.items()
    }


def _inverted(needs: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {name: set() for name in needs}
    for name, needed in needs.items():
        for one in needed:
            found[one].add(name)
    return found


def closure(names: Collection[str], edges: Mapping[str, Collection[str]]) -> set[str]:
    """Everything reachable from the names over the edges, the names included."""
    found, new = set(names), list(names)
    while new:
        further = set(edges[new.pop()]) - found
        found |= further
        new += further
    return found
