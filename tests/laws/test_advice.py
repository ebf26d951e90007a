"""The law of advice: a next step is offered only if taking it, with everything else as asked, gives
a choice; and the cause names the part of the request that excludes everything.

Each step is taken here by its words alone, as a reader would, and the choice is asked again.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.choosing import KNOWLEDGE, SOURCE, known

from conda_torchmirror.index import match
from conda_torchmirror.install import request
from conda_torchmirror.models import Build, Choice, Machine, NoChoice, Notice, Pin, Request
from conda_torchmirror.selection import alternatives, choose
from conda_torchmirror.selection.facts import cuda
from conda_torchmirror.selection.facts.names import FAMILY
from conda_torchmirror.selection.refused import Case
from conda_torchmirror.text import reasons
from conda_torchmirror.text.messages import text

DATA = Path(cuda.__file__).parents[2] / "data"
CONDA_FORGE = {
    row["torch"]: row for row in json.loads((DATA / "conda_forge.json").read_text())["releases"]
}
END = SOURCE.ended()


class Asked(NamedTuple):
    """A command line and the machine that it is for."""

    words: tuple[str, ...]
    on: Machine
    cuda: str = "auto"
    compat: Any = "minor"
    allow_cpu: bool = False
    python: str | None = None

    def asked(self) -> Request:
        return request.make(
            self.words,
            cuda_word=self.cuda,
            compat=self.compat,
            allow_cpu=self.allow_cpu,
            python_word=self.python,
        )

    def choose(self, builds: Sequence[Build]) -> Choice | NoChoice:
        found = self.asked()
        on = self.on
        if found.cuda == "cpu":
            on = on._replace(cuda=None, cuda_from="none")
        elif found.cuda != "auto":
            on = on._replace(cuda=found.cuda, cuda_from="--cuda", failing=False)
        if self.python:
            on = on._replace(python=self.python, python_from="--python")
        return choose.choose(on, found, builds, KNOWLEDGE)

    def advice(self, builds: Sequence[Build]) -> alternatives.Advice | None:
        """What is said where there is no choice."""
        failed = self.choose(builds)
        if isinstance(failed, Choice):
            return None
        asked = self.asked()
        on = self.on
        if asked.cuda == "cpu":
            on = on._replace(cuda=None, cuda_from="none")
        elif asked.cuda != "auto":
            on = on._replace(cuda=asked.cuda, cuda_from="--cuda")
        found = alternatives.find(Case(failed, on, asked, builds, KNOWLEDGE))
        # What is said can be said.
        for notice in (*found.steps, *([found.cause] if found.cause else [])):
            assert "?" not in text(notice.code, notice.facts), notice
        why = (found.cause, found.blamed, END)
        assert reasons.why(failed.rejected, _records(builds), asked, on, *why)
        return found

    def without(self, words: Sequence[str]) -> Asked:
        """Without these words; `+cu121` is a part of one."""
        variants = [word for word in words if word.startswith("+")]
        kept = (word for word in self.words if word not in words)
        for variant in variants:
            kept = (word.removesuffix(variant) for word in kept)
        return self._replace(words=tuple(kept))


def _records(builds: Sequence[Build]) -> Any:
    from conda_torchmirror.models import Records

    return Records(tuple(builds), "built-in")


def _quoted(words: str) -> list[str]:
    return [word.strip("`") for word in words.split(", ")]


def _of_family(asked: Asked, names: Sequence[str], instead: Sequence[str]) -> Asked:
    """With other words on some packages."""
    kept = tuple(w for w in asked.words if match.read(w).name not in names)
    return asked._replace(words=(*kept, *instead))


def taken(asked: Asked, step: Notice) -> Iterator[Asked]:
    """The command lines and machines that a step leads to; each has to have a choice."""
    facts = {key: str(value) for key, value in step.facts.items()}
    match step.code:
        case "change_pins":
            named = facts["pins"].split(", ")
            kept = [p for p in asked.on.pins if f"{p.text} ({p.source})" not in named]
            assert len(kept) < len(asked.on.pins)
            yield asked._replace(on=asked.on._replace(pins=tuple(kept)))
        case "use_minor":
            assert asked.compat == "strict"
            yield asked._replace(compat="minor")
        case "use_python":
            for python in facts["pythons"].split(", "):
                yield asked._replace(on=asked.on._replace(python=python))
            yield _command(asked, facts["command"])
        case "open_build" | "open_partner":
            instead = facts["instead"].split(" ")
            names = [match.read(word).name for word in instead]
            yield _of_family(asked, names, instead)
        case "torch_instead":
            named = [match.read(word).name for word in facts["spec"].split(" ")]
            yield _of_family(asked, named, [facts["instead"]])
        case "drop_partner":
            names = facts["names"].split(", ")
            kept = asked.words or ("pytorch", "torchvision", "torchaudio")
            yield asked._replace(words=tuple(w for w in kept if match.read(w).name not in names))
        case "drop_cuda" | "drop_cuda_cpu":
            yield asked.without(_quoted(facts["words"]))
        case "older_release":
            yield _of_family(asked, ["pytorch"], ["pytorch"])
        case "open_versions":
            named = dict.fromkeys(match.read(word).name for word in asked.words)
            family = [name for name in named if name in FAMILY]
            yield _of_family(asked, family, family)
        case "ask_less":
            yield _command(asked, facts["command"])
        case "name_cuda":
            yield asked._replace(cuda=facts["cuda"])
        case "upgrade_driver":
            better = asked.on._replace(cuda=facts["cuda"], driver=facts["driver"])
            yield asked._replace(on=better)
        case "use_cpu":
            yield asked._replace(cuda="cpu")
            yield asked._replace(allow_cpu=True)
        case "use_cpu_only":
            yield asked._replace(cuda="cpu")
        case "use_cpu_instead":
            yield asked.without(_quoted(facts["words"]))._replace(cuda="cpu")
        case _:
            raise AssertionError(f"nobody takes the step {step.code}")


def _command(asked: Asked, command: str) -> Asked:
    """A command as it is typed, into an environment of its own where it names one."""
    words = shlex.split(command)
    assert words[:2] == ["conda", "torch-install"]
    on = asked.on
    options: dict[str, Any] = {}
    rest = []
    line = iter(words[2:])
    for word in line:
        if word == "-n":
            next(line)
            on = on._replace(python=None, pins=())
        elif word in ("--cuda", "--python", "--cuda-compat"):
            options[word] = next(line)
        elif word == "--allow-cpu":
            options[word] = True
        else:
            rest.append(word)
    return Asked(
        tuple(rest),
        on,
        cuda=options.get("--cuda", "auto"),
        compat=options.get("--cuda-compat", "minor"),
        allow_cpu=options.get("--allow-cpu", False),
        python=options.get("--python"),
    )


ELSEWHERE = ("use_conda_forge", "use_conda_forge_cpu", "use_wheels", "other_channel_has")


def check(asked: Asked, builds: Sequence[Build]) -> list[str] | None:
    """The codes of the steps of a refusal, each of which was taken; None for a choice."""
    advice = asked.advice(builds)
    if advice is None:
        return None
    for step in advice.steps:
        if step.code in ELSEWHERE:
            serves(asked, step)
            continue
        for again in taken(asked, step):
            found = again.choose(builds)
            assert isinstance(found, Choice), (asked, step)
            if "torch" in step.facts and step.code != "open_build":
                assert step.facts["torch"] == f"pytorch {found.torch.version}", (asked, step)
            if step.code in ("drop_cuda", "name_cuda", "use_minor"):
                assert found.cuda == step.facts["cuda"], (asked, step)
    free = {
        "gpu": lambda: asked._replace(on=asked.on._replace(cuda_arch=None)),
        "python": lambda: asked._replace(on=asked.on._replace(python=None), python=None),
        "pins": lambda: asked._replace(on=asked.on._replace(pins=())),
    }
    for what, codes in {
        "gpu": {"arch_missing", "cudnn_too_new"},
        "python": {"python_mismatch"},
        "pins": {"pinned"},
    }.items():
        if advice.blamed & codes and not (what == "pins" and not asked.on.pins):
            assert isinstance(free[what]().choose(builds), Choice), (asked, advice.blamed)
    return [step.code for step in advice.steps]


def serves(asked: Asked, step: Notice) -> None:
    """What is said to be elsewhere is in the table of what is there."""
    specs = [match.read(w) for w in asked.words]
    torch = [spec.plain for spec in specs if spec.name == "pytorch" and not spec.open]
    if step.code == "other_channel_has":
        assert step.facts["torch"] == "1.8.2"
        assert torch
        assert all(match.admits(spec, "pytorch", "1.8.2", "") for spec in torch)
        return
    assert "pytorch-cuda" not in {spec.name for spec in specs}
    until = str(step.facts["torch"])
    if step.code == "use_wheels":
        assert asked.on.python in (None, "3.10", "3.11", "3.12", "3.13")
        assert any(
            all(match.admits(spec, "pytorch", f"{until}.{patch}", "") for spec in torch)
            for patch in range(3)
        )
        return
    command = shlex.split(str(step.facts["command"]))
    assert command[:4] == ["conda", "torch-install", "-n", "NEW"]
    again = _command(asked, shlex.join(w for w in command if w not in ("--source", "conda-forge")))
    assert again.asked().specs == asked.asked().specs
    assert (again.cuda, again.python or asked.on.python) == (asked.cuda, asked.on.python)
    assert "--source conda-forge" in str(step.facts["command"])
    rows = [row for version, row in CONDA_FORGE.items() if version.startswith(f"{until}.")]
    assert any(
        (there := row["platforms"].get(asked.on.subdir))
        and all(match.admits(spec, "pytorch", row["torch"], "") for spec in torch)
        and (asked.on.python is None or asked.on.python in there["python"])
        and (step.code == "use_conda_forge_cpu" or step.facts["cuda"] in there["cuda"])
        for row in rows
    ), (asked, step)
    if step.code == "use_conda_forge" and asked.on.cuda and asked.cuda == "auto":
        major = int(str(step.facts["cuda"]).partition(".")[0])
        assert major <= int(asked.on.cuda.partition(".")[0])


# Every refusal of the sweep


@cache
def variants(subdir: str) -> tuple[Build, ...]:
    """One Python's builds of every release, all CUDAs and the CPU."""
    latest: dict[tuple[str, str], Build] = {}
    for build in known(subdir):
        if build.name == "pytorch" and build.version[0] in "12":
            kind = build.build.partition("_")[2]
            latest[build.version, kind] = build
    return tuple(latest.values())


