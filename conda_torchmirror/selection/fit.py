"""Judge one build by machine and request: Python, driver, GPU, pins, CPU or CUDA. Pure.

The sentences on clashes are in `text/tables/decision.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from ..models import Build, Gpu, Machine, Notice, Pin, Request
from .facts.cuda import runs_on
from .facts.names import CUDA_NAMES, CUDNN, MUTEX, RUNTIME
from .facts.record import BuildFacts, Clash, Knowledge
from .rules import having, implied, lacking
from .specs import (
    admits_cuda,
    admits_python,
    never_together,
    number,
    package_name,
    wheel_variant,
    without_build,
)

#: Names CPU or CUDA whatever the source, also where its builds do without it; with its one version.
_MUTEX = (MUTEX, "1.0")


#: An override of `__cuda` that names no version, of which conda makes the package all the same:
#: nothing is known of the driver then.
OVERRIDDEN = "override_unusable"
#: What says how high the CUDA may be, by `Machine.cuda_from`, where no driver was asked for it.
_SAYS = {
    "--cuda": "option_says",
    "CONDA_OVERRIDE_CUDA": "override_says",
    "file": "file_says",
    "prefix": "prefix_has",
}

#: The codes of pins and specs of which the Pythons of the builds are known, and are not.
_HAVING = {"pin": ("pin_for", "pin_without"), "spec": ("spec_for", "spec_without")}


class Fit(NamedTuple):
    """How a build fits. `strict` says that its CUDA does not exceed the driver's own."""

    strict: bool
    clash: Clash | None = None


