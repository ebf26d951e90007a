"""Conda's part of a run with wheels: a new environment, or a Python or newer pip for an old one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conda.base.context import context

from ....exceptions.choice import DefaultPackage, NotAsChosen
from ....handover import conda
from ....handover.transaction import heeded
from ....handover.transaction.heeded import Unheeded
from ....models import CondaStep
from ....options import NEW, InstallOptions
from ....selection.pip.plan import WheelDecision
from ....selection.plan import typed
from ....text.wheels.decision import summary
from ....transport.fallback import Router
from .. import steps

if TYPE_CHECKING:
    from ...run import Report


def conda_words(step: CondaStep, options: InstallOptions, prefix: str) -> list[str]:
    """The command line of conda's part."""
    words = [*conda.taken(options.passed, step.verb), *(["--json"] if options.as_json else [])]
    command = [step.verb, "--prefix", prefix]
    for channel in step.passed:
        command += ["--channel", channel]
    return [*command, *words, *step.specs]


def by_conda(
    decision: WheelDecision,
    step: CondaStep,
    options: InstallOptions,
    prefix: str,
    report: Report,
) -> int:
    """Run conda's part, with mirrors and fallback like any other run; return conda's exit code."""
    command = conda_words(step, options, prefix)
    names = step.passed or (steps.BASE,)
    extra: dict[str, Any] = {"torchmirror": summary(decision)}
    options = options._replace(mirrors=())
    with Router(options, context.subdir, names, report, solving=True) as router:
        while True:
            try:
                return conda.run(command, step.environment, extra).code
            except Unheeded as error:
                raise unheeded(error, step, options) from error
            except Exception as error:
                router.recover(error)


def unheeded(
    found: Unheeded, step: CondaStep, options: InstallOptions
) -> DefaultPackage | NotAsChosen:
    """The error for a package that the solver took against the pins of conda's part."""
    words = ("-n", options.name or NEW)
    if options.prefix and not options.name:
        words = ("-p", options.prefix)
    return heeded.refusal(found, typed(words) if step.verb == "create" else None)
