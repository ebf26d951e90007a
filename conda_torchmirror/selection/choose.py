"""The choice itself: a pure function of machine, request and records. No conda, HTTP, subprocess.

Releases are tried from the newest down. Within one, every build is judged by itself (Python,
driver, GPU, pins) and then together with its partners, so that the set that comes out is one whose
members admit each other. Whatever is passed over is kept with the two facts that clash.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from ..models import (
    Build,
    Choice,
    Machine,
    NoChoice,
    Notice,
    Offer,
    Rejection,
    Request,
)
from .facts.names import TORCH
from .facts.record import Clash, Facts, Knowledge
from .fit import Constraints
from .specs import number, release, same_cuda

#: A partner's specs on pytorch, all of which hold. Many builds share them.
_TorchSpecs = tuple[str, ...]


class _Candidate(NamedTuple):
    """A pytorch build with its facts, how its CUDA fits the driver, and its source's order."""

    build: Build
    facts: Facts
    strict: bool
    order: tuple[object, ...]

    @property
    def fit(self) -> tuple[object, ...]:
        """How well it suits the machine; larger is better, within one release."""
        return self.facts.accelerator == "cuda", self.strict, number(self.facts.cuda or "0")

    @property
    def rank(self) -> tuple[object, ...]:
        """Larger is better, within one release."""
        return (
            *self.fit,
            number(self.facts.python or "0"),
            *self.order,
        )


class _Catalog:
    """The family's builds, ordered for look-up. Only what a choice looks at is read."""

    def __init__(self, builds: Iterable[Build], constraints: Constraints) -> None:
        self.constraints, self.source = constraints, constraints.source
        self._torch: dict[str, list[Build]] = defaultdict(list)
        self._partners: dict[tuple[str, _TorchSpecs], list[Build]] = defaultdict(list)
        self._groups: dict[tuple[str, _TorchSpecs, bool], dict[Hashable, list[Build]]] = {}
        partners = frozenset(self.source.partners)
        for build in builds:
            if build.name == TORCH:
                self._torch[build.version].append(build)
            elif build.name in partners and (specs := self.source.torch_specs(build)):
                self._partners[build.name, specs].append(build)
        self._met: dict[tuple[str, str, str], list[_TorchSpecs]] = {}
        # Specs that are not just a version; they have to be matched one by one. First those without
        # a build, which have one answer for all builds of a release.
        self._ranges = [
            (name, specs, sorted(specs, key=lambda spec: spec.count(" ")))
            for name, specs in self._partners
            if len(specs) > 1 or any(c in specs[0] for c in "<>=!~*|,[")
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
            and self.constraints.runtime_asked(read := self.source.read(build))
        ]

    def partners(
        self, name: str, candidate: _Candidate, *, asked: bool = True
    ) -> list[list[Build]]:
        """The builds of `name` for this pytorch, its Python and its accelerator.

        `asked` leaves out what specs and pins do not admit. In groups that are not empty, each
        newest first: a group has the same specs on pytorch, and many releases share those that are
        ranges.
        """
        torch = candidate.build
        met = (name, torch.version, torch.build)
        if met not in self._met:
            ranges = [
                specs
                for of, specs, ordered in self._ranges
                if of == name and all(self._meets(spec, torch) for spec in ordered)
            ]
            self._met[met] = [(f"{TORCH} {torch.version}",), *ranges]
        keys = self.source.torch_keys(name, candidate.facts)
        groups = [self._by_key(name, specs, asked=asked) for specs in self._met[met]]
        return [found for group in groups for key in keys if (found := group.get(key))]

    def newest(self, groups: Sequence[Sequence[Build]], torch: Build) -> Build:
        """The partner that a pytorch gets of those in all groups, each the newest first."""
        return self.source.best_partner(groups, torch, self.constraints.machine)

    def _meets(self, spec: str, torch: Build) -> bool:
        # Without a build in the spec, one answer holds for all builds of a release.
        build = torch.build if spec.count(" ") > 1 or "[" in spec else ""
        return self.constraints.admits(spec, TORCH, torch.version, build)

    def _by_key(self, name: str, specs: _TorchSpecs, *, asked: bool) -> dict[Hashable, list[Build]]:
        """The builds of a partner with these specs on pytorch, read when first asked for."""
        group = (name, specs, asked)
        if group not in self._groups:
            found: dict[Hashable, list[Build]] = defaultdict(list)
            machine = self.constraints.machine
            builds = self._partners.get((name, specs), ())
            for build in sorted(
                builds, key=lambda b: self.source.preference(b, machine), reverse=True
            ):
                read = self.source.read(build)
                if not asked or (
                    self.constraints.asked(build)
                    and self.constraints.pinned(build, read) is None
                    and self.constraints.clashes(build, read) is None
                ):
                    found[self.source.partner_key(name, read)].append(build)
            self._groups[group] = found
        return self._groups[group]


