"""A real PyTorch for the CPU by its wheels, which the caller has fetched with what they need:
installed, tried, looked at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.wheel_lab import TAG

pytest_plugins = ["support.wheel_fixtures"]

#: A folder with wheels of torch and of all that it needs, for this Python.
WHEELS = os.environ.get("TORCHMIRROR_TEST_WHEELS")

pytestmark = pytest.mark.skipif(
    not (WHEELS and any(Path(WHEELS).glob(f"torch-*-{TAG}-*.whl"))),
    reason="TORCHMIRROR_TEST_WHEELS names no folder with a real PyTorch for this Python",
)


def test_it_is_installed_tried_and_known(lab_env, conda_in_process, run_conda):
    """By pip from the folder, checked at the end; then by the commands that look at it."""
    (wheel,) = Path(str(WHEELS)).glob("torch-*.whl")
    version = wheel.name.split("-")[1]
    words = ("--wheel-dir", WHEELS, "torch", "--cuda", "cpu", "-p", lab_env, "-y", "--json")
    done = conda_in_process("torch-install", *words, check=True).ok()
    about = done.json()["torchmirror"]
    assert [build["version"] for build in about["selected"]["builds"]] == [version]
    assert (about["check"]["status"], about["check"]["torch"]) == ("fine", version)
    tried = run_conda("torch-verify", "-p", lab_env, "--json").ok().json()["torchmirror"]["check"]
    assert (tried["status"], tried["torch"], tried["cuda"]) == ("fine", version, None)
    known = run_conda("doctor", "-p", lab_env).ok()
    assert f"PyTorch {version} (pip) fits this machine" in " ".join(known.stdout.split())
