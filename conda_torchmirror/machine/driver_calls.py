"""The calls into the NVIDIA driver, in a process of their own: a driver call can hang for good.

`nvidia` runs this file as a script, in an interpreter without site packages, and reads the lines
of JSON that it prints. NVML is asked first, since it needs no context and ignores
`CUDA_VISIBLE_DEVICES`; then libcuda, which containers and Jetsons without NVML have. `nvidia` also
imports it as a module, for `Device` and the functions on devices. Standard library only.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Names of `nvmlReturn_t`, from nvml.h of CUDA 12.8 (2025-01).
NVML_ERRORS = {
    1: "NVML_ERROR_UNINITIALIZED",
    2: "NVML_ERROR_INVALID_ARGUMENT",
    3: "NVML_ERROR_NOT_SUPPORTED",
    4: "NVML_ERROR_NO_PERMISSION",
    6: "NVML_ERROR_NOT_FOUND",
    7: "NVML_ERROR_INSUFFICIENT_SIZE",
    8: "NVML_ERROR_INSUFFICIENT_POWER",
    9: "NVML_ERROR_DRIVER_NOT_LOADED",
    10: "NVML_ERROR_TIMEOUT",
    11: "NVML_ERROR_IRQ_ISSUE",
    12: "NVML_ERROR_LIBRARY_NOT_FOUND",
    13: "NVML_ERROR_FUNCTION_NOT_FOUND",
    14: "NVML_ERROR_CORRUPTED_INFOROM",
    15: "NVML_ERROR_GPU_IS_LOST",
    16: "NVML_ERROR_RESET_REQUIRED",
    17: "NVML_ERROR_OPERATING_SYSTEM",
    18: "NVML_ERROR_LIB_RM_VERSION_MISMATCH",
    19: "NVML_ERROR_IN_USE",
    20: "NVML_ERROR_MEMORY",
    23: "NVML_ERROR_INSUFFICIENT_RESOURCES",
    28: "NVML_ERROR_GPU_NOT_FOUND",
    999: "NVML_ERROR_UNKNOWN",
}

#: Names of the `CUresult` of `cuInit` and device queries, from cuda.h of CUDA 12.8 (2025-01).
CUDA_ERRORS = {
    1: "CUDA_ERROR_INVALID_VALUE",
    2: "CUDA_ERROR_OUT_OF_MEMORY",
    3: "CUDA_ERROR_NOT_INITIALIZED",
    4: "CUDA_ERROR_DEINITIALIZED",
    34: "CUDA_ERROR_STUB_LIBRARY",
    46: "CUDA_ERROR_DEVICE_UNAVAILABLE",
    100: "CUDA_ERROR_NO_DEVICE",
    101: "CUDA_ERROR_INVALID_DEVICE",
    304: "CUDA_ERROR_OPERATING_SYSTEM",
    800: "CUDA_ERROR_NOT_PERMITTED",
    801: "CUDA_ERROR_NOT_SUPPORTED",
    802: "CUDA_ERROR_SYSTEM_NOT_READY",
    803: "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
    804: "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE",
    999: "CUDA_ERROR_UNKNOWN",
}

#: `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR` and `_MINOR`, from cuda.h.
_CC_MAJOR, _CC_MINOR = 75, 76
#: A number in `CUDA_VISIBLE_DEVICES` as the driver reads it; what follows does not count.
_INDEX = re.compile(r"([+-]?)0*([0-9]+)")
#: Digits of a number that are read: with so many, and no zero before them, it is no device's.
_DIGITS = 10
#: Folders of driver libraries on Linux, in addition to those that the loader searches.
LIBRARY_DIRS = (
    "/usr/lib64",
    "/usr/lib64/nvidia",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu/nvidia",
    "/usr/lib/aarch64-linux-gnu/tegra",
    "/usr/lib",
    "/usr/lib/wsl/lib",
    "/usr/local/nvidia/lib64",
    "/run/opengl-driver/lib",
)


class Device(NamedTuple):
    """One device as the driver lists it. `arch` is the compute capability, major.minor; `mig` says
    whether the device is partitioned into MIG instances."""

    name: str
    arch: str | None = None
    uuid: str = ""
    mig: bool = False


def lowest(devices: Sequence[Device]) -> str | None:
    """Return the lowest known compute capability, or None where none is known."""
    known = [device.arch for device in devices if device.arch]
    return min(known, key=lambda arch: tuple(map(int, arch.split(".")))) if known else None


def visible(devices: Sequence[Device], value: str | None) -> tuple[Device, ...]:
    """Apply a value of `CUDA_VISIBLE_DEVICES` to devices in CUDA's own order.

    The rules are those of the CUDA programming guide (environment variables), and of driver
    580.159.04, by trial, where it says nothing: entries are numbers, of which what follows the
    digits does not count, or unambiguous prefixes of UUIDs. The first entry that names no device,
    or is of the other kind, ends the list; a device that is named twice leaves none (`cuInit`
    answers 101).
    """
    if value is None:
        return tuple(devices)
    entries = [entry.strip() for entry in value.split(",")]
    by_index = bool(_INDEX.match(entries[0]))
    chosen: list[Device] = []
    for entry in entries:
        match = _named(devices, entry) if bool(_INDEX.match(entry)) == by_index else None
        if match is None:
            break
        if not any(one is match for one in chosen):
            chosen.append(match)
        elif not entry.startswith("MIG-"):  # two slices of one GPU are two devices
            return ()
    return tuple(chosen)


def _named(devices: Sequence[Device], entry: str) -> Device | None:
    if number := _INDEX.match(entry):
        index = int(number[1] + number[2][:_DIGITS])  # Python refuses thousands
        return devices[index] if 0 <= index < len(devices) else None
    if entry.startswith("MIG-"):
        # A MIG instance has the compute capability of its parent, one of the partitioned devices.
        sliced = [device for device in devices if device.mig]
        if entry.startswith("MIG-GPU-"):
            return _named(sliced, entry.removeprefix("MIG-").partition("/")[0])
        return sliced[0] if len({device.arch for device in sliced}) == 1 else None
    found = [device for device in devices if device.uuid.startswith(entry)]
    return found[0] if len(found) == 1 and entry not in ("", "GPU-") else None


def existing(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths that exist."""
    return tuple(path for path in paths if os.path.exists(path))


