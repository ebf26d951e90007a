"""What this computer and the target environment are: `models.Machine`, and how each fact is known.

The only place that reads conda's context, its detection of `__cuda` and a prefix for this purpose.
Nothing here raises: a fact that cannot be had is left out and said in the evidence. The driver is
asked in at most one process beyond conda's own, and in none where nothing hints at a driver.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from . import nvidia
from .models import Gpu, Installed, Machine, Notice, Pin

T = TypeVar("T")

#: Packages of an environment that bear on the choice.
FAMILY = (
    "pytorch",
    "torchvision",
    "torchaudio",
    "torchtext",
    "pytorch-cuda",
    "cudatoolkit",
    "cuda-version",
    "cpuonly",
    "pytorch-mutex",
    "torchtriton",
    "mkl",
    "numpy",
    "python",
)
#: Distributions that pip may have put there.
PIP_FAMILY = ("torch", "torchvision", "torchaudio")

#: What each code of the evidence says, in English.
TEXT = {
    "cuda_from_libcuda": "The driver runs CUDA {cuda} (conda's own detection).",
    "cuda_overridden": "CUDA {cuda} is set by {variable}; this machine's driver is not asked.",
    "cuda_hidden": "{variable} is empty, which hides this machine's driver.",
    "cuda_unusable": "{variable} is {value!r}, which is no CUDA version such as 12.4.",
    "cuda_given": "CUDA {cuda} is given with --cuda; this machine's driver is not asked.",
    "cuda_not_asked": "A CPU build is asked for; this machine's driver is not asked.",
    "cuda_foreign": "The target is {subdir}, this machine is {native}: its driver does not count. "
    "--cuda or CONDA_OVERRIDE_CUDA says which CUDA the target has.",
    "cuda_not_detected": "conda found no NVIDIA driver.",
    "arch_overridden": "Compute capability {arch} is set by {variable}.",
    "arch_hidden": "{variable} is empty, which hides the compute capability.",
    "arch_unusable": "{variable} is {value!r}, which is no compute capability such as 8.6; "
    "it is ignored.",
    "arch_unknown": "The GPU's compute capability is not known, so no build is turned down "
    "because of it.",
    "gpus_listed": "{source} lists: {gpus}.",
    "driver_without_gpu": "There is an NVIDIA driver, but no GPU in this machine, as on a login "
    "node of a cluster. For a node that has one, say which CUDA its driver runs with --cuda.",
    "gpus_hidden": "CUDA_VISIBLE_DEVICES={value!r} hides every GPU; the choice is made as if it "
    "were not set.",
    "gpu_left_out": "CUDA_VISIBLE_DEVICES={value!r} leaves out {gpu}.",
    "gpu_lowest": "The GPUs differ; {gpu} has the lowest compute capability, and decides.",
    "gpu_sliced": "{gpu} is divided by MIG; a slice has the capability of the whole.",
    "driver_version": "The driver is {driver}.",
    "driver_library_missing": "The driver's library ({library}) cannot be loaded: {tried}",
    "driver_error": "{library}: {call} answered {error_code} ({error}).",
    "driver_mismatch": "The driver in the kernel and its library have different versions, as "
    "after an update without a restart. Restart this machine.",
    "driver_hangs": "The driver did not answer within {seconds:g} seconds.",
    "probe_died": "The process that asks the driver ended with code {exit_code}.",
    "smi_missing": "There is no nvidia-smi either.",
    "smi_hangs": "{program} did not answer within {seconds:g} seconds.",
    "smi_unreadable": "{program} ended with code {exit_code} and said nothing usable: {text!r}",
    "wsl": "This is WSL 2: the driver is the one of Windows, and Windows' minimum versions hold.",
    "jetson": "This is a Jetson ({model}): its GPU needs NVIDIA's own builds of PyTorch; those "
    "of conda channels are for servers.",
    "container_without_driver": "The host has an NVIDIA driver, but this container does not see "
    "it. Start it with GPU support (`--gpus all` with Docker).",
    "gpu_without_driver": "There is an NVIDIA device on the PCI bus ({device}), but no driver "
    "for it. Install NVIDIA's driver, or pass --cuda for the version you will install.",
    "rosetta": "conda runs under Rosetta on an Apple Silicon Mac: PyTorch for osx-64 ends with "
    "2.2.2 and has no GPU support. Use a conda for osx-arm64.",
    "glibc": "glibc is {version} ({source}).",
    "macos": "macOS is {version} ({source}).",
    "python_from_prefix": "Python {python} is in the environment.",
    "python_given": "Python {python} is given with --python.",
    "python_newest": "The environment has no Python yet; the newest that fits is taken.",
    "fact_unknown": "{fact} could not be read: {error}",
}


@dataclass(frozen=True)
class Survey:
    """The machine, and the evidence for it: what was found, from where, what was tried.

    `driver_os` is the system whose driver versions count: "windows" also inside WSL 2.
    """

    machine: Machine
    evidence: tuple[Notice, ...] = ()
    driver_os: str = "linux"


def inspect(
    *,
    subdir: str,
    prefix: str | None,
    cuda: str = "auto",
    python: str | None = None,
    probe_gpus: bool = True,
) -> Machine:
    """Return the facts for a target platform and environment. Never raises."""
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
) -> Survey:
    """Return the same facts with their evidence. Never raises.

    `cuda` is "auto", "cpu" or a version; `probe_gpus=False` keeps the driver from being asked
    for its devices.
    """
    evidence: list[Notice] = []
    native = _fact("platform", native_subdir, subdir, evidence)
    at_home = subdir == native
    value, origin = _cuda(cuda, at_home, subdir, native, evidence)
    machine = Machine(subdir=subdir, cuda=value, cuda_from=origin)

    if at_home and cuda != "cpu" and probe_gpus:
        machine = _fact("gpus", lambda: _with_gpus(machine, evidence), machine, evidence)
    arch = _fact("arch", lambda: _arch_override(evidence), None, evidence)
    if arch is not None:
        machine = replace(machine, cuda_arch=arch or None)
    if machine.cuda is None:
        machine = replace(machine, cuda_arch=None)
    elif machine.cuda_arch is None and cuda != "cpu":
        evidence.append(Notice("arch_unknown"))
    if at_home:
        evidence += _fact("system", lambda: list(_system(subdir)), [], evidence)

    machine = _with_environment(machine, prefix, python, evidence)
    windows = subdir.startswith("win-") or any(notice.code == "wsl" for notice in evidence)
    return Survey(machine, tuple(evidence), "windows" if windows else "linux")


def _fact(what: str, find: Callable[[], T], default: T, evidence: list[Notice]) -> T:
    try:
        return find()
    except Exception as error:
        evidence.append(
            Notice("fact_unknown", {"fact": what, "error": f"{type(error).__name__}: {error}"})
        )
        return default


def native_subdir() -> str:
    """Return the platform that this conda itself runs on, whatever `CONDA_SUBDIR` says."""
    from conda.base.context import context

    return str(context._native_subdir())


def _override(name: str) -> tuple[str | None, str]:
    """Return the text that replaces virtual package `name`, and what set it; conda's own order."""
    variable = f"CONDA_OVERRIDE_{name.upper()}"
    if variable in os.environ:
        return os.environ[variable].strip(), variable
    from conda.base.context import context

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
    unset: tuple[str | None, str] = (None, "")
    text, variable = _fact("cuda", lambda: _override("cuda"), unset, evidence)
    if text == "":
        evidence.append(Notice("cuda_hidden", {"variable": variable}))
        return None, "CONDA_OVERRIDE_CUDA"
    if text is not None:
        if given := cuda_version(text):
            evidence.append(Notice("cuda_overridden", {"cuda": given, "variable": variable}))
            return given, "CONDA_OVERRIDE_CUDA"
        # conda hands it to its solver as it stands, so asking the driver would not help.
        evidence.append(Notice("cuda_unusable", {"variable": variable, "value": text}))
        return None, "CONDA_OVERRIDE_CUDA"
    if not at_home:
        if not subdir.startswith("osx-"):
            evidence.append(Notice("cuda_foreign", {"subdir": subdir, "native": native}))
        return None, "none"
    found = _fact("cuda", _detected_cuda, None, evidence)
    if found is None:
        if not subdir.startswith("osx-"):
            evidence.append(Notice("cuda_not_detected"))
        return None, "none"
    evidence.append(Notice("cuda_from_libcuda", {"cuda": found}))
    return found, "libcuda"


