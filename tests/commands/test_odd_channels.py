"""A channel that conda cannot read is an error with its place, wherever it stands."""

from __future__ import annotations

import re

import pytest

ODD = ("http://[::1/own", "https://mirror.example:port/own", "https://me:pw@[x/own")
COMMANDS = {
    "preview": ("torch-install", "-d", "--offline", "-n", "new"),
    "installation": ("torch-install", "--offline", "-y", "-n", "new"),
    "print": ("torch-install", "--offline", "-n", "new", "--print", "environment.yml"),
    "wheels": ("torch-install", "-d", "--offline", "-n", "new", "--source", "wheels"),
    "list": ("torch-install", "--offline", "--list"),
    "status": ("torch-mirror", "status"),
}


def check(result, channel, source) -> None:
    assert (result.rc, "BadChannel: " in result.stderr) == (2, True)
    assert "Traceback" not in result.stderr
    assert f"`{channel.replace('me:pw@', '')}` is not the name" in result.words
    stands = re.search("it stands in (.*?): ", result.words)
    assert stands
    assert stands[1].endswith(source)
    assert "pw" not in result.words


@pytest.mark.parametrize("channel", ODD)
@pytest.mark.parametrize("command", COMMANDS)
def test_in_the_configuration(condarc, conda_in_process, sandbox, command, channel):
    condarc(channels=["conda-forge", channel])
    check(conda_in_process(*COMMANDS[command]), channel, ".condarc")


@pytest.mark.parametrize("channel", ODD)
@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in ("status", "wheels")])
def test_on_the_command_line(conda_in_process, command, channel):
    check(conda_in_process(*COMMANDS[command], "-c", channel), channel, "the command line")


@pytest.mark.parametrize("channel", ODD)
def test_as_a_channel_to_tell_about(conda_in_process, channel):
    check(conda_in_process("torch-mirror", "status", channel), channel, "the command line")


@pytest.mark.parametrize("channel", ODD)
def test_in_a_file(conda_in_process, tmp_path, channel):
    file = tmp_path / "environment.yml"
    file.write_text(f"channels: ['{channel}', conda-forge]\ndependencies: [pytorch]\n")
    check(conda_in_process(*COMMANDS["preview"], "-f", file), channel, "environment.yml")


@pytest.mark.parametrize("words", [(), ("--solve",)], ids=["preview", "solve"])
@pytest.mark.parametrize("source", ["auto", "conda-forge", "pytorch"])
def test_a_group_that_has_the_name_of_a_channel(mirrored, conda_in_process, words, source):
    """It ended in a report of an unexpected error. Conda reads the group by that name."""
    mirrored(custom_multichannels={"conda-forge": ["https://other.example/conda-forge"]})
    asked = ("torch-install", "-d", "-n", "new", "--cuda", "12.4", "--source", source)
    result = conda_in_process(*asked, *words)
    assert "unexpected error" not in result.words
    assert ("`conda-forge` stands for a group" in result.words) is (source != "pytorch")
