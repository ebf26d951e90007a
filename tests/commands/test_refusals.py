"""Refusals of both sources: read once they are true, and every command that they offer does what
is said of it. Indexes are on loopback; wheels are those of the built-in list."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from conda import CondaError
from support.refusal_fixtures import CHANNEL, FORGE, Refused, cuda
from support.running import Result

pytest_plugins = ("support.refusal_fixtures",)


class Case(NamedTuple):
    """Words that are refused on a machine, and what has to be read."""

    words: tuple[str, ...]
    machine: dict[str, str]
    says: tuple[str, ...] = ()
    not_said: tuple[str, ...] = ()


WHEELS = "`conda torch-install -n new {}--source wheels --dry-run`"
CASES = {
    "ROCm": Case(
        ("--cuda", "rocm6.4"),
        {},
        ("no conda build of PyTorch is for rocm6.4", WHEELS.format("--cuda rocm6.4 ")),
    ),
    "one command for two reasons": Case(
        ("--platform", "win-64", "--cuda", "11.8", "--python", "3.13"),
        {},
        ("Pythons with a build: ",),
        ("ask for less",),
    ),
    "what no source can meet": Case(
        ("pytorch=2.3", "pytorch=2.4"),
        {},
        ("on linux-64 `pytorch=2.3` and `pytorch=2.4` exclude each other leave",),
        ("conda-forge: ", "pytorch: "),
    ),
    "ROCm, a source": Case(
        ("--cuda", "rocm6.4", "--source", FORGE, "pytorch", "torchvision"),
        {},
        (WHEELS.format("pytorch torchvision --cuda rocm6.4 "),),
    ),
    "XPU": Case(("--cuda", "xpu", "--source", CHANNEL), {}, (WHEELS.format("--cuda xpu "),)),
    "ROCm without wheels": Case(
        ("--cuda", "rocm6.4", "--platform", "osx-arm64"),
        {},
        ("no conda build of PyTorch is for rocm6.4",),
        ("--source wheels",),
    ),
    "a GPU too new for the channel": Case(
        ("--source", CHANNEL),
        cuda("13.0", "12.0"),
        ("conda-forge has builds that fit from PyTorch 2.7 on", WHEELS.format("")),
    ),
    "a GPU too old for conda-forge": Case(
        ("--source", FORGE),
        cuda("11.4", "3.7"),
        ("pytorch 2.3.1 of the channel pytorch fits", "wheels of PyTorch 2.3.1 from cu118 fit"),
    ),
    "a GPU too new for the release": Case(
        ("pytorch=2.5.1",),
        cuda("13.0", "12.0"),
        ("leave the release open: pytorch 2.13.0 has what fits",),
    ),
    "a Python that is too new": Case(
        ("--python", "3.15"),
        cuda("12.9"),
        (
            "Pythons with a build: 3.6, 3.7, 3.8, 3.9, 3.10, 3.11, 3.12, 3.13, 3.14; in",
            "`conda torch-install -n new --python 3.14 --dry-run`",
        ),
        ("newer ones are on conda-forge",),
    ),
    "a Python that the channel never got": Case(
        ("--python", "3.13", "--source", CHANNEL),
        cuda("12.9"),
        ("the channel `pytorch` ended with PyTorch 2.5.1 and Python 3.12", "--source conda-forge"),
    ),
    "torchaudio on Windows": Case(
        ("--platform", "win-64", "--cuda", "12.8", "pytorch=2.13", "torchaudio"),
        {},
        ("leave torchaudio out", "--platform win-64 --source wheels"),
    ),
    "CUDA 10.2 of conda-forge": Case(
        ("--cuda", "10.2", "--source", FORGE),
        {},
        ("pytorch 1.12.1 of the channel pytorch fits", "wheels of PyTorch 1.12.1 from cu102 fit"),
    ),
    "CUDA 9 of both": Case(
        ("--cuda", "9.0"),
        {},
        ("`--cuda 9.0`. conda-forge: builds for CUDA 11.2",),
        ("--source wheels",),
    ),
    "a Python that was typed stays typed": Case(
        ("--python", "3.12", "pytorch=2.5.1", "torchvision=0.15", "cudatoolkit"),
        {},
        ("`conda torch-install -n new --python 3.12 pytorch torchvision --dry-run`",),
    ),
    "three names that were typed are not the default": Case(
        ("--python", "3.12", "pytorch=2.5.1", "torchvision=0.15", "torchaudio", "cudatoolkit"),
        {},
        (" pytorch torchvision torchaudio --dry-run` takes pytorch ",),
    ),
    "wheels for the CPU, where those will do": Case(
        ("pytorch=2.2.2", "--cuda", "9.2", "--source", FORGE, "--allow-cpu"),
        {},
        ("--cuda 9.2 --allow-cpu --source wheels",),
    ),
    "a cuda-version beside pytorch-cuda": Case(
        ("pytorch=2.3", "pytorch-cuda=12.4", "cuda-version=12.2"),
        cuda("12.4"),
        (
            "leave `pytorch-cuda=12.4`, `cuda-version=12.2` out: pytorch 2.3.1 with CUDA 12.1",
            "`--cuda cpu` instead of `pytorch-cuda=12.4`, `cuda-version=12.2` takes a CPU build",
        ),
    ),
    "a Jetson": Case(
        (*("--platform", "linux-aarch64", "--cuda", "12.6"), "--source", CHANNEL),
        {"CONDA_OVERRIDE_CUDA_ARCH": "8.7"},
        ("the channel has no build of PyTorch for linux-aarch64",),
        ("--source wheels",),
    ),
    "another partner": Case(
        ("pytorch=2.13", "torchvision=0.20"),
        cuda("12.9"),
        ("ask for `torchvision=0.28.0` instead of `torchvision=0.20`",),
        ("newer ones are on conda-forge",),
    ),
    "a pin against the release that is asked for": Case(
        ("pytorch=2.1",),
        cuda("12.4", CONDA_PINNED_PACKAGES="mkl=2025"),
        (
            "the pin `mkl=2025` (pinned_packages) contradicts `mkl<2024.1`",
            "change the pin that is in the way: mkl=2025 (pinned_packages)",
            "leave the release open: pytorch 2.13.0 of the channel conda-forge has no such limit",
        ),
    ),
    "a pin against every release of the channel": Case(
        ("--source", CHANNEL),
        cuda("12.4", CONDA_PINNED_PACKAGES="mkl=2025"),
        ("change the pin that is in the way: mkl=2025 (pinned_packages)",),
        ("leave the release open", "newer release"),
    ),
    "pins against an old release": Case(
        ("--source", CHANNEL, "pytorch=2.1"),
        cuda("12.4", CONDA_PINNED_PACKAGES="mkl=2025&numpy=2"),
        ("in the way: mkl=2025 (pinned_packages), numpy=2 (pinned_packages)",),
        ("leave the release open",),
    ),
    "NumPy against an old release": Case(
        ("--source", CHANNEL, "pytorch=2.1"),
        cuda("12.4", CONDA_PINNED_PACKAGES="numpy=2"),
        ("leave the release open: pytorch 2.5.1 of the channel pytorch has no such limit",),
    ),
    "a Python whose builds a pin contradicts": Case(
        ("--source", CHANNEL, "--python", "3.13"),
        cuda("12.4", CONDA_PINNED_PACKAGES="mkl=2025"),
        ("do not go with Python 3.13", "--source conda-forge"),
        ("Pythons with a build",),
    ),
    "a metapackage for a GPU, without one": Case(
        ("pytorch-gpu",), {}, ("leave `pytorch-gpu` out: pytorch 2.13.0 for the CPU fits",)
    ),
    "a CUDA that the release never had": Case(
        ("pytorch=2.13", "cuda-version=11.8"),
        cuda("12.9"),
        ("leave `cuda-version=11.8` out: pytorch 2.13.0 with CUDA 12.9 fits",),
    ),
}
_COMMAND = re.compile(r"`(conda torch-install [^`]*)`")
#: What is said of a release in the sentence that offers a command.
_RELEASE = re.compile(r"(?:pytorch|PyTorch) (\d+\.\d+(?:\.\d+)*)(?! on)")


@pytest.mark.parametrize("name", CASES)
def test_a_refusal_is_true_and_its_commands_work(preview, name):
    case = CASES[name]
    done = preview(*case.words, "--json", **case.machine)
    assert done.rc in (1, 2)
    document: dict[str, Any] = done.json()
    guidance = document["guidance"]
    said = " ".join((document["message"], guidance["cause"], *(told(guidance))))
    for words in case.says:
        assert words in said
    for words in case.not_said:
        assert words not in said
    for hint in guidance.get("hints", ()):
        for command in _COMMAND.findall(hint["text"]):
            found = run(preview, command)
            release = _RELEASE.findall(hint["text"])
            if release and hint["hint_code"] != "see_list":
                assert f"PyTorch {release[-1]}" in found.stdout, (command, found.stdout)


def told(guidance: dict[str, Any]) -> list[str]:
    return [hint["text"] for hint in guidance.get("hints", ())]


def run(preview: Refused, command: str) -> Result:
    """An offered command, as it stands. Wheels by the built-in list: no mirror is to be asked."""
    words = shlex.split(command)[2:]
    return preview(*words, *(("--offline",) if "wheels" in words else ())).ok()


@pytest.mark.skipif(
    hasattr(CondaError, "guidance"), reason="this conda shows errors itself, and wraps no line"
)
@pytest.mark.parametrize("columns", [80, 60])
@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_a_refusal_keeps_to_its_lines(preview, monkeypatch, columns, language):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("CONDA_TORCHMIRROR_LANG", language)
    done = preview("pytorch=2.5.1", **cuda("13.0", "12.0"))
    assert done.rc == 1
    assert max(map(len, done.stderr.splitlines())) <= columns


# A source that cannot be read


@pytest.mark.parametrize(("lost", "read"), [(CHANNEL, FORGE), (FORGE, CHANNEL)])
@pytest.mark.parametrize("fault", ["not_found", "server_error", "blocked"])
def test_a_source_that_cannot_be_read_is_a_cause(both, preview, lost, read, fault):
    both.fail(f"*/{lost}/*", fault)
    done = preview("--json", "pytorch=2.5.1", **cuda("13.0", "12.0"))
    assert done.rc == 1
    document = done.json()
    guidance = document["guidance"]
    assert document["message"].startswith(f"no build of the channel `{read}` fits")
    assert f". {lost} could not be read: " in guidance["cause"]
    assert "custom_channels" not in guidance["cause"]
    said = told(guidance)
    assert len(said) == len(set(said))
    assert not [words for words in said if "was not asked" in words]
    assert "test_mirrors" in [hint["hint_code"] for hint in guidance.get("hints", ())]


def test_a_source_that_just_failed_is_not_offered_as_if_it_would_answer(both, preview):
    both.fail("*/pytorch/*", "not_found")
    done = preview("--json", "--cuda", "10.2")
    hints = {hint["hint_code"]: hint["text"] for hint in done.json()["guidance"].get("hints", ())}
    assert "use_source" not in hints
    assert hints["unread_fits"].startswith("pytorch 1.12.1 of the channel pytorch fits, as far as")


def test_a_block_page_is_told_once(both, preview):
    both.fail("*/conda-forge/*", "blocked")
    done = preview("--json", "--source", FORGE)
    codes = [hint["hint_code"] for hint in done.json()["guidance"].get("hints", ())]
    assert codes.count("write_to_support") == 1


@pytest.mark.parametrize(("subdir", "offered"), [("win-32", False), ("osx-64", True)])
def test_an_offline_preview_is_offered_where_there_is_one(both, preview, subdir, offered):
    both.fail("*", "not_found")
    done = preview("--json", "--platform", subdir)
    assert done.rc == 1
    codes = [hint["hint_code"] for hint in done.json()["guidance"].get("hints", ())]
    assert ("preview_offline" in codes) is offered
    assert (preview("--platform", subdir, "--offline").rc == 0) is offered


# Options that do not go together: what stands beside each as a way out is taken


def _without(words: tuple[str, ...], option: str) -> tuple[str, ...]:
    """Without an option and its value."""
    at = words.index(option)
    return (*words[:at], *words[at + 2 :])


Words = tuple[str, ...]
#: By hint, the command lines that it leads to. Of an option that is given twice the last counts.
WAYS: dict[str, Callable[[Words], list[Words]]] = {
    "print_wheels": lambda words: [(*words, "--source", "wheels")],
    "print_conda": lambda words: [(*words, "--print", "conda")],
    "print_urls": lambda words: [(*_without(words, "--print"), "--urls")],
    "print_pip": lambda words: [(*words, "--print", tool) for tool in ("pip", "uv")],
    "print_linux": lambda words: [(*words, "--platform", "linux-64")],
    "source_auto": lambda words: [(*words, "--source", "auto")],
}
DOUBTFUL: dict[str, tuple[Words, set[str]]] = {
    "pip, of channels": (("--print", "pip"), {"print_wheels", "print_conda"}),
    "uv, of conda-forge": (
        ("--print", "uv", "--source", FORGE, "pytorch=2.8"),
        {"print_wheels", "print_conda"},
    ),
    "pip, of the channel": (
        ("--print", "pip", "--source", CHANNEL, "pytorch=2.5", "torchvision"),
        {"print_wheels", "print_conda"},
    ),
    "explicit, of wheels": (
        ("--print", "explicit", "--source", "wheels"),
        {"print_urls", "print_pip"},
    ),
    "a container of Windows": (("--print", "dockerfile", "--platform", "win-64"), {"print_linux"}),
    "a container of macOS": (
        ("--print", "dockerfile", "--platform", "osx-arm64", "--cuda", "cpu"),
        {"print_linux"},
    ),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_options_that_are_refused_have_ways_out_that_work(both, conda_in_process, name):
    words, codes = DOUBTFUL[name]
    common = ("torch-install", "-d", "-n", "new", "--python", "3.12")
    common += ("--cuda", "12.6") if "--cuda" not in words else ()
    done = conda_in_process(*common, *words, "--json")
    assert done.rc == 2
    hints = {one["hint_code"]: one["text"] for one in done.json()["guidance"]["hints"]}
    assert set(hints) == codes
    for code, hint in hints.items():
        for way in WAYS[code](words):
            if "`conda " in hint:
                conda_in_process(*shlex.split(hint.split("`")[3])[1:], "--offline").ok()
            assert set(way) - set(words) <= set(re.findall(r"[\w.-]+", hint))
            offline = ("--offline",) if "wheels" in way else ()
            conda_in_process(*common, *way, *offline).ok()


@pytest.mark.parametrize(
    ("pasted", "cuda"),
    [
        ("pytorch torchvision pytorch-cuda=12.1 -c pytorch -c nvidia", "--cuda 12.1"),
        ("pytorch==2.3.1 torchvision cudatoolkit=11.8 -c pytorch", "--cuda 11.8"),
        ("pytorch torchvision cpuonly -c pytorch", "--cuda cpu"),
        ("pytorch=2.3 pytorch-mutex=1.0=cpu", "--cuda cpu"),
        ("pytorch=2.3", ""),
    ],
)
def test_a_pasted_command_of_conda_is_printed_for_pip(both, conda_in_process, pasted, cuda):
    """`--source wheels` alone was offered, and refused for the channels and for pytorch-cuda."""
    common = ("torch-install", "--python", "3.12", "--offline", "--print", "pip")
    done = conda_in_process(*common, *pasted.split(), "--json")
    hints = {one["hint_code"]: one["text"] for one in done.json()["guidance"]["hints"]}
    command = hints["print_wheels"].split("`")[3]
    assert cuda in command
    assert " -c " not in command
    conda_in_process(*shlex.split(command)[1:], "--offline").ok()


@pytest.mark.parametrize("words", [("pytorch-cuda=12.1", "--cuda", "11.8"), ("pytorch=2.3=py3*",)])
def test_what_wheels_do_not_take_is_not_offered_of_them(both, conda_in_process, words):
    done = conda_in_process("torch-install", "--print", "pip", *words, "--json")
    codes = [one["hint_code"] for one in done.json()["guidance"]["hints"]]
    assert codes == ["print_conda"]