def cuda_version(text: str) -> str | None:
    """Read "12.4", "12.4.1", "12" or "cu124" as major.minor; None for anything else."""
    text = text.strip()
    if found := re.fullmatch(r"cu(\d{2})(\d)", text):
        return f"{found[1]}.{found[2]}"
    found = re.fullmatch(r"(\d{1,3})(?:\.(\d{1,2})(?:\.\d+)*)?", text)
    return f"{int(found[1])}.{int(found[2] or 0)}" if found else None


def _detected_cuda() -> str | None:
    # Neither the plugin manager nor a second detection: the first would recurse when this runs
    # inside a virtual package hook, the second costs a process.
    from conda.plugins.virtual_packages.cuda import cached_cuda_version

    value = cached_cuda_version()
    return cuda_version(value) if isinstance(value, str) else None


@functools.cache
def _probe() -> nvidia.Probe:
    return nvidia.probe()


def _with_gpus(machine: Machine, evidence: list[Notice]) -> Machine:
    signs = nvidia.signs()
    if machine.cuda_from != "libcuda" and not signs:
        evidence += _no_driver_here(signs)
        return machine
    found = _probe()
    for code, facts in found.notes:
        evidence.append(Notice(code, facts))
        if facts.get("error") in (
            "NVML_ERROR_LIB_RM_VERSION_MISMATCH",
            "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
        ):
            evidence.append(Notice("driver_mismatch"))
    if found.driver:
        evidence.append(Notice("driver_version", {"driver": found.driver}))
    if machine.cuda is None:
        evidence += _no_driver_here(signs)
    chosen = _chosen(found, evidence)
    no_device = any(facts.get("error") == "CUDA_ERROR_NO_DEVICE" for _, facts in found.notes)
    if not chosen and (no_device or found.source):
        evidence.append(Notice("driver_without_gpu"))
    return replace(
        machine,
        driver=found.driver,
        gpus=tuple(Gpu(device.name, device.arch) for device in chosen),
        cuda_arch=nvidia.lowest(chosen),
    )


