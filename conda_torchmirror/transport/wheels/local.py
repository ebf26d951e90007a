"""Wheels on this disk instead of a mirror's pages; nothing is requested."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ...exceptions.channel import NoSource, NoWheels
from ...models import Notice
from ...selection.wheels.link import Link
from .. import failures
from ..failures import Failure
from .reader import WHEELS, Located, WheelReader
from .routes import Chains, WheelMirror


class LocalReader(WheelReader):
    """A reader of wheels whose links lead to local files; results name `folder` as their place."""

    origin = "cache"

    def __init__(
        self, name: str, folder: str, links: Iterable[Link], keep: Callable[[str], bool]
    ) -> None:
        place = WheelMirror(name, folder, ())
        super().__init__(Chains((place,), ()), keep)
        self._place = place
        self._held = tuple(link for link in links if keep(link.filename))

    def read(self, _variants: Sequence[str], projects: Sequence[str]) -> tuple[Link, ...]:
        """The wheels of these projects, from any directory.

        Raises: NoWheels.
        """
        found = tuple(link for link in self._held if link.project in projects)
        if not found:
            raise self.nothing()
        self._shelves[self._place] = found
        return found

    def nothing(self, ways: Sequence[Notice] = ()) -> NoSource:
        """The error for files among which no torch is for the machine, with next steps."""
        route = self._place.route(WHEELS)
        gone = Failure(route, Notice("no_wheels_here", {"folder": self._place.url}))
        return failures.no_route_left([gone], ways, NoWheels)

    def read_further(
        self, _variants: Sequence[str], _projects: Sequence[str]
    ) -> tuple[Link, ...] | None:
        """None: there is only one place."""
        return None

    def project(self, variant: str, project: str) -> tuple[Link, ...]:
        """The wheels of a further project."""
        return tuple(li for li in self._held if (li.variant, li.project) == (variant, project))

    def locate(self, wanted: Sequence[Link]) -> tuple[Located, ...]:
        """Where each of these files is."""
        return tuple(Located(link, self._place) for link in wanted)
