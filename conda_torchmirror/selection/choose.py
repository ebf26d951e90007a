"""The choice itself: a pure function of machine, request and records. No conda, HTTP, subprocess.

Releases are tried from the newest down. Within one, every build is judged by itself (Python,
driver, GPU, pins) and then together with its partners, so that the set that comes out is one whose
members admit each other. Whatever is passed over is kept with the two facts that clash.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..models import (
    Admits,
    Build,
    Choice,
    Installed,
    Machine,
    NoChoice,
    Notice,
    Offer,
    Rejection,
    Request,
)
from .cuda import CudaTables
from .facts.pytorch import PARTNERS, RUNTIME, RUNTIMES, TORCH, Facts, dependency, facts, recency
from .fit import Clash, Constraints
from .specs import number, package_name, release, same_cuda

#: Versions by package name of what the CUDA runtime channel holds: name -> (version, build) pairs.
RuntimeIndex = Mapping[str, Sequence[tuple[str, str]]]


class _Kind(NamedTuple):
    """What a partner must share with its pytorch."""

    python: str | None
    accelerator: str
    cuda: str | None


class _Candidate(NamedTuple):
    """A pytorch build with its facts, and how its CUDA fits the driver."""

    build: Build
    facts: Facts
    strict: bool

    @property
    def rank(self) -> tuple[object, ...]:
        """Larger is better, within one release."""
        return (
            self.facts.accelerator == "cuda",
            self.strict,
            number(self.facts.cuda or "0"),
            number(self.facts.python or "0"),
            self.build.build_number,
            self.build.timestamp,
            self.build.build,
        )


class _Catalog:
    """The family's builds, ordered for look-up. Only what a choice looks at is read."""

    def __init__(self, builds: Iterable[Build], constraints: Constraints) -> None:
        self.constraints = constraints
        self._torch: dict[str, list[Build]] = defaultdict(list)
        self._partners: dict[tuple[str, str], list[Build]] = defaultdict(list)
        self._groups: dict[tuple[str, str, bool], dict[_Kind, list[Build]]] = {}
        for build in builds:
            if build.name == TORCH:
                self._torch[build.version].append(build)
            elif build.name in PARTNERS and (spec := dependency(build, TORCH)):
                self._partners[build.name, spec].append(build)
        self._met: dict[tuple[str, str, str], list[str]] = {}
        # Specs that are not just a version; they have to be matched one by one.
        self._ranges = [
            (name, spec) for name, spec in self._partners if any(c in spec for c in "<>=!~*|,[")
        ]

    def knows(self, name: str) -> bool:
        """Whether there is any build of a partner."""
        return any(name == of for of, _ in self._partners)

    def releases(self) -> list[str]:
        """Every pytorch version, newest first; one that cannot be ordered is left out."""
        known = [(order, version) for version in self._torch if (order := release(version))]
        return [version for _, version in sorted(known, reverse=True)]

    def torch(self, version: str) -> list[tuple[Build, Facts]]:
        """The builds of a pytorch release that the request's specs admit."""
        return [
            (build, read)
            for build in self._torch[version]
            if self.constraints.asked(build)
            and self.constraints.runtime_asked(read := facts(build))
        ]

    def partners(
        self, name: str, candidate: _Candidate, *, asked: bool = True
    ) -> list[list[Build]]:
        """The builds of `name` for this pytorch, its Python and its accelerator.

        `asked` leaves out what specs and pins do not admit. In groups that are not empty, each
        newest first: a group is one spec on pytorch, and many releases share those that are ranges.
        """
        torch, read = candidate.build, candidate.facts
        key = (name, torch.version, torch.build)
        if key not in self._met:
            met = [spec for of, spec in self._ranges if of == name and self._meets(spec, torch)]
            self._met[key] = [f"{TORCH} {torch.version}", *met]
        kinds = (
            _Kind(read.python, read.accelerator, read.cuda),
            _Kind(read.python, "any", None),
        )
        groups = [self._by_kind(name, spec, asked=asked) for spec in self._met[key]]
        return [found for group in groups for kind in kinds if (found := group.get(kind))]

    def _meets(self, spec: str, torch: Build) -> bool:
        # Without a build in the spec, one answer holds for all builds of a release.
        build = torch.build if spec.count(" ") > 1 or "[" in spec else ""
        return self.constraints.admits(spec, TORCH, torch.version, build)

    def _by_kind(self, name: str, spec: str, *, asked: bool) -> dict[_Kind, list[Build]]:
        """The builds of a partner for one spec on pytorch, read when first asked for."""
        key = (name, spec, asked)
        if key not in self._groups:
            groups: dict[_Kind, list[Build]] = defaultdict(list)
            for build in sorted(self._partners.get((name, spec), ()), key=recency, reverse=True):
                read = facts(build)
                if not asked or (
                    self.constraints.asked(build) and self.constraints.pinned(build, read) is None
                ):
                    groups[_Kind(read.python, read.accelerator, read.cuda)].append(build)
            self._groups[key] = groups
        return self._groups[key]


