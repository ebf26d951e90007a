"""Words and settings that `--source wheels` refuses, and what it offers instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.wheel_commands import CUDA, WHEELS, chosen
from support.wheel_lab import PYTHON
from support.wheel_site import put

from conda_torchmirror.exceptions.choice import NoFittingWheel
from conda_torchmirror.exceptions.plan import PlanMissing
from conda_torchmirror.exceptions.usage import (
    BadCuda,
    BadWheelWord,
    NotForWheels,
    NotForWheelSetting,
)

pytest_plugins = ["support.wheel_fixtures"]


# Words that cannot be used


#: What they ask of conda's solver pip would not hear.
CONDAS_OWN = (
    *("--no-deps", "--only-deps", "--force-reinstall", "--satisfied-skip-solve", "--use-local"),
    *("--update-all", "--update-deps", "--update-specs", "--freeze-installed", "-S", "--all"),
)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("torch[extra]",), BadWheelWord),
        (("-r evil.txt",), BadWheelWord),
        (("torch @ https://elsewhere.example/torch.whl",), BadWheelWord),
        (("torch2.3",), BadWheelWord),
        (("torchvision-0.18",), BadWheelWord),
        (("pytorch-2.3.1",), BadWheelWord),
        (("--cuda", "fast"), BadCuda),
        (("--solve",), NotForWheels),
        (("--check-upstream",), NotForWheels),
        (("-c", "nvidia"), NotForWheels),
        *(((word,), NotForWheels) for word in CONDAS_OWN),
        (("torch==9.9",), NoFittingWheel),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value.__name__,
)
def test_words_that_cannot_be_used(preview_wheels, words, error):
    done = preview_wheels(*(CUDA if "--cuda" not in words else ()), *words)
    assert isinstance(done.error, error), str(done)
    assert done.json()["exception_name"] == error.__name__


# Where a setting says wheels


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--file", ("-f", "environment.yml")),
        ("--solve", ("--solve",)),
        ("--update-deps", ("--update-deps",)),
        ("--check-upstream", ("--check-upstream",)),
        ("--channel", ("-c", "nvidia")),
        ("--no-deps", ("--no-deps",)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_setting_does_not_go_with(
    wheel_lab, condarc, conda_in_process, tmp_path, monkeypatch, option, words
):
    """The message blames the setting, and what it offers is not refused in its turn."""
    monkeypatch.chdir(tmp_path)
    Path("environment.yml").write_text("name: some\ndependencies: [pytorch]\n")
    file = condarc(**wheel_lab.settings(torchmirror_source="wheels"))
    command = ("torch-install", *words, "-n", "new", "--dry-run", "--json")
    done = conda_in_process(*command)
    assert isinstance(done.error, NotForWheelSetting)
    assert str(done.error.message) == (
        f"the setting `torchmirror_source: wheels` does not go with {option}"
    )
    guidance = done.json()["guidance"]
    assert str(file) in guidance["cause"]
    assert [hint["hint_code"] for hint in guidance["hints"]] == ["source_auto"]
    again = conda_in_process(*command, "--source", "auto", "--offline")
    assert not isinstance(again.error, NotForWheels | NotForWheelSetting)
    assert wheel_lab.first.requests == []


@pytest.mark.parametrize("value", ["wheels", "no-such-source"])
def test_a_plan_says_itself_what_it_is(wheel_lab, condarc, conda_in_process, tmp_path, value):
    condarc(**wheel_lab.settings(torchmirror_source=value))
    plan = tmp_path / "plan"
    done = conda_in_process("torch-install", "--plan", plan, "-p", tmp_path / "new", "-y")
    assert isinstance(done.error, PlanMissing)
    assert wheel_lab.first.requests == []


@pytest.mark.parametrize(
    ("words", "code", "meant"),
    [
        (("torchvison",), "misspelt_pip_alone", "torchvision"),
        (("torch", "torchvison==0.18"), "misspelt_pip", "torchvision"),
        (("pytoch",), "misspelt_pip_alone", "pytorch"),
        (("torhc",), "misspelt_pip_alone", "torch"),
        (("torch", "2.3.1"), "misspelt_pip", "pytorch=2.3.1"),
        (("cu121",), "misspelt_pip_alone", "--cuda 12.1"),
    ],
)
def test_a_slip_is_asked_about_before_pip_takes_it_from_pypi(words, code, meant, conda_in_process):
    words = (*words, "--platform", "linux-64", "--offline", "--dry-run", "--json")
    done = conda_in_process("torch-install", "--source", "wheels", *words)
    found = {w["code"]: w["text"] for w in done.json()["torchmirror"]["warnings"]}
    assert f"did you mean `{meant}`?" in found[code]


@pytest.mark.parametrize("word", ["torchx", "torchmetrics", "torchao", "torchtune", "numpy==1.26"])
def test_a_project_of_its_own_is_no_slip(word, conda_in_process):
    words = ("torch", word, "--platform", "linux-64", "--offline", "--dry-run", "--json")
    done = conda_in_process("torch-install", "--source", "wheels", *words)
    found = {w["code"] for w in done.json()["torchmirror"]["warnings"]}
    assert not found & {"misspelt_pip", "misspelt_pip_alone"}


# What helps where nothing fits


def hints(done):
    assert isinstance(done.error, NoFittingWheel), str(done)
    found = done.json()["guidance"]
    return found["cause"], {hint["hint_code"]: hint["text"] for hint in found["hints"]}


def test_another_directory_that_has_the_whole_set(wheel_lab, preview_wheels):
    """It is read for that alone: the word names another one."""
    torch = [made for made in wheel_lab.of("cu118") if made.name.startswith("torch-")]
    put(wheel_lab.second, [*torch, *wheel_lab.of("cu126")])
    alone = ("--mirror", "second", "--no-fallback")
    cause, found = hints(preview_wheels(*CUDA, "torch==2.7.1+cu118", "torchvision", *alone))
    assert "no wheel of torchvision 0.22.1 is there for torch 2.7.1, cu118 and Python" in cause
    assert "`torch==2.7.1+cu126 torchvision==0.22.1+cu126`" in found["open_variant"]
    words = ("torch==2.7.1+cu126", "torchvision==0.22.1+cu126")
    assert chosen(preview_wheels(*CUDA, *words, *alone))["torch"] == ("2.7.1+cu126", "cu126")


def test_a_python_that_the_wheels_are_for(wheel_lab, conda_in_process, tmp_path):
    new = ("-p", tmp_path / "new", "--python", "3.8")
    done = conda_in_process(*WHEELS, *CUDA, "torch==2.7.1", *new, "--dry-run", "--json")
    _, found = hints(done)
    assert f"Pythons with a build: {PYTHON}" in found["use_python"]
    assert f"--python {PYTHON} torch==2.7.1 --cuda 12.6 --source wheels" in found["use_python"]


def test_what_the_built_in_list_lacks_is_said_of_the_list(conda_in_process):
    words = ("-d", "--offline", "--source", "wheels", "--platform", "linux-64", "torch==2.99")
    done = conda_in_process("torch-install", *words, "--json")
    cause = done.json()["guidance"]["cause"]
    assert "in the built-in list, none that goes with the rest is `torch==2.99`" in cause
    assert "newer ones may be online" in cause


def test_a_release_that_is_not_there(wheel_lab, preview_wheels):
    cause, found = hints(preview_wheels(*CUDA, "torch==9.9"))
    assert cause == (
        "no wheel of `torch==9.9` is there for linux-64, where the releases go from 2.7.1 to 2.7.1"
    )
    assert "torch 2.7.1" in found["older_release"]
