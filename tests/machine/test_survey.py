"""Facts of the machine and of the environment, and where each one comes from."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conda.base.context import context  # before a test's rc file is written, which it then reads
from stubs import needs_compiler, smi, variables
from support.files import tree
from support.survey_fixtures import A100, K80, Look

from conda_torchmirror.machine import driver_calls, environment, nvidia
from conda_torchmirror.machine import survey as machine
from conda_torchmirror.machine import system as surroundings
from conda_torchmirror.machine.survey import cuda_arch, cuda_version, inspect, native_subdir, survey
from conda_torchmirror.text.tables.machine import TEXT

pytest_plugins = ("support.survey_fixtures",)


def has_driver() -> bool:
    return bool(nvidia.signs())


without_driver = pytest.mark.skipif(has_driver(), reason="this machine has an NVIDIA driver")


@needs_compiler
@pytest.mark.parametrize(
    ("number", "cuda", "driver"),
    [
        (11040, "11.4", "470.82.01"),
        (11080, "11.8", "520.61.05"),
        (12000, "12.0", "525.60.13"),
        (12040, "12.4", "550.54.14"),
        (13000, "13.0", "580.65.06"),
    ],
    ids=["11.4", "11.8", "12.0", "12.4", "13.0"],
)
def test_a_driver_is_read_in_one_process(
    libraries: Path, look: Look, number: int, cuda: str, driver: str
) -> None:
    found = look(variables(libraries, [A100], cuda=number, driver=driver))
    assert (found["cuda"], found["cuda_from"], found["driver"]) == (cuda, "libcuda", driver)
    assert found["gpus"] == [{"name": A100.name, "arch": "8.0"}]
    assert found["cuda_arch"] == found["__cuda_arch"] == "8.0"
    assert found["started"] == 1
    assert found["codes"][:2] == ["cuda_from_libcuda", "driver_version"]


@needs_compiler
def test_the_lowest_of_different_gpus_decides(libraries: Path, look: Look) -> None:
    found = look(variables(libraries, [A100, K80]))
    assert found["cuda_arch"] == "3.7"
    assert found["facts"]["gpu_lowest"] == {
        "gpu": "Tesla K80 (3.7)",
        "others": "NVIDIA A100-SXM4-80GB (8.0)",
    }
    assert "machine.gpu_lowest" in found["told"]


@needs_compiler
def test_a_gpu_that_is_left_out_is_named_and_still_counts_for_conda(
    libraries: Path, look: Look
) -> None:
    """CEP 46 counts all devices of the system; the choice only those that torch will see."""
    env = {**variables(libraries, [A100, K80]), "CUDA_VISIBLE_DEVICES": "0"}
    found = look(env)
    assert found["gpus"] == [{"name": A100.name, "arch": "8.0"}]
    assert (found["cuda_arch"], found["__cuda_arch"]) == ("8.0", "3.7")
    assert found["facts"]["gpu_left_out"] == {"value": "0", "gpu": "Tesla K80 (3.7)"}


@needs_compiler
def test_hidden_gpus_do_not_make_it_a_cpu_machine(libraries: Path, look: Look) -> None:
    found = look({**variables(libraries, [A100]), "CUDA_VISIBLE_DEVICES": ""})
    assert (found["cuda"], found["cuda_arch"]) == ("12.4", "8.0")
    assert "gpus_hidden" in found["codes"]


@needs_compiler
def test_a_driver_that_refuses_is_named(libraries: Path, look: Look) -> None:
    """Without `__cuda`, but with a library: the one process says why."""
    found = look(variables(libraries, [], cuInit=803, nvmlInit_v2=18))
    assert (found["cuda"], found["cuda_from"]) == (None, "none")
    assert found["facts"]["driver_error"]["error"] == "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"
    # The stand-ins lie in a folder of LD_LIBRARY_PATH, as another library than the driver's would.
    assert found["told"] == ["machine.driver_error"] * 2 + ["machine.driver_shadowed"]
    assert found["__cuda_arch"] is None
    # The GPU behind it cannot be seen, but is likely there.
    assert (found["failing"], found["has_gpu"]) == (True, True)


@needs_compiler
def test_a_gpu_whose_cuda_does_not_start_is_a_gpu(libraries: Path, look: Look) -> None:
    found = look(variables(libraries, [A100], cuInit=999))
    assert (found["cuda"], found["gpus"]) == (None, [{"name": A100.name, "arch": "8.0"}])
    assert (found["cuda_arch"], found["__cuda_arch"]) == (None, None)
    assert (found["has_gpu"], found["failing"], found["started"]) == (True, True, 1)
    assert found["told"] == ["machine.driver_error"]
    assert found["facts"]["driver_error"]["call"] == "cuInit"


@needs_compiler
def test_who_hides_the_driver_has_none(libraries: Path, look: Look) -> None:
    found = look({**variables(libraries, [A100]), "CONDA_OVERRIDE_CUDA": ""})
    assert (found["cuda"], found["gpus"], found["has_gpu"]) == (None, [], False)
    assert (found["started_in_all"], found["told"]) == (0, [])


@needs_compiler
@pytest.mark.parametrize("nvml", [0, 9], ids=["NVML lists none", "NVML refuses"])
def test_a_login_node_is_told_from_a_machine_without_a_driver(
    libraries: Path, look: Look, nvml: int
) -> None:
    found = look(variables(libraries, [], cuInit=100, nvmlInit_v2=nvml))
    assert (found["cuda"], found["gpus"]) == (None, [])
    assert found["told"] == ["machine.driver_without_gpu"]
    assert (found["failing"], found["has_gpu"]) == (False, False)


@needs_compiler
@pytest.mark.parametrize(
    ("env", "arguments", "expected"),
    [
        pytest.param({}, {"cuda": "cpu"}, (None, "none", None, 0), id="cpu"),
        pytest.param({}, {"cuda": "11.8"}, ("11.8", "--cuda", "8.0", 1), id="given"),
        pytest.param(
            {}, {"cuda": "cu118", "probe_gpus": False}, ("11.8", "--cuda", None, 0), id="preview"
        ),
        pytest.param({}, {"subdir": "win-64"}, (None, "none", None, 0), id="foreign"),
        pytest.param(
            {"CONDA_OVERRIDE_CUDA": "12.1"},
            {"subdir": "win-64"},
            ("12.1", "CONDA_OVERRIDE_CUDA", None, 0),
            id="foreign and overridden",
        ),
        pytest.param(
            {"CONDA_OVERRIDE_CUDA": "", "CONDA_OVERRIDE_CUDA_ARCH": "9.0"},
            {"probe_gpus": False},
            (None, "CONDA_OVERRIDE_CUDA", None, 0),
            id="hidden",
        ),
        pytest.param(
            {"CONDA_OVERRIDE_CUDA_ARCH": "6.1"},
            {},
            ("12.4", "libcuda", "6.1", 1),
            id="capability overridden",
        ),
    ],
)
def test_what_is_said_goes_before_what_is_found(
    libraries: Path,
    look: Look,
    env: dict[str, str],
    arguments: dict[str, Any],
    expected: tuple[object, ...],
) -> None:
    arguments = {"cuda": "auto", **arguments}
    found = look({**variables(libraries, [A100]), **env}, **arguments)
    facts = tuple(found[name] for name in ("cuda", "cuda_from", "cuda_arch", "started"))
    assert facts == expected
    # The virtual package, which the child asks for too, shares that process.
    assert found["started_in_all"] <= 1


@without_driver
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the signs are Linux' here")
def test_without_a_driver_no_process_is_started(look: Look) -> None:
    found = look({})
    assert (found["cuda"], found["started"], found["gpus"]) == (None, 0, [])
    assert "cuda_not_detected" in found["codes"]


@pytest.mark.benchmark
@without_driver
def test_without_a_driver_it_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is 5 ms beyond conda's own detection, which is asked and kept before."""
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA")
    inspect(subdir=native_subdir(), prefix=None)
    times = []
    for _ in range(50):
        began = time.perf_counter()
        inspect(subdir=native_subdir(), prefix=None)
        times.append(time.perf_counter() - began)
    print(f"\ninspect without a driver: {sorted(times)[25] * 1e3:.2f} ms (median of 50)")
    assert sorted(times)[25] < 0.005


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12.4", "12.4"),
        ("12.4.1", "12.4"),
        ("12", "12"),
        ("cu124", "12.4"),
        ("cu92", "9.2"),
        ("cu118", "11.8"),
        (" 12.1 ", "12.1"),
        ("", None),
        ("abc", None),
        ("12.x", None),
        ("-1", None),
    ],
    ids=repr,
)
def test_cuda_versions_are_read(text: str, expected: str | None) -> None:
    assert cuda_version(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2.17", "2.17"),
        ("2.28=0", "2.28"),
        ("", None),
        ("new", None),
        pytest.param("2." + "9" * 5000, "2.999999999", id="thousands of digits"),
    ],
)
def test_the_c_library_is_a_fact_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: str | None
) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_GLIBC", value)
    subdir = native_subdir()
    if not subdir.startswith("linux-"):
        pytest.skip("the C library of Linux")
    assert inspect(subdir=subdir, prefix=None, probe_gpus=False).glibc == expected


