"""A decision as lines for a terminal, or as the JSON value of the key `torchmirror`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..models import Build, Decision, Machine, Notice, Rejection, Request
from ..selection import shell
from ..selection.plan import PINS
from ..selection.specs import cuda_version
from .language import in_english
from .layout import bullet, columns, file_size
from .messages import of_gpus, text
from .reasons import explained, reason, shown
from .sanitize import safe

#: With more specs than this, which nobody types, the command is shown only with -v, and of those
#: that go to the solver only so many.
_TYPED, _NAMED = 30, 6

#: Notices that are shown only with -v, because they change nothing.
QUIET = frozenset(("skipped_records",))


def lines(decision: Decision, *, explain: bool, verbose: bool) -> list[str]:
    """A decision as lines."""
    choice, plan, machine = decision.choice, decision.plan, decision.machine
    out = [
        shown(
            "headline",
            torch=choice.torch.version,
            target=shown("on_cuda", cuda=choice.cuda) if choice.cuda else shown("on_cpu"),
            python=choice.python,
            subdir=machine.subdir,
        )
    ]
    out += ["", *columns(_facts(decision, verbose=verbose))]
    preview = decision.records.origin == "built-in"
    head = [shown(code) for code in ("package", "version", "build", "size")]
    rows = [(*head, shown("known_from") if preview else "")]
    for build in (*choice.builds, *choice.libraries):
        size = file_size(build.size) if build.size else "?"
        known = shown(build.known_by) if preview else ""
        rows.append((build.name, build.version, build.build, size, known))
    if choice.runtime and not any(b.name == choice.runtime for b in choice.builds):
        fixed = _build_of(decision.request.specs.get(choice.runtime, ()))
        rows.append((choice.runtime, str(choice.cuda), fixed or shown("left_to_solver"), "", ""))
    out += ["", *columns(rows)]
    out += notes(decision.notices, decision.evidence, verbose=verbose)
    if explain:
        # A sample of a channel may have only the CPU build of a release.
        left = {"cpu_build"} if preview else set()
        rejected = [item for item in choice.rejected if item.code not in left]
        out += ["", shown("passed_over"), *explained(rejected, choice)]
        for source, newer in decision.passed_over.items():
            out += ["", shown("passed_over_of", source=source), *explained(newer, choice)]
    step = plan.conda
    if verbose or len(step.specs) <= _TYPED:
        variables = shell_lines(step.environment, machine.subdir)
        mirrored = step.command_by_name != step.command
        out += ["", shown("by_url" if mirrored else "in_conda")]
        out += [f"  {line}" for line in (*plan.before, *variables, step.command)]
        if mirrored:
            out += [shown("by_name"), f"  {step.command_by_name}"]
            out += [text("after_either")] if plan.after else []
        out += [f"  {line}" for line in plan.after]
        out += of_cmd(variables, machine.subdir)
    if decision.dry_run and not decision.solved:
        out += ["", text("dry_run")]
    return [safe(line) for line in out]


def of_cmd(variables: Sequence[str], subdir: str) -> list[str]:
    """On Windows, lines that say which shell the lines that set variables are for."""
    return list(bullet(text("of_cmd"))) if variables and subdir.startswith("win-") else []


#: The sentence if the other source has a newer release, by the reason why this source was taken.
_WHEELS = {"only": "wheels.only", "bound": "wheels.bound"}
_NEWER = {"asked": "asked.newer", "bound": "bound.newer", "release": "release.newer"}


def _build_of(specs: Iterable[str]) -> str | None:
    """The one build that specs such as `pytorch-cuda=11.8=h7e8668a_6` fix, if any."""
    found = (re.fullmatch(r"[\w-]+={1,2}[\w.]+=(\w+)", spec) for spec in specs)
    return next((match[1] for match in found if match), None)


def said(notice: Notice) -> str:
    """The sentence for a notice on a choice."""
    if notice.code == "source_chosen":
        return _source(notice.facts)
    return text(notice.code, notice.facts)


def _source(facts: Mapping[str, Any]) -> str:
    """The sentence on which source was taken, why, and what the other has."""
    why, other = facts["why"], facts["other"] or {}
    needs = other.get("needs") or {}
    ended, version = "last" in other, other.get("version")
    if facts["source"] == "wheels":
        return text(f"source.{_WHEELS[why]}", facts)
    kind = why
    if why in ("newer", "only"):
        if needs.get("code") == "no_record":
            kind = "newer.no_record"
        elif needs.get("code") == "in_part":
            kind = "only.in_part"
        elif needs:
            kind = "newer.driver" if "driver" in needs else "newer.needs"
            kind = kind if needs["reason"] else "newer.driver_alone"
        elif version is None:
            kind = "newer.alone" if ended else "only"
        elif ended:
            kind = "newer.ended_mirror" if facts["mirror"] else "newer.ended"
        else:
            kind = "newer"
    elif why == "release" and ended:
        kind = "release.ended"
    elif why in _NEWER and version and not ended:
        kind = _NEWER[why]
    if kind == "asked":
        return text("source_chosen", facts)
    about = {f"other_{name}": value for name, value in {**other, **needs}.items()}
    return text(f"source.{kind}", {**facts, **about})


def notes(notices: Iterable[Notice], known: Iterable[Notice], *, verbose: bool) -> Iterator[str]:
    """The sentences of notices on a choice, with `verbose` also those on the machine's facts."""
    told = [notice for notice in notices if verbose or notice.code not in QUIET]
    if told:
        yield ""
    for notice in told:
        yield from bullet(said(notice))
        if verbose and notice.url:
            yield f"    {shown('see', url=notice.url)}"
    facts = [line for notice in known for line in bullet(evidence(notice))] if verbose else []
    if facts:
        yield from ("", shown("evidence"), *facts)


