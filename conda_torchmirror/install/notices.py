"""Notices on a choice: about the index, the release, the environment and the request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conda.base.context import context

from ..exceptions.choice import Shadowed, ShadowedBehind
from ..index.hidden import undated
from ..index.match import admits
from ..machine import nvidia
from ..machine.survey import survey
from ..models import Build, Choice, Notice, Records, Request
from ..selection import rules
from ..selection.choose import choose
from ..selection.facts.names import CUDA_NAMES, PIP_NAMES, TOOLKIT, TORCH
from ..selection.facts.record import Knowledge
from ..selection.fit import Constraints
from ..selection.plan import offered
from ..selection.specs import misspelt, package_name, version_alone
from ..text.messages import of_gpus
from ..text.sanitize import safe

if TYPE_CHECKING:
    from ..index.sources import Source
    from .task import Task
    from .wheels.task import WheelTask

#: Conda's options on the priority of channels.
STRICT, NO_PRIORITY = "--strict-channel-priority", "--no-channel-priority"

#: What is said of this computer, by the code of its clash with a build.
_HERE = {
    **dict.fromkeys(("arch_missing", "cudnn_too_new"), "machine.not_on_gpu_here"),
    **dict.fromkeys(
        ("cuda_too_new", "driver_too_old", "driver_unusable"), "machine.not_on_driver_here"
    ),
}


def of_choice(chosen: Choice, records: Records, source: Source) -> Iterator[Notice]:
    """What the choice says; what a sample of the channel lacks is not said of the channel."""
    for notice in chosen.notices:
        code = notice.code
        if records.origin == "built-in" and code.startswith("partner_left_out"):
            code = "partner_unrecorded"
        elif source.is_sample(records) and code == "cuda_below_asked":
            code = "cuda_below_sample"
        yield notice._replace(code=code)


def about(chosen: Choice, task: Task, records: Records) -> list[Notice]:
    """Notices about the index, the release and what pip left in the environment."""
    on = task.machine
    notices = []
    if records.origin == "built-in":
        notices.append(Notice("built_in", {"date": records.date}))
        if count := sum(build.known_by == "derived" for build in chosen.builds):
            notices.append(Notice("derived", {"count": count}))
        if count := undated(chosen.builds):
            notices.append(Notice("undated", {"count": count}))
    if records.excluded:
        notices.append(Notice("excluded_newer", {"count": records.excluded}))
    if records.packed:
        notices.append(Notice("excluded_packed", {"count": records.packed}))
    if records.skipped:
        notices.append(Notice("skipped_records", {"count": records.skipped}))
    notices += rules.notices(chosen, admits)
    if pip := [p for p in on.installed if p.channel == "pypi" and p.name in PIP_NAMES]:
        listed = ", ".join(f"{package.name} {package.version}" for package in pip)
        notices.append(Notice("pip_torch_there", {"packages": listed}))
    return [*notices, *_toolkit(chosen, task, records)]


def for_this_computer(
    task: Task | WheelTask, torch: Build, knowledge: Knowledge
) -> Iterator[Notice]:
    """Tell where a build for the CUDA that `--cuda` names does not run on the driver and the GPU of
    this computer. They do not bind the choice then, as another computer may be meant."""
    on, described = task.machine, task.options.facts is not None
    if on.cuda_from != "--cuda" or on.foreign or described or not nvidia.signs():
        return
    here = survey(subdir=on.subdir, prefix=None).machine
    if here.cuda_from != "libcuda":  # the user says so for this computer too
        return
    read = knowledge.source.read(torch)
    clash = Constraints(here._replace(pins=()), Request({}), knowledge).check(torch, read).clash
    if clash and (code := _HERE.get(clash.code)):
        yield Notice(code, {"gpus": of_gpus(here.gpus), "cuda": here.cuda})


def _toolkit(chosen: Choice, task: Task, records: Records) -> Iterator[Notice]:
    """Tell if a newer release would be chosen without the spec for `cudatoolkit`."""
    specs = {name: found for name, found in task.request.specs.items() if name != TOOLKIT}
    if len(specs) == len(task.request.specs):
        return
    request = task.request._replace(specs=specs)
    found = choose(task.machine, request, records.builds, task.source.knowledge)
    if isinstance(found, Choice) and found.torch.version != chosen.torch.version:
        yield Notice("toolkit_holds_back", {"torch": f"{TORCH} {found.torch.version}"})


def slips(task: Task) -> Iterator[Notice]:
    """Warn about likely slips among words for the solver: a misspelt name of the torch family, or a
    version without a name.

    With a different code if nothing of the family was named, so that the default set is chosen.
    """
    facts = task.source.facts
    known = (*facts.family, *facts.runtimes, *facts.cpu_only, "torch")
    alone = not any(package_name(word) in known for word in task.options.specs)
    for word in task.request.others:
        name = package_name(word)
        meant = version_alone(word) or misspelt(name, known)
        if name not in CUDA_NAMES and meant:
            code = "misspelt_alone" if alone else "misspelt"
            yield Notice(code, {"spec": word, "nearest": meant})


def shadowed(task: Task, hiding: str) -> Shadowed:
    """The error for packages that strict channel priority is `hiding`, with what lifts it."""
    source, asked = task.source, task.typed
    channel, typed = source.channel, (STRICT,) in asked.passed
    if source.flexible and not typed:  # which the setting alone keeps from being lifted
        return Shadowed(channel=channel, package=hiding, ways=[Notice("allow_flexible")])
    without = asked.without(STRICT)
    if not (source.flexible and getattr(context.plugins, "torchmirror_flexible", True)):
        without = without._replace(passed=(*without.passed, (NO_PRIORITY,)))
    ways = [Notice("other_priority", {"command": safe(offered(without))})]
    if source.flexible:
        return Shadowed(channel=channel, package=hiding, ways=ways)
    return ShadowedBehind(channel=channel, ways=ways)
