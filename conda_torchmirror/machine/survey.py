"""Facts about this computer and the target environment, and the evidence for each.

The only reader of conda's detection of `__cuda` and of its overrides. Nothing here raises: a fact
that cannot be read is left out, and the evidence says so. The driver is asked in at most one
process beyond conda's own, and in none where nothing hints at a driver.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from conda.base.context import context

from ..models import Facts, Gpu, Machine, Notice
from ..selection.specs import cuda_version, number
from . import accelerators, nvidia, system
from .driver_calls import Device, lowest
from .environment import with_environment
from .evidence import DESCRIBED, KEPT, TYPED, guarded, with_remarks

#: Errors of a driver that finds no device: the machine is then treated as one without a GPU.
_NOTHING_THERE = frozenset(
    (
        *("CUDA_ERROR_NO_DEVICE", "CUDA_ERROR_STUB_LIBRARY"),
        *("NVML_ERROR_DRIVER_NOT_LOADED", "NVML_ERROR_GPU_NOT_FOUND"),
    )
)
#: Errors of a driver whose parts have different versions, as between an update and a restart.
_MIXED = frozenset(("NVML_ERROR_LIB_RM_VERSION_MISMATCH", "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"))


class Survey(NamedTuple):
    """The machine, and the evidence for its facts: what was found where, and what failed."""

    machine: Machine
    evidence: tuple[Notice, ...] = ()


def inspect(
    *,
    subdir: str,
    prefix: str | None,
    cuda: str = "auto",
    python: str | None = None,
    probe_gpus: bool = True,
) -> Machine:
    """Return the machine that `survey` finds, without the evidence. Never raises."""
    return survey(
        subdir=subdir, prefix=prefix, cuda=cuda, python=python, probe_gpus=probe_gpus
    ).machine


def survey(
    *,
    subdir: str,
    prefix: str | None,
    cuda: str = "auto",
    python: str | None = None,
    probe_gpus: bool = True,
    facts: Facts | None = None,
) -> Survey:
    """Return the facts for a target platform and environment, with their evidence. Never raises.

    `cuda` is "auto", "cpu" or a version; `probe_gpus=False` does not ask the driver for its
    devices. `facts` are those of another machine, to use in place of this one's.
    """
    if facts is not None:
        return _described(facts, subdir=subdir, prefix=prefix, cuda=cuda, python=python)
    evidence: list[Notice] = []
    native = guarded("platform", native_subdir, subdir, evidence)
    at_home = subdir == native
    value, origin = _cuda(cuda, at_home, subdir, native, evidence)
    machine = Machine(subdir=subdir, cuda=value, cuda_from=origin, foreign=not at_home)

    # A user who hides the driver wants it ignored; listing its devices would contradict that.
    hidden = any(notice.code == "cuda_hidden" for notice in evidence)
    if at_home and cuda != "cpu" and probe_gpus and not hidden:
        machine = guarded("gpus", lambda: _with_gpus(machine, evidence), machine, evidence)
        if not machine.has_gpu and subdir.startswith("linux-"):
            evidence += guarded("gpus", lambda: list(accelerators.notices()), [], evidence)
    arch = guarded("arch", lambda: _arch_override(evidence), None, evidence)
    if arch is not None:
        machine = machine._replace(cuda_arch=arch or None)
    if machine.cuda is None:
        machine = machine._replace(cuda_arch=None)
    elif machine.cuda_arch is None and cuda != "cpu":
        evidence.append(Notice("arch_unknown"))
    of_system = system.notices if at_home else system.overrides
    evidence += guarded("system", lambda: list(of_system(subdir)), [], evidence)
    machine = machine._replace(
        wsl=any(notice.code == "wsl" for notice in evidence),
        glibc=_version("glibc", evidence),
        osx=_version("macos", evidence),
    )

    machine = with_environment(machine, prefix, python, evidence)
    return Survey(with_remarks(machine, evidence), tuple(evidence))


def _described(
    facts: Facts, *, subdir: str, prefix: str | None, cuda: str, python: str | None
) -> Survey:
    """Return the machine that facts describe; options of the command line override them."""
    on, evidence = facts.machine, []
    remarks = [Notice(DESCRIBED, {"file": facts.file})]

    def typed(option: str, value: str, instead: str | None) -> None:
        if instead is not None and instead != value:
            words = {"option": f"{option} {value}", "value": instead, "file": facts.file}
            remarks.append(Notice(TYPED, words))

    if subdir != on.subdir:
        typed("--platform", subdir, on.subdir)
        on = on._replace(subdir=subdir, foreign=True, glibc=None, osx=None, wsl=False)
        if subdir.startswith("osx-"):
            on = on._replace(cuda=None, cuda_from="none", driver=None, cuda_arch=None, gpus=())
    if cuda == "cpu":
        typed("--cuda", cuda, on.cuda)
        evidence.append(Notice("cuda_not_asked"))
        on = on._replace(cuda=None, cuda_from="none", driver=None, cuda_arch=None, gpus=())
        on = on._replace(failing=False)
    elif given := cuda_version(cuda):
        typed("--cuda", given, on.cuda)
        evidence.append(Notice("cuda_given", {"cuda": given}))
        # `--cuda` stands for another driver on the same GPUs.
        arch = on.cuda_arch or min((g.arch for g in on.gpus if g.arch), key=number, default=None)
        on = on._replace(cuda=given, cuda_from="--cuda", driver=None, cuda_arch=arch)
        on = on._replace(failing=False)
    elif on.cuda:
        evidence.append(Notice("cuda_described", {"cuda": on.cuda, "file": facts.file}))
    if on.cuda and on.cuda_arch is None:
        evidence.append(Notice("arch_unknown"))
    if python:
        typed("--python", python, on.python)
    of_system = {"glibc": on.glibc, "macos": on.osx}
    for code, version in of_system.items():
        if version:
            evidence.append(Notice(code, {"version": version, "source": facts.file}))
    kept, described = on.remarks, on.python
    on = with_environment(on, prefix, python, evidence)
    if described and on.python_from == "prefix" and on.python != described:
        words = {"python": on.python, "prefix": prefix, "value": described, "file": facts.file}
        remarks.append(Notice(KEPT, words))
    on = with_remarks(on, evidence)
    told = (*remarks, *kept, *(one for one in on.remarks if one not in kept))
    return Survey(on._replace(remarks=told), tuple(evidence))


def overrides(machine: Machine) -> dict[str, str]:
    """Return the CONDA_OVERRIDE_* variables that show conda's solver a machine's facts."""
    found = {"CONDA_OVERRIDE_CUDA": machine.cuda or ""}
    found["CONDA_OVERRIDE_CUDA_ARCH"] = machine.cuda_arch or ""
    if machine.glibc and machine.subdir.startswith("linux-"):
        found["CONDA_OVERRIDE_GLIBC"] = machine.glibc
    if machine.osx and machine.subdir.startswith("osx-"):
        found["CONDA_OVERRIDE_OSX"] = machine.osx
    return found


def _version(code: str, evidence: Iterable[Notice]) -> str | None:
    """The dotted version in the first such notice that has one, or None."""
    found = (
        re.match(r"\d{1,9}(?:\.\d{1,9})*", str(n.facts["version"]))
        for n in evidence
        if n.code == code
    )
    return next((match[0] for match in found if match), None)


def native_subdir() -> str:
    """Return the platform that this conda itself runs on, whatever `CONDA_SUBDIR` says."""
    return str(context._native_subdir())


def _override(name: str) -> tuple[str | None, str]:
    """Return the override of virtual package `name`, or None, and the variable or setting that sets
    it: the variable takes precedence, as in conda."""
    variable = f"CONDA_OVERRIDE_{name.upper()}"
    if variable in os.environ:
        return os.environ[variable].strip(), variable
    table = getattr(context, "override_virtual_packages", None) or {}
    value = table.get(name)
    return (None if value is None else str(value).strip()), f"override_virtual_packages.{name}"


def _cuda(
    asked: str, at_home: bool, subdir: str, native: str, evidence: list[Notice]
) -> tuple[str | None, str]:
    if asked == "cpu":
        evidence.append(Notice("cuda_not_asked"))
        return None, "none"
    if asked != "auto":
        if given := cuda_version(asked):
            evidence.append(Notice("cuda_given", {"cuda": given}))
            return given, "--cuda"
        evidence.append(Notice("cuda_unusable", {"variable": "--cuda", "value": asked}))
    if subdir.startswith("osx-"):
        return None, "none"  # No Mac runs CUDA, whatever else is set.
    unset: tuple[str | None, str] = (None, "")
    text, variable = guarded("cuda", lambda: _override("cuda"), unset, evidence)
    if text == "":
        evidence.append(Notice("cuda_hidden", {"variable": variable}))
        return None, "CONDA_OVERRIDE_CUDA"
    if text is not None:
        if given := cuda_version(text):
            evidence.append(Notice("cuda_overridden", {"cuda": given, "variable": variable}))
            return given, "CONDA_OVERRIDE_CUDA"
        # Conda passes the value to its solver unchanged, so asking the driver would not help.
        evidence.append(Notice("cuda_unusable", {"variable": variable, "value": text}))
        return None, "CONDA_OVERRIDE_CUDA"
    if not at_home:
        evidence.append(Notice("cuda_foreign", {"subdir": subdir, "native": native}))
        return None, "none"
    found = guarded("cuda", _detected_cuda, None, evidence)
    if found is None:
        evidence.append(Notice("cuda_not_detected"))
        return None, "none"
    evidence.append(Notice("cuda_from_libcuda", {"cuda": found}))
    return found, "libcuda"


def _detected_cuda() -> str | None:
    """Return the version that conda detects. Starts conda's process only if a driver may exist."""
    # Conda's cached function, not the plugin manager, which would recurse when this runs inside a
    # virtual package hook, and not a second detection, which costs a process. Imported here, so
    # that a conda without it leaves out one fact and not all.
    from conda.plugins.virtual_packages.cuda import cached_cuda_version

    if not cached_cuda_version.cache_info().currsize and not nvidia.has_library():
        return None
    value = cached_cuda_version()
    return cuda_version(value) if isinstance(value, str) else None


