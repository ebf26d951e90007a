"""The name of a mirror after `-c`, where a channel belongs."""

from __future__ import annotations

import pytest

from conda_torchmirror.mirrors.registry import built_in

pytest_plugins = ("support.refusal_fixtures",)

ASK = ("torch-install", "-d", "-n", "new", "pytorch", "--cuda", "12.1", "--offline")


@pytest.mark.parametrize("word", ["tsinghua", "tuna", "mirrors.tuna.tsinghua.edu.cn", "清华大学"])
def test_the_command_with_that_mirror_is_offered(both, conda_in_process, word):
    """The preview was as any, and the installation ended in conda's own 404."""
    refused = conda_in_process(*ASK, "-c", word, "-c", "pytorch", "--json").json()
    assert f"`-c {word}` names a mirror, and no channel" in refused["message"]
    (hint,) = refused["guidance"]["hints"]
    assert hint["hint_code"] == "by_this_mirror"
    assert "--mirror tuna" in hint["text"]
    assert f"-c {word}" not in hint["text"]
    assert "-c pytorch" in hint["text"]


def test_two_mirrors_are_offered_as_two(both, conda_in_process):
    """The command that was offered was refused for the second of them."""
    refused = conda_in_process(*ASK, "-c", "tuna", "-c", "ustc", "--json").json()
    (hint,) = refused["guidance"]["hints"]
    assert "--mirror tuna --mirror ustc" in hint["text"]
    assert "-c " not in hint["text"]


def test_a_channel_that_the_user_named_so_is_a_channel(both, conda_in_process, condarc):
    condarc(custom_channels={"tsinghua": "https://conda.example"})
    conda_in_process(*ASK, "-c", "tsinghua", "-c", "pytorch").ok()


def test_at_a_server_of_the_users_own_any_word_may_be_a_channel(both, conda_in_process, condarc):
    """It was refused with the claim that conda would find no channel of that name."""
    condarc(channel_alias="https://conda.example")
    conda_in_process(*ASK, "-c", "tsinghua", "-c", "pytorch").ok()


FILE = tuple(word for word in ASK if word != "pytorch")


@pytest.mark.parametrize("word", ["tuna", "tsinghua", "清华大学"])
def test_the_line_of_a_file_is_to_be_left_out(both, conda_in_process, tmp_path, word):
    """The preview was as any, and the installation ended in conda's own 404. No option takes the
    place of a line: with the command alone it would be refused in the same way."""
    path = tmp_path / "environment.yml"
    path.write_text(f"channels: [{word}, pytorch]\ndependencies: [pytorch]\n", encoding="utf-8")
    refused = conda_in_process(*FILE, "-f", str(path), "--json").json()
    assert f"`{word}` among the channels of environment.yml names a mirror" in refused["message"]
    (hint,) = refused["guidance"]["hints"]
    assert hint["hint_code"] == "file_leave_mirror"
    command = hint["text"].split("`")[3].split()
    assert command[-2:] != ["-c", word]
    assert "--mirror tuna" in hint["text"]
    path.write_text("channels: [pytorch]\ndependencies: [pytorch]\n")
    conda_in_process(*command[1:], "-d", "--offline").ok()


def test_a_channel_of_a_file_that_the_user_named_so(both, conda_in_process, condarc, tmp_path):
    condarc(custom_channels={"tuna": "https://conda.example"})
    path = tmp_path / "environment.yml"
    path.write_text("channels: [tuna, pytorch]\ndependencies: [pytorch]\n")
    conda_in_process(*FILE, "-f", str(path)).ok()


@pytest.mark.parametrize("word", ["cloud", "mirrors", "conda", "pytorch", "nvidia", "anaconda"])
def test_other_words_of_hosts_name_no_mirror(word):
    assert built_in().named(word) is None
