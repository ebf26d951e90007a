"""Packages outside the torch family that go to the solver as written, and the set that they need.

Before a solve, `at_hand` reads the records of packages that may pin another set, to which `beside`
then narrows the choice. After a solve that failed, `read` reads every channel, and `find`, a pure
function of records, tells which package needs which other set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from conda.base.context import context
from conda.models.channel import Channel, MultiChannel

from ..exceptions.channel import ChannelError, NothingCached
from ..exceptions.choice import (
    ChannelUnread,
    DefaultPackage,
    InstalledFrozen,
    NotAsChosen,
    PartnerConflict,
    PartnerThere,
    PinDropped,
)
from ..handover.conda import solves, without_priority
from ..handover.transaction import heeded
from ..handover.transaction.heeded import Unheeded
from ..index import match
from ..index.sources import AUTO, SOURCES, Source, foreign, read_some
from ..machine.dependents import is_file, requested
from ..machine.environment import option_of
from ..mirrors.addresses import name_of
from ..mirrors.registry import Route
from ..models import Build, Choice, Decision, Machine, Notice, Records, Request
from ..options import InstallOptions, again
from ..redirect.configuration import DEFAULTS
from ..selection.choose import choose
from ..selection.facts.names import FAMILY, TORCH
from ..selection.facts.record import Knowledge
from ..selection.plan import FLEXIBLE, offered, typed
from ..selection.specs import package_name
from ..text.sanitize import safe
from .beside import best_with, fitting, held, left_out, unmet
from .notices import STRICT
from .task import Task

#: What stands for the channel of a package that is of none: of pip, or of a file.
_OF_NO_CHANNEL = ("", "pypi", "<unknown>")
#: Conda's option that lets a solve change no installed package.
_FREEZING = "--freeze-installed"
#: How many packages to name as those of a channel.
_SHOWN = 5


class Conflict(NamedTuple):
    """A package none of whose builds works with a set.

    `wanted` are the dependencies of its newest build that the set does not meet, `held` the set's
    packages of those names. `specs` and `python` request a set that works with it, if there is one.
    """

    package: str
    wanted: tuple[str, ...]
    held: tuple[str, ...]
    specs: tuple[str, ...] = ()
    python: str | None = None


def near(source: Source, words: Iterable[str], channels: Iterable[str]) -> tuple[str, ...]:
    """The channels to read before a solve: those that the specs name, and `channels`. Large ones
    (those of the source, and defaults) are left to the solver."""
    named = [
        word.rpartition("::")[0] or match.read(word).channel
        for word in words
        if "::" in word or "channel=" in word
    ]
    great = {*source.channels, *(part.canonical_name for part in context.default_channels)}
    return tuple(
        dict.fromkeys(
            name
            for name in (*filter(None, named), *channels)
            if name_of(name) not in great and not isinstance(Channel(name), MultiChannel)
        )
    )


def at_hand(
    words: Iterable[str], channels: Iterable[str], records: Records, subdir: str
) -> dict[str, list[Build]]:
    """The builds of the packages that specs name, by spec, in channels and among `records`."""
    by_name = {package_name(word): word for word in words}
    found: dict[str, list[Build]] = {word: [] for word in by_name.values()}
    for build in records.builds:
        if build.name in by_name:
            found[by_name[build.name]].append(build)
    for word, builds in _read(channels, by_name, subdir).items():
        found[word] += builds
    return found


def conflict(task: Task, decision: Decision) -> PartnerConflict | None:
    """The error for a package because of which a solve failed, as it needs another set; or None."""
    on, request = task.machine, task.request
    others = read(decision, (*request.others, *_asked_before(task, decision)))
    records = decision.records.builds
    found = find(decision.choice, on, request, records, others, task.source.knowledge)
    if found is None:
        return None
    way = command(found, request, task.typed)
    facts = {
        "package": safe(found.package),
        "wanted": ", ".join(f"`{safe(spec)}`" for spec in found.wanted),
        "held": ", ".join(found.held),
    }
    ways = [Notice("take_with_partner", {"command": safe(way)})] if way else ()
    name = package_name(found.package.rpartition("::")[2])
    of_files = task.files and found.package in request.others
    if of_files or name in map(package_name, task.typed.specs):
        return PartnerConflict(**facts, ways=ways)
    there = {"name": safe(name), "where": option_of(str(decision.prefix))}
    return PartnerThere(**facts, **there, ways=ways)


def _asked_before(task: Task, decision: Decision) -> Iterator[str]:
    """The specs of the environment's history, which conda goes on satisfying, files of a list by
    name: without those that this run asks for anew, as by a build of the set, or takes out."""
    if task.target.to_be_made:
        return
    anew = {build.name for build in decision.choice.builds}
    anew |= {*map(package_name, task.request.others), *decision.plan.departure.named}
    for name, spec in requested(str(decision.prefix)).items():
        if name not in anew and not is_file(spec):
            yield str(spec)
        elif name not in (*anew, *decision.plan.departure.orphans):
            yield name


def unread(
    task: Task, decision: Decision, command: Sequence[str], variables: Mapping[str, str]
) -> ChannelUnread | None:
    """The error for a solve that fails because of packages in the environment of a channel that the
    run does not read: with it, there is a solution. None where that is not why."""
    step, options = decision.plan.conda, task.options
    if step.alone and not options.override_channels:
        return None
    named = map(Channel, (*step.passed, *(() if step.alone else context.channels)))
    read = {part.canonical_name for one in named for part in getattr(one, "channels", (one,))}
    there: dict[str, list[str]] = {}
    staying = (
        one for one in decision.machine.installed if one.name not in decision.plan.departure.hidden
    )
    for one in staying:
        name = DEFAULTS if one.channel.startswith("pkgs/") else one.channel
        # A channel that the source does not go with is left out of a run even where it is named.
        left = name in (*read, *_OF_NO_CHANNEL, *foreign(task.source))
        if not left and "://" not in name:
            there.setdefault(name, []).append(one.name)
    tries = [("read_along", command, task.typed)]
    if (STRICT,) in options.passed:
        lifted = without_priority(command), task.typed.without(STRICT)
        tries.append(("read_along_flexible", *lifted))
    by_size = sorted(there.items(), key=lambda item: -len(item[1]))
    for (code, words, asked), (name, packages) in product(tries, by_size):
        lifts = words is not command and task.source.flexible
        lifts = lifts and getattr(context.plugins, "torchmirror_flexible", True)
        if solves([*words, "--channel", name], {**variables, **(FLEXIBLE if lifts else {})}):
            typed_so = _along(asked, name, task.source)
            way = Notice(code, {"command": safe(offered(typed_so))})
            shown = ", ".join([*packages[:_SHOWN], *(["..."] if packages[_SHOWN:] else [])])
            return ChannelUnread(channel=safe(name), packages=safe(shown), ways=(way,))
    return None


def frozen(
    task: Task, command: Sequence[str], variables: Mapping[str, str]
) -> InstalledFrozen | None:
    """The error for a solve that fails because no installed package may change, of which the chosen
    set needs some; None where that is not why."""
    if (_FREEZING,) not in task.options.passed:
        return None
    if not solves([word for word in command if word != _FREEZING], variables):
        return None
    way = Notice("unfreeze", {"command": safe(offered(task.typed.without(_FREEZING)))})
    return InstalledFrozen(option=_FREEZING, ways=(way,))


def _along(asked: InstallOptions, name: str, source: Source) -> InstallOptions:
    """The options with a channel more, and the same source: the channel of one would tie the
    request to it."""
    ties = asked.source in ("", AUTO) and any(one.channel == name for one in SOURCES)
    source_word = source.name if ties else asked.source
    return asked._replace(channels=(*asked.channels, name), source=source_word)


def unheeded(found: Unheeded, task: Task, on: Machine) -> PinDropped | DefaultPackage | NotAsChosen:
    """The error for a package that the solver took against the choice or its pins."""
    refused = heeded.refusal(found, typed(task.target.words) if task.target.to_be_made else None)
    name = package_name(found.spec)
    pin = next((pin for pin in reversed(on.pins) if package_name(pin.spec) == name), None)
    if pin is None or isinstance(refused, DefaultPackage):
        return refused
    words = task.typed.specs
    asked = tuple(found.spec if package_name(word) == name else word for word in words)
    ways = [Notice("change_pins", {"pins": f"{pin.text} ({pin.source})"})]
    if asked != words and not task.files:
        command = offered(task.typed._replace(specs=asked))
        ways.append(Notice("ask_as_pinned", {"command": safe(command)}))
    facts = {"package": safe(found.package), "needed": safe(found.spec)}
    return PinDropped(pin=pin.text, source=pin.source, ways=ways, **facts)


def read(decision: Decision, words: Iterable[str]) -> dict[str, list[Build]]:
    """The builds, by spec, of the packages that specs name, in all channels of the run."""
    by_name = {package_name(word): word for word in words}
    step = decision.plan.conda
    channels = (*step.passed, *(() if step.alone else context.channels))
    return _read(channels, by_name, decision.machine.subdir)


def _read(
    channels: Iterable[str], by_name: Mapping[str, str], subdir: str
) -> dict[str, list[Build]]:
    """The builds of packages, `by_name` with their specs; a channel that cannot be read counts as
    one without them."""
    found: dict[str, list[Build]] = {word: [] for word in by_name.values()}
    for channel in map(Channel, dict.fromkeys(channels)):
        # The channels behind a name such as defaults: 24.7 gives their URLs alone, and the
        # canonical name of each of them is that name again.
        several = isinstance(channel, MultiChannel)
        parts = map(Channel, channel.base_urls) if several else (channel,)
        for part in parts:
            url = str(part.base_url)
            route = Route(url if several else part.canonical_name, url, "")
            try:
                # A channel that a user names may be of any size.
                builds = read_some(route, subdir, set(by_name)).builds
            except (ChannelError, NothingCached):
                continue
            for build in builds:
                found[by_name[build.name]].append(build)
    return found


def find(
    choice: Choice,
    machine: Machine,
    request: Request,
    records: Sequence[Build],
    others: Mapping[str, Sequence[Build]],
    knowledge: Knowledge,
) -> Conflict | None:
    """The first package that does not work with the choice. `others` are builds by spec."""
    admits, there = knowledge.admits, held(choice)
    for word, builds in others.items():
        found_builds = fitting(word, builds, admits)
        if not found_builds or any(not unmet(build, there, admits) for build in found_builds):
            continue
        wanted = unmet(found_builds[0], there, admits)
        has = tuple(dict.fromkeys(there.shown[package_name(spec)] for spec in wanted))
        found = _asking_for(word, found_builds, machine, request, records, knowledge)
        return Conflict(word, wanted, has, *(found or ()))
    return None


def command(conflict: Conflict, request: Request, asked: InstallOptions) -> str | None:
    """The command that requests the set of a conflict, and everything else as it was asked.

    None with files, whose specs would remain.
    """
    if not conflict.specs or asked.files:
        return None
    partners = (name for name in request.specs if name in FAMILY and name != TORCH)
    specs = {TORCH: conflict.specs, **{name: (name,) for name in partners}}
    wanted = request._replace(specs=specs, wishes=())
    return offered(again(asked, request, wanted, python=conflict.python))


def _asking_for(
    word: str,
    fitting_builds: Sequence[Build],
    machine: Machine,
    request: Request,
    records: Sequence[Build],
    knowledge: Knowledge,
) -> tuple[tuple[str, ...], str | None] | None:
    """The specs, and the Python if that is free, by which the choice works with a package."""
    binding = {word: fitting_builds}
    opened = {n: (n,) if n in FAMILY else specs for n, specs in request.specs.items()}
    wanted = best_with(binding, machine, request._replace(specs=opened), records, knowledge)
    if wanted is None:
        return None
    torch, free = wanted.torch, machine.python is None
    short = f"{TORCH}={torch.version}"
    for spec, python in ((short, None), (short, wanted.python), (torch.spec, None)):
        on = machine._replace(python=python) if python and free else machine
        asked = request._replace(specs={**opened, TORCH: (spec,)})
        found = choose(on, asked, records, knowledge)
        if isinstance(found, Choice) and not left_out(binding, held(found), knowledge.admits):
            return (spec,), python if free else None
    return None
