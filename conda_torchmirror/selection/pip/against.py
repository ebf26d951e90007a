"""What the METADATA of a set says against it, where the pages said otherwise or nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ..wheels.choose import WheelSet
from ..wheels.link import Link
from ..wheels.source import takes_some_patch
from ..wheels.tables import TORCH
from .metadata import Metadata, admits, requirements


class Against(NamedTuple):
    """A wheel of a set that does not go with it, shown as `wheel`, and what it `needs` instead.

    `python` is its Requires-Python if that is what rules it out, else None.
    """

    link: Link
    wheel: str
    needs: str
    python: str | None = None


#: What is known against wheels by their METADATA, by directory and name of the file.
Known = Mapping[tuple[str, str], Against]


def found(wheels: WheelSet, said: Mapping[str, Metadata], subdir: str) -> Iterator[Against]:
    """Yield the wheels of a set that need another Python, or another torch."""
    torch = next((wheel for wheel in wheels.wheels if wheel.project == TORCH), None)
    for wheel in wheels.wheels:
        own = said.get(wheel.project)
        if own is None:
            continue
        shown = f"{wheel.project} {wheel.full_version}"
        if not takes_some_patch(own.requires_python, wheels.python):
            needs = f"Python {own.requires_python}"
            yield Against(wheel.link, shown, needs, own.requires_python)
            continue
        for one in requirements(own, subdir, wheels.python):
            if torch and one.name == TORCH and not admits(one, torch.full_version):
                yield Against(wheel.link, shown, f"{TORCH}{one.specifier}")


def added(known: Known, more: Iterable[Against]) -> Known:
    """What is known, and more."""
    return {**known, **{(one.link.variant, one.link.filename): one for one in more}}


def with_known(links: Iterable[Link], known: Known) -> tuple[Link, ...]:
    """The links as they are with what is known of the files: their Python, and without those that
    need another torch than the table of partners has for them."""
    if not known:
        return tuple(links)
    judged = ((link, known.get((link.variant, link.filename))) for link in links)
    return tuple(
        link if of is None else link._replace(requires_python=of.python)
        for link, of in judged
        if of is None or of.python
    )
