"""When nothing fits: what rules every set out, and which next steps would help. Pure.

A step is offered only if the choice, made again as if the step were taken and with everything else
unchanged, gives a set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..models import Build, Choice, Machine, NoChoice, Notice, Pin, Request
from . import elsewhere
from .choose import choose, offers, with_highest_cuda
from .facts.names import CUDA_NAMES
from .facts.record import Knowledge, SourceFacts
from .plan import machine_words, typed, words_of
from .specs import number, package_name, release, without_build

#: Codes of rejections, by what would have to change.
_DRIVER = ("cuda_too_new", "driver_too_old", "minor_version_only")
_BLAMED = {
    "pins": ("pinned",),
    "python": ("python_mismatch",),
    "driver": (*_DRIVER, "driver_unusable"),
    "gpu": ("arch_missing", "cudnn_too_new"),
    "system": ("glibc_too_old", "macos_too_old"),
    "partner": ("partner_missing",),
}


class Advice(NamedTuple):
    """Why nothing fits: the `cause`, if no single build's rejection tells it; `blamed`, the codes
    of the rejections that do; and the next steps, the nearest first."""

    cause: Notice | None
    blamed: frozenset[str]
    steps: tuple[Notice, ...]


class Case(NamedTuple):
    """A request without a choice, and the means to choose again.

    `rule` chooses among all sources that another request would be answered from; without it, only
    the one at hand is asked.
    """

    failed: NoChoice
    machine: Machine
    request: Request
    builds: Sequence[Build]
    knowledge: Knowledge
    rule: Callable[[Machine, Request], Choice | None] | None = None

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
        """Choose as a run would after a step that changes machine or request: by `rule`."""
        rule = self.rule or self.ask
        return rule(machine or self.machine, request or self.request)

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


def find(case: Case) -> Advice:
    """Find the cause and the next steps for a request without a choice."""
    # Remarks on a machine that the user described are no steps.
    steps = [
        n for n in case.machine.remarks if n.code not in ("machine.described", "machine.typed")
    ]
    near = [
        *_change_pins(case),
        *_use_minor(case),
        *_use_python(case),
        *(builds_open := list(_open_builds(case))),
        *_open_partners(case),
        *_drop_cuda(case),
        *(() if builds_open else _open_release(case)),
    ]
    steps += near or _ask_less(case)
    steps += _name_cuda(case)
    steps += _upgrade_driver(case)
    words = words_of(case.request._replace(source="conda-forge"))
    steps += elsewhere.find(case.machine, case.request, case.knowledge, words)
    steps += _use_cpu(case)
    return Advice(*causes(case), tuple(steps))


def causes(case: Case) -> tuple[Notice | None, frozenset[str]]:
    """The cause and the blamed reasons of a request without a choice, as in `Advice`."""
    return cause(case), _blamed(case)


# Steps


def _change_pins(case: Case) -> Iterator[Notice]:
    """Change the pins that rule builds out; `_drop_cuda` handles those of the request's words."""
    shown = {
        (str(item.machine.facts["spec"]), str(item.machine.facts.get("source", "")))
        for item in case.failed.rejected
        if item.code == "pinned"
    }
    guilty = [pin for pin in case.machine.pins if (pin.text, pin.source) in shown]
    least = _least(guilty, lambda left: case.take(_without_pins(case.machine, left)) is not None)
    if least:
        pins = ", ".join(sorted(f"{pin.text} ({pin.source})" for pin in least))
        yield Notice("change_pins", {"pins": pins})


def _least(items: Sequence[Pin], works: Callable[[Sequence[Pin]], bool]) -> Sequence[Pin]:
    """One item if dropping it alone works, else all of them if that works, else none."""
    single = next(([item] for item in items if works([item])), None)
    return single or (items if items and works(items) else [])


def _without_pins(machine: Machine, left: Sequence[Pin]) -> Machine:
    return machine._replace(pins=tuple(pin for pin in machine.pins if pin not in left))


def _use_minor(case: Case) -> Iterator[Notice]:
    if case.request.compat == "strict" and (
        choice := case.take(request=case.request._replace(compat="minor"))
    ):
        yield Notice("use_minor", {"cuda": choice.cuda})


def _use_python(case: Case) -> Iterator[Notice]:
    """Use a Python with which something fits, the newest of them in a new environment."""
    machine, request = case.machine, case.request
    if machine.python is None:
        return
    rows = offers(machine._replace(python=None), request, case.builds, case.knowledge)
    pythons = {row.python for row in rows if row.fits} - {machine.python}
    if pythons:
        yield with_python(pythons, request, machine)


