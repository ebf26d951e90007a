"""What a set of wheels needs besides, as pip would choose it from an index: the newest of each that
goes with all that is asked for. Pure.

It never goes back on a choice, as pip does: where the newest do not go together, nothing is chosen,
and pip is left to find what does.
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
    """All that is asked of one project."""

    specifier: SpecifierSet
    extras: frozenset[str]


class RestTarget(NamedTuple):
    """Where the packages run. `python` is a full version, or major.minor."""

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
    """What is asked for by these wheels, these words and, one after the other, what was `chosen`
    for it; None for a word that leads elsewhere than to an index."""
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
    """The newest wheel of a project that fits, the best of its version by the tags; None where
    there is none. One that was withdrawn, or whose hash nobody says, is not taken."""
    ranks = tags.ranks(on.release, on.machine.subdir, on.machine.glibc, on.machine.osx)
    best: tuple[tuple[Version, int, object], Wheel] | None = None
    for link in links:
        if link.project != name or link.yanked or not link.sha256:
            continue
        wheel = parse(link)
        if not isinstance(wheel, Wheel) or wheel.project != name:
            continue
        rank = min((ranks[tag] for tag in wheel.tags if tag in ranks), default=None)
        if rank is None or not need.specifier.contains(wheel.full_version, prereleases=False):
            continue
        if not _takes(link.requires_python, on.python):
            continue
        key = (Version(wheel.full_version), -rank, wheel.build)
        if best is None or key > best[0]:
            best = key, wheel
    return best[1] if best else None


def kept(need: Need, version: str | None) -> bool:
    """Whether pip leaves what is installed as it is."""
    return version is not None and need.specifier.contains(version, prereleases=True)


def unmet(found: Mapping[str, Need], versions: Mapping[str, str]) -> Collection[str]:
    """The projects whose version is settled and is not what is asked for."""
    return [
        name
        for name, version in versions.items()
        if name in found and not found[name].specifier.contains(version, prereleases=True)
    ]


def _takes(bound: str | None, python: str) -> bool:
    if not bound:
        return True
    try:
        # Of a release whose patch nobody says, a late one is meant.
        full = python if python.count(".") >= 2 else f"{python}.99"
        return SpecifierSet(bound).contains(full, prereleases=True)
    except InvalidSpecifier:
        return True
