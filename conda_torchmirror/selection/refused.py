"""A request without a choice, and its cause: what rules every set out. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from ..models import Build, Choice, Machine, NoChoice, Notice, Pin, Request
from ..options import InstallOptions, again
from . import rules
from .choose import choose, with_highest_cuda
from .facts.names import CUDA_NAMES, TOOLKIT, TORCH
from .facts.record import Knowledge, SourceFacts
from .plan import offered
from .specs import (
    cuda_version,
    exclude_each_other,
    marks,
    number,
    package_name,
    release,
    without_build,
)

#: Codes of rejections that another driver would lift.
DRIVER = ("cuda_too_new", "driver_too_old", "minor_version_only")
#: Codes of rejections, by what would have to change.
_BLAMED = {
    "pins": ("pinned",),
    "python": ("python_mismatch",),
    "driver": (*DRIVER, "driver_unusable"),
    "gpu": ("arch_missing", "cudnn_too_new"),
    "system": ("glibc_too_old", "macos_too_old"),
    "partner": ("partner_missing",),
}


class Case(NamedTuple):
    """A request without a choice, and the means to choose again.

    `rule` chooses among all sources that another request would be answered from; without it, only
    the one at hand is asked. `contradicting` are pins against the rules of a set that
    fits otherwise. `asked` are the options that were typed, `fresh` says that the environment that
    they name is to be made. `here` finds the machine without the `--cuda` that was typed, `unread`
    says that no records of other packages were read.
    """

    failed: NoChoice
    machine: Machine
    request: Request
    builds: Sequence[Build]
    knowledge: Knowledge
    rule: Callable[[Machine, Request], Choice | None] | None = None
    contradicting: tuple[Pin, ...] = ()
    asked: InstallOptions | None = None
    fresh: bool = False
    here: Callable[[], Machine | None] | None = None
    unread: bool = False

    @property
    def codes(self) -> frozenset[str]:
        """The codes of the rejections."""
        return frozenset(rejection.code for rejection in self.failed.rejected)

    @property
    def source(self) -> SourceFacts:
        """How the builds are packaged."""
        return self.knowledge.source

    def admits(self, spec: str, build: Build, *, version_only: bool = False) -> bool:
        """Whether a spec admits a build, or with `version_only` any build of its release."""
        if version_only:
            return self.knowledge.admits(spec, build.name, build.version, "")
        return self.knowledge.admits(spec, build.name, build.version, build.build, build)

    def ask(self, machine: Machine | None = None, request: Request | None = None) -> Choice | None:
        """Choose from this source with another machine or request; None if nothing fits."""
        found = choose(
            machine or self.machine, request or self.request, self.builds, self.knowledge
        )
        return found if isinstance(found, Choice) else None

    def take(self, machine: Machine | None = None, request: Request | None = None) -> Choice | None:
        """Choose as a run would after a step that changes machine or request: by `rule`, and only
        what no pin and no spec of the history contradicts."""
        rule, on, asked = self.rule or self.ask, machine or self.machine, request or self.request
        there = rules.installed(on, TORCH)
        if there and self.source.torch == TORCH and not (self.asked and self.asked.facts):
            on, asked = rules.by_its_cuda(on, asked, there)
        found = rule(on, asked)
        if found and self.may_lack(found.python):
            return None
        return found if found and self.stands(found, on, asked) else None

    @property
    def unsure(self) -> bool:
        """Whether it is unknown which newer Pythons what else is asked for has builds for."""
        request = self.request
        unread = self.unread and self.machine.python is not None
        return unread and rules.unknown(request.others, request.pythons, self.knowledge.admits)

    def may_lack(self, python: str) -> bool:
        """Whether what else is asked for may well have no build for a Python: a newer one than that
        of the case, which it is not known to have."""
        here = self.machine.python
        return bool(here and python) and number(python) > number(str(here)) and self.unsure

    def stands(self, found: Choice, machine: Machine, request: Request) -> bool:
        """Whether a choice can be handed over. Conda's pins do not bind wheels."""
        if self.source.torch != TORCH:
            return True
        return not rules.conflicts(found, machine, request, self.knowledge.admits)

    def again(
        self, request: Request | None = None, *, python: str | None = None, new: bool = False
    ) -> InstallOptions:
        """The options for the command that asks for another request, or with another Python; with
        `new` for an environment that is to be made, which may be the one that was named."""
        asked, before = self.asked, self.request
        if asked is None:
            asked = InstallOptions(
                specs=tuple(word for word, _ in before.typed),
                cuda=before.cuda,
                cuda_compat=before.compat,
                allow_cpu=before.allow_cpu,
                source="" if before.source == "auto" else before.source,
            )
        return again(asked, before, request or before, python=python, new=new and not self.fresh)

    def open_torch(
        self, request: Request, found: str, *, python: str | None = None, new: bool = False
    ) -> Notice:
        """The step to a request with any release of pytorch, with which `found` is chosen; where
        the installed one is kept, because pytorch is not named, it has to be. `python` and `new` as
        in `again`."""
        asked = self.again(request, python=python, new=new)
        kept = self.request.keeps_torch and not new
        if kept and self.source.torch not in asked.specs:
            asked = asked._replace(specs=(self.source.torch, *asked.specs))
        facts = {"torch": found, "command": offered(asked), "python": python}
        return Notice("name_torch" if kept else "ask_less", facts)

    def specs(self, changed: Mapping[str, tuple[str, ...]]) -> Request:
        """The request with other specs on some packages."""
        return self.request._replace(specs={**self.request.specs, **changed})

    @property
    def narrowed(self) -> dict[str, tuple[str, ...]]:
        """The specs on the family that are more than a bare name."""
        return {
            name: found
            for name in self.source.family
            if (found := tuple(s for s in self.request.specs.get(name, ()) if s != name))
        }


