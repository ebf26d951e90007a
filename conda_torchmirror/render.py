"""A decision as text for a terminal of width 80, or as the JSON document of the contract."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Any

from .builds import number, release
from .messages import text
from .models import Build, Decision, Machine, Notice, Records, Rejection, Request
from .plan import shell_lines
from .text import columns, file_size, safe

_KNOWN = {"record": "a record", "listed": "a listing", "derived": "the naming rules"}

#: More specs than anybody types: then the command is shown only with -v.
_TYPED = 30

#: Notices that a person reads only with -v: they change nothing.
QUIET = frozenset(("skipped_records", "newer_elsewhere"))


def asked(request: Request, machine: Machine) -> str:
    """The request in one phrase, for an error."""
    specs = [spec for found in request.specs.values() for spec in found]
    parts = [" ".join(specs), f"on {machine.subdir}"]
    if machine.python:
        parts.append(f"for Python {machine.python}")
    if request.cuda != "auto":
        parts.append("on the CPU" if request.cuda == "cpu" else f"with CUDA {request.cuda}")
    elif machine.cuda:
        parts.append(f"with the driver's CUDA {machine.cuda}")
    return ", ".join(parts)


#: From the reason that is nearest to a fit to the one that says least.
_NEAREST = (
    "partner_missing",
    "pinned",
    "arch_missing",
    "driver_unusable",
    "driver_too_old",
    "minor_version_only",
    "cuda_too_new",
    "cuda_unknown",
    "python_mismatch",
    "cuda_build",
    "cpu_build",
)


def why(rejected: Sequence[Rejection], most: int = 3) -> str:
    """The reasons in short: what the machine or the request says, and what the builds need."""
    if not rejected:
        return "no release in the channel matches these specs"
    grouped: dict[tuple[str, str], list[str]] = {}
    for item in rejected:
        facts = grouped.setdefault((item.code, item.machine), [])
        if item.build_fact not in facts:
            facts.append(item.build_fact)
    reasons = sorted(grouped.items(), key=lambda found: _NEAREST.index(found[0][0]))
    parts = []
    for (code, machine), facts in reasons[:most]:
        parts.append(text(code, {"machine": machine, "build": _joined(facts)}))
    return "; ".join(parts)


def _joined(facts: Sequence[str]) -> str:
    """Facts such as `Python 3.11` and `Python 3.12` as one: `Python 3.11, 3.12`."""
    words = {fact.partition(" ")[0] for fact in facts}
    rest = [fact.partition(" ")[2] for fact in facts]
    if len(facts) > 1 and len(words) == 1 and all(len(item) < 12 for item in rest):
        return f"{words.pop()} {', '.join(sorted(rest, key=_by_number))}"
    return facts[0] if len(facts) == 1 else f"{facts[0]} (and {len(facts) - 1} more like it)"


def _by_number(word: str) -> tuple[Any, ...]:
    return tuple(int(part) if part.isdecimal() else -1 for part in word.split("."))


def say(what: str) -> None:
    """Print to standard output; a reader that went away (`| head`) is no error."""
    try:
        print(what, flush=True)
    except BrokenPipeError:
        # Python flushes once more at exit, into nothing then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show(decision: Decision, *, explain: bool, verbose: bool) -> None:
    """Print a decision for a person."""
    say("\n".join(lines(decision, explain=explain, verbose=verbose)))


def lines(decision: Decision, *, explain: bool, verbose: bool) -> list[str]:
    """A decision as lines."""
    choice, plan, machine = decision.choice, decision.plan, decision.machine
    for_what = f"CUDA {choice.cuda}" if choice.cuda else "the CPU"
    out = [
        f"PyTorch {choice.torch.version} for {for_what}, Python {choice.python}, {machine.subdir}"
    ]
    out += ["", *columns(_facts(decision))]
    preview = decision.records.index == "built-in"
    rows = [("package", "version", "build", "size", "known from" if preview else "")]
    for build in choice.builds:
        size = file_size(build.size) if build.size else "?"
        known = _KNOWN[build.evidence] if preview else ""
        rows.append((build.name, build.version, build.build, size, known))
    if choice.runtime and not any(b.name == choice.runtime for b in choice.builds):
        rows.append((choice.runtime, str(choice.cuda), "(left to the solver)", "", ""))
    out += ["", *columns(rows)]
    notices = [notice for notice in decision.notices if verbose or notice.code not in QUIET]
    if notices:
        out += ["", *(line for n in notices for line in bullet(text(n.code, n.facts)))]
        if verbose:
            out += [f"    see {n.url}" for n in notices if n.url]
    if verbose and decision.evidence:
        out += ["", "Evidence", *(line for n in decision.evidence for line in bullet(evidence(n)))]
    if explain:
        out += ["", "Passed over", *explained(choice.rejected)]
    if verbose or len(plan.specs) <= _TYPED:
        shell = shell_lines(plan.environment, machine.subdir)
        out += ["", "The same in plain conda, from the mirror's URL:"]
        out += [f"  {line}" for line in (*shell, plan.command)]
        if plan.command_by_name != plan.command:
            out += [
                "or by name, where conda is pointed at the mirror:",
                f"  {plan.command_by_name}",
            ]
    if decision.dry_run and not decision.solved:
        out += ["", text("dry_run")]
    return [safe(line) for line in out]


def evidence(notice: Notice) -> str:
    """The sentence for a fact about the machine."""
    return text(f"machine.{notice.code}", notice.facts, default=notice.code)


def bullet(sentence: str) -> list[str]:
    """A sentence as an item of a list, wrapped for a terminal of width 80."""
    return wrap(
        sentence,
        width=78,
        initial_indent="  - ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _facts(decision: Decision) -> list[tuple[str, str]]:
    machine, records = decision.machine, decision.records
    unusable = f"{machine.driver}, runs no CUDA" if machine.driver else "no NVIDIA driver"
    cuda = f"CUDA {machine.cuda} ({machine.cuda_from})" if machine.cuda else unusable
    rows = [("driver", cuda if decision.request.cuda != "cpu" else "not asked (--cuda cpu)")]
    if machine.gpus:
        rows.append(("gpu", ", ".join(f"{g.name} ({g.arch or '?'})" for g in machine.gpus)))
    rows.append(("python", f"{decision.choice.python} ({machine.python_from})"))
    rows.append(("target", decision.prefix or "none named"))
    rows.append(("index", records.index + (f", {records.date}" if records.date else "")))
    for channel in decision.plan.channels:
        rows.append((channel.name, f"{channel.url} ({channel.mirror})"))
    return rows


def explained(rejected: Iterable[Rejection]) -> list[str]:
    """Why each newer release or higher CUDA fell away, builds with the same reason together."""
    grouped: dict[tuple[str, str, str], list[Rejection]] = {}
    for item in rejected:
        grouped.setdefault((item.version, item.code, item.machine), []).append(item)
    if not grouped:
        return ["  nothing: the chosen builds are the newest of the channel"]

    def order(found: tuple[str, str, str]) -> tuple[Any, ...]:
        return (release(found[0]), -_NEAREST.index(found[1]))

    out = []
    for version, code, machine in sorted(grouped, key=order, reverse=True):
        items = grouped[version, code, machine]
        facts = list(dict.fromkeys(item.build_fact for item in items))
        reason = text(code, {"machine": machine, "build": _joined(facts)})
        count = f"{len(items)} builds" if len(items) > 1 else "1 build"
        out += wrap(
            f"{version}  {reason} ({code}, {count})",
            width=78,
            initial_indent="  ",
            subsequent_indent=" " * (4 + len(version)),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return out


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
        "machine": {
            "subdir": machine.subdir,
            "cuda": machine.cuda,
            "cuda_from": machine.cuda_from,
            "driver": machine.driver,
            "cuda_arch": machine.cuda_arch,
            "gpus": [{"name": gpu.name, "arch": gpu.arch} for gpu in machine.gpus],
            "python": choice.python,
            "python_from": machine.python_from,
        },
        "request": {
            "specs": [spec for found in request.specs.values() for spec in found],
            "others": [safe(spec) for spec in request.others],
            "cuda": request.cuda,
            "cuda_compat": request.compat,
            "source": request.source,
        },
        "selected": {
            "source": "pytorch",
            "cuda": choice.cuda,
            "compat": choice.compat,
            "python": choice.python,
            "index": decision.records.index,
            "index_date": decision.records.date,
            "builds": [_build(build) for build in choice.builds],
        },
        "specs": [safe(spec) for spec in plan.specs],
        "pins": list(plan.pins),
        "channels": [
            {"name": c.name, "url": safe(c.url), "mirror": c.mirror} for c in plan.channels
        ],
        "environment": dict(plan.environment),
        "command": safe(plan.command),
        "command_by_name": safe(plan.command_by_name),
        "rejected": [
            {
                "name": item.name,
                "version": item.version,
                "build": item.build,
                "code": item.code,
                "reason": text(item.code, {"machine": item.machine, "build": item.build_fact}),
                "fact": item.fact,
            }
            for item in choice.rejected
        ],
        "warnings": [
            {"code": notice.code, "text": safe(text(notice.code, notice.facts)), "url": notice.url}
            for notice in decision.notices
        ],
        "check": None,
        **({"files": list(decision.files)} if decision.files else {}),
    }


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
        "evidence": build.evidence,
    }


def document(decision: Decision) -> None:
    """Print the JSON document of a dry run that needed no solve."""
    found = {
        "success": True,
        "dry_run": decision.dry_run,
        "prefix": decision.prefix,
        "torchmirror": summary(decision),
    }
    say(json.dumps(found, indent=2))


def listing(
    rows: Sequence[tuple[str, str | None, str, bool]], machine: Machine, records: Records
) -> None:
    """Print what the platform can have: a line for each release and CUDA, marked where it fits."""
    from conda.base.context import context

    if context.json:
        listed = [
            {"version": version, "cuda": cuda, "python": python, "fits": fits}
            for version, cuda, python, fits in rows
        ]
        about = {"schema": 1, "subdir": machine.subdir, "index": records.index, "list": listed}
        say(json.dumps({"success": True, "torchmirror": about}, indent=2))
        return
    table = [("fits", "release", "cuda", "python (* fits)")]
    pythons: dict[tuple[str, str | None], list[tuple[str, bool]]] = {}
    for version, cuda, python, fits in rows:
        pythons.setdefault((version, cuda), []).append((python, fits))
    for (version, cuda), found in pythons.items():
        found.sort(key=lambda pair: number(pair[0]))
        marks = " ".join(python + ("*" if fits else "") for python, fits in found)
        any_fits = any(fits for _, fits in found)
        table.append(("yes" if any_fits else "-", version, cuda or "cpu", marks))
    cuda = f"the driver runs CUDA {machine.cuda}" if machine.cuda else "no NVIDIA driver"
    index = records.index + (f" index of {records.date}" if records.date else " index")
    say("\n".join([f"PyTorch for {machine.subdir}, {cuda} ({index})", "", *columns(table)]))
