"""Advice on other places that serve a request: conda-forge, wheels, `pytorch-lts`. Pure.

Each is offered only if it serves the whole request: release, partners, Python, CUDA, driver, GPU
and platform. Nothing is chosen from them here; the figures are in `data/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...models import Admits, Machine, Notice, Pin, Request
from ...options import OFFLINE, InstallOptions
from .. import rules
from ..facts.cuda import CudaTables, conda_forge_tables, data, runs_on, tables
from ..facts.names import (
    CUDA_NAMES,
    CUDNN,
    FAMILY,
    MUTEX,
    PARTNERS,
    RUNTIME,
    RUNTIMES,
    TOOLKIT,
    TORCH,
)
from ..facts.record import Knowledge
from ..plan import offered
from ..specs import (
    admits_cuda,
    admits_python,
    minor,
    never_together,
    number,
    package_name,
    without_build,
)

#: The lowest cuDNN that CUDA builds of conda-forge accept, in the records of 2.1.2 and later.
_OLDEST_CUDNN = "8.9"
#: From this release on, all CUDA builds of conda-forge in the built-in index need cuDNN 9 or later.
_SINCE_CUDNN_9 = "2.5"


class _Wanted(NamedTuple):
    """The demands on a set from elsewhere."""

    machine: Machine
    request: Request
    admits: Admits
    tables: CudaTables

    @property
    def on_cpu(self) -> bool:
        """Whether a CPU build is wanted."""
        wants = self.request.cuda == "cpu"
        return wants or (self.request.cuda == "auto" and not self.machine.has_gpu)

    def runtime(self, cuda: str) -> bool:
        """Whether pins on pytorch-cuda, which narrow all builds of channels, admit this CUDA."""
        pins = (pin.spec for pin in self.pins if package_name(pin.spec) == RUNTIME)
        return all(admits_cuda(spec, RUNTIME, cuda, self.admits) for spec in pins)

    def cudnn(self, torch: str) -> bool:
        """Whether pins and further specs on cuDNN admit what CUDA builds of a release need."""
        if number(torch) < number(_SINCE_CUDNN_9):
            return True
        specs = (*(pin.spec for pin in self.pins), *self.request.others)
        return not any(
            never_together(spec.rpartition("::")[2], f"{name}>=9", name, self.admits)
            for spec in specs
            if (name := package_name(spec)) in CUDNN
        )

    def has_mutex(self, accelerator: str) -> bool:
        """Whether what is asked of pytorch-mutex admits builds for this accelerator."""
        pins = (pin.spec for pin in self.pins if package_name(pin.spec) == MUTEX)
        return all(self.admits(spec, MUTEX, "1.0", accelerator) for spec in pins)

    @property
    def of_the_channel(self) -> bool:
        """Whether the words name packages, builds or files that only the channel has."""
        specs = [spec for found in self.request.specs.values() for spec in found]
        return any(name in self.request.specs for name in RUNTIMES) or any(
            "[" in spec or spec.count("=") - spec.count("==") > 1 or " " in spec for spec in specs
        )

    def release(self, name: str, version: str) -> bool:
        """Whether specs and pins admit this version of a package."""
        return all(self.admits(spec, name, version, "") for spec in self.demands(name))

    def demands(self, name: str) -> list[str]:
        """The specs, of words and pins, that narrow a package."""
        specs = [spec for spec in self.request.specs.get(name, ()) if spec != name]
        return specs + [pin.spec for pin in self.pins if package_name(pin.spec) == name]

    def python(self, python: str) -> bool:
        """Whether the environment can have this Python, and what else is asked for is likely
        there for it."""
        if self.machine.python not in (None, python):
            return False
        beside = (*self.machine.pins, *(Pin(word, "") for word in self.request.others))
        if rules.lacking(python, beside, self.admits):
            return False
        specs = [pin.spec for pin in self.pins if package_name(pin.spec) == "python"]
        return all(admits_python(spec, python, self.admits) for spec in specs)

    def cuda(self, cuda: str) -> bool:
        """Whether the driver runs builds of this CUDA, and the words admit it."""
        driver = number(self.machine.cuda or "0")
        built = number(cuda)
        strict = self.request.compat == "strict" and built[: len(driver)] > driver
        if built[0] > driver[0] or (built > driver and built[0] < self.tables.compat_since):
            return False
        floor = self.tables.driver_floor(cuda, self.machine.driver_os)
        own = self.machine.driver
        if strict or (own and floor and number(own) < number(floor)):
            return False
        return all(
            admits_cuda(pin.spec, package_name(pin.spec), cuda, self.admits)
            for pin in self.pins
            if package_name(pin.spec) in CUDA_NAMES
        )

    @property
    def pins(self) -> tuple[Any, ...]:
        """The pins of machine and request, which bind besides the specs."""
        return (*self.machine.pins, *self.request.pins)


def find(
    machine: Machine, request: Request, knowledge: Knowledge, asked: InstallOptions
) -> Iterator[Notice]:
    """Advise on places, other than the source at hand, that serve the request.

    `asked` are the options that ask for the same from conda-forge, in a new environment.
    """
    if knowledge.source.torch != TORCH:
        return  # words on wheels do not apply to a channel
    wanted = _Wanted(machine, request, knowledge.admits, knowledge.tables)
    yield from _long_term(wanted)
    if wanted.of_the_channel or any(package_name(pin.spec) == MUTEX for pin in wanted.pins):
        return
    if not knowledge.source.metapackages:  # only conda-forge itself has these
        yield from _conda_forge(wanted, asked)
    yield from _wheels(wanted)


def newest_of_conda_forge(machine: Machine, request: Request, admits: Admits) -> str | None:
    """The newest release on conda-forge that serves a request, by the tables."""
    found = best_of_conda_forge(machine, request, admits)
    return found[0] if found else None


def best_of_conda_forge(
    machine: Machine, request: Request, admits: Admits
) -> tuple[str, str] | None:
    """The newest release on conda-forge that serves a request, and its CUDA ("" for the CPU)."""
    wanted = _Wanted(machine, request, admits, conda_forge_tables())
    return next(_on_conda_forge(wanted), None)


def may_be_on_conda_forge(machine: Machine, request: Request, admits: Admits) -> bool:
    """Whether the full index of conda-forge may serve what a part of it cannot: by the tables, or
    because they do not cover the release or words that name builds."""
    wanted = _Wanted(machine, request, admits, conda_forge_tables())
    known = [row["torch"] for row in data("conda_forge.json")["releases"]]
    if wanted.of_the_channel:
        return True
    if not any(wanted.release(TORCH, torch) for torch in known):
        # Demands that single releases meet, but none all of them, contradict each other.
        single = (
            any(admits(spec, TORCH, torch, "") for torch in known) for spec in wanted.demands(TORCH)
        )
        return not all(single)
    return next(_on_conda_forge(wanted), None) is not None


def _conda_forge(wanted: _Wanted, asked: InstallOptions) -> Iterator[Notice]:
    """Advise on conda-forge, with the newest and the oldest release that serve the request."""
    fitting = list(_on_conda_forge(wanted))
    if not fitting:
        return
    (last, cuda), (first, _) = fitting[0], fitting[-1]
    asked = asked.without(OFFLINE)  # the tables are of the channel, not of a copy of its index
    if wanted.machine.python_from == "prefix":
        asked = asked._replace(python=wanted.machine.python)
    facts = {**_releases(first, last), "command": offered(asked)}
    if cuda:
        yield Notice("use_conda_forge", {**facts, "cuda": cuda})
    else:
        yield Notice("use_conda_forge_cpu", facts)


def _releases(first: str, last: str) -> dict[str, Any]:
    """The facts of a span of releases; `count` is 1 for a single release, else 2."""
    since, until = minor(first), minor(last)
    return {"since": since, "torch": until, "count": 1 if since == until else 2}


def _on_conda_forge(wanted: _Wanted) -> Iterator[tuple[str, str]]:
    """The releases of conda-forge that serve the request, newest first, each with its CUDA."""
    for row in data("conda_forge.json")["releases"]:
        there = row["platforms"].get(wanted.machine.subdir)
        if there is None or not wanted.release(TORCH, row["torch"]):
            continue
        if not _has_macos(row["torch"], wanted.machine):
            continue
        pythons = [python for python in there["python"] if wanted.python(python)]
        for cuda in _cudas(row, there, wanted):
            if any(_has_partners(row, python, cuda, wanted) for python in pythons):
                yield row["torch"], cuda
                break


def _has_macos(torch: str, machine: Machine) -> bool:
    """Whether this macOS, if it is one, is new enough for a release."""
    floors = data("conda_forge.json")["floors"]["osx"].get(machine.subdir, ())
    since = [row for row in floors if number(row["since"]) <= number(torch)]
    return not (machine.osx and since) or number(machine.osx) >= number(since[-1]["osx"])


def _cudas(row: Mapping[str, Any], there: Mapping[str, Any], wanted: _Wanted) -> list[str]:
    """The CUDAs of a release that run here, the best first; [""] if a CPU build is wanted.

    As in a choice, those that the driver has itself go before newer minors, and higher ones first.
    """
    if not wanted.has_mutex("cpu" if wanted.on_cpu else "cuda"):
        return []
    if wanted.on_cpu:  # a word that names a CUDA rules CPU builds out
        return [] if any(package_name(pin.spec) in CUDA_NAMES for pin in wanted.pins) else [""]
    if not wanted.cudnn(row["torch"]):
        return []
    arch, subdir = wanted.machine.cuda_arch, wanted.machine.subdir
    ceiling = wanted.tables.cudnn_ceiling(arch) if arch else None
    if ceiling and number(ceiling) <= number(_OLDEST_CUDNN):
        return []
    code = conda_forge_tables().architectures
    glibc, floors = wanted.machine.glibc, there.get("glibc", {})
    oldest = data("conda_forge.json")["floors"]["glibc"]
    fitting = [
        cuda
        for cuda in there["cuda"]
        if wanted.cuda(cuda)
        and wanted.runtime(cuda)
        and (glibc is None or number(glibc) >= number(floors.get(cuda, oldest)))
        and (
            arch is None
            # No source says that the libraries bundled with these builds have PTX.
            or runs_on(arch, code(row["torch"], cuda, subdir, build=row["number"]) or ())
        )
    ]
    driver = number(wanted.machine.cuda or "0")
    return sorted(fitting, key=lambda cuda: (number(cuda) <= driver, number(cuda)), reverse=True)


def _has_partners(row: Mapping[str, Any], python: str, cuda: str, wanted: _Wanted) -> bool:
    """Whether a release has every partner of the request for this Python and CUDA ("" for the CPU).

    In the default request torchaudio is optional.
    """
    specs, wishes = wanted.request.specs, wanted.request.wishes
    return all(
        any(
            wanted.release(name, version)
            and _is_built(name, which, python, cuda, wanted.machine.subdir)
            for version, which in row.get(name, {}).items()
        )
        for name in PARTNERS
        if name in specs and name not in wishes
    )


def _is_built(name: str, which: int, python: str, cuda: str, subdir: str) -> bool:
    """Whether a version of a partner, by its row in the table, is built for all of these."""
    table = data("conda_forge.json")
    of_major = table["partner_cuda"]["same"][name] == "major"
    return any(
        subdir in cell["subdirs"]
        and python in cell["python"]
        and (
            not cuda
            or any(
                number(other)[0] == number(cuda)[0] if of_major else other == cuda
                for other in cell["cuda"]
            )
        )
        for cell in table["partners"]["builds"][which]
    )


def _wheels(wanted: _Wanted) -> Iterator[Notice]:
    """Advise on wheels with code for a GPU that no build of the channel has code for."""
    machine = wanted.machine
    if wanted.on_cpu or machine.cuda_arch is None:
        return
    bounds = wanted.tables.wheel_pythons
    pythons = [f"3.{n}" for n in range(number(bounds[0])[1], number(bounds[1])[1] + 1)]
    if not any(wanted.python(python) for python in pythons):
        return
    fitting = [
        block
        for block in wanted.tables.blocks_elsewhere("wheels", machine.cuda_arch, machine.subdir)
        if wanted.cuda(block.cuda)
        and any(wanted.release(TORCH, f"{block.until}.{patch}") for patch in range(3))
        and not any(wanted.request.specs.get(n, (n,)) != (n,) for n in FAMILY if n != TORCH)
    ]
    if not fitting:
        return
    last = max(fitting, key=lambda block: (number(block.until), number(block.cuda)))
    since = min((block.since for block in fitting), key=number)
    tag = "cu" + last.cuda.replace(".", "")
    facts = {**_releases(since, last.until), "cuda": last.cuda, "tag": tag}
    yield Notice("use_wheels", facts)


def _long_term(wanted: _Wanted) -> Iterator[Notice]:
    """Advise on another conda channel if the words name a release that only that channel has."""
    specs = wanted.request.specs.get(TORCH, ())
    if all((without_build(spec) or spec) == TORCH for spec in specs):
        return  # a hash or a file of a build names no release
    for entry in data("rules.json")["elsewhere"]:
        command = _command(entry, wanted)
        partners = {TORCH: entry["torch"], **entry["partners"]}
        fits = any(wanted.python(python) for python in entry["pythons"]) and all(
            name in partners and wanted.release(name, partners[name])
            for name in FAMILY
            if name in wanted.request.specs
        )
        if command and fits:
            facts = {"torch": entry["torch"], "channel": entry["channel"], "command": command}
            yield Notice("other_channel_has", facts, entry["source"])


def _command(entry: Mapping[str, Any], wanted: _Wanted) -> str | None:
    """The official command for the request. It creates a new environment, because the active one
    would have to change its Python or get a second pytorch."""
    words = entry["words"].get(wanted.machine.subdir, {})
    found = next((words[cuda] for cuda in words if _takes(cuda, wanted)), None)
    python = next((f"python={p} " for p in reversed(entry["pythons"]) if wanted.python(p)), "")
    return f"conda create -n NEW {python}{found}" if found else None


def _takes(cuda: str, wanted: _Wanted) -> bool:
    """Whether the official command for this CUDA (or "cpu") serves the request."""
    if cuda == "cpu" or wanted.on_cpu:
        return cuda == "cpu" and wanted.on_cpu
    toolkit = wanted.request.specs.get(TOOLKIT, ())
    asked = all(wanted.admits(spec, TOOLKIT, cuda, "") for spec in toolkit if spec != TOOLKIT)
    arch, subdir = wanted.machine.cuda_arch, wanted.machine.subdir
    code = wanted.tables.architectures(data("rules.json")["elsewhere"][0]["torch"], cuda, subdir)
    return asked and wanted.cuda(cuda) and (not arch or not code or runs_on(arch, code))


def others_of_pytorch() -> frozenset[str]:
    """The channels of pytorch.org other than that of its stable releases."""
    return frozenset(data("rules.json")["other_channels"]["names"])


def of_channel(channel: str, machine: Machine, request: Request, admits: Admits) -> list[Notice]:
    """The official commands for a channel other than `pytorch`, for the CUDA toolkit asked for."""
    wanted = _Wanted(machine, request, admits, tables())
    return [
        Notice("other_channel_command", {"channel": channel, "command": command}, entry["source"])
        for entry in data("rules.json")["elsewhere"]
        if entry["channel"] == channel and (command := _command(entry, wanted))
    ]
