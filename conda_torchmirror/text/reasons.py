"""Why builds do not fit: rejections in sentences, those that are alike told together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..models import Machine, Notice, Records, Rejection, Request
from ..selection.facts.names import TORCH
from ..selection.specs import number, release
from .layout import wrapped
from .messages import text

#: From the reason that is nearest to a fit to the one that says least.
NEAREST = (
    "partner_missing",
    "pinned",
    "arch_missing",
    "cudnn_too_new",
    "driver_unusable",
    "driver_too_old",
    "minor_version_only",
    "cuda_too_new",
    "cuda_unknown",
    "python_mismatch",
    "cuda_build",
    "cpu_build",
)

#: Facts whose one value is a number, so that several can stand in one phrase.
_COUNTED = frozenset(("cuda", "python"))


def shown(code: str, /, **facts: Any) -> str:
    """One of the words around a decision."""
    return text(f"show.{code}", facts)


def asked(request: Request, machine: Machine) -> str:
    """The request in one phrase, for an error."""
    specs = [spec for found in request.specs.values() for spec in found]
    parts = [" ".join(specs), shown("asked_on", subdir=machine.subdir)]
    if machine.python:
        parts.append(shown("asked_python", python=machine.python))
    if request.cuda == "cpu":
        parts.append(shown("asked_cpu"))
    elif request.cuda != "auto":
        parts.append(shown("asked_cuda", cuda=request.cuda))
    elif machine.cuda:
        parts.append(shown("asked_driver", cuda=machine.cuda))
    return ", ".join(parts)


def why(
    rejected: Sequence[Rejection],
    records: Records,
    request: Request,
    machine: Machine,
    cause: Notice | None = None,
    blamed: Collection[str] = (),
    end: Mapping[str, str] | None = None,
    most: int = 3,
) -> str:
    """The reasons in short: what the machine or the request says, and what the builds need.

    `cause` is what no build meets at all, `blamed` are the codes of the rejections that keep
    everything out; without those the nearest reasons are told. `end` is where the channel ended.
    """
    ended = [text("channel_end", end)] if end and _beyond(end, request, machine) else []
    if cause is not None:
        older = cause.code == "no_such_release" and _before(cause, records)
        code = "no_such_release_built_in" if older else cause.code
        return "; ".join([text(code, cause.facts), *ended])
    rejected = [item for item in rejected if item.code in blamed] or rejected
    if not rejected:
        known = {
            order: build.version
            for build in records.builds
            if build.name == TORCH and (order := release(build.version))
        }
        if records.origin == "built-in" and known:
            span = {"first": known[min(known)], "last": known[max(known)]}
            return "; ".join([text("no_release_built_in", span), *ended])
        return "; ".join([text("no_release"), *ended])
    grouped: dict[tuple[str, str], list[Notice]] = {}
    for item in rejected:
        grouped.setdefault((item.code, fact(item.machine)), []).append(item.needs)
    reasons = sorted(grouped.items(), key=lambda found: NEAREST.index(found[0][0]))
    # That CPU builds run on the CPU only explains nothing beside a reason for the others.
    reasons = [found for found in reasons if found[0][0] != "cpu_build"] or reasons
    told = [reason(code, machine, needs) for (code, machine), needs in reasons[:most]]
    return "; ".join([*told, *ended])


def _before(cause: Notice, records: Records) -> bool:
    """Whether a release is asked for that is older than what the built-in index knows."""
    found = re.search(r"\d+(?:\.\d+)*", str(cause.facts["spec"]))
    first = release(str(cause.facts["first"]))
    asked_for = release(found[0]) if found else None
    return bool(records.origin == "built-in" and first and asked_for and asked_for < first)


def _beyond(end: Mapping[str, str], request: Request, machine: Machine) -> bool:
    """Whether a release or a Python is asked for that the channel never got."""
    wanted = [
        version
        for spec in request.specs.get(TORCH, ())
        for version in re.findall(r"\d+(?:\.\d+)+", spec.partition("[")[0])[:1]
    ]
    newer = any(number(version) > number(end["last"]) for version in wanted)
    python = machine.python is not None and number(machine.python) > number(end["python"])
    return newer or python


def fact(notice: Notice) -> str:
    """The phrase for one side of a clash."""
    return text(f"fact.{notice.code}", notice.facts)


def reason(code: str, machine: str, needs: Iterable[Notice]) -> str:
    """Why builds with these facts fell away, those that differ in one value told together."""
    kinds: dict[str, list[Notice]] = {}
    for notice in needs:
        kinds.setdefault(notice.code, []).append(notice)
    first, *others = kinds.values()
    said = _together(first)
    rest = sum(len({fact(notice) for notice in found}) for found in others)
    more = text("and_more", {"fact": said, "count": rest}) if rest else said
    return text(code, {"machine": machine, "build": more})


def nearest(rejected: Sequence[Rejection]) -> tuple[str, str, list[Notice]]:
    """What `reason` takes for those of the rejections that are nearest to a fit."""
    code = min((item.code for item in rejected), key=NEAREST.index)
    alike = [item for item in rejected if item.code == code]
    machine = fact(alike[0].machine)
    return code, machine, [item.needs for item in alike if fact(item.machine) == machine]


def explained(rejected: Iterable[Rejection]) -> list[str]:
    """Why each newer release or higher CUDA fell away, builds with the same reason together."""
    grouped: dict[tuple[str, str, str], list[Rejection]] = {}
    for item in rejected:
        grouped.setdefault((item.version, item.code, fact(item.machine)), []).append(item)
    if not grouped:
        return wrapped(shown("nothing_newer"), "  ", "  ")

    def order(found: tuple[str, str, str]) -> tuple[Any, ...]:
        return (release(found[0]), -NEAREST.index(found[1]))

    out = []
    for version, code, machine in sorted(grouped, key=order, reverse=True):
        items = grouped[version, code, machine]
        why_not = reason(code, machine, [item.needs for item in items])
        said = shown("builds", reason=why_not, code=code, count=len(items))
        out += wrapped(f"{version}  {said}", "  ", " " * (4 + len(version)))
    return out


def _together(found: Sequence[Notice]) -> str:
    """Facts such as `Python 3.11` and `Python 3.12` as one: `Python 3.11, 3.12`."""
    phrases = list(dict.fromkeys(map(fact, found)))
    if len(phrases) == 1:
        return phrases[0]
    code, facts = found[0].code, found[0].facts
    if len(facts) > 1 or code not in _COUNTED:
        return text("and_more", {"fact": phrases[0], "count": len(phrases) - 1})
    (key,) = facts
    values = sorted({str(notice.facts[key]) for notice in found}, key=_by_number)
    return fact(Notice(code, {key: ", ".join(values)}))


def _by_number(word: str) -> tuple[Any, ...]:
    return tuple(int(part) if part.isdecimal() else -1 for part in word.split("."))
