"""`conda torch-install`, stage after stage: machine, records, choice, plan, hand-over.

Every stage returns its result; anything to show before the next one begins goes to `report`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from conda import CondaExitZero
from conda.base.context import context

from ..exceptions.choice import NoFittingBuild
from ..exceptions.environment import (
    ForeignPlatform,
    NoEnvironment,
)
from ..exceptions.usage import NoCondaVariant
from ..handover.channels import check as check_channels
from ..index import cache
from ..index.sources import WHEELS, named
from ..machine import survey as machine
from ..machine.environment import is_environment
from ..mirrors.addresses import name_of
from ..models import Decision, Listed, Listing, Machine, Notice
from ..options import NEW, OF_CONDA, InstallOptions
from ..redirect import settings
from ..selection.choose import offers
from ..selection.facts.names import PIP_NAMES, TORCH
from ..selection.sources.order import Order
from ..text.decision import summary
from ..transport.routes import OfflineRouter, RecordReader
from .decide import decide
from .departures import check_confirmed
from .sources import answer as answers
from .sources import words
from .sources.given import Given
from .sources.told import of_sample, of_source, passed_over
from .task import Target, Task, of_this_platform

# What a preview does not need is imported where it is used.
if TYPE_CHECKING:
    from ..handover.conda import Outcome
    from ..handover.disk_space import Footprint
    from ..handover.installers.ended import InstallerOutput
    from ..plans.downloads import DownloadList
    from ..plans.replay import Replay
    from ..plans.saved_plan import Saved
    from ..selection.pip.plan import WheelDecision
    from ..verify.verdict import Check
    from .files.environment_file import SetVariables
    from .files.request import FileRequest
    from .machines.run import MachinePlans
    from .printing.printed import Printed

    #: The result of a run.
    Result: TypeAlias = (
        WheelDecision
        | Listing
        | Decision
        | DownloadList
        | Saved
        | Replay
        | Outcome
        | MachinePlans
        | Printed
    )
    #: What is shown during a run: the choice, and what becomes of it.
    Stage: TypeAlias = Footprint | InstallerOutput | SetVariables | Check | Notice
    Step: TypeAlias = WheelDecision | Decision | Replay | Stage
    Report: TypeAlias = Callable[[Step], None]

#: Endings of the files that `-f` takes, or refuses with what does.
_OF_FILES = (".yml", ".yaml", ".txt")


def execute(options: InstallOptions, report: Report, asked: InstallOptions | None = None) -> Result:
    """Run the command; conda's context must be set up for its command line.

    `asked` are the options that were typed, if `options` are not. `report` shows what comes before
    the result: the decision or the saved plan before conda asks, a switch to another mirror, the
    result of a check.

    Raises: TorchMirrorError, or what conda raises.
    """
    if options.action == "replay":
        # A plan has the URLs of its packages, so no channel is checked or chosen.
        from ..plans import saved_plan
        from ..plans.replay import replay

        plan, target = saved_plan.load(Path(str(options.plan))), target_of(options)
        if plan.wheels is not None:
            from .wheels.plans.replay import replay as with_wheels

            done = with_wheels(plan, plan.wheels, options, target, report)
        else:
            done = replay(plan, options, target.prefix, exists=target.exists, report=report)
        return _replayed(done, options, target, report)
    if like_files := [word for word in options.specs if word.lower().endswith(_OF_FILES)]:
        from .files import environment_file

        environment_file.refuse_as_spec(like_files)
    if options.machines:
        from .machines.run import execute as for_machines

        return for_machines(options, report)
    configured = tuple(map(name_of, check_channels(options.channels)))
    asked = asked or options
    typed = options.source
    options, pip_allowed = words.in_force(options)
    if options.action == "print":
        from .printing import printed

        printed.check(options, context.subdir, asked)
    if options.source == WHEELS and options.files and options.tool == "environment.yml":
        from .printing import completed

        return completed.execute(options, asked)
    if options.source == WHEELS:
        from .wheels.run import execute as from_wheels

        target = target_of(options)
        return from_wheels(options, target, report, by_setting=not typed, asked=asked)
    files: FileRequest | None = None
    if options.files:
        from .files import reading

        options, files = reading.take(options, asked)
        configured = tuple(map(name_of, context.channels))  # now with those of the files
        if options.action == "print":
            from .printing import printed

            printed.check_files(options, files)
    target = target_of(options)
    subdir, native = context.subdir, machine.native_subdir()
    if options.cuda[:1].isalpha() and options.cuda not in ("auto", "cpu"):
        from .sources import wheels

        try:
            wheels.refuse_variant(asked, target, subdir)
        except NoCondaVariant as error:
            if not pip_allowed:
                raise
            return wheels.instead(options, target, report, "only", error)
    given = Given(options, typed, files, target, subdir, asked)
    request = given.request()
    if options.save is not None:
        from ..plans import saved_plan

        saved_plan.check_folder(Path(options.save), with_packages=options.with_packages)
    if target.exists and subdir != native and options.subdir and not options.preview:
        raise ForeignPlatform(subdir=subdir, prefix=target.prefix, native=native)
    if target.prefix is None and not options.preview and not target.words:
        raise NoEnvironment()
    request, survey, order = given.order(request)
    if pip_allowed:
        from .sources import wheels

        pip_allowed = wheels.may_stand_in(options, request, order)
        if pip_allowed and wheels.torch_by_pip(survey.machine):
            return wheels.instead(options, target, report, "bound")
    first = named(order.sources[0])
    task = Task(options, files, target, request, survey, first, configured, asked)
    try:
        return _from_channels(task, order, report)
    except NoFittingBuild as error:
        if not (pip_allowed and error.settled):
            raise
        return wheels.instead(options, target, report, "only", error)


def _from_channels(task: Task, order: Order, report: Report) -> Result:
    """Run with conda builds of the sources in the order."""
    options, subdir = task.options, context.subdir
    found = tuple(map(named, order.sources))
    channels = tuple(dict.fromkeys(name for source in found for name in source.channels))
    if not options.solving and context.offline:
        # Without a solve and without a cached index, conda need not be redirected.
        unread = OfflineRouter(options, subdir, channels)
        chains = (unread.chains[source.channel] for source in found)
        if not any(cache.holds(route, subdir) for chain in chains for route in chain):
            return _attempt(task, order, unread, report)
    from ..transport.fallback import Router

    with Router(options, subdir, channels, report, solving=options.solving) as reader:
        while True:
            try:
                return _attempt(task, order, reader, report)
            except Exception as error:
                # Returns if another route replaces the one that failed, else raises.
                reader.recover(error)


def _replayed(done: Any, options: InstallOptions, target: Target, report: Report) -> Result:
    """The result of a replayed plan; if it installed PyTorch, checked as after any installation."""
    builds = getattr(done, "about", {}).get("selected", {}).get("builds", ())
    names = {build.get("name") for build in builds}
    if getattr(done, "code", 1) or done.downloaded or not names & {TORCH, PIP_NAMES[0]}:
        return done
    here = machine.inspect(subdir=context.subdir, prefix=None)
    return checked(done, options, str(target.prefix), here, report)


def target_of(options: InstallOptions) -> Target:
    """The environment that the command line names. Raises: HalfMade, OtherPlatform."""
    if options.action == "print" and options.tool == "dockerfile":  # one in an image yet to be made
        return Target(None, ("-n", options.name) if options.name else ())
    if options.name or options.prefix:
        words = ("-n", options.name) if options.name else ("-p", str(options.prefix))
        prefix = context.target_prefix
        if not options.preview:
            from ..handover.conda import refuse_half_made

            refuse_half_made(prefix)
        return of_this_platform(Target(prefix, words, is_environment(prefix)), options)
    active = context.active_prefix
    if active and active != context.root_prefix:
        return of_this_platform(Target(active, exists=is_environment(active)), options)
    any_new_one = options.save is not None or options.download or options.solve
    # A command that another terminal is to run: without a name it would install into base there.
    any_new_one |= options.action == "print" and options.tool in OF_CONDA
    return Target(None, ("-n", NEW) if any_new_one else ())


def _attempt(task: Task, order: Order, reader: RecordReader, report: Report) -> Result:
    """Run once with the channels' present routes; `reader` changes them when one fails."""
    options = task.options
    if options.action == "list":
        return _listing(task, order, reader)
    answer = answers.find(task, order, reader)
    task = answer.attempt.task
    told = (of_source(answer, reader[task.source.channel]), *of_sample(answer))
    decision = decide(answer.attempt, answer.choice, reader, told)
    decision = decision._replace(passed_over=passed_over(answer))
    check_confirmed(task)
    decision = decision._replace(notices=(*decision.notices, *reader.check(task.source, decision)))
    if options.action == "urls" and not options.solve:
        from ..plans import downloads

        files = downloads.downloads((*decision.choice.builds, *decision.choice.libraries))
        family = (Notice("urls_family"),)
        return downloads.DownloadList(files, summary(decision), family, decision.notices)
    if options.action == "print" and not options.solve:
        from .printing import printed

        return printed.of_channels(task, decision)
    if options.dry_run and not options.solve and options.action not in ("save", "urls"):
        return decision
    decision = decision._replace(solved=True)
    if not (options.urls or options.tool or reader.agreed):
        report(decision)
    if options.action != "install" or options.dry_run:
        return _hand_over(task, decision, reader, report)
    from ..handover import disk_space, environment_lock

    prefix = str(decision.prefix)
    disk_space.refuse_unwritable(prefix)
    with environment_lock.held(prefix):
        return _hand_over(task, decision, reader, report)


