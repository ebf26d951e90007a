"""The rule of the sources, applied to the requests that a refusal considers as next steps.

A step may lead to another source than the refusing one: without the arguments that tied it to a
source, or with the release left open, a request is answered by the source with the newest release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy

from ...exceptions.usage import Contradiction
from ...index.hidden import without_hidden
from ...index.match import admits, read
from ...index.sources import SOURCES, Source, named, own_names
from ...models import Build, Choice, Machine, Request
from ...options import InstallOptions
from ...selection.choose import choose
from ...selection.facts.names import CPU_METAPACKAGE, CPU_ONLY, MUTEX
from ...selection.sources.compare import newest
from ...selection.sources.forge_tables import best_of_conda_forge
from ...selection.specs import release
from ..attempt import Attempt
from .answer import in_order

#: The builds of a source as a run without a network has them; None if it is not one of that run.
Cached = Callable[[Source], "Sequence[Build] | None"]


class AutoRule:
    """Chooses for another machine or request, without reading a channel: for sources that were not
    read it uses the built-in index, and for a maintained one also the tables of newer releases.

    With `cached`, for a run without a network, nothing is known beside what that has.
    """

    def __init__(
        self,
        options: InstallOptions,
        attempts: Iterable[Attempt],
        cached: Cached | None = None,
    ) -> None:
        self._options = options
        self._cached = cached
        self._builds: dict[str, Sequence[Build]] = {
            each.task.source.name: each.records.builds for each in attempts
        }
        self._asked = frozenset(self._builds)

    def __call__(self, on: Machine, request: Request) -> Choice | None:
        """The choice for a machine and request, or None."""
        request = request._replace(ties=_standing(request))
        try:
            order = in_order(self._options, request, on)
        except Contradiction:
            return None
        sets: dict[str, Choice] = {}
        for source in map(named, order.sources):
            found = choose(on, request, self._of(source, on), source.knowledge)
            if isinstance(found, Choice):
                sets[source.name] = self._as_known(found, source, on, request)
                if not order.newest:
                    break
        if not sets:
            return None
        in_turn = {one.name: sets[one.name] for one in SOURCES if one.name in sets}
        return sets[newest(in_turn) if order.newest else next(iter(sets))]

    def naming(self, source: str) -> AutoRule:
        """The rule for a run like this one that names a source."""
        found = copy(self)
        found._options = self._options._replace(source=source)
        return found

    def _of(self, source: Source, on: Machine) -> Sequence[Build]:
        if source.name not in self._builds:
            builds = self._cached(source) if self._cached else None
            if builds is None:
                known = source.built_in(on.subdir)
                builds = without_hidden(known).builds if known else ()
            self._builds[source.name] = builds
        return self._builds[source.name]

    def _as_known(self, found: Choice, source: Source, on: Machine, request: Request) -> Choice:
        """Replace release and CUDA of a choice from a sample by newer ones of the tables, as those
        are what the step will mention."""
        if source.name in self._asked or self._cached or source.end is not None:
            return found
        torch, *partners = found.builds
        known, cuda = best_of_conda_forge(on, request, admits) or (torch.version, "")
        newer, mine = release(known), release(torch.version)
        if newer is None or mine is None or newer <= mine:
            return found
        builds = (torch._replace(version=known), *partners)
        return found._replace(builds=builds, cuda=cuda or None)


def _standing(request: Request) -> tuple[tuple[str, str], ...]:
    """The ties of a request whose arguments are still part of it."""
    return tuple(tie for tie in request.ties if _stands(*tie, request))


def _stands(source: str, word: str, request: Request) -> bool:
    spec = read(word)
    # A name that only one source has ties the request to it in any version.
    return (spec.name in request.specs and spec.name in own_names(named(source))) or (
        word in request.others
        or spec.plain in request.specs.get(spec.name, ())
        or any(pin.text == word for pin in request.pins)
        or (spec.name in (CPU_ONLY, CPU_METAPACKAGE, MUTEX) and request.cuda == "cpu")
    )