def evidence(notice: Notice) -> str:
    """The sentence for a fact about the machine."""
    return text(f"machine.{notice.code}", notice.facts, default=notice.code)


def _facts(decision: Decision, *, verbose: bool) -> list[tuple[str, str]]:
    records = decision.records
    rows = chosen_for(decision.request, decision.machine, decision.choice.python, decision.prefix)
    index = "index_dated" if records.date else "index_origin"
    rows.append((shown("index"), shown(index, origin=records.origin, date=records.date)))
    if others := decision.request.others:
        named = others if verbose or len(others) <= _TYPED else others[:_NAMED]
        facts = {"specs": ", ".join(named), "count": len(others) - len(named)}
        code = "others_solved" if named is others else "others_more"
        rows.append((shown("others"), shown(code, **facts)))
    for route in decision.plan.channels:
        rows.append((route.channel, shown("url_at", url=route.url, mirror=route.mirror)))
    return rows


def chosen_for(
    request: Request, machine: Machine, python: str, prefix: str | None
) -> list[tuple[str, str]]:
    """What a set was chosen for, as (label, value): driver, GPUs, Python and environment."""
    rows = [(shown("driver"), driver(request, machine))]
    if machine.gpus:
        gpus = of_gpus(machine.gpus)
        rows.append((shown("gpu"), gpus))
    code = "value_newest" if machine.python_from == "newest" else "value_from"
    rows.append((shown("python"), shown(code, value=python, origin=machine.python_from)))
    rows.append((shown("target"), prefix or shown("target_none")))
    return rows


def asks_no_driver(request: Request) -> bool:
    """Whether the CPU is asked for, ROCm or XPU, for which no driver of NVIDIA is looked for."""
    return request.cuda != "auto" and not cuda_version(request.cuda)


def driver(request: Request, machine: Machine, *, alone: bool = True) -> str:
    """The known facts about the driver, in one phrase; `alone` says that it stands beside the word
    driver."""
    if asks_no_driver(request):
        return shown("driver_not_asked", cuda=request.cuda)
    if machine.cuda:
        code = "driver_cuda" if alone else "driver_cuda_there"
        return shown(code, cuda=machine.cuda, origin=machine.cuda_from)
    if machine.foreign and not machine.subdir.startswith("osx-"):
        return shown("driver_unknown" if alone else "driver_unknown_there")
    return shown("driver_unusable" if machine.driver else "driver_none", driver=machine.driver)


