"""The help of our commands: our own options first, nothing wider than the terminal."""

from __future__ import annotations

import pytest

COMMANDS = {
    "torch-install": ("--cuda", "--solver"),
    "torch-verify": ("--require-gpu", "--prefix"),
    "torch-mirror": ("list", "upstream --check"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_our_own_options_come_first(conda_in_process, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    ours, condas = COMMANDS[command]
    result = conda_in_process(command, "--help")
    assert result.rc == 0
    shown = result.stdout[result.stdout.index("\n\n") :]  # behind the usage
    assert -1 < shown.index(ours) < shown.index(condas)
    assert "examples:" in shown
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    "command",
    ["list", "status", "test", "enable", "disable", "cache", "rewrite", "upstream"],
)
def test_every_command_of_torch_mirror_has_help(conda_in_process, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    result = conda_in_process("torch-mirror", command, "--help")
    assert result.rc == 0
    assert f"usage: conda torch-mirror {command}" in " ".join(result.stdout.split())
    assert max(map(len, result.stdout.splitlines())) <= 80
