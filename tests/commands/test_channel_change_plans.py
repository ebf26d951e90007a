"""A saved plan of a change of channel: replayed in the old environment, and in a new one."""

from __future__ import annotations

import json
import sys

import pytest
from support.change_fixtures import FORGE, OF_FORGE, OFFICIAL_ENV, tree
from support.prefixes import installed

pytest_plugins = ("support.change_fixtures",)


@pytest.fixture
def plan_of_change(env_with, conda_in_process, tmp_path):
    """An environment with the other torch, and the words for a saved plan of its change."""
    prefix = env_with(*OFFICIAL_ENV)
    conda_in_process(*FORGE, "-p", prefix, "--save-plan", tmp_path / "plan").ok()
    return prefix, ("torch-install", "--no-check", "--plan", tmp_path / "plan")


def test_a_plan_of_a_change_makes_a_new_environment(plan_of_change, conda_in_process, sandbox):
    _, words = plan_of_change
    plan = json.loads((words[-1] / "plan.json").read_text())
    assert {"pytorch-cuda", "torchtriton", "libcublas"} <= set(plan["removed"])
    conda_in_process(*words, "-y", "-n", "new").ok()
    found = installed(sandbox.envs / "new")
    assert found["pytorch"] == OF_FORGE["pytorch"]
    assert not {"pytorch-cuda", "libcublas"} & found.keys()


def test_a_plan_of_a_change_does_it_in_the_old_environment(
    plan_of_change, server, conda_in_process, run_conda, sandbox
):
    """As the change itself would: one question, one transaction, and no channel is asked."""
    prefix, words = plan_of_change
    before = tree(prefix)
    shown = conda_in_process(*words, "-p", prefix, "--dry-run").ok()
    assert "leaves the environment what the plan does without: cuda-cudart" in shown.words
    declined = conda_in_process(*words, "-p", prefix, input="n\n")
    assert declined.stdout.count("Proceed") == 1
    assert tree(prefix) == before
    server.requests.clear()
    conda_in_process(*words, "-y", "-p", prefix).ok()
    found = installed(prefix)
    assert {name: found[name] for name in OF_FORGE} == OF_FORGE
    assert not {"pytorch-cuda", "torchtriton", "libcublas"} & found.keys()
    assert not server.asked("*repodata.json*")
    assert (prefix / "share" / "stubs" / "pytorch.txt").exists()
    assert not (prefix / "share" / "stubs" / "pytorch-cuda.txt").exists()
    conda_in_process(*words, "-y", "-n", "new").ok()
    assert installed(sandbox.envs / "new") == found
    # What left is no longer asked for: a later command does not bring it back.
    conda_in_process("torch-install", "-y", "-p", prefix, "--cuda", "12.9", "--no-check").ok()
    assert installed(prefix) == found


def test_a_plan_of_a_change_leaves_what_needs_the_former_torch(plan_of_change, conda_in_process):
    prefix, words = plan_of_change
    # As it would be after an installation of it.
    needs = '["python", "pytorch 2.5.1 py3.12_cuda12.4*"]'
    (prefix / "conda-meta" / "picky-1.0-h0_0.json").write_text(
        f'{{"name": "picky", "version": "1.0", "build": "h0_0", "build_number": 0, "files": [],'
        f' "depends": {needs}, "subdir": "linux-64", "fn": "picky-1.0-h0_0.tar.bz2",'
        ' "channel": "https://conda.anaconda.org/conda-forge/linux-64",'
        ' "url": "https://conda.anaconda.org/conda-forge/linux-64/picky-1.0-h0_0.tar.bz2"}'
    )
    before = tree(prefix)
    refused = conda_in_process(*words, "-y", "-p", prefix)
    assert refused.rc == 1
    said = " ".join(refused.stderr.split())
    assert "PlanInTheWay" in said
    assert "holds packages that do not go with the plan: picky" in said
    assert "they need `pytorch 2.5.1 py3.12_cuda12.4*`, which the plan removes or replaces" in said
    assert tree(prefix) == before
    command = next(line for line in refused.stderr.splitlines() if "conda remove -p" in line)
    offered = command.partition("`")[2].rstrip("`").split()
    conda_in_process(*offered[1:], "-y", "-q").ok()
    conda_in_process(*words, "-y", "-p", prefix).ok()
    assert installed(prefix)["pytorch"] == OF_FORGE["pytorch"]


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_a_plan_of_a_change_that_fails_leaves_everything(
    env_with, conda_in_process, last_package, tmp_path
):
    prefix = env_with(*OFFICIAL_ENV)
    last = last_package("#!/bin/sh\nexit 1\n")
    named = ("-p", prefix, "pytorch", "torchvision", *last)
    conda_in_process(*FORGE, *named, "--save-plan", tmp_path / "plan").ok()
    before = tree(prefix)
    assert conda_in_process("torch-install", "-y", "--plan", tmp_path / "plan", "-p", prefix).rc
    assert tree(prefix) == before
