"""Wheels on a disk that is really full, because something else was faster than the check of it."""

from __future__ import annotations

import os

import pytest
from support.disks import fill, small_disk
from support.files import contents
from support.wheel_commands import CUDA, REST, SET, WHEELS, dists
from support.wheel_fixtures import imported

from conda_torchmirror.exceptions.environment import PipFailed
from conda_torchmirror.exceptions.mirror import CannotWrite

pytest_plugins = ["support.wheel_fixtures"]


@pytest.fixture
def small(tmp_path):
    """A disk of 8 MB."""
    with small_disk(tmp_path / "small", "8m") as folder:
        yield folder


class Filling:
    """Torch's wheel; once it is being downloaded, a disk is full but for so many bytes."""

    def __init__(self, lab, folder, leaving):
        self.folder, self.leaving, self.ballast = folder, leaving, None
        (made,) = (made for made in lab.made["cu126"] if made.project == "torch")
        lab.first.fail(f"*/{made.name.replace('+', '*')}", self)

    def __call__(self, exchange):
        if self.ballast is None and exchange.headers.get("Range", "-").endswith("-"):
            self.ballast = fill(self.folder, self.leaving)
        exchange.serve()


@pytest.mark.parametrize("leaving", [0, 100_000, 205_000], ids=["none", "half", "a-little-more"])
@pytest.mark.parametrize("what", ["install", "download-only"])
def test_the_cache(wheel_lab, lab_env, conda_in_process, small, monkeypatch, what, leaving):
    """No mirror is to blame, nothing changes; with space again the same command ends well."""
    monkeypatch.setenv("CONDA_PKGS_DIRS", str(small / "pkgs"))
    before = contents(lab_env)
    words = (*WHEELS, *CUDA, "-p", lab_env, "-y", "--no-check")
    words = (*words, "--download-only") if what == "download-only" else words
    filling = Filling(wheel_lab, small, leaving)
    error = conda_in_process(*words).error
    assert isinstance(error, CannotWrite)
    assert str(small) in str(error)
    assert "disk is full" in str(error.dump_map())
    assert contents(lab_env) == before
    filling.ballast.unlink()
    conda_in_process(*words).ok()
    if what == "install":
        assert {*SET, *REST} <= dists(lab_env)


def test_the_folder_of_a_plan(wheel_lab, lab_env, conda_in_process, small):
    """No plan without its wheels is left, which somebody could carry to another machine."""
    plan = small / "plan"
    words = (*WHEELS, *CUDA, "-p", lab_env, "--save-plan", plan, "--with-packages")
    filling = Filling(wheel_lab, small, 100_000)
    error = conda_in_process(*words).error
    assert isinstance(error, CannotWrite)
    assert str(plan) in str(error)
    assert not plan.exists()
    filling.ballast.unlink()
    conda_in_process(*words).ok()
    assert {made.name for made in wheel_lab.made["cu126"]} <= set(os.listdir(plan))


def test_a_plan_that_cannot_be_begun(wheel_lab, lab_env, conda_in_process, small):
    fill(small)
    plan = small / "plan"
    error = conda_in_process(*WHEELS, *CUDA, "-p", lab_env, "--save-plan", plan).error
    assert isinstance(error, CannotWrite)
    assert os.listdir(small) == ["ballast"]


def test_an_environment(wheel_lab, conda_in_process, installer, small):
    """The error is told as one of the disk, and the next run completes what is there."""
    prefix = small / "env"
    conda_in_process("create", "-y", "-q", "-p", prefix, "python", "pip").ok()
    words = (*WHEELS, *CUDA, "-p", prefix, "-y", "--no-check")
    filling = Filling(wheel_lab, small, 100_000)
    error = conda_in_process(*words).error
    assert isinstance(error, PipFailed)
    assert "the disk is full: " in str(error.dump_map())
    assert "No space left on device" in str(error.dump_map())
    assert str(prefix) in str(error.dump_map())
    filling.ballast.unlink()
    conda_in_process(*words).ok()
    assert {*SET, *REST} <= dists(prefix)
    assert imported(prefix, "torch", "torchvision", "torchaudio", "numpy")


def test_a_new_environment(wheel_lab, conda_in_process, small):
    """Conda's own part fails: its disk is named, not that of the cache, and nothing is left."""
    prefix = small / "env"
    words = (*WHEELS, *CUDA, "-p", prefix, "-y", "--no-check")
    filling = Filling(wheel_lab, small, 20_000)
    error = conda_in_process(*words).error
    assert isinstance(error, CannotWrite)
    assert str(small) in str(error)
    assert not prefix.exists()
    filling.ballast.unlink()
    conda_in_process(*words).ok()
    assert {*SET, *REST} <= dists(prefix)


def test_temporary_files(wheel_lab, lab_env, conda_in_process, installer, small, monkeypatch):
    """Pip and uv unpack where the environment is, and need no more of it than a log."""
    monkeypatch.setenv("TMPDIR", str(small))
    Filling(wheel_lab, small, 0)
    conda_in_process(*WHEELS, *CUDA, "-p", lab_env, "-y", "--no-check").ok()
    assert {*SET, *REST} <= dists(lab_env)
