"""One build against machine and request: Python, driver, GPU, pins, CPU or CUDA. Pure.

The rules are those of the contract, section 3. A clash is a code and the two facts that make it,
the machine's and the build's; their sentences are in `messages`.
"""

from __future__ import annotations

from collections import defaultdict

from ..models import Admits, Build, Machine, Notice, Pin, Request
from .cuda import CudaTables, runs_on
from .facts import RUNTIMES, Facts, number

Clash = tuple[str, Notice, Notice]  # code, the machine's fact, the build's fact


def named(spec: str) -> str:
    """The package name in a match spec such as `pytorch::torchvision>=0.15`."""
    spec = spec.rpartition("::")[2].strip()
    for end, char in enumerate(spec):
        if not (char.isalnum() or char in "-_."):
            return spec[:end].lower()
    return spec.lower()


def _driver(candidate: Facts, machine: Machine, tables: CudaTables) -> tuple[bool, Clash | None]:
    """Whether the build's CUDA is within the driver's, and the clash where it cannot run at all."""
    assert candidate.cuda is not None
    needs = Notice("cuda", {"cuda": candidate.cuda})
    if machine.cuda is None:
        gpus = ", ".join(gpu.name for gpu in machine.gpus)
        says = Notice("gpu_unusable", {"gpus": gpus}) if gpus else Notice("driver_unusable")
        return False, ("driver_unusable", says, needs)
    built, driver = number(candidate.cuda), number(machine.cuda)
    if built <= driver:
        return True, None
    if built[0] != driver[0] or built[0] < tables.compat_since:
        return False, ("cuda_too_new", Notice("driver_runs", {"cuda": machine.cuda}), needs)
    floor = tables.driver_floor(candidate.cuda, machine.driver_os)
    if machine.driver and floor and number(machine.driver) < number(floor):
        says = Notice("driver", {"driver": machine.driver})
        return False, (
            "driver_too_old",
            says,
            Notice("cuda_floor", {"cuda": candidate.cuda, "driver": floor}),
        )
    return False, None


class Judge:
    """One build against machine and request; the rules are in the contract, section 3."""

    def __init__(
        self, machine: Machine, request: Request, admits: Admits, tables: CudaTables
    ) -> None:
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
            return False, ("cuda_unknown", Notice("cuda_to_compare"), Notice("no_cuda_version"))
        strict, clash = _driver(read, self.machine, self.tables)
        if clash:
            return False, clash
        if not strict and self.request.compat == "strict":
            says = Notice("driver_strict", {"cuda": self.machine.cuda})
            return False, ("minor_version_only", says, Notice("cuda", {"cuda": read.cuda}))
        return strict, self._arch(build, read, strict)

    def _accelerator(self, read: Facts) -> Clash | None:
        if read.accelerator == "cuda" and not self.wants_cuda:
            code = "driver_unknown" if self.machine.foreign else "no_driver"
            says = Notice("cpu_asked" if self.request.cuda == "cpu" else code)
            needs = Notice("cuda", {"cuda": read.cuda}) if read.cuda else Notice("cuda_build")
            return "cuda_build", says, needs
        if read.accelerator == "cpu" and self.wants_cuda and not self.request.allow_cpu:
            says = Notice("cuda_asked", {"cuda": self.request.cuda})
            if self.request.cuda == "auto":
                known = self.machine.cuda or self.machine.gpus
                says = Notice("gpu_there" if known else "driver_there")
            return "cpu_build", says, Notice("cpu_only")
        return None

    def _python(self, read: Facts) -> Clash | None:
        if read.python is None:
            return None
        needs = Notice("python", {"python": read.python})
        if self.machine.python and read.python != self.machine.python:
            facts = {"python": self.machine.python, "origin": self.machine.python_from}
            return "python_mismatch", Notice("python_there", facts), needs
        for pin in self.pins.get("python", ()):
            if not _python_pin_admits(pin.spec, read.python, self.admits):
                return "pinned", _pin(pin), needs
        return None

    def pinned(self, build: Build, read: Facts) -> Clash | None:
        """The pin that keeps this build, or the CUDA runtime that it needs, out."""
        for pin in self.pins.get(build.name, ()):
            if not self.admits(pin.spec, build.name, build.version, build.build):
                return "pinned", _pin(pin), Notice("spec", {"spec": build.spec})
        if read.runtime in RUNTIMES and read.cuda:
            for pin in self.pins.get(read.runtime, ()):
                if not self.admits(pin.spec, read.runtime, read.cuda, ""):
                    spec = f"{read.runtime}={read.cuda}"
                    return "pinned", _pin(pin), Notice("spec", {"spec": spec})
        return None

    def _arch(self, build: Build, read: Facts, strict: bool) -> Clash | None:
        arch = self.machine.cuda_arch
        if arch is None or read.cuda is None:
            return None
        says = Notice("gpu_arch", {"arch": arch})
        carried = self.tables.architectures(build.version, read.cuda, build.subdir)
        if carried is None:
            # Nobody has looked into this build; what is known of its release must do.
            if bound := self.tables.bound(build.version, read.cuda, arch):
                return "arch_missing", says, Notice(*bound)
            return None
        if runs_on(arch, carried, ptx_since=self.tables.ptx_since if strict else None):
            return None
        return "arch_missing", says, Notice("code_for", {"architectures": ", ".join(carried)})


def _pin(pin: Pin) -> Notice:
    return Notice("pin", {"spec": pin.spec, "source": pin.source})


def _python_pin_admits(spec: str, minor: str, admits: Admits) -> bool:
    """Whether some patch release of `minor` passes. None of CPython's went beyond 30."""
    return any(admits(spec, "python", f"{minor}.{patch}", "") for patch in range(31))
