"""Notices on the source: which it is, why, what the other source has, and how to get that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...index.hidden import without_hidden
from ...index.match import admits
from ...index.sources import SOURCES, Source
from ...mirrors.registry import Route
from ...models import Choice, Machine, Notice, Rejection, Request
from ...options import again
from ...selection import rules
from ...selection.choose import choose
from ...selection.facts.names import FAMILY, TORCH
from ...selection.plan import offered
from ...selection.sources.compare import suits, unsuited
from ...selection.sources.forge_tables import (
    best_of_conda_forge,
    has_python,
    may_be_on_conda_forge,
    newest_of_conda_forge,
)
from ...selection.specs import number, package_name, release
from ...text.messages import text
from ...text.reasons import nearest, reason
from ...text.sanitize import safe
from ..attempt import Attempt, is_sample
from ..task import Task
from .answer import SourceChoice

#: Codes of rejections that a newer driver would lift.
_DRIVER = frozenset(("cuda_too_new", "driver_too_old", "minor_version_only"))


def of_source(answer: SourceChoice, route: Route) -> Notice:
    """The notice on the chosen source, the reason, and what the other one has or needs. `route` is
    the one by which the set's channel was read."""
    source = answer.attempt.task.source
    other = _other(answer)
    facts = {
        "source": source.name,
        "version": answer.choice.torch.version,
        "why": answer.why,
        "mirror": route.mirror if route.by_mirror else None,
        "other": other,
    }
    if answer.why == "bound" and other and other["version"]:
        facts["command"] = safe(_in_new(answer.attempt.task, str(other["source"])))
    return Notice("source_chosen", facts)


def _in_new(task: Task, source: str) -> str:
    """The command that takes another source's newest release, in a new environment."""
    found = again(task.typed, task.request, _open(task.request), new=True)
    return offered(found._replace(source=source))


def _in_new_environment(on: Machine) -> Machine:
    """The machine as a new environment has it: neither Python nor pins of the one that is there."""
    kept = on.python if on.python_from != "prefix" else None
    return rules.new_environment(on)._replace(python=kept)


def of_sample(answer: SourceChoice) -> list[Notice]:
    """The notice on a better release that the tables know, if the set was chosen from a sample."""
    attempt = answer.attempt
    if not is_sample(attempt):
        return []
    known = _better(attempt.task.machine, attempt.task.request, answer.choice)
    if known is None:
        return []
    return [Notice("sample_newer", {"source": attempt.task.source.name, "version": known})]


def passed_over(answer: SourceChoice) -> Mapping[str, tuple[Rejection, ...]]:
    """The rejections of newer releases of the other sources that were read, by source."""
    return {
        each.task.source.name: found
        for each in answer.others
        if (found := tuple(_newer(each, answer.choice)))
    }


def _other(answer: SourceChoice) -> dict[str, Any] | None:
    """The facts on the other source: the release that it has for this machine, or its newest and
    what that needs."""
    if answer.unread:
        unread = answer.unread[0]
        return _facts(unread.source, None, needs={"code": "unread", "reason": unread.detail})
    if answer.others:
        return _tried(answer.others[0], answer.choice, ahead=not answer.newest)
    task = answer.attempt.task
    other = next((one for one in SOURCES if one is not task.source), None)
    if other is None:
        return None
    request = _open(task.request)
    if other.end is not None:
        return _facts(other, _last(other, task.machine, request))
    # An environment that keeps its torch is offered a new one, whose Python is free.
    on = _in_new_environment(task.machine) if answer.why == "bound" else task.machine
    version = _better(on, request, answer.choice)
    if version and answer.why in ("release", "bound") and task.source.end is not None:
        # Left open, the request stays with a channel that has no older release for this machine.
        own = _last(task.source, task.machine, request)
        version = None if own and number(own) >= number(version) else version
    return _facts(other, version) if version else None


