"""Choose the dependencies of a set of wheels from an index as pip would: the newest of each that
meets all requirements. Pure.

Unlike pip, this never backtracks: if the newest versions conflict, nothing is chosen, and pip is
left to find versions that do not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from ...models import Machine
from ..wheels import tags
from ..wheels.link import Link
from ..wheels.name import Wheel, parse
from .metadata import Metadata, requirements


class Need(NamedTuple):
    """All requirements on one project."""

    specifier: SpecifierSet
    extras: frozenset[str]


class RestTarget(NamedTuple):
    """The target of the packages. `python` is a full version, or major.minor."""

    machine: Machine
    python: str

    @property
    def release(self) -> str:
        """The Python, major.minor."""
        return ".".join(self.python.split(".")[:2])


def needs(
    roots: Iterable[Metadata],
    words: Sequence[str],
    chosen: Mapping[str, Metadata],
    on: RestTarget,
) -> dict[str, Need] | None:
    """Collect the requirements of these wheels, of these words and, in turn, of what was `chosen`
    for them; None if a word does not refer to an index."""
    waiting = []
    for word in words:
        try:
            waiting.append(Requirement(word))
        except InvalidRequirement:
            return None
    for said in roots:
        waiting += requirements(said, on.machine.subdir, on.python)
    found: dict[str, Need] = {}
    followed: dict[str, frozenset[str] | None] = {}
    while waiting:
        one = waiting.pop()
        if one.url:
            return None
        name = canonicalize_name(one.name)
        known = found.get(name, Need(SpecifierSet(), frozenset()))
        found[name] = need = Need(known.specifier & one.specifier, known.extras | one.extras)
        if name in chosen and followed.get(name) != need.extras:
            followed[name] = need.extras
            waiting += requirements(
                chosen[name], on.machine.subdir, on.python, extras=sorted(need.extras)
            )
    return found


def pick(links: Iterable[Link], name: str, need: Need, on: RestTarget) -> Wheel | None:
    """Pick the newest fitting wheel of a project, of its version the one with the best tags; None
    if there is none. Wheels that are yanked, or that are to be fetched and have no known hash, are
    skipped."""
    machine = on.machine
    free = machine.free_threaded == on.release
    ranks = tags.ranks(on.release, machine.subdir, machine.glibc, machine.osx, free=free)
    best: tuple[tuple[Version, int, object], Wheel] | None = None
    for link in links:
        known = link.sha256 or link.url.startswith("file:")
        if link.project != name or link.yanked or not known:
            continue
        wheel = parse(link)
        if not isinstance(wheel, Wheel) or wheel.project != name:
            continue
        rank = min((ranks[tag] for tag in wheel.tags if tag in ranks), default=None)
        if rank is None or not need.specifier.contains(wheel.full_version, prereleases=False):
            continue
        if not takes(link.requires_python, on.python):
            continue
        key = (Version(wheel.full_version), -rank, wheel.build)
        if best is None or key > best[0]:
            best = key, wheel
    return best[1] if best else None


def kept(need: Need, version: str | None) -> bool:
    """Whether pip would keep the installed version."""
    return version is not None and need.specifier.contains(version, prereleases=True)


def unmet(found: Mapping[str, Need], versions: Mapping[str, str]) -> Collection[str]:
    """The projects whose settled version does not meet its requirements."""
    return [
        name
        for name, version in versions.items()
        if name in found and not found[name].specifier.contains(version, prereleases=True)
    ]


def takes(bound: str | None, python: str) -> bool:
    """Whether a Requires-Python admits a Python, a full version or major.minor."""
    if not bound:
        return True
    try:
        # An unknown patch release is taken to be a late one.
        full = python if python.count(".") >= 2 else f"{python}.99"
        return SpecifierSet(bound).contains(full, prereleases=True)
    except InvalidSpecifier:
        return True