@pytest.mark.parametrize("subdir", ["win-64", "osx-arm64"])
def test_of_another_platform_neither_c_library_nor_macos_is_known(subdir: str) -> None:
    found = inspect(subdir=subdir, prefix=None, probe_gpus=False)
    assert found.foreign
    assert (found.glibc, found.osx) == (None, None)


@pytest.mark.parametrize(
    ("subdir", "variable", "expected"),
    [
        ("linux-ppc64le", "CONDA_OVERRIDE_GLIBC", ("2.17", None)),
        ("osx-arm64", "CONDA_OVERRIDE_OSX", (None, "2.17")),
        ("osx-arm64", "CONDA_OVERRIDE_GLIBC", (None, None)),
        ("win-64", "CONDA_OVERRIDE_GLIBC", (None, None)),
    ],
)
def test_what_is_given_counts_on_every_platform(
    monkeypatch: pytest.MonkeyPatch, subdir: str, variable: str, expected: tuple[str | None, ...]
) -> None:
    monkeypatch.setenv(variable, "2.17")
    found = inspect(subdir=subdir, prefix=None, probe_gpus=False)
    assert found.foreign
    assert (found.glibc, found.osx) == expected


@pytest.mark.parametrize("value", ["abc", "12.x", "latest"])
def test_an_override_without_sense_is_said(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", value)
    found = survey(subdir=native_subdir(), prefix=None, probe_gpus=False)
    assert (found.machine.cuda, found.machine.cuda_from) == (None, "CONDA_OVERRIDE_CUDA")
    [notice] = [n for n in found.evidence if n.code == "cuda_unusable"]
    assert notice.facts == {"variable": "CONDA_OVERRIDE_CUDA", "value": value}


@pytest.mark.parametrize(
    ("cuda", "arch", "expected"),
    [
        ("12.4", "8.6", "8.6"),
        ("12.4", "8.6=0", "8.6"),
        ("12.4", " 12.0 ", "12.0"),
        ("12.4", "", None),
        ("", "8.6", None),
    ],
    ids=["set", "with a build", "with blanks", "hidden", "absent without __cuda"],
)
def test_cuda_arch_obeys_its_override(
    monkeypatch: pytest.MonkeyPatch, cuda: str, arch: str, expected: str | None
) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", cuda)
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", arch)
    assert cuda_arch() == expected
    found = inspect(subdir=native_subdir(), prefix=None, probe_gpus=False)
    assert found.cuda_arch == expected


@without_driver
@pytest.mark.parametrize("arch", ["8", "sm_86", "8.6a", "x=y"])
def test_an_arch_override_without_sense_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, arch: str
) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", arch)
    assert cuda_arch() is None
    found = survey(subdir=native_subdir(), prefix=None)
    assert {"arch_unusable", "arch_unknown"} <= {notice.code for notice in found.evidence}


