"""Known-bad combinations and the channels that bring CUDA, from `data/rules.json`; and the CUDA
that an environment is for, where no driver tells.

A rule acts as a pin for one hand-over, never as a spec: a spec would enter the environment's
history and could make a later, quite different, request unsolvable. Pure: no conda.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..models import Admits, Build, Choice, Installed, Machine, Notice, Pin, Request
from .facts.cuda import data
from .facts.names import BLAS, CUDA_NAMES, CUDNN, FAMILY, OF_TOOLKIT, RUNTIMES, TORCH
from .facts.record import dependency
from .specs import (
    admits_python,
    build_of,
    marks,
    never_together,
    number,
    package_name,
    without_build,
)

#: The source of pins that bind every environment, a new one too.
_OF_SETTINGS = "pinned_packages"
_LIBBLAS, _BLAS, _NOMKL = BLAS
#: Python, and what fixes its binary interface.
_PYTHON, _ABI, _PYPY = "python", "python_abi", "pypy"


#: Packages that are judged by themselves, or have builds for any Python.
_WITHOUT_PYTHON = frozenset((*FAMILY, *RUNTIMES, *CUDA_NAMES, *CUDNN, *BLAS, *OF_TOOLKIT, _PYTHON))
#: A release that every spec admits which has no upper bound.
_NEWEST = "9999"

#: What the builds that specs admit ask of Python: by spec, for each build its match specs on it.
Pythons = Mapping[str, frozenset[tuple[str, ...]]]


class Rule(NamedTuple):
    """One known-bad pair: a pytorch version spec and the pin that avoids the pair. `if_open` limits
    it to builds that accept any version of that package; `but_of` are exempt channels."""

    code: str
    pin: str
    torch: str
    subdirs: tuple[str, ...] | None
    if_open: str | None
    source: str
    but_of: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """The code of the sentence that says why the two do not go together."""
        return f"rule.{self.code}"

    @property
    def name(self) -> str:
        """The package that the pin constrains."""
        return package_name(self.pin)

    def applies(self, choice: Choice, admits: Admits) -> bool:
        """Whether the rule applies to the chosen set."""
        torch = choice.torch
        if torch.channel in self.but_of:
            return False
        if not admits(f"{TORCH} {self.torch}", TORCH, torch.version, ""):
            return False
        if self.subdirs is not None and torch.subdir not in self.subdirs:
            return False
        if self.if_open is None:
            return True
        spec = dependency(torch, self.if_open)
        return spec is not None and admits(spec, self.if_open, "9999", "")


def rules() -> tuple[Rule, ...]:
    """The rules that ship with the package."""
    return tuple(
        Rule(
            entry["code"],
            entry["pin"],
            entry["torch"],
            tuple(entry["subdirs"]) if entry["subdirs"] else None,
            entry["if_open"],
            entry["source"],
            tuple(entry["but_of"]),
        )
        for entry in data("rules.json")["pins"]
    )


def applying(choice: Choice, admits: Admits) -> tuple[Rule, ...]:
    """The rules that apply to the choice, one per pin: the first, which is the most specific."""
    found: dict[str, Rule] = {}
    for rule in rules():
        if rule.pin not in found and rule.applies(choice, admits):
            found[rule.pin] = rule
    return tuple(found.values())


def notices(choice: Choice, admits: Admits) -> tuple[Notice, ...]:
    """Notices on the chosen release, such as a vulnerability fixed in newer ones."""
    torch = choice.torch
    return tuple(
        Notice(entry["code"], entry["facts"], entry["url"])
        for entry in data("rules.json")["notices"]
        if torch.channel not in entry["but_of"]
        and admits(f"{TORCH} {entry['torch']}", TORCH, torch.version, "")
    )


def channel_end() -> Mapping[str, str]:
    """The last release and the newest Python of the channel `pytorch`: `last` and `python`."""
    facts: Mapping[str, str] = data("rules.json")["channel_end"]["facts"]
    return facts


def last_releases() -> Mapping[str, str]:
    """The last releases of the channel `pytorch`, by package: pytorch and its partners."""
    found: Mapping[str, str] = data("rules.json")["channel_end"]["releases"]
    return found


def has_mps(subdir: str, torch: str | None = None) -> bool:
    """Whether builds for a platform use the GPU of a Mac; of one release, or of the newer ones."""
    of = data("rules.json")["mps"]
    return subdir in of["subdirs"] and (torch is None or number(torch) >= number(of["since"]))


def installed(on: Machine, name: str) -> Installed | None:
    """The package of this name that conda installed in the environment, or None."""
    return next((p for p in on.installed if p.name == name and p.channel != "pypi"), None)


def new_environment(machine: Machine) -> Machine:
    """The machine with a new environment, which only the pins of the settings bind."""
    everywhere = tuple(pin for pin in machine.pins if pin.source == _OF_SETTINGS)
    return machine._replace(pins=everywhere, installed=(), history=())


def pythons(words: Iterable[str], builds: Iterable[Build], admits: Admits) -> Pythons:
    """What the builds that these specs admit ask of Python. Without specs that no build meets, as
    those of another channel, or one that says nothing of Python, as that may stand in what it needs
    in turn."""
    by_name: dict[str, list[Build]] = {}
    for build in builds:
        by_name.setdefault(build.name, []).append(build)
    found = {}
    for word in words:
        name = package_name(word)
        there = [b for b in by_name.get(name, ()) if admits(word, name, b.version, b.build, b)]
        asking = frozenset(map(_of_python, there))
        if asking and () not in asking:
            found[word] = asking
    return found


def _of_python(build: Build) -> tuple[str, ...]:
    """The match specs on Python of a build; of one for PyPy, which no pytorch runs on, none that
    any Python meets."""
    specs = [spec.split() for spec in build.depends if spec.startswith("py")]
    specs = [words for words in specs if words[0] in (_PYTHON, _ABI) and len(words) > 1]
    if any(_PYPY in words[-1] for words in specs):
        return (f"{_PYTHON} <0",)
    return tuple(f"{_PYTHON} {words[1]}" for words in specs)


def lacking(
    python: str, specs: Iterable[Pin], admits: Admits, known: Pythons
) -> tuple[Pin, Notice] | None:
    """A spec of which there is no build for a Python, and the notice on it: by `known`, which is
    what `pythons` found in records, or, as far as can be told without, where it asks for older
    releases than those that have one. Some channel may have one all the same."""
    rows = data("rules.json")["python_needs"]
    needs = {
        package_name(row["spec"]): row["spec"]
        for row in rows
        if number(row["python"]) <= number(python)
    }
    for pin in specs:
        facts = {"spec": pin.text, "python": python}
        if asking := known.get(pin.spec):
            if not _has(asking, python, admits):
                return pin, Notice("python_without", facts)
            continue
        need = needs.get(name := package_name(pin.spec))
        if need and never_together(pin.spec.rpartition("::")[2], need, name, admits):
            return pin, Notice("python_unsuited", {**facts, "needs": need})
    return None


def having(spec: str, known: Pythons, admits: Admits) -> list[str]:
    """The Pythons that builds of a spec are for, by `known`."""
    last = max(number(row["python"]) for row in data("rules.json")["python_needs"])
    every = (f"3.{minor}" for minor in range(last[1] + 1))
    return [python for python in every if _has(known.get(spec, ()), python, admits)]


def unknown(words: Iterable[str], known: Pythons, admits: Admits) -> bool:
    """Whether one of these specs asks for older releases than the newest of a package of which it
    is not known which Pythons it has builds for."""
    judged = {package_name(row["spec"]) for row in data("rules.json")["python_needs"]}
    for word in words:
        name, plain = package_name(word), word.rpartition("::")[2]
        if word in known or name in judged or name in _WITHOUT_PYTHON:
            continue
        if not admits(plain, name, _NEWEST, ""):
            return True
    return False


def _has(asking: Iterable[Iterable[str]], python: str, admits: Admits) -> bool:
    return any(all(admits_python(spec, python, admits) for spec in one) for one in asking)


def implied(spec: str) -> tuple[str, ...]:
    """The specs on what builds need that one on a package which selects the BLAS implies: `nomkl`
    excludes every MKL, and `blas=*=openblas` conda-forge's library of any other."""
    plain = spec.rpartition("::")[2]
    name, build = package_name(plain), build_of(plain)
    if name == _NOMKL:
        return ("mkl<1",)
    return (f"{_LIBBLAS}=*=*{build}",) if name == _BLAS and build else ()