class Constraints:
    """The demands of machine and request on every build.

    The oldest GPU decides; with `every`, the code has to run on the machine's others too.
    """

    def __init__(
        self, machine: Machine, request: Request, knowledge: Knowledge, *, every: bool = False
    ) -> None:
        self.machine, self.request, self._every = machine, request, every
        self.admits, self.tables, self.source = knowledge
        self.wants_cuda = request.cuda not in ("auto", "cpu") or (
            request.cuda == "auto" and machine.has_gpu
        )
        self.pins: dict[str, list[Pin]] = defaultdict(list)
        for pin in (*machine.pins, *request.pins):
            self.pins[package_name(pin.spec)].append(pin)
        #: The request's own words on CUDA, which rule out CPU builds.
        self.named_cuda = [p for p in request.pins if package_name(p.spec) in CUDA_NAMES]
        #: The packages whose pins narrow the CUDA of every build, that of another source included.
        other = () if RUNTIME in self.source.runtimes else (RUNTIME,)
        self._cuda_names = (*CUDA_NAMES, *other)
        #: Pins and further specs, by package, that what a build needs may contradict.
        self._beside: dict[str, list[Pin]] = defaultdict(list)
        for pin in (*machine.pins, *(Pin(word, "") for word in request.others)):
            name = package_name(pin.spec)
            self._beside[name].append(pin)
            if name == CUDNN[0]:
                # Of 9.10 and later it is the headers, and needs the library of its own version;
                # older ones hold the library, and go with no other.
                spec = pin.spec.replace(*CUDNN, 1)
                self._beside[CUDNN[1]].append(Pin(spec, pin.source, pin.text))
            for spec in implied(pin.spec):
                self._beside[package_name(spec)].append(Pin(spec, pin.source, pin.text))
        if self._beside:  # but for those that are judged by themselves
            left = map(package_name, request.pythons)  # a partner too that is left to pip
            own = self.source.names.difference(self.source.libraries, left)
            for name in ("python", *CUDA_NAMES, *own):
                self._beside.pop(name, None)
        self._against: dict[str, Pin | None] = {}
        self._lacking: dict[str, tuple[Pin, Notice] | None] = {}
        # A bare name admits everything; not matching it saves time on thousands of records.
        self.specs = {
            name: [spec for spec in specs if spec != name] for name, specs in request.specs.items()
        }
        # A runtime named in the specs narrows the CUDA of the whole set.
        self.runtime_specs = {
            name: request.specs[name] for name in self.source.runtimes if name in request.specs
        }
        # Thousands of builds differ in a few variants, CUDAs and kinds of code.
        self._variants: dict[tuple[str | bool | None, ...], Clash | None] = {}
        self._drivers: dict[str, Fit] = {}
        self._codes: dict[tuple[object, ...], Clash | None] = {}

    @property
    def names_cuda(self) -> bool:
        """Whether specs or pins, and not the driver alone, determine the CUDA."""
        builds = self.specs.get(self.source.torch, ())
        return (
            bool(self.runtime_specs)
            or any(
                pin.spec != name
                for name in (*CUDA_NAMES, *self.source.runtimes)
                for pin in self.pins.get(name, ())
            )
            or any(without_build(spec) is not None for spec in builds)
            or any(wheel_variant(spec) for specs in self.specs.values() for spec in specs)
        )

    def asked(self, build: Build) -> bool:
        """Whether the specs on the build's name admit it."""
        specs = self.specs.get(build.name)
        return not specs or all(
            self.admits(spec, build.name, build.version, build.build, build) for spec in specs
        )

    def runtime_asked(self, read: BuildFacts) -> bool:
        """Whether the specs on packages that bring CUDA admit the build's runtime."""
        return not self.runtime_specs or all(
            read.runtime == name and self.admits(spec, name, read.cuda or "", "")
            for name, specs in self.runtime_specs.items()
            for spec in specs
        )

    def check(self, build: Build, read: BuildFacts) -> Fit:
        """Judge one build of pytorch, whose facts are `read`, by machine and request."""
        clash = self._of_variant(read) or self.pinned(build, read) or self.system(read)
        if clash:
            return Fit(False, clash)
        if read.accelerator != "cuda":
            return Fit(True)
        if read.cuda is None:
            says, needs = Notice("cuda_to_compare"), Notice("no_cuda_version")
            return Fit(False, Clash("cuda_unknown", says, needs))
        runtime = self.cuda(read) or read.cuda
        if runtime not in self._drivers:
            self._drivers[runtime] = self.driver(runtime)
        fit = self._drivers[runtime]
        if fit.clash:
            return fit
        code = (build.version, build.subdir, read.cuda, read.number, read.arm, fit.strict)
        if code not in self._codes:
            clash = self._arch(build, read, self.machine.cuda_arch, ptx=fit.strict)
            if clash is None and self._every:
                clash = next((found for _, found in self.unserved(build, read)), None)
            self._codes[code] = clash
        clash = self._codes[code] or self.clashes(build, read)
        return Fit(fit.strict, clash)

    def of_partner(self, build: Build, read: BuildFacts) -> Clash | None:
        """The clash with a pin or the machine that rules a build of a partner out, if any."""
        return self.pinned(build, read) or self.system(read) or self.clashes(build, read)

    def clashes(self, build: Build, read: BuildFacts) -> Clash | None:
        """The clash by the source's own rules that rules a build out, if any."""
        return self.source.clash(build, read, self.machine, self.tables)

    def pinned(self, build: Build, read: BuildFacts) -> Clash | None:
        """The clash with a pin that rules out this build or the CUDA that it needs, if any."""
        for pin in self.pins.get(build.name, ()):
            if not self.admits(pin.spec, build.name, build.version, build.build, build):
                return Clash("pinned", _pin(pin), Notice("spec", {"spec": build.spec}))
        if read.cuda:
            for name in self._cuda_names:
                for pin in self.pins.get(name, ()):
                    if not any(admits_cuda(pin.spec, name, c, self.admits) for c in read.cudas):
                        return Clash("pinned", _pin(pin), Notice("cuda", {"cuda": read.cuda}))
        mutex, version = self.source.mutex or _MUTEX
        for pin in self.pins.get(mutex, ()) if build.name == self.source.torch else ():
            if not self.admits(pin.spec, mutex, version, read.accelerator):
                needs = Notice("cpu_only" if read.accelerator == "cpu" else "cuda_build")
                return Clash("pinned", _pin(pin), needs)
        if read.accelerator == "cpu" and self.named_cuda:
            return Clash("pinned", _pin(self.named_cuda[0]), Notice("cpu_only"))
        if read.runtime in self.source.runtimes and read.cuda:
            for pin in self.pins.get(read.runtime, ()):
                if not self.admits(pin.spec, read.runtime, read.cuda, ""):
                    needs = Notice("spec", {"spec": f"{read.runtime}={read.cuda}"})
                    return Clash("pinned", _pin(pin), needs)
        return self._needs(build) if self._beside else None

    def _needs(self, build: Build) -> Clash | None:
        """The clash with a pin, or a further spec of the request, that what a build needs
        contradicts: no solver can meet both."""
        for spec in build.depends:
            name = package_name(spec)
            if name not in self._beside:
                continue
            if spec not in self._against:
                self._against[spec] = next(
                    (p for p in self._beside[name] if self._contradict(p.spec, spec, name)), None
                )
            if pin := self._against[spec]:
                return Clash("pinned", _pin(pin), Notice("dependency", {"spec": spec}))
        return None

    def lacking(self, python: str | None) -> tuple[Pin, Notice] | None:
        """What `rules.lacking` finds for a Python among pins and further specs."""
        if not (self._beside and python):
            return None
        if python not in self._lacking:
            pins = (pin for found in self._beside.values() for pin in found)
            self._lacking[python] = lacking(python, pins, self.admits, self.request.pythons)
        return self._lacking[python]

    def unsuited(self, python: str | None) -> Clash | None:
        """The clash with what is likely lacking for a Python, if anything is."""
        if (found := self.lacking(python)) is None:
            return None
        says, pythons = _pin(found[0]), having(found[0].spec, self.request.pythons, self.admits)
        facts = {**says.facts, "pythons": ", ".join(pythons)} if pythons else says.facts
        known, unknown = _HAVING[says.code]
        says = Notice(known if pythons else unknown, facts)
        return Clash("pinned", says, Notice("python", {"python": python}))

    @property
    def has_unsuited(self) -> bool:
        """Whether a Python was found unsuited."""
        return any(self._lacking.values())

    def _contradict(self, pin: str, spec: str, name: str) -> bool:
        return never_together(pin.rpartition("::")[2], spec, name, self.admits)

    def _of_variant(self, read: BuildFacts) -> Clash | None:
        """The clash with accelerator or Python, found once for each variant."""
        variant = (read.accelerator, read.cuda, read.python, read.free_threaded)
        if variant not in self._variants:
            self._variants[variant] = self._accelerator(read) or self._python(read)
        return self._variants[variant]

    def _accelerator(self, read: BuildFacts) -> Clash | None:
        if read.accelerator == "cuda" and not self.wants_cuda:
            code = "driver_unknown" if self.machine.foreign else "no_driver"
            says = Notice("cpu_asked" if self.request.cuda == "cpu" else code)
            needs = Notice("cuda", {"cuda": read.cuda}) if read.cuda else Notice("cuda_build")
            return Clash("cuda_build", says, needs)
        if read.accelerator == "cpu" and self.wants_cuda and not self.request.allow_cpu:
            says = Notice("cuda_asked", {"cuda": self.request.cuda})
            if self.request.cuda == "auto":
                known = self.machine.cuda or self.machine.gpus
                says = Notice("gpu_there" if known else "driver_there")
            return Clash("cpu_build", says, Notice("cpu_only"))
        return None

    def _python(self, read: BuildFacts) -> Clash | None:
        if read.python is None:
            return None
        needs = Notice("python", {"python": read.python})
        if self.machine.python and read.python != self.machine.python:
            facts = {"python": self.machine.python, "origin": self.machine.python_from}
            return Clash("python_mismatch", Notice("python_there", facts), needs)
        if read.free_threaded is False and read.python == self.machine.free_threaded:
            says = Notice("free_threaded_there", {"origin": self.machine.python_from})
            return Clash("python_mismatch", says, needs)
        for pin in self.pins.get("python", ()):
            if not admits_python(pin.spec, read.python, self.admits):
                return Clash("pinned", _pin(pin), needs)
        return None

    def system(self, read: BuildFacts) -> Clash | None:
        """The clash if the C library or macOS is too old for a build."""
        if _older(self.machine.glibc, read.glibc):
            says = Notice("glibc_there", {"version": self.machine.glibc})
            return Clash("glibc_too_old", says, Notice("glibc_from", {"version": read.glibc}))
        if _older(self.machine.osx, read.osx):
            says = Notice("macos_there", {"version": self.machine.osx})
            return Clash("macos_too_old", says, Notice("macos_from", {"version": read.osx}))
        return None

    def cuda(self, read: BuildFacts) -> str | None:
        """The CUDA that a build runs with: its own, or the later minor that is asked for."""
        asked = [(pin, name) for name in CUDA_NAMES for pin in self.pins.get(name, ())]
        later = (
            cuda
            for cuda in read.cudas
            if all(admits_cuda(pin.spec, name, cuda, self.admits) for pin, name in asked)
        )
        return next(later, read.cuda)

    def driver(self, cuda: str) -> Fit:
        """Judge whether the driver runs this CUDA: by itself, by minor-version compatibility if
        the request allows that, or not at all."""
        machine, needs = self.machine, Notice("cuda", {"cuda": cuda})
        if machine.cuda is None:
            gpus = ", ".join(gpu.name for gpu in machine.gpus)
            says = Notice("gpu_unusable", {"gpus": gpus}) if gpus else Notice("driver_unusable")
            if machine.cuda_from == "CONDA_OVERRIDE_CUDA":
                says = Notice(OVERRIDDEN)
            return Fit(False, Clash("driver_unusable", says, needs))
        built, driver = number(cuda), number(machine.cuda)
        # If only the driver's major is known, it is taken to run every minor of it.
        if built[: len(driver)] <= driver:
            return Fit(True)
        if built[0] != driver[0] or built[0] < self.tables.compat_since:
            says = Notice(_SAYS.get(machine.cuda_from, "driver_runs"), {"cuda": machine.cuda})
            return Fit(False, Clash("cuda_too_new", says, needs))
        floor = self.tables.driver_floor(cuda, machine.driver_os)
        if machine.driver and floor and number(machine.driver) < number(floor):
            says = Notice("driver", {"driver": machine.driver})
            needs = Notice("cuda_floor", {"cuda": cuda, "driver": floor})
            return Fit(False, Clash("driver_too_old", says, needs))
        if self.request.compat == "strict":
            says = Notice(
                "named_strict" if machine.cuda_from in _SAYS else "driver_strict",
                {"cuda": machine.cuda},
            )
            return Fit(False, Clash("minor_version_only", says, needs))
        return Fit(False)

    @property
    def others(self) -> list[Gpu]:
        """The GPUs of another capability than the one that decides."""
        arch, gpus = self.machine.cuda_arch, dict.fromkeys(self.machine.gpus)
        if arch not in [gpu.arch for gpu in gpus]:
            return []  # it is given in place of these
        return [gpu for gpu in gpus if gpu.arch != arch]

    def unserved(self, build: Build, read: BuildFacts) -> Iterator[tuple[Gpu, Clash]]:
        """Those of the other GPUs that cannot run a build's code.

        PTX counts: machines that share a plan are judged by the oldest of their drivers, and each
        has its own.
        """
        for gpu in self.others:
            if clash := self._arch(build, read, gpu.arch, ptx=True):
                yield gpu, clash

    def _arch(self, build: Build, read: BuildFacts, arch: str | None, *, ptx: bool) -> Clash | None:
        """The clash if a GPU cannot run the build's code; PTX counts only with `ptx`."""
        cuda = read.cuda
        if arch is None or cuda is None:
            return None
        says = Notice("gpu_arch", {"arch": arch})
        carried = self.tables.architectures(
            build.version, cuda, build.subdir, build=read.number, variant=read.arm
        )
        if carried is None:
            # This build's code is not on record; fall back to what is known of its release.
            bound = self.tables.bound(build.version, cuda, arch)
            if bound is None and arch in self.tables.integrated and read.arm != "tegra":
                bound = Notice("code_unknown")  # no other device's code would do
            return Clash("arch_missing", says, bound) if bound else None
        if runs_on(arch, carried, ptx_since=self.tables.ptx_since if ptx else None):
            return None
        needs = Notice("code_for", {"architectures": ", ".join(carried)})
        return Clash("arch_missing", says, needs)


def _pin(pin: Pin) -> Notice:
    if not pin.source:
        return Notice("spec", {"spec": pin.text})
    return Notice("pin", {"spec": pin.text, "source": pin.source})


def _older(there: str | None, needed: str | None) -> bool:
    """Whether a system's version is known and too low."""
    return bool(there and needed and number(there) < number(needed))
