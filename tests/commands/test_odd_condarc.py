"""A condarc file whose values have another form than conda reads: its own commands end in an error
of Python's at them, and ours name the key and the file."""

from __future__ import annotations

import json
from typing import Any

import pytest

#: A dash too many or too few.
ODD: dict[str, Any] = {
    "custom_channels": {"pytorch": ["https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud"]},
    "channel_alias": ["https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud"],
    "default_channels": {"main": "https://mirrors.tuna.tsinghua.edu.cn/anaconda/pkgs/main"},
    "channels": {"pytorch": "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch"},
}
COMMANDS = (
    ("torch-mirror", "status"),
    ("torch-install", "--dry-run", "--offline"),
)


@pytest.mark.parametrize("key", ODD)
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[-1].strip("-"))
def test_a_value_of_another_form_is_named_with_its_file(
    condarc, conda_in_process, sandbox, key, words
):
    condarc(**{key: ODD[key]})
    refused = conda_in_process(*words)
    assert refused.rc == 1
    assert f"BadCondarc: `{key}` in {sandbox.condarc} has a form" in refused.words
    assert f"conda config --describe {key}" in refused.words


def test_mirrors_are_turned_off_all_the_same(condarc, conda_in_process, sandbox):
    condarc(custom_channels=ODD["custom_channels"])
    done = conda_in_process("torch-mirror", "disable").ok()
    assert f"`custom_channels` in {sandbox.condarc} has a form" in done.words


def test_what_conda_itself_says_is_said_by_conda(condarc, conda_in_process):
    condarc(channels="pytorch")
    refused = conda_in_process("torch-mirror", "status")
    assert "InvalidTypeError" in refused.words


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[-1].strip("-"))
def test_what_conda_says_of_a_list_it_says_in_json_too(condarc, conda_in_process, words):
    """The raw items of the list were no JSON: conda itself ends in a traceback there."""
    condarc(custom_channels=["a"])
    refused = conda_in_process(*words, "--json")
    assert refused.rc == 1
    document = json.loads(refused.stdout)
    assert document["exception_name"] == "InvalidTypeError"
    assert "custom_channels" in document["message"]
