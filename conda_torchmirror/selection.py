"""The choice itself: a pure function of machine, request and records. No conda, HTTP, subprocess.

Releases are tried from the newest down. Within one, every build is judged by itself (Python,
driver, GPU, pins) and then together with its partners, so that the set that comes out is one whose
members admit each other. Whatever is passed over is kept with the two facts that clash.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .builds import PARTNERS, RUNTIMES, TORCH, Facts, facts, number, release
from .compat import COMPAT_SINCE, Tables, runs_on
from .models import (
    Admits,
    Build,
    Choice,
    Installed,
    Machine,
    NoChoice,
    Notice,
    Pin,
    Rejection,
    Request,
)

#: Versions by package name of what the CUDA runtime channel holds: name -> (version, build) pairs.
RuntimeIndex = Mapping[str, Sequence[tuple[str, str]]]
_Clash = tuple[str, str, str]  # code, the machine's fact, the build's fact


@dataclass(frozen=True)
class _Candidate:
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
    """The family's builds, ordered for look-up, each record read once."""

    def __init__(self, builds: Iterable[Build]) -> None:
        self.torch: dict[str, list[tuple[Build, Facts]]] = defaultdict(list)
        self._partners: dict[tuple[str, str, str | None], list[tuple[Build, Facts]]]
        self._partners = defaultdict(list)
        # Specs that are not just a version; they have to be matched one by one.
        self._ranges: dict[str, set[str]] = defaultdict(set)
        for build in builds:
            if build.name == TORCH:
                self.torch[build.version].append((build, facts(build)))
            elif build.name in PARTNERS and (read := facts(build)).torch:
                self._partners[build.name, read.torch, read.python].append((build, read))
                if any(char in read.torch for char in "<>=!~*|,["):
                    self._ranges[build.name].add(read.torch)
        for found in self._partners.values():
            found.sort(key=lambda pair: _newest(pair[0]), reverse=True)

    def releases(self) -> list[str]:
        """Every pytorch version, newest first; one that cannot be ordered is left out."""
        known = [(order, version) for version in self.torch if (order := release(version))]
        return [version for _, version in sorted(known, reverse=True)]

    def partners(
        self, name: str, torch: Build, python: str | None, admits: Admits
    ) -> list[tuple[Build, Facts]]:
        """The builds of `name` that ask for this pytorch and this Python, newest first."""
        exact = self._partners.get((name, f"{TORCH} {torch.version}", python), [])
        ranged = [
            pair
            for spec in self._ranges[name]
            if admits(spec, TORCH, torch.version, torch.build)
            for pair in self._partners.get((name, spec, python), ())
        ]
        if not ranged:
            return exact
        return sorted((*exact, *ranged), key=lambda pair: _newest(pair[0]), reverse=True)


def _newest(build: Build) -> tuple[object, ...]:
    order = release(build.version) or release("0")
    return (order, build.build_number, build.timestamp, build.build)


def _named(spec: str) -> str:
    """The package name in a match spec such as `pytorch::torchvision>=0.15`."""
    spec = spec.rpartition("::")[2].strip()
    for end, char in enumerate(spec):
        if not (char.isalnum() or char in "-_."):
            return spec[:end].lower()
    return spec.lower()


def _driver(candidate: Facts, machine: Machine, tables: Tables) -> tuple[bool, _Clash | None]:
    """Whether the build's CUDA is within the driver's, and the clash where it cannot run at all."""
    assert candidate.cuda is not None
    says = f"the driver runs CUDA {machine.cuda} or older"
    needs = f"CUDA {candidate.cuda}"
    built, driver = number(candidate.cuda), number(machine.cuda or "0")
    if built <= driver:
        return True, None
    if built[0] != driver[0] or built[0] < COMPAT_SINCE:
        return False, ("cuda_too_new", says, needs)
    floor = tables.driver_floor(candidate.cuda, machine.subdir)
    if machine.driver and floor and number(machine.driver) < number(floor):
        return False, ("driver_too_old", f"driver {machine.driver}", f"{needs}: driver {floor}")
    return False, None


