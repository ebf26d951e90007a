"""A real PyTorch by its wheels, which the caller has fetched with what they need: installed, tried,
looked at. One for CUDA where this machine has a GPU, one for the CPU elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.wheel_lab import TAG

from conda_torchmirror.machine import nvidia

pytest_plugins = ["support.wheel_fixtures"]

#: A folder with wheels of torch and of all that it needs, for this Python.
WHEELS = os.environ.get("TORCHMIRROR_TEST_WHEELS")

pytestmark = pytest.mark.skipif(
    not (WHEELS and any(Path(WHEELS).glob(f"torch-*-{TAG}-*.whl"))),
    reason="TORCHMIRROR_TEST_WHEELS names no folder with a real PyTorch for this Python",
)


def the_wheel() -> tuple[str, bool]:
    """The version of the torch in the folder, and whether it is for CUDA."""
    (wheel,) = Path(str(WHEELS)).glob(f"torch-*-{TAG}-*.whl")
    version = wheel.name.split("-")[1]
    return version, version.partition("+")[2].startswith("cu")


def test_it_is_installed_tried_and_known(lab_env, run_conda):
    """By pip from the folder, checked at the end; then by the commands that look at it."""
    version, for_cuda = the_wheel()
    if for_cuda and not nvidia.signs():
        pytest.skip("the folder's PyTorch is for CUDA, and this machine has no NVIDIA driver")
    machine = {"CONDA_OVERRIDE_CUDA": None} if for_cuda else {}
    words = ("--wheel-dir", WHEELS, "torch", "--cuda", "auto" if for_cuda else "cpu")
    done = run_conda(
        "torch-install", *words, "-p", lab_env, "-y", "--json", env=machine, check=True, timeout=600
    )
    about = done.ok().json()["torchmirror"]
    assert [build["version"] for build in about["selected"]["builds"]] == [version]
    assert (about["check"]["status"], about["check"]["torch"]) == ("fine", version)
    tried = run_conda("torch-verify", "-p", lab_env, "--json", env=machine)
    tried = tried.ok().json()["torchmirror"]["check"]
    assert (tried["status"], tried["torch"]) == ("fine", version)
    assert (tried["cuda"] is not None) == for_cuda
    assert bool(tried["devices"]) == for_cuda
    assert all(device["ok"] for device in tried["devices"])
    known = run_conda("doctor", "-p", lab_env, env=machine).ok()
    assert f"PyTorch {version} (pip) fits this machine" in " ".join(known.stdout.split())
