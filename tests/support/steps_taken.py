"""Taking a next step that a refusal offers, by its words alone, as a reader would; for the laws of
advice, for one source and for `--source auto`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from conda_torchmirror.index import match
from conda_torchmirror.index.sources import AUTO
from conda_torchmirror.install import request
from conda_torchmirror.models import Build, Choice, Machine, NoChoice, Notice, Request
from conda_torchmirror.selection import alternatives, choose, rules
from conda_torchmirror.selection.facts import cuda
from conda_torchmirror.selection.facts.names import DEFAULT, FAMILY, LIBTORCH, METAPACKAGES
from conda_torchmirror.selection.refused import Case
from conda_torchmirror.text import reasons
from conda_torchmirror.text.messages import text
from support.choosing import KNOWLEDGE, SOURCE

DATA = Path(cuda.__file__).parents[2] / "data"
CONDA_FORGE = {
    row["torch"]: row for row in json.loads((DATA / "conda_forge.json").read_text())["releases"]
}
END = SOURCE.ended()
#: The packages that the rules are about.
OF_RULES = ("mkl", "numpy")


class Asked(NamedTuple):
    """A command line and the machine that it is for."""

    words: tuple[str, ...]
    on: Machine
    cuda: str = "auto"
    compat: Any = "minor"
    allow_cpu: bool = False
    python: str | None = None
    source: str = AUTO

    @property
    def machine(self) -> Machine:
        """The machine, with what the command line says of it."""
        on = self.on
        if self.cuda == "cpu":
            on = on._replace(cuda=None, cuda_from="none")
        elif self.cuda != "auto":
            on = on._replace(cuda=self.cuda, cuda_from="--cuda", failing=False)
        return on._replace(python=self.python, python_from="--python") if self.python else on

    def asked(self) -> Request:
        return request.make(
            self.words,
            cuda_word=self.cuda,
            compat=self.compat,
            allow_cpu=self.allow_cpu,
            python_word=self.python,
        )

    def choose(self, builds: Sequence[Build]) -> Choice | NoChoice:
        return choose.choose(self.machine, self.asked(), builds, KNOWLEDGE)

    def advice(self, builds: Sequence[Build]) -> alternatives.Advice | None:
        """What is said where there is no choice."""
        failed = self.choose(builds)
        if isinstance(failed, Choice):
            return None
        asked, on = self.asked(), self.machine
        found = alternatives.find(Case(failed, on, asked, builds, KNOWLEDGE, here=self._here))
        # What is said can be said.
        for notice in (*found.steps, *([found.cause] if found.cause else [])):
            assert "?" not in text(notice.code, notice.facts), notice
        why = (found.cause, found.blamed, END)
        assert reasons.why(failed.rejected, _records(builds), asked, on, *why)
        return found

    def _here(self) -> Machine:
        return self._replace(cuda="auto").machine

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
        case "change_spec":
            left = tuple(p for p in asked.on.history if match.read(p.spec).name not in OF_RULES)
            yield asked._replace(on=asked.on._replace(history=left))
        case "repeat_spec":
            named = [match.read(word).name for word in asked.words]
            # Other packages alone would have pytorch added, without its partners.
            words = asked.words if set(named) & {*FAMILY} else (*asked.words, *DEFAULT)
            yield asked._replace(words=(*words, *shlex.split(facts["spec"])))
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
            kept = asked.words or DEFAULT
            yield asked._replace(words=tuple(w for w in kept if match.read(w).name not in names))
        case "drop_cuda" | "drop_cuda_cpu":
            yield asked.without(_quoted(facts["words"]))
        case "older_release" | "newer_release":
            named_by = [match.read(word).name for word in asked.words]
            meta = [name for name in named_by if name in (*METAPACKAGES, LIBTORCH)]
            yield _of_family(asked, ["pytorch", *meta], meta or ["pytorch"])
        case "open_versions":
            named = dict.fromkeys(match.read(word).name for word in asked.words)
            family = [name for name in named if name in (*FAMILY, *METAPACKAGES)]
            yield _of_family(asked, family, family)
        case "ask_less" | "less_of_conda_forge" | "less_without_cuda":
            yield _command(asked, facts["command"])
        case "use_source" | "in_new_environment":
            yield _command(asked, facts["command"])
        case "name_cuda" | "other_cuda":
            yield asked._replace(cuda=facts["cuda"])
        case "leave_cuda":
            yield asked._replace(cuda="auto")
        case "upgrade_driver" | "upgrade_driver_override":
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
            pins = tuple(pin for pin in on.pins if pin.source == "pinned_packages")
            on = on._replace(python=None, pins=pins, installed=(), history=())
        elif word in ("--cuda", "--python", "--cuda-compat", "--source", "--platform"):
            options[word] = next(line)
        elif word == "--allow-cpu":
            options[word] = True
        elif word == "--dry-run":
            continue
        else:
            rest.append(word)
    return Asked(
        tuple(rest),
        on,
        cuda=options.get("--cuda", "auto"),
        compat=options.get("--cuda-compat", "minor"),
        allow_cpu=options.get("--allow-cpu", False),
        python=options.get("--python"),
        source=options.get("--source", AUTO),
    )


LESS = "less_of_conda_forge"
ELSEWHERE = ("use_conda_forge", "use_conda_forge_cpu", "use_wheels", "other_channel_has", LESS)


def check(asked: Asked, builds: Sequence[Build]) -> list[str] | None:
    """The codes of the steps of a refusal, each of which was taken; None for a choice."""
    advice = asked.advice(builds)
    if advice is None:
        return None
    for step in advice.steps:
        if step.code in ELSEWHERE:
            serves(asked, step)
            continue
        if step.code == "less_without_cuda" and "--source conda-forge" in step.facts["command"]:
            continue  # those are other records
        for again in taken(asked, step):
            found = again.choose(builds)
            assert isinstance(found, Choice), (asked, step)
            against = rules.conflicts(found, again.on, again.asked(), match.admits)
            assert not against, (asked, step)
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
    if step.code == LESS:
        torch = []
        family = [name for name in asked.asked().specs if name in FAMILY]
        asked = asked._replace(words=tuple(family if asked.words else ()))
    assert step.code == LESS or "pytorch-cuda" not in {spec.name for spec in specs}
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
        and ("cuda" not in step.facts or step.facts["cuda"] in there["cuda"])
        for row in rows
    ), (asked, step)
    if "cuda" in step.facts and asked.on.cuda and asked.cuda == "auto":
        major = int(str(step.facts["cuda"]).partition(".")[0])
        assert major <= int(asked.on.cuda.partition(".")[0])
