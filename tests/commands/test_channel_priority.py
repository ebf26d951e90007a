"""Strict channel priority, also where the channel of PyTorch changes."""

from __future__ import annotations

import re
import shlex

import pytest
from support.asking import ASK_2_5_1
from support.change_fixtures import FORGE, OF_FORGE, OFFICIAL
from support.channels import write_channel
from support.lab import record
from support.prefixes import installed

from conda_torchmirror.install import other_packages

pytest_plugins = ("support.change_fixtures",)


def test_strict_priority_is_lifted_for_this_hand_over(mirrored, conda_in_process, sandbox):
    mirrored(channels=["conda-forge"], channel_priority="strict")
    result = conda_in_process("torch-install", "-y", "-n", "new", *ASK_2_5_1).ok()
    assert installed(sandbox.envs / "new")["libjpeg-turbo"].startswith("3.")
    assert "channel_priority is strict" in result.stdout
    assert "export CONDA_CHANNEL_PRIORITY=flexible" in result.stdout


NOT_LIFTED = {"plugins": {"torchmirror_flexible": False}}


@pytest.mark.parametrize(
    ("setting", "words", "step"),
    [
        (NOT_LIFTED, (), None),
        ({}, ("--strict-channel-priority",), ()),
        (NOT_LIFTED, ("--strict-channel-priority",), ("--no-channel-priority",)),
    ],
    ids=["setting", "flag", "both"],
)
def test_where_it_may_not_be_lifted_the_hiding_package_is_named(
    mirrored, conda_in_process, sandbox, setting, words, step
):
    """Beside the flag, the step was to set a setting to what it is by itself."""
    mirrored(channels=["conda-forge"], channel_priority="strict", **setting)
    result = conda_in_process("torch-install", "-y", "-n", "new", *ASK_2_5_1, *words)
    assert result.rc == 1
    assert "Shadowed" in result.stderr
    assert "libjpeg-turbo" in result.stderr
    assert not (sandbox.envs / "new").exists()
    assert ("torchmirror_flexible" in result.stderr) is (step is None)
    if step is not None:
        [command] = re.findall("`(conda torch-install -n new [^`]*)`", result.words)
        assert "--strict-channel-priority" not in command
        assert all(word in command for word in step)
        conda_in_process(*shlex.split(command)[1:], "-y").ok()


def test_no_other_cause_is_sought_then(mirrored, conda_in_process, monkeypatch):
    """Conda's solver ran once more, for an answer that was not told."""
    sought: list[object] = []
    monkeypatch.setattr(other_packages, "frozen", lambda *of: sought.append(of))
    mirrored(channels=["conda-forge"], channel_priority="strict", **NOT_LIFTED)
    result = conda_in_process("torch-install", "-y", "-n", "new", *ASK_2_5_1)
    assert "Shadowed" in result.stderr
    assert not sought


def test_what_has_no_solution_with_any_priority_is_not_blamed_on_it(
    mirrored, make_mirror, conda_in_process, tmp_path
):
    picky = {"picky-1-0.tar.bz2": record("picky", "1", depends=["python <3.10"])}
    write_channel(tmp_path / "more" / "mine", "noarch", picky)
    write_channel(tmp_path / "more" / "mine", "linux-64", {})
    own = make_mirror(tmp_path / "more", {"mine": ""})
    strict = {"channel_priority": "strict", "plugins": {"torchmirror_flexible": False}}
    mirrored(channels=["conda-forge"], **strict)
    words = (*ASK_2_5_1, "picky", "-c", own.channel_url("mine"))
    result = conda_in_process("torch-install", "-y", "-n", "new", *words)
    assert result.rc == 1
    assert "Shadowed" not in result.stderr
    assert "picky" in result.stderr


# With conda-forge


@pytest.fixture
def of_defaults(at_server, conda_in_process, tmp_path):
    """An environment of a user of `defaults`, whose pillow goes with no package of conda-forge."""
    at_server(channels=["defaults"], channel_priority="strict")
    prefix = tmp_path / "there"
    conda_in_process(*OFFICIAL, "-y", "-q", "-p", prefix, "--python", "3.12").ok()
    return prefix


def test_what_strict_priority_has_no_solution_for_is_done_without(of_defaults, conda_in_process):
    """Blamed was all that conda-forge has of what the set needs, and the step was a setting that
    neither was in the way nor is for this channel."""
    result = conda_in_process(*FORGE, "-y", "-p", of_defaults)
    assert result.rc == 1
    assert "ShadowedBehind" in result.stderr
    assert "libtorch" not in result.stderr
    assert "torchmirror_flexible" not in result.stderr
    [command] = re.findall("`(conda torch-install [^`]*)`", result.words)
    conda_in_process(*shlex.split(command)[1:], "-y").ok()
    found = installed(of_defaults)
    assert {name: found[name] for name in OF_FORGE} == OF_FORGE
