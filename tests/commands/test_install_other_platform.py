"""An environment whose Python is of another platform, as one that was made with CONDA_SUBDIR: on a
Mac of Apple's own, for packages that are for Intel alone."""

from __future__ import annotations

import json

import pytest
from support.prefixes import history
from support.torches import record

pytest_plugins = ("support.auto_fixtures",)


@pytest.fixture
def of_intel(at_both, sandbox):
    at_both(subdir="osx-arm64")
    meta = sandbox.envs / "intel" / "conda-meta"
    meta.mkdir(parents=True)
    (meta / "history").touch()
    record(meta.parent, "python", "3.12.4", "h0_0", channel="conda-forge")
    [path] = meta.glob("*.json")
    said = path.read_text().replace("linux-64", "osx-64")
    path.write_text(json.dumps(json.loads(said)))
    return meta.parent


@pytest.mark.parametrize("words", [(), ("--dry-run",), ("--source", "wheels", "--dry-run")])
def test_it_gets_no_builds_of_this_one(of_intel, conda_in_process, words):
    """They were put beside a Python that cannot load them, as conda by itself does."""
    done = conda_in_process("torch-install", "-y", "-n", "intel", "pytorch", *words)
    assert done.rc == 1
    assert f"OtherPlatform: {of_intel} has a Python for osx-64" in done.words
    assert "set the variable `CONDA_SUBDIR` to `osx-64`" in done.words
    assert history(of_intel) == ""


def test_the_step_is_taken(of_intel, at_both, conda_in_process, monkeypatch):
    at_both()
    monkeypatch.setenv("CONDA_SUBDIR", "osx-64")
    words = ("torch-install", "--dry-run", "--json", "-n", "intel", "pytorch")
    builds = conda_in_process(*words).ok().json()["torchmirror"]["selected"]["builds"]
    assert {build["subdir"] for build in builds} == {"osx-64"}


def test_a_preview_for_a_platform_is_shown(of_intel, conda_in_process):
    words = ("torch-install", "-d", "-n", "intel", "pytorch", "--platform", "linux-64")
    conda_in_process(*words).ok()