DRIVERS = [("10.2", None), ("11.0", None), ("11.8", "520.61.05"), ("12.0", None), ("13.0", None)]
GPUS = ("3.5", "3.7", "5.0", "8.0", "9.0", "12.0")


@pytest.mark.parametrize("subdir", ["linux-64", "win-64"])
def test_every_step_that_the_sweep_offers_gives_a_choice(subdir):
    builds = variants(subdir)
    releases = sorted({build.version for build in builds})
    steps = {}
    for (driver, version), arch, release in product(DRIVERS, GPUS, releases):
        on = Machine(subdir, cuda=driver, cuda_from="libcuda", driver=version, cuda_arch=arch)
        codes = check(Asked((f"pytorch=={release}",), on), builds)
        for code in codes or ():
            steps[code] = steps.get(code, 0) + 1
    assert {"older_release", "upgrade_driver", "use_cpu"} <= steps.keys()


@pytest.mark.slow
@pytest.mark.parametrize("subdir", ["linux-64", "win-64"])
@pytest.mark.parametrize("compat", ["minor", "strict"])
def test_every_step_of_every_machine_gives_a_choice(subdir, compat):
    builds = variants(subdir)
    releases = sorted({build.version for build in builds})
    data = json.loads((DATA / "cuda.json").read_text())["drivers"]["versions"]
    for driver, arch, release in product(data, (*GPUS, "6.1", "7.0", "8.6", "10.0"), releases):
        on = Machine(subdir, cuda=driver, cuda_from="libcuda", cuda_arch=arch)
        check(Asked((f"pytorch=={release}",), on, compat=compat), builds)


