"""`--plan DIR`: carrying a saved plan out. No index is read and nothing is solved."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..exceptions.environment import NoEnvironment, PipTorch
from ..exceptions.plan import (
    PlanAltered,
    PlanInTheWay,
    PlanNotCached,
    PlanOtherPlatform,
)
from ..handover import conda, package_cache, solve
from ..machine import survey
from ..models import InstallOptions, Machine, Notice
from ..selection.facts import PIP_NAMES
from ..selection.specs import number
from ..text import output
from ..text.layout import bullet, columns, file_size
from ..text.messages import text
from . import downloads, saved_plan


def execute(options: InstallOptions, prefix: str | None, *, exists: bool) -> int:
    """Carry out the plan in `options.plan` on the environment at `prefix`.

    Raises: one of the `Plan...` errors, or what conda raises.
    """
    from conda.base.context import context

    plan = saved_plan.load(Path(str(options.plan)))
    if options.urls:
        where = Notice("urls_beside_plan", {"folder": str(plan.folder)})
        downloads.show(options.urls, plan.files, _summary(plan, ()), [where])
        return 0
    if plan.subdir != context.subdir:
        raise PlanOtherPlatform(subdir=plan.subdir, here=context.subdir, folder=str(plan.folder))
    try:
        records = solve.loaded(plan.packages)
    except (ValueError, TypeError, KeyError) as error:
        raise PlanAltered(folder=str(plan.folder), detail=str(error)) from error
    package_cache.allowed(records)
    lacking = [record for record in records if package_cache.cached(record) is None]
    files = package_cache.beside(lacking, str(plan.folder))
    uncached, lacking = lacking, [record for record in lacking if record not in files]
    on = survey.inspect(subdir=plan.subdir, prefix=prefix if exists else None, probe_gpus=False)
    notices = _notices(plan, on)
    about = {**_summary(plan, notices), "to_download": _bytes(lacking)}
    if not context.json:
        output.say(_lines(plan, lacking, notices))
    if options.dry_run:
        if context.json:
            output.emit(about, dry_run=True, prefix=prefix)
        return 0
    if context.offline and lacking:
        raise PlanNotCached(
            count=len(lacking),
            total=len(records),
            size=file_size(_bytes(lacking)),
            names=", ".join(sorted(record.fn for record in lacking)[:5])
            + (", ..." if len(lacking) > 5 else ""),
            folder=str(plan.folder),
        )
    if not options.download:
        if prefix is None:
            raise NoEnvironment()
        _check(plan, on, prefix)
    if uncached:
        package_cache.fetch(uncached, files)
    if options.download or prefix is None:
        if context.json:
            output.emit(about)
        else:
            output.say(text("downloaded"))
        return 0
    return _link(options, plan, records, prefix, exists, about)


def _link(
    options: InstallOptions,
    plan: saved_plan.SavedPlan,
    records: Sequence[Any],
    prefix: str,
    exists: bool,
    about: Mapping[str, Any],
) -> int:
    """Let conda install from an explicit file whose packages are all in its cache."""
    from conda.base.context import context

    lines = []
    for package, record in zip(plan.packages, records, strict=True):
        # Conda finds a cached file by the very URL that it came from, which may hold a token.
        there = package_cache.cached(record)
        url = there.url if there is not None else record.url
        lines.append(saved_plan.line({**package, "url": url}, md5_only=True))
    verb = "install" if exists else "create"
    words = conda.taken(options.passed, verb)
    if not exists:
        words.append("--no-default-packages")
        if plan.subdir != survey.native_subdir():
            words += ["--subdir", plan.subdir]
    if context.json:
        words.append("--json")
    with TemporaryDirectory(prefix="torchmirror-") as folder:
        file = os.path.join(folder, saved_plan.EXPLICIT)
        Path(file).write_text(saved_plan.explicit(plan.subdir, lines), encoding="utf-8")
        command = [verb, "--prefix", prefix, *words, "--file", file]
        return conda.run(command, {}, {"prefix": prefix, "torchmirror": about})


def _check(plan: saved_plan.SavedPlan, on: Machine, prefix: str) -> None:
    """Conda adds and replaces what an explicit file names, and removes nothing else.

    Raises: PlanInTheWay, PipTorch.
    """
    from conda.api import PrefixData

    there = {record.name for record in PrefixData(prefix).iter_records()}
    if names := sorted(there.intersection(plan.removed)):
        raise PlanInTheWay(prefix=prefix, names=" ".join(names))
    pip = [p for p in on.installed if p.channel == "pypi" and p.name in PIP_NAMES]
    if pip:
        python = "python.exe" if os.name == "nt" else os.path.join("bin", "python")
        raise PipTorch(
            packages=", ".join(f"{package.name} {package.version}" for package in pip),
            prefix=prefix,
            names=" ".join(package.name for package in pip),
            python=os.path.join(prefix, python),
        )


def _bytes(records: Sequence[Any]) -> int:
    return sum(record.get("size") or 0 for record in records)


def _notices(plan: saved_plan.SavedPlan, on: Machine) -> list[Notice]:
    """What this machine's driver says to the plan's CUDA; nothing where none is known."""
    cuda = plan.decision.get("selected", {}).get("cuda")
    if not cuda:
        return []
    if on.cuda is None:
        return [Notice("plan_no_driver", {"cuda": cuda})]
    if number(on.cuda)[:1] < number(cuda)[:1]:
        return [Notice("plan_driver", {"cuda": cuda, "driver": on.cuda})]
    return []


def _summary(plan: saved_plan.SavedPlan, notices: Sequence[Notice]) -> dict[str, Any]:
    warnings = [{"code": n.code, "text": text(n.code, n.facts), "url": n.url} for n in notices]
    return {**plan.decision, "warnings": warnings, "plan": plan.about}


def _lines(
    plan: saved_plan.SavedPlan, lacking: Sequence[Any], notices: Sequence[Notice]
) -> list[str]:
    chosen = plan.decision.get("selected", {})
    names = [build.get("name") for build in chosen.get("builds", ())]
    rows = [("package", "version", "build", "size")]
    for package in plan.packages:
        if package["name"] in names:
            size = file_size(package["size"]) if package.get("size") else "?"
            rows.append((package["name"], package["version"], package["build"], size))
    for_what = f"CUDA {chosen.get('cuda')}" if chosen.get("cuda") else "the CPU"
    facts = {
        "count": len(plan.packages),
        "size": file_size(plan.total),
        "lacking": len(lacking),
        "download": file_size(_bytes(lacking)),
    }
    out = [
        f"Plan of {plan.created[:10]} for {for_what}, Python {chosen.get('python')}, {plan.subdir}",
        "",
        *columns(rows),
        "",
        text("plan_size" if lacking else "plan_at_hand", facts),
    ]
    if notices:
        out += [line for n in notices for line in bullet(text(n.code, n.facts))]
    return out