def conflict(rule: Rule, pins: Iterable[Pin], admits: Admits) -> Pin | None:
    """The first of the environment's pins that no version satisfies together with the rule's
    pin."""
    for pin in pins:
        same = package_name(pin.spec) == rule.name
        if same and never_together(pin.spec, rule.pin, rule.name, admits):
            return pin
    return None


class RuleConflict(NamedTuple):
    """A rule that a choice would add, and the pin or spec of the history that contradicts it."""

    rule: Rule
    pin: Pin


def conflicts(
    choice: Choice, machine: Machine, request: Request, admits: Admits
) -> tuple[RuleConflict, ...]:
    """What in the environment contradicts the rules of a choice, which is then not handed over.

    A spec of this run that contradicts a rule lifts it; one with a version also takes the place of
    the history's, as it does in conda.
    """
    if not (machine.pins or machine.history):
        return ()
    words = [Pin(spec, "") for spec in request.others]
    narrowed = {name for spec in request.others if (name := package_name(spec)) != spec}
    history = [pin for pin in machine.history if package_name(pin.spec) not in narrowed]
    found: list[RuleConflict] = []
    for rule in applying(choice, admits):
        pin = conflict(rule, machine.pins, admits)
        if pin is None and conflict(rule, words, admits) is None:
            pin = conflict(rule, history, admits)
        if pin:
            found.append(RuleConflict(rule, pin))
    return tuple(found)