def in_new_environment(case: Case, *, any_python: bool = False) -> Iterator[Notice]:
    """The step to a new environment for the same, where it is only what the environment has that
    rules it out: an installed partner or its history; with `any_python` its Python as well."""
    machine = case.machine
    if not (machine.installed or machine.history):
        return
    new = rules.new_environment(machine)
    if any_python:
        new = new._replace(python=None, python_from="newest")
    if choice := case.take(new):
        python = choice.python if any_python else machine.python
        command = offered(case.again(python=python, new=True))
        torch = f"{choice.torch.name} {choice.torch.version}"
        yield Notice("in_new_environment", {"torch": torch, "command": command})


def name_cuda(case: Case) -> Iterator[Notice]:
    """Suggest `--cuda` if nothing that runs CUDA was found and CUDA, or a build, is asked for, or
    there."""
    asked = case.request.pins or any(n in case.request.specs for n in case.source.runtimes)
    asked = asked or any(without_build(spec) for found in case.narrowed.values() for spec in found)
    kept = case.machine.cuda_from == "prefix"  # no driver either
    unusable = "driver_unusable" in case.codes or (asked and not case.machine.has_gpu)
    if not kept and (case.request.cuda != "auto" or not unusable):
        return
    choice = with_highest_cuda(case.machine, case.request, case.builds, case.knowledge)
    if choice is None:
        return
    on = case.machine._replace(cuda=choice.cuda, cuda_from="--cuda", failing=False)
    if case.take(on, case.request._replace(cuda=str(choice.cuda))):
        yield Notice("name_cuda", {"cuda": choice.cuda})


def upgrade_driver(case: Case) -> Iterator[Notice]:
    """Upgrade to the lowest driver with which something fits."""
    short = {str(item.needs.facts["cuda"]) for item in case.failed.rejected if item.code in DRIVER}
    strict = case.request.compat == "strict"
    tables = case.knowledge.tables
    for cuda in sorted(short, key=number):
        floor = tables.driver_for(cuda, case.machine.driver_os, strict=strict)
        if floor and case.take(case.machine._replace(cuda=cuda, driver=floor)):
            # A run takes what the override says, whatever the driver is.
            said = case.machine.cuda_from == "CONDA_OVERRIDE_CUDA"
            code = "upgrade_driver_override" if said else "upgrade_driver"
            yield Notice(code, {"cuda": cuda, "driver": floor})
            return


def other_than_named(case: Case) -> Iterator[Notice]:
    """Leave out the `--cuda` that was typed, for the CUDA of the machine itself, or name another:
    that of the set which the lowest that helps leads to."""
    as_it_is = without_named(case)
    choice = as_it_is.take() if as_it_is else None
    if choice and choice.cuda:
        yield Notice("leave_cuda", {"torch": _torch(choice), "cuda": choice.cuda})
    short = {str(item.needs.facts["cuda"]) for item in case.failed.rejected if item.code in DRIVER}
    for cuda in sorted(short, key=number):
        if (choice := _for(cuda, case)) is None:
            continue
        if choice.cuda and choice.cuda != cuda and (own := _for(choice.cuda, case)):
            cuda, choice = choice.cuda, own
        yield Notice("other_cuda", {"cuda": cuda, "torch": _torch(choice)})
        return


def without_named(case: Case) -> Case | None:
    """The case without the `--cuda` that was typed, where the machine itself has a CUDA."""
    if cuda_version(case.asked.cuda if case.asked else case.request.cuda) is None:
        return None
    here = case.here() if case.here else None
    if here is None or not here.cuda:
        return None
    asked = case.asked._replace(cuda="auto") if case.asked else None
    request = case.request._replace(cuda="auto")
    return case._replace(machine=here, request=request, asked=asked, here=None)


def _for(cuda: str, case: Case) -> Choice | None:
    """The choice with `--cuda` for this CUDA."""
    return case.take(case.machine._replace(cuda=cuda), case.request._replace(cuda=cuda))


def _torch(choice: Choice) -> str:
    return f"{choice.torch.name} {choice.torch.version}"


def opened(case: Case) -> Request:
    """The request for the same packages, in any version and for any CUDA."""
    family = tuple(name for name in case.request.specs if name in case.source.family)
    pins = {pin.text for pin in case.request.pins}
    kept = tuple(
        w
        for w in case.request.others
        if w not in pins and package_name(w) not in (*CUDA_NAMES, TOOLKIT)
    )
    left = {*pins, *filter(of_cuda, case.request.channels)}
    return case.request._replace(
        specs={name: (name,) for name in family},
        pins=(),
        others=kept,
        channels=tuple(channel for channel in case.request.channels if channel not in left),
    )


