"""Names of wheels: which project, release and build a file is. Pure, and never raises.

Pages are written by others. A name that is none is refused with a reason; a name of something else
than the torch family is passed over.
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

#: File systems take no longer names, and what parses them none of thousands of digits.
_LONGEST = 255
_ODD = re.compile(r"[\x00-\x20\x7f/\\]|[^\x00-\x7f]")

Reason = Literal["not_a_wheel", "too_long", "odd_characters", "not_by_the_standard"]


class Wheel(NamedTuple):
    """A wheel by its name.

    `project` is normalised (PEP 503), `version` is without the part after `+`, which is `local`.
    `build` is () or a number and a suffix; `tags` are single ones.
    """

    project: str
    version: str
    local: str | None
    build: BuildTag
    tags: frozenset[str]
    link: Link

    @property
    def full_version(self) -> str:
        """The version as pip has it."""
        return f"{self.version}+{self.local}" if self.local else self.version

    @property
    def triple(self) -> str:
        """The tags as the name has them."""
        return triple_of(self.link.filename)


class Refused(NamedTuple):
    """A link whose name is not that of a wheel, and why."""

    link: Link
    reason: Reason


class Page(NamedTuple):
    """The wheels of the torch family for a platform, and what is not taken for a wheel."""

    wheels: tuple[Wheel, ...]
    refused: tuple[Refused, ...] = ()


def parse(link: Link) -> Wheel | Refused:
    """Read one name."""
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
    """The wheels of some projects that run on the target.

    Other platforms, Pythons and projects go by the tags and the first word of the name, before it
    is parsed, which costs six times as much.
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


# Pages have thousands of names, which are some hundred fronts with some hundred tags.


@lru_cache(maxsize=4096)
def _front(head: str) -> tuple[str, str, str | None, BuildTag] | None:
    """What stands before the tags: project, version, local version and build."""
    try:
        project, version, build, _ = parse_wheel_filename(f"{head}-py3-none-any.whl")
    except (InvalidWheelFilename, InvalidVersion):
        return None
    return project, version.public, version.local, build


@lru_cache(maxsize=4096)
def _tags(triple: str) -> frozenset[str]:
    return frozenset(map(str, parse_tag(triple)))


def _plausible(filename: str) -> bool:
    """Whether a name has the parts of a wheel's, so that it is one for somebody else."""
    return filename.endswith(".whl") and filename.count("-") in (4, 5)
