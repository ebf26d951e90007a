"""What is said of an environment's PyTorch by looking at it, and the health check of conda."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conda.plugins.types import CondaHealthCheck
from stubs import Card, build, needs_compiler, variables
from support.prefixes import installed
from support.running import Result
from support.torches import (
    CPU_BUILD,
    CUDA_BUILD,
    VISION,
    record,
    site_packages,
)

from conda_torchmirror import plugin
from conda_torchmirror.hooks import health_check
from conda_torchmirror.verify.causes import sentence
from conda_torchmirror.verify.static import inspect_records

pytest_plugins = ("support.torch_fixtures",)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the environments here are POSIX venvs")

Conda = Callable[..., Result]


@pytest.mark.parametrize(
    ("records", "cuda", "arch", "expected"),
    [
        pytest.param([], "12.4", "8.6", [], id="nothing"),
        pytest.param([CUDA_BUILD, VISION], "12.4", "8.6", [], id="fits"),
        pytest.param([CUDA_BUILD], "12.0", "8.6", [], id="minor-version compatibility"),
        pytest.param([CUDA_BUILD], "11.8", "8.6", ["driver_too_old"], id="driver"),
        pytest.param([CUDA_BUILD], "12.8", "12.0", ["no_kernel_image"], id="RTX 50"),
        pytest.param([CUDA_BUILD], "", "", [], id="no driver"),
        pytest.param([CPU_BUILD], "12.4", "8.6", ["cpu_build"], id="CPU build"),
        pytest.param([CPU_BUILD], "", "", [], id="CPU build without a GPU"),
        pytest.param(
            [CPU_BUILD, ("cpuonly", "2.0", "0")], "12.4", "8.6", ["cpuonly_left"], id="cpuonly"
        ),
        pytest.param(
            [CUDA_BUILD, ("torchvision", "0.19.0", "py311_cu121", "pytorch 2.4.0")],
            "12.4",
            "8.6",
            ["set_mismatch"],
            id="partner of another release",
        ),
        pytest.param(
            [CUDA_BUILD, ("mkl", "2024.2.0", "0")], "12.4", "8.6", ["rule_broken"], id="mkl"
        ),
        pytest.param(
            [
                ("pytorch", "2.5.1", "py3.11_cuda12.1_cudnn9.1.0_0", *CUDA_BUILD[3:]),
                ("mkl", "2025.0.0", "0"),
            ],
            "12.4",
            "8.6",
            ["rule_broken"],
            id="mkl with the last release",
        ),
        pytest.param(
            [CUDA_BUILD, ("mkl", "2023.1.0", "0")], "12.4", "8.6", ["pin_missing"], id="no pin"
        ),
    ],
)
def test_the_static_part_needs_no_torch_to_run(
    venv: Path,
    condarc: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    records: list[tuple[str, ...]],
    cuda: str,
    arch: str,
    expected: list[str],
) -> None:
    condarc()
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", cuda)
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", arch)
    for entry in records:
        record(venv, *entry)
    found = inspect_records(str(venv)).notices
    assert [notice.code for notice in found] == expected
    assert all(sentence(notice) and sentence(notice, ".hint") for notice in found)


def test_a_pin_of_the_environment_ends_the_advice(venv: Path, condarc: Callable[..., Path]) -> None:
    condarc()
    record(venv, *CUDA_BUILD)
    record(venv, "mkl", "2023.1.0", "0")
    (venv / "conda-meta" / "pinned").write_text("mkl<2024.1\n", encoding="utf-8")
    assert inspect_records(str(venv)).notices == ()


def test_torch_of_pip_over_torch_of_conda(venv: Path, condarc: Callable[..., Path]) -> None:
    condarc()
    record(venv, *CPU_BUILD)
    version = ".".join(map(str, sys.version_info[:2]))
    record(venv, "python", f"{version}.1", "h_0")
    folder = site_packages(venv) / "torch-2.7.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: torch\nVersion: 2.7.1\n", encoding="utf-8")
    (folder / "INSTALLER").write_text("pip\n", encoding="utf-8")
    report = inspect_records(str(venv))
    [notice] = report.notices
    assert (notice.code, notice.facts["pip"]) == ("torch_twice", "torch 2.7.1")
    anew = "then run `conda torch-install -n x pytorch=2.3.1 --force-reinstall`."
    assert report.hint(notice, " -n x").endswith(anew)


BROKEN = [CUDA_BUILD, ("torchvision", "0.19.0", "py311_cu121", "pytorch 2.4.0")]


def health(run_conda: Conda, venv: Path, *words: str, **env: str | None) -> str:
    """What our check says in `conda doctor`; conda's own lines are left out."""
    done = run_conda("doctor", "-p", venv, *words, env=env).ok()
    assert "Error running health check" not in done.stderr
    lines = done.stdout.splitlines()
    first = next((i for i, line in enumerate(lines) if "PyTorch" in line), None)
    return "" if first is None else "\n".join(lines[first:])