def _label(device: nvidia.Device) -> str:
    return f"{device.name} ({device.arch})" if device.arch else device.name


def _chosen(found: nvidia.Probe, evidence: list[Notice]) -> tuple[nvidia.Device, ...]:
    """Return the devices that decide, and say which do not."""
    if found.source is None:
        return ()
    if not found.devices:
        return ()
    names = ", ".join(_label(device) for device in found.devices)
    evidence.append(Notice("gpus_listed", {"source": found.source, "gpus": names}))
    for device in found.devices:
        if device.mig:
            evidence.append(Notice("gpu_sliced", {"gpu": _label(device)}))
    value = os.environ.get("CUDA_VISIBLE_DEVICES")
    chosen = found.visible
    if not chosen:
        # conda's detection of __cuda does not heed it either, and the environment outlives it.
        evidence.append(Notice("gpus_hidden", {"value": value}))
        chosen = found.devices
    shown = {device.uuid or device for device in chosen}
    for device in found.devices:
        if (device.uuid or device) not in shown:
            facts = {"value": value, "gpu": _label(device)}
            evidence.append(Notice("gpu_left_out", facts))
    least = nvidia.lowest(chosen)
    if len({device.arch for device in chosen}) > 1:
        weakest = next(device for device in chosen if device.arch == least)
        evidence.append(Notice("gpu_lowest", {"gpu": _label(weakest)}))
    return chosen


def _no_driver_here(signs: Iterable[str]) -> Iterator[Notice]:
    """Say why there may be a GPU and yet no usable driver."""
    kernel = not {*nvidia.NODES[:2]}.isdisjoint(signs)
    if kernel and "/dev/nvidiactl" not in signs and _in_container():
        yield Notice("container_without_driver")
    elif not kernel and (device := _pci_device()):
        yield Notice("gpu_without_driver", {"device": device})


def _in_container() -> bool:
    marks = ("/.dockerenv", "/run/.containerenv")
    return "container" in os.environ or any(map(nvidia.on_system, marks))


def _pci_device() -> str | None:
    """Return the id of an NVIDIA display device: vendor 0x10de, class 0x03 in the PCI ID list."""
    for device in sorted(Path(f"{nvidia.ROOT}/sys/bus/pci/devices").glob("*")):
        try:
            if (device / "vendor").read_text().strip() != "0x10de":
                continue
            if (device / "class").read_text().startswith("0x03"):
                return (device / "device").read_text().strip()
        except OSError:
            continue
    return None