class _Partners(NamedTuple):
    """The partners of a pytorch build and what to tell of them, or the clash where one lacks."""

    builds: tuple[Build, ...] = ()
    notices: tuple[Notice, ...] = ()
    clash: Clash | None = None


class _Sets:
    """Completes a pytorch build to the set that was asked for."""

    def __init__(self, catalog: _Catalog, machine: Machine, request: Request) -> None:
        self.catalog = catalog
        self.wanted = [name for name in PARTNERS if name in request.specs]
        self.installed = {
            package.name: package
            for package in machine.installed
            if package.name in PARTNERS
            and package.channel != "pypi"
            and package.name not in request.specs
        }

    def complete(self, candidate: _Candidate) -> _Partners:
        """The partners that were asked for, and those installed that would not fit any more."""
        builds: list[Build] = []
        notices: list[Notice] = []
        for name in (*self.wanted, *self.installed):
            stays = self.installed.get(name)
            groups = self.catalog.partners(name, candidate)
            if stays and any(_same(build, stays) for group in groups for build in group):
                continue
            if not groups:
                says = Notice("partner_asked", {"name": name})
                if stays:
                    says = Notice("partner_there", {"name": name, "version": stays.version})
                return _Partners(clash=self._why_not(name, candidate, says))
            newest = max((group[0] for group in groups), key=recency)
            builds.append(newest)
            if stays:
                along = {"installed": f"{name} {stays.version}", "chosen": newest.spec}
                notices.append(Notice("partner_along", along))
        return _Partners(tuple(builds), tuple(notices))

    def _why_not(self, name: str, candidate: _Candidate, says: Notice) -> Clash:
        """Why there is no partner: none is built for it, or specs or pins want another."""
        groups = self.catalog.partners(name, candidate, asked=False)
        if not self.catalog.knows(name):
            return Clash("partner_missing", says, Notice("partner_unknown", {"name": name}))
        if not groups:
            needs = Notice("no_partner", {"name": name, "torch": candidate.build.spec})
            return Clash("partner_missing", says, needs)
        newest = max((group[0] for group in groups), key=recency)
        constraints = self.catalog.constraints
        if constraints.asked(newest) and (clash := constraints.pinned(newest, facts(newest))):
            return clash
        asked = " ".join(constraints.specs.get(name, ())) or name
        partner = {"partner": f"{name} {newest.version}", "torch": candidate.build.spec}
        return Clash(
            "partner_missing", Notice("spec_asked", {"spec": asked}), Notice("partner_is", partner)
        )


def _same(build: Build, installed: Installed) -> bool:
    return (build.version, build.build) == (installed.version, installed.build)


class _Release(NamedTuple):
    """What one release of pytorch comes to."""

    choice: Choice | None
    rejected: tuple[Rejection, ...]


def choose(
    machine: Machine,
    request: Request,
    builds: Iterable[Build],
    admits: Admits,
    tables: CudaTables,
) -> Choice | NoChoice:
    """The best set that runs on this machine, or why there is none.

    Newest release first; within it a CUDA that the driver runs outright before one that it runs by
    minor-version compatibility, then the highest CUDA, the newest Python, the highest build number.
    The order of `builds` does not matter.
    """
    constraints = Constraints(machine, request, admits, tables)
    catalog = _Catalog(builds, constraints)
    sets = _Sets(catalog, machine, request)
    rejected: list[Rejection] = []
    on_cpu: Choice | None = None
    for version in catalog.releases():
        found = _of_release(version, catalog, sets, constraints, cuda_only=on_cpu is not None)
        rejected += found.rejected
        if found.choice is None:
            continue
        if found.choice.cuda or not constraints.wants_cuda:
            return found.choice._replace(rejected=tuple(rejected))
        # Allowed, but a CUDA build of an older release is still the better one.
        on_cpu = on_cpu or found.choice
    if on_cpu:
        return on_cpu._replace(rejected=tuple(rejected))
    return NoChoice(tuple(rejected))


def _of_release(
    version: str, catalog: _Catalog, sets: _Sets, constraints: Constraints, *, cuda_only: bool
) -> _Release:
    """The best set of one release, and why the builds above it fell away."""
    candidates = []
    rejected = []
    for build, read in catalog.torch(version):
        fit = constraints.check(build, read)
        if fit.clash:
            rejected.append(fit.clash.rejects(build))
        elif read.accelerator == "cuda" or not cuda_only:
            candidates.append(_Candidate(build, read, fit.strict))
    choice = None
    for candidate in sorted(candidates, key=lambda c: c.rank, reverse=True):
        partners = sets.complete(candidate)
        if partners.clash is None:
            choice = _choice(candidate, partners, constraints)
            break
        rejected.append(partners.clash.rejects(candidate.build))
    # The order of the records must not show.
    rejected.sort(key=lambda item: (item.build, item.code), reverse=True)
    return _Release(choice, tuple(rejected))