def with_python(pythons: Iterable[str], request: Request, machine: Machine) -> Notice:
    """The step that names these Pythons, with the command for a new environment with the newest."""
    known = sorted(pythons, key=number)
    words = ["conda", "torch-install", "-n", "NEW", "--python", known[-1]]
    words += [*words_of(request), *machine_words(machine)]
    return Notice("use_python", {"pythons": ", ".join(known), "command": typed(words)})


def _open_builds(case: Case) -> Iterator[Notice]:
    """Use other builds of the same versions than those named."""
    opened = {
        name: tuple(without_build(spec) or spec for spec in case.request.specs[name])
        for name in (*case.source.family, *case.source.runtimes)
        if name in case.request.specs
    }
    changed = {name: new for name, new in opened.items() if new != case.request.specs[name]}
    if changed and (choice := case.take(request=case.specs(changed))):
        specs = [s for name in changed for s in case.request.specs[name]]
        found = " ".join(b.spec for b in choice.builds if b.name in changed)
        facts = {
            "spec": " ".join(specs),
            "instead": " ".join(spec for new in changed.values() for spec in new),
            "found": found or choice.torch.spec,
        }
        yield Notice("open_build", facts)


def _open_partners(case: Case) -> Iterator[Notice]:
    """Use the partner version that fits the release, or leave out a partner that has none."""
    narrowed = [name for name in case.narrowed if name in case.source.partners]
    for names in (*([name] for name in narrowed), *([narrowed] if len(narrowed) > 1 else [])):
        if choice := case.take(request=case.specs({name: (name,) for name in names})):
            there = {build.name: build.version for build in choice.builds}
            facts = {
                "spec": " ".join(spec for name in names for spec in case.narrowed[name]),
                "instead": " ".join(f"{name}={there[name]}" for name in names if name in there),
                "torch": f"{choice.torch.name} {choice.torch.version}",
            }
            yield Notice("open_partner", facts)
            return
    partners = [name for name in case.request.specs if name in case.source.partners]
    for names in (*([name] for name in partners), partners) if len(partners) > 1 else [partners]:
        kept = {k: v for k, v in case.request.specs.items() if k not in names}
        if names and (choice := case.take(request=case.request._replace(specs=kept))):
            built = [build.name for build in choice.builds]  # perhaps without the wishes
            left = ", ".join(name for name in partners if name not in built)
            yield Notice("drop_partner", {"names": left})
            return


def _drop_cuda(case: Case) -> Iterator[Notice]:
    """Drop the words that name a CUDA."""
    words, open_ = _without_cuda(case)
    if words and (choice := case.take(request=open_)):
        facts = {"words": _quoted(words), "torch": f"{choice.torch.name} {choice.torch.version}"}
        on_gpu = Notice("drop_cuda", {**facts, "cuda": choice.cuda})
        yield on_gpu if choice.cuda else Notice("drop_cuda_cpu", facts)


def _without_cuda(case: Case) -> tuple[list[str], Request]:
    """The words that name a CUDA, and the request without them and the torch specs they imply."""
    asked, torch = case.request.specs, case.source.torch
    words = [spec for name in case.source.runtimes for spec in asked.get(name, ())]
    words += [pin.text for pin in case.request.pins]
    # Beside a runtime a cuda-version restricts nothing; alone it would.
    words += [w for w in case.request.others if words and package_name(w) == CUDA_NAMES[0]]
    plain = [(without_build(word) or word).rpartition("::")[2] for word in words]
    meta = [(word, package_name(word)) for word in plain]
    said = {torch + word[len(name) :] for word, name in meta if name in case.source.metapackages}
    specs = {name: found for name, found in asked.items() if name not in case.source.runtimes}
    specs[torch] = tuple(spec for spec in specs.get(torch, ()) if spec not in said) or (torch,)
    return words, case.request._replace(specs=specs, pins=())


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in dict.fromkeys(words))


def _open_release(case: Case) -> Iterator[Notice]:
    """Leave the release open if that is enough, else every version of the family."""
    named = list(case.narrowed)
    torch = case.source.torch
    if torch not in named:
        return
    for code, opened in (("older_release", [torch]), ("open_versions", named)):
        choice = case.take(request=case.specs({name: (name,) for name in opened}))
        if choice is None:
            continue
        versions = [without_build(spec) or spec for spec in case.narrowed[torch]]
        # Not if the choice is the very release that was asked for.
        if not all(case.admits(spec, choice.torch, version_only=True) for spec in versions):
            yield Notice(code, {"torch": f"{choice.torch.name} {choice.torch.version}"})
        return


