"""When nothing fits: which next steps would help. Pure.

A step is offered only if the choice, made again as if the step were taken and with everything else
unchanged, gives a set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from ..models import Choice, Machine, Notice, Pin, Request
from . import rules
from .choose import offers
from .facts.names import AUDIO, CUDA_NAMES, DEFAULT, OF_PYTORCH, PIP_NAMES, TOOLKIT, TORCH
from .plan import offered
from .refused import (
    Case,
    causes,
    in_new_environment,
    name_cuda,
    of_cuda,
    opened,
    other_than_named,
    upgrade_driver,
    without_named,
)
from .sources import elsewhere
from .specs import number, package_name, wheel_variant, without_build


class Advice(NamedTuple):
    """Why nothing fits: the `cause`, if no single build's rejection tells it; `blamed`, the codes
    of the rejections that do; and the next steps, the nearest first."""

    cause: Notice | None
    blamed: frozenset[str]
    steps: tuple[Notice, ...]


def find(case: Case) -> Advice:
    """Find the cause and the next steps for a request without a choice."""
    # Remarks on a machine that the user described are no steps.
    steps = [
        n for n in case.machine.remarks if n.code not in ("machine.described", "machine.typed")
    ]
    near = [
        *_change_pins(case),
        *_drop_others(case),
        *_use_minor(case),
        *(list(in_new_environment(case)) or use_python(case)),
        *(builds_open := list(_open_builds(case))),
        *_open_partners(case),
        *_other_runtime(case),
        *_drop_cuda(case),
        *(() if builds_open else _open_release(case)),
    ]
    near = near or ask_less(case)
    steps += near
    steps += name_cuda(case)
    if case.machine.cuda_from == "--cuda":
        other = list(other_than_named(case))
        if not (other or near):
            other = _less_without(case)
        steps += other
        near = near or other
    elif case.machine.cuda_from != "prefix":
        steps += upgrade_driver(case)
    steps += (there := list(_elsewhere(case, case.request)))
    if not (near or there or case.request.files or case.request.keeps_torch):
        steps += less_of_conda_forge(case)
    steps += _use_cpu(case)
    return Advice(*causes(case), tuple(steps))


# Steps


def _elsewhere(case: Case, request: Request, python: str | None = None) -> Iterator[Notice]:
    """Other places that serve this request, which is that of the case or asks for less."""
    channels = tuple(name for name in request.channels if name not in OF_PYTORCH)
    there = request._replace(source="conda-forge", channels=channels)
    asked = case.again(there, python=python, new=True)
    return elsewhere.find(case.machine, request, case.knowledge, asked)


def less_of_conda_forge(case: Case, python: str | None = None) -> Iterator[Notice]:
    """The same packages in any version from conda-forge, with the Python of the case or another."""
    for notice in _elsewhere(case, opened(case), python):
        if notice.code in elsewhere.OF_TABLES:
            yield notice._replace(code="less_of_conda_forge")


def _change_pins(case: Case) -> Iterator[Notice]:
    """Change the pins that rule builds out, or that contradict a rule of the set that fits;
    `_drop_cuda` handles those of the request's words."""
    shown = {
        (str(item.machine.facts["spec"]), str(item.machine.facts.get("source", "")))
        for item in case.failed.rejected
        if item.code == "pinned"
    }
    guilty = [
        pin
        for pin in case.machine.pins
        if (pin.text, pin.source) in shown or pin in case.contradicting
    ]
    least = _least(guilty, lambda left: case.take(_without_pins(case.machine, left)) is not None)
    if least:
        pins = ", ".join(sorted(f"{pin.text} ({pin.source})" for pin in least))
        yield Notice("change_pins", {"pins": pins})


def _drop_others(case: Case) -> Iterator[Notice]:
    """Leave out further specs that contradict what the builds need."""
    shown = {str(item.machine.facts.get("spec")) for item in case.failed.rejected}
    judged = {pin.text for pin in case.request.pins}  # which `_drop_cuda` leaves out
    guilty = [Pin(word, "") for word in case.request.others if word in shown - judged]

    def works(left: Sequence[Pin]) -> bool:
        words = {pin.spec for pin in left}
        kept = tuple(word for word in case.request.others if word not in words)
        return case.take(request=case.request._replace(others=kept)) is not None

    if least := _least(guilty, works):
        names = dict.fromkeys(package_name(pin.spec) for pin in least)
        yield Notice("drop_partner", {"names": ", ".join(names)})


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
        told = (n.facts["cuda"] for n in choice.notices if "minor_version_" in n.code)
        yield Notice("use_minor", {"cuda": next(told, choice.cuda)})


