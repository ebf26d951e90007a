"""The law of advice for machines elsewhere, plans, caches, reports and wheels: each step that such
a refusal offers is taken, by its words, and gives what it says. Offline, by the built-in lists."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.machine_files import LAB, write
from support.running import Result

PREVIEW = ("torch-install", "--dry-run", "--offline", "-n", "new")
WHEELS = (*PREVIEW, "--source", "wheels")
_COMMAND = re.compile(r"`(conda [^`]*)`")
#: Steps that are taken elsewhere: on another machine, by a hand, where there is a network.
ELSEWHERE = frozenset(
    (
        *("print_facts", "write_reports", "fetch_wheels", "wheels_in_folder", "save_first"),
        *("go_online", "see_list", "built_in_part", "bring_packages"),
        "conda_takes_it",  # where conda has that channel
        "leave_one_out",  # see `test_either_of_two_that_contradict_may_be_left_out`
    )
)

Words = tuple[str, ...]


def _with(words: Words, asked: str, instead: str) -> Words:
    return tuple(instead if word == asked else word for word in words)


def _without(words: Words, names: str) -> Words:
    """Without packages; those of the default are written out first."""
    named = [word for word in words if word.startswith(("torch", "pytorch"))][1:]
    default = () if named else ("torch", "torchvision", "torchaudio")
    left = names.split(", ")
    return tuple(w for w in (*words, *default) if re.split("[=<>]", w)[0] not in left)


def _open(words: Words, _: Any) -> Words:
    return tuple(re.sub(r"^((?:py)?torch)[=<>].*", r"\1", word) for word in words)


#: By hint, the command line that it leads to, from the words and from what the hint says.
TAKEN: dict[str, Callable[[Words, dict[str, Any]], Words]] = {
    "use_cpu": lambda words, _: (*words, "--cuda", "cpu"),
    "use_cpu_only": lambda words, _: (*words, "--cuda", "cpu"),
    "use_cpu_instead": lambda words, said: (
        *(w for w in words if w != said["replaced"]),
        *("--cuda", "cpu"),
    ),
    "name_cuda": lambda words, said: (*words, "--cuda", said["named"]),
    "other_cuda": lambda words, said: (*words, "--cuda", said["named"]),
    "leave_channel_out": lambda words, _: (*words[:-1], words[-1].rpartition("::")[2]),
    "choose_from": lambda words, _: _with(words, "pytorch", "conda-forge"),
    "use_minor": lambda words, _: (*words, "--cuda-compat", "minor"),
    "older_release": _open,
    "open_versions": _open,
    "name_alone": lambda words, said: (*words, *said["alone"].split()),
    "drop_partner": lambda words, said: _without(words, said["names"]),
    "drop_cuda_cpu": lambda words, said: tuple(w for w in words if w != said["names"].strip("`")),
    "torch_instead": lambda words, said: (
        *(w for w in words if w not in said["asked"].split()),
        said["instead"],
    ),
    "open_partner": lambda words, said: _with(words, said["asked"], said["instead"]),
    "open_variant": lambda words, said: _with(words, said["asked"], said["instead"]),
    "upgrade_driver": lambda words, said: (*words, "--cuda", said["cuda"]),
    "machines_preview": lambda words, _: tuple(
        w for w in (*words, "--dry-run") if w not in ("--solve", "--list", "--download-only")
    ),
    "save_beside": lambda words, _: tuple(w for w in words if w != "--with-packages"),
    "spec_meant": lambda words, said: (*words[:-2], *said["meant"].split()),
    "spec_form": lambda words, _: (*words[:-1], "pytorch=2.5.1"),
    "urls_joined": lambda words, _: (*words[:-2], "--urls=aria2"),
    "leave_print_or": lambda words, _: tuple(w for w in words if w not in ("--print", "conda")),
    "leave_options": lambda words, _: tuple(w for w in words if w != "--check-upstream"),
    # What is solved wants the network besides.
    "machines_one": lambda words, _: tuple(
        w for w in words if w != "--solve" and not w.endswith("login.json")
    ),
}
_SAID = re.compile(
    r"leave (?P<names>[\w=.,` -]+) out|ask for `(?P<instead>[^`]*)` instead of `(?P<asked>[^`]*)`"
    r"|name `(?P<alone>[^`]*)`, to do without"
    r"|runs CUDA (?P<cuda>[\d.]+)|`--cuda (?P<named>[\d.]+)` (?:chooses|takes)"
    r"|did you mean `(?P<meant>[^`]*)`"
    r"|`--cuda cpu` instead of `(?P<replaced>[^`]*)`"
)


class Case(NamedTuple):
    """Words, in which `{lab}` is the folder of the machines; what is read; the hints."""

    words: Words
    says: str
    hints: frozenset[str]


def case(*words: str, says: str, hints: str = "") -> Case:
    return Case(words, says, frozenset(hints.split()))


AMPERE, KEPLER, LOGIN = (f"{{lab}}/{name}.json" for name in ("ampere", "kepler", "login"))
CASES = {
    # One machine.
    "no facts": case(
        *PREVIEW, "--machine", "{lab}/none.json", says="there is no such file", hints="print_facts"
    ),
    "other JSON": case(
        *PREVIEW, "--machine", "{lab}/other.json", says="facts of a machine", hints="print_facts"
    ),
    "a release that is none": case(
        *(*PREVIEW, "--source", "pytorch", "pytorch=2.99", "--machine", AMPERE),
        says="the built-in index has no `pytorch=2.99`",
        hints="older_release see_list",
    ),
    "a GPU too old": case(
        *(*PREVIEW, "--source", "conda-forge", "pytorch=2.8", "--machine", KEPLER),
        says="with the driver's CUDA 11.4",
        hints="use_cpu see_list",
    ),
    "strict": case(
        *(*PREVIEW, "--source", "conda-forge", "pytorch=2.8", "--cuda-compat", "strict"),
        *("--machine", AMPERE),
        says="builds for CUDA",
        hints="use_minor see_list",
    ),
    "no GPU there": case(
        *(*PREVIEW, "--source", "pytorch", "pytorch=2.5", "pytorch-cuda=12.4", "--machine", LOGIN),
        says="CUDA",
    ),
    "a Python too new": case(
        *(*PREVIEW, "--source", "pytorch", "--python", "3.13", "--machine", AMPERE),
        says="do not go with Python 3.13",
    ),
    # Several.
    "several to install": case(
        *("torch-install", "--offline", "-n", "new", "--machine", AMPERE, LOGIN),
        says="with 2 files goes with",
        hints="machines_preview",
    ),
    "several, listed": case(
        *("torch-install", "--offline", "--list", "--machine", AMPERE, LOGIN),
        says="with 2 files goes with",
        hints="machines_preview machines_one",
    ),
    "several, solved": case(
        *(*PREVIEW, "--solve", "--machine", AMPERE, LOGIN),
        says="everything else is for one machine",
        hints="machines_preview",
    ),
    "several, none of which": case(
        *(*PREVIEW, "--source", "pytorch", "pytorch=2.99", "--machine", AMPERE, LOGIN),
        says="the built-in index has no `pytorch=2.99`",
        hints="older_release see_list",
    ),
    "several of wheels, none of which": case(
        *(*WHEELS, "torch==2.99", "--machine", AMPERE, LOGIN),
        says="none that goes with the rest is `torch==2.99`",
        hints="older_release",
    ),
    "wheels that no change of one word gives": case(
        *(*WHEELS, "--platform", "osx-64", "--python", "3.14", "--cuda", "11.3"),
        "torch==2.8.0+cu128",
        says="no wheel for cu128 is there for osx-64",
        hints="see_list",
    ),
    "the default, where a sample has no partner": case(
        *(*PREVIEW, "--python", "3.14", "--platform", "win-64", "--cuda", "12.1"),
        says="torchvision is asked for",
    ),
    # Channels, of which those are named that are chosen from.
    "the other channel": case(
        *(*PREVIEW, "--source", "pytorch", "--cuda", "cpu", "conda-forge::pytorch"),
        says="chooses exact builds of `pytorch`",
        hints="choose_from",
    ),
    "a channel of neither": case(
        *(*PREVIEW, "--source", "auto", "--cuda", "cpu", "other::pytorch"),
        says="chooses exact builds of `pytorch`, `conda-forge`",
    ),
    # Words that are not understood.
    "a CUDA": case(
        *("torch-install", "-n", "new", "--cuda", "12,4"),
        says="auto, cpu, or a CUDA version",
        hints="list_releases spec_meant",
    ),
    "a Python": case(
        *("torch-install", "-n", "new", "--python", "3"),
        says="a version such as 3.11",
        hints="list_releases",
    ),
    "two Pythons": case(
        *("torch-install", "-n", "new", "python>=3.9"),
        says="one minor version each",
        hints="list_releases",
    ),
    "a spec": case(
        *("torch-install", "-n", "new", "pytorch=="),
        says="not a match spec that conda can read",
        hints="spec_form",
    ),
    "a format by a space": case(
        *("torch-install", "-n", "new", "--urls", "aria2"),
        says="joined by an equals sign",
        hints="urls_joined",
    ),
    "two kinds of output": case(
        *("torch-install", "-n", "new", "--list", "--print", "conda"),
        says="does nothing else",
        hints="leave_print_or",
    ),
    "an option that wheels lack": case(
        *("torch-install", "-n", "new", "--source", "wheels", "--check-upstream"),
        says="does not take --check-upstream",
        hints="leave_options",
    ),
    # Plans, caches and reports: the cause says what to write.
    "packages of no plan": case(
        "torch-install", "-n", "new", "--with-packages", says="goes with `--save-plan DIR`"
    ),
    "no plan": case(
        *("torch-install", "-n", "new", "--plan", "{lab}/none"),
        says="there is no saved plan",
        hints="save_first",
    ),
    "a cache of nothing": case("torch-mirror", "cache", says="it takes `--print nginx`"),
    "a port that is none": case(
        "torch-mirror", "cache", "--print", "nginx", "--port", "70000", says="must be ports"
    ),
    "a collection of no folder": case(
        *("torch-verify", "--collect", "{lab}/none"), says="no such file", hints="write_reports"
    ),
    "a collection and an environment": case(
        *("torch-verify", "--collect", "{lab}", "-n", "x"), says="contradict each other"
    ),
    # Wheels.
    "wheels of a release that is none": case(
        *WHEELS,
        "torch==2.99",
        says="none that goes with the rest is `torch==2.99`",
        hints="older_release",
    ),
    "wheels for an old driver": case(
        *(*WHEELS, "torch==2.13", "--machine", KEPLER),
        says="builds for CUDA 12.6, 12.9, 13.0, 13.2 are too new",
        hints="older_release use_cpu",
    ),
    "wheels for an older driver": case(
        *WHEELS, "--cuda", "9.0", says="too new", hints="other_cuda use_cpu"
    ),
    "wheels for a Python": case(
        *(*WHEELS, "--cuda", "cpu", "--python", "3.7", "torch==2.5.1"),
        says="do not go with Python 3.7",
    ),
    "a partner of wheels": case(
        *(*WHEELS, "--cuda", "12.6", "torch==2.7.1", "torchvision==0.20"),
        says="torchvision 0.22.1 goes with torch 2.7.1",
        hints="open_partner older_release",
    ),
    "another directory of wheels": case(
        *(*WHEELS, "--cuda", "cpu", "torch==2.7.1+cu126"),
        says="are no CPU builds",
        hints="open_variant older_release",
    ),
    "CUDA on a Mac": case(
        *(*WHEELS, "--platform", "osx-arm64", "--cuda", "12.6"),
        says="CPU builds use no CUDA",
        hints="use_cpu",
    ),
    "ROCm that is none": case(
        *(*WHEELS, "--cuda", "rocm5.99", "--python", "3.12"),
        says="there are some for rocm7",
        hints="other_variant",
    ),
    "ROCm on Windows": case(
        *(*WHEELS, "--cuda", "rocm6.4", "--platform", "win-64"),
        says="no wheel for rocm6.4 is there for win-64",
    ),
    "offline, to install": case(
        *("torch-install", "--offline", "-n", "new", "--cuda", "cpu", "--source", "wheels"),
        says="wheels of the set are not on this disk",
        hints="fetch_wheels wheels_in_folder",
    ),
}


@pytest.fixture
def lab(tmp_path) -> Path:
    """Files of machines, and one that holds something else."""
    for name in LAB:
        write(tmp_path, name)
    (tmp_path / "other.json").write_text("{}")
    return tmp_path


def guidance(done: Result) -> tuple[str, dict[str, str]]:
    """What a refusal says, and its hints by code."""
    document = json.loads(done.stdout)
    found = document["guidance"]
    hints = {hint["hint_code"]: hint["text"] for hint in found.get("hints", ())}
    return " ".join((document["message"], found.get("cause") or "", *hints.values())), hints


@pytest.mark.parametrize("name", CASES)
def test_every_step_of_a_refusal_works(conda_in_process, lab, name):
    case = CASES[name]
    words = tuple(word.format(lab=lab) for word in case.words)
    refused = conda_in_process(*words, "--json")
    assert refused.rc in (1, 2)
    said, hints = guidance(refused)
    assert case.says in said
    assert case.hints <= set(hints) or not case.hints
    for code, hint in hints.items():
        if code in ELSEWHERE:
            continue
        commands = [shlex.split(command)[1:] for command in _COMMAND.findall(hint)]
        if not commands:
            match = _SAID.search(hint)
            commands = [list(TAKEN[code](words, match.groupdict() if match else {}))]
        for command in commands:
            more = [word for word in ("--dry-run", "--offline") if word not in command]
            again = conda_in_process(*command, *more, "--json")
            assert not again.rc, (code, command, again.stdout)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("torch_instead", ("--platform", "win-64", "--python", "3.14", "torchvision")),
        ("torch_instead", ("--python", "3.13", "torchtext")),
        ("torch_instead", ("--python", "3.14", "torchtext", "torchvision")),
        ("drop_cuda_cpu", ("--platform", "osx-64", "pytorch-cuda=12")),
    ],
    ids=["a partner alone", "a partner of one source", "partners alone", "the other source"],
)
def test_the_release_that_a_step_names_comes(conda_in_process, code, words):
    """Without a network, what comes is of the built-in index, and nothing newer."""
    cuda = () if "osx-64" in words else ("--cuda", "12.4")
    words = (*PREVIEW, *cuda, *words, "--json")
    _, hints = guidance(conda_in_process(*words))
    match = _SAID.search(hints[code])
    assert match
    found = conda_in_process(*TAKEN[code](words, match.groupdict())).ok().json()["torchmirror"]
    built = {one["name"]: one["version"] for one in found["selected"]["builds"]}
    assert f"pytorch {built['pytorch']}" in hints[code]
    assert "torchaudio" not in built or code != "torch_instead"


def test_a_partner_is_left_out_where_pytorch_is_named(conda_in_process):
    words = (*PREVIEW, "--cuda", "12.4", "--python", "3.13", "pytorch", "torchtext", "--json")
    _, hints = guidance(conda_in_process(*words))
    assert hints["drop_partner"] == "leave torchtext out"


def test_either_of_two_that_contradict_may_be_left_out(conda_in_process):
    words = ("torch-install", "--cuda", "12.4", "--dry-run", "--offline", "--json")
    two = ("pytorch-gpu", "pytorch-cuda=12.4")
    refused = conda_in_process(*words, *two)
    said, hints = guidance(refused)
    assert "contradict each other" in said
    assert hints == {"leave_one_out": "leave out `pytorch-gpu`, or `pytorch-cuda=12.4`"}
    for one in two:
        conda_in_process(*words, one).ok()


# What a part of a channel's index cannot say, its whole may


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("pytorch=2.99", "--cuda", "cpu"), True),
        (("pytorch=2.8=*mkl*", "--cuda", "cpu", "--python", "3.9"), True),
        (("pytorch=2.7.0", "--cuda", "cpu", "--python", "3.9"), True),
        (("pytorch=2.8", "--cuda", "cpu", "--python", "3.7"), False),
        (("pytorch=2.3", "pytorch=2.4", "--cuda", "cpu"), False),
        (("--platform", "linux-64", "pytorch[subdir=win-64]", "--cuda", "cpu"), False),
        (("pytorch=2.8", "--cuda", "11.4"), False),
        (("--platform", "osx-arm64", "--cuda", "12.4"), False),
    ],
    ids=str,
)
def test_the_whole_index_is_asked_for_where_it_may_help(conda_in_process, words, offered):
    """As far as the tables of the channel's releases know: they are the judge of it."""
    refused = conda_in_process(*PREVIEW, "--source", "conda-forge", *words, "--json")
    assert refused.rc == 1
    assert ("built_in_part" in guidance(refused)[1]) is offered
