"""The choice itself: a pure function of machine, request and records. No conda, HTTP, subprocess.

Releases are tried from the newest down. Within one, each build is judged by itself (Python, driver,
GPU, pins) and then together with its partners, so that the members of the chosen set admit each
other. Each rejected build is reported with the two facts that clash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..models import (
    Admits,
    Build,
    Choice,
    Machine,
    NoChoice,
    Notice,
    Offer,
    Rejection,
    Request,
)
from .catalog import Candidate, Catalog
from .facts.names import KNOWN_CHANNELS, TORCH
from .facts.record import Clash, Knowledge, dependencies, recency
from .fit import Constraints
from .rules import has_mps
from .specs import number, package_name, same_cuda

#: The codes of notices on a Python for which something that is asked for is likely not there.
UNSUITED = ("python_unsuited", "python_without")


class _Partners(NamedTuple):
    """The partners of a pytorch build with the notices on them, or the clash if one is missing.

    `left_out` names optional partners that are not available. `cuda` is the CUDA of the whole set
    if that exceeds the driver's while pytorch's own does not.
    """

    builds: tuple[Build, ...] = ()
    notices: tuple[Notice, ...] = ()
    left_out: tuple[str, ...] = ()
    clash: Clash | None = None
    cuda: str | None = None


class _Sets:
    """Completes a pytorch build to the set that was asked for; with `fits`, to one whose partners
    fit pins and machine."""

    def __init__(
        self, catalog: Catalog, machine: Machine, request: Request, *, fits: bool = True
    ) -> None:
        self.catalog, self.fits = catalog, fits
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

    def complete(self, candidate: Candidate) -> _Partners:
        """Find the partners asked for, and replacements for installed ones that no longer fit."""
        builds: list[Build] = []
        notices: list[Notice] = []
        left_out: list[str] = []
        for name in (*self.wanted, *self.installed):
            stays = self.installed.get(name)
            groups = self.catalog.partners(name, candidate, fits=self.fits)
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
            newest = self.catalog.newest(self._within(groups, candidate), candidate.build)
            builds.append(newest)
            if stays:
                along = {"installed": f"{name} {stays.version}", "chosen": newest.spec}
                notices.append(Notice("partner_along", along))
        found = _Partners(tuple(builds), tuple(notices), tuple(left_out))
        cudas = [cuda for build in builds if (cuda := self.catalog.source.read(build).cuda)]
        highest = max(cudas, key=number, default=None)
        fit = self.catalog.constraints.driver(highest) if candidate.strict and highest else None
        if fit is None or fit.strict:
            return found
        return found._replace(cuda=highest, clash=fit.clash)

    def _within(self, groups: list[list[Build]], candidate: Candidate) -> list[list[Build]]:
        """If the driver covers pytorch's CUDA, the partners whose CUDA it covers too, if any."""
        if not candidate.strict:
            return groups
        constraints, read = self.catalog.constraints, self.catalog.source.read
        within = [
            [b for b in group if not (cuda := read(b).cuda) or constraints.driver(cuda).strict]
            for group in groups
        ]
        return [group for group in within if group] or groups

    def _why_not(self, name: str, candidate: Candidate, says: Notice) -> Clash:
        """Why there is no partner: none is built for it, or specs or pins want another."""
        groups = self.catalog.partners(name, candidate, asked=False, fits=False)
        if not self.catalog.knows(name):
            return Clash("partner_missing", says, Notice("partner_unknown", {"name": name}))
        if not groups:
            of = {"torch": candidate.build.spec, "python": candidate.facts.python}
            needs = Notice("no_partner", {"name": name, **of})
            return Clash("partner_missing", says, needs)
        newest = self.catalog.newest(groups, candidate.build)
        constraints, read = self.catalog.constraints, self.catalog.source.read(newest)
        clash = constraints.of_partner(newest, read)
        if clash and constraints.asked(newest):
            return clash
        asked = " ".join(constraints.specs.get(name, ())) or name
        torch = f"{candidate.build.name} {candidate.build.version}"
        partner = {"partner": f"{name} {newest.version}", "torch": torch}
        return Clash(
            "partner_missing", Notice("spec_asked", {"spec": asked}), Notice("partner_is", partner)
        )