# Requests of every kind

REQUESTS: dict[str, tuple[str, ...]] = {
    "default": (),
    "a release that is none": ("pytorch=2.7",),
    "a release below all": ("pytorch=0.1",),
    "long-term": ("pytorch=1.8.2", "torchvision"),
    "a build of Windows": ("pytorch=2.1.2=py3.10_cuda12.1_cudnn8_0",),
    "a build of Linux": ("pytorch=2.1.2=py3.10_cuda12.1_cudnn8.9.2_0",),
    "a build of conda-forge": ("pytorch=2.1.0=cuda118_py311h7595050_300",),
    "another release's partner": ("pytorch=2.3", "torchvision=0.20"),
    "two other partners": ("pytorch=2.3", "torchvision=0.20", "torchaudio=2.5"),
    "a partner of an old release": ("pytorch=1.11.0", "torchaudio=0.10.0", "cudatoolkit=11.3"),
    "two releases": ("pytorch=2.3", "pytorch=2.4"),
    "a CUDA of no release": ("pytorch=1.8.1", "cudatoolkit=11.3"),
    "a runtime of none": ("pytorch-cuda=11.9",),
    "a runtime": ("pytorch=2.4", "pytorch-cuda=12.1"),
    "a named CUDA": ("pytorch=2.3.1", "cuda-version=11.8"),
    "a CUDA that the release lacks": ("pytorch=2.3.1", "cuda-version=12.4"),
    "a wheel's CUDA": ("torch==2.3.1+cu121",),
    "a file": ("pytorch[sha256=00]",),
    "text": ("pytorch=2.4", "torchtext"),
}
MACHINES: dict[str, Machine] = {
    "no GPU": Machine("linux-64"),
    "12.4": Machine("linux-64", cuda="12.4", cuda_from="libcuda", cuda_arch="8.6"),
    "Python 3.13": Machine(
        "linux-64", cuda="12.4", cuda_from="libcuda", cuda_arch="8.6", python="3.13"
    ),
    "Python 3.9, pinned": Machine(
        "win-64",
        cuda="12.4",
        cuda_from="libcuda",
        cuda_arch="8.6",
        python="3.9",
        pins=(Pin("pytorch 1.10.*", "conda-meta/pinned"), Pin("torchvision <0.12", "pinned")),
    ),
    "RTX 5090": Machine("linux-64", cuda="13.0", cuda_from="libcuda", cuda_arch="12.0"),
    "K40": Machine("linux-64", cuda="11.4", cuda_from="libcuda", cuda_arch="3.5"),
    "old driver": Machine("win-64", cuda="10.2", cuda_from="libcuda", cuda_arch="7.5"),
    "broken driver": Machine("linux-64", failing=True),
    "Mac": Machine("osx-arm64", python="3.12"),
    "Intel Mac": Machine("osx-64", python="3.13"),
}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("what", REQUESTS)
def test_every_step_for_every_request_gives_a_choice(what, machine):
    on = MACHINES[machine]
    builds = known(on.subdir)
    asked = Asked(REQUESTS[what], on)
    codes = check(asked, builds)
    if codes is None:
        return
    cause = asked.advice(builds).cause
    # A build that came as far as being judged has reasons of its own.
    assert (cause is None) == bool(asked.choose(builds).rejected)