def loads(name: str) -> bool:
    """Whether the loader finds a library of this name and can open it."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _say(**row: Any) -> None:
    print(json.dumps(row), flush=True)


def _note(code: str, **facts: Any) -> None:
    _say(note=[code, facts])


class _Refused(Exception):
    """A driver call that returned an error, or that the library lacks. Args: call, code, name."""


class _Library:
    """A driver library: calling it by a function's name raises `_Refused` on an error code.

    Raises: FileNotFoundError where it loads by none of the names.
    """

    def __init__(self, names: Sequence[str], errors: Mapping[int, str]) -> None:
        tried = []
        self._errors = errors
        for name in names:
            try:
                self._dll = ctypes.CDLL(name)
            except OSError as error:
                tried.append(str(error))
            else:
                self.name = name
                return
        raise FileNotFoundError("; ".join(dict.fromkeys(tried)))

    def __call__(self, call: str, *args: Any) -> None:
        function = getattr(self._dll, call, None)
        if function is None:
            raise _Refused(call, -1, "not in this driver")
        code = function(*args)
        if code:
            raise _Refused(call, code, self._errors.get(code, "unknown error"))

    def text(self, call: str, *args: Any, size: int = 96) -> str:
        buffer = ctypes.create_string_buffer(size)
        self(call, *args, buffer, ctypes.c_uint(size))
        return buffer.value.decode("utf-8", "replace").strip()


def _library_names(kind: str) -> list[str]:
    """List the names to load the driver's library by, on Linux with the `.1`: the unversioned files
    of CUDA toolkits are empty stubs."""
    if sys.platform == "win32":
        if kind == "cuda":
            return ["nvcuda.dll"]
        old = os.path.expandvars(r"%ProgramW6432%\NVIDIA Corporation\NVSMI\nvml.dll")
        return ["nvml.dll", old]
    file = {"cuda": "libcuda.so.1", "nvml": "libnvidia-ml.so.1"}[kind]
    return [file, *existing([f"{folder}/{file}" for folder in LIBRARY_DIRS])]


def _open(kind: str, errors: Mapping[int, str]) -> _Library | None:
    try:
        return _Library(_library_names(kind), errors)
    except FileNotFoundError as error:
        _note("driver_library_missing", library=kind, tried=str(error)[:500])
    return None


def _refusal(library: str, error: _Refused) -> None:
    call, code, name = error.args
    _note("driver_error", library=library, call=call, error_code=code, error=name)


def _ask_nvml() -> list[Device] | None:
    """List all devices in PCI order; None, with a note of the reason, where NVML cannot."""
    nvml = _open("nvml", NVML_ERRORS)
    if nvml is None:
        return None
    try:
        nvml("nvmlInit_v2")
        _say(driver=nvml.text("nvmlSystemGetDriverVersion", size=80))
        count = ctypes.c_uint(0)
        nvml("nvmlDeviceGetCount_v2", ctypes.byref(count))
    except _Refused as error:
        _refusal(nvml.name, error)
        return None
    devices = []
    for index in range(count.value):
        try:
            devices.append(_nvml_device(nvml, index))
        except _Refused as error:
            _refusal(f"{nvml.name}, device {index}", error)
    return devices if devices or not count.value else None


def _nvml_device(nvml: _Library, index: int) -> Device:
    handle = ctypes.c_void_p()
    nvml("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(handle))
    name = nvml.text("nvmlDeviceGetName", handle)
    arch, uuid, mig = None, "", False
    major, minor = ctypes.c_int(0), ctypes.c_int(0)
    try:
        nvml("nvmlDeviceGetCudaComputeCapability", handle, ctypes.byref(major), ctypes.byref(minor))
        arch = f"{major.value}.{minor.value}"
    except _Refused as error:
        _refusal(f"{nvml.name}, device {index}", error)
    try:
        uuid = nvml.text("nvmlDeviceGetUUID", handle)
        now, later = ctypes.c_uint(0), ctypes.c_uint(0)
        nvml("nvmlDeviceGetMigMode", handle, ctypes.byref(now), ctypes.byref(later))
        mig = now.value == 1
    except _Refused:
        pass  # only GPUs that support MIG answer; the others return "not supported"
    return Device(name, arch, uuid, mig)


def _ask_libcuda() -> list[Device] | None:
    """List all devices in CUDA's own order, that of the indexes in `CUDA_VISIBLE_DEVICES`."""
    cuda = _open("cuda", CUDA_ERRORS)
    if cuda is None:
        return None
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    devices = []
    try:
        cuda("cuInit", ctypes.c_uint(0))
        version = ctypes.c_int(0)
        cuda("cuDriverGetVersion", ctypes.byref(version))
        _say(cuda=f"{version.value // 1000}.{version.value % 1000 // 10}")
        count = ctypes.c_int(0)
        cuda("cuDeviceGetCount", ctypes.byref(count))
        for index in range(count.value):
            devices.append(_cuda_device(cuda, index))
    except _Refused as error:
        _refusal(cuda.name, error)
        return None
    return devices


