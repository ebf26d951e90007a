"""Every cell of a system with its answer, computed with as few choices as possible.

Machines that a release's builds fit in the same way share an answer. The command's own
`selection.fit.Constraints.check` judges the fit, for every build, driver and GPU. If an answer
names the driver or the GPU, a mark stands in for the value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from functools import cache
from typing import Any, NamedTuple

from answer import CONDA_FORGE, CPU, Answer, Cell, Desk, Matrix, machine, request_of, without_steps
from axes import Axes

from conda_torchmirror.exceptions.base import TorchMirrorError
from conda_torchmirror.index.sources import SOURCES, WHEELS, named
from conda_torchmirror.models import Build, Decision, Machine, Request
from conda_torchmirror.selection.facts.record import BuildFacts
from conda_torchmirror.selection.fit import Constraints, Fit
from conda_torchmirror.selection.pip import variants
from conda_torchmirror.selection.pip.plan import WheelDecision
from conda_torchmirror.selection.specs import minor, number
from conda_torchmirror.selection.wheels import choose as by_wheels
from conda_torchmirror.selection.wheels import request as wheel_requests
from conda_torchmirror.selection.wheels.tables import TORCH as WHEEL
from conda_torchmirror.selection.wheels.tables import tables

#: The marks for the driver's CUDA and for the GPU in a sentence.
DRIVER, GPU = "{d}", "{a}"


class Mark(str):
    """A value that is compared as it is, but shown as its mark."""

    __slots__ = ("shown",)
    shown: str

    def __str__(self) -> str:
        return self.shown

    def __format__(self, spec: str) -> str:
        return self.shown


def marked(value: str, shown: str) -> Mark:
    """A value with its mark."""
    found = Mark(value)
    found.shown = shown
    return found


class Asked(NamedTuple):
    """A cell with its answer, and what the recipes of conda-forge have for it."""

    cell: Cell
    answer: Answer
    matrix: Matrix | None


class _Kind(NamedTuple):
    """How the builds for one release and Python fit: numbers for which ones do, and for the
    outcome of each, and whether any does."""

    fitting: int
    outcomes: int
    fits: bool


class _Likeness(NamedTuple):
    """What is equal for machines with the same answer: `chosen` where it is a set, which builds fit
    and how; `refused` otherwise, why the others do not, and whether they would with any driver or
    GPU or another Python. `fits` says that there may be a set."""

    chosen: Hashable
    refused: Hashable
    fits: bool


class Fits:
    """How the builds of a source fit the machines of a system, release by release."""

    def __init__(self, source: str, desk: Desk, axes: Axes) -> None:
        builds, self._judge = _of_wheels(desk) if source == WHEELS else _of(source, desk)
        self._partners = _partner_cudas(desk) if source == CONDA_FORGE else ()
        self._kinds: dict[Hashable, int] = {}
        #: Builds with the same verdict, with their releases and Pythons.
        self._alike: dict[Hashable, tuple[Build, BuildFacts, set[tuple[str, str]]]] = {}
        for build, read in builds:
            key = build.version, build.channel, read._replace(python=None)
            found = self._alike.setdefault(key, (build, read._replace(python=None), set()))
            found[2].add((build.version, read.python or ""))
        self.releases = sorted({b.version for b, _ in builds}, key=number, reverse=True)
        cudas = sorted({r.cuda for _, r in builds if r.cuda} | {*self._partners}, key=number)
        drivers: dict[Hashable, str] = {}
        self._driver = {}
        #: The directories of wheels that are read for a driver.
        self._read: dict[str, Hashable] = {}
        asked = wheel_requests.read((), cuda="auto")
        assert isinstance(asked, Request)
        for cuda in (*axes.cudas, _ANY):
            on = machine(Cell(desk.system, source, "", cuda))
            judge = self._judge(on)
            outcomes = tuple(_outcome(judge.driver(c)) for c in cudas)
            self._driver[cuda] = drivers.setdefault(outcomes, cuda)
            self._read[cuda] = source == WHEELS and variants.to_read(on, asked, tables())
        self._on = {
            (cuda, arch): self._checked(Cell(desk.system, source, "", cuda, arch))
            for cuda in drivers.values()
            for arch in ("", *axes.archs)
        }

    def _checked(self, cell: Cell) -> dict[tuple[str, str], _Kind]:
        """How the builds fit, by release and Python."""
        judge = self._judge(machine(cell))
        partners = tuple(_outcome(judge.driver(cuda)) for cuda in self._partners)
        found: dict[tuple[str, str], list[Fit]] = {}
        for build, read, where in self._alike.values():
            fit = judge.check(build, read)
            for place in where:
                found.setdefault(place, []).append(fit)

        def number_of(*key: Hashable) -> int:
            return self._kinds.setdefault(key, len(self._kinds))

        def kind(place: tuple[str, str], fits: list[Fit]) -> _Kind:
            fitting = tuple(None if fit.clash else fit.strict for fit in fits)
            outcomes = tuple(map(_outcome, fits))
            return _Kind(
                number_of(place, fitting, partners),
                number_of(place, outcomes, partners),
                any(fit.clash is None for fit in fits),
            )

        return {place: kind(place, fits) for place, fits in found.items()}

    def of(self, python: str, versions: Collection[str]) -> Callable[[str, str], _Likeness]:
        """A function of driver and GPU that tells which machines share an answer, for these
        releases and the Python."""

        @cache
        def one(cuda: str, arch: str) -> tuple[Hashable, Hashable, bool, bool]:
            found = [
                (kind, of in ("", python or of))
                for (version, of), kind in self._on[cuda, arch].items()
                if version in versions
            ]
            return (
                tuple(kind.fitting for kind, mine in found if mine),
                tuple(kind.outcomes for kind, mine in found if mine),
                any(kind.fits for kind, _ in found),
                any(kind.fits for kind, mine in found if mine),
            )

        def whole(cuda: str, arch: str) -> _Likeness:
            any_driver, driver = self._driver[_ANY], self._driver[cuda]
            here = one(driver, arch)
            refused = *here[1:], one(any_driver, arch)[1:], one(driver, "")[1:]
            # If nothing fits, the refusal depends on all that was read.
            return _Likeness(here[0], (*refused, "" if here[-1] else self._read[cuda]), here[-1])

        return whole


#: A driver that runs every CUDA.
_ANY = "99"


def _outcome(fit: Fit) -> Hashable:
    clash = fit.clash
    needs = (
        (clash.code, clash.needs.code, str(sorted(clash.needs.facts.items()))) if clash else None
    )
    return fit.strict, needs


def _of(source: str, desk: Desk) -> Any:
    knowledge = named(source).knowledge
    records = desk.reader.records[named(source).channel]
    torch = [b for b in records.builds if b.name == knowledge.source.torch] if records else []
    request = request_of(Cell(desk.system, source, "", "12.0"), ())
    read = [(build, knowledge.source.read(build)) for build in torch]
    return read, lambda on: Constraints(on, request, knowledge)


def _of_wheels(desk: Desk) -> Any:
    request = wheel_requests.read((), cuda="auto")
    assert isinstance(request, Request)
    on = machine(Cell(desk.system, WHEELS, "", "12.0"))
    links = desk.wheels.links if desk.wheels else ()
    case = by_wheels.prepare(request, on, links, any_python=True)
    torch = [b for b in case.of_accelerator() if b.name == WHEEL]

    def judge(on: Machine) -> Constraints:
        return Constraints(*case._replace(machine=on).judged(), case.knowledge)

    return [(build, case.knowledge.source.read(build)) for build in torch], judge


def _partner_cudas(desk: Desk) -> tuple[str, ...]:
    """The CUDAs of partners, which may differ from that of their pytorch."""
    records, facts = desk.records[CONDA_FORGE], named(CONDA_FORGE).facts
    builds = records.builds if records else ()
    found = {facts.read(build).cuda for build in builds if build.name in facts.partners}
    return tuple(sorted(filter(None, found), key=number))


class Table:
    """The answers of a system from each source by itself."""

    def __init__(self, desk: Desk, axes: Axes) -> None:
        self.desk, self.axes = desk, axes
        self.asked = 0
        names = (*(source.name for source in SOURCES), WHEELS)
        self.fits = {name: Fits(name, desk, axes) for name in names}

    def of(self, source: str, release: str, python: str) -> dict[tuple[str, str], Asked]:
        """The answers by driver and GPU; (CPU, "") is the one without."""
        cell = Cell(self.desk.system, source, release, CPU, "", python)
        fits = self.fits[source]
        self.desk.narrow(release)
        found = {(CPU, ""): self._ask(cell, self.desk.matrix(cell))}

        @cache
        def likeness(floor: str) -> Callable[[str, str], _Likeness]:
            low = number(floor or "0")
            of = [v for v in fits.releases if number(v) >= low and release in ("", minor(v))]
            return fits.of(python, frozenset(of))

        # If the release is open, those below `floor` do not matter.
        lowest: set[str] = set()
        groups: dict[Hashable, Asked] = {}
        for cuda in self.axes.cudas:
            for arch in ("", *self.axes.archs):
                cell = cell._replace(cuda=cuda, arch=arch)
                known = self.desk.matrix(cell), arch == ""
                alike = [(floor, likeness(floor)(cuda, arch)) for floor in lowest]
                keys = [(known, floor, way) for floor, like in alike for way in like[:2]]
                at = next((key for key in keys if key in groups), None)
                if at is None:
                    asked = self._ask(marked_cell(cell), known[0])
                    floor = "" if release else _lowest(asked.answer)
                    lowest.add(floor)
                    like = likeness(floor)(cuda, arch)
                    at = known, floor, like.chosen if chosen(asked.answer) else like.refused
                    groups[at] = asked
                found[cuda, arch] = groups[at]
        return found

    def _ask(self, cell: Cell, matrix: Matrix | None) -> Asked:
        self.asked += 1
        # Why a sample has nothing does not matter if the recipes have it.
        with without_steps(causes=matrix is None):
            return Asked(cell, self.desk.answer(cell), matrix)


def marked_cell(cell: Cell) -> Cell:
    """A cell whose driver and GPU are shown as marks."""
    arch = marked(cell.arch, GPU) if cell.arch else ""
    return cell._replace(cuda=marked(cell.cuda, DRIVER) if cell.cuda != CPU else CPU, arch=arch)


def chosen(answer: Answer) -> str:
    """The release of PyTorch, "" where nothing fits."""
    if isinstance(answer.found, Decision):
        return answer.found.choice.torch.version
    if isinstance(answer.found, WheelDecision):
        return answer.found.chosen.torch.version
    return ""


def _lowest(answer: Answer) -> str:
    """The lowest release on which an answer depends, "" for all."""
    found = answer.found
    told = () if isinstance(found, TorchMirrorError) else found.notices
    # Where an optional partner is left out, the older release that has it is named.
    return "" if any(n.code.startswith("partner_left_out") for n in told) else chosen(answer)