class _Judge:
    """One build against machine and request; the rules are in the contract, section 3."""

    def __init__(self, machine: Machine, request: Request, admits: Admits, tables: Tables) -> None:
        self.machine, self.request = machine, request
        self.admits, self.tables = admits, tables
        self.wants_cuda = request.cuda not in ("auto", "cpu") or (
            request.cuda == "auto" and machine.has_gpu
        )
        self.pins: dict[str, list[Pin]] = defaultdict(list)
        for pin in machine.pins:
            self.pins[_named(pin.spec)].append(pin)

    def clash(self, build: Build, read: Facts) -> tuple[bool, _Clash | None]:
        """(strictly within the driver, what clashes or None)."""
        if clash := self._accelerator(read) or self._python(read) or self._pinned(build, read):
            return False, clash
        if read.accelerator != "cuda":
            return True, None
        if read.cuda is None:
            return False, ("cuda_unknown", "a CUDA version to compare with", "no CUDA version")
        strict, clash = _driver(read, self.machine, self.tables)
        if clash:
            return False, clash
        if not strict and self.request.compat == "strict":
            says = f"the driver runs CUDA {self.machine.cuda}, and --cuda-compat is strict"
            return False, ("minor_version_only", says, f"CUDA {read.cuda}")
        return strict, self._arch(build, read, strict)

    def _accelerator(self, read: Facts) -> _Clash | None:
        if read.accelerator == "cuda" and not self.wants_cuda:
            says = (
                "a CPU build is asked for"
                if self.request.cuda == "cpu"
                else "there is no NVIDIA driver"
            )
            return "cuda_build", says, f"CUDA {read.cuda or 'build'}"
        if read.accelerator == "cpu" and self.wants_cuda and not self.request.allow_cpu:
            asked = self.request.cuda != "auto"
            says = f"CUDA {self.request.cuda} is asked for" if asked else "there is an NVIDIA GPU"
            return "cpu_build", says, "runs on the CPU only"
        return None

    def _python(self, read: Facts) -> _Clash | None:
        if self.machine.python and read.python and read.python != self.machine.python:
            says = f"Python {self.machine.python} ({self.machine.python_from})"
            return "python_mismatch", says, f"Python {read.python}"
        if read.python:
            for pin in self.pins.get("python", ()):
                # `.*` so that a pin on a patch release admits the minor that it belongs to.
                if not _python_pin_admits(pin.spec, read.python, self.admits):
                    return "pinned", f"{pin.spec} ({pin.source})", f"Python {read.python}"
        return None

    def _pinned(self, build: Build, read: Facts) -> _Clash | None:
        for pin in self.pins.get(build.name, ()):
            if not self.admits(pin.spec, build.name, build.version, build.build):
                return "pinned", f"{pin.spec} ({pin.source})", build.spec
        if read.runtime in RUNTIMES and read.cuda:
            for pin in self.pins.get(read.runtime, ()):
                if not self.admits(pin.spec, read.runtime, read.cuda, ""):
                    return "pinned", f"{pin.spec} ({pin.source})", f"{read.runtime}={read.cuda}"
        return None

    def _arch(self, build: Build, read: Facts, strict: bool) -> _Clash | None:
        if self.machine.cuda_arch is None or read.cuda is None:
            return None
        carried = self.tables.architectures(build.version, read.cuda, build.subdir)
        if carried is None or runs_on(self.machine.cuda_arch, carried, ptx=strict):
            return None
        says = f"GPU of compute capability {self.machine.cuda_arch}"
        return "arch_missing", says, f"code for {', '.join(carried)}"


def _python_pin_admits(spec: str, minor: str, admits: Admits) -> bool:
    """Whether some patch release of `minor` passes. None of CPython's went beyond 30."""
    return any(admits(spec, "python", f"{minor}.{patch}", "") for patch in range(31))