class _Release(NamedTuple):
    """The result of one release of pytorch; `left_out` are optional partners that it lacks."""

    choice: Choice | None
    rejected: tuple[Rejection, ...]
    left_out: tuple[str, ...] = ()


def choose(
    machine: Machine, request: Request, builds: Iterable[Build], knowledge: Knowledge
) -> Choice | NoChoice:
    """Choose the best set that runs on this machine, or say why there is none.

    The newest release wins; within it a CUDA that the driver runs outright before one that it runs
    by minor-version compatibility, then the highest CUDA, the newest Python, the highest build
    number. Where GPUs differ, what runs on all of them goes before what runs on the oldest alone.
    The order of `builds` does not matter.
    """
    builds = tuple(builds)
    found, rejected, left_out = _best(machine, request, builds, knowledge)
    if found is None:
        return NoChoice(rejected)
    told = []
    for name in left_out:
        torch = knowledge.source.torch
        # With all that is asked for, or else without the other partners.
        for specs in (request.specs, {torch: (torch,), name: (name,)}):
            named = request._replace(specs=specs, wishes=())
            last = _best(machine, named, builds, knowledge).choice
            if last is not None:
                break
        words = " ".join(word for of_name in specs.values() for word in of_name)
        told.append(_left_out(name, words, found, last))
    return found._replace(
        rejected=rejected,
        notices=(*told, *found.notices),
        libraries=tuple(_libraries(found.torch, builds, knowledge)),
    )


def _left_out(name: str, words: str, found: Choice, last: Choice | None) -> Notice:
    """The notice on an optional partner that the choice leaves out. `last` is the choice if these
    words were required: an older release, or the same one for a lower CUDA or the CPU."""
    facts = {"name": name, "torch": found.torch.version, "channel": found.torch.channel}
    facts["words"] = words
    if last is None:
        return Notice("partner_left_out_always", facts)
    facts["last"] = last.torch.version
    if last.torch.version != found.torch.version:
        return Notice("partner_left_out", facts)
    cudas = {"cuda": found.cuda, "last_cuda": last.cuda}
    return Notice("partner_left_out_cuda" if last.cuda else "partner_left_out_cpu", facts | cudas)


def _libraries(torch: Build, builds: Sequence[Build], knowledge: Knowledge) -> Iterator[Build]:
    """The newest build of each library that a pytorch brings along."""
    for name in knowledge.source.libraries:
        asked = dependencies(torch, name)
        there = [build for build in builds if build.name == name] if asked else []
        fitting = [build for build in there if _belongs(build, torch, asked, knowledge.admits)]
        if fitting:
            yield max(fitting, key=recency)


def _belongs(library: Build, torch: Build, asked: Sequence[str], admits: Admits) -> bool:
    """Whether a pytorch that asks for a library by these specs brings this build of it along.

    One of them must name the other's build, because each release has libraries for the CPU and for
    every CUDA.
    """
    named = [spec for spec in library.constrains if package_name(spec) == torch.name]
    return (
        any(spec.count(" ") > 1 for spec in (*asked, *named))
        and all(admits(s, library.name, library.version, library.build) for s in asked)
        and all(admits(s, torch.name, torch.version, torch.build) for s in named)
    )


def _best(
    machine: Machine, request: Request, builds: Iterable[Build], knowledge: Knowledge
) -> _Release:
    """Choose the best release, and collect all rejections; if possible one that runs on every GPU,
    where these differ, with a Python for which there is what else is asked for."""
    constraints = Constraints(machine, request, knowledge)
    if constraints.wants_cuda and constraints.others:
        builds = tuple(builds)
        for_all = _suited(Constraints(machine, request, knowledge, every=True), builds)
        if for_all.choice and for_all.choice.cuda:
            return for_all
    return _suited(constraints, builds)