def of_cuda(channel: str) -> bool:
    """Whether a channel is a label of one CUDA."""
    return "/label/" in channel and marks(channel.partition("/label/")[2]).cuda is not None


def causes(case: Case) -> tuple[Notice | None, frozenset[str]]:
    """The cause and the blamed reasons of a request without a choice, as in `Advice`."""
    return cause(case), _blamed(case)


def _blamed(case: Case) -> frozenset[str]:
    """The codes of the rejections by each constraint (pins, Python, driver, ...) without which
    alone something would fit."""
    machine, along = case.machine, case.source.partners
    free: dict[str, Callable[[], Choice | None]] = {
        "pins": lambda: case.ask(machine._replace(pins=()), case.request._replace(others=())),
        "python": lambda: case.ask(machine._replace(python=None)),
        "driver": lambda: case.ask(machine._replace(cuda="99", driver=None)),
        "gpu": lambda: case.ask(machine._replace(cuda_arch=None)),
        "system": lambda: case.ask(machine._replace(glibc=None, osx=None)),
        # Those that are there tie the choice as those that are asked for do.
        "partner": lambda: case.ask(
            machine._replace(installed=tuple(p for p in machine.installed if p.name not in along)),
            case.request._replace(
                specs={k: v for k, v in case.request.specs.items() if k not in along}
            ),
        ),
    }
    found = {
        code
        for what, codes in _BLAMED.items()
        if case.codes.intersection(codes) and free[what]()
        for code in codes
    }
    return frozenset(found & case.codes)


def cause(case: Case) -> Notice | None:
    """The part of the request that no build meets: two specs on one package, or what filtered every
    build out unjudged."""
    if clash := _exclusive(case):
        return clash
    if case.failed.rejected:
        return None
    torch = [build for build in case.builds if build.name == case.source.torch]
    if not torch:
        return Notice("nothing_for_platform", {"subdir": case.machine.subdir})
    specs = list(case.narrowed.get(case.source.torch, ()))
    for spec in specs:
        if not any(case.admits(spec, build) for build in torch):
            return _unknown(spec, torch, case)
    for first, second in ((a, b) for a in specs for b in specs if a < b):
        if not any(case.admits(first, build) and case.admits(second, build) for build in torch):
            return Notice("contradict", {"first": first, "second": second})
    left = [build for build in torch if all(case.admits(spec, build) for spec in specs)]
    for name in case.source.runtimes:
        for spec in case.request.specs.get(name, ()):
            if not any(_has_runtime(build, name, spec, case) for build in torch):
                return Notice("no_such_cuda", {"spec": spec, "subdir": case.machine.subdir})
            if specs and not any(_has_runtime(b, name, spec, case) for b in left):
                return Notice("contradict", {"first": " ".join(specs), "second": spec})
    return None


def _exclusive(case: Case) -> Notice | None:
    """Two specs on one package that no version meets, whatever the records are."""
    source = case.source
    for name in (*source.family, *source.runtimes):
        specs = sorted(spec for spec in case.request.specs.get(name, ()) if spec != name)
        if len(specs) < 2:
            continue
        known = {build.version for build in case.builds if build.name == name}
        for first, second in combinations(specs, 2):
            if exclude_each_other((first, second), name, known, case.knowledge.admits):
                return Notice("contradict", {"first": first, "second": second})
    return None


def _has_runtime(build: Build, name: str, spec: str, case: Case) -> bool:
    read = case.source.read(build)
    return read.runtime == name and case.knowledge.admits(spec, name, read.cuda or "", "")


def _unknown(spec: str, torch: Sequence[Build], case: Case) -> Notice:
    """Why the channel has nothing for one spec: no such release, or another channel's build."""
    subdir = case.machine.subdir
    version = without_build(spec) or spec
    there = any(case.admits(version, build, version_only=True) for build in torch)
    platform = re.search(r"\[.*\bsubdir='?([\w-]+)", spec)
    if platform and platform[1] != subdir:
        return Notice("spec_of_platform", {"spec": spec, "of": platform[1], "subdir": subdir})
    if version != spec:
        of = case.source.named_for(spec) or subdir
        if of == "conda-forge":
            return Notice("build_of_conda_forge", {"spec": spec})
        if of == TORCH:
            return Notice("build_of_platform", {"spec": spec, "of": of, "subdir": "conda-forge"})
        # No release that is not there would make it a build of this platform.
        if of.partition("-")[0] != subdir.partition("-")[0]:
            return Notice("build_of_platform", {"spec": spec, "of": of, "subdir": subdir})
        if there:
            return Notice("no_such_build", {"spec": spec, "subdir": subdir})
    known = [(order, build.version) for build in torch if (order := release(build.version))]
    if not known:
        return Notice("no_release")  # no version can be ordered
    facts = {"spec": version, "subdir": subdir, "first": min(known)[1], "last": max(known)[1]}
    return Notice("no_such_release", facts)