@functools.cache
def _probe(why: bool) -> nvidia.DriverReport:
    return nvidia.probe(why=why)


def has_device(machine: Machine) -> bool:
    """Whether this computer itself should run a CUDA build, whatever `--cuda` or an override says.

    Conda's detection cannot tell after a hand-over: 24.7 caches the override that was in force when
    it was first called. Never raises.
    """
    if machine.cuda_from == "libcuda" or machine.gpus or machine.failing:
        return True
    told = machine.cuda_from == "--cuda" and bool(nvidia.signs())
    return told and guarded("gpus", lambda: bool(_probe(False).devices), False, [])


def _with_gpus(machine: Machine, evidence: list[Notice]) -> Machine:
    signs = nvidia.signs()
    if machine.cuda_from != "libcuda" and not signs:
        evidence += system.no_driver(signs)
        return machine
    found = _probe(machine.cuda is None)
    evidence += [Notice(code, facts) for code, facts in found.notes]
    errors = {str(facts["error"]) for code, facts in found.notes if code == "driver_error"}
    causes = list(system.causes(errors)) if machine.cuda is None else []
    evidence += causes
    if errors & _MIXED and not causes:
        evidence.append(Notice("driver_mismatch"))
    if found.driver:
        evidence.append(Notice("driver_version", {"driver": found.driver}))
    outside: list[Notice] = []
    if machine.cuda is None:
        outside = list(system.no_driver(signs))
        evidence += outside
    chosen = _chosen(found, evidence)
    none_listed = not chosen and ("CUDA_ERROR_NO_DEVICE" in errors or found.source)
    if none_listed and not causes and not outside:
        evidence.append(Notice("driver_without_gpu"))
    codes = {code for code, _ in found.notes}
    # The device file of a GPU that this account or this library keeps from being used.
    there = bool(causes or "driver_library_missing" in codes) and system.has_device_file()
    refused = "driver_hangs" in codes or bool(errors)
    return machine._replace(
        driver=found.driver,
        gpus=tuple(Gpu(device.name, device.arch) for device in chosen),
        cuda_arch=lowest(chosen),
        failing=(
            machine.cuda_from == "none"
            and not outside
            and (there or (refused and not errors & _NOTHING_THERE))
        ),
    )


