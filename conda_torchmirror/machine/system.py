"""The operating system: libc, macOS, WSL 2, Jetson, containers, and GPUs without a driver.

Reads files and asks the C library; starts no process.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..models import Notice
from . import nvidia


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
            import platform

            yield Notice("macos", {"version": platform.mac_ver()[0], "source": "system"})
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