def _cuda_device(cuda: _Library, index: int) -> Device:
    device = ctypes.c_int(0)
    cuda("cuDeviceGet", ctypes.byref(device), ctypes.c_int(index))
    name = ctypes.create_string_buffer(256)
    cuda("cuDeviceGetName", name, ctypes.c_int(256), device)
    parts = []
    for attribute in (_CC_MAJOR, _CC_MINOR):
        value = ctypes.c_int(0)
        cuda("cuDeviceGetAttribute", ctypes.byref(value), ctypes.c_int(attribute), device)
        parts.append(str(value.value))
    uuid = ""
    raw = ctypes.create_string_buffer(16)
    try:
        cuda("cuDeviceGetUuid", raw, device)
        text = raw.raw.hex()
        uuid = f"GPU-{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    except _Refused:
        pass  # drivers before 9.2 have no such call
    text = name.value.decode("utf-8", "replace").strip()
    return Device(text, ".".join(parts), uuid, " MIG " in text)


def _needs_cuda_order(devices: Sequence[Device], value: str | None) -> bool:
    """Whether CUDA (fastest first) and NVML (by PCI) may mean different devices by an index."""
    return (
        value is not None
        and bool(_INDEX.match(value.strip()))
        and len({device.arch for device in devices}) > 1
        and os.environ.get("CUDA_DEVICE_ORDER", "").strip() != "PCI_BUS_ID"
    )


def _main() -> None:
    value = os.environ.get("CUDA_VISIBLE_DEVICES")
    devices, source = _ask_nvml(), "nvml"
    ordered = devices
    if devices is None:
        ordered = devices = _ask_libcuda()
        source = "libcuda"
    elif _needs_cuda_order(devices, value):
        ordered = _ask_libcuda() or devices
    if devices is None:
        return
    _say(devices=devices)
    _say(visible=visible(ordered or devices, value))
    _say(source=source)
    if "why" in sys.argv[1:] and source == "nvml":
        _ask_libcuda()


if __name__ == "__main__":
    _main()
