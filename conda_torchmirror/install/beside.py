"""Other packages whose records pin the torch family, such as pytorch3d and pyg.

Pure functions of records: `unmet` lists the dependencies of a build that a set does not meet,
`narrow` finds the best set that works with all such packages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..models import Admits, Build, Choice, Machine, Notice, Offer, Pin, Request
from ..selection.choose import choose, offers
from ..selection.facts.names import FAMILY, RUNTIMES
from ..selection.facts.record import Knowledge, recency
from ..selection.specs import admits_python, number, package_name

PYTHON = "python"
#: The packages that a build must depend on for its record to restrict the set.
_TELLING = frozenset((*FAMILY, *RUNTIMES))


class Held(NamedTuple):
    """A set as other packages see it: builds by name, Python, CUDA and its runtime package."""

    builds: Mapping[str, Build]
    python: str
    cuda: str | None
    runtime: str | None

    @property
    def shown(self) -> dict[str, str]:
        """The packages of the set by name, as messages show them."""
        found = {name: f"{name} {build.version}" for name, build in self.builds.items()}
        if self.runtime and self.cuda:
            found.setdefault(self.runtime, f"{self.runtime} {self.cuda}")
        return {**found, PYTHON: f"{PYTHON} {self.python}"}


class Narrowed(NamedTuple):
    """A request for a set that other packages work with, and notices on how it was narrowed."""

    request: Request
    notices: tuple[Notice, ...] = ()


def held(choice: Choice) -> Held:
    """A choice as other packages see it."""
    builds = {build.name: build for build in choice.builds}
    return Held(builds, choice.python, choice.cuda, choice.runtime)


def unmet(build: Build, there: Held, admits: Admits) -> tuple[str, ...]:
    """The dependencies of a build that a set does not meet."""
    return tuple(spec for spec in build.depends if not _meets(spec, there, admits))


def _meets(spec: str, there: Held, admits: Admits) -> bool:
    name = package_name(spec)
    if name == PYTHON:
        return admits_python(spec, there.python, admits)
    if build := there.builds.get(name):
        return admits(spec, name, build.version, build.build)
    if name == there.runtime and there.cuda:
        return admits(spec, name, there.cuda, "")
    return True


def fitting(word: str, builds: Sequence[Build], admits: Admits) -> list[Build]:
    """The builds that a spec admits, newest first."""
    spec = word.rpartition("::")[2]
    found = [build for build in builds if admits(spec, build.name, build.version, build.build)]
    return sorted(found, key=recency, reverse=True)


def narrow(
    machine: Machine,
    request: Request,
    builds: Sequence[Build],
    others: Mapping[str, Sequence[Build]],
    knowledge: Knowledge,
) -> Narrowed:
    """Narrow a request to the best set that all packages of `others` (builds by spec) work with.

    Returns the request unchanged if they work with the best set anyway, or with no set at all.
    """
    admits = knowledge.admits
    binding = {
        word: found
        for word, of in others.items()
        if (found := fitting(word, of, admits))
        and all(any(package_name(spec) in _TELLING for spec in b.depends) for b in found)
    }
    best = choose(machine, request, builds, knowledge) if binding else None
    if not isinstance(best, Choice):
        return Narrowed(request)

    out = left_out(binding, held(best), admits)
    if not out:
        return Narrowed(request)
    together = best_with(binding, machine, request, builds, knowledge)
    if together is None:
        wanted = unmet(binding[out[0]][0], held(best), admits)
        facts = {"package": out[0], "wanted": ", ".join(f"`{spec}`" for spec in wanted)}
        return Narrowed(request, (Notice("other_unmet", facts),))
    torch = together.torch
    facts = {
        "packages": ", ".join(f"`{word}`" for word in out),
        "torch": torch.version,
        "instead": best.torch.version,
    }
    code = "narrowed_by" if torch.version != best.torch.version else "narrowed_build_by"
    pin = Pin(torch.spec, out[0].rpartition("::")[2])
    return Narrowed(request._replace(pins=(*request.pins, pin)), (Notice(code, facts),))


def left_out(binding: Mapping[str, Sequence[Build]], there: Held, admits: Admits) -> list[str]:
    """The specs none of whose builds works with a set."""
    return [word for word, of in binding.items() if all(unmet(b, there, admits) for b in of)]


def best_with(
    binding: Mapping[str, Sequence[Build]],
    machine: Machine,
    request: Request,
    builds: Sequence[Build],
    knowledge: Knowledge,
) -> Choice | None:
    """The best set that works with a build of each package in `binding` (builds by spec)."""
    for offer in _in_order(offers(machine, request, builds, knowledge), machine):
        torch, reads = offer.builds[0], knowledge.source.read(offer.builds[0])
        there = Held({b.name: b for b in offer.builds}, offer.python, offer.cuda, reads.runtime)
        if left_out(binding, there, knowledge.admits):
            continue
        narrowed = request._replace(pins=(*request.pins, Pin(torch.spec, "")))
        found = choose(machine, narrowed, builds, knowledge)
        if isinstance(found, Choice) and not left_out(binding, held(found), knowledge.admits):
            return found
    return None


def _in_order(found: Sequence[Offer], machine: Machine) -> Iterator[Offer]:
    """The sets that fit, best first: within a release, those with CUDA up to the driver's first."""
    driver = number(machine.cuda or "0")

    def beyond(offer: Offer) -> bool:
        return bool(offer.cuda and number(offer.cuda)[: len(driver)] > driver)

    releases = list(dict.fromkeys(offer.release for offer in found))
    place = {release: at for at, release in enumerate(releases)}
    fits = (offer for offer in found if offer.fits)
    yield from sorted(fits, key=lambda offer: (place[offer.release], beyond(offer)))