def _suited(constraints: Constraints, builds: Iterable[Build]) -> _Release:
    """Choose the best release by constraints with a Python as for `_best`; without regard to that
    only where the Python is given, or another channel is, which may have what these lack; and for
    wheels, as pip may build what has none."""
    machine, request = constraints.machine, constraints.request
    catalog = Catalog(builds, constraints)
    sets = _Sets(catalog, machine, request)
    suited = _newest(catalog, sets, constraints, suited=True)
    elsewhere = constraints.source.torch != TORCH or not KNOWN_CHANNELS.issuperset(request.channels)
    if suited.choice or not (constraints.has_unsuited and (machine.python or elsewhere)):
        return suited
    return _newest(catalog, sets, constraints, suited=False)


def _newest(catalog: Catalog, sets: _Sets, constraints: Constraints, *, suited: bool) -> _Release:
    """Choose the best of the newest release that has a set; `suited` as for `_of_release`."""
    rejected: list[Rejection] = []
    on_cpu: _Release | None = None
    for version in catalog.releases():
        cuda_only = on_cpu is not None
        found = _of_release(version, catalog, sets, constraints, cuda_only=cuda_only, suited=suited)
        rejected += found.rejected
        if found.choice is None:
            continue
        if found.choice.cuda or not constraints.wants_cuda:
            return found._replace(rejected=tuple(rejected))
        # Allowed, but a CUDA build of an older release would still be better.
        on_cpu = on_cpu or found
    return (on_cpu or _Release(None, ()))._replace(rejected=tuple(rejected))


def with_highest_cuda(
    machine: Machine, request: Request, builds: Sequence[Build], knowledge: Knowledge
) -> Choice | None:
    """Choose for the highest CUDA that gives a set, as if the driver ran it."""
    source = knowledge.source
    cudas = {source.read(build).cuda for build in builds if build.name == source.torch}
    for cuda in sorted(filter(None, cudas), key=number, reverse=True):
        on = machine._replace(cuda=cuda, cuda_from="--cuda", failing=False)
        found = choose(on, request._replace(cuda=cuda), builds, knowledge)
        if isinstance(found, Choice) and found.cuda:
            return found
    return None


def _of_release(
    version: str,
    catalog: Catalog,
    sets: _Sets,
    constraints: Constraints,
    *,
    cuda_only: bool,
    suited: bool,
) -> _Release:
    """Choose the best set of one release, and say why the better builds were rejected. With
    `suited`, the Pythons are out for which something that is asked for is not known to be there."""
    candidates = []
    rejected = []
    for build, read in catalog.torch(version):
        fit = constraints.check(build, read)
        clash = fit.clash or (constraints.unsuited(read.python) if suited else None)
        if clash:
            rejected.append(clash.rejects(build))
        elif read.accelerator == "cuda" or not cuda_only:
            order = constraints.source.order(build, constraints.machine)
            candidates.append(Candidate(build, read, fit.strict, order))
    best: tuple[Candidate, _Partners] | None = None
    for candidate in sorted(candidates, key=lambda c: c.rank, reverse=True):
        complete = best is not None and not best[1].left_out
        # Another Python may have the optional partners; CUDA is not given up for them.
        if best and (candidate.fit < best[0].fit or (complete and candidate.fit == best[0].fit)):
            break
        partners = sets.complete(candidate)
        if partners.cuda:
            candidate = candidate._replace(strict=False)
        # What a set needs may be known only now: one whose partner exceeds the driver fits less.
        better = best is None or candidate.fit > best[0].fit
        same = best is not None and candidate.fit == best[0].fit
        if partners.clash is None and (better or (same and not complete and not partners.left_out)):
            best = candidate, partners
        elif partners.clash and best is None:
            rejected.append(partners.clash.rejects(candidate.build))
    # The result must not depend on the order of the records.
    rejected.sort(key=lambda item: (item.build, item.code), reverse=True)
    if best is None:
        return _Release(None, tuple(rejected))
    return _Release(_choice(*best, constraints), tuple(rejected), best[1].left_out)


