"""`--save-plan` for wheels: conda's part as its solver finds it, then the files for pip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from conda.base.context import context

from ....exceptions.plan import PlanBadRecord, PlanWithoutAddress
from ....handover import disk_space, package_cache, solve
from ....handover.solve import Transaction
from ....machine.survey import native_subdir
from ....models import Notice
from ....options import InstallOptions
from ....plans import saved_plan
from ....plans.saved_plan import Saved
from ....plans.wheel_part import PlanWheel, WheelPart, is_word
from ....selection.pip.plan import WheelDecision
from ....text.layout import file_size
from ....text.sanitize import safe
from ....text.wheels.decision import summary
from ....transport.fallback import Router
from .. import steps
from ..conda_part import conda_words
from ..decide import Decided
from ..fetch import fetched

if TYPE_CHECKING:
    from ...run import Report


def save(decided: Decided, options: InstallOptions, report: Report) -> Saved:
    """Keep what conda and pip would do, and do none of it.

    Raises: PlanFolderTaken, PlanWithoutAddress, PlanBadRecord, CannotWrite, what conda raises.
    """
    decision, folder = decided.decision, Path(str(options.save))
    saved_plan.check_folder(folder)
    part = _part(decision)
    found = _solved(decision, options, report)
    about = summary(decision)
    on, prefix = decision.machine, decision.prefix
    plan = saved_plan.write(folder, about, on.subdir, found, part, prefix=prefix)
    filled = options.download and not options.dry_run
    if filled:
        disk_space.check(disk_space.measure(found.state, None))
        package_cache.fetch(found.state, quiet=options.as_json)
        fetched(decision.files, decided.reader, report, quiet=options.as_json)
    count = len(plan.packages) + len(part.files)
    facts = {"folder": str(options.save), "count": count, "subdir": plan.subdir}
    notices = (
        Notice("plan_saved", {**facts, "size": file_size(plan.total)}),
        Notice("plan_rest_by_pip"),
        Notice("plan_offline", facts),
    )
    return Saved(plan, prefix, {**about, "plan": plan.about}, notices, filled)


def _part(decision: WheelDecision) -> WheelPart:
    """The files of the set. Raises: PlanWithoutAddress, PlanBadRecord."""
    local = [f.link.filename for f in decision.files if f.link.url.startswith("file:")]
    local += [safe(word) for word in decision.others if not is_word(word)]
    if local:
        raise PlanWithoutAddress(names=", ".join(local), prefix=decision.wheels.url)
    for file in decision.files:
        if file.link.sha256 is None:
            raise PlanBadRecord(name=file.link.filename, field="sha256")
    files = tuple(PlanWheel(f.project, f.version, f.link) for f in decision.files)
    return WheelPart(decision.chosen.python, files, decision.others)


def _solved(decision: WheelDecision, options: InstallOptions, report: Report) -> Transaction:
    """What conda's part would bring; nothing where it has none."""
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
            except Exception as error:
                router.recover(error)