def use_python(case: Case) -> Iterator[Notice]:
    """Use a Python with which something fits, the newest of them in a new environment."""
    machine, request = case.machine, case.request
    if machine.python is None:
        return
    rows = offers(machine._replace(python=None), request, case.builds, case.knowledge)
    pythons = {row.python for row in rows if row.fits and not case.may_lack(row.python)}
    pythons -= {machine.python}
    if machine.pins or machine.history:  # else there are no rules to contradict
        new = rules.new_environment(machine)
        pythons = {
            python
            for python in pythons
            if case.take(machine._replace(python=python)) and case.take(new._replace(python=python))
        }
    beside = (*machine.pins, *(Pin(word, "") for word in request.others))
    of = (beside, case.knowledge.admits, request.pythons)
    suited = {python for python in pythons if not rules.lacking(python, *of)}
    found = [with_python(suited or pythons, case)] if pythons else []
    yield from found or in_new_environment(case, any_python=True)


def with_python(pythons: Iterable[str], case: Case) -> Notice:
    """The step that names these Pythons, with the command for a new environment with the newest."""
    known = sorted(pythons, key=number)
    command = offered(case.again(python=known[-1], new=True))
    return Notice("use_python", {"pythons": ", ".join(known), "command": command})


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
                "instead": " ".join(_spec(case, n, there[n]) for n in names if n in there),
                "torch": f"{choice.torch.name} {choice.torch.version}",
            }
            yield Notice("open_partner", facts)
            return
    partners = [name for name in case.request.specs if name in case.source.partners]
    whole = [] if case.request.keeps_torch else [partners]  # else nothing would be left to do
    for names in (*([name] for name in partners if len(partners) > 1), *whole):
        kept = {k: v for k, v in case.request.specs.items() if k not in names}
        if names and (choice := case.take(request=case.request._replace(specs=kept))):
            built = [build.name for build in choice.builds]  # perhaps without the wishes
            left = [name for name in partners if name not in built]
            yield _left_out(case, left, choice)
            return


def _spec(case: Case, name: str, version: str) -> str:
    """The spec for another version of a partner; `+cpu` stays where it is why the CPU is meant."""
    on_cpu = case.request.cuda == "cpu" and "cpu" in map(wheel_variant, case.narrowed[name])
    return f"{name}=={version}+cpu" if on_cpu else f"{name}={version}"


def _left_out(case: Case, names: Sequence[str], choice: Choice) -> Notice:
    """The step that leaves these partners out. Where nothing else is named, nothing at all would be
    the default set, so that pytorch has to be named instead."""
    specs, torch = case.request.specs, case.source.torch
    kept = [name for name in specs if name in case.source.family and name not in names]
    typed = case.request.wishes == () and any(of in names for _, of in case.request.typed)
    if not (typed or case.request.files):  # nobody has typed what is to be left out
        facts = {"instead": " ".join(kept), "names": ", ".join(names)}
        return Notice(
            "name_alone", {**facts, "found": f"{choice.torch.name} {choice.torch.version}"}
        )
    if not case.request.implied or kept != [torch]:
        return Notice("drop_partner", {"names": ", ".join(names)})
    facts = {
        "spec": " ".join(spec for name in names for spec in specs[name]),
        "instead": torch,
        "torch": f"{choice.torch.name} {choice.torch.version}",
    }
    return Notice("torch_instead", {**facts, "found": facts["torch"]})


def _drop_cuda(case: Case) -> Iterator[Notice]:
    """Drop the words that name a CUDA."""
    words, open_ = without_cuda(case)
    if words and (choice := case.take(request=open_)):
        facts = {"words": _quoted(words), "cuda": choice.cuda}
        facts["torch"] = f"{choice.torch.name} {choice.torch.version}"
        yield Notice("drop_cuda" if choice.cuda else "drop_cuda_cpu", facts)


def without_cuda(case: Case) -> tuple[list[str], Request]:
    """The words that name a CUDA, and the request without them and the torch specs they imply."""
    asked, torch = case.request.specs, case.source.torch
    words = [spec for name in case.source.runtimes for spec in asked.get(name, ())]
    words += [pin.text for pin in case.request.pins]
    # Beside a runtime these restrict nothing; alone they would.
    alone = (CUDA_NAMES[0], TOOLKIT)
    words += [w for w in case.request.others if words and package_name(w) in alone]
    words += [channel for channel in case.request.channels if words and of_cuda(channel)]
    variants = (_variant(case, word) for word, _ in case.request.typed)
    words += [f"+{found}" for found in variants if words and found not in (None, "cpu")]
    plain = [(without_build(word) or word).rpartition("::")[2] for word in words]
    meta = [(word, package_name(word)) for word in plain]
    said = {torch + word[len(name) :] for word, name in meta if name in case.source.metapackages}
    specs = {name: found for name, found in asked.items() if name not in case.source.runtimes}
    specs[torch] = tuple(spec for spec in specs.get(torch, ()) if spec not in said) or (torch,)
    family = [w for w, name in case.request.typed if name in case.source.family and w not in words]
    if not (family or case.request.files or case.request.implied):
        # Where nothing else is named, that is the default set.
        own = (name for name in DEFAULT if name in case.source.family)
        specs = {**{name: (name,) for name in own}, **specs}
        case = case._replace(request=case.request._replace(wishes=(AUDIO,)))
    others = tuple(word for word in case.request.others if word not in words)
    channels = tuple(word for word in case.request.channels if word not in words)
    open_ = case.request._replace(specs=specs, pins=(), others=others, channels=channels)
    return words, open_