def _ask_less(case: Case) -> list[Notice]:
    """If no single change is enough: leave everything open, then Python too."""
    family = tuple(name for name in case.request.specs if name in case.source.family)
    pins = {pin.text for pin in case.request.pins}
    kept = tuple(
        w for w in case.request.others if w not in pins and package_name(w) not in CUDA_NAMES
    )
    bare = case.request._replace(specs={name: (name,) for name in family}, pins=(), others=kept)
    here = case.machine
    if bare == case.request and not here.pins and here.python is None:
        return []
    new = here._replace(pins=(), installed=(), history=())
    for on in (new if here.pins else here, new._replace(python=None)):
        if choice := case.take(on, bare):
            words = ["conda", "torch-install", *([] if on is here else ["-n", "NEW"])]
            named = here.python and (on is not here or here.python_from == "--python")
            words += ["--python", choice.python] if named else []
            words += [*words_of(bare), *machine_words(here)]
            torch = f"{choice.torch.name} {choice.torch.version}"
            return [Notice("ask_less", {"command": typed(words), "torch": torch})]
    return []


def _name_cuda(case: Case) -> Iterator[Notice]:
    """Suggest `--cuda` if nothing that runs CUDA was found and the request asks for CUDA."""
    named = any(name in case.request.specs for name in case.source.runtimes)
    asked = named or bool(case.request.pins)
    unusable = "driver_unusable" in case.codes
    if case.request.cuda != "auto" or not (unusable or (asked and not case.machine.has_gpu)):
        return
    choice = with_highest_cuda(case.machine, case.request, case.builds, case.knowledge)
    if choice:
        yield Notice("name_cuda", {"cuda": choice.cuda})


def _upgrade_driver(case: Case) -> Iterator[Notice]:
    """Upgrade to the lowest driver with which something fits."""
    short = {str(item.needs.facts["cuda"]) for item in case.failed.rejected if item.code in _DRIVER}
    strict = case.request.compat == "strict"
    tables = case.knowledge.tables
    for cuda in sorted(short, key=number):
        floor = tables.driver_for(cuda, case.machine.driver_os, strict=strict)
        if floor and case.take(case.machine._replace(cuda=cuda, driver=floor)):
            yield Notice("upgrade_driver", {"cuda": cuda, "driver": floor})
            return


def _use_cpu(case: Case) -> Iterator[Notice]:
    """Suggest `--cuda cpu`, or `--allow-cpu` if that is enough, without words that name a CUDA."""
    words, request = _without_cuda(case)
    if request.cuda == "cpu" or case.take(request=request._replace(cuda="cpu")) is None:
        return
    if words:
        yield Notice("use_cpu_instead", {"words": _quoted(words)})
    elif case.take(request=request._replace(allow_cpu=True)):
        yield Notice("use_cpu")
    else:
        yield Notice("use_cpu_only")


# The cause


def _blamed(case: Case) -> frozenset[str]:
    """The codes of the rejections by each constraint (pins, Python, driver, ...) without which
    alone something would fit."""
    machine = case.machine
    free: dict[str, Callable[[], Choice | None]] = {
        "pins": lambda: case.ask(machine._replace(pins=())),
        "python": lambda: case.ask(machine._replace(python=None)),
        "driver": lambda: case.ask(machine._replace(cuda="99", driver=None)),
        "gpu": lambda: case.ask(machine._replace(cuda_arch=None)),
        "system": lambda: case.ask(machine._replace(glibc=None, osx=None)),
        "partner": lambda: case.ask(
            request=case.request._replace(
                specs={k: v for k, v in case.request.specs.items() if k not in case.source.partners}
            )
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
    """The part of the request that no build meets, if every build was filtered out unjudged."""
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


def _has_runtime(build: Build, name: str, spec: str, case: Case) -> bool:
    read = case.source.read(build)
    return read.runtime == name and case.knowledge.admits(spec, name, read.cuda or "", "")


def _unknown(spec: str, torch: Sequence[Build], case: Case) -> Notice:
    """Why the channel has nothing for one spec: no such release, or another channel's build."""
    subdir = case.machine.subdir
    version = without_build(spec) or spec
    there = any(case.admits(version, build, version_only=True) for build in torch)
    if version != spec:
        of = case.source.named_for(spec) or subdir
        if of == "conda-forge":
            return Notice("build_of_conda_forge", {"spec": spec})
        if there and of.partition("-")[0] != subdir.partition("-")[0]:
            return Notice("build_of_platform", {"spec": spec, "of": of, "subdir": subdir})
        if there:
            return Notice("no_such_build", {"spec": spec, "subdir": subdir})
    known = [(order, build.version) for build in torch if (order := release(build.version))]
    if not known:
        return Notice("no_release")  # no version can be ordered
    facts = {"spec": version, "subdir": subdir, "first": min(known)[1], "last": max(known)[1]}
    return Notice("no_such_release", facts)
