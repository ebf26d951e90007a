"""Packages of a CUDA toolkit that are named beside PyTorch: the set is for the same CUDA."""

from __future__ import annotations

import pytest
from support.auto_fixtures import codes, cuda

pytest_plugins = ("support.auto_fixtures",)

DRIVER = cuda("12.9", "8.6")


@pytest.mark.parametrize(
    ("words", "release", "of_set", "pin"),
    [
        (("cuda-nvcc=12.4",), "2.5.1", "12.4", None),
        (("cuda-nvcc=12.4.131", "cuda-cudart-dev=12.4"), "2.5.1", "12.4", None),
        (("cuda-nvcc_linux-64=12.4",), "2.5.1", "12.4", None),
        (("cuda-minimal-build=12.1", "-c", "nvidia"), "2.5.1", "12.1", None),
        (("nvidia::cuda-nvcc=11.8", "-c", "nvidia"), "2.5.1", "11.8", None),
        (("cudatoolkit-dev=11.7", "--source", "pytorch"), "2.0.1", "11.7", None),
        # A build of conda-forge for a lower minor runs with the later one, which has to be pinned.
        (("cuda-nvcc=12.8",), "2.7.1", "12.6", "cuda-version=12.8"),
        (("cuda-nvcc=12.9",), "2.13.0", "12.9", "cuda-version=12.9"),
    ],
)
def test_a_set_is_chosen_that_runs_with_it(preview_auto, words, release, of_set, pin):
    """Of conda-forge the compiler of another CUDA has no solution with the newest build."""
    found = preview_auto("pytorch", *words, **DRIVER)
    assert found["selected"]["builds"][0]["version"] == release
    assert found["selected"]["cuda"] == of_set
    assert pin is None or pin in found["pins"]
    assert "toolkit_beside" in codes(found)


@pytest.mark.parametrize(
    ("words", "release", "of_set", "source"),
    [
        (("cuda-nvcc=12.0",), "2.5.1", "12.0", "conda-forge"),
        (("cuda-nvcc=12.1",), "2.5.1", "12.1", "pytorch"),
        # Of the old releases the built-in index has none of conda-forge.
        (("cuda-nvcc=11.3", "--offline"), "1.12.1", "11.3", "pytorch"),
        (("cudatoolkit-dev=11.3",), "2.1.2", "11.2", "conda-forge"),
    ],
)
def test_the_source_is_one_with_a_set_that_runs_with_it(
    preview_auto, words, release, of_set, source
):
    """Only then the newest release decides."""
    found = preview_auto("pytorch", *words, **DRIVER)
    assert found["selected"]["builds"][0]["version"] == release
    assert found["selected"]["cuda"] == of_set
    assert found["selected"]["source"] == source
    assert "toolkit_beside" in codes(found)


@pytest.mark.parametrize(
    ("words", "release", "of_set"),
    [
        (("pytorch", "cuda-nvcc"), "2.13.0", "12.9"),
        (("pytorch", "cuda-nvcc=12"), "2.13.0", "12.9"),
        (("pytorch=2.13", "cuda-nvcc=11.8"), "2.13.0", "12.9"),
        (("pytorch", "pytorch-cuda=12.1", "cuda-nvcc=12.4"), "2.5.1", "12.1"),
        (("pytorch", "cuda-nvcc=12.4", "--cuda", "cpu"), "2.13.0", None),
    ],
)
def test_it_is_a_wish(preview_auto, words, release, of_set):
    """Where nothing is for it, or what names a CUDA by itself is named, it is only the solver's."""
    found = preview_auto(*words, **DRIVER)
    assert found["selected"]["builds"][0]["version"] == release
    assert found["selected"]["cuda"] == of_set
    assert "toolkit_beside" not in codes(found)


def test_a_release_that_is_passed_over_for_it_is_told_so(at_both, conda_in_process, monkeypatch):
    for name, value in DRIVER.items():
        monkeypatch.setenv(name, value)
    words = ("-d", "-n", "new", "pytorch", "cuda-nvcc=12.4")
    said = conda_in_process("torch-install", *words).ok().words
    assert "`cuda-nvcc=12.4` keeps builds for CUDA 12.9, 13.0 out" in said
    assert "a build that runs with the CUDA of `cuda-nvcc=12.4` is chosen" in said
