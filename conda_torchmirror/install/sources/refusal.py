"""The error where no source has a set that fits: why, and what would help."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ...exceptions.choice import NoFittingBuild, NoFittingSource
from ...index.exclude_newer import without_newer
from ...index.sources import AUTO, SOURCES, Source
from ...models import Choice, Machine, NoChoice, Notice, Records
from ...options import InstallOptions
from ...selection import alternatives
from ...selection.choose import choose
from ...selection.facts.names import TORCH
from ...selection.plan import typed, words_of
from ...text import reasons
from ...text.messages import text
from ..attempt import Attempt
from ..task import Task

#: Steps to a CPU build.
_ON_CPU = ("use_cpu", "use_cpu_only", "use_cpu_instead")
#: Steps to a source that only the tables know.
_OF_TABLES = ("use_conda_forge", "use_conda_forge_cpu")


class _Told(NamedTuple):
    """Why one source has nothing that fits, and the steps that its records know."""

    source: str
    detail: str
    steps: tuple[Notice, ...]


def refuse(
    attempts: Sequence[Attempt], old: Iterable[Notice], unread: Sequence[Notice]
) -> NoFittingBuild | NoFittingSource:
    """The error for attempts of which none found a set, in the order of the rule.

    `old` is what is said of indexes that are old, `unread` of sources that could not be read.
    """
    first = attempts[0]
    task, on = first.task, first.task.machine
    tried = [each.task.source for each in attempts]
    told = [_told(each, tried) for each in attempts]
    excluded = sum(each.records.excluded for each in attempts)
    offline = any(each.records.origin != "live" for each in attempts)
    ways = (
        *old,
        *unread,
        *(way for each in attempts for way in _in_part(each.task.source, each.records)),
        *_once(told),
        *_other_sources(task, tried),
        *([Notice("allow_newer", {"count": excluded})] if excluded else ()),
        _where_to_look(task.options, on, task.request.source, offline=offline),
    )
    asked = reasons.asked(task.request, on)
    if len(told) == 1:
        channel = task.source.channel
        return NoFittingBuild(channel=channel, request=asked, detail=told[0].detail, ways=ways)
    return NoFittingSource(
        channels=", ".join(f"`{source.channel}`" for source in tried),
        request=asked,
        detail="; ".join(
            text("detail_of", {"source": each.source, "detail": each.detail}) for each in told
        ),
        ways=ways,
    )


def _told(attempt: Attempt, tried: Sequence[Source]) -> _Told:
    task, records, source = attempt.task, attempt.records, attempt.task.source
    found = attempt.found
    assert isinstance(found, NoChoice)
    case = alternatives.Case(found, task.machine, task.request, records.builds, source.knowledge)
    advice = alternatives.find(case)
    steps: Iterable[Notice] = advice.steps
    if task.files:
        from ..files import advice as file_advice

        steps = file_advice.steps(task.files, advice, case, source)
    detail = reasons.why(
        found.rejected,
        records,
        task.request,
        task.machine,
        advice.cause,
        advice.blamed,
        source.ended(),
    )
    # What a source has is known better from its own records, where these were asked.
    asked = any(each.facts.metapackages for each in tried)
    steps = (step for step in steps if not (asked and step.code in _OF_TABLES))
    return _Told(source.name, detail, tuple(steps))


def _once(told: Iterable[_Told]) -> Iterator[Notice]:
    """The steps of every source, but of each kind those of the first that has any; a CPU build is
    the last that one would take."""
    seen: set[str] = set()
    last: list[Notice] = []
    for each in told:
        for step in each.steps:
            if step.code in _ON_CPU and step.code not in seen:
                last.append(step)
            elif step.code not in seen:
                yield step
        seen |= {step.code for step in each.steps}
    yield from last


def _other_sources(task: Task, tried: Sequence[Source]) -> Iterator[Notice]:
    """The sources that were not asked and whose builds fit, as far as the built-in indexes know."""
    options, on = task.options, task.machine
    if task.files or SOURCES[0] in tried:
        return
    for other in SOURCES:
        known = other.built_in(on.subdir) if other not in tried else None
        if known is None:
            continue
        found = choose(on, task.request, without_newer(known).builds, other.knowledge)
        if isinstance(found, Choice):
            words = ["conda", "torch-install", *task.target.words]
            words += words_of(task.request._replace(source=other.name))
            words += ["--platform", on.subdir] if on.foreign else []
            words += ["--python", options.python] if options.python else []
            facts = {"source": other.name, "torch": f"{TORCH} {found.torch.version}"}
            yield Notice("use_source", {**facts, "command": typed(words)})


def _in_part(source: Source, records: Records) -> list[Notice]:
    """That the built-in index of a channel which lives is only a sample of it."""
    if records.origin != "built-in" or source.end is not None:
        return []
    return [Notice("built_in_part", {"date": records.date, "channel": source.channel})]


def _where_to_look(options: InstallOptions, on: Machine, source: str, *, offline: bool) -> Notice:
    """The last way out: the list for the machine and the `--source` that were asked about."""
    words = ["conda", "torch-install", "--list"]
    words += ["--platform", on.subdir] if on.foreign else []
    words += ["--cuda", options.cuda] if options.cuda != "auto" else []
    words += ["--source", source] if source != AUTO else []
    words += ["--offline"] if offline else []
    return Notice("see_list", {"command": typed(words)})
