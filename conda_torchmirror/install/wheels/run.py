"""`--source wheels`: the decision, and what the command line wants done with it.

What a preview does not need is imported when it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conda.base.context import context

from ...exceptions.channel import NoWheels
from ...exceptions.choice import NoFittingWheel
from ...exceptions.environment import ForeignPlatform, NoEnvironment
from ...exceptions.usage import NotForWheels, NotForWheelSetting
from ...index.sources import WHEELS
from ...machine.survey import native_subdir
from ...mirrors.urls import host_of
from ...models import Listing, Notice
from ...options import InstallOptions
from ...redirect import settings
from ...selection.pip.plan import WheelDecision
from ...selection.sources.order import Why
from ...text.messages import clauses, text
from ...text.sanitize import safe
from ...text.wheels.decision import summary
from ...transport.wheels.rest import Rest
from ..task import Target
from . import steps, told
from .decide import Decided, decide
from .fetch import find_rest
from .obstacles import check_owned
from .task import WheelTask, prepare

if TYPE_CHECKING:
    from ...handover.conda import Outcome
    from ...plans.downloads import DownloadList
    from ...plans.saved_plan import Saved
    from ..printing.printed import Printed
    from ..run import Report

#: Options that have no meaning for wheels, or are not implemented for them, by attribute: the
#: option's name, and the code of the reason.
_REFUSED = {
    "files": ("--file", "wheels_not_built"),
    "solve": ("--solve", "wheels_no_solve"),
    "check_upstream": ("--check-upstream", "wheels_no_upstream"),
    "channels": ("--channel", "wheels_no_channel"),
    "override_channels": ("--override-channels", "wheels_no_channel"),
}


def execute(
    options: InstallOptions,
    target: Target,
    report: Report,
    *,
    by_setting: bool = False,
    why: Why | None = None,
    asked: InstallOptions | None = None,
) -> WheelDecision | DownloadList | Listing | Printed | Saved | Outcome:
    """Run the command. `by_setting` says that a setting chose wheels and not the command line,
    `why` is the reason if wheels are used instead of conda builds, `asked` as in `task.Task`.

    Raises: TorchMirrorError, or what conda raises.
    """
    _refuse(options, by_setting=by_setting)
    subdir, native = context.subdir, native_subdir()
    task = prepare(options, target, subdir, asked)
    planned = options.action == "save" and not target.exists
    if not (options.preview or planned) and subdir != native:
        raise ForeignPlatform(subdir=subdir, prefix=str(target.prefix), native=native)
    nowhere = options.preview or options.download or options.action == "save"
    if target.prefix is None and not nowhere:
        raise NoEnvironment()
    if options.action == "list":
        from .listing import listing

        return listing(task)
    task, decided = _decided(task)
    if why is not None:
        decided = decided._replace(decision=_chosen_by(decided.decision, why))
    decision = decided.decision
    if options.action == "save":
        from .plans.save import save

        return save(task, decided, options, report)
    if options.action == "print":
        from ..printing import printed

        return printed.of_wheels(options, target, decision)
    rest, decided = _with_rest(task, decided)
    decision = decided.decision
    if options.action == "urls":
        from ...plans.downloads import DownloadList, downloads

        links = [file.link for file in (*decision.files, *(decision.beside or ()))]
        told = [] if decision.beside is not None else [Notice("urls_set")]
        if hosts := dict.fromkeys(host_of(li.url) for li in links if safe(li.url) != li.url):
            told.append(Notice("print_credentials", {"channels": ", ".join(hosts)}))
        return DownloadList(downloads(links), summary(decision), tuple(told), decision.notices)
    if options.dry_run:
        return decision
    report(decision)
    from .carry_out.stages import carry_out

    return carry_out(task, decided, rest, report)


def _decided(task: WheelTask) -> tuple[WheelTask, Decided]:
    """The decision, and the task that it is for: where the very torch that is there does not fit,
    as where the driver is too old for it, another variant of its release takes its place."""
    try:
        return task, decide(task)
    except (NoFittingWheel, NoWheels):
        other = task.by_release
        if other is None:
            raise
    return other, decide(other)


def _chosen_by(decision: WheelDecision, why: Why) -> WheelDecision:
    """Put first a notice on why wheels were chosen."""
    torch = decision.chosen.torch.full_version
    facts = {"source": WHEELS, "version": torch, "why": why, "mirror": None, "other": None}
    return decision._replace(notices=(Notice("source_chosen", facts), *decision.notices))


def _with_rest(task: WheelTask, decided: Decided) -> tuple[Rest | None, Decided]:
    """Find the other packages that the set needs, and add them to the decision. An offline preview
    reads no index.

    Raises: CondaOwned.
    """
    decision = decided.decision
    reads = decided.held is None
    if reads and context.offline and (decision.dry_run or decision.origin == "built-in"):
        return None, decided
    notices: list[Notice] = []
    rest = find_rest(task, decided, notices.append)
    if rest is not None:
        python = decision.chosen.python
        check_owned(task, rest.said, python)
        notices += told.about_dependents(task, rest.files, python, decision.files)
    decision = steps.with_rest(decision, rest.files if rest else None)
    decision = decision._replace(notices=(*decision.notices, *notices))
    return rest, decided._replace(decision=decision)


def _refuse(options: InstallOptions, *, by_setting: bool) -> None:
    """Refuse options that wheels do not take.

    Raises: NotForWheels, NotForWheelSetting; what reading a file raises that is none.
    """
    found = dict(said for name, said in _REFUSED.items() if getattr(options, name))
    # To ignore one would install something else than was asked for.
    found |= dict.fromkeys(options.of_solver, "wheels_no_solver")
    given = list(found)
    if given and by_setting:
        file = settings.source_of("torchmirror_source")
        raise NotForWheelSetting(options=", ".join(given), file=safe(str(file)))
    if given:
        from ..printing import completed

        ways = completed.way(options)
        detail = clauses(text(code) for code in dict.fromkeys(found.values()))
        raise NotForWheels(options=", ".join(given), detail=detail, ways=ways)