class _Sets:
    """Completes a pytorch build to the set that was asked for."""

    def __init__(
        self, catalog: _Catalog, machine: Machine, request: Request, judge: _Judge
    ) -> None:
        self.catalog, self.request, self.judge = catalog, request, judge
        self.admits = judge.admits
        # Read from the specs: a runtime named there narrows the CUDA of the whole set.
        self.runtime_specs = {
            name: request.specs[name] for name in RUNTIMES if name in request.specs
        }
        self.wanted = [name for name in PARTNERS if name in request.specs]
        self.installed = {
            package.name: package
            for package in machine.installed
            if package.name in PARTNERS
            and package.channel != "pypi"
            and package.name not in request.specs
        }

    def asked(self, build: Build) -> bool:
        """Whether the specs on this name admit the build."""
        return all(
            self.admits(spec, build.name, build.version, build.build)
            for spec in self.request.specs.get(build.name, ())
        )

    def runtime_asked(self, read: Facts) -> bool:
        """Whether the specs on pytorch-cuda or cudatoolkit admit the build's CUDA."""
        return all(
            read.runtime == name and self.admits(spec, name, read.cuda or "", "")
            for name, specs in self.runtime_specs.items()
            for spec in specs
        )

    def complete(self, candidate: _Candidate) -> tuple[list[Build], list[Notice], _Clash | None]:
        """The partners of a pytorch build, what to tell, and the clash where one is missing."""
        partners: list[Build] = []
        notices: list[Notice] = []
        for name in (*self.wanted, *self.installed):
            stays = self.installed.get(name)
            fitting = [b for b in self._fitting(name, candidate) if stays or self.asked(b)]
            if stays and any(_same(build, stays) for build in fitting):
                continue
            if not fitting:
                torch = candidate.build
                what = f"{name} for {torch.spec}"
                says = f"{name} {stays.version} is installed" if stays else f"{name} is asked for"
                return [], [], ("partner_missing", says, f"no {what} in this channel")
            partners.append(fitting[0])
            if stays:
                along = {"installed": f"{name} {stays.version}", "chosen": fitting[0].spec}
                notices.append(Notice("partner_along", along))
        return partners, notices, None

    def _fitting(self, name: str, candidate: _Candidate) -> list[Build]:
        return [
            build
            for build, read in self.catalog.partners(
                name, candidate.build, candidate.facts.python, self.admits
            )
            if (
                read.accelerator == "any"
                or (read.accelerator, read.cuda)
                == (candidate.facts.accelerator, candidate.facts.cuda)
            )
            and self.judge._pinned(build, read) is None
        ]


def _same(build: Build, installed: Installed) -> bool:
    return (build.version, build.build) == (installed.version, installed.build)


def choose(
    machine: Machine,
    request: Request,
    builds: Iterable[Build],
    admits: Admits,
    tables: Tables,
) -> Choice | NoChoice:
    """The best set that runs on this machine, or why there is none.

    Newest release first; within it a CUDA that the driver runs outright before one that it runs by
    minor-version compatibility, then the highest CUDA, the newest Python, the highest build number.
    The order of `builds` does not matter.
    """
    catalog = _Catalog(builds)
    judge = _Judge(machine, request, admits, tables)
    sets = _Sets(catalog, machine, request, judge)
    rejected: list[Rejection] = []
    fallback: Choice | None = None
    for version in catalog.releases():
        candidates = []
        for build, read in catalog.torch[version]:
            if not (sets.asked(build) and sets.runtime_asked(read)):
                continue
            strict, clash = judge.clash(build, read)
            if clash:
                rejected.append(_rejection(build, clash))
            else:
                candidates.append(_Candidate(build, read, strict))
        for candidate in sorted(candidates, key=lambda c: c.rank, reverse=True):
            if fallback and candidate.facts.accelerator != "cuda":
                continue
            partners, notices, clash = sets.complete(candidate)
            if clash:
                rejected.append(_rejection(candidate.build, clash))
                continue
            choice = _choice(candidate, partners, rejected, notices, machine, request)
            if judge.wants_cuda and choice.cuda is None:
                # Allowed, but a CUDA build of an older release is still the better one.
                fallback = fallback or choice
                break
            return choice
    if fallback:
        return replace(fallback, rejected=_sorted(rejected))
    return NoChoice(_sorted(rejected))