def test_the_list_of_checks_has_a_summary_where_conda_shows_one(run_conda: Conda) -> None:
    [check] = plugin.conda_health_checks()
    if not hasattr(check, "summary"):
        assert check == CondaHealthCheck("pytorch", plugin._check_health)  # type: ignore[call-arg]
        return
    listed = " ".join(run_conda("doctor", "--list").ok().stdout.split())
    assert str(check.summary) in listed


def test_doctor_shows_what_is_wrong_and_what_to_do(run_conda: Conda, venv: Path) -> None:
    for entry in BROKEN:
        record(venv, *entry)
    said = health(run_conda, venv, CONDA_OVERRIDE_CUDA="12.8", CONDA_OVERRIDE_CUDA_ARCH="12.0")
    assert "PyTorch 2.3.1 (py3.11_cuda12.1_cudnn8.9.2_0) has problems:" in said
    flat = re.sub(r"\s+", " ", said)
    assert "This build has no code for this GPU (compute capability 12.0)." in flat
    assert "torchvision 0.19.0 was built for `pytorch 2.4.0`" in flat
    assert (
        f"Run `conda torch-install -p {venv} pytorch torchvision`, which installs the matching set."
        in flat
    )
    # A command stays on one line, however long the path of the environment is.
    assert all(len(line) <= 80 or str(venv) in line for line in said.splitlines())


def test_without_a_gpu_the_step_keeps_the_cuda_of_the_build(run_conda: Conda, venv: Path) -> None:
    """As on a login node: builds for the CPU would be chosen there."""
    for entry in BROKEN:
        record(venv, *entry)
    flat = re.sub(r"\s+", " ", health(run_conda, venv))
    assert (
        f"Run `conda torch-install -p {venv} pytorch torchvision --cuda 12.1`, which installs"
        in flat
    )
    fixed = inspect_records(str(venv))
    assert fixed.keep == " --cuda 12.1"


def test_doctor_says_that_all_is_well(run_conda: Conda, venv: Path) -> None:
    for entry in (CUDA_BUILD, VISION):
        record(venv, *entry)
    said = health(run_conda, venv, CONDA_OVERRIDE_CUDA="12.4", CONDA_OVERRIDE_CUDA_ARCH="8.6")
    assert "PyTorch 2.3.1 (py3.11_cuda12.1_cudnn8.9.2_0) fits this machine" in said


def test_an_environment_as_it_is_left_by_an_installation_is_well(
    run_conda: Conda, venv: Path
) -> None:
    # That a later update may break it is advice, not a fault.
    for entry in (CUDA_BUILD, VISION, ("mkl", "2023.1.0", "0")):
        record(venv, *entry)
    said = health(run_conda, venv, CONDA_OVERRIDE_CUDA="12.4", CONDA_OVERRIDE_CUDA_ARCH="8.6")
    assert "fits this machine" in said
    assert "has problems" not in said
    assert "Add the line `mkl<2024.1` to conda-meta/pinned" in " ".join(said.split())


