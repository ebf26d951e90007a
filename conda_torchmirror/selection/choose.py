"""The choice itself: a pure function of machine, request and records. No conda, HTTP, subprocess.

Releases are tried from the newest down. Within one, every build is judged by itself (Python,
driver, GPU, pins) and then together with its partners, so that the set that comes out is one whose
members admit each other. Whatever is passed over is kept with the two facts that clash.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..models import Admits, Build, Choice, Installed, Machine, NoChoice, Notice, Rejection, Request
from .cuda import CudaTables
from .facts import PARTNERS, RUNTIMES, TORCH, Facts, dependency, facts, number, release
from .fit import Clash, Judge, named

#: What a partner must share with its pytorch: Python, accelerator and CUDA.
_Kind = tuple[str | None, str, str | None]

#: Versions by package name of what the CUDA runtime channel holds: name -> (version, build) pairs.
RuntimeIndex = Mapping[str, Sequence[tuple[str, str]]]


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

    def __init__(self, builds: Iterable[Build], judge: Judge) -> None:
        self._judge = judge
        self._torch: dict[str, list[Build]] = defaultdict(list)
        self._partners: dict[tuple[str, str], list[Build]] = defaultdict(list)
        self._groups: dict[tuple[str, str], dict[_Kind, list[Build]]] = {}
        for build in builds:
            if build.name == TORCH:
                self._torch[build.version].append(build)
            elif build.name in PARTNERS and (spec := dependency(build, TORCH)):
                self._partners[build.name, spec].append(build)
        # Specs that are not just a version; they have to be matched one by one.
        self._ranges = [key for key in self._partners if any(c in key[1] for c in "<>=!~*|,[")]

    def releases(self) -> list[str]:
        """Every pytorch version, newest first; one that cannot be ordered is left out."""
        known = [(order, version) for version in self._torch if (order := release(version))]
        return [version for _, version in sorted(known, reverse=True)]

    def torch(self, version: str) -> list[tuple[Build, Facts]]:
        """The builds of a pytorch release."""
        return [(build, facts(build)) for build in self._torch[version]]

    def partners(self, name: str, candidate: _Candidate) -> list[list[Build]]:
        """The builds of `name` for this pytorch, its Python and its accelerator.

        In groups that are not empty, each newest first: a group is one spec on pytorch, and many
        releases share those that are ranges.
        """
        torch, read = candidate.build, candidate.facts
        keys = [(name, f"{TORCH} {torch.version}")]
        keys += [key for key in self._ranges if key[0] == name and self._meets(key[1], torch)]
        kinds = ((read.python, read.accelerator, read.cuda), (read.python, "any", None))
        return [group for key in keys for kind in kinds if (group := self._of(key).get(kind))]

    def _meets(self, spec: str, torch: Build) -> bool:
        # Without a build in the spec, one answer holds for all builds of a release.
        build = torch.build if spec.count(" ") > 1 or "[" in spec else ""
        return self._judge.admits(spec, TORCH, torch.version, build)

    def _of(self, key: tuple[str, str]) -> dict[_Kind, list[Build]]:
        if key not in self._groups:
            groups: dict[_Kind, list[Build]] = defaultdict(list)
            for build in sorted(self._partners.get(key, ()), key=_newest, reverse=True):
                read = facts(build)
                if self._judge.asked(build) and self._judge.pinned(build, read) is None:
                    groups[read.python, read.accelerator, read.cuda].append(build)
            self._groups[key] = groups
        return self._groups[key]


def _newest(build: Build) -> tuple[object, ...]:
    order = release(build.version) or release("0")
    return (order, build.build_number, build.timestamp, build.build)


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

    def complete(self, candidate: _Candidate) -> tuple[list[Build], list[Notice], Clash | None]:
        """The partners of a pytorch build, what to tell, and the clash where one is missing."""
        partners: list[Build] = []
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
                facts = {"name": name, "torch": candidate.build.spec}
                return [], [], ("partner_missing", says, Notice("no_partner", facts))
            newest = max((group[0] for group in groups), key=_newest)
            partners.append(newest)
            if stays:
                along = {"installed": f"{name} {stays.version}", "chosen": newest.spec}
                notices.append(Notice("partner_along", along))
        return partners, notices, None


def _same(build: Build, installed: Installed) -> bool:
    return (build.version, build.build) == (installed.version, installed.build)


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
    judge = Judge(machine, request, admits, tables)
    catalog = _Catalog(builds, judge)
    sets = _Sets(catalog, machine, request)
    rejected: list[Rejection] = []
    fallback: Choice | None = None
    for version in catalog.releases():
        candidates = []
        here: list[Rejection] = []
        for build, read in catalog.torch(version):
            if not (judge.asked(build) and judge.runtime_asked(read)):
                continue
            strict, clash = judge.clash(build, read)
            if clash:
                here.append(_rejection(build, clash))
            else:
                candidates.append(_Candidate(build, read, strict))
        found = None
        for candidate in sorted(candidates, key=lambda c: c.rank, reverse=True):
            if fallback and candidate.facts.accelerator != "cuda":
                continue
            partners, notices, clash = sets.complete(candidate)
            if clash:
                here.append(_rejection(candidate.build, clash))
                continue
            found = _choice(candidate, partners, notices, judge)
            break
        # Releases come newest first; within one, the order of the records must not show.
        rejected += sorted(here, key=lambda item: (item.build, item.code), reverse=True)
        if found and judge.wants_cuda and found.cuda is None:
            # Allowed, but a CUDA build of an older release is still the better one.
            fallback = fallback or found
        elif found:
            return found._replace(rejected=tuple(rejected))
    if fallback:
        return fallback._replace(rejected=tuple(rejected))
    return NoChoice(tuple(rejected))


def _rejection(build: Build, clash: Clash) -> Rejection:
    code, says, needs = clash
    return Rejection(build.name, build.version, build.build, code, says, needs)


def _choice(
    candidate: _Candidate,
    partners: Sequence[Build],
    notices: Sequence[Notice],
    judge: Judge,
) -> Choice:
    read, machine, request = candidate.facts, judge.machine, judge.request
    told = list(notices)
    if read.accelerator == "cuda" and not candidate.strict:
        told.append(
            Notice(
                "minor_version_compat",
                {"cuda": read.cuda, "driver": machine.cuda},
                judge.tables.compat_source,
            )
        )
    elif read.cuda and request.cuda not in ("auto", "cpu", read.cuda):
        below = {"cuda": read.cuda, "asked": request.cuda, "torch": candidate.build.version}
        told.append(Notice("cuda_narrowed" if judge.runtime_specs else "cuda_below_asked", below))
    if read.accelerator == "cpu" and request.cuda != "cpu":
        told.append(Notice(_why_cpu(machine)))
    told += machine.remarks
    return Choice(
        builds=(candidate.build, *partners),
        python=read.python or "",
        cuda=read.cuda,
        runtime=read.runtime if read.runtime in RUNTIMES else None,
        compat="strict" if candidate.strict else "minor",
        notices=tuple(told),
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
    if choice.runtime != "pytorch-cuda" or runtime is None:
        return choice
    specs = [
        spec for build in choice.builds for spec in build.depends if named(spec) == "pytorch-cuda"
    ]
    fitting = sorted(
        (
            build
            for build in builds
            if build.name == "pytorch-cuda"
            and all(admits(spec, build.name, build.version, build.build) for spec in specs)
        ),
        key=_newest,
        reverse=True,
    )
    if not fitting:
        return choice
    missing: dict[str, str] = {}
    for build in fitting:
        lacks = next((spec for spec in build.depends if not _held(spec, runtime, admits)), None)
        if lacks is None:
            return choice._replace(builds=(*choice.builds, build))
        missing[build.spec] = lacks
    first = next(iter(missing))
    told = Notice("runtime_lagging", {"build": first, "lacks": missing[first]})
    return choice._replace(notices=(*choice.notices, told))


def _held(spec: str, runtime: RuntimeIndex, admits: Admits) -> bool:
    name = named(spec)
    return any(admits(spec, name, version, build) for version, build in runtime.get(name, ()))


def offers(
    machine: Machine, request: Request, builds: Iterable[Build], admits: Admits, tables: CudaTables
) -> list[tuple[str, str | None, str, bool]]:
    """What this platform can have: (release, CUDA or None, Python, fits this machine), best first.

    Only complete sets are listed; the specs of the request narrow them, the machine does not.
    """
    judge = Judge(machine, request, admits, tables)
    catalog = _Catalog(builds, judge)
    sets = _Sets(catalog, machine, request)
    rows: dict[tuple[str, str | None, str], bool] = {}
    for version in catalog.releases():
        found = [
            _Candidate(build, read, strict=True)
            for build, read in catalog.torch(version)
            if judge.asked(build) and judge.runtime_asked(read) and read.python
        ]
        for candidate in sorted(found, key=lambda c: c.rank, reverse=True):
            if sets.complete(candidate)[2]:
                continue
            key = (version, candidate.facts.cuda, candidate.facts.python or "")
            fits = judge.clash(candidate.build, candidate.facts)[1] is None
            rows[key] = rows.get(key, False) or fits
    return [(*key, fits) for key, fits in rows.items()]