def _other_runtime(case: Case) -> Iterator[Notice]:
    """Ask for the same CUDA by the package that brings it for other releases."""
    asked = case.request.specs
    for name in case.source.runtimes:
        for other in case.source.runtimes:
            specs = asked.get(name, ())
            if other == name or not specs or specs == (name,):
                continue
            instead = tuple(other + spec[len(name) :] for spec in specs)
            kept = {key: found for key, found in asked.items() if key not in case.source.runtimes}
            ties = (*case.request.ties, *((of, instead[0]) for of, _ in case.request.ties))
            request = case.request._replace(specs={**kept, other: instead}, ties=ties)
            choice = case.take(request=request)
            if choice and choice.runtime == other:
                found = f"{choice.torch.name} {choice.torch.version}"
                facts = {"spec": " ".join(specs), "instead": " ".join(instead), "torch": found}
                yield Notice("torch_instead", {**facts, "found": found})


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in dict.fromkeys(words))


def _open_release(case: Case) -> Iterator[Notice]:
    """Leave the release open if that is enough, else every version of the family."""
    named = list(case.narrowed)
    torch = case.source.torch
    variants = (wheel_variant(word) for word, _ in case.request.typed)
    if torch not in named:
        return
    # Of a wheel, `+cpu` goes with the version, so that the command has to say it.
    said = torch != TORCH and "cpu" in variants
    for code, names in (("older_release", [torch]), ("open_versions", named)):
        request = case.specs({name: (name,) for name in names})
        words = [word for word, name in case.request.typed if name in names]
        kept = {word: open_ for word in words if (open_ := _open_word(case, word))}
        ties = tuple((source, kept.get(word, word)) for source, word in case.request.ties)
        choice = case.take(request=request._replace(ties=ties))
        if choice is None:
            continue
        versions = [without_build(spec) or spec for spec in case.narrowed[torch]]
        # Not if the choice is the very release that was asked for.
        if not all(case.admits(spec, choice.torch, version_only=True) for spec in versions):
            found = f"{choice.torch.name} {choice.torch.version}"
            facts = {"torch": found, "channel": choice.torch.channel}
            if said or case.request.keeps_torch:
                yield case.open_torch(request, found)
            elif kept and code == "older_release":
                meta = case.source.metapackages
                bare = {name: name for word in words if (name := package_name(word)) in meta}
                instead = " ".join(dict.fromkeys({**bare, **kept}.values()))
                facts = {"spec": " ".join(words), "instead": instead, "torch": found}
                yield Notice("torch_instead", {**facts, "found": found})
            elif code == "older_release" or not any("+" in word for word in kept.values()):
                yield Notice(code, facts)
        return


def _open_word(case: Case, word: str) -> str | None:
    """A word for a package of the family in any version, where more than its name stays: its
    channel, or the variant of a wheel."""
    name = package_name(word)
    source = next((of for of, tied in case.request.ties if tied == word and "::" in word), None)
    variant = _variant(case, word)
    if name in case.source.metapackages or not (source or variant):
        return None
    name = case.source.torch if name == PIP_NAMES[0] else name
    return (f"{source}::" if source else "") + name + (f"=*+{variant}" if variant else "")


def _variant(case: Case, word: str) -> str | None:
    """The variant of a wheel in a word; of wheels themselves the specs have it."""
    return wheel_variant(word) if case.source.torch == TORCH else None


def ask_less(case: Case) -> list[Notice]:
    """If no single change is enough: leave everything open, then Python too."""
    bare, here = opened(case), case.machine
    if bare == case.request and not here.pins and here.python is None:
        return []
    new = rules.new_environment(here)
    for on in (new if here.pins != new.pins else here, new._replace(python=None)):
        if choice := case.take(on, bare):
            python = choice.python if here.python and on is not here else None
            torch = f"{choice.torch.name} {choice.torch.version}"
            return [case.open_torch(bare, torch, python=python, new=on is not here)]
    return []


def _less_without(case: Case) -> list[Notice]:
    """Ask for less, and without the `--cuda` that was typed."""
    as_it_is = without_named(case)
    if as_it_is is None:
        return []
    found = ask_less(as_it_is) or [
        step._replace(facts={**step.facts, "torch": f"{TORCH} {step.facts['torch']}"})
        for step in less_of_conda_forge(as_it_is)
    ]
    return [
        step._replace(code="less_without_cuda", facts={"online": "", **step.facts})
        for step in found
    ]


def _use_cpu(case: Case) -> Iterator[Notice]:
    """Suggest `--cuda cpu`, or `--allow-cpu` if that is enough, without words that name a CUDA."""
    words, request = without_cuda(case)
    if request.cuda == "cpu" or case.take(request=request._replace(cuda="cpu")) is None:
        return
    if words:
        yield Notice("use_cpu_instead", {"words": _quoted(words)})
    elif case.take(request=request._replace(allow_cpu=True)):
        yield Notice("use_cpu")
    else:
        yield Notice("use_cpu_only")
