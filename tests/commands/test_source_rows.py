"""The rows of the decision table that install: `auto` chooses what a real solver takes.

conda-forge's builds are its real records and stubs of its matrices, the channel pytorch's those of
the built-in index. The expected values are typed by hand.
"""

from __future__ import annotations

from typing import Any

import pytest
from support import rows_channel

FORGE, CHANNEL = "conda-forge", "pytorch"


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """The channels by platform, as far as they were asked for."""
    return {}


@pytest.fixture
def at_rows(roots, tmp_path_factory, make_mirror, condarc):
    """`at_rows(subdir, **settings)`: an rc file that leads every channel there."""

    def make(subdir: str, **settings: Any):
        if subdir not in roots:
            roots[subdir] = rows_channel.build(tmp_path_factory.mktemp(subdir), subdir)
        cloud = dict.fromkeys(rows_channel.CHANNELS, "anaconda/cloud")
        server = make_mirror(roots[subdir], cloud)
        channels = {"custom_channels": server.custom_channels(), "channels": [FORGE]}
        condarc(**channels, **settings)
        return server

    return make


def driver(cuda: str, arch: str = "", **more: str) -> dict[str, str]:
    """As where a driver runs this CUDA, on a GPU of this compute capability."""
    return {"CONDA_OVERRIDE_CUDA": cuda, "CONDA_OVERRIDE_CUDA_ARCH": arch, **more}