def _arch_override(evidence: list[Notice]) -> str | None:
    """Return the compute capability that is set, "" where it is hidden, None where neither."""
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
    `CUDA_VISIBLE_DEVICES` says; absent without `__cuda`. Costs the process that asks the driver,
    once, and only with a driver. Never raises.
    """
    evidence: list[Notice] = []
    override = _fact("arch", lambda: _arch_override(evidence), None, evidence)
    if override == "":
        return None
    native = _fact("platform", native_subdir, "", evidence)
    cuda, origin = _cuda("auto", True, native, native, evidence)
    if cuda is None or override:
        return override if cuda else None
    if origin != "libcuda" and not nvidia.signs():
        return None
    return _fact("gpus", lambda: _probe().arch, None, evidence)


def _system(subdir: str) -> Iterator[Notice]:
    if subdir.startswith("linux-"):
        if (version := os.environ.get("CONDA_OVERRIDE_GLIBC")) is not None:
            yield Notice("glibc", {"version": version, "source": "CONDA_OVERRIDE_GLIBC"})
        elif library := os.confstr("CS_GNU_LIBC_VERSION"):
            version = library.removeprefix("glibc ")
            yield Notice("glibc", {"version": version, "source": "confstr"})
        if nvidia.on_system("/dev/dxg") and not nvidia.on_system("/dev/nvidiactl"):
            yield Notice("wsl")
        if model := _jetson_model():
            yield Notice("jetson", {"model": model})
    elif subdir.startswith("osx-"):
        import platform

        version = os.environ.get("CONDA_OVERRIDE_OSX")
        source = "system" if version is None else "CONDA_OVERRIDE_OSX"
        yield Notice("macos", {"version": version or platform.mac_ver()[0], "source": source})
        if subdir == "osx-64" and _translated():
            yield Notice("rosetta")


def _jetson_model() -> str | None:
    file = Path(f"{nvidia.ROOT}/proc/device-tree/model")
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "Tegra" if nvidia.on_system("/etc/nv_tegra_release") else None
    model = text.strip("\0 \n")
    return model if re.search("Jetson|Tegra", model) else None


def _translated() -> bool:
    """Whether Rosetta runs this process, by Apple's documented `sysctl.proc_translated`."""
    import ctypes

    value, size = ctypes.c_int(0), ctypes.c_size_t(4)
    call = getattr(ctypes.CDLL(None), "sysctlbyname", None)
    if sys.platform != "darwin" or call is None:
        return False
    code = call(b"sysctl.proc_translated", ctypes.byref(value), ctypes.byref(size), None, 0)
    return code == 0 and value.value == 1


def _with_environment(
    machine: Machine, prefix: str | None, python: str | None, evidence: list[Notice]
) -> Machine:
    records: dict[str, Any] = {}
    if prefix and os.path.isdir(os.path.join(prefix, "conda-meta")):
        records = _fact("packages", lambda: _records(prefix), {}, evidence)
        if "python" in records:
            found = _major_minor(records["python"].version)
            machine = replace(machine, python=found, python_from="prefix")
        packages = [_installed(record) for record in records.values()]
        packages += _fact("pip", lambda: list(_pip(prefix, records)), [], evidence)
        machine = replace(machine, installed=tuple(packages))
    if python and (given := _major_minor(python)):
        machine = replace(machine, python=given, python_from="--python")
    code = {"prefix": "python_from_prefix", "--python": "python_given"}.get(machine.python_from)
    facts = {"python": machine.python} if code else {}
    evidence.append(Notice(code or "python_newest", facts))
    return replace(machine, pins=tuple(_fact("pins", lambda: list(_pins(prefix)), [], evidence)))


def _major_minor(version: str) -> str | None:
    found = re.match(r"\d+\.\d+", version.strip())
    return found.group() if found else None


def _records(prefix: str) -> dict[str, Any]:
    from conda.core.prefix_data import PrefixData

    data = PrefixData(prefix)
    found = ((name, data.get(name, None)) for name in FAMILY)
    return {name: record for name, record in found if record is not None}


def _installed(record: Any) -> Installed:
    channel = getattr(record.channel, "canonical_name", None) or str(record.channel or "")
    return Installed(record.name, record.version, record.build, channel)


def _pip(prefix: str, records: dict[str, Any]) -> Iterator[Installed]:
    """Yield what pip, uv and the like put into the environment itself.

    Conda packages carry the same metadata, without an INSTALLER or with "conda" in it.
    """
    if "python" not in records:
        return
    import importlib.metadata

    from conda.common.path import get_python_site_packages_short_path

    record = records["python"]
    short = getattr(record, "python_site_packages_path", None)
    short = short or get_python_site_packages_short_path(record.version)
    folder = os.path.join(prefix, short)
    owned = {
        path.replace("\\", "/")
        for name in ("pytorch", *PIP_FAMILY)
        for path in (getattr(records.get(name), "files", None) or ())
    }
    for name in PIP_FAMILY:
        for found in importlib.metadata.distributions(name=name, path=[folder]):
            installer = (found.read_text("INSTALLER") or "").strip()
            location = getattr(found, "_path", None)
            relative = f"{short}/{getattr(location, 'name', '')}/"
            by_conda = any(path.startswith(relative) for path in owned)
            if installer == "conda" or (not installer and by_conda):
                continue
            yield Installed(name, found.version, "", "pypi")


def _pins(prefix: str | None) -> Iterator[Pin]:
    """Yield what conda's solvers take as pins, in their order: settings, then the file."""
    from conda.base.context import context

    for spec in context.pinned_packages:
        yield Pin(str(spec), "pinned_packages")
    if not prefix:
        return
    file = Path(prefix, "conda-meta", "pinned")
    if not file.is_file():
        return
    for line in file.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        spec = line.strip()
        if spec and not spec.startswith("#"):
            yield Pin(spec, "conda-meta/pinned")
