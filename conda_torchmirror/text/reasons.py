"""Sentences on why builds do not fit, one for each group of similar rejections."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any

from ..models import Choice, Machine, Notice, Records, Rejection, Request
from ..selection.facts.names import TORCH
from ..selection.rules import has_mps
from ..selection.specs import number, release
from .layout import wrapped
from .messages import clauses, listed, sentences, text

#: Codes of rejections, from the nearest to a fit to the least informative.
NEAREST = (
    "partner_missing",
    "pinned",
    "arch_missing",
    "cudnn_too_new",
    "glibc_too_old",
    "macos_too_old",
    "driver_unusable",
    "driver_too_old",
    "minor_version_only",
    "cuda_too_new",
    "cuda_unknown",
    "python_mismatch",
    "cuda_build",
    "cpu_build",
)

#: Steps that lead to a CPU build.
ON_CPU = ("use_cpu", "use_cpu_only", "use_cpu_instead")
#: Facts with a number as value, of which one sentence can list several.
_COUNTED = frozenset(("cuda", "python"))


def shown(code: str, /, **facts: Any) -> str:
    """A heading, label or phrase of the table `show`."""
    return text(f"show.{code}", facts)


def asked(request: Request, machine: Machine, *, built_in: bool = False) -> str:
    """The request in one phrase, for an error; with `built_in` one by the built-in index alone."""
    specs = [spec for found in request.specs.values() for spec in found]
    parts = [" ".join(specs), shown("asked_on", subdir=machine.subdir)]
    if machine.python:
        parts.append(shown("asked_python", python=machine.python))
    if request.cuda == "cpu":
        parts.append(shown("asked_cpu"))
    elif request.cuda != "auto":
        # ROCm and XPU are named by their directory.
        named = "asked_cuda" if request.cuda[0].isdecimal() else "asked_variant"
        parts.append(shown(named, cuda=request.cuda))
    elif machine.cuda:
        parts.append(shown("asked_driver", cuda=machine.cuda))
    if built_in:
        parts.append(shown("asked_built_in"))
    return listed(parts)


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
    """The main reasons: what machine or request demand, and what the builds need.

    `cause` is a demand that no build meets, `blamed` are the codes of the rejections that rule
    everything out; without these the nearest reasons are given. `end` tells where the channel
    ended. `most` limits the number of reasons.
    """
    ended = [text("channel_end", end)] if end and _beyond(end, request, machine) else []
    if cause is not None:
        return clauses([text(cause.code, cause.facts), *ended])
    rejected = [item for item in rejected if item.code in blamed] or rejected
    if not rejected:
        known = {
            order: build.version
            for build in records.builds
            if build.name == TORCH and (order := release(build.version))
        }
        if records.origin == "built-in" and known:
            span = {"first": known[min(known)], "last": known[max(known)]}
            return clauses([text("no_release_built_in", span), *ended])
        return clauses([text("no_release"), *ended])
    grouped: dict[Hashable, list[Rejection]] = {}
    for item in rejected:
        grouped.setdefault((item.code, _key(item.machine)), []).append(item)
    reasons = sorted(grouped.values(), key=lambda alike: NEAREST.index(alike[0].code))
    # The rejection of CPU builds explains nothing if there is a reason for the others.
    reasons = [alike for alike in reasons if alike[0].code != "cpu_build"] or reasons
    told = [reason(alike) for alike in reasons[:most]]
    return clauses([*told, *ended])


def _beyond(end: Mapping[str, str], request: Request, machine: Machine) -> bool:
    """Whether the request names a release or a Python that the channel never got."""
    last = number(end["last"])
    wanted = [
        (found[1], number(found[2]))
        for spec in request.specs.get(TORCH, ())
        if (found := re.search(r"([<>=!~ ]+)(\d{1,9}(?:\.\d{1,9})*)", spec.partition("[")[0]))
    ]
    newer = any(
        version > last or (operator == ">" and version == last)
        for operator, version in wanted
        if "<" not in operator and "!" not in operator
    )
    python = machine.python is not None and number(machine.python) > number(end["python"])
    return newer or python


def reason(alike: Sequence[Rejection]) -> str:
    """The sentence for rejections that share the code and the fact of machine or request.

    Needs that differ in one value are listed together; of others only the number is given.
    """
    code, machine = alike[0].code, alike[0].machine
    kinds: dict[str, list[Notice]] = {}
    for item in alike:
        kinds.setdefault(item.needs.code, []).append(item.needs)
    first, *others = (_distinct(found) for found in kinds.values())
    needs, rest = _together(first)
    rest += sum(map(len, others))
    own = {f"own_{name}": value for name, value in machine.facts.items()}
    said = text(f"clash.{code}.{machine.code}.{needs.code}", {**needs.facts, **own})
    return text("and_more", {"reason": said, "count": rest}) if rest else said


def nearest(rejected: Sequence[Rejection]) -> list[Rejection]:
    """The group of rejections nearest to a fit, as `reason` takes it."""
    code = min((item.code for item in rejected), key=NEAREST.index)
    alike = [item for item in rejected if item.code == code]
    return [item for item in alike if item.machine == alike[0].machine]


def explained(rejected: Iterable[Rejection], choice: Choice) -> list[str]:
    """Sentences on why each newer release or higher CUDA was rejected, one for each shared reason.

    Rejections of CPU builds are dropped if a CUDA set of the same release was chosen, or if there
    is a reason for the CUDA builds of a newer one.
    """
    rejected = list(rejected)
    better = {item.version for item in rejected if item.code != "cpu_build"}
    better |= {choice.torch.version} if choice.cuda else set()
    grouped: dict[Hashable, list[Rejection]] = {}
    for item in rejected:
        if item.code == "cpu_build" and item.version in better:
            continue
        grouped.setdefault((item.version, item.code, _key(item.machine)), []).append(item)
    if not grouped:
        return wrapped(shown("nothing_newer"), "  ", "  ")

    def order(alike: Sequence[Rejection]) -> tuple[Any, ...]:
        return (release(alike[0].version), -NEAREST.index(alike[0].code))

    out = []
    wide = max(len(alike[0].version) for alike in grouped.values())
    for alike in sorted(grouped.values(), key=order, reverse=True):
        version, code = alike[0].version, alike[0].code
        said = shown("builds", reason=reason(alike), code=code, count=len(alike))
        out += wrapped(said, f"  {version:{wide}}  ", " " * (4 + wide))
    return out


def _key(notice: Notice) -> Hashable:
    """A key that is equal for notices with the same code and facts."""
    return notice.code, tuple(sorted((name, str(value)) for name, value in notice.facts.items()))


def _distinct(found: Iterable[Notice]) -> list[Notice]:
    return list({_key(notice): notice for notice in found}.values())


def _together(found: Sequence[Notice]) -> tuple[Notice, int]:
    """Merge notices of one code, such as Python `3.11, 3.12`; return also how many are left out."""
    code, facts = found[0].code, found[0].facts
    if len(found) == 1 or len(facts) > 1 or code not in _COUNTED:
        return found[0], len(found) - 1
    (key,) = facts
    values = sorted({str(notice.facts[key]) for notice in found}, key=_by_number)
    return Notice(code, {key: ", ".join(values)}), 0


def _by_number(word: str) -> tuple[Any, ...]:
    return tuple(int(part) if part.isdecimal() else -1 for part in word.split("."))


def with_mac(detail: str, on: Machine, steps: Iterable[Notice]) -> str:
    """The reasons, and what the builds for a Mac use where CUDA is asked of one."""
    if not on.subdir.startswith("osx-") or not any(map(_leads_off_cuda, steps)):
        return detail
    return sentences((detail, of_mac(on.subdir)))


def of_mac(subdir: str) -> str:
    """What the builds for a Mac use."""
    return text("machine.mac_builds_mps" if has_mps(subdir) else "machine.mac_builds")


def _leads_off_cuda(step: Notice) -> bool:
    if step.code in ("open_build", "open_variant"):
        return "cu" in str(step.facts["spec"])
    return step.code in (*ON_CPU, "drop_cuda_cpu")