def _facts(
    source: Source, version: str | None, needs: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    ended = source.ended()
    last = {"last": ended["last"]} if ended else {}
    return {"source": source.name, "version": version, **last, "needs": needs}


def _tried(attempt: Attempt, choice: Choice, *, ahead: bool) -> dict[str, Any]:
    """The facts on a source that was read but not chosen: a newer release, and what that needs.
    With `ahead` it comes before the chosen one, whatever release it has."""
    task, source, found = attempt.task, attempt.task.source, attempt.found
    on, request, date = task.machine, task.request, attempt.records.date
    sampled = is_sample(attempt)
    known = newest_of_conda_forge(on, request, admits) if sampled else None
    if sampled and (better := known if ahead else _better(on, request, choice)):
        return _facts(source, better, {"code": "no_record", "date": date})
    if isinstance(found, Choice) and (lacks := unsuited(found)) and suits(choice):
        of_python = {"code": lacks.code, "reason": text(lacks.code, lacks.facts)}
        return _facts(source, found.torch.version, of_python)
    newer = _newer(attempt, choice)
    if not newer:
        version = found.torch.version if isinstance(found, Choice) else known
        in_part = sampled and not version and may_be_on_conda_forge(on, request, admits)
        return _facts(source, version, {"code": "in_part", "reason": None} if in_part else None)
    # A pin that keeps every build of the newest release out says more than what some builds need,
    # which a sample may have all of another Python.
    newest = max((item.version for item in newer), key=number)
    newer = [item for item in newer if _pins_out(item, newest)] or newer
    first = max((item.version for item in newer), key=number)
    with_driver = _with_driver(attempt, newer, choice)
    shown = with_driver[0] if with_driver else first
    near = nearest([item for item in newer if item.version == first])
    # The reason is about the newest one; of another, its driver says it all.
    needs = {"code": near[0].code, "reason": reason(near) if shown == first else None}
    return _facts(source, shown, {**needs, "driver": with_driver[1]} if with_driver else needs)


def _newer(attempt: Attempt, choice: Choice) -> list[Rejection]:
    """The rejections of releases newer than the chosen one. Ignores CPU builds of a sample, and
    those for another Python, since the channel may have other builds of the release."""
    left, on = {"cpu_build"} if is_sample(attempt) else set(), attempt.task.machine
    return [
        item
        for item in attempt.found.rejected
        if item.name == TORCH
        and item.code not in left
        and _above(item.version, choice)
        and not (left and item.code == "python_mismatch" and has_python(item.version, on))
    ]


def _pins_out(item: Rejection, version: str) -> bool:
    """Whether a rejection is by a pin of pytorch that passes no build of a version."""
    spec = str(item.machine.facts.get("spec")) if item.code == "pinned" else ""
    return package_name(spec) == TORCH and not admits(spec, TORCH, version, "")


def _better(on: Machine, request: Request, choice: Choice) -> str | None:
    """The release of conda-forge that, by the tables, comes before a choice: a newer one, but a
    build for the CPU before none for CUDA, and one for CUDA before any for the CPU."""
    version, cuda = best_of_conda_forge(on, request, admits) or ("", "")
    if not version or bool(cuda) < bool(choice.cuda):
        return None
    return version if bool(cuda) > bool(choice.cuda) or _above(version, choice) else None


def _above(version: str, choice: Choice) -> bool:
    mine, theirs = release(choice.torch.version), release(version)
    return bool(mine and theirs and theirs > mine)


def _with_driver(
    attempt: Attempt, newer: Iterable[Rejection], choice: Choice
) -> tuple[str, str] | None:
    """The lowest driver with which a release newer than the chosen one would fit, and that release
    first: (release, driver). None if a newer driver is not enough."""
    task, source, sampled = attempt.task, attempt.task.source, is_sample(attempt)
    strict = task.request.compat == "strict"
    cudas = {str(item.needs.facts["cuda"]) for item in newer if item.code in _DRIVER}
    for cuda in sorted(cudas, key=number):
        floor = source.tables().driver_for(cuda, task.machine.driver_os, strict=strict)
        on = task.machine._replace(cuda=cuda, driver=floor)
        if not floor:
            continue
        # A sample may lack the partners of the very release that the tables know for this CUDA.
        known = best_of_conda_forge(on, task.request, admits) if sampled else None
        version = known[0] if known and known[1] else None
        if version is None:
            found = choose(on, task.request, attempt.records.builds, source.knowledge)
            version = found.torch.version if isinstance(found, Choice) and found.cuda else None
        if version and _above(version, choice):  # else the Python may still be in the way
            return version, floor
    return None


def _last(other: Source, on: Machine, request: Request) -> str | None:
    """The newest release that runs here of a discontinued channel, by the built-in index."""
    # The last release runs on most machines, and one release is read in a fraction of the time.
    for versions in (rules.last_releases(), None):
        known = other.built_in(on.subdir, versions)
        if known is None:
            return None
        found = choose(on, request, without_hidden(known).builds, other.knowledge)
        # Where there is a GPU, an older release for CUDA comes before one for the CPU.
        if isinstance(found, Choice) and (versions is None or found.cuda or not on.has_gpu):
            return found.torch.version
    return None


def _open(request: Request) -> Request:
    """The request without any restriction of the release."""
    specs = {name: (name,) for name in request.specs if name in FAMILY}
    return request._replace(specs=specs, pins=(), ties=())
