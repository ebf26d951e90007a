"""The operating system: libc, macOS, WSL 2, Jetson, containers, and GPUs without a driver.

Reads files and asks the C library; starts no process.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from conda.base.context import context

from ..models import Notice
from . import driver_calls, nvidia

#: Errors of a library that is not the one of the driver in the kernel: a CUDA toolkit's stub, or
#: that of its folder `compat`.
_OTHER_LIBRARY = frozenset(
    (
        *("CUDA_ERROR_STUB_LIBRARY", "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"),
        *("CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE", "NVML_ERROR_LIB_RM_VERSION_MISMATCH"),
    )
)


def overrides(subdir: str) -> Iterator[Notice]:
    """Yield the version of glibc or macOS that conda's CONDA_OVERRIDE_* variables set, if any."""
    for family, code, variable in (
        ("linux-", "glibc", "CONDA_OVERRIDE_GLIBC"),
        ("osx-", "macos", "CONDA_OVERRIDE_OSX"),
    ):
        version = os.environ.get(variable)
        if subdir.startswith(family) and version is not None:
            yield Notice(code, {"version": version, "source": variable})


def notices(subdir: str) -> Iterator[Notice]:
    """Yield the facts of this system that the choice depends on. Raises OSError, ValueError."""
    given = list(overrides(subdir))
    yield from given
    if subdir.startswith("linux-"):
        if not given and (library := os.confstr("CS_GNU_LIBC_VERSION")):
            version = library.removeprefix("glibc ")
            yield Notice("glibc", {"version": version, "source": "confstr"})
        if nvidia.on_system("/dev/dxg") and not nvidia.on_system("/dev/nvidiactl"):
            yield Notice("wsl")
        if model := _jetson_model():
            yield Notice("jetson", {"model": model})
    elif subdir.startswith("osx-"):
        if not given:
            # Conda's, which its solver holds builds against: Python's own function says 10.16 for
            # any later macOS where Python was built for an earlier one.
            version = context.os_distribution_name_version[1]
            yield Notice("macos", {"version": version, "source": "system"})
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


def no_driver(signs: Iterable[str]) -> Iterator[Notice]:
    """Yield why there may be a GPU without a usable driver. `signs` come from `nvidia.signs`."""
    kernel = not {*nvidia.NODES[:2]}.isdisjoint(signs)
    if kernel and "/dev/nvidiactl" not in signs and _in_container():
        yield Notice("container_without_driver")
    elif not kernel and (device := _pci_device()):
        yield Notice("gpu_without_driver", {"device": device})


def has_device_file() -> bool:
    """Whether Linux has the device file of an NVIDIA GPU, as `/dev/nvidia0`."""
    return any(re.fullmatch(r"nvidia\d+", path.name) for path in _device_files())


def causes(errors: Collection[str]) -> Iterator[Notice]:
    """Yield why the driver refuses, where this system shows it. `errors` are names of its errors.

    Each was seen on a real driver (580.159.04), with what is looked for here taken away.
    """
    if not sys.platform.startswith("linux"):
        return
    shut = [str(path) for path in _device_files() if not os.access(path, os.R_OK | os.W_OK)]
    if shut and errors:
        yield Notice("gpu_denied", {"files": ", ".join(shut)})
    elif "CUDA_ERROR_UNKNOWN" in errors and nvidia.on_system("/dev/nvidiactl"):
        if not nvidia.on_system("/dev/nvidia-uvm"):
            yield Notice("uvm_missing")
    elif "CUDA_ERROR_OUT_OF_MEMORY" in errors:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            yield Notice("memory_limited", {"limit": limit // 1024})
    elif _OTHER_LIBRARY & set(errors) and (folder := _shadowing()):
        yield Notice("driver_shadowed", {"folder": folder})


def _device_files() -> list[Path]:
    files = Path(f"{nvidia.ROOT}/dev").glob("nvidia*")
    return sorted(path for path in files if re.fullmatch(r"nvidia(\d+|ctl|-uvm)", path.name))


def _shadowing() -> str | None:
    """The first folder of LD_LIBRARY_PATH with a libcuda, unless it is one of a driver."""
    for folder in filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":")):
        if os.path.exists(os.path.join(folder, "libcuda.so.1")):
            own = os.path.realpath(folder) in map(os.path.realpath, driver_calls.LIBRARY_DIRS)
            return None if own else folder
    return None


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
