"""`--machine FILE ...`: a decision for each machine, and one plan for all that need the same."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from conda import CondaError
from conda.base.context import context

from ...exceptions.base import TorchMirrorError
from ...exceptions.plan import PlanFolderTaken
from ...exceptions.usage import SeveralMachines
from ...machine import facts as facts_
from ...machine.survey import native_subdir
from ...models import Decision, Facts, Notice
from ...options import InstallOptions
from ...plans import saved_plan
from ...plans.downloads import Download, DownloadList
from ...plans.saved_plan import Saved
from ...redirect.configuration import inner_command, reload
from ...selection.pip.plan import WheelDecision
from ...text.messages import text
from .. import run
from . import group
from .group import AnyDecision

if TYPE_CHECKING:
    from ..run import Report, Result


class MachinePlan(NamedTuple):
    """The plan for some machines: `name` is unique, `files` are those with the machines' facts.

    `saved` is the saved plan, if saving was asked for.
    """

    name: str
    files: tuple[str, ...]
    decision: AnyDecision
    saved: Saved | None = None


class Failed(NamedTuple):
    """Machines, equal or in one group, for which nothing could be chosen or solved, and why."""

    files: tuple[str, ...]
    error: CondaError


class MachinePlans(NamedTuple):
    """The plans for several machines. `urls` are the files of all plans, if asked for."""

    plans: tuple[MachinePlan, ...]
    failed: tuple[Failed, ...] = ()
    urls: DownloadList | None = None


def execute(options: InstallOptions, report: Report) -> Result:
    """Run the command for the machines in `options.machines`; for a single one, any action works.

    Raises: BadMachineFile, SeveralMachines, TorchMirrorError, or what conda raises.
    """
    found = [facts_.read(file) for file in _once(options.machines)]
    options = options._replace(machines=())
    if len(found) == 1:
        return _for_one(options, found[0], report, options)
    _check(options, len(found))
    asked = options
    preview = options._replace(action="install", dry_run=True, save=None, urls=None)
    preview = preview._replace(download=False, explain=False)
    decided: list[tuple[Facts, tuple[str, ...], AnyDecision]] = []
    failed: list[Failed] = []
    for machine, positions in group.alike(one.machine for one in found):
        files = tuple(found[position].file for position in positions)
        facts = Facts(files[0], machine)
        try:
            decided.append((facts, files, _decided(preview, facts, asked)))
        except TorchMirrorError as error:
            failed.append(Failed(files, error))
    if not decided:
        raise failed[0].error
    groups = list(_groups(preview, decided, asked))
    names = group.names([decision for _, _, decision in groups])
    plans = tuple(
        MachinePlan(name, files, decision)
        for name, (_, files, decision) in zip(names, groups, strict=True)
    )
    everyone = [facts for facts, _, _ in groups]
    if options.save is not None:
        plans, unsolved = _saved(options, plans, everyone)
        failed += unsolved
    urls = _urls(options, plans, everyone, report) if options.urls else None
    return MachinePlans(plans, tuple(failed), urls)


def _once(files: Iterable[str]) -> Iterable[str]:
    """The files without repetitions, each by the first path that was given for it."""
    found: dict[str, str] = {}
    for file in files:
        found.setdefault(os.path.realpath(file), file)
    return found.values()


def _check(options: InstallOptions, count: int) -> None:
    """Refuse actions that work for one machine only. Raises: SeveralMachines."""
    fits = options.action in ("save", "urls") or (options.action == "install" and options.dry_run)
    if not fits or (options.dry_run and options.solve):
        raise SeveralMachines(count=count)


def _for_one(
    options: InstallOptions, facts: Facts, report: Report, asked: InstallOptions
) -> Result:
    """Run for the machine of these facts, with its platform as conda's during the run. `asked` are
    the options that were typed."""
    # What is offered for one of several machines is for that one.
    asked = asked._replace(facts=facts)
    subdir = options.subdir or facts.machine.subdir
    if subdir != native_subdir():
        options = options._replace(subdir=subdir)
    with inner_command():
        if subdir != context.subdir:
            reload(subdir=subdir)
        return run.execute(options._replace(facts=facts), report, asked)


def _apart(asked: InstallOptions, facts: Facts) -> InstallOptions:
    """The options for what is offered for one of several machines: the folder of the plans is no
    plan, so that its own goes into a folder there."""
    if asked.save is None:
        return asked
    name = Path(facts.file.partition(", ")[0]).stem
    return asked._replace(save=os.path.join(asked.save, f"for-{name}"))


def _decided(preview: InstallOptions, facts: Facts, asked: InstallOptions) -> AnyDecision:
    found = _for_one(preview, facts, _silent, _apart(asked, facts))
    assert isinstance(found, (Decision, WheelDecision))
    return found


def _silent(step: Any) -> None:
    """Show nothing: the results for several machines are shown together."""


def _groups(
    preview: InstallOptions,
    decided: list[tuple[Facts, tuple[str, ...], AnyDecision]],
    asked: InstallOptions,
) -> Iterator[tuple[Facts, tuple[str, ...], AnyDecision]]:
    """Merge machines with the same decision into one with their common denominator (`facts.floor`),
    unless the decision for that one differs."""
    by_key: dict[Any, list[tuple[Facts, tuple[str, ...], AnyDecision]]] = {}
    for one in decided:
        by_key.setdefault(group.key(one[2]), []).append(one)
    for key, same in by_key.items():
        if len(same) == 1:
            yield same[0]
            continue
        files = tuple(file for _, names, _ in same for file in names)
        common = Facts(", ".join(files), facts_.floor([facts.machine for facts, _, _ in same]))
        try:
            decision = _decided(preview, common, asked._replace(machines=files))
        except TorchMirrorError:
            yield from same
            continue
        if group.key(decision) == key:
            yield common, files, decision
        else:
            yield from same


def _saved(
    options: InstallOptions, plans: tuple[MachinePlan, ...], everyone: list[Facts]
) -> tuple[tuple[MachinePlan, ...], list[Failed]]:
    """Solve and save each plan in a folder of its name. Return the saved plans, and the machines
    for which conda's solver or a download failed.

    Raises: PlanFolderTaken and the like before anything is solved; the first failure if all fail.
    """
    parent = Path(str(options.save))
    if parent.is_file():
        raise PlanFolderTaken(folder=str(parent), detail=text("plan_at_file"))
    folders = [parent / plan.name for plan in plans]
    for folder in folders:
        saved_plan.check_folder(folder, with_packages=options.with_packages)
    found: list[MachinePlan] = []
    failed: list[Failed] = []
    for plan, folder, facts in zip(plans, folders, everyone, strict=True):
        try:
            for_this = options._replace(save=str(folder), urls=None)
            saved = _for_one(for_this, facts, _silent, _apart(options, facts))
        except CondaError as error:
            if isinstance(error, SystemExit):  # a regular exit
                raise
            failed.append(Failed(plan.files, error))
            continue
        assert isinstance(saved, Saved)
        found.append(plan._replace(saved=saved))
    if not found:
        raise failed[0].error
    return tuple(found), failed


def _urls(
    options: InstallOptions,
    plans: tuple[MachinePlan, ...],
    everyone: list[Facts],
    report: Report,
) -> DownloadList:
    """The files of all plans, without duplicates, and what is to be said of every choice."""
    files: dict[Download, None] = {}
    notices: dict[str, Any] = {}
    choices: list[tuple[Notice, ...]] = []
    for plan, facts in zip(plans, everyone, strict=True):
        if plan.saved is not None:
            files |= dict.fromkeys(plan.saved.plan.files)
            choices.append(plan.saved.on_choice)
            continue
        found = _for_one(options, facts, _silent, _apart(options, facts))
        assert isinstance(found, DownloadList)
        files |= dict.fromkeys(found.files)
        notices |= {notice.code: notice for notice in found.notices}
        choices.append(found.on_choice)
    # The URLs do not say which machine they are for, and so not what is true of one alone.
    first, *others = choices or [()]
    said = tuple(one for one in first if all(one in other for other in others))
    return DownloadList(list(files), {}, tuple(notices.values()), said)
