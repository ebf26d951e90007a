"""The driver's own words: real `ctypes` calls to stand-in libraries, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stubs import Card, build, needs_compiler, path_with, smi, variables

from conda_torchmirror.machine import driver_calls, nvidia
from conda_torchmirror.machine.nvidia import DriverReport, parse_smi

A100 = Card("NVIDIA A100-SXM4-80GB", 80)
K80 = Card("Tesla K80", 37)
RTX = Card("NVIDIA GeForce RTX 5090", 120)

Ask = Callable[..., DriverReport]

without_library = pytest.mark.skipif(
    nvidia.has_library(), reason="this machine has a driver, which the loader finds"
)


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("driver"))


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ask:
    """`ask(env, limit=...)`: probe with these variables, on a PATH without a real nvidia-smi."""
    monkeypatch.setenv("PATH", path_with(smi(tmp_path / "none", "exit 9")))

    def run(env: dict[str, str], limit: float = 10.0) -> DriverReport:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        return nvidia.probe(limit)

    return run


def codes(found: DriverReport) -> list[str]:
    return [code for code, _ in found.notes]


def notes(found: DriverReport, code: str) -> list[dict[str, Any]]:
    return [facts for name, facts in found.notes if name == code]


@needs_compiler
@pytest.mark.parametrize("card", [A100, K80, RTX], ids=lambda card: card.name)
def test_nvml_tells_driver_and_devices(libraries: Path, ask: Ask, card: Card) -> None:
    found = ask(variables(libraries, [card], driver="535.183.01"))
    assert found.source == "nvml"
    assert found.driver == "535.183.01"
    assert [device.name for device in found.devices] == [card.name]
    assert found.arch == f"{card.cc // 10}.{card.cc % 10}"
    assert found.visible == found.devices
    assert found.notes == ()


@needs_compiler
def test_lowest_of_two_different_gpus(libraries: Path, ask: Ask) -> None:
    found = ask(variables(libraries, [A100, K80]))
    assert [device.arch for device in found.devices] == ["8.0", "3.7"]
    assert found.arch == "3.7"


@needs_compiler
def test_a_driver_without_a_device(libraries: Path, ask: Ask) -> None:
    found = ask(variables(libraries, []))
    assert (found.source, found.devices, found.arch) == ("nvml", (), None)


@needs_compiler
@pytest.mark.parametrize(
    ("code", "name"),
    [
        (4, "NVML_ERROR_NO_PERMISSION"),
        (9, "NVML_ERROR_DRIVER_NOT_LOADED"),
        (18, "NVML_ERROR_LIB_RM_VERSION_MISMATCH"),
        (777, "unknown error"),
    ],
    ids=str,
)
def test_an_error_code_is_named_and_libcuda_asked(
    libraries: Path, ask: Ask, code: int, name: str
) -> None:
    found = ask(variables(libraries, [A100], nvmlInit_v2=code))
    [facts] = notes(found, "driver_error")
    assert (facts["call"], facts["error_code"], facts["error"]) == ("nvmlInit_v2", code, name)
    assert (found.source, found.arch, found.cuda) == ("libcuda", "8.0", "12.4")


@needs_compiler
def test_both_libraries_refuse(libraries: Path, ask: Ask) -> None:
    found = ask(variables(libraries, [A100], nvmlInit_v2=9, cuInit=803))
    errors = [facts["error"] for facts in notes(found, "driver_error")]
    assert errors == ["NVML_ERROR_DRIVER_NOT_LOADED", "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"]
    assert (found.source, found.devices) == (None, ())


@needs_compiler
@without_library
def test_without_nvml_libcuda_is_asked(tmp_path: Path, ask: Ask) -> None:
    """As in a container with the capability `compute` alone, and on a Jetson."""
    folder = build(tmp_path / "lib", ["libcuda"])
    found = ask(variables(folder, [RTX, A100]))
    assert found.source == "libcuda"
    devices = [(device.name, device.arch) for device in found.devices]
    assert devices == [(RTX.name, "12.0"), (A100.name, "8.0")]
    assert notes(found, "driver_library_missing")[0]["library"] == "nvml"


@needs_compiler
def test_a_lost_device_does_not_hide_the_others(libraries: Path, ask: Ask) -> None:
    found = ask(variables(libraries, [A100, K80], LOST=0))
    assert [device.name for device in found.devices] == [K80.name]
    assert notes(found, "driver_error")[0]["error"] == "NVML_ERROR_GPU_IS_LOST"


@needs_compiler
@pytest.mark.parametrize("call", ["nvmlInit_v2", "nvmlDeviceGetCount_v2", "nvmlDeviceGetName"])
def test_a_call_that_hangs_costs_the_limit_and_no_more(
    libraries: Path, ask: Ask, call: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    began = time.monotonic()
    monkeypatch.setattr(nvidia, "ROOT", str(tmp_path))  # the kernel's files tell a driver too
    found = ask(variables(libraries, [A100], driver="470.82.01", **{call: "hang"}), limit=0.7)
    assert time.monotonic() - began < 15  # it hangs for ever
    assert notes(found, "driver_hangs") == [{"seconds": 0.7}]
    assert found.devices == ()
    # What came before the hang is kept.
    assert found.driver == (None if call == "nvmlInit_v2" else "470.82.01")


@needs_compiler
def test_a_library_that_crashes_ends_its_own_process_only(libraries: Path, ask: Ask) -> None:
    found = ask(variables(libraries, [A100], nvmlDeviceGetUUID="crash"))
    assert notes(found, "probe_died") == [{"exit_code": -6}]
    assert found.devices == ()


@needs_compiler
def test_a_library_without_the_calls(tmp_path: Path, ask: Ask) -> None:
    source = tmp_path / "empty.c"
    source.write_text("int nothing;\n", encoding="utf-8")
    for name in ("libcuda", "libnvidia-ml"):
        target = tmp_path / f"{name}.so.1"
        subprocess.run(["gcc", "-shared", "-o", str(target), str(source)], check=True)
    found = ask({"LD_LIBRARY_PATH": str(tmp_path)})
    assert found.source is None
    assert [facts["error"] for facts in notes(found, "driver_error")] == ["not in this driver"] * 2


@needs_compiler
@without_library
def test_a_file_that_is_no_library(tmp_path: Path, ask: Ask) -> None:
    for name in ("libcuda.so.1", "libnvidia-ml.so.1"):
        (tmp_path / name).write_text("not a library", encoding="utf-8")
    found = ask({"LD_LIBRARY_PATH": str(tmp_path)})
    told = notes(found, "driver_library_missing")
    assert [facts["library"] for facts in told] == ["nvml", "cuda"]
    assert "libcuda.so.1" in told[1]["tried"]


@needs_compiler
def test_sliced_gpus_have_the_whole_ones_capability(libraries: Path, ask: Ask) -> None:
    found = ask(variables(libraries, [A100._replace(mig=1), A100._replace(mig=0)]))
    assert [device.mig for device in found.devices] == [True, False]
    assert found.arch == "8.0"


@needs_compiler
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("0", [RTX.name]),
        ("1", [K80.name]),
        ("1,0", [K80.name, RTX.name]),
        ("0,7,1", [RTX.name]),
        ("0,0", []),
        ("0,00", []),
        ("+0,0", []),
        ("GPU-1,GPU-1", []),
        ("0,GPU-1,0", [RTX.name]),
        ("GPU-1,0", [K80.name]),
        ("0x1", [RTX.name]),
        ("1;0", [K80.name]),
        ("-0", [RTX.name]),
        (",0", []),
        ("GPU-", []),
        ("gpu-1", []),
        ("0,-1,0", [RTX.name]),
        ("\uff11", []),
        pytest.param("9" * 5000, [], id="thousands of digits"),
        pytest.param("-" + "9" * 5000, [], id="thousands of digits below zero"),
        pytest.param("0" * 5000 + "1", [K80.name], id="thousands of zeros"),
        ("GPU-1", [K80.name]),
        ("GPU-22222222-2222-2222-2222-222222222222", [RTX.name]),
    ],
    ids=str,
)
def test_visible_devices_are_counted_as_cuda_counts(
    libraries: Path, ask: Ask, value: str, expected: list[str]
) -> None:
    """NVML lists by PCI bus (the K80 first), CUDA the fastest first: indexes are CUDA's. What the
    guide leaves open is as driver 580.159.04 answered on a machine with one GPU, 2026-11-26."""
    found = ask({**variables(libraries, [K80, RTX], ORDER="10"), "CUDA_VISIBLE_DEVICES": value})
    assert [device.name for device in found.visible] == expected
    assert [device.name for device in found.devices] == [K80.name, RTX.name]


@needs_compiler
def test_pci_order_needs_no_libcuda(libraries: Path, ask: Ask, tmp_path: Path) -> None:
    log = tmp_path / "calls"
    env = variables(libraries, [K80, RTX], ORDER="10", LOG=log)
    found = ask({**env, "CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"})
    assert [device.name for device in found.visible] == [K80.name]
    assert "cuInit" not in log.read_text(encoding="utf-8")


@needs_compiler
@pytest.mark.parametrize("order", ["nvml", "libcuda"])
def test_uuids_are_spelled_alike(libraries: Path, ask: Ask, order: str) -> None:
    answers = {} if order == "nvml" else {"nvmlInit_v2": 9}
    found = ask(variables(libraries, [A100, K80], **answers))
    assert found.source == order
    assert [device.uuid for device in found.devices] == [
        "GPU-11111111-1111-1111-1111-111111111111",
        "GPU-22222222-2222-2222-2222-222222222222",
    ]


def smi_answers(new: str, old: str = "") -> str:
    """The body of an nvidia-smi that knows `compute_cap` (first answer) or not (second)."""
    return f'case "$1" in *compute_cap*) {new} ;; *) {old or "exit 2"} ;; esac'


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
@pytest.mark.parametrize(
    ("body", "devices", "driver"),
    [
        pytest.param(
            smi_answers("echo '8.6, 550.54.14, GPU-aa, NVIDIA GeForce RTX 3090'"),
            [("NVIDIA GeForce RTX 3090", "8.6")],
            "550.54.14",
            id="good",
        ),
        pytest.param(
            smi_answers("echo '9.0, 570.86, GPU-a, NVIDIA H100, 80GB'; echo '9.0, 570.86, , H100'"),
            [("NVIDIA H100, 80GB", "9.0"), ("H100", "9.0")],
            "570.86",
            id="comma in a name",
        ),
        pytest.param(
            smi_answers(
                "echo 'Field \"compute_cap\" is not a valid field to query.'; exit 2",
                "echo '440.33.01, Tesla K80'",
            ),
            [("Tesla K80", None)],
            "440.33.01",
            id="too old for compute_cap",
        ),
        pytest.param(
            smi_answers("echo '警告: 未找到信息'; echo '7.5, 472.12, GPU-b, NVIDIA T4'"),
            [("NVIDIA T4", "7.5")],
            "472.12",
            id="localised warning",
        ),
        pytest.param(
            smi_answers("echo '[N/A], 472.12, GPU-b, NVIDIA T4'"),
            [("NVIDIA T4", None)],
            "472.12",
            id="not available",
        ),
    ],
)
def test_nvidia_smi_is_the_last_resort(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    body: str,
    devices: list[tuple[str, str | None]],
    driver: str,
) -> None:
    monkeypatch.setenv("PATH", path_with(smi(tmp_path, body)))
    found = nvidia.probe()
    if found.source in ("nvml", "libcuda"):
        pytest.skip("this machine has a driver of its own")
    assert found.source == "nvidia-smi"
    assert [(device.name, device.arch) for device in found.devices] == devices
    assert found.driver == driver


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param("", "smi_unreadable", id="empty"),
        pytest.param("head -c 4000 /dev/urandom", "smi_unreadable", id="garbled"),
        pytest.param("echo 'Failed to initialize NVML'; exit 12", "smi_unreadable", id="error"),
        pytest.param("kill -9 $$", "smi_unreadable", id="killed"),
        pytest.param("sleep 30", "smi_hangs", id="hanging"),
    ],
)
def test_an_nvidia_smi_without_use_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, code: str
) -> None:
    monkeypatch.setenv("PATH", path_with(smi(tmp_path, body)))
    began = time.monotonic()
    found = nvidia.probe(0.7)
    if found.source in ("nvml", "libcuda"):
        pytest.skip("this machine has a driver of its own")
    assert code in codes(found)
    assert found.devices == ()
    assert time.monotonic() - began < 25  # not the 30 that it sleeps


@given(st.text(), st.sampled_from([("compute_cap", "driver_version", "uuid", "name")]))
def test_no_text_of_nvidia_smi_raises(text: str, fields: tuple[str, ...]) -> None:
    devices, driver = parse_smi(text, fields)
    assert (driver is None) == (not devices)


def test_the_script_is_light() -> None:
    """It must start fast, so it may import neither conda nor the rest of this package."""
    code = (
        "import runpy, sys, json; "
        f"runpy.run_path({driver_calls.__file__!r}, run_name='probe'); "
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], check=True, capture_output=True, text=True
    )
    loaded = set(json.loads(done.stdout))
    assert not {"conda", "conda_torchmirror", "subprocess", "tempfile", "dataclasses"} & loaded


@needs_compiler
def test_signs_are_paths_alone(tmp_path: Path, libraries: Path) -> None:
    assert nvidia.signs({"LD_LIBRARY_PATH": f"{tmp_path}:{libraries}"})[-1] == str(
        libraries / "libcuda.so.1"
    )
