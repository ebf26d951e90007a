"""`--plan DIR` for a plan with wheels: conda's packages, then the files by pip.

Nothing is chosen, and pages of wheels are only read if a file's URL fails.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from conda.base.context import context

from ....exceptions.environment import NoEnvironment
from ....exceptions.mirror import CannotWrite
from ....exceptions.plan import PlanNotCached, PlanOtherPython, PlanWithoutPip
from ....handover import conda, disk_space, environment_lock, package_cache, wheel_cache
from ....handover.conda import Outcome
from ....machine import survey
from ....machine.environment import option_of
from ....machine.python import distributions, pip_config
from ....mirrors.urls import host_of, with_login_of
from ....models import Notice, Request
from ....options import InstallOptions
from ....plans import places, suited
from ....plans import replay as conda_plans
from ....plans.downloads import DownloadList
from ....plans.replay import Replay
from ....plans.saved_plan import SavedPlan
from ....plans.wheel_part import PlanWheel, WheelPart
from ....selection.pip.plan import WheelFile
from ....selection.plan import typed
from ....selection.wheels.link import Link
from ....text.layout import file_size
from ....text.messages import text
from ....transport.wheels import metadata, routes
from ....transport.wheels.reader import WheelReader
from ....transport.wheels.routes import WheelMirror
from ...task import Target
from .. import steps
from ..carry_out.pip_run import by_pip
from ..decide import keep
from ..fetch import fetched, fetched_rest, space
from ..obstacles import check_environment, check_owned
from ..steps import PipOrder
from ..task import WheelTask
from . import there

if TYPE_CHECKING:
    from ...run import Report


def replay(
    plan: SavedPlan, part: WheelPart, options: InstallOptions, target: Target, report: Report
) -> DownloadList | Replay | Outcome:
    """Carry out a plan with wheels. An environment that already has all of it is not changed.

    Raises: one of the `Plan...` errors, NoEnvironment, CondaTorch, CondaOwned, ExternallyManaged,
    NoSpace, CannotWrite, OtherRun, WheelNowhere, WheelDamaged, PipFailed, or what conda raises.
    """
    if options.urls:
        where = Notice("urls_beside_plan", {"folder": str(plan.folder)})
        return DownloadList(plan.files, conda_plans.summary(plan, ()), (where,))
    if plan.subdir != context.subdir:
        raise suited.other_platform(plan)
    prefix = target.prefix if target.exists else None
    on = survey.inspect(subdir=plan.subdir, prefix=prefix)
    if not options.download:
        suited.refuse_older(plan, on, options)
    records = conda_plans.records_of(plan)
    uncached = [record for record in records if package_cache.cached(record) is None]
    beside = package_cache.find_brought(uncached, str(plan.folder))
    lacking = [record for record in uncached if record not in beside]
    files = [_located(file, plan.folder) for file in part.files]
    rest = [_located(file, plan.folder) for file in part.rest or ()]
    away = [file for file in (*files, *rest) if file.cached is None]
    size = sum(record.get("size") or 0 for record in lacking)
    size += sum(file.link.size or 0 for file in away)
    names = [record.fn for record in lacking]
    names += [name for file in away for name in _names(file.link)]
    spoilt = conda_plans.of_spoilt(plan, names)
    notices = suited.of_machine(plan, on)
    uv, about_uv = steps.installer(prefix)
    config = pip_config.read(prefix)
    placed = {str(package["name"]) for package in plan.packages}  # by conda, before pip
    held = distributions.installed(prefix) if prefix else {}
    task = WheelTask(
        *(options, target, Request({}, others=part.others), survey.Survey(on), config),
        {name: one for name, one in held.items() if one.owner not in placed},
        uv=uv,
        notices=about_uv,
        fresh=_fresh(plan, part),
    )
    if prefix and not options.download and there.has_all(plan, part, on, prefix):
        notices = (*notices, Notice("plan_as_planned", {"prefix": prefix}))
        found = Replay(plan, prefix, 0, 0, notices, changed=False)
    else:
        if not (options.download or (options.dry_run and target.prefix is None)):
            _check(task, plan, part)
            notices = (*notices, *there.replaced(task, part, files, rest))
        left = [Notice("plan_rest_by_pip")] if part.rest is None else []
        notices = (*notices, *spoilt, *left)
        found = Replay(plan, target.prefix, len(lacking) + len(away), size, notices)
    if options.dry_run:
        return found
    report(found)
    if not found.changed:
        return conda_plans.unchanged(found)
    if context.offline and (lacking or away):
        names = sorted([*(r.fn for r in lacking), *(f.link.filename for f in away)])
        raise PlanNotCached(
            count=len(names),
            total=len(records) + len(files) + len(rest),
            size=file_size(size),
            names=", ".join(names[:5]) + (", ..." if len(names) > 5 else ""),
            folder=str(plan.folder),
            ways=spoilt,
        )
    if not options.download:
        disk_space.refuse_unwritable(str(target.prefix), task.fresh)
    to = None if options.download else target.prefix
    disk_space.check(disk_space.measure(records, to))
    disk_space.check(space((*files, *rest), to))
    if uncached:
        moved = places.fetch(uncached, beside, options, report, plan.folder)
        found = found._replace(notices=(*found.notices, *moved))
    chains = routes.chains(options, task.config.options)
    known = [*(place.url for place in chains.wheels), *(index.url for index in chains.indexes)]
    files, rest = (
        [
            _with_login(_with_its_name(file, planned, kept=options.download), known)
            for file, planned in zip(some, of_plan, strict=True)
        ]
        for some, of_plan in ((files, part.files), (rest, part.rest or ()))
    )
    reader = WheelReader(chains._replace(wheels=_places(files, chains.wheels)), keep(on))
    files = list(fetched(files, reader, report, quiet=options.as_json))
    rest = list(fetched_rest(rest, chains.indexes, report, quiet=options.as_json))
    if options.download:
        return Outcome(0, found.about, downloaded=True)
    # Only now is it known what the files require.
    read = ((file.project, metadata.of_file(str(file.cached))) for file in (*files, *rest))
    check_owned(task, {name: said for name, said in read if said is not None}, part.python)
    place = str(target.prefix)
    with environment_lock.held(place), conda.unmade(place, filled=True):
        if records and not (prefix and there.has_packages(records, prefix)):
            done = conda_plans.link(options, found, records, place, target.exists)
            if done.code:
                return done
        indexes = (routes.NO_INDEX,) if context.offline else chains.indexes
        if part.rest is not None:  # the plan is complete, so pip needs no index
            indexes = (routes.NO_INDEX,)
        carried, told = steps.carried(task.config, indexes[0])
        for notice in (*task.notices, *told):
            report(notice)
        whole = None if part.rest is None else tuple(rest)
        order = PipOrder(tuple(files), part.others, carried, whole, task.uv)
        by_pip(order, indexes, place, report, quiet=options.as_json)
    return Outcome(0, found.about, {"prefix": place})


def _located(file: PlanWheel, folder: Path) -> WheelFile:
    """A file of the plan with its location: in the cache, beside the plan, also with the `%2B` of
    its URL in its name, as `curl -O` saves it, or at its URL."""
    link = file.link
    beside, as_in_url = (str(folder / name) for name in _names(link))
    cached = wheel_cache.find(link)
    if cached is None and wheel_cache.is_file_of(beside, link):
        cached, link = beside, wheel_cache.file_link(link, beside)
    elif cached is None and wheel_cache.is_file_of(as_in_url, link):
        cached = as_in_url
    return WheelFile(file.project, file.version, link, host_of(file.link.url), cached)


def _names(link: Link) -> tuple[str, str]:
    """The names that the file of a link may have beside the plan: its own, and that in its URL."""
    return link.filename, link.url.rpartition("/")[2]


def _with_its_name(file: WheelFile, planned: PlanWheel, *, kept: bool) -> WheelFile:
    """A file with the name of its wheel, by which pip knows what it is; in the cache if it is to be
    `kept` there.

    Raises: CannotWrite, conda's NoWritablePkgsDirError.
    """
    beside = file.link.url.startswith("file:")
    if file.cached is None or not (
        (kept and beside) or os.path.basename(file.cached) != file.link.filename
    ):
        return file
    try:
        path = wheel_cache.adopt(planned.link, file.cached)
        return file._replace(link=planned.link, cached=path)
    except OSError as error:
        raise CannotWrite.of(error, error.filename or wheel_cache.expected()) from error


def _with_login(file: WheelFile, known: Iterable[str]) -> WheelFile:
    """A file with the user and password that this computer has for its server: the plan has none.
    `known` are the addresses of mirrors and indexes."""
    url = reduce(with_login_of, known, file.link.url)
    return file._replace(link=file.link._replace(url=url))


def _places(
    files: Iterable[WheelFile], mirrors: tuple[WheelMirror, ...]
) -> tuple[WheelMirror, ...]:
    """The hosts that the plan's URLs name, then the mirrors of this computer's preference."""
    own = {file.mirror: WheelMirror(file.mirror, _above(file.link), ("index",)) for file in files}
    return (*own.values(), *(mirror for mirror in mirrors if mirror.name not in own))


def _above(link: Link) -> str:
    """The URL above the variant's directory of a file, if the file's URL has one."""
    folder = link.url.rpartition("/")[0]
    return folder.removesuffix(f"/{link.variant}") if link.variant else folder


def _brings_python(plan: SavedPlan) -> bool:
    return any(package["name"] == "python" for package in plan.packages)


def _fresh(plan: SavedPlan, part: WheelPart) -> Notice:
    """The step to a new environment."""
    if _brings_python(plan):
        return Notice("new_for_wheels")
    return Notice("fresh_for_plan", {"python": part.python, "folder": str(plan.folder)})


def _check(task: WheelTask, plan: SavedPlan, part: WheelPart) -> None:
    """Refuse a target that the plan cannot be installed in.

    Raises: NoEnvironment, PlanOtherPython, PlanWithoutPip, CondaTorch, ExternallyManaged, and what
    `conda_plans.check_conda` raises.
    """
    if task.target.prefix is None:
        raise NoEnvironment()
    here = task.machine.python if task.target.exists else None
    if not (_brings_python(plan) and here is None) and here != part.python:
        wanted = {"python": part.python, "folder": str(plan.folder)}
        # Where its Python comes along, one of conda's own may be out of reach, and is not needed.
        way = "plan_in_new" if _brings_python(plan) else "fresh_for_plan"
        raise PlanOtherPython(**wanted, here=here or "-", ways=[Notice(way, wanted)])
    brings_pip = any(package["name"] == "pip" for package in plan.packages)
    if not (brings_pip or task.uv or steps.has_pip(task)):
        _, pip = steps.basis(part.python)
        where = option_of(str(task.target.prefix)).split()
        facts = {"here": task.pip, "oldest": pip.partition(">=")[2]}
        detail = text("plan_pip_old" if task.pip else "plan_pip_none", facts)
        command = typed(("conda", "install", *where, pip))
        raise PlanWithoutPip(detail=detail, command=command, ways=(task.fresh,))
    check_environment(task)
    if task.target.exists and plan.packages:
        conda_plans.check_conda(plan, task.machine, str(task.target.prefix))
