"""One build against machine and request: Python, driver, GPU, pins, CPU or CUDA. Pure.

The rules are those of the contract, section 3. A clash is a code and the two facts that make it.
"""

from __future__ import annotations

from collections import defaultdict

from .builds import RUNTIMES, Facts, number
from .compat import COMPAT_SINCE, Tables, runs_on
from .models import Admits, Build, Machine, Pin, Request

Clash = tuple[str, str, str]  # code, the machine's fact, the build's fact


def named(spec: str) -> str:
    """The package name in a match spec such as `pytorch::torchvision>=0.15`."""
    spec = spec.rpartition("::")[2].strip()
    for end, char in enumerate(spec):
        if not (char.isalnum() or char in "-_."):
            return spec[:end].lower()
    return spec.lower()


def _driver(candidate: Facts, machine: Machine, tables: Tables) -> tuple[bool, Clash | None]:
    """Whether the build's CUDA is within the driver's, and the clash where it cannot run at all."""
    assert candidate.cuda is not None
    needs = f"CUDA {candidate.cuda}"
    if machine.cuda is None:
        names = ", ".join(gpu.name for gpu in machine.gpus)
        whose = f"the driver of this machine's GPU ({names})" if names else "the NVIDIA driver"
        return False, ("driver_unusable", f"{whose} does not run", needs)
    says = f"the driver runs CUDA {machine.cuda} or older"
    built, driver = number(candidate.cuda), number(machine.cuda)
    if built <= driver:
        return True, None
    if built[0] != driver[0] or built[0] < COMPAT_SINCE:
        return False, ("cuda_too_new", says, needs)
    floor = tables.driver_floor(candidate.cuda, machine.driver_os)
    if machine.driver and floor and number(machine.driver) < number(floor):
        return False, ("driver_too_old", f"driver {machine.driver}", f"{needs}: driver {floor}")
    return False, None


class Judge:
    """One build against machine and request; the rules are in the contract, section 3."""

    def __init__(self, machine: Machine, request: Request, admits: Admits, tables: Tables) -> None:
        self.machine, self.request = machine, request
        self.admits, self.tables = admits, tables
        self.wants_cuda = request.cuda not in ("auto", "cpu") or (
            request.cuda == "auto" and machine.has_gpu
        )
        self.pins: dict[str, list[Pin]] = defaultdict(list)
        for pin in machine.pins:
            self.pins[named(pin.spec)].append(pin)
        # A bare name admits everything; records are many.
        self.specs = {
            name: [spec for spec in specs if spec != name] for name, specs in request.specs.items()
        }
        # A runtime named there narrows the CUDA of the whole set.
        self.runtime_specs = {
            name: request.specs[name] for name in RUNTIMES if name in request.specs
        }

    def asked(self, build: Build) -> bool:
        """Whether the specs on this name admit the build."""
        return all(
            self.admits(spec, build.name, build.version, build.build)
            for spec in self.specs.get(build.name, ())
        )

    def runtime_asked(self, read: Facts) -> bool:
        """Whether the specs on pytorch-cuda or cudatoolkit admit the build's CUDA."""
        return all(
            read.runtime == name and self.admits(spec, name, read.cuda or "", "")
            for name, specs in self.runtime_specs.items()
            for spec in specs
        )

    def clash(self, build: Build, read: Facts) -> tuple[bool, Clash | None]:
        """(strictly within the driver, what clashes or None)."""
        if clash := self._accelerator(read) or self._python(read) or self.pinned(build, read):
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

    def _accelerator(self, read: Facts) -> Clash | None:
        if read.accelerator == "cuda" and not self.wants_cuda:
            says = (
                "a CPU build is asked for"
                if self.request.cuda == "cpu"
                else "there is no NVIDIA driver"
            )
            return "cuda_build", says, f"CUDA {read.cuda or 'build'}"
        if read.accelerator == "cpu" and self.wants_cuda and not self.request.allow_cpu:
            says = f"CUDA {self.request.cuda} is asked for"
            if self.request.cuda == "auto":
                known = self.machine.cuda or self.machine.gpus
                says = f"there is an NVIDIA {'GPU' if known else 'driver'}"
            return "cpu_build", says, "runs on the CPU only"
        return None

    def _python(self, read: Facts) -> Clash | None:
        if self.machine.python and read.python and read.python != self.machine.python:
            says = f"Python {self.machine.python} ({self.machine.python_from})"
            return "python_mismatch", says, f"Python {read.python}"
        if read.python:
            for pin in self.pins.get("python", ()):
                # `.*` so that a pin on a patch release admits the minor that it belongs to.
                if not _python_pin_admits(pin.spec, read.python, self.admits):
                    return "pinned", f"{pin.spec} ({pin.source})", f"Python {read.python}"
        return None

    def pinned(self, build: Build, read: Facts) -> Clash | None:
        """The pin that keeps this build, or the CUDA runtime that it needs, out."""
        for pin in self.pins.get(build.name, ()):
            if not self.admits(pin.spec, build.name, build.version, build.build):
                return "pinned", f"{pin.spec} ({pin.source})", build.spec
        if read.runtime in RUNTIMES and read.cuda:
            for pin in self.pins.get(read.runtime, ()):
                if not self.admits(pin.spec, read.runtime, read.cuda, ""):
                    return "pinned", f"{pin.spec} ({pin.source})", f"{read.runtime}={read.cuda}"
        return None

    def _arch(self, build: Build, read: Facts, strict: bool) -> Clash | None:
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