NO_GPU = driver("")
MAC = {"CONDA_OVERRIDE_OSX": "14.5"}
#: Words of the row, subdir, environment, source, and of what is installed the version, where that
#: is telling the beginning of the build too.
ROWS = (
    pytest.param(
        *((), "linux-64", driver("13.0", "8.9"), FORGE),
        {"pytorch": "2.13.0=cuda130_mkl_", "torchvision": "0.28.0=", "cuda-version": "13.0="},
        id="1 RTX 4090",
    ),
    pytest.param(
        *((), "linux-64", driver("12.9", "8.9"), FORGE),
        {"pytorch": "2.13.0=cuda129_mkl_", "torchvision": "0.28.0=", "cuda-version": "12.9="},
        id="2 within the driver",
    ),
    pytest.param(
        *((), "linux-64", driver("12.4", "8.6"), FORGE),
        {"pytorch": "2.13.0=cuda129_mkl_", "torchvision": "0.28.0=", "cuda-version": "12.9="},
        id="3 minor-version compatibility",
    ),
    pytest.param(
        *(("--cuda-compat", "strict"), "linux-64", driver("12.4", "8.6"), CHANNEL),
        {"pytorch": "2.5.1=py3.12_cuda12.4_cudnn9", "pytorch-cuda": "12.4="},
        id="4 strict",
    ),
    pytest.param(
        *((), "linux-64", driver("11.8", "8.6"), CHANNEL),
        {"pytorch": "2.5.1=py3.12_cuda11.8_cudnn9", "pytorch-cuda": "11.8="},
        id="5 CUDA 11",
    ),
    pytest.param(
        *((), "linux-64", driver("13.0", "7.0"), FORGE),
        {"pytorch": "2.13.0=cuda129_mkl_", "cuda-version": "12.9=", "libcudnn": "9.10.2.21="},
        id="6 V100",
    ),
    pytest.param(
        *((), "linux-64", driver("12.9", "6.1"), FORGE),
        {"pytorch": "2.13.0=cuda129_mkl_", "cuda-version": "12.9=", "libcudnn": "9.10.2.21="},
        id="7 GTX 1080",
    ),
    pytest.param(
        *((), "linux-64", driver("11.4", "3.7"), CHANNEL),
        {"pytorch": "2.3.1=py3.12_cuda11.8_cudnn8", "pytorch-cuda": "11.8="},
        id="8 K80",
    ),
    pytest.param(
        *((), "linux-64", driver("13.0", "12.0"), FORGE),
        {"pytorch": "2.13.0=cuda130_mkl_", "torchvision": "0.28.0=", "cuda-version": "13.0="},
        id="9 RTX 5090",
    ),
    pytest.param(
        *((), "linux-64", NO_GPU, FORGE),
        {"pytorch": "2.13.0=cpu_mkl_", "torchvision": "0.28.0=cpu_"},
        id="11 no GPU",
    ),
    pytest.param(
        *(("pytorch=2.3.1",), "linux-64", driver("12.9", "8.9"), CHANNEL),
        {"pytorch": "2.3.1=py3.12_cuda12.1_cudnn8", "pytorch-cuda": "12.1="},
        id="12 named",
    ),
    pytest.param(
        *(("--python", "3.13"), "linux-64", driver("12.9", "8.9"), FORGE),
        {"pytorch": "2.13.0=cuda129_mkl_py313_", "python": "3.13."},
        id="13 Python 3.13",
    ),
    pytest.param(
        *(("--python", "3.9"), "linux-64", driver("12.9", "8.9"), FORGE),
        {"pytorch": "2.7.1=cuda129_mkl_py39_", "python": "3.9.", "torchvision": "0.22.0="},
        id="14 Python 3.9",
    ),
    pytest.param(
        *(("--python", "3.8"), "linux-64", driver("12.9", "8.9"), CHANNEL),
        {"pytorch": "2.4.1=py3.8_cuda12.4_cudnn9", "python": "3.8."},
        id="15 Python 3.8",
    ),
    pytest.param(
        *(("pytorch", "torchaudio"), "linux-64", driver("12.9", "8.9"), FORGE),
        {"pytorch": "2.10.0=cuda129_mkl_", "torchaudio": "2.10.0="},
        id="16 torchaudio",
    ),
    pytest.param(
        *((), "win-64", driver("12.8", "8.9"), FORGE),
        {"pytorch": "2.13.0=cuda128_mkl_", "torchvision": "0.28.0=cuda128_"},
        id="17 Windows",
    ),
    pytest.param(
        *(("pytorch", "torchaudio"), "win-64", driver("12.8", "8.9"), CHANNEL),
        {"pytorch": "2.5.1=py3.12_cuda12.4_cudnn9", "torchaudio": "2.5.1="},
        id="18 Windows, torchaudio",
    ),
    pytest.param(
        *((), "win-64", driver("12.6", "8.9"), FORGE),
        {"pytorch": "2.13.0=cuda128_mkl_", "torchvision": "0.28.0=cuda128_"},
        id="19 Windows, minor-version compatibility",
    ),
    pytest.param(
        *((), "osx-arm64", MAC, FORGE),
        {"pytorch": "2.13.0=cpu_generic_", "torchvision": "0.28.0=cpu_"},
        id="20 macOS 14",
    ),
    pytest.param(
        *((), "osx-arm64", {"CONDA_OVERRIDE_OSX": "11.7"}, FORGE),
        {"pytorch": "2.12.1=cpu_generic_", "torchvision": "0.27.1=cpu_"},
        id="20 macOS 11",
    ),
    pytest.param(
        *((), "osx-64", MAC, FORGE),
        {"pytorch": "2.13.0=cpu_mkl_", "torchvision": "0.28.0=cpu_"},
        id="21 Intel Mac",
    ),
    pytest.param(
        *((), "linux-aarch64", driver("13.0", "12.1", CONDA_OVERRIDE_GLIBC="2.39"), FORGE),
        {"pytorch": "2.13.0=cuda130_", "cuda-version": "13.0="},
        id="22 DGX Spark",
    ),
    pytest.param(
        *(("pytorch",), "linux-aarch64"),
        *(driver("12.6", "8.7", CONDA_OVERRIDE_GLIBC="2.35"), FORGE),
        {"pytorch": "2.13.0=cuda129_", "cuda-version": "12.9="},
        id="23 Jetson Orin",
    ),
    pytest.param(
        *((), "linux-64", driver("13.0", "8.0", CONDA_OVERRIDE_GLIBC="2.17"), CHANNEL),
        {"pytorch": "2.5.1=py3.12_cuda12.4_cudnn9", "pytorch-cuda": "12.4="},
        id="24 CentOS 7",
    ),
    pytest.param(
        *(("--cuda", "12.9"), "linux-64", {}, FORGE),
        {"pytorch": "2.13.0=cuda129_mkl_", "cuda-version": "12.9="},
        id="27 login node",
    ),
)


@pytest.mark.parametrize(("words", "subdir", "env", "source", "expected"), ROWS)
def test_a_row_is_solved_as_it_is_chosen(at_rows, run_conda, words, subdir, env, source, expected):
    at_rows(subdir)
    asked = ("-d", "--solve", "--json", "-n", "new", "--platform", subdir)
    done = run_conda("torch-install", *asked, *words, env=env).ok().json()
    ours = done["torchmirror"]
    assert ours["selected"]["source"] == source
    linked = {p["name"]: f"{p['version']}={p['build_string']}" for p in done["actions"]["LINK"]}
    for build in ours["selected"]["builds"]:
        assert linked[build["name"]] == f"{build['version']}={build['build']}"
    found = {name: linked[name][: len(start)] for name, start in expected.items()}
    assert found == expected