def test_doctor_has_nothing_to_say_without_torch(run_conda: Conda, venv: Path) -> None:
    assert health(run_conda, venv) == ""


@needs_compiler
def test_doctor_knows_the_driver(
    run_conda: Conda, venv: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    libraries = build(tmp_path_factory.mktemp("driver"))
    record(venv, *CUDA_BUILD)
    env = {**variables(libraries, [Card("Tesla K80", 37)]), "CONDA_OVERRIDE_CUDA": None}
    said = health(run_conda, venv, "-v", **env)
    assert "compute capability 3.7" in re.sub(r"\s+", " ", said)
    assert "GPUs: Tesla K80 (3.7)" in said


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "✅"), ("gbk", "OK:"), ("cp437", "OK:")])
def test_marks_that_a_console_cannot_show_are_words(
    monkeypatch: pytest.MonkeyPatch, encoding: str, mark: str
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert health_check._mark(health_check.FINE) == mark


fixes = pytest.mark.skipif(
    not hasattr(CondaHealthCheck, "fixer"), reason="this conda's health checks mend nothing"
)
CPU = "pytorch=2.3.1=py3.11_cpu_0"
#: A GPU, and no trial of the packages of these tests, which hold no torch.
WITH_GPU = {
    "CONDA_OVERRIDE_CUDA": "12.4",
    "CONDA_OVERRIDE_CUDA_ARCH": "8.6",
    "CONDA_PLUGINS_TORCHMIRROR_CHECK": "false",
}


@fixes
def test_the_fix_is_torch_install_after_asking(
    run_conda: Conda, env_of: Callable[..., Path]
) -> None:
    prefix = env_of("python=3.11", f"pytorch::{CPU}")
    words = ("doctor", "pytorch", "--fix", "-p", prefix)
    before = installed(prefix)
    assert "cpu" in before["pytorch"]
    for answers, dry in (("", ("--dry-run",)), ("n\n", ()), ("y\nn\n", ())):
        done = run_conda(*words, *dry, input=answers, env=WITH_GPU)
        assert "Error running fix" not in done.stderr
        assert f"`conda torch-install -p {prefix} pytorch` puts a PyTorch that fits" in done.words
        assert installed(prefix) == before
    done = run_conda(*words, input="y\ny\n", env=WITH_GPU).ok()
    assert "Run it (y/[n])?" in done.stdout
    assert "Proceed ([y]/n)?" in done.stdout
    assert "_cuda" in installed(prefix)["pytorch"]
    assert "torchaudio" not in installed(prefix)  # nothing that was not there
    again = run_conda(*words, env=WITH_GPU).ok()
    assert "There is nothing wrong with PyTorch here" in again.words


@fixes
def test_yes_beforehand_is_yes_to_both_questions(
    run_conda: Conda, env_of: Callable[..., Path]
) -> None:
    prefix = env_of("python=3.11", f"pytorch::{CPU}")
    done = run_conda("doctor", "pytorch", "--fix", "--yes", "-p", prefix, env=WITH_GPU).ok()
    assert "?" not in done.stdout
    assert "_cuda" in installed(prefix)["pytorch"]


@fixes
@pytest.mark.parametrize(
    "records",
    [
        pytest.param([], id="no PyTorch"),
        pytest.param([CPU_BUILD, ("cpuonly", "2.0", "0")], id="something to remove first"),
    ],
)
def test_what_torch_install_does_not_mend_is_not_asked_about(
    run_conda: Conda, venv: Path, records: list[tuple[str, ...]]
) -> None:
    for entry in records:
        record(venv, *entry)
    done = run_conda("doctor", "pytorch", "--fix", "-p", venv, env=WITH_GPU).ok()
    assert (
        "There is nothing wrong with PyTorch here that `conda torch-install` mends." in done.words
    )
    assert "?" not in done.stdout


@fixes
def test_the_list_of_checks_names_the_fix(run_conda: Conda) -> None:
    listed = run_conda("doctor", "--list").ok().words
    assert "(fix: Run conda torch-install in the environment)" in listed