class _Partners(NamedTuple):
    """The partners of a pytorch build and what to tell of them, the names of those that were only
    wished for and are not there, or the clash where one lacks."""

    builds: tuple[Build, ...] = ()
    notices: tuple[Notice, ...] = ()
    left_out: tuple[str, ...] = ()
    clash: Clash | None = None


class _Sets:
    """Completes a pytorch build to the set that was asked for."""

    def __init__(self, catalog: _Catalog, machine: Machine, request: Request) -> None:
        self.catalog = catalog
        partners = catalog.source.partners
        self.wanted = [name for name in partners if name in request.specs]
        self.installed = {
            package.name: package
            for package in machine.installed
            if package.name in partners
            and package.channel != "pypi"
            and package.name not in request.specs
        }
        there = {package.name for package in machine.installed}
        self.wishes = {*request.wishes}.intersection(catalog.source.wishes) - there

    def complete(self, candidate: _Candidate) -> _Partners:
        """The partners that were asked for, and those installed that would not fit any more."""
        builds: list[Build] = []
        notices: list[Notice] = []
        left_out: list[str] = []
        for name in (*self.wanted, *self.installed):
            stays = self.installed.get(name)
            groups = self.catalog.partners(name, candidate)
            if not groups and name in self.wishes:
                left_out.append(name)
                continue
            same = stays and (stays.version, stays.build)
            if stays and any((b.version, b.build) == same for group in groups for b in group):
                continue
            if not groups:
                says = Notice("partner_asked", {"name": name})
                if stays:
                    says = Notice("partner_there", {"name": name, "version": stays.version})
                return _Partners(clash=self._why_not(name, candidate, says))
            newest = self.catalog.newest(groups, candidate.build)
            builds.append(newest)
            if stays:
                along = {"installed": f"{name} {stays.version}", "chosen": newest.spec}
                notices.append(Notice("partner_along", along))
        return _Partners(tuple(builds), tuple(notices), tuple(left_out))

    def _why_not(self, name: str, candidate: _Candidate, says: Notice) -> Clash:
        """Why there is no partner: none is built for it, or specs or pins want another."""
        groups = self.catalog.partners(name, candidate, asked=False)
        if not self.catalog.knows(name):
            return Clash("partner_missing", says, Notice("partner_unknown", {"name": name}))
        if not groups:
            needs = Notice("no_partner", {"name": name, "torch": candidate.build.spec})
            return Clash("partner_missing", says, needs)
        newest = self.catalog.newest(groups, candidate.build)
        constraints, read = self.catalog.constraints, self.catalog.source.read(newest)
        clash = constraints.pinned(newest, read) or constraints.clashes(newest, read)
        if clash and constraints.asked(newest):
            return clash
        asked = " ".join(constraints.specs.get(name, ())) or name
        partner = {"partner": f"{name} {newest.version}", "torch": candidate.build.spec}
        return Clash(
            "partner_missing", Notice("spec_asked", {"spec": asked}), Notice("partner_is", partner)
        )


class _Release(NamedTuple):
    """What one release of pytorch comes to, and the wishes that it leaves open."""

    choice: Choice | None
    rejected: tuple[Rejection, ...]
    left_out: tuple[str, ...] = ()


