"""The demands on a set of builds that no record is read of, held against figures. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ...models import Admits, Machine, Pin, Request
from .. import rules
from ..facts.cuda import CudaTables
from ..facts.names import CUDA_NAMES, CUDNN, MUTEX, RUNTIME, RUNTIMES
from ..facts.record import later_minors
from ..specs import (
    admits_cuda,
    admits_python,
    never_together,
    number,
    package_name,
    without_build,
)

#: From this release on, all CUDA builds of conda-forge in the built-in index need cuDNN 9 or later.
_SINCE_CUDNN_9 = "2.5"


class Wanted(NamedTuple):
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

    @property
    def at_worst(self) -> Wanted | None:
        """The demands with a CPU build, if one may be taken where nothing runs CUDA."""
        if self.on_cpu or not self.request.allow_cpu:
            return None
        return self._replace(request=self.request._replace(cuda="cpu"))

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

    def built(self, name: str, version: str, builds: Iterable[str]) -> bool:
        """Whether specs and pins that name a build admit one of these of a version, if there are
        such; more of a build than is in these names is admitted by none."""
        specs = [spec for spec in self.demands(name) if without_build(spec) is not None]
        return not specs or any(
            all(self.admits(spec, name, version, build) for spec in specs) for build in builds
        )

    def demands(self, name: str) -> list[str]:
        """The specs, of words and pins, that narrow a package."""
        specs = [spec for spec in self.request.specs.get(name, ()) if spec != name]
        return specs + [pin.spec for pin in self.pins if package_name(pin.spec) == name]

    def python(self, python: str) -> bool:
        """Whether the environment can have this Python, and what else is asked for is likely
        there for it."""
        if self.machine.python not in (None, python):
            return False
        # The tables name the usual Pythons; there are no free-threaded builds (2026-11-25).
        if python == self.machine.free_threaded:
            return False
        beside = (*self.machine.pins, *(Pin(word, "") for word in self.request.others))
        if rules.lacking(python, beside, self.admits, self.request.pythons):
            return False
        specs = [pin.spec for pin in self.pins if package_name(pin.spec) == "python"]
        return all(admits_python(spec, python, self.admits) for spec in specs)

    def run_with(self, cuda: str) -> str | None:
        """The first CUDA that the words admit of those that a build for this one may run with, if
        it takes every later minor."""
        return next(filter(self._named, later_minors(cuda)), None)

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
        return self._named(cuda)

    def _named(self, cuda: str) -> bool:
        """Whether the words that name a CUDA admit this one."""
        return all(
            admits_cuda(pin.spec, package_name(pin.spec), cuda, self.admits)
            for pin in self.pins
            if package_name(pin.spec) in CUDA_NAMES
        )

    @property
    def pins(self) -> tuple[Any, ...]:
        """The pins of machine and request, which bind besides the specs."""
        return (*self.machine.pins, *self.request.pins)