def _label(device: Device) -> str:
    return f"{device.name} ({device.arch})" if device.arch else device.name


def _chosen(found: nvidia.DriverReport, evidence: list[Notice]) -> Sequence[Device]:
    """Return the devices to choose for; the others are only noted in the evidence."""
    if found.source is None or not found.devices:
        return ()
    names = ", ".join(_label(device) for device in found.devices)
    evidence.append(Notice("gpus_listed", {"source": found.source, "gpus": names}))
    for device in found.devices:
        if device.mig:
            evidence.append(Notice("gpu_sliced", {"gpu": _label(device)}))
    value = os.environ.get("CUDA_VISIBLE_DEVICES")
    chosen = found.visible
    if not chosen:
        # Choose for all devices: conda's detection of `__cuda` ignores the variable as well, and
        # the environment will be used without it.
        evidence.append(Notice("gpus_hidden", {"value": value}))
        chosen = found.devices
    shown = {device.uuid or device for device in chosen}
    for device in found.devices:
        if (device.uuid or device) not in shown:
            facts = {"value": value, "gpu": _label(device)}
            evidence.append(Notice("gpu_left_out", facts))
    least = lowest(chosen)
    if len({device.arch for device in chosen}) > 1:
        weakest = next(device for device in chosen if device.arch == least)
        others = ", ".join(_label(device) for device in chosen if device.arch != least)
        evidence.append(Notice("gpu_lowest", {"gpu": _label(weakest), "others": others}))
    return chosen


