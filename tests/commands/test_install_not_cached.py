"""Offline, with conda's index of a channel and without the packages: on a node without a network
whose cache another run has filled in part."""

from __future__ import annotations

import pytest
from conda.exceptions import PackagesNotFoundError
from packaging.version import Version
from support.condas import VERSION, of_old_conda

from conda_torchmirror.exceptions.channel import PackagesNotCached

pytest_plugins = ("support.change_fixtures",)

BUILD = "pytorch-2.8.0-cuda129_mkl_py312_had1c889_302"
WORDS = (
    *("torch-install", "-n", "new", "--source", "conda-forge", "--python", "3.12"),
    *("--no-check", "pytorch", "--yes"),
)


@pytest.fixture(autouse=True)
def read_before(at_server, conda_in_process, monkeypatch):
    """The index was read, and no package fetched."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.9")
    conda_in_process(*WORDS, "--dry-run", "--solve").ok()


def test_packages_that_are_not_in_the_cache_are_named_as_that(conda_in_process, sandbox):
    """Conda says that no channel has them, or for each that it does not fetch it."""
    done = conda_in_process(*WORDS, "--offline")
    assert isinstance(done.error, PackagesNotCached)
    assert "pytorch" in str(done.error)
    assert not (sandbox.envs / "new" / "conda-meta").exists()


@of_old_conda  # newer ones solve, and fetch nothing for this
@pytest.mark.parametrize("words", [("--save-plan", "plan"), ("--print", "explicit")])
def test_where_only_conda_solves_too(conda_in_process, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    done = conda_in_process(*WORDS, "--offline", *words)
    assert isinstance(done.error, PackagesNotCached)


@pytest.mark.parametrize("spec", ["nosuchpkg", "nosuchpkg==1.0"])
def test_what_no_channel_has_is_not_told_as_what_the_cache_lacks(conda_in_process, spec):
    """Conda 24.7 reads no index then, and cannot tell: each that it does not find is named."""
    done = conda_in_process("torch-install", "pytorch", spec, *WORDS[1:-2], "-y", "--offline")
    assert isinstance(done.error, PackagesNotFoundError | PackagesNotCached)
    assert spec in str(done.error)
    assert isinstance(done.error, PackagesNotCached) is (Version("26.1") > VERSION)
    assert ("pytorch=" in done.stderr) is (Version("26.1") > VERSION)


@of_old_conda
def test_what_a_word_beside_them_looks_like(conda_in_process, tmp_path):
    """The folder was named as a package."""
    done = conda_in_process(*WORDS[:1], "-p", tmp_path / "a=b=c", *WORDS[3:], "--offline")
    assert isinstance(done.error, PackagesNotCached)
    assert "a=b=c" not in done.stderr


def test_in_json_too(conda_in_process):
    found = conda_in_process(*WORDS, "--offline", "--json").json()
    assert found["exception_name"] == "PackagesNotCached"
    assert found["guidance"]["hints"][-1]["hint_code"] == "bring_packages"


def test_what_is_in_the_cache_is_installed_offline(conda_in_process, sandbox):
    conda_in_process(*WORDS, "--download-only").ok()
    conda_in_process(*WORDS, "--offline").ok()
    assert (sandbox.envs / "new" / "conda-meta" / f"{BUILD}.json").exists()
