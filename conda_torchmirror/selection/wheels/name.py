"""Parse names of wheels: the project, release and build of a file. Pure, and never raises.

Pages may hold anything. A name that is not a wheel's is refused with a reason; wheels outside the
torch family are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from packaging.tags import parse_tag
from packaging.utils import (
    BuildTag,
    InvalidWheelFilename,
    canonicalize_name,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion

from .link import Link, triple_of
from .tags import WheelTarget

#: Upper limit for a name: file systems take no longer ones, and integers of thousands of digits
#: cannot be parsed.
_LONGEST = 255
_ODD = re.compile(r"[\x00-\x20\x7f/\\]|[^\x00-\x7f]")

Reason = Literal["not_a_wheel", "too_long", "odd_characters", "not_by_the_standard"]


class Wheel(NamedTuple):
    """A wheel, parsed from its name.

    `project` is normalised (PEP 503); `version` excludes the part after `+`, which is `local`.
    `build` is () or a number and a suffix; `tags` are expanded to single ones.
    """

    project: str
    version: str
    local: str | None
    build: BuildTag
    tags: frozenset[str]
    link: Link

    @property
    def full_version(self) -> str:
        """The version with its local part, as pip shows it."""
        return f"{self.version}+{self.local}" if self.local else self.version

    @property
    def triple(self) -> str:
        """The three tags as written in the name."""
        return triple_of(self.link.filename)


class Refused(NamedTuple):
    """A link whose name is not that of a wheel, and why."""

    link: Link
    reason: Reason


class Page(NamedTuple):
    """The wheels of the torch family for a platform, and the links refused as wheels."""

    wheels: tuple[Wheel, ...]
    refused: tuple[Refused, ...] = ()


def parse(link: Link) -> Wheel | Refused:
    """Parse the name of one link."""
    name = link.filename
    if not name.endswith(".whl"):
        return Refused(link, "not_a_wheel")
    if len(name) > _LONGEST:
        return Refused(link, "too_long")
    if _ODD.search(name):
        return Refused(link, "odd_characters")
    head, *triple = name.removesuffix(".whl").rsplit("-", 3)
    front = _front(head) if len(triple) == 3 else None
    if front is None:
        return Refused(link, "not_by_the_standard")
    return Wheel(*front, _tags("-".join(triple)), link)


def read(links: Iterable[Link], projects: Collection[str], target: WheelTarget) -> Page:
    """Read the wheels of some projects that run on the target.

    Other platforms, Pythons and projects are dropped by the tags and the first word of the name,
    because parsing a name takes six times as long.
    """
    wheels: list[Wheel] = []
    refused: list[Refused] = []
    for link in links:
        name = link.filename
        head = name.partition("-")[0]
        if head not in projects and canonicalize_name(head) not in projects:
            continue
        if _plausible(name) and target.fit(triple_of(name)) is None:
            continue
        found = parse(link)
        if isinstance(found, Refused):
            refused.append(found)
        else:
            wheels.append(found)
    return Page(tuple(wheels), tuple(refused))


# Parts are cached: the thousands of names on a page combine some hundred heads and tags.


@lru_cache(maxsize=4096)
def _front(head: str) -> tuple[str, str, str | None, BuildTag] | None:
    """Parse the part before the tags: project, version, local version and build."""
    try:
        project, version, build, _ = parse_wheel_filename(f"{head}-py3-none-any.whl")
    except (InvalidWheelFilename, InvalidVersion):
        return None
    return project, version.public, version.local, build


@lru_cache(maxsize=4096)
def _tags(triple: str) -> frozenset[str]:
    return frozenset(map(str, parse_tag(triple)))


def _plausible(filename: str) -> bool:
    """Whether a name is built like a wheel's, so that it is a wheel for some other target."""
    return filename.endswith(".whl") and filename.count("-") in (4, 5)
