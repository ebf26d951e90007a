"""`--source wheels -f FILE` is refused, and a file that wheels can complete is offered that."""

from __future__ import annotations

import shlex

import pytest

from conda_torchmirror.exceptions.file import NotEnvironmentFile
from conda_torchmirror.exceptions.usage import NotForWheels

ASK = ("torch-install", "--source", "wheels", "--offline", "-d", "-n", "x", "-f")
WITH_TORCH = "name: x\ndependencies: [python=3.11, pytorch=2.7.1, torchvision]\n"


def step(error):
    hints = [h["text"] for h in error._hints if h["hint_code"] == "complete_file"]
    return [shlex.split(words.split("`")[3]) for words in hints]


@pytest.mark.parametrize("more", [(), ("--cuda", "cpu"), ("--cuda", "12.8", "--python", "3.12")])
def test_what_was_asked_besides_is_in_the_command_that_is_offered(conda_in_process, tmp_path, more):
    file = tmp_path / "environment.yml"
    file.write_text(WITH_TORCH)
    refused = conda_in_process(*ASK, file, *more)
    assert isinstance(refused.error, NotForWheels)
    (words,) = step(refused.error)
    assert words[words.index(str(file)) + 1 : -2] == list(more)
    shown = conda_in_process(*words[1:], "--offline").ok().stdout
    assert "PyTorch 2.7.1" in shown
    assert ("+cu128" in shown) is ("12.8" in more)


def test_a_file_without_torch_is_not_completed(conda_in_process, tmp_path):
    file = tmp_path / "environment.yml"
    file.write_text("name: x\ndependencies: [numpy]\n")
    refused = conda_in_process(*ASK, file)
    assert isinstance(refused.error, NotForWheels)
    assert step(refused.error) == []


@pytest.mark.parametrize("content", ["FROM python:3.12\nRUN a\n", "pytorch=2.3\nnumpy\n"])
def test_a_file_of_another_kind_is_said_to_be_one(conda_in_process, tmp_path, content):
    file = tmp_path / "file"
    file.write_text(content)
    assert isinstance(conda_in_process(*ASK, file).error, NotEnvironmentFile)


def test_the_commit_of_a_version_is_no_cuda(conda_in_process, tmp_path):
    """`torch==0.3.0b0+591e73e` of a real file; `--cuda 591e73e` was refused, which nobody asked."""
    file = tmp_path / "environment.yml"
    file.write_text("name: x\ndependencies:\n- python=3.6\n- pip:\n  - torch==0.3.0b0+591e73e\n")
    words = ("torch-install", "--source", "wheels", "--offline", "-f", file)
    refused = conda_in_process(*words, "--print", "environment.yml")
    assert refused.rc == 1
    assert "no set of wheels fits" in refused.stderr
    assert "--cuda 591e73e" not in refused.words
