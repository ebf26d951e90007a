"""What a login node without a driver is told of a request for another CUDA than the environment's:
its CUDA stands in for a driver's, in what is offered too."""

from __future__ import annotations

import shlex

import pytest
from support.torches import record

pytest_plugins = ("support.auto_fixtures",)

NODE = ("torch-install", "-d", "--json", "-n", "new")
BUILD = "pytorch=2.5.1=py3.12_cuda12.1_cudnn9.1.0_0"
OWN = "py3.12_cuda11.8_cudnn9.1.0_0"


@pytest.fixture
def node(sandbox, at_both, conda_in_process, monkeypatch):
    """`node(*words)`: the refusal in an environment with a torch for CUDA 11.8."""
    prefix = sandbox.envs / "new"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta" / "history").touch()
    record(prefix, "pytorch", "2.5.1", OWN, channel="pytorch")
    record(prefix, "pytorch-cuda", "11.8", "h_0", channel="pytorch")
    record(prefix, "python", "3.12.4", "h0_0", channel="conda-forge")
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA", raising=False)
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", "")

    def run(*words):
        return conda_in_process(*NODE, *words).json()["guidance"]

    return run


def hints(found):
    return {hint["hint_code"]: hint["text"] for hint in found["hints"]}


@pytest.mark.parametrize("word", ["pytorch-cuda=12.1", "pytorch-cuda=12.4", "cuda-version=12.9"])
def test_without_the_word_it_is_the_cuda_of_the_environment(node, conda_in_process, word):
    """It was told to be a build for the CPU."""
    told = hints(node("pytorch", word))
    assert "drop_cuda_cpu" not in told
    assert told["drop_cuda"] == f"leave `{word}` out: pytorch 2.5.1 with CUDA 11.8 fits"
    found = conda_in_process(*NODE, "pytorch").ok().json()["torchmirror"]
    assert found["selected"]["cuda"] == "11.8"


def test_another_build_of_the_release_is_that_of_the_environment(node, conda_in_process):
    """The one for the CPU was named, and no way to the CUDA that was asked for."""
    told = hints(node(BUILD))
    assert f"here it is pytorch=2.5.1={OWN}" in told["open_build"]
    step = shlex.split(told["name_cuda"].split("`")[1])
    assert step == ["--cuda", "12.1"]
    found = conda_in_process(*NODE, BUILD, *step).ok().json()["torchmirror"]
    assert found["specs"][0] == BUILD
    found = conda_in_process(*NODE, "pytorch=2.5.1").ok().json()["torchmirror"]
    assert found["specs"][0] == f"pytorch=2.5.1={OWN}"


def test_the_cause_is_the_environment(node):
    """It was said to be the driver, of which there is none."""
    found = node("pytorch==2.8")
    assert "builds for CUDA 12.9 are above the environment's 11.8" in found["cause"]
    assert "driver" not in found["cause"]


def test_a_build_for_a_cuda_is_had_without_an_environment_too(
    at_both, conda_in_process, monkeypatch
):
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "")
    told = hints(conda_in_process(*NODE, BUILD).json()["guidance"])
    assert "here it is pytorch=2.5.1=py3.12_cpu_0" in told["open_build"]
    assert told["name_cuda"].startswith("`--cuda 12.1`")