def _choice(candidate: Candidate, partners: _Partners, constraints: Constraints) -> Choice:
    read, machine, request = candidate.facts, constraints.machine, constraints.request
    told = list(partners.notices)
    if read.accelerator == "cuda" and not candidate.strict:
        compat = {"cuda": partners.cuda or constraints.cuda(read), "driver": machine.cuda}
        without = machine.cuda_from == "prefix"  # then there is no driver
        code = "machine.minor_version_kept" if without else "minor_version_compat"
        told.append(Notice(code, compat, constraints.tables.compat_source))
    elif (
        read.cuda and request.cuda not in ("auto", "cpu") and not same_cuda(request.cuda, read.cuda)
    ):
        below = {"cuda": read.cuda, "asked": request.cuda, "torch": candidate.build.version}
        code = "cuda_narrowed" if constraints.names_cuda else "cuda_below_asked"
        told.append(Notice(code, below))
    if gpus := [gpu for gpu, _ in constraints.unserved(candidate.build, read)]:
        names = ", ".join(f"{gpu.name} ({gpu.arch})" for gpu in gpus)
        told.append(Notice("gpus_without_code", {"gpus": names}))
    if read.accelerator == "cpu" and request.cuda != "cpu":
        told.append(Notice(_why_cpu(machine, candidate.build.version)))
    if lacking := constraints.lacking(read.python):
        told.append(lacking[1])
    return Choice(
        builds=(candidate.build, *partners.builds),
        python=read.python or "",
        cuda=read.cuda,
        runtime=read.runtime if read.runtime in constraints.source.runtimes else None,
        compat="strict" if candidate.strict else "minor",
        notices=(*told, *machine.remarks),
    )


def _why_cpu(machine: Machine, torch: str) -> str:
    """The code of the notice on a CPU build that nobody asked for."""
    if machine.subdir.startswith("osx-"):
        return "cpu_no_driver_mac" if has_mps(machine.subdir, torch) else "cpu_mac"
    if machine.has_gpu:
        return "cpu_allowed"
    if machine.foreign:
        return "cpu_foreign"
    return "cpu_no_gpu" if machine.driver or machine.remarks else "cpu_no_driver"


def offers(
    machine: Machine, request: Request, builds: Iterable[Build], knowledge: Knowledge
) -> list[Offer]:
    """List every complete set of this platform, best first: one per release, CUDA and Python.

    The specs of the request narrow the list; the machine only decides which sets fit.
    """
    constraints = Constraints(machine, request, knowledge)
    catalog = Catalog(builds, constraints)
    sets, any_sets = (_Sets(catalog, machine, request, fits=fits) for fits in (True, False))
    found: dict[tuple[str, str | None, str], Offer] = {}
    for version in catalog.releases():
        candidates = [
            Candidate(build, read, False, constraints.source.order(build, machine))
            for build, read in catalog.torch(version)
            if read.python
        ]
        for candidate in sorted(candidates, key=lambda c: c.rank, reverse=True):
            fit = constraints.check(candidate.build, candidate.facts)
            partners = sets.complete(candidate._replace(strict=fit.strict))
            clash = fit.clash or partners.clash
            if partners.clash:  # what it has that does not run here is listed all the same
                partners = any_sets.complete(candidate)
            if partners.clash is None:
                offer = _offer(candidate, partners, constraints, clash)
                key = (offer.release, offer.cuda, offer.python)
                if key not in found or (offer.fits and not found[key].fits):
                    found[key] = offer
    return list(found.values())


def _offer(
    candidate: Candidate, partners: _Partners, constraints: Constraints, clash: Clash | None
) -> Offer:
    build, read = candidate.build, candidate.facts
    system = constraints.machine.driver_os
    return Offer(
        release=build.version,
        cuda=read.cuda,
        python=read.python or "",
        builds=(build, *partners.builds),
        driver_floor=constraints.tables.driver_floor(read.cuda, system) if read.cuda else None,
        rejection=clash.rejects(build) if clash else None,
    )