def _rejection(build: Build, clash: _Clash) -> Rejection:
    code, says, needs = clash
    return Rejection(build.name, build.version, build.build, code, says, needs)


def _sorted(rejected: Iterable[Rejection]) -> tuple[Rejection, ...]:
    """Newest release first, and the same for records in any order."""

    def order(item: Rejection) -> tuple[Any, ...]:
        return (release(item.version), item.build, item.code)

    return tuple(sorted(rejected, key=order, reverse=True))


def _choice(
    candidate: _Candidate,
    partners: Sequence[Build],
    rejected: Iterable[Rejection],
    notices: Sequence[Notice],
    machine: Machine,
    request: Request,
) -> Choice:
    read = candidate.facts
    told = list(notices)
    if read.accelerator == "cuda" and not candidate.strict:
        told.append(
            Notice(
                "minor_version_compat",
                {"cuda": read.cuda, "driver": machine.cuda},
                "https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html",
            )
        )
    elif read.cuda and request.cuda not in ("auto", "cpu", read.cuda):
        below = {"cuda": read.cuda, "asked": request.cuda, "torch": candidate.build.version}
        told.append(Notice("cuda_below_asked", below))
    if read.accelerator == "cpu" and request.cuda == "auto":
        mac = machine.subdir.startswith("osx-")
        alone = "cpu_no_driver_mac" if mac else "cpu_no_driver"
        told.append(Notice("cpu_allowed" if machine.has_gpu else alone))
    return Choice(
        builds=(candidate.build, *partners),
        python=read.python or "",
        cuda=read.cuda,
        runtime=read.runtime if read.runtime in RUNTIMES else None,
        compat="strict" if candidate.strict else "minor",
        rejected=_sorted(rejected),
        notices=tuple(told),
    )


def with_runtime(
    choice: Choice, builds: Iterable[Build], runtime: RuntimeIndex | None, admits: Admits
) -> Choice:
    """Add the build of pytorch-cuda whose packages the runtime channel holds.

    `runtime` None means that its records are not known: then no build is named, and the solver
    takes the one that it can satisfy. The check is one level deep, the rest is the solver's.
    """
    if choice.runtime != "pytorch-cuda":
        return choice
    specs = [
        spec for build in choice.builds for spec in build.depends if _named(spec) == "pytorch-cuda"
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
    if runtime is None or not fitting:
        return choice
    missing: dict[str, str] = {}
    for build in fitting:
        lacks = next((spec for spec in build.depends if not _held(spec, runtime, admits)), None)
        if lacks is None:
            return replace(choice, builds=(*choice.builds, build))
        missing[build.spec] = lacks
    first = next(iter(missing))
    told = Notice("runtime_lagging", {"build": first, "lacks": missing[first]})
    return replace(choice, notices=(*choice.notices, told))


def _held(spec: str, runtime: RuntimeIndex, admits: Admits) -> bool:
    name = _named(spec)
    return any(admits(spec, name, version, build) for version, build in runtime.get(name, ()))


def table(
    machine: Machine, request: Request, builds: Iterable[Build], admits: Admits, tables: Tables
) -> list[tuple[str, str | None, str, bool]]:
    """What this platform can have: (release, CUDA or None, Python, fits this machine), best first.

    Only complete sets are listed; the specs of the request narrow them, the machine does not.
    """
    catalog = _Catalog(builds)
    judge = _Judge(machine, request, admits, tables)
    sets = _Sets(catalog, machine, request, judge)
    rows: dict[tuple[str, str | None, str], bool] = {}
    for version in catalog.releases():
        found = [
            _Candidate(build, read, strict=True)
            for build, read in catalog.torch[version]
            if sets.asked(build) and sets.runtime_asked(read) and read.python
        ]
        for candidate in sorted(found, key=lambda c: c.rank, reverse=True):
            if sets.complete(candidate)[2]:
                continue
            key = (version, candidate.facts.cuda, candidate.facts.python or "")
            fits = judge.clash(candidate.build, candidate.facts)[1] is None
            rows[key] = rows.get(key, False) or fits
    return [(*key, fits) for key, fits in rows.items()]