def test_new_conda_overrides_in_the_rc_file_count(condarc: Callable[..., Path]) -> None:
    os.environ.pop("CONDA_OVERRIDE_CUDA", None)
    condarc(override_virtual_packages={"cuda": "12.9", "__cuda_arch": "12.0"})
    if not hasattr(context, "override_virtual_packages"):
        pytest.skip("this conda has no such setting")
    found = inspect(subdir=native_subdir(), prefix=None, probe_gpus=False)
    assert (found.cuda, found.cuda_from, found.cuda_arch) == (
        "12.9",
        "CONDA_OVERRIDE_CUDA",
        "12.0",
    )


PCI = "/sys/bus/pci/devices/0000:01:00.0"
NVIDIA_CARD = {
    f"{PCI}/vendor": "0x10de\n",
    f"{PCI}/class": "0x030000\n",
    f"{PCI}/device": "0x2204\n",
}
MODULE = {"/sys/module/nvidia/version": "550.54.14\n"}


@without_driver
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux' files")
@pytest.mark.parametrize(
    ("files", "code"),
    [
        pytest.param(NVIDIA_CARD, "gpu_without_driver", id="no driver"),
        pytest.param({**MODULE, "/.dockerenv": ""}, "container_without_driver", id="container"),
        pytest.param({"/dev/dxg": ""}, "wsl", id="WSL 2"),
        pytest.param(
            {"/proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0"},
            "jetson",
            id="Jetson",
        ),
        pytest.param({"/etc/nv_tegra_release": "# R32"}, "jetson", id="old Jetson"),
    ],
)
def test_what_linux_files_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: dict[str, str], code: str
) -> None:
    tree(tmp_path, files)
    monkeypatch.setattr(nvidia, "ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", str(smi(tmp_path / "none", "exit 9")))
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA")
    machine._probe.cache_clear()
    found = survey(subdir=native_subdir(), prefix=None)
    machine._probe.cache_clear()
    assert code in [notice.code for notice in found.evidence]
    assert found.machine.driver_os == ("windows" if code == "wsl" else "linux")


def test_every_code_has_a_sentence() -> None:
    modules = (machine, surroundings, environment, nvidia, driver_calls)
    sources = [Path(module.__file__).read_text("utf-8") for module in modules]
    used = set(re.findall(r'(?:Notice|_note|notes\.append)\(\(?"(\w+)"', "".join(sources)))
    assert used - TEXT.keys() == set()


@needs_compiler
def test_every_sentence_takes_the_facts_it_gets(libraries: Path, look: Look) -> None:
    """The evidence of a crowded machine, put into words."""
    env = variables(libraries, [A100._replace(mig=1), K80], nvmlDeviceGetMigMode=0)
    found = look({**env, "CUDA_VISIBLE_DEVICES": "1"})
    said = [TEXT[code].format(**facts) for code, facts in found["facts"].items()]
    assert "CUDA_VISIBLE_DEVICES='1' leaves out NVIDIA A100-SXM4-80GB (8.0)." in said
