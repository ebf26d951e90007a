"""Carrying out a decision: room, files, conda's part, pip's, the check.

Files are downloaded before anything changes, so that a failing mirror leaves the environment as it
was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....exceptions.channel import WheelNowhere
from ....handover import conda, disk_space, environment_lock
from ....handover.conda import Outcome
from ....machine.survey import inspect, native_subdir
from ....models import Notice
from ....options import InstallOptions
from ....selection.pip.plan import WheelFile
from ....text.wheels.decision import summary
from ....transport.wheels.rest import Rest
from ...run import checked
from ..decide import Decided
from ..fetch import fetched, fetched_rest, find_rest, read_here, space
from ..steps import PipOrder
from ..task import WheelTask
from .conda_part import by_conda
from .pip_run import by_pip

if TYPE_CHECKING:
    from ...run import Report


def carry_out(task: WheelTask, decided: Decided, rest: Rest | None, report: Report) -> Outcome:
    """Download the files, and install them unless the command is only to download. `rest` are the
    other packages that the set needs, None if pip has to find them.

    Raises: TorchMirrorError, or what conda raises.
    """
    options, prefix, decision = task.options, task.target.prefix, decided.decision
    if not options.download:
        disk_space.refuse_unwritable(str(prefix), Notice("new_for_wheels"))
    needed = (*decision.files, *(rest.files if rest else ()))
    report(room := space(needed, None if options.download else str(prefix)))
    disk_space.check(room)
    if decision.conda is None and not options.download:
        conda.confirm(as_json=options.as_json)
    files = fetched(decision.files, decided.reader, report, quiet=options.as_json)
    was_unread = any(file.project not in decided.said for file in files)
    decided = read_here(decided, files, report)
    if options.download and was_unread:  # now the files say what they need
        rest = find_rest(task, decided, report)
    beside = _beside(decided, rest, report, quiet=options.as_json)
    if options.download:
        if beside is None:
            report(Notice("rest_not_fetched"))
        return Outcome(0, summary(decision), downloaded=True)
    return _install(decided, files, beside, options, str(prefix), report)


def _beside(
    decided: Decided, rest: Rest | None, report: Report, *, quiet: bool
) -> tuple[WheelFile, ...] | None:
    """Download the other packages that the set needs; None if pip has to find them."""
    if rest is None:
        return None
    indexes = (decided.decision.rest, *decided.rest)
    try:
        return fetched_rest(rest.files, indexes, report, quiet=quiet)
    except WheelNowhere:
        report(Notice("rest_short", {"instead": indexes[-1].mirror}))
        return None


def _install(
    decided: Decided,
    files: tuple[WheelFile, ...],
    beside: tuple[WheelFile, ...] | None,
    options: InstallOptions,
    prefix: str,
    report: Report,
) -> Outcome:
    """Run conda's part if there is one, then pip's, then the check."""
    decision = decided.decision
    about = summary(decision)
    # If it fails, a new environment is removed even with packages: they are only for the wheels.
    with environment_lock.held(prefix), conda.unmade(prefix, filled=True):
        if decision.conda is not None:
            code = by_conda(decision, decision.conda, options, prefix, report)
            if code:
                return Outcome(code, about)
        order = PipOrder(files, decision.others, decision.pip.options, beside, decision.uv)
        by_pip(order, (decision.rest, *decided.rest), prefix, report, quiet=options.as_json)
    outcome = Outcome(0, about, {"prefix": prefix})
    on = decision.machine
    if options.facts is not None:  # the check runs on this machine, not on the described one
        on = inspect(subdir=native_subdir(), prefix=None)
    return checked(outcome, options, prefix, on, report)