def _choice(candidate: _Candidate, partners: _Partners, constraints: Constraints) -> Choice:
    read, machine, request = candidate.facts, constraints.machine, constraints.request
    told = list(partners.notices)
    if read.accelerator == "cuda" and not candidate.strict:
        compat = {"cuda": read.cuda, "driver": machine.cuda}
        told.append(Notice("minor_version_compat", compat, constraints.tables.compat_source))
    elif (
        read.cuda and request.cuda not in ("auto", "cpu") and not same_cuda(request.cuda, read.cuda)
    ):
        below = {"cuda": read.cuda, "asked": request.cuda, "torch": candidate.build.version}
        code = "cuda_narrowed" if constraints.names_cuda else "cuda_below_asked"
        told.append(Notice(code, below))
    if read.accelerator == "cpu" and request.cuda != "cpu":
        told.append(Notice(_why_cpu(machine)))
    return Choice(
        builds=(candidate.build, *partners.builds),
        python=read.python or "",
        cuda=read.cuda,
        runtime=read.runtime if read.runtime in RUNTIMES else None,
        compat="strict" if candidate.strict else "minor",
        notices=(*told, *machine.remarks),
    )


def _why_cpu(machine: Machine) -> str:
    """The code of what is said of a CPU build that nobody asked for."""
    if machine.subdir.startswith("osx-"):
        return "cpu_no_driver_mac"
    if machine.has_gpu:
        return "cpu_allowed"
    if machine.foreign:
        return "cpu_foreign"
    return "cpu_no_gpu" if machine.driver or machine.remarks else "cpu_no_driver"


def add_runtime_build(
    choice: Choice, builds: Iterable[Build], runtime: RuntimeIndex | None, admits: Admits
) -> Choice:
    """Add the build of pytorch-cuda whose packages the runtime channel holds.

    `runtime` None means that its records are not known: then no build is named, and the solver
    takes the one that it can satisfy. The check is one level deep, the rest is the solver's.
    """
    if choice.runtime != RUNTIME or runtime is None:
        return choice
    specs = [
        spec for build in choice.builds for spec in build.depends if package_name(spec) == RUNTIME
    ]
    fitting = [
        build
        for build in builds
        if build.name == RUNTIME
        and all(admits(spec, build.name, build.version, build.build) for spec in specs)
    ]
    if not fitting:
        return choice
    lagging: list[Notice] = []
    for build in sorted(fitting, key=recency, reverse=True):
        lacks = next((spec for spec in build.depends if not _held(spec, runtime, admits)), None)
        if lacks is None:
            return choice._replace(builds=(*choice.builds, build))
        lagging.append(Notice("runtime_lagging", {"build": build.spec, "lacks": lacks}))
    return choice._replace(notices=(*choice.notices, lagging[0]))


def _held(spec: str, runtime: RuntimeIndex, admits: Admits) -> bool:
    name = package_name(spec)
    return any(admits(spec, name, version, build) for version, build in runtime.get(name, ()))


def offers(
    machine: Machine, request: Request, builds: Iterable[Build], admits: Admits, tables: CudaTables
) -> list[Offer]:
    """Every complete set of this platform, best first: one for each release, CUDA and Python.

    The specs of the request narrow them, the machine does not: it only says what fits.
    """
    constraints = Constraints(machine, request, admits, tables)
    catalog = _Catalog(builds, constraints)
    sets = _Sets(catalog, machine, request)
    found: dict[tuple[str, str | None, str], Offer] = {}
    for version in catalog.releases():
        candidates = [
            _Candidate(build, read, strict=True)
            for build, read in catalog.torch(version)
            if read.python
        ]
        for candidate in sorted(candidates, key=lambda c: c.rank, reverse=True):
            partners = sets.complete(candidate)
            if partners.clash is None:
                offer = _offer(candidate, partners, constraints)
                key = (offer.release, offer.cuda, offer.python)
                if key not in found or (offer.fits and not found[key].fits):
                    found[key] = offer
    return list(found.values())


def _offer(candidate: _Candidate, partners: _Partners, constraints: Constraints) -> Offer:
    build, read = candidate.build, candidate.facts
    clash = constraints.check(build, read).clash
    system = constraints.machine.driver_os
    return Offer(
        release=build.version,
        cuda=read.cuda,
        python=read.python or "",
        builds=(build, *partners.builds),
        driver_floor=constraints.tables.driver_floor(read.cuda, system) if read.cuda else None,
        rejection=clash.rejects(build) if clash else None,
    )