def _arch_override(evidence: list[Notice]) -> str | None:
    """Return the overriding compute capability: "" hides the GPUs, None is no override."""
    text, variable = _override("cuda_arch")
    if text is None:
        return None
    if text == "":
        evidence.append(Notice("arch_hidden", {"variable": variable}))
        return ""
    arch = text.partition("=")[0].strip()
    if not re.fullmatch(r"\d{1,2}\.\d{1,2}", arch):
        evidence.append(Notice("arch_unusable", {"variable": variable, "value": text}))
        return None
    evidence.append(Notice("arch_overridden", {"arch": arch, "variable": variable}))
    return arch


def cuda_arch() -> str | None:
    """Return the version of `__cuda_arch` as CEP 46 defines it, or None where it is absent.

    The lowest compute capability of all devices of this computer, whatever
    `CUDA_VISIBLE_DEVICES` says; absent without `__cuda`. Only where there is a driver, the first
    call starts the process that asks it. Never raises.
    """
    evidence: list[Notice] = []
    override = guarded("arch", lambda: _arch_override(evidence), None, evidence)
    if override == "":
        return None
    native = guarded("platform", native_subdir, "", evidence)
    cuda, origin = _cuda("auto", True, native, native, evidence)
    if cuda is None or override:
        return override if cuda else None
    if origin != "libcuda" and not nvidia.signs():
        return None
    return guarded("gpus", lambda: _probe(False).arch, None, evidence)
