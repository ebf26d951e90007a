"""The error for a request that no source can meet: the reasons, and what would help."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from conda.base.context import context

from ...exceptions.base import TorchMirrorError
from ...exceptions.channel import ChannelError
from ...exceptions.choice import NoFittingBuild, NoFittingSource
from ...index.hidden import without_hidden
from ...index.match import admits, read
from ...index.sources import SOURCES, Source
from ...models import Choice, NoChoice, Notice, Pin, Request
from ...options import OFFLINE, InstallOptions, listing
from ...selection import alternatives, refused, rules
from ...selection.choose import choose
from ...selection.facts.names import TORCH
from ...selection.plan import offered
from ...selection.sources.elsewhere import OF_TABLES
from ...selection.sources.forge_tables import (
    known_pythons,
    may_be_on_conda_forge,
    newest_of_conda_forge,
    pythons_of,
)
from ...selection.specs import never_together, number
from ...text import reasons
from ...text.messages import sentences, text
from ...transport import routes
from .. import request as requests
from ..attempt import Attempt, is_sample
from ..task import Task, without_cuda
from . import wheels
from .reading import Unread
from .rule import AutoRule, Cached

#: Steps that lead to wheels by the tables of GPU code.
OF_WHEELS = ("use_wheels",)
#: Codes of causes, with the weaker ones to use if the records are only a sample of the channel, if
#: they are built-in, and if conda's settings hide some.
_OF_SAMPLE = {
    "no_such_release": "no_such_release_sample",
    "no_such_build": "no_such_build_sample",
    "no_such_cuda": "no_such_cuda_built_in",
}
_OF_BUILT_IN = {
    "no_such_release": "no_such_release_built_in",
    "no_such_cuda": "no_such_cuda_built_in",
}
_OF_HIDDEN = {
    **dict.fromkeys(("no_such_release", "no_such_build", "no_such_cuda"), "no_such_hidden"),
    "nothing_for_platform": "nothing_hidden",
}


class _Told(NamedTuple):
    """Why one source has nothing that fits, and the next steps found in its records."""

    source: str
    detail: str
    steps: tuple[Notice, ...]
    case: refused.Case

    def less(self, python: str | None = None) -> InstallOptions:
        """The options for the same packages in any version and for any CUDA, with another
        Python."""
        return self.case.again(refused.opened(self.case), python=python, new=True)


def refuse(
    attempts: Sequence[Attempt],
    old: Iterable[Notice],
    unread: Sequence[Unread],
    cached: Cached | None = None,
) -> NoFittingBuild | NoFittingSource:
    """Make the error for attempts, in the order of the rule, none of which found a set.

    `old` are notices on outdated indexes, `unread` the sources that could not be read, `cached` is
    as for `AutoRule`.
    """
    first = attempts[0]
    task, on = first.task, first.task.machine
    tried = [each.task.source for each in attempts]
    rule = AutoRule(task.options, attempts, cached)
    told = [_told(each, tried, rule) for each in attempts]
    excluded = sum(each.records.excluded for each in attempts)
    packed = sum(each.records.packed for each in attempts)
    offline = any(each.records.origin != "live" for each in attempts)
    steps = list(_once(told))
    old = tuple(old)
    better = [
        *(step for step in steps if step.code not in reasons.ON_CPU),
        *_other_sources(task, tried, [each.source for each in unread if not each.forbidden]),
        *wheels.way(task.typed, task.target, on),
    ]
    if not better and not task.request.keeps_torch:
        of_wheels = wheels.way(told[0].less(), task.target, on)
        better += (step._replace(code="less_of_wheels") for step in of_wheels)
        better = better or list(_with_other_python(told[0], task))
    in_part = [way for each in attempts for way in _in_part(each)]
    unsure = not (in_part or better) and any(one.case.unsure for one in told)
    online = unsure or any(map(_older_online, attempts))
    to_read = dict.fromkeys((*map(_to_read, unread), *(["go_online"] if online else [])))
    if context.offline:
        better = list(map(_online, better))
    ways = (
        *old,
        *in_part,
        *better,
        *([Notice("allow_newer", {"count": excluded})] if excluded else ()),
        *([Notice("allow_packed", {"count": packed})] if packed else ()),
        *(step for step in steps if step.code in reasons.ON_CPU),
        *map(Notice, to_read),
        where_to_look(task.typed, offline=offline),
    )
    built_in = all(each.records.origin == "built-in" for each in attempts)
    asked = reasons.asked(task.request, on, built_in=built_in)
    shared = len({one.detail for one in told}) == 1  # then it is not about a source
    details = (
        [told[0].detail]
        if shared and not unread
        else [text("detail_of", {"source": one.source, "detail": one.detail}) for one in told]
    )
    lost = (text("unread_of", {"source": o.source.name, "detail": o.detail}) for o in unread)
    detail = reasons.with_mac(sentences((*details, *lost)), on, ways)
    channels = ", ".join(f"`{source.channel}`" for source in tried)
    channel = task.source.channel
    error = (
        NoFittingBuild(channel=channel, request=asked, detail=detail, ways=ways)
        if len(told) == 1
        else NoFittingSource(channels=channels, request=asked, detail=detail, ways=ways)
    )
    error.settled = not (old or unread or any(map(_may_have, attempts)))
    return error


def _online(step: Notice) -> Notice:
    """The step, with the word that it needs a network where its command does: what the tables tell
    of conda-forge is of the channel, and not in the built-in index."""
    if "online" not in step.facts or OFFLINE in str(step.facts["command"]).split():
        return step
    return step._replace(facts={**step.facts, "online": text("needs_network")})


def _may_have(attempt: Attempt) -> bool:
    """Whether the records are a sample, and the tables know of a fitting release on the channel."""
    task = attempt.task
    return is_sample(attempt) and bool(newest_of_conda_forge(task.machine, task.request, admits))


def _to_read(unread: Unread) -> str:
    """The code of the step that helps to read a source."""
    if unread.forbidden:
        return "channel_forbidden"
    return "test_mirrors" if isinstance(unread.error, ChannelError) else "go_online"


def _told(attempt: Attempt, tried: Sequence[Source], rule: AutoRule | None) -> _Told:
    task, records, source = attempt.task, attempt.records, attempt.task.source
    found = attempt.found
    assert isinstance(found, NoChoice)
    case = refused.Case(
        found,
        task.machine,
        task.request,
        records.builds,
        source.knowledge,
        rule,
        asked=task.typed,
        fresh=task.fresh,
        here=lambda: without_cuda(task.typed, task.target, task.machine),
        unread=records.origin == "built-in",
    )
    advice = alternatives.find(case)
    steps = steps_of(task, advice, case)
    # With a maintained channel among those tried, the end of another one explains nothing.
    lives = any(each.end is None for each in tried)
    detail = reasons.why(
        found.rejected,
        records,
        task.request,
        task.machine,
        _as_read(advice.cause, attempt),
        advice.blamed,
        None if lives else source.ended(),
    )
    # The records of a source that was read are better evidence than the tables.
    known = {*(OF_TABLES if lives else ()), *(() if task.files else OF_WHEELS)}
    return _Told(source.name, detail, tuple(step for step in steps if step.code not in known), case)


def _with_other_python(told: _Told, task: Task) -> Iterator[Notice]:
    """The step to another place for the same packages in any version with another Python, the
    newest first: where a Python is old, all that this source has for it may be, too."""
    here = told.case.machine
    if here.python is None or here.free_threaded or task.files:
        return
    new = rules.new_environment(here)
    on = [new._replace(python=each, python_from="--python") for each in known_pythons(here)]
    for each in on if _may_be_elsewhere(task) else ():
        found = alternatives.less_of_conda_forge(told.case._replace(machine=each), each.python)
        if step := next(found, None):
            yield step
            return
    for each in on:
        if of_wheels := wheels.way(told.less(each.python), task.target, each):
            yield of_wheels[0]._replace(code="less_of_wheels")
            return


def steps_of(task: Task, advice: alternatives.Advice, case: refused.Case) -> Iterable[Notice]:
    """The steps of an advice, in the words of the files if there are any."""
    if any(step.code in OF_TABLES for step in advice.steps) and not _may_be_elsewhere(task):
        steps = tuple(step for step in advice.steps if step.code not in OF_TABLES)
        advice = advice._replace(steps=steps)
    if task.files is None:
        return advice.steps
    from ..files import advice as file_advice

    return file_advice.steps(task.files, advice, case, task.source)


def _may_be_elsewhere(task: Task) -> bool:
    """Whether some pytorch of conda-forge, which the tables tell of without its dependencies, goes
    with the pins and further specs, as far as the built-in index has records, and no line of a file
    names another channel."""
    source = next(one for one in SOURCES if one.end is None)
    if routes.are_kept_out(task.options, task.machine.subdir, source.channel):
        return False
    lines = task.files.family if task.files else ()
    if any(read(line).channel not in (None, source.channel) for line in lines):
        return False
    on = rules.new_environment(task.machine)
    known, request = source.built_in(on.subdir), in_words_of(source, task)
    if known is None or request is None or not (on.pins or request.others):
        return True
    builds, of = without_hidden(known).builds, source.knowledge
    request = request._replace(specs={TORCH: request.specs[TORCH]})
    alone = choose(on._replace(pins=()), request._replace(others=()), builds, of)
    return isinstance(alone, NoChoice) or isinstance(choose(on, request, builds, of), Choice)


def _as_read(cause: Notice | None, attempt: Attempt) -> Notice | None:
    """The cause, weakened where not all builds of the channel were seen: that none fits proves
    little for those that were not."""
    records, sampled = attempt.records, is_sample(attempt)
    if cause is None:
        rejected = attempt.found.rejected
        if sampled and rejected and all(item.code == "cpu_build" for item in rejected):
            return _of_no_python(attempt) or Notice("cpu_builds_known")
        return None
    task, hidden = attempt.task, records.excluded or records.packed
    if sampled and (not hidden or may_be_on_conda_forge(task.machine, task.request, admits)):
        codes = _OF_SAMPLE
    elif hidden:
        codes = _OF_HIDDEN
    else:
        codes = _OF_BUILT_IN if records.origin == "built-in" else {}
    if codes is _OF_BUILT_IN and cause.code == "no_such_release":
        before = f"{TORCH}<{cause.facts['first']}"
        if never_together(str(cause.facts["spec"]), before, TORCH, admits):
            return cause._replace(code="no_such_release_known")
    return cause._replace(code=codes.get(cause.code, cause.code))


def _of_no_python(attempt: Attempt) -> Notice | None:
    """What is asked for besides that has no build for any Python of the releases asked for, by the
    tables."""
    on, request = attempt.task.machine, attempt.task.request
    beside = (*on.pins, *(Pin(word, "") for word in request.others))
    told = [
        rules.lacking(python, beside, admits, request.pythons)
        for python in ([on.python] if on.python else pythons_of(on, request, admits))
    ]
    return told[-1][1] if told and told[-1] and all(told) else None


def _older_online(attempt: Attempt) -> bool:
    """Whether what is asked for may be of before what the built-in index has of a channel: it has
    none of it, and the oldest release that it has serves the machine."""
    task, records, source = attempt.task, attempt.records, attempt.task.source
    if records.origin != "built-in" or is_sample(attempt):
        return False
    known: dict[str, list[str]] = {}
    for build in records.builds:
        known.setdefault(build.name, []).append(build.version)
        facts = source.facts.read(build) if build.name == TORCH else None
        if facts and facts.runtime and facts.cuda:
            known.setdefault(facts.runtime, []).append(facts.cuda)

    def older(spec: str, name: str) -> bool:
        there = known.get(name, ())
        if spec == name or not there or any(admits(spec, name, each, "") for each in there):
            return False
        return not never_together(spec, f"{name}<{min(there, key=number)}", name, admits)

    specs = task.request.specs
    if TORCH not in known or not any(older(spec, name) for name in specs for spec in specs[name]):
        return False
    first = f"{TORCH}=={min(known[TORCH], key=number)}"
    request = task.request._replace(specs={TORCH: (first,)}, pins=(), others=())
    return isinstance(choose(task.machine, request, records.builds, source.knowledge), Choice)


def _once(told: Sequence[_Told]) -> Iterator[Notice]:
    """The steps of all sources, of each kind only those of the first source that has any, and each
    command once; the Pythons of all sources are merged into one step."""
    pythons = {
        python
        for each in told
        for step in each.steps
        if step.code == "use_python"
        for python in str(step.facts["pythons"]).split(", ")
    }
    seen: set[str] = set()
    offered: set[object] = set()
    for each in told:
        for step in each.steps:
            if step.code in seen:
                continue
            found = _of_pythons(step, pythons) if step.code == "use_python" else step
            command = found.facts.get("command")
            if command is None or command not in offered:
                yield found
            offered.add(command)
        seen |= {step.code for step in each.steps}


def _of_pythons(step: Notice, pythons: Iterable[str]) -> Notice:
    """The step to use another Python, with these; its command has the newest of them."""
    known = sorted(pythons, key=number)
    newest = str(step.facts["pythons"]).rpartition(", ")[2]
    command = str(step.facts["command"]).replace(f"--python {newest}", f"--python {known[-1]}", 1)
    return step._replace(facts={"pythons": ", ".join(known), "command": command})


def _other_sources(
    task: Task, tried: Sequence[Source], unread: Sequence[Source]
) -> Iterator[Notice]:
    """Point to sources that were not tried and that have a fitting set in the built-in index."""
    on = task.machine
    if task.files or SOURCES[0] in tried:
        return
    for other in SOURCES:
        known = other.built_in(on.subdir) if other not in tried else None
        request = in_words_of(other, task) if known else None
        if known is None or request is None:
            continue
        if routes.are_kept_out(task.options, on.subdir, other.channel):
            continue
        found = choose(on, request, without_hidden(known).builds, other.knowledge)
        if not isinstance(found, Choice) or rules.conflicts(found, on, request, admits):
            continue
        step = use_source(other, found, task)
        yield step._replace(code="unread_fits") if other in unread else step


def use_source(source: Source, found: Choice, task: Task) -> Notice:
    """The step to take a set of another source, all else as it was asked for."""
    facts = {"source": source.name, "torch": f"{TORCH} {found.torch.version}"}
    command = offered(task.typed._replace(source=source.name))
    return Notice("use_source", {**facts, "command": command})


def in_words_of(source: Source, task: Task) -> Request | None:
    """The request of the same arguments for another source; None if that source refuses them."""
    try:
        found = requests.of(task.options, source.name)
    except TorchMirrorError:
        return None
    if any(name == TORCH for _, name in found.typed) or not task.options.specs:
        return found
    # The release of the environment, which is kept where only other packages are named.
    return found._replace(specs={**found.specs, TORCH: task.request.specs[TORCH]})


def _in_part(done: Attempt) -> list[Notice]:
    """Tell that the built-in index is only a sample, if the channel may have what is asked for."""
    if not is_sample(done):
        return []
    task, records, found = done.task, done.records, done.found
    on, request, admits = task.machine, task.request, task.source.knowledge.admits
    assert isinstance(found, NoChoice)
    case = refused.Case(found, on, request, records.builds, task.source.knowledge)
    cause = refused.cause(case)
    if cause and cause.code in ("contradict", "spec_of_platform"):
        return []
    if not may_be_on_conda_forge(on, request, admits):
        return []
    return [Notice("built_in_part", {"date": records.date, "channel": task.source.channel})]


def where_to_look(asked: InstallOptions, *, offline: bool) -> Notice:
    """The last step: `--list` for the same machine and `--source`."""
    return Notice("see_list", {"command": offered(listing(asked, offline=offline))})
