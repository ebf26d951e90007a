"""`--source wheels -f FILE` is refused, and a file that wheels can complete is offered that."""

from __future__ import annotations

import shlex

import pytest
from support.machine_files import write

from conda_torchmirror.exceptions.file import NotEnvironmentFile, NoTorchInFile
from conda_torchmirror.exceptions.usage import NotForWheels

ASK = ("torch-install", "--source", "wheels", "--offline", "-d", "-n", "x", "-f")
ASKED_OF_FILE = ("--source", "wheels", "--offline", "--print", "environment.yml")
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
    kept = words[words.index(str(file)) + 1 :]
    assert sorted(kept) == sorted((*more, *ASKED_OF_FILE))
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


COMPLETE = ("torch-install", "--source", "wheels", "--offline", "--print", "environment.yml", "-f")
#: What pip lines ask for, beside a Python, and the words of the command line.
ANYWHERE = [
    ("3.11", ["torch==2.7.1"], ()),
    ("3.11", ["torch==2.7.1+cu126", "torchvision==0.22.1+cu126", "numpy"], ()),
    ("3.10", ["torch==2.1.0", "torchaudio"], ("--cuda", "11.8")),
    ("3.11", ["torch"], ("--cuda", "rocm6.3", "--cuda-compat", "strict")),
    ("3.11", ["torch==2.7.1"], ("rich", "--cuda", "12.8")),
    ("3.12", ["torch"], ("--platform", "win-64", "--python", "3.11", "--allow-cpu")),
    ("3.11", ["torch"], ("--platform", "osx-arm64")),
]
NOWHERE = [
    ("3.8", ["torch==1.7.1"], ()),
    ("3.11", ["torch==2.3", "torchvision==0.20"], ()),
    ("3.13", ["torch==2.1.0"], ()),
    ("3.11", ["torch==2.1.0"], ("--python", "3.13")),
    ("3.11", ["torch==2.7.1+cu999"], ()),
    ("3.11", ["torch==2.7.1"], ("--cuda", "11.7", "--cuda-compat", "strict")),
    ("3.11", ["torch==2.7.1"], ("--cuda", "rocm9.9")),
    ("3.11", ["torch==2.7.1"], ("--platform", "linux-ppc64le")),
    ("3.11", ["torch>==2.7"], ()),
    ("3.11", ["torch==2.7.1"], ("cudatoolkit",)),
]


@pytest.mark.parametrize("words", [(), ("--source", "wheels")], ids=["auto", "wheels"])
@pytest.mark.parametrize(
    ("python", "pip", "more", "offered"),
    [(*case, True) for case in ANYWHERE] + [(*case, False) for case in NOWHERE],
)
def test_the_step_is_offered_where_it_gives_a_file(
    conda_in_process, tmp_path, python, pip, more, offered, words
):
    """The command is run, too, where it is not offered: it would be refused."""
    file = tmp_path / "environment.yml"
    lines = "".join(f"  - {line}\n" for line in pip)
    file.write_text(f"name: x\ndependencies:\n- python={python}\n- pip:\n{lines}")
    ask = ("torch-install", *words, "--offline", "-d", "-n", "x", "-f", file, *more)
    refused = conda_in_process(*ask)
    assert isinstance(refused.error, (NoTorchInFile, NotForWheels)), str(refused)
    found = step(refused.error)
    assert len(found) == offered, str(refused)
    command = [*found[0][1:], "--offline"] if found else [*COMPLETE, file, *more]
    done = conda_in_process(*command)
    assert (done.rc == 0) is offered, str(done)
    if offered:
        assert set(more) <= set(command)
        assert "torch @ http" in done.stdout


