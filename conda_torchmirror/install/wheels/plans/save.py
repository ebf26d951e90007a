"""`--save-plan` for wheels: the solve of conda's part, then the files for pip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conda.base.context import context

from ....exceptions.plan import PlanBadRecord, PlanOnlyNames, PlanWithoutAddress
from ....handover import disk_space, solve, wheel_cache
from ....handover.solve import Transaction
from ....handover.transaction.heeded import Unheeded
from ....machine.survey import native_subdir
from ....mirrors.urls import host_of
from ....models import Notice
from ....options import InstallOptions
from ....plans import make, places, saved_plan
from ....plans.saved_plan import Saved, SavedPlan
from ....plans.wheel_part import PlanWheel, WheelPart, is_word
from ....selection.pip.plan import WheelDecision, WheelFile
from ....selection.plan import offered
from ....text.layout import file_size
from ....text.sanitize import safe
from ....text.wheels.decision import summary
from ....transport.fallback import Router
from ....transport.wheels.rest import Rest
from .. import steps
from ..carry_out.conda_part import conda_words, unheeded
from ..decide import Decided
from ..fetch import fetched, fetched_rest, find_rest, read_here, space
from ..task import WheelTask

if TYPE_CHECKING:
    from ...run import Report


def save(task: WheelTask, decided: Decided, options: InstallOptions, report: Report) -> Saved:
    """Save what conda and pip would install, without installing it.

    Raises: PlanFolderTaken, PlanWithoutAddress, PlanBadRecord, CannotWrite, what conda raises.
    """
    decision, folder = decided.decision, Path(str(options.save))
    saved_plan.check_folder(folder, with_packages=options.with_packages)
    _check_words(task, decision)
    rest = find_rest(task, decided, report, anew=True)
    part = _part(task, decision, rest)
    if options.urls is None:  # whose output is the list alone
        report(steps.with_rest(decision, rest.files if rest else None))
    found = _solved(decision, options, report)
    about = summary(decision)
    on, prefix = decision.machine, decision.prefix
    draft = partial(
        saved_plan.drafted,
        *(folder, about, on.subdir, found),
        prefix=prefix,
        with_packages=options.with_packages,
    )
    planned = draft(part)
    if options.dry_run:
        about = {**about, "plan": planned.plan.about}
        wheels = len(part.files) + len(part.rest or ())
        return make.unsaved(planned.plan, options, prefix, about, make.warnings(found), wheels)
    filled = options.download or options.with_packages
    beside = [Notice("plan_offline", {"folder": str(options.save)})]
    if filled:
        disk_space.refuse_unwritable_folder(str(planned.plan.folder), "--save-plan")
        disk_space.check(disk_space.measure(found.state, None))
        every = (*decision.files, *(rest.files if rest else ()))
        disk_space.check(space(every, None))
        if options.with_packages:
            sizes = [file.link.size or 0 for file in every]
            lacking = [file.link.size or 0 for file in every if file.cached is None]
            make.check_copies(found, str(planned.plan.folder), sizes, lacking)
        places.fetch(found.state, {}, options, report)
        files = fetched(decision.files, decided.reader, report, quiet=options.as_json)
        decided = read_here(decided, files, report)
        decision = decided.decision
        if rest is None:  # by the files, what is needed besides is known
            rest = find_rest(task, decided, report, anew=True)
            part = _part(task, decision, rest)
            planned = draft(part)
        indexes = (decision.rest, *decided.rest)
        if rest is not None:
            files += fetched_rest(rest.files, indexes, report, quiet=options.as_json)
    archives: Mapping[str, str] = {}
    if options.with_packages:
        archives, beside = _with_packages(planned.plan, found, files)
    plan = planned.write(archives)
    count = len(plan.packages) + len(part.files) + len(part.rest or ())
    facts = {"folder": str(options.save), "count": count, "subdir": plan.subdir}
    then = make.carried_out(options, str(options.save), prefix)
    names = {"document": saved_plan.DOCUMENT, "explicit": saved_plan.EXPLICIT}
    notices = (
        Notice("plan_saved", {**facts, "size": file_size(plan.total)}),
        *([Notice("plan_rest_by_pip")] if rest is None else []),
        *make.warnings(found),
        Notice("plan_next", {**facts, "command": then, **names}),
        *_of_login((*decision.files, *(rest.files if rest else ()))),
        *beside,
    )
    about = {**about, "plan": plan.about}
    return Saved(plan, prefix, about, notices, filled, decision.notices)


def _with_packages(
    plan: SavedPlan, found: Transaction, files: Sequence[WheelFile]
) -> tuple[Mapping[str, str], list[Notice]]:
    """Conda's packages and the wheels that are to be put beside the plan, as paths by name, and
    notices."""
    archives, beside = make.with_packages(plan, found)
    wheels = {file.link.filename: str(file.cached) for file in files}
    # Without the rest, the folder does not have everything that an offline machine needs.
    part = plan.wheels
    return {**archives, **wheels}, [] if part is None or part.rest is None else beside


def _of_login(files: Sequence[WheelFile]) -> Iterator[Notice]:
    """The notice on servers that want a log-in, which is no part of a plan."""
    links = (file.link.url for file in files)
    if hosts := dict.fromkeys(host_of(url) for url in links if safe(url) != url):
        yield Notice("plan_login", {"hosts": ", ".join(hosts)})


def _check_words(task: WheelTask, decision: WheelDecision) -> None:
    """Refuse requirements that no plan may hold. Raises: PlanOnlyNames."""
    found = [word for word in decision.others if not is_word(word)]
    if found:
        specs = tuple(word for word in task.typed.specs if word not in found)
        left = task.typed._replace(specs=specs)
        raise PlanOnlyNames(names=", ".join(map(safe, found)), command=offered(left))


def _part(task: WheelTask, decision: WheelDecision, rest: Rest | None) -> WheelPart:
    """The plan's part for pip: the files of the set, and of the rest if that is known.

    Raises: PlanWithoutAddress, PlanBadRecord.
    """
    found, beside = (
        tuple(f._replace(link=wheel_cache.with_address(f.link)) for f in files)
        for files in (decision.files, rest.files if rest else ())
    )
    every = (*found, *beside)
    local = [f.link.filename for f in every if f.link.url.startswith("file:")]
    if local:
        raise PlanWithoutAddress(
            names=", ".join(local), prefix=decision.wheels.url, ways=_way(task)
        )
    for file in found:
        if file.link.sha256 is None:
            raise PlanBadRecord(name=file.link.filename, field="sha256")
    files, left = (
        tuple(PlanWheel(f.project, f.version, f.link) for f in some) for some in (found, beside)
    )
    whole = None if rest is None else left
    return WheelPart(decision.chosen.python, files, decision.others, whole)


def _way(task: WheelTask) -> tuple[Notice, ...]:
    """The next step where wheels have no address: to take them along, or to learn theirs."""
    if task.brought is None:
        return (Notice("go_online"),)
    there = offered(task.typed._replace(save=None, with_packages=False, download=False))
    return (Notice("plan_copy_wheels", {"folder": task.brought.folder, "command": there}),)


def _solved(decision: WheelDecision, options: InstallOptions, report: Report) -> Transaction:
    """Solve conda's part; an empty transaction if there is none."""
    step = decision.conda
    if step is None:
        return Transaction((), (), ())
    prefix = decision.prefix or solve.nowhere()
    command = conda_words(step, options, prefix)
    if step.verb == "create" and decision.machine.subdir != native_subdir():
        command += ["--subdir", decision.machine.subdir]
    names = step.passed or (steps.BASE,)
    with Router(
        options._replace(mirrors=()), context.subdir, names, report, solving=True
    ) as router:
        while True:
            try:
                return solve.solve(command, step.environment)
            except Unheeded as error:
                raise unheeded(error, step, options) from error
            except Exception as error:
                router.recover(error)