@in_english()
def summary(decision: Decision) -> dict[str, Any]:
    """The value of the key `torchmirror`, schema 1. Never translated."""
    machine, request, choice, plan = (
        decision.machine,
        decision.request,
        decision.choice,
        decision.plan,
    )
    return {
        "schema": 1,
        "solved": decision.solved,
        "machine": machine_part(machine, choice.python),
        "request": request_part(request),
        "selected": {
            "source": decision.source,
            **why_chosen(decision.notices),
            "cuda": choice.cuda,
            "compat": choice.compat,
            "python": choice.python,
            "index": decision.records.origin,
            "index_date": decision.records.date,
            "builds": [_build(build) for build in choice.builds],
            "libraries": [_build(build) for build in choice.libraries],
        },
        "specs": [safe(spec) for spec in plan.conda.specs],
        "pins": list(plan.conda.pins),
        "channels": [
            {"name": r.channel, "url": safe(r.url), "mirror": r.mirror} for r in plan.channels
        ],
        "environment": dict(plan.conda.environment),
        "removed": plan.departure.named + plan.departure.orphans + plan.departure.unneeded,
        "before": [safe(command) for command in plan.before],
        "after": [safe(command) for command in plan.after],
        "command": safe(plan.conda.command),
        "command_by_name": safe(plan.conda.command_by_name),
        "rejected": [
            row
            for source, rejected in (
                (decision.source, choice.rejected),
                *decision.passed_over.items(),
            )
            for row in rejected_part(rejected, source)
        ],
        "warnings": warnings_part(decision.notices),
        "check": None,
        **({"files": list(decision.files)} if decision.files else {}),
    }


def why_chosen(notices: Iterable[Notice]) -> dict[str, Any]:
    """The fields on why the source was taken, and what the other one has."""
    found = next((n.facts for n in notices if n.code == "source_chosen"), None)
    if found is None:
        return {}
    return {"why": found["why"], "other": found["other"]}


def machine_part(machine: Machine, python: str) -> dict[str, Any]:
    """The value of `machine`; `python` is the one that was chosen for."""
    return {
        "subdir": machine.subdir,
        "cuda": machine.cuda,
        "cuda_from": machine.cuda_from,
        "driver": machine.driver,
        "cuda_arch": machine.cuda_arch,
        "gpus": [{"name": gpu.name, "arch": gpu.arch} for gpu in machine.gpus],
        "python": python,
        "python_from": machine.python_from,
    }


def request_part(request: Request) -> dict[str, Any]:
    """The value of `request`."""
    return {
        "specs": [spec for found in request.specs.values() for spec in found],
        "others": [safe(spec) for spec in request.others],
        "cuda": request.cuda,
        "cuda_compat": request.compat,
        "source": request.source,
    }


def rejected_part(rejected: Iterable[Rejection], source: str) -> list[dict[str, Any]]:
    """The rows of `rejected` for one source."""
    return [
        {
            "source": source,
            "name": item.name,
            "version": item.version,
            "build": item.build,
            "code": item.code,
            "reason": reason([item]),
            "fact": item.fact,
        }
        for item in rejected
    ]


def warnings_part(notices: Iterable[Notice]) -> list[dict[str, Any]]:
    """The value of `warnings`."""
    return [
        {"code": notice.code, "text": safe(said(notice)), "url": notice.url} for notice in notices
    ]


def _build(build: Build) -> dict[str, Any]:
    return {
        "name": build.name,
        "version": build.version,
        "build": build.build,
        "channel": build.channel,
        "subdir": build.subdir,
        "url": safe(build.url),
        "size": build.size,
        "md5": build.md5,
        "sha256": build.sha256,
        "evidence": build.known_by,
    }


def shell_lines(environment: Mapping[str, str], subdir: str) -> tuple[str, ...]:
    """The lines that set a plan's environment variables in the platform's usual shell. Pins are
    added to those that are set here, as the hand-over does."""
    there = os.environ.get(PINS)
    values = {n: f"{there}&{v}" if n == PINS and there else v for n, v in environment.items()}
    return tuple(shell.variables(values, windows=subdir.startswith("win-")))
