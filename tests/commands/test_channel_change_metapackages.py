"""A metapackage or a toolkit in the environment, where a set comes that it does not go with."""

from __future__ import annotations

import pytest
from support.change_fixtures import FORGE
from support.prefixes import history, installed

pytest_plugins = ("support.change_fixtures",)

ENV = ("create", "python=3.12", "pytorch-gpu=2.8")


@pytest.fixture
def driver(monkeypatch):
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.9")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", "8.9")


@pytest.mark.parametrize("along", [(), ("torchvision",)], ids=["alone", "torchvision"])
def test_the_one_for_cuda_gives_way_to_the_cpu(
    driver, env_with, conda_in_process, monkeypatch, along
):
    """It was told to be left out, where nobody had named it."""
    prefix = env_with(*ENV, *along)
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "")
    words = ("torch-install", "-y", "-p", prefix, "--cuda", "cpu", "pytorch", *along)
    result = conda_in_process(*words).ok()
    found = installed(prefix)
    assert "cpu_mkl" in found["pytorch"]
    assert "pytorch-gpu" not in found
    assert "pytorch-gpu 2.8.0 goes with no build of this set" in result.words
    assert "'pytorch-gpu'" in history(prefix).rpartition("# remove specs: ")[2]
    again = conda_in_process(*words).ok()
    assert "All requested packages already installed" in again.stdout


def test_the_one_for_the_cpu_gives_way_to_cuda(driver, env_with, conda_in_process):
    prefix = env_with("create", "python=3.12", "pytorch-cpu=2.8")
    result = conda_in_process(*FORGE, "-y", "-p", prefix, "pytorch").ok()
    found = installed(prefix)
    assert "cuda129" in found["pytorch"]
    assert "pytorch-cpu" not in found
    assert "pytorch-cpu 2.8.0 keeps the environment on CPU builds" in result.words


def test_it_gives_way_to_a_release_that_has_none(driver, env_with, conda_in_process):
    prefix = env_with(*ENV)
    conda_in_process(*FORGE, "-y", "-p", prefix, "pytorch=2.5.1").ok()
    found = installed(prefix)
    assert found["pytorch"].startswith("2.5.1=cuda126")
    assert "pytorch-gpu" not in found


def test_it_stays_where_it_goes_with_the_set(driver, env_with, conda_in_process):
    prefix = env_with(*ENV)
    conda_in_process(*FORGE, "-y", "-p", prefix, "pytorch", "torchvision").ok()
    found = installed(prefix)
    assert "torchvision" in found
    assert found["pytorch-gpu"].startswith("2.8.0=cuda129")


def test_a_toolkit_of_cuda_11_gives_way_to_cuda_12(driver, env_with, conda_in_process):
    """It was asked for once, as guides had it, and the upgrade ended in conda's conflicts."""
    prefix = env_with("create", "python=3.12", "pytorch=2.5.1=cuda118*", "cudatoolkit=11.8")
    words = ("torch-install", "--source", "conda-forge", "-y", "-p", prefix, "pytorch")
    result = conda_in_process(*words).ok()
    found = installed(prefix)
    assert found["pytorch"].startswith("2.8.0=cuda129")
    assert "cudatoolkit" not in found
    assert "cudatoolkit 11.8.0 goes with no build of this set" in result.words
    assert "# remove specs: ['cudatoolkit']" in history(prefix)


@pytest.mark.parametrize("asked", [(), ("cudatoolkit=11.8",)], ids=["along", "asked"])
def test_what_needs_the_set_stays_where_a_toolkit_leaves(driver, env_with, conda_in_process, asked):
    """The old set needs the toolkit, and conda removes with a package all that need it."""
    old = ("python=3.12", "pytorch=2.5.1=cuda118*", "lightning", *asked)
    prefix = env_with("create", *old)
    words = ("torch-install", "--source", "conda-forge", "-y", "-p", prefix, "pytorch")
    conda_in_process(*words).ok()
    found = installed(prefix)
    assert found["pytorch"].startswith("2.8.0=cuda129")
    assert {"lightning", "torchmetrics"} <= {*found}
    assert "cudatoolkit" not in found


@pytest.mark.parametrize("asked", [(), ("cudatoolkit=11.8",)], ids=["along", "asked"])
def test_what_needs_a_toolkit_is_not_removed_with_it(driver, env_with, conda_in_process, asked):
    prefix = env_with("create", "python=3.12", "pytorch=2.5.1=cuda118*", "cupy", *asked)
    before = installed(prefix)
    words = ("torch-install", "--source", "conda-forge", "-y", "-p", prefix, "pytorch")
    assert conda_in_process(*words).rc == 1
    assert installed(prefix) == before


def test_a_toolkit_stays_with_its_cuda(driver, env_with, conda_in_process):
    prefix = env_with("create", "python=3.12", "pytorch=2.5.1=cuda118*", "cudatoolkit=11.8")
    words = ("torch-install", "--source", "conda-forge", "-y", "-p", prefix)
    conda_in_process(*words, "pytorch=2.5.1=cuda118*").ok()
    assert "cudatoolkit" in installed(prefix)


@pytest.mark.parametrize(
    ("words", "leaves"), [(("--cuda", "cpu"), True), ((), False)], ids=["CPU", "CUDA"]
)
def test_a_sample_proves_the_kind_alone(driver, env_with, condarc, conda_in_process, words, leaves):
    """That the built-in index has no metapackage for a release says nothing of the channel."""
    prefix = env_with(*ENV)
    condarc(channels=["conda-forge"])
    line = ("torch-install", "-d", "--offline", "--json", "-p", prefix, "pytorch=2.6", *words)
    ours = conda_in_process(*line).ok().json()["torchmirror"]
    codes = {warning["code"] for warning in ours["warnings"]}
    assert ("metapackage_removed" in codes) is leaves


def test_a_runtime_package_gives_way_to_a_release_before_it(driver, env_with, conda_in_process):
    """It stayed, as the official command had asked for it, with a `cuda-version` that excludes the
    toolkit of the older release: that ended in conda's conflicts."""
    of = ("create", "-c", "pytorch", "-c", "nvidia", "python=3.10")
    prefix = env_with(*of, "pytorch::pytorch=1.13.1", "pytorch::torchvision", "pytorch-cuda=11.7")
    result = conda_in_process("torch-install", "-y", "-p", prefix, "pytorch=1.12.1").ok()
    found = installed(prefix)
    assert found["pytorch"] == "1.12.1=py3.10_cuda11.6_cudnn8.3.2_0"
    assert found["torchvision"] == "0.13.1=py310_cu116"
    assert found["cudatoolkit"].startswith("11.6.")
    assert not {"pytorch-cuda", "cuda-libraries", "cuda-cudart", "libcublas"} & {*found}
    assert "pytorch-cuda 11.7 goes with no build of this set" in result.words
    # And back.
    conda_in_process("torch-install", "-y", "-p", prefix, "pytorch=1.13.1").ok()
    assert installed(prefix)["pytorch-cuda"].startswith("11.7=")
