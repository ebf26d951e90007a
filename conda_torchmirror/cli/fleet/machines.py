"""The output of `torch-install --machine` for several machines: their plans as text or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...install.machines.run import Failed, MachinePlan, MachinePlans
from ...options import InstallOptions
from ...plans import make
from ...selection.pip.plan import WheelDecision
from ...text import decision as decisions
from ...text.layout import bullet, columns, wrapped
from ...text.messages import text
from ...text.output import emit, say, warn
from ...text.reasons import shown
from ...text.wheels import decision as wheels

#: Notices that are shown once for all plans.
_ONCE = ("plan_next", "plan_offline", "plan_with_packages")


def show(found: MachinePlans, options: InstallOptions) -> int:
    """Show the plans, and return the exit code: 1 if any machine has no plan, else 0."""
    if options.as_json:
        _emit(found, options)
    elif found.urls is None:
        say(list(_lines(found, options)))
    if not options.as_json:
        for failed in found.failed:
            warn(["", *_refused(failed)])
    return 1 if found.failed else 0


def _emit(found: MachinePlans, options: InstallOptions) -> None:
    about: dict[str, Any] = {
        "plans": [_document(plan, options) for plan in found.plans],
        "failed": [
            {"machines": list(failed.files), "error": failed.error.dump_map()}
            for failed in found.failed
        ],
    }
    if found.urls is not None:
        about["urls"] = [
            {"url": f.url, "file": f.file, "size": f.size, "md5": f.md5, "sha256": f.sha256}
            for f in found.urls.files
        ]
    emit(about, success=not found.failed, dry_run=True, prefix=None)


def _document(plan: MachinePlan, options: InstallOptions) -> dict[str, Any]:
    decision = plan.decision
    if plan.saved is not None:
        about = dict(plan.saved.about)
    elif isinstance(decision, WheelDecision):
        about = wheels.summary(decision)
    else:
        about = decisions.summary(decision)
    folder = str(plan.saved.plan.folder) if plan.saved else None
    return {"name": plan.name, "machines": list(plan.files), "folder": folder, **about}


def _lines(found: MachinePlans, options: InstallOptions) -> Iterator[str]:
    machines = sum(len(plan.files) for plan in found.plans)
    counts = {"machines": machines, "count": len(found.plans)}
    yield from wrapped(text("machines_plans", counts))
    rows = [tuple(shown(code) for code in ("plan", "machines", "source", "version", "python"))]
    for plan in found.plans:
        decision = plan.decision
        choice = decision.chosen.choice if isinstance(decision, WheelDecision) else decision.choice
        version = f"{choice.torch.version} ({f'CUDA {choice.cuda}' if choice.cuda else 'CPU'})"
        source = "wheels" if isinstance(decision, WheelDecision) else decision.source
        rows.append((plan.name, str(len(plan.files)), source, version, choice.python))
    yield from ("", *columns(rows))
    every = [file for plan in found.plans for file in plan.files]
    names = Counter(Path(file).name for file in every)
    for plan in found.plans:
        files = (Path(f).name if names[Path(f).name] == 1 else f for f in plan.files)
        yield from ("", f"{plan.name}: {', '.join(files)}")
        if plan.saved is not None:
            told = [n for n in plan.saved.notices if n.code not in _ONCE]
            for notice in told:
                yield from bullet(text(notice.code, notice.facts))
            continue
        decision = plan.decision
        if isinstance(decision, WheelDecision):
            yield from wheels.lines(decision, explain=options.explain, verbose=False)
        else:
            yield from decisions.lines(decision, explain=options.explain, verbose=False)
    saved = [plan.saved for plan in found.plans if plan.saved is not None]
    if saved:
        yield ""
        for notice in saved[0].notices:
            if notice.code in _ONCE:
                folder = str(Path(str(options.save), "PLAN"))
                facts = {**notice.facts, "folder": folder}
                facts["command"] = make.carried_out(options, folder)
                yield from wrapped(text(notice.code, facts))


def _refused(failed: Failed) -> Iterator[str]:
    names = ", ".join(failed.files)
    yield from wrapped(text("machines_failed", {"files": names}))
    yield from repr(failed.error).splitlines()
