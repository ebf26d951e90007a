"""A decision as text for a terminal of width 80, or as the JSON document of the contract."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..models import Build, Decision, Listing, Machine, Notice, Records, Rejection, Request
from ..selection.facts import TORCH
from ..selection.plan import shell_lines
from ..selection.specs import number, release
from .layout import bullet, columns, file_size, safe, wrapped
from .messages import text

#: More specs than anybody types: then the command is shown only with -v.
_TYPED = 30

#: Notices that a person reads only with -v: they change nothing.
QUIET = frozenset(("skipped_records", "newer_elsewhere"))


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


def shown(code: str, /, **facts: Any) -> str:
    """One of the words around a decision."""
    return text(f"show.{code}", facts)


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


def why(rejected: Sequence[Rejection], records: Records, most: int = 3) -> str:
    """The reasons in short: what the machine or the request says, and what the builds need."""
    if not rejected:
        known = {order: build.version for build in records.builds if (order := _order(build))}
        if records.origin == "built-in" and known:
            span = {"first": known[min(known)], "last": known[max(known)]}
            return text("no_release_built_in", span)
        return text("no_release")
    grouped: dict[tuple[str, str], list[Notice]] = {}
    for item in rejected:
        grouped.setdefault((item.code, fact(item.machine)), []).append(item.needs)
    reasons = sorted(grouped.items(), key=lambda found: _NEAREST.index(found[0][0]))
    # That CPU builds run on the CPU only explains nothing beside a reason for the others.
    reasons = [found for found in reasons if found[0][0] != "cpu_build"] or reasons
    return "; ".join(_reason(code, machine, needs) for (code, machine), needs in reasons[:most])


def _order(build: Build) -> Any:
    return release(build.version) if build.name == TORCH else None


def fact(notice: Notice) -> str:
    """The phrase for one side of a clash."""
    return text(f"fact.{notice.code}", notice.facts)


def _reason(code: str, machine: str, needs: Iterable[Notice]) -> str:
    """Why builds with these facts fell away, those that differ in one value told together."""
    kinds: dict[str, list[Notice]] = {}
    for notice in needs:
        kinds.setdefault(notice.code, []).append(notice)
    first, *others = kinds.values()
    said = _together(first)
    rest = sum(len({fact(notice) for notice in found}) for found in others)
    more = text("and_more", {"fact": said, "count": rest}) if rest else said
    return text(code, {"machine": machine, "build": more})


def _together(found: Sequence[Notice]) -> str:
    """Facts such as `Python 3.11` and `Python 3.12` as one: `Python 3.11, 3.12`."""
    shown = list(dict.fromkeys(map(fact, found)))
    if len(shown) == 1:
        return shown[0]
    code, facts = found[0].code, found[0].facts
    if len(facts) > 1 or code not in _COUNTED:
        return text("and_more", {"fact": shown[0], "count": len(shown) - 1})
    (key,) = facts
    values = sorted({str(notice.facts[key]) for notice in found}, key=_by_number)
    return fact(Notice(code, {key: ", ".join(values)}))


#: Facts whose one value is a number, so that several can stand in one phrase.
_COUNTED = frozenset(("cuda", "python"))


def _by_number(word: str) -> tuple[Any, ...]:
    return tuple(int(part) if part.isdecimal() else -1 for part in word.split("."))


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
    out += ["", *columns(_facts(decision))]
    preview = decision.records.origin == "built-in"
    head = [shown(code) for code in ("package", "version", "build", "size")]
    rows = [(*head, shown("known_from") if preview else "")]
    for build in choice.builds:
        size = file_size(build.size) if build.size else "?"
        known = shown(build.known_by) if preview else ""
        rows.append((build.name, build.version, build.build, size, known))
    if choice.runtime and not any(b.name == choice.runtime for b in choice.builds):
        rows.append((choice.runtime, str(choice.cuda), shown("left_to_solver"), "", ""))
    out += ["", *columns(rows)]
    notices = [notice for notice in decision.notices if verbose or notice.code not in QUIET]
    if notices:
        out.append("")
        for notice in notices:
            out += bullet(text(notice.code, notice.facts))
            if verbose and notice.url:
                out.append(f"    {shown('see', url=notice.url)}")
    if verbose and decision.evidence:
        out += [
            "",
            shown("evidence"),
            *_evidence(decision.evidence),
        ]
    if explain:
        out += ["", shown("passed_over"), *explained(choice.rejected)]
    if verbose or len(plan.specs) <= _TYPED:
        shell = shell_lines(plan.environment, machine.subdir)
        mirrored = plan.command_by_name != plan.command
        out += ["", shown("by_url" if mirrored else "in_conda")]
        out += [f"  {line}" for line in (*plan.before, *shell, plan.command)]
        if mirrored:
            out += [shown("by_name"), f"  {plan.command_by_name}"]
    if decision.dry_run and not decision.solved:
        out += ["", text("dry_run")]
    return [safe(line) for line in out]


def _evidence(notices: Iterable[Notice]) -> list[str]:
    return [line for notice in notices for line in bullet(evidence(notice))]


def evidence(notice: Notice) -> str:
    """The sentence for a fact about the machine."""
    return text(f"machine.{notice.code}", notice.facts, default=notice.code)


def _facts(decision: Decision) -> list[tuple[str, str]]:
    machine, records = decision.machine, decision.records
    if decision.request.cuda == "cpu":
        driver = shown("driver_not_asked")
    elif machine.cuda:
        driver = shown("driver_cuda", cuda=machine.cuda, origin=machine.cuda_from)
    else:
        driver = shown(_driverless(machine), driver=machine.driver)
    rows = [(shown("driver"), driver)]
    if machine.gpus:
        gpus = ", ".join(f"{gpu.name} ({gpu.arch or '?'})" for gpu in machine.gpus)
        rows.append((shown("gpu"), gpus))
    rows.append((shown("python"), f"{decision.choice.python} ({machine.python_from})"))
    rows.append((shown("target"), decision.prefix or shown("target_none")))
    dated = records.origin + (f", {records.date}" if records.date else "")
    rows.append((shown("index"), dated))
    for channel in decision.plan.channels:
        rows.append((channel.name, f"{channel.url} ({channel.mirror})"))
    return rows


def _driverless(machine: Machine) -> str:
    """What to say of the driver where it gives no CUDA."""
    if machine.foreign:
        return "driver_unknown"
    return "driver_unusable" if machine.driver else "driver_none"


def explained(rejected: Iterable[Rejection]) -> list[str]:
    """Why each newer release or higher CUDA fell away, builds with the same reason together."""
    grouped: dict[tuple[str, str, str], list[Rejection]] = {}
    for item in rejected:
        grouped.setdefault((item.version, item.code, fact(item.machine)), []).append(item)
    if not grouped:
        return [f"  {shown('nothing_newer')}"]

    def order(found: tuple[str, str, str]) -> tuple[Any, ...]:
        return (release(found[0]), -_NEAREST.index(found[1]))

    out = []
    for version, code, machine in sorted(grouped, key=order, reverse=True):
        items = grouped[version, code, machine]
        reason = _reason(code, machine, [item.needs for item in items])
        count = "builds" if len(items) > 1 else "one_build"
        said = shown(count, reason=reason, code=code, count=len(items))
        out += wrapped(f"{version}  {said}", "  ", " " * (4 + len(version)))
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
            "source": decision.source,
            "cuda": choice.cuda,
            "compat": choice.compat,
            "python": choice.python,
            "index": decision.records.origin,
            "index_date": decision.records.date,
            "builds": [_build(build) for build in choice.builds],
        },
        "specs": [safe(spec) for spec in plan.specs],
        "pins": list(plan.pins),
        "channels": [
            {"name": c.name, "url": safe(c.url), "mirror": c.mirror} for c in plan.channels
        ],
        "environment": dict(plan.environment),
        "before": [safe(command) for command in plan.before],
        "command": safe(plan.command),
        "command_by_name": safe(plan.command_by_name),
        "rejected": [
            {
                "name": item.name,
                "version": item.version,
                "build": item.build,
                "code": item.code,
                "reason": _reason(item.code, fact(item.machine), [item.needs]),
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
        "evidence": build.known_by,
    }


def listing_document(listing: Listing) -> dict[str, Any]:
    """The value of the key `torchmirror` of `--list`."""
    rows = [
        {"version": row.release, "cuda": row.cuda, "python": row.python, "fits": row.fits}
        for row in listing.rows
    ]
    return {"subdir": listing.machine.subdir, "index": listing.records.origin, "list": rows}


def listing_lines(listing: Listing) -> list[str]:
    """What the platform can have: a line for each release and CUDA, marked where it fits."""
    machine, records = listing.machine, listing.records
    heads = ("list_fits", "list_release", "list_cuda", "list_pythons")
    table = [tuple(map(shown, heads))]
    pythons: dict[tuple[str, str | None], list[tuple[str, bool]]] = {}
    for row in listing.rows:
        pythons.setdefault((row.release, row.cuda), []).append((row.python, row.fits))
    for (version, cuda), found in pythons.items():
        found.sort(key=lambda pair: number(pair[0]))
        marks = " ".join(python + ("*" if fits else "") for python, fits in found)
        any_fits = any(fits for _, fits in found)
        mark = shown("list_yes") if any_fits else "-"
        table.append((mark, version, cuda or shown("list_cpu"), marks))
    driver = shown(_driverless(machine), driver=machine.driver)
    if listing.request.cuda == "cpu":
        driver = shown("on_cpu")
    elif machine.cuda:
        driver = shown("list_driver", cuda=machine.cuda, origin=machine.cuda_from)
    code = "list_index_of" if records.date else "list_index"
    index = shown(code, index=records.origin, date=records.date)
    head = shown("list_head", subdir=machine.subdir, driver=driver, index=index)
    return [head, "", *columns(table)]