@pytest.mark.parametrize(("machine", "offered"), [("ampere", True), ("kepler", False)])
def test_the_machine_of_the_step_is_the_one_asked_for(conda_in_process, tmp_path, machine, offered):
    """No wheel of torch 2.7 has code for a Kepler."""
    file, facts = tmp_path / "environment.yml", write(tmp_path, machine)
    file.write_text("name: x\ndependencies:\n- python=3.11\n- pip: [torch==2.7.1]\n")
    more = ("--machine", str(facts))
    refused = conda_in_process("torch-install", "--offline", "-d", "-n", "x", "-f", file, *more)
    assert isinstance(refused.error, NoTorchInFile), str(refused)
    found = step(refused.error)
    assert len(found) == offered
    assert all(set(more) <= set(command) for command in found)
    command = [*found[0][1:], "--offline"] if found else [*COMPLETE, file, *more]
    assert (conda_in_process(*command).rc == 0) is offered


@pytest.mark.parametrize("words", [(), ("--source", "wheels")], ids=["auto", "wheels"])
def test_several_files_are_not_completed(conda_in_process, tmp_path, words):
    """The command takes one, and the first may be the one without torch."""
    given = []
    for name, line in (("a", "numpy"), ("b", "torch==2.7.1")):
        file = tmp_path / f"{name}.yml"
        file.write_text(f"dependencies:\n- python=3.11\n- pip: [{line}]\n")
        given += ["-f", file]
    refused = conda_in_process("torch-install", *words, "--offline", "-d", "-n", "x", *given)
    assert isinstance(refused.error, (NoTorchInFile, NotForWheels)), str(refused)
    assert step(refused.error) == []


def test_no_hash_is_told_of_where_none_is_known(conda_in_process, tmp_path):
    path = tmp_path / "environment.yml"
    path.write_text("dependencies: [python=3.10, pip, {pip: [torch==2.1.0]}]\n")
    done = conda_in_process(*COMPLETE, path, "--cuda", "12.4").ok()
    assert "#sha256=" not in done.stdout
    assert "stand in for `torch==2.1.0`; not all of their hashes are known" in done.words


URL = "https://download.pytorch.org/whl/cu126"
FOR = "cp311-cp311-manylinux_2_28_x86_64.whl"


@pytest.mark.parametrize(
    "lines",
    [
        [f"{URL}/torch-2.7.1%2Bcu126-{FOR}", f"{URL}/torchvision-0.22.1%2Bcu126-{FOR}"],
        [f"./torch-2.7.1+cu126-{FOR}", "torchvision==0.22.1+cu126"],
        [f"torch==2.7.1+cu126 --hash=sha256:{'a' * 64}", f"torchvision --hash=sha256:{'b' * 64}"],
        ["torch==2.7.1+cu126  # the last", "torchvision>=0.20", "torchvision<0.23"],
        [
            'torch==2.7.1+cu126 ; sys_platform == "linux"',
            'torch==2.7.1+cpu ; sys_platform == "darwin"',
            "torchvision",
        ],
    ],
    ids=["addresses", "path", "hashes", "comment", "markers"],
)
def test_no_line_that_names_it_in_another_form_stays_beside_it(conda_in_process, tmp_path, lines):
    """Pip refuses a torch that is asked for in two ways."""
    file = tmp_path / "environment.yml"
    section = "".join(f"    - {line!r}\n" for line in lines)
    file.write_text(f"name: x\ndependencies:\n  - python=3.11\n  - pip:\n{section}")
    shown = conda_in_process(*COMPLETE, file).ok().stdout
    of_torch = [line for line in shown.splitlines() if "torch" in line and not line.startswith("#")]
    assert [line.split()[1] for line in of_torch] == ["torch", "torchvision"]
    assert all(" @ https://" in line and "%2Bcu126-cp311" in line for line in of_torch)


def test_an_address_of_torch_is_torch_for_conda_too(conda_in_process, tmp_path):
    """Pytorch beside it, which was offered, would be installed twice."""
    file = tmp_path / "environment.yml"
    line = f"{URL}/torch-2.7.1%2Bcu126-{FOR}"
    file.write_text(f"name: x\ndependencies:\n  - python=3.11\n  - pip:\n    - {line}\n")
    refused = conda_in_process("torch-install", "--offline", "-d", "-n", "x", "-f", file)
    assert isinstance(refused.error, NoTorchInFile)
    codes = [hint["hint_code"] for hint in refused.error._hints]
    assert "file_name_torch" not in codes
    assert {"file_torch_to_conda", "complete_file"} <= set(codes)
