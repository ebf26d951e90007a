"""Drivers that refuse, by what real ones answered: what is told, and whether there is a GPU.

The answers: driver 580.159.04 with one H100, Linux, 2026-11-26, each with something taken away: the
rights to its device files, /dev/nvidia-uvm, address space, or its libraries. Only "parts of an
update" was not seen there.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any

import pytest
from support.files import tree

from conda_torchmirror.machine import nvidia, survey
from conda_torchmirror.machine.driver_calls import Device
from conda_torchmirror.machine.nvidia import DriverReport
from conda_torchmirror.text.messages import text

H100 = Device("NVIDIA H100 80GB HBM3", "9.0", "GPU-11111111-1111-1111-1111-111111111111")
FILES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm")
NAMES = {
    4: "NVML_ERROR_NO_PERMISSION",
    9: "NVML_ERROR_DRIVER_NOT_LOADED",
    18: "NVML_ERROR_LIB_RM_VERSION_MISMATCH",
    34: "CUDA_ERROR_STUB_LIBRARY",
    100: "CUDA_ERROR_NO_DEVICE",
    2: "CUDA_ERROR_OUT_OF_MEMORY",
    803: "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
    999: "CUDA_ERROR_UNKNOWN",
}


def refused(call: str, code: int) -> tuple[str, dict[str, Any]]:
    library = "libnvidia-ml.so.1" if call.startswith("nvml") else "libcuda.so.1"
    facts = {"library": library, "call": call, "error_code": code, "error": NAMES[code]}
    return "driver_error", facts


def missing(library: str) -> tuple[str, dict[str, Any]]:
    tried = "cannot open shared object file: No such file or directory"
    return "driver_library_missing", {"library": library, "tried": tried}


def found(*notes: tuple[str, dict[str, Any]], gpus: tuple[Device, ...] = ()) -> DriverReport:
    source = "nvml" if gpus or all("nvml" not in str(facts) for _, facts in notes) else None
    return DriverReport(source, "580.159.04", None, gpus, gpus, notes)


CASES = {
    "device files of root": (
        found(refused("nvmlInit_v2", 4), refused("cuInit", 100)),
        {"files": FILES, "shut": True},
        ["gpu_denied"],
        True,
    ),
    "no /dev/nvidia-uvm": (
        found(refused("cuInit", 999), gpus=(H100,)),
        {"files": FILES[:2]},
        ["driver_error", "uvm_missing"],
        True,
    ),
    "ulimit -v": (
        found(refused("cuInit", 2), gpus=(H100,)),
        {"files": FILES, "limit": 6_000_000},
        ["driver_error", "memory_limited"],
        True,
    ),
    "an older libcuda of a toolkit's folder compat": (
        found(refused("cuInit", 803), gpus=(H100,)),
        {"files": FILES, "library": True},
        ["driver_error", "driver_shadowed"],
        True,
    ),
    "parts of an update": (
        found(refused("nvmlInit_v2", 18), refused("cuInit", 803)),
        {"files": FILES},
        ["driver_error", "driver_error", "driver_mismatch"],
        True,
    ),
    "a toolkit's stubs": (
        found(refused("nvmlInit_v2", 9), refused("cuInit", 34)),
        {"files": FILES, "library": True},
        ["driver_error", "driver_error", "driver_shadowed"],
        True,
    ),
    "a toolkit's stubs, and no GPU": (
        found(refused("nvmlInit_v2", 9), refused("cuInit", 34)),
        {"files": (), "library": True},
        ["driver_error", "driver_error", "driver_shadowed"],
        False,
    ),
    "no libraries": (
        found(missing("nvml"), missing("cuda")),
        {"files": FILES},
        ["driver_library_missing"] * 2,
        True,
    ),
    "a container without device files": (
        found(refused("nvmlInit_v2", 9), refused("cuInit", 100)),
        {"files": ("/.dockerenv",)},
        ["container_without_driver"],
        False,
    ),
    "no device file of a GPU": (
        found(refused("cuInit", 100)),
        {"files": ("/dev/nvidiactl", "/dev/nvidia-uvm")},
        ["driver_without_gpu"],
        False,
    ),
    "no reason that shows": (
        found(refused("cuInit", 999), gpus=(H100,)),
        {"files": FILES},
        ["driver_error"],
        True,
    ),
}


@pytest.mark.skipif(os.name == "nt", reason="Linux' files")
@pytest.mark.parametrize("case", CASES)
def test_the_cause_of_a_refusal_is_told(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, around, told, is_gpu = CASES[case]
    version = {"/sys/module/nvidia/version": "580.159.04\n"}
    tree(tmp_path / "root", {**version, **dict.fromkeys(around["files"], "")})
    monkeypatch.setattr(nvidia, "ROOT", str(tmp_path / "root"))
    if around.get("shut"):  # root, who runs tests in containers, may open any file
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    if around.get("library"):
        tree(tmp_path, {"compat/libcuda.so.1": ""})
        monkeypatch.setenv("LD_LIBRARY_PATH", f"{tmp_path}:{tmp_path / 'compat'}")
    limit = around.get("limit", 0) * 1024 or resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limit, limit))
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA")
    monkeypatch.setattr(survey, "_detected_cuda", lambda: None)
    monkeypatch.setattr(survey, "native_subdir", lambda: "linux-64")
    monkeypatch.setattr(survey, "_probe", lambda why: report)
    machine = survey.inspect(subdir="linux-64", prefix=None)
    assert [remark.code for remark in machine.remarks] == [f"machine.{code}" for code in told]
    assert (machine.has_gpu, machine.cuda) == (is_gpu, None)
    said = text(machine.remarks[-1].code, machine.remarks[-1].facts)
    if around.get("library"):
        assert str(tmp_path / "compat") in said
    if "limit" in around:
        assert "(6000000 kB)" in said


def test_the_folder_of_a_driver_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in NVIDIA's containers, where LD_LIBRARY_PATH leads to it: a mismatch is the driver's."""
    from conda_torchmirror.machine import driver_calls, system

    monkeypatch.setattr(os.path, "exists", lambda path: str(path).endswith("libcuda.so.1"))
    monkeypatch.setenv("LD_LIBRARY_PATH", driver_calls.LIBRARY_DIRS[0])
    assert not list(system.causes({"CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"}))
