"""The error for a set that fits, but whose rules the environment's pins or history contradict.

As for any refusal, a next step is offered only if it has been tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...exceptions.choice import HistoryConflict, PinConflict
from ...index.match import admits
from ...models import Choice, NoChoice, Notice
from ...selection import alternatives, refused, rules
from ...selection.choose import choose
from ...selection.plan import typed
from ...selection.sources.elsewhere import OF_TABLES
from ...text.messages import text
from ..attempt import Attempt
from ..task import Task
from . import refusal
from .rule import AutoRule, Cached


def refuse(
    best: Attempt,
    tried: Sequence[Attempt],
    found: Sequence[rules.RuleConflict],
    cached: Cached | None = None,
) -> PinConflict | HistoryConflict:
    """Make the error for the choice of the attempt `best`; `tried` are the attempts with all
    sources, `cached` is as for `AutoRule`."""
    task, choice = best.task, best.found
    assert isinstance(choice, Choice)
    on = task.machine
    case = refused.Case(
        NoChoice(choice.rejected),
        on,
        task.request,
        best.records.builds,
        task.source.knowledge,
        AutoRule(task.options, tried, cached),
        tuple(each.pin for each in found),
        task.typed,
        task.fresh,
    )
    # The choice was good but for the rule, so that what is open may only be newer.
    steps = [
        step._replace(code="newer_release") if step.code == "older_release" else step
        for step in refusal.steps_of(task, alternatives.find(case), case)
    ]
    offline = any(each.records.origin != "live" for each in tried)
    # The records of conda-forge are better evidence than the tables.
    lives = any(each.task.source.end is None for each in tried)
    left = (*refusal.OF_WHEELS, *(OF_TABLES if lives else ()))
    first = next((each for each in found if each.pin in on.pins), found[0])
    ways = (
        *_of_history([each for each in found if each.pin in on.history], case, task),
        *(step for step in steps if step.code not in left),
        *_other_sources(best, tried),
        refusal.where_to_look(task.typed, offline=offline),
    )
    needed, why = first.rule.pin, text(first.rule.why)
    torch = choice.torch.version
    if first.pin in on.pins:
        pin, source = first.pin.text, first.pin.source
        return PinConflict(pin=pin, source=source, needed=needed, torch=torch, why=why, ways=ways)
    return HistoryConflict(spec=first.pin.spec, needed=needed, torch=torch, why=why, ways=ways)


def _of_history(
    found: Sequence[rules.RuleConflict], case: refused.Case, task: Task
) -> Iterator[Notice]:
    """Replace the specs of the history, or name them again for this run."""
    on, request, pins = case.machine, case.request, [each.pin for each in found]
    kept = tuple(pin for pin in on.history if pin not in pins)
    if found and case.take(on._replace(history=kept)):
        where = typed(task.target.words or ("-p", str(task.target.prefix)))
        needed = _quoted(each.rule.pin for each in found)
        yield Notice("change_spec", {"where": where, "needed": needed})
    words = tuple(pin.spec for pin in pins)
    if found and case.take(request=request._replace(others=(*request.others, *words))):
        yield Notice("repeat_spec", {"spec": _quoted(words)})


def _quoted(specs: Iterable[str]) -> str:
    return " ".join(f'"{spec}"' for spec in dict.fromkeys(specs))


def _other_sources(best: Attempt, tried: Sequence[Attempt]) -> Iterator[Notice]:
    """Point to the other sources that were read and have a set without such a rule."""
    task, on = best.task, best.task.machine
    for each in tried if task.files is None else ():
        other = each.task.source
        request = refusal.in_words_of(other, task)
        if other.name == task.source.name or request is None:
            continue
        found = choose(on, request, each.records.builds, other.knowledge)
        if isinstance(found, Choice) and not rules.conflicts(found, on, request, admits):
            yield refusal.use_source(other, found, task)
