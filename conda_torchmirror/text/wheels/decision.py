"""A decision for wheels, as lines for a terminal or as the JSON value of `torchmirror`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...models import CondaStep, PipStep
from ...selection.pip.plan import WheelDecision, WheelFile
from ..decision import (
    chosen_for,
    machine_part,
    notes,
    of_cmd,
    rejected_part,
    request_part,
    shell_lines,
    warnings_part,
    why_chosen,
)
from ..layout import columns, file_size
from ..messages import text
from ..reasons import explained, shown
from ..sanitize import public_url, safe


def lines(decision: WheelDecision, *, explain: bool, verbose: bool) -> list[str]:
    """A decision as lines."""
    chosen, on = decision.chosen, decision.machine
    out = [
        shown(
            "headline",
            torch=chosen.torch.full_version,
            target=_accelerator(decision),
            python=chosen.python,
            subdir=on.subdir,
        ),
        "",
        *columns(_facts(decision)),
        "",
        *columns(_files(decision)),
    ]
    out += notes(decision.notices, decision.evidence, verbose=verbose)
    if explain:
        out += ["", shown("passed_over"), *explained(decision.rejected, chosen.choice)]
    if decision.conda is not None:
        shell = shell_lines(decision.conda.environment, on.subdir)
        out += [
            "",
            text("wheel.conda_first"),
            *(f"  {line}" for line in (*shell, decision.conda.command)),
            *of_cmd(shell, on.subdir),
        ]
    by_uv = decision.pip.tool == "uv"
    out += ["", text("wheel.uv_run" if by_uv else "wheel.pip_run"), f"  {decision.pip.command}"]
    if decision.pip.by_hand != decision.pip.command:
        out += [text("wheel.pip_by_hand"), f"  {decision.pip.by_hand}"]
    if decision.dry_run:
        out += ["", text("dry_run_wheels")]
    return [safe(line) for line in out]


def _accelerator(decision: WheelDecision) -> str:
    cuda, named = decision.chosen.cuda, decision.request.cuda
    if cuda:
        return shown("on_cuda", cuda=cuda)
    return named if named.startswith(("rocm", "xpu")) else shown("on_cpu")


def _facts(decision: WheelDecision) -> list[tuple[str, str]]:
    rows = chosen_for(decision.request, decision.machine, decision.chosen.python, decision.prefix)
    places = (("wheel.place", decision.wheels), ("wheel.rest", decision.rest))
    for label, place in places:
        if place.mirror == "none":
            why = "wheel.no_index" if decision.beside is None else "wheel.no_index_needed"
            rows.append((text(label), text(why)))
            continue
        url = place.url or text("wheel.pip_default")
        rows.append((text(label), shown("url_at", url=url, mirror=place.mirror)))
    return rows


def _files(decision: WheelDecision) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        (
            *(shown(code) for code in ("package", "version")),
            text("wheel.variant"),
            shown("size"),
            text("wheel.from"),
        )
    ]
    for file in decision.files:
        row = (file.project, file.version, file.link.variant or "-")
        rows.append((*row, _size([file]), _place(file)))
    if rest := decision.beside:
        more = text("wheel.more", {"count": len(rest)})
        places = ", ".join(dict.fromkeys(map(_place, rest)))
        rows.append((more, "", "", _size(rest), places))
    return rows


def _size(files: Sequence[WheelFile]) -> str:
    """The total size of files as text, as a lower bound if some sizes are unknown."""
    sizes = [file.link.size for file in files]
    known = sum(size or 0 for size in sizes)
    if not known:
        return "?"
    return file_size(known) if all(sizes) else f"> {file_size(known)}"


def _place(file: WheelFile) -> str:
    return text("wheel.cached") if file.cached else file.mirror


def summary(decision: WheelDecision) -> dict[str, Any]:
    """The value of the key `torchmirror`, schema 1. Never translated."""
    chosen, first = decision.chosen, decision.steps[0]
    return {
        "schema": 1,
        "solved": False,
        "machine": machine_part(decision.machine, chosen.python),
        "request": request_part(decision.request),
        "selected": {
            "source": "wheels",
            **why_chosen(decision.notices),
            "cuda": chosen.cuda,
            "compat": chosen.compat,
            "python": chosen.python,
            "index": decision.origin,
            "index_date": decision.date,
            "variant": chosen.variant,
            "builds": [_build(file, decision) for file in decision.files],
            "rest": None
            if decision.beside is None
            else [_build(file, decision) for file in decision.beside],
        },
        "specs": [safe(spec) for spec in decision.pip.specs],
        "pins": list(decision.conda.pins) if decision.conda else [],
        "channels": [
            {"name": route.channel, "url": safe(route.url), "mirror": route.mirror}
            for route in (decision.wheels, decision.rest)
        ],
        "environment": dict(decision.conda.environment) if decision.conda else {},
        "before": [],
        "after": [],
        "command": safe(first.command),
        "steps": [_step(step) for step in decision.steps],
        "rejected": rejected_part(decision.rejected, "wheels"),
        "warnings": warnings_part(decision.notices),
        "check": None,
    }


def _build(file: WheelFile, decision: WheelDecision) -> dict[str, Any]:
    link = file.link
    return {
        "name": file.project,
        "version": file.version,
        "build": None,
        "channel": None,
        "subdir": decision.machine.subdir,
        "file": link.filename,
        "variant": link.variant,
        "mirror": file.mirror,
        "url": public_url(link.url),
        "size": link.size,
        "md5": None,
        "sha256": link.sha256,
        "cached": file.cached is not None,
        "evidence": link.known_by,
    }


def _step(step: CondaStep | PipStep) -> dict[str, Any]:
    if isinstance(step, CondaStep):
        return {"tool": "conda", "command": safe(step.command), "files": []}
    files = [{"url": public_url(url), "sha256": sha256 or None} for url, sha256 in step.files]
    by_hand = safe(step.by_hand)
    return {"tool": step.tool, "command": safe(step.command), "by_hand": by_hand, "files": files}