CAUSES: list[tuple[str, str, str, dict[str, str]]] = [
    ("a release that is none", "12.4", "no_such_release", {"last": "2.5.1"}),
    ("long-term", "12.4", "no_such_release", {"spec": "pytorch=1.8.2"}),
    ("a build of Windows", "12.4", "build_of_platform", {"of": "win-64"}),
    ("a build of Linux", "old driver", "build_of_platform", {"of": "linux-64"}),
    ("a build of conda-forge", "12.4", "build_of_conda_forge", {}),
    ("two releases", "12.4", "contradict", {"first": "pytorch=2.3", "second": "pytorch=2.4"}),
    ("a CUDA of no release", "12.4", "contradict", {"second": "cudatoolkit=11.3"}),
    ("a runtime of none", "12.4", "no_such_cuda", {"spec": "pytorch-cuda=11.9"}),
]


@pytest.mark.parametrize(("what", "machine", "code", "facts"), CAUSES)
def test_the_cause_names_what_excludes_everything(what, machine, code, facts):
    on = MACHINES[machine]
    advice = Asked(REQUESTS[what], on).advice(known(on.subdir))
    assert advice.cause.code == code
    assert facts.items() <= dict(advice.cause.facts).items()


FIRST: list[tuple[str, str, str, dict[str, str]]] = [
    (
        "a build of Windows",
        "12.4",
        "open_build",
        {"instead": "pytorch=2.1.2", "found": "pytorch=2.1.2=py3.11_cuda12.1_cudnn8.9.2_0"},
    ),
    ("a build of conda-forge", "12.4", "open_build", {"instead": "pytorch=2.1.0"}),
    (
        "another release's partner",
        "12.4",
        "open_partner",
        {"spec": "torchvision=0.20", "instead": "torchvision=0.18.1", "torch": "pytorch 2.3.1"},
    ),
    (
        "default",
        "Python 3.13",
        "use_python",
        {"command": "conda torch-install -n NEW --python 3.12"},
    ),
    ("a CUDA that the release lacks", "12.4", "drop_cuda", {"cuda": "12.1"}),
    ("default", "RTX 5090", "use_conda_forge", {"since": "2.7"}),
]


@pytest.mark.parametrize(("what", "machine", "code", "facts"), FIRST)
def test_the_nearest_step(what, machine, code, facts):
    on = MACHINES[machine]
    advice = Asked(REQUESTS[what], on).advice(known(on.subdir))
    assert advice.steps[0].code == code
    assert facts.items() <= dict(advice.steps[0].facts).items()


@pytest.mark.parametrize(
    ("what", "machine", "never"),
    [
        # No pin and no driver helps these GPUs.
        ("default", "RTX 5090", {"change_pins", "upgrade_driver"}),
        ("default", "K40", {"change_pins", "upgrade_driver"}),
        # The release is there; its build is not.
        ("a build of Windows", "12.4", {"older_release", "open_versions"}),
        ("default", "Python 3.13", {"upgrade_driver", "older_release", "use_cpu"}),
    ],
)
def test_what_does_not_help_is_not_offered(what, machine, never):
    on = MACHINES[machine]
    advice = Asked(REQUESTS[what], on).advice(known(on.subdir))
    assert not never & {step.code for step in advice.steps}


def test_a_mac_is_offered_the_cpu_for_a_file_with_cuda():
    on = MACHINES["Mac"]
    advice = Asked(("pytorch=2.3", "pytorch-cuda=12.1"), on).advice(known(on.subdir))
    assert "use_cpu_instead" in {step.code for step in advice.steps}