def _listing(task: Task, order: Order, reader: RecordReader) -> Listing:
    """List what each source in the order has for this platform."""
    on, request = task.machine, task.request
    found = (
        Listed(
            source.name,
            tuple(offers(on, request, records.builds, source.knowledge)),
            records,
            source.ended(),
        )
        for source, records in answers.each_source(task, order, reader)
    )
    return Listing(tuple(found), on, request)


def _hand_over(
    task: Task, decision: Decision, reader: RecordReader, report: Report
) -> Saved | DownloadList | Printed | Outcome:
    """Run conda's solver, and save, list, print or install the result."""
    from ..handover import conda, disk_space, package_cache
    from ..handover import solve as solver
    from ..handover.transaction.heeded import Unheeded
    from ..handover.transaction.removal import removing
    from ..transport.hashes import is_unsolved
    from . import notices, other_packages

    options, source, on = task.options, task.source, decision.machine
    conda.refuse_unreadable(on, decision.prefix)
    if not (options.dry_run or options.urls or options.tool):
        conda.refuse_pip_torch(on.installed, str(decision.prefix))
    create = decision.plan.conda.verb == "create"
    prefix = decision.prefix or (solver.nowhere() if create else context.root_prefix)
    words = [
        *conda.taken(options.passed, decision.plan.conda.verb),
        *(["--json"] if options.as_json else []),
        *(["--dry-run"] if options.dry_run else []),
        *(["--download-only"] if options.download else []),
    ]
    variables = dict(decision.plan.conda.environment)
    if cuda := on.cuda_of_others:
        variables["CONDA_OVERRIDE_CUDA"] = cuda
    if options.facts is not None:
        variables |= machine.overrides(on)
    foreign = on.subdir if on.subdir != machine.native_subdir() else None
    command = conda.arguments(decision.plan, prefix, words, subdir=foreign)
    about = summary(decision)
    reader.agree(decision)
    if not options.dry_run:
        package_cache.alias_mirrored(route for chain in reader.chains.values() for route in chain)
    extra, leaving = {"torchmirror": about}, decision.plan.departure
    try:
        with removing(leaving):
            if options.action in ("save", "urls"):
                from ..plans.make import make

                return make(options, decision, command, variables)
            if options.action == "print":
                from ..plans.make import listed
                from .printing import printed

                found = listed(decision, command, variables)
                return printed.explicit(options, decision, *found)
            where = None if options.download else prefix
            watched = nullcontext() if options.dry_run else disk_space.watched(where, report)
            with conda.unmade(prefix), watched:
                done = conda.run(command, variables, extra)
    except Exception as error:
        # Not a subclass, as one of them means that the user answered no.
        if options.download and type(error) is CondaExitZero:
            return conda.Outcome(0, about, downloaded=True)
        if isinstance(error, Unheeded):
            raise other_packages.unheeded(error, task, decision.machine) from error
        reader.check_emptied(error)
        routes = [reader[name] for name in (source.channel, source.base_channel)]
        with removing(leaving):
            hiding = conda.hidden_by_priority(error, command, variables, decision, routes)
            frozen = None
            if not hiding and is_unsolved(error):
                frozen = other_packages.frozen(task, command, variables)
        if hiding:
            raise notices.shadowed(task, hiding) from error
        if frozen:
            raise frozen from error
        unsolved = conda.unsatisfiable(error)
        if unsolved and (conflict := other_packages.conflict(task, decision)):
            raise conflict from error
        if is_unsolved(error):
            with removing(leaving):
                unread = other_packages.unread(task, decision, command, variables)
            if unread:
                raise unread from error
        raise
    if done.code or options.dry_run or options.download:
        return conda.Outcome(done.code, about, done.document)
    return _finish(task, decision, prefix, conda.Outcome(0, about, done.document), report)


def _finish(
    task: Task, decision: Decision, prefix: str, outcome: Outcome, report: Report
) -> Outcome:
    """After conda's transaction, install the other sections of files, and check the result."""
    document: dict[str, Any] = dict(outcome.document)
    if task.files is not None:
        from .files import environment_file

        quiet = task.options.as_json
        actions, variables = environment_file.finish(task.files.files, prefix, quiet=quiet)
        if actions:
            document["actions"] = {**document.get("actions", {}), **actions}
        if variables is not None:
            report(variables)
    outcome = outcome._replace(document=document)
    on = decision.machine
    if task.options.facts is not None:  # the check runs on this machine, not on the described one
        on = machine.inspect(subdir=machine.native_subdir(), prefix=None)
    return checked(outcome, task.options, prefix, on, report)


def checked(
    outcome: Outcome, options: InstallOptions, prefix: str, on: Machine, report: Report
) -> Outcome:
    """The result of an installation, with a check of it if that is wanted and possible here."""
    if not (options.check and settings.read().check):
        return outcome
    from ..verify.run import verify_after

    check = verify_after(prefix, on)
    if check is None:
        return outcome
    report(check)
    about = {**outcome.about, "check": check.document()}
    return outcome._replace(code=check.exit_code_after, about=about)
