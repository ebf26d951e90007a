"""Refusals of files with both sources: each step is taken on the file, and the whole rule of the
sources is asked again. Indexes are on loopback.

The cases are those of a sweep of 450 files that were wrong, and one of each kind beside them.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from support import both_channels

from conda_torchmirror.index import match
from conda_torchmirror.selection.facts.names import FAMILY, METAPACKAGES

pytest_plugins = ("support.file_fixtures",)

FORGE, CHANNEL = "conda-forge", "pytorch"
#: Steps on the lines of a file.
OF_LINES = (
    *("file_leave_lines", "file_open_lines", "file_open_and_leave"),
    *("file_bare_lines", "file_bare_and_leave"),
)
#: Steps that lead away from the file, to another tool, list or machine.
AWAY = (
    *("see_list", "file_as_it_is", "use_conda_forge", "use_conda_forge_cpu", "use_wheels"),
    *("use_wheel_set", "file_on_platform", "file_export_anew", "other_channel_has"),
)


@pytest.fixture(scope="module")
def indexes(tmp_path_factory):
    return both_channels.build(tmp_path_factory.mktemp("indexes"))


@pytest.fixture
def both(indexes, make_mirror, condarc):
    server = make_mirror(indexes, dict.fromkeys((CHANNEL, FORGE, "nvidia"), "anaconda/cloud"))
    condarc(custom_channels=server.custom_channels(), channels=[FORGE])


class Case(NamedTuple):
    """The dependencies of a file, its channels, the machine and the words beside the file."""

    lines: tuple[str, ...]
    channels: tuple[str, ...] = ()
    cuda: str | None = None
    arch: str | None = None
    words: tuple[str, ...] = ()


CASES = {
    "a metapackage has to go": Case(("pytorch-gpu=2.4.1", "torchvision=0.20.1", "python=3.14")),
    "a metapackage keeps its release": Case(
        ("pytorch-gpu=2.4.1", "torchtext", "cuda-version=11.8", "python=3.14"),
        *((), "13.0", "12.0", ("--platform", "win-64", "--source", FORGE)),
    ),
    "it goes beside pytorch-cuda too": Case(
        ("pytorch-gpu=2.4.1", "torchvision=0.28", "torchaudio=2.10", "pytorch-cuda"),
        *((CHANNEL, "nvidia"), None, None, ("--platform", "win-64", "--source", CHANNEL)),
    ),
    "the only line for pytorch": Case(
        ("pytorch-gpu=2.4.1", "python=3.9"), words=("--platform", "osx-arm64")
    ),
    "a named source is kept": Case(
        ("pytorch", "torchvision=0.28", "torchaudio=2.10", "pytorch-cuda"),
        *((FORGE,), None, None, ("--platform", "win-64", "--source", CHANNEL)),
    ),
    "the CUDA of the line that goes": Case(
        ("pytorch=2.5.1=py3.9_cuda11.8_cudnn9.1.0_0", "pytorch-cuda=12.1"),
        *((CHANNEL, "nvidia"), None, None, ("--source", CHANNEL)),
    ),
    "a package that one channel has, beside a release": Case(
        ("python=3.8", "pytorch=1.6.0", "torchtext=0.7.0"), (FORGE, CHANNEL), "12.8", "12.0"
    ),
    "the only line is for a partner": Case(("torchtext", "python=3.13"), (), "12.9", "8.9"),
    "a release of both": Case(("pytorch=2.6", "torchvision=0.28"), (), "12.9", "8.9"),
    "a CUDA and a release": Case(("pytorch=2.13", "cuda-version=11.8"), (), "11.8", "8.6"),
    "a variant of wheels": Case(
        ("torch==2.7.1+cu128", "torchvision=0.20.1", "python=3.14"),
        *((CHANNEL, "nvidia"), None, None, ("--platform", "osx-arm64")),
    ),
    "a cuda-version beside pytorch-cuda": Case(
        ("pytorch=2.3.1", "pytorch-cuda=12.4", "cuda-version=12.5"),
        *((CHANNEL, "nvidia"), None, None, ("--cuda", "12.4", "--source", CHANNEL)),
    ),
    "a cuda-version beside it, and a partner": Case(
        ("pytorch=2.3.1", "torchvision=0.15", "pytorch-cuda=12.4", "cuda-version=12.5"),
        *((CHANNEL, "nvidia"), None, None, ("--cuda", "12.4", "--source", CHANNEL)),
    ),
    "a build": Case(("pytorch=2.4.1=cuda118_py311h5f4b2bb_300",), (FORGE,), "12.9", "8.9"),
}


@pytest.fixture
def preview(both, file, conda_in_process, monkeypatch) -> Callable[..., Any]:
    """`preview(case, lines, words)`: a dry run with a file of these lines."""

    def run(case: Case, lines: tuple[str, ...], words: tuple[str, ...] | None = None) -> Any:
        for name, value in (("CUDA", case.cuda), ("CUDA_ARCH", case.arch)):
            if value:
                monkeypatch.setenv(f"CONDA_OVERRIDE_{name}", value)
        channels = f"channels: [{', '.join(case.channels)}]\n" if case.channels else ""
        listed = "".join(f"  - {line}\n" for line in (*lines, "tqdm=4"))
        path = str(file(f"{channels}dependencies:\n{listed}"))
        given = ("-f", path, *case.words) if words is None else words
        named = () if "-n" in given else ("-n", "new")
        return conda_in_process("torch-install", "-d", "--json", *named, *given)

    return run


def _name(line: str) -> str:
    return match.read(line).name


def _taken(
    hint: dict[str, str], lines: tuple[str, ...]
) -> tuple[tuple[str, ...], list[str] | None]:
    """The lines after a step, and the words of the command where it names one."""
    said, quoted = hint["text"], re.findall(r"`([^`]*)`", hint["text"])
    left, opened, command = [], [], None
    match hint["hint_code"]:
        case "file_change_pins" | "drop_cuda" | "drop_cuda_cpu":
            left = quoted
        case "open_build" | "open_partner" | "torch_instead":
            names = {_name(old) for old in quoted[1].split()}
            return (*(one for one in lines if _name(one) not in names), *quoted[0].split()), None
        case "drop_partner":
            return tuple(one for one in lines if _name(one) not in said), None
        case "older_release":
            opened = [one for one in lines if _name(one) in ("pytorch", *METAPACKAGES)]
        case "open_versions":
            opened = [one for one in lines if _name(one) in (*FAMILY, *METAPACKAGES)]
        case code if code in OF_LINES:
            *named, last = quoted
            command = shlex.split(last)[2:]
            ends = (said.find(" open"), said.find(" without channel"))
            end = max(ends) if code != "file_leave_lines" else 0
            opened = [one for one in named if said.index(f"`{one}`") < end]
            left = [one for one in named if one not in opened]
        case "use_python":
            command = shlex.split(quoted[-1])[2:]
        case "use_cpu" | "use_cpu_only":
            return lines, ["--cuda", "cpu"]
        case "name_cuda":
            return lines, quoted[0].split()
        case code:
            raise AssertionError(f"nobody takes the step {code}: {said}")
    # What is named stands in the file, or is a part of a line.
    for one in (*opened, *left):
        assert any(one in line.replace("torch==", "pytorch==") for line in lines), said
    kept = [line for line in lines if line not in left]
    for variant in (one for one in left if one.startswith("+")):
        kept = [line.removesuffix(variant) for line in kept]
    return tuple(_name(line) if line in opened else line for line in kept), command


@pytest.mark.parametrize("name", CASES)
def test_each_step_comes_to_what_it_says(preview, name):
    case = CASES[name]
    refused = preview(case, case.lines)
    assert refused.rc == 1
    hints = refused.json()["guidance"]["hints"]
    steps = [hint for hint in hints if hint["hint_code"] not in AWAY]
    for hint in steps:
        lines, command = _taken(hint, case.lines)
        words = tuple(command) if command and command[0] == "-f" else None
        beside = case._replace(words=(*case.words, *command)) if command and not words else case
        done = preview(beside, lines, words).ok().json()["torchmirror"]
        built = {one["name"]: one["version"] for one in done["selected"]["builds"]}
        promised = re.search(r"\bpytorch (\d+\.\d+\.\d+)", hint["text"])
        assert promised is None or built["pytorch"] == promised[1], hint
        cuda = re.search(r"with CUDA ([\d.]+\d)", hint["text"])
        assert cuda is None or done["selected"]["cuda"] == cuda[1], hint


def test_a_step_of_a_file_may_lead_to_the_other_source(preview):
    refused = preview(Case(("pytorch=1.8.2",), (), "12.9", "8.9"), ("pytorch=1.8.2",))
    told = {one["hint_code"]: one["text"] for one in refused.json()["guidance"]["hints"]}
    assert "pytorch 2.13.0" in told["older_release"]


def test_a_cpu_build_keeps_the_release_of_the_metapackage(preview):
    case = Case(("pytorch-gpu=2.4.1",), (), None, None, ("--cuda", "cpu"))
    done = preview(case, case.lines).ok().json()["torchmirror"]
    [torch] = [one for one in done["selected"]["builds"] if one["name"] == "pytorch"]
    assert (torch["version"], done["selected"]["cuda"]) == ("2.4.1", None)
    assert "`pytorch-gpu=2.4.1` is left out, as `--cuda cpu`" in json.dumps(done)
