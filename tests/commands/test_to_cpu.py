"""Builds for the CPU in the place of those for CUDA: what only these needed leaves."""

from __future__ import annotations

import json

import pytest
from support.change_fixtures import FORGE
from support.prefixes import history, installed

pytest_plugins = ("support.change_fixtures",)

OFFICIAL = (
    *("create", "-c", "pytorch", "-c", "nvidia", "python=3.10"),
    *("pytorch::pytorch=2.1.0", "pytorch::torchvision", "pytorch-cuda=12.1"),
)
OF_FORGE = (*FORGE, "--python", "3.12", "--no-check", "pytorch=2.8")
TO_CPU = ("torch-install", "--no-check", "-y", "--cuda", "cpu", "pytorch")
OF_CUDA = {"pytorch-cuda", "cuda-version", "cuda-libraries", "libcublas", "torchtriton"}


@pytest.mark.parametrize("words", [("--cuda", "cpu", "pytorch"), ("cpuonly",)])
def test_pytorch_cuda_leaves_with_what_it_brought(env_with, conda_in_process, words):
    """It stayed, as the official command had asked for it, with gigabytes that nothing needed."""
    prefix = env_with(*OFFICIAL, "lightning")
    before = installed(prefix)
    assert before.keys() >= OF_CUDA
    asked = ("torch-install", "--no-check", "-p", prefix, *words)
    shown = conda_in_process(*asked, "-d", "--json").ok().json()["torchmirror"]
    done = conda_in_process(*asked, "-y").ok()
    assert "no build for the CPU needs pytorch-cuda 12.1, which leaves" in done.words
    assert f"so do {len(shown['removed']) - 1} packages that came along with it" in done.words
    found = installed(prefix)
    assert before.keys() - found.keys() == {*shown["removed"]}
    assert not found.keys() & OF_CUDA
    assert found["pytorch"] == "2.1.0=py3.10_cpu_0"
    # The rest is as it was.
    for name in ("lightning", "torchmetrics", "ffmpeg", "python"):
        assert found[name] == before[name]
    assert "inconsistent" not in done.stderr
    assert "'pytorch-cuda'" in history(prefix).rpartition("# remove specs: ")[2]
    again = conda_in_process(*asked, "-y").ok()
    assert "All requested packages already installed" in again.stdout
    assert "no build for the CPU" not in again.words
    back = ("torch-install", "--no-check", "-y", "-p", prefix, "pytorch=2.1.0", "--cuda", "12.1")
    conda_in_process(*back).ok()
    assert installed(prefix).keys() >= OF_CUDA


def test_so_does_what_cuda_of_conda_forge_is(env_with, conda_in_process):
    prefix = env_with(*OF_FORGE, "lightning")
    before = installed(prefix)
    done = conda_in_process(*TO_CPU, "-p", prefix).ok()
    assert "2 packages that only the former build for CUDA needed leave" in done.words
    found = installed(prefix)
    assert before.keys() - found.keys() == {"cuda-version", "cudnn"}
    assert found["pytorch"].startswith("2.8.0=cpu_mkl")
    assert found["lightning"] == before["lightning"]


def test_without_dependencies_nothing_else_leaves(env_with, conda_in_process):
    prefix = env_with(*OF_FORGE)
    done = conda_in_process(*TO_CPU, "-p", prefix, "--no-deps").ok()
    assert "former build" not in done.words
    assert installed(prefix).keys() >= {"cuda-version", "cudnn"}