def choose(
    machine: Machine, request: Request, builds: Iterable[Build], knowledge: Knowledge
) -> Choice | NoChoice:
    """The best set that runs on this machine, or why there is none.

    Newest release first; within it a CUDA that the driver runs outright before one that it runs by
    minor-version compatibility, then the highest CUDA, the newest Python, the highest build number.
    The order of `builds` does not matter.
    """
    builds = tuple(builds)
    found, rejected, left_out = _best(machine, request, builds, knowledge)
    if found is None:
        return NoChoice(rejected)
    told = []
    for name in left_out:
        named = request._replace(specs={TORCH: (TORCH,), name: (name,)}, wishes=())
        last = _best(machine, named, builds, knowledge).choice
        facts = {"name": name, "torch": found.torch.version, "channel": found.torch.channel}
        facts |= {"last": last.torch.version} if last else {}
        told.append(Notice("partner_left_out" if last else "partner_left_out_always", facts))
    return found._replace(rejected=rejected, notices=(*told, *found.notices))


def _best(
    machine: Machine, request: Request, builds: Iterable[Build], knowledge: Knowledge
) -> _Release:
    """The best release, with all that was passed over."""
    constraints = Constraints(machine, request, knowledge)
    catalog = _Catalog(builds, constraints)
    sets = _Sets(catalog, machine, request)
    rejected: list[Rejection] = []
    on_cpu: _Release | None = None
    for version in catalog.releases():
        found = _of_release(version, catalog, sets, constraints, cuda_only=on_cpu is not None)
        rejected += found.rejected
        if found.choice is None:
            continue
        if found.choice.cuda or not constraints.wants_cuda:
            return found._replace(rejected=tuple(rejected))
        # Allowed, but a CUDA build of an older release is still the better one.
        on_cpu = on_cpu or found
    return (on_cpu or _Release(None, ()))._replace(rejected=tuple(rejected))


def with_highest_cuda(
    machine: Machine, request: Request, builds: Sequence[Build], knowledge: Knowledge
) -> Choice | None:
    """The set for a driver that runs the highest CUDA with which there is one."""
    cudas = {knowledge.source.read(build).cuda for build in builds if build.name == TORCH}
    for cuda in sorted(filter(None, cudas), key=number, reverse=True):
        on = machine._replace(cuda=cuda, cuda_from="--cuda", failing=False)
        found = choose(on, request._replace(cuda=cuda), builds, knowledge)
        if isinstance(found, Choice) and found.cuda:
            return found
    return None


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
            order = constraints.source.order(build, constraints.machine)
            candidates.append(_Candidate(build, read, fit.strict, order))
    best: tuple[_Candidate, _Partners] | None = None
    for candidate in sorted(candidates, key=lambda c: c.rank, reverse=True):
        if best and candidate.fit != best[0].fit:
            break
        partners = sets.complete(candidate)
        if partners.clash is None and (best is None or not partners.left_out):
            best = candidate, partners
            # Another Python may have what is wished for; CUDA is not given up for it.
            if not partners.left_out:
                break
        elif partners.clash and best is None:
            rejected.append(partners.clash.rejects(candidate.build))
    # The order of the records must not show.
    rejected.sort(key=lambda item: (item.build, item.code), reverse=True)
    if best is None:
        return _Release(None, tuple(rejected))
    return _Release(_choice(*best, constraints), tuple(rejected), best[1].left_out)


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
        runtime=read.runtime if read.runtime in constraints.source.runtimes else None,
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


def offers(
    machine: Machine, request: Request, builds: Iterable[Build], knowledge: Knowledge
) -> list[Offer]:
    """Every complete set of this platform, best first: one for each release, CUDA and Python.

    The specs of the request narrow them, the machine does not: it only says what fits.
    """
    constraints = Constraints(machine, request, knowledge)
    catalog = _Catalog(builds, constraints)
    sets = _Sets(catalog, machine, request)
    found: dict[tuple[str, str | None, str], Offer] = {}
    for version in catalog.releases():
        candidates = [
            _Candidate(build, read, True, constraints.source.order(build, machine))
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
