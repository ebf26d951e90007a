"""Trying one source after the other, in the order of the rule, until the answer is settled.

An index is read only if the rule needs it. Where the newest release decides, maintained channels
are read first, because a discontinued one can only win with a release up to its last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from conda.base.context import context

from ...exceptions.channel import ChannelError, NothingCached
from ...exceptions.usage import Contradiction
from ...index.match import admits
from ...index.sources import AUTO, Source, named, traits
from ...mirrors.addresses import name_of
from ...models import Build, Choice, Machine, NoChoice, Records, Request
from ...options import InstallOptions
from ...selection import rules
from ...selection.sources.compare import newest, suits
from ...selection.sources.order import Order, Why, order
from ...selection.specs import package_name, release
from ...text.messages import text
from ..attempt import Attempt, attempt, of_those_with_toolkit
from ..departures import with_dependents
from ..task import Task
from .reading import UNREADABLE, Unread, records

if TYPE_CHECKING:
    from ...transport.routes import RecordReader


class SourceChoice(NamedTuple):
    """The winning attempt, its choice, and why its source was chosen.

    `others` are the attempts with other sources, `unread` the sources that could not be read.
    `newest` says that the newest release decided, and not the order of the sources.
    """

    attempt: Attempt
    choice: Choice
    why: Why
    others: tuple[Attempt, ...] = ()
    unread: tuple[Unread, ...] = ()
    newest: bool = True


def in_order(options: InstallOptions, request: Request, on: Machine) -> Order:
    """The order of sources for a request, by the rule. `options.source` is that of the command line
    or of the setting.

    Raises: Contradiction for arguments that require different sources.
    """
    asked = None if options.source == AUTO else options.source
    channels = tuple(map(name_of, options.channels))
    found = order(asked, on, request, channels, traits(), admits)
    if found.clash:
        ended = named(found.sources[0]).ended()
        tied = {word for _, word in request.ties}
        # A word that ties nothing names a release that is newer than the channel's last.
        newer = ended is not None and tied.isdisjoint(found.clash[1].split())
        detail = text("channel_end", ended) if newer else ""
        raise Contradiction.of(*found.clash, detail=detail)
    return found


def find(task: Task, order: Order, reader: RecordReader) -> SourceChoice:
    """Find the source that answers, and its choice.

    Raises: NoFittingBuild, with what would fit; PinConflict or HistoryConflict if what fits
    contradicts the environment; what reading raises if no source can be read, or if one that must
    not be skipped cannot; Moved if another mirror may have more.
    """
    tried: list[Attempt] = []
    unread: list[Unread] = []
    known: rules.Pythons = {}
    for source in _in_turn(order):
        if any(_settles(each, source, order) for each in tried):
            break
        of_source = with_dependents(task._replace(source=source))
        try:
            found = records(of_source, reader)
        except UNREADABLE as error:
            # A network failure must not change the source of an existing environment.
            if len(order.sources) == 1 or order.why == "bound" or not task.options.fallback:
                raise
            unread.append(Unread(source, error))
            continue
        # What is read of one channel holds beside the set of another, which has none of it.
        known = _pythons(task.request, (*found.builds, *_beside(of_source, tried, reader)), known)
        request = of_source.request._replace(pythons=known)
        tried.append(attempt(of_source._replace(request=request), found))
    if not tried:
        raise unread[0].error
    tried.sort(key=lambda each: order.sources.index(each.task.source.name))
    tried = of_those_with_toolkit(tried)
    sets = {each.task.source.name: each.found for each in tried if isinstance(each.found, Choice)}
    winner = (newest(sets) if order.newest else next(iter(sets))) if sets else None
    others = tuple(each for each in tried if each.task.source.name != winner)
    # An outdated or empty mirror must not be the reason to choose another source.
    doubts = (
        reader.doubt(each.task.source, each.task.machine, each.task.request, each.records)
        for each in others
    )
    old = tuple(filter(None, doubts))
    if winner is None:
        from .refusal import refuse

        cached = partial(_cached, task, reader) if context.offline else None
        raise refuse(tried, old, unread, cached)
    [best] = (each for each in tried if each.task.source.name == winner)
    on, request = best.task.machine, best.task.request
    if against := rules.conflicts(sets[winner], on, request, admits):
        from . import contradiction

        cached = partial(_cached, task, reader) if context.offline else None
        raise contradiction.refuse(best, tried, against, cached)
    best = best._replace(notices=(*old, *best.notices))
    why = _why(best, order, others, unread)
    return SourceChoice(best, sets[winner], why, others, tuple(unread), order.newest)


def _pythons(request: Request, builds: Sequence[Build], known: rules.Pythons) -> rules.Pythons:
    """What the further packages of a request ask of Python in these builds and those before."""
    here = rules.pythons(request.others, builds, admits)
    return {w: here.get(w, frozenset()) | known.get(w, frozenset()) for w in {**known, **here}}


def _beside(task: Task, tried: Sequence[Attempt], reader: RecordReader) -> list[Build]:
    """The builds of further packages of the channels beside the source's, where these may decide on
    Python: of the one that has everything else, if it was not read before, and where conda solves,
    of those that are named."""
    words, source = task.request.others, task.source
    if task.machine.python or not rules.unknown(words, {}, admits):
        return []
    from .. import other_packages

    found: list[Build] = []
    base = source.base_channel
    if base in task.configured and base not in (
        source.channel,
        *(each.task.source.channel for each in tried),
    ):
        with suppress(ChannelError, NothingCached):
            found += reader.read(base, frozenset(map(package_name, words))).builds
    if task.options.solving:
        named = other_packages.near(source, words, task.options.channels)
        there = other_packages.at_hand(words, named, Records((), "live"), task.machine.subdir)
        found += (build for builds in there.values() for build in builds)
    return found


def _cached(task: Task, reader: RecordReader, source: Source) -> Sequence[Build] | None:
    """The builds of a source as a run without a network has them, None without a route to it."""
    if source.channel not in reader.chains:
        return None
    try:
        return records(task._replace(source=source), reader).builds
    except UNREADABLE:
        return ()


def each_source(task: Task, order: Order, reader: RecordReader) -> list[tuple[Source, Records]]:
    """The records of every source if the newest release decides, else of the first readable one.

    Raises: what reading raises if no source can be read.
    """
    found: list[tuple[Source, Records]] = []
    unread: list[Unread] = []
    for source in map(named, order.sources):
        try:
            found.append((source, records(task._replace(source=source), reader)))
        except UNREADABLE as error:
            unread.append(Unread(source, error))
            continue
        if not order.newest:
            break
    if not found:
        raise unread[0].error
    return found


def _in_turn(order: Order) -> list[Source]:
    """The sources in the order of reading: maintained ones first if the newest release decides."""
    found = [named(name) for name in order.sources]
    return sorted(found, key=lambda source: source.end is not None) if order.newest else found


def _settles(done: Attempt, source: Source, order: Order) -> bool:
    """Whether `source` need not be read after an attempt, because it cannot win any more."""
    found, ended = done.found, source.ended()
    if isinstance(found, NoChoice):
        return False
    if not order.newest:
        return True
    if done.with_toolkit:
        return False
    on_cpu = done.task.request.cuda == "cpu" or not done.task.machine.has_gpu
    if ended is None or (found.cuda is None and not on_cpu) or not suits(found):
        return False
    mine, last = release(found.torch.version), release(ended["last"])
    return bool(mine and last and mine > last)


def _why(best: Attempt, order: Order, others: Iterable[Attempt], unread: Sequence[Unread]) -> Why:
    """The reason for choosing the source of the winning attempt."""
    if unread:
        return "offline"
    if not order.newest and best.task.source.name == order.sources[0]:
        return order.why
    has_set = any(isinstance(each.found, Choice) for each in others)
    return "newer" if order.newest and (has_set or not list(others)) else "only"