def test_what_was_asked_for_stays(env_with, conda_in_process):
    prefix = env_with(*OFFICIAL, "cuda-nvrtc", "libcublas")
    conda_in_process(*TO_CPU, "-p", prefix).ok()
    assert installed(prefix).keys() & {*OF_CUDA, "cuda-nvrtc"} == {"cuda-nvrtc", "libcublas"}


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (("cudnn",), {"cudnn", "cuda-version"}),
        (("cuda-version",), {"cuda-version"}),
        (("-f", "environment.yml"), {"cudnn", "cuda-version"}),
    ],
)
def test_what_is_asked_for_now_stays(
    env_with, conda_in_process, tmp_path, monkeypatch, words, left
):
    """It came along, is named in the same command, and left."""
    monkeypatch.chdir(tmp_path)
    lines = "channels: [conda-forge]\ndependencies: [pytorch, cudnn]\n"
    (tmp_path / "environment.yml").write_text(lines)
    prefix = env_with(*OF_FORGE)
    conda_in_process(
        *TO_CPU[:5], *([] if "-f" in words else ["pytorch"]), *words, "-p", prefix
    ).ok()
    found = installed(prefix)
    assert found["pytorch"].startswith("2.8.0=cpu_mkl")
    assert found.keys() & {"cudnn", "cuda-version"} == left


def test_a_toolkit_that_was_asked_for_stays_and_is_told(env_with, conda_in_process):
    """Other packages use it without saying so. One that came along leaves."""
    of = ("create", "-c", "pytorch", "python=3.10", "pytorch::pytorch=1.12.1=*cuda11.3*")
    prefix = env_with(*of, "cudatoolkit=11.3")
    done = conda_in_process(*TO_CPU, "-p", prefix).ok()
    assert "cudatoolkit 11.3.1 was asked for and stays" in done.words
    assert "cudatoolkit" in installed(prefix)
    command = f"conda remove --force -p {prefix} cudatoolkit"
    assert f"`{command}`" in done.words
    conda_in_process(*command.split()[1:], "-y").ok()
    assert installed(prefix)["pytorch"] == "2.1.0=py3.10_cpu_0"
    assert "cudatoolkit" not in conda_in_process(*TO_CPU, "-p", prefix).ok().stdout


def test_a_toolkit_that_came_along_leaves(env_with, conda_in_process):
    of = ("create", "-c", "pytorch", "python=3.10", "pytorch::pytorch=1.12.1=*cuda11.3*")
    prefix = env_with(*of)
    done = conda_in_process(*TO_CPU, "-p", prefix).ok()
    assert "1 package that only the former build for CUDA needed leaves" in done.words
    assert "cudatoolkit" not in installed(prefix)


def test_what_another_package_needs_stays(env_with, conda_in_process):
    of = ("create", "-c", "pytorch", "python=3.10", "pytorch::pytorch=1.12.1=*cuda11.6*")
    prefix = env_with(*of)
    record = {"name": "cupy", "version": "1", "build": "0", "build_number": 0, "files": []}
    record |= {"channel": "https://conda.anaconda.org/conda-forge/linux-64", "subdir": "linux-64"}
    record |= {"fn": "cupy-1-0.tar.bz2", "url": f"{record['channel']}/cupy-1-0.tar.bz2"}
    record["depends"] = ["cudatoolkit 11.*"]
    (prefix / "conda-meta" / "cupy-1-0.json").write_text(json.dumps(record))
    done = conda_in_process(*TO_CPU, "-p", prefix).ok()
    assert "only the former build" not in done.words
    assert installed(prefix).keys() >= {"cupy", "cudatoolkit"}


def test_where_only_no_driver_is_found_it_stays(env_with, conda_in_process):
    """The environment may be for another machine."""
    prefix = env_with(*OFFICIAL)
    words = ("torch-install", "--no-check", "-y", "-p", prefix, "pytorch")
    conda_in_process(*words).ok()
    found = installed(prefix)
    assert found["pytorch"] == "2.1.0=py3.10_cpu_0"
    assert found.keys() >= OF_CUDA - {"torchtriton"}


def test_it_leaves_by_a_saved_plan_too(env_with, conda_in_process, tmp_path):
    prefix = env_with(*OFFICIAL)
    conda_in_process(*TO_CPU[:2], *TO_CPU[3:], "-p", prefix, "--save-plan", tmp_path / "plan").ok()
    assert installed(prefix).keys() >= OF_CUDA
    conda_in_process("torch-install", "-y", "-p", prefix, "--plan", tmp_path / "plan").ok()
    assert not installed(prefix).keys() & OF_CUDA
