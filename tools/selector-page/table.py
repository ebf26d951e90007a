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

from conda_torchmirror.index.sources import SOURCES, WHEELS, named
from conda_torchmirror.models import Build, Decision, Machine
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
        for cuda in (*axes.cudas, _ANY):
            on = machine(Cell(desk.system, source, "", cuda))
            judge = self._judge(on)
            key = tuple(_outcome(judge.driver(c)) for c in cudas)
            self._driver[cuda] = drivers.setdefault(key, cuda)
            self._read[cuda] = source == WHEELS and variants.to_read(on, asked, tables())
        self._on = {
            (cuda, arch): self._checked(Cell(desk.system, source, "", cuda, arch))
            for cuda in drivers.values()
            for arch in ("", *axes.archs)
        }

    def _checked(self, cell: Cell) -> dict[tuple[str, str], tuple[int, bool]]:
        """By release and Python: a number for how the builds fit, and whether any does."""
        judge = self._judge(machine(cell))
        partners = tuple(_outcome(judge.driver(cuda)) for cuda in self._partners)
        found: dict[tuple[str, str], list[Hashable]] = {}
        fits: set[tuple[str, str]] = set()
        for build, read, where in self._alike.values():
            fit = judge.check(build, read)
            for place in where:
                found.setdefault(place, []).append(_outcome(fit))
                if fit.clash is None:
                    fits.add(place)
        return {
            place: (
                self._kinds.setdefault((place, tuple(rows), partners), len(self._kinds)),
                place in fits,
            )
            for place, rows in found.items()
        }

    def of(self, python: str, versions: Collection[str]) -> Callable[[str, str], Hashable]:
        """A function of driver and GPU whose value is equal for machines with the same answer: how
        the builds of these releases for the Python fit, and would fit with any driver or GPU, and
        whether those for another Python do."""

        @cache
        def one(cuda: str, arch: str) -> tuple[Hashable, bool, bool]:
            found = [
                (kind, fits, of in ("", python or of))
                for (version, of), (kind, fits) in self._on[cuda, arch].items()
                if version in versions
            ]
            return (
                tuple(kind for kind, _, mine in found if mine),
                any(fits for _, fits, _ in found),
                any(fits for _, fits, mine in found if mine),
            )

        def whole(cuda: str, arch: str) -> Hashable:
            any_driver, driver = self._driver[_ANY], self._driver[cuda]
            here = one(driver, arch)
            # If nothing fits, the refusal depends on all that was read.
            read = "" if here[-1] else self._read[cuda]
            return here, one(any_driver, arch), one(driver, ""), read

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
        def told_apart(floor: str) -> Callable[[str, str], Hashable]:
            low = number(floor or "0")
            of = [v for v in fits.releases if number(v) >= low and release in ("", minor(v))]
            return fits.of(python, frozenset(of))

        # If the release is open, those below the chosen one do not matter.
        lowest: set[str] = set()
        groups: dict[Hashable, Asked] = {}
        for cuda in self.axes.cudas:
            for arch in ("", *self.axes.archs):
                cell = cell._replace(cuda=cuda, arch=arch)
                known = self.desk.matrix(cell), arch == ""
                keys = ((floor, known, told_apart(floor)(cuda, arch)) for floor in lowest)
                at = next((key for key in keys if key in groups), None)
                if at is None:
                    asked = self._ask(marked_cell(cell), known[0])
                    floor = "" if release else chosen(asked.answer)
                    lowest.add(floor)
                    groups[at := (floor, known, told_apart(floor)(cuda, arch))] = asked
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