def contradicted(rule: Rule, installed: Iterable[Installed], admits: Admits) -> Installed | None:
    """The installed package that the rule's pin does not admit, if any; pip's do not count."""
    for package in installed:
        ours = package.name == rule.name and package.channel != "pypi"
        if ours and not admits(rule.pin, package.name, package.version, package.build):
            return package
    return None


def runtime_channel(choice: Choice, subdir: str) -> str | None:
    """The channel other than `pytorch` that this choice's CUDA packages come from, if any."""
    if choice.runtime is None or choice.cuda is None:
        return None
    by_cuda = data("rules.json")["runtime_channels"][choice.runtime]
    by_subdir = by_cuda.get(choice.cuda) or by_cuda.get("*") or {}
    channel: str | None = by_subdir.get(subdir) or by_subdir.get("*")
    return channel


def for_nodes(on: Machine, cuda: str, torch: str) -> Machine | None:
    """The machine for the CUDA of a torch that the environment has, where no driver was found: the
    environment is there for other machines, such as the nodes of a cluster or the host of a
    container. None where a driver or a GPU was found, where a variable hides them, and for other
    platforms.
    """
    if on.has_gpu or on.foreign or on.cuda_from != "none":
        return None
    kept = Notice("machine.cuda_kept", {"cuda": cuda, "torch": torch})
    return on._replace(cuda=cuda, cuda_from="prefix", remarks=(kept, *on.remarks))


def by_its_cuda(on: Machine, asked: Request, torch: Installed) -> tuple[Machine, Request]:
    """The machine and the request, for the CUDA of the environment's pytorch if no driver was
    found, unless a build or a CUDA is named."""
    cuda = marks(torch.build).cuda
    builds = [spec for name in FAMILY for spec in asked.specs.get(name, ())]
    named = names_cuda(asked) or any(map(without_build, builds))
    if cuda is None or asked.cuda != "auto" or named:
        return on, asked
    kept = for_nodes(on, cuda, f"{TORCH} {torch.version}")
    return (kept, asked._replace(cuda=cuda)) if kept else (on, asked)


def names_cuda(request: Request) -> bool:
    """Whether what names a CUDA by itself is named. What asks for any, as `pytorch-gpu` does, names
    none."""
    pins = (pin for pin in request.pins if pin.spec not in CUDA_NAMES)
    return any(pins) or any(name in request.specs for name in RUNTIMES)
