"""From records to a decision: the choice, its pins, channels and plan, and the notices on them.

Reads conda's context, runs no solver and changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, NamedTuple

from conda.base.constants import ChannelPriority
from conda.base.context import context

from ..exceptions.channel import ChannelError, NothingCached
from ..handover.channels import kept
from ..index.hidden import without_hidden
from ..index.match import admits
from ..index.sources import SOURCES, Source
from ..machine import accelerators
from ..machine import survey as machine
from ..machine.dependents import is_file, requested
from ..mirrors.addresses import name_among
from ..mirrors.registry import Route
from ..models import Build, Choice, Decision, Departure, Notice, Pin, Plan, Records
from ..redirect import settings
from ..selection import plan, rules
from ..selection.facts.names import CUDNN
from ..selection.facts.record import Extras
from ..selection.plan import RuntimeIndex, add_runtime_build
from ..selection.rules import installed
from ..selection.specs import package_name
from ..text.messages import text
from ..transport import routes
from . import departures
from . import notices as notices_
from .attempt import Attempt
from .task import Task, words_for_conda

if TYPE_CHECKING:
    from ..transport.routes import RecordReader


class Channels(NamedTuple):
    """Where a choice is read from. `behind` are the `routes` that come after the user's channels;
    None puts all of them before. `flexible` lifts a strict channel priority. `users` are the user's
    channels to pass on where conda must use no others, None where it uses the configured ones."""

    routes: tuple[Route, ...]
    behind: tuple[Route, ...] | None
    flexible: bool
    users: tuple[str, ...] | None = None


def decide(
    attempt: Attempt, choice: Choice, reader: RecordReader, told: Sequence[Notice] = ()
) -> Decision:
    """Make the decision, with the plan for conda, from a choice. `told` are notices on its source.

    Raises: what reading the runtime channel raises.
    """
    task, records = attempt.task, attempt.records
    runtime, runtime_notices = _read_runtime(choice, task.source, reader, records)
    choice = _complete(choice, task, runtime, reader, records)
    pins, pin_notices = _pins(choice, task)
    extras = task.source.facts.extras(
        choice, records.builds, task.machine, task.request, task.source.knowledge
    )
    lasting = [*pins, *(pin for pin in extras.pins if package_name(pin) in CUDNN)]
    extras = extras._replace(pins=(*pins, *extras.pins))
    if task.machine.ignores_pins:
        # Conda would drop ours along with the user's; a spec binds it all the same.
        extras = extras._replace(pins=(), specs=(*extras.specs, *extras.pins))
    channels, channel_notices = _channels(choice, task, reader)
    python, python_notices = _python(task)
    leaving = departures.of(task, choice, records)
    staying = departures.kept(leaving, task, choice)
    extras = extras._replace(specs=(*extras.specs, *staying))
    notices = (
        *notices_.slips(task),
        *told,
        *notices_.of_choice(choice, records, task.source),
        *(task.files.told(task.machine) if task.files else ()),
        *runtime_notices,
        *pin_notices,
        *extras.notices,
        *_to_keep(lasting, task),
        *_beside(choice, extras.pins, task),
        *_of_list(task),
        *_of_other_gpu(choice, task),
        *notices_.for_this_computer(task, choice.torch, task.source.knowledge),
        *notices_.about(choice, task, records),
        *departures.notices(leaving, task, choice),
        *channel_notices,
        *python_notices,
        *attempt.notices,
    )
    return Decision(
        machine=task.machine,
        request=task.request,
        choice=choice,
        records=records,
        plan=_plan(choice, task, extras, channels, python, leaving),
        prefix=task.target.prefix,
        dry_run=task.options.dry_run,
        source=task.source.name,
        notices=notices,
        evidence=task.survey.evidence,
        files=task.files.documents if task.files else (),
    )


def _read_runtime(
    choice: Choice, source: Source, reader: RecordReader, records: Records
) -> tuple[RuntimeIndex | None, list[Notice]]:
    """The (version, build) pairs, by name, that the runtime channel has of the dependencies of the
    runtime package; None if that is unknown."""
    channel = source.runtime_channel
    if channel is None or choice.runtime != source.facts.runtime or records.origin == "built-in":
        return None, []
    names = {
        package_name(spec)
        for build in records.builds
        if build.name == choice.runtime and build.version == choice.cuda
        for spec in build.depends
    }
    try:
        found = without_hidden(reader.read(channel, names))
    except (ChannelError, NothingCached) as error:
        return None, [Notice("runtime_unread", {"detail": str(error.message)})]
    index: dict[str, list[tuple[str, str]]] = {}
    for build in found.builds:
        index.setdefault(build.name, []).append((build.version, build.build))
    return index, []


def _complete(
    choice: Choice,
    task: Task,
    runtime: RuntimeIndex | None,
    reader: RecordReader,
    records: Records,
) -> Choice:
    """Add the build of the runtime package to the choice, and a URL to every build."""
    source = task.source
    name = source.facts.runtime or ""
    asked = task.request.specs.get(name, ())
    builds = [
        build
        for build in records.builds
        if build.name != name
        or all(admits(spec, name, build.version, build.build) for spec in asked)
    ]
    choice = add_runtime_build(choice, builds, runtime, source.knowledge)
    url = reader[source.channel].url

    def located(found: Iterable[Build]) -> tuple[Build, ...]:
        return tuple(b if b.url else b._replace(url=f"{url}/{b.subdir}/{b.fn}") for b in found)

    return choice._replace(builds=located(choice.builds), libraries=located(choice.libraries))


def _channels(choice: Choice, task: Task, reader: RecordReader) -> tuple[Channels, list[Notice]]:
    """The channels of the choice in conda's order, and notices on them."""
    options, source, subdir = task.options, task.source, task.machine.subdir
    names = [source.channel]
    if extra := rules.runtime_channel(choice, subdir):
        names.append(extra)
    notices = [
        notice
        for name in names
        for notice in (
            _own_place(reader, name),
            routes.elsewhere(options, subdir, reader.chains[name]),
        )
        if notice
    ]
    configured = task.configured
    alone = source.channel in source.without_python and source.without_python.issuperset(configured)
    if alone and not options.override_channels:
        notices.append(Notice("no_channels"))
        names.append(source.base_channel)
    users = kept(configured, source, subdir, exists=task.target.exists)
    if users is not None:
        left = [name for name in configured if name not in (*users, source.channel)]
        facts = {"channels": ", ".join(dict.fromkeys(left)), "channel": source.channel}
        notices.append(Notice("channels_left_out", facts))
    flexible = (
        source.flexible
        and context.channel_priority == ChannelPriority.STRICT
        and ("--strict-channel-priority",) not in options.passed
        and getattr(context.plugins, "torchmirror_flexible", True)
    )
    if flexible:
        notices.append(Notice("flexible_priority"))
    wanted = [reader[name] for name in dict.fromkeys(names)]
    if task.files is None:
        return Channels(tuple(wanted), None, flexible, users), notices
    every, lacking, told = task.files.located(wanted, subdir)
    behind = None if users is not None else tuple(lacking)
    return Channels(tuple(every), behind, flexible, users), [*notices, *told]


def _own_place(reader: RecordReader, name: str) -> Notice | None:
    """The notice on where the user's own configuration leads a channel, if the channel is read from
    there or the place is passed over."""
    own = reader.own.get(name)
    return own.notice if own and own.url in (None, reader[name].url) else None


def _python(task: Task) -> tuple[str | None, list[Notice]]:
    """The version of Python to name to the solver, if any, and notices on it."""
    python, notices = task.request.python, []
    if python and not task.target.to_be_made:
        # The exact builds imply the Python; it has to be named only if it changes.
        there = installed(task.machine, "python")
        if there is None or there.version.startswith(f"{task.machine.python}."):
            return None, []
        notices.append(Notice("python_changes", {"old": there.version, "new": python}))
    # If the files ask for this Python, their own spec goes to the solver.
    return None if task.files and task.files.python == python else python, notices


def _plan(
    choice: Choice,
    task: Task,
    extras: Extras,
    channels: Channels,
    python: str | None,
    leaving: Departure,
) -> Plan:
    on, target = task.machine, task.target
    subdir = on.subdir
    variables = {}
    if (cuda := on.cuda_of_others) and choice.cuda:
        # Without it the solver sees no driver, and rejects builds that need one; of what a build
        # needs, most solvers take packages of a CUDA then that the driver does not run.
        variables["CONDA_OVERRIDE_CUDA"] = cuda
    words = target.words
    if target.to_be_made and subdir != machine.native_subdir():
        words = (*words, "--platform", subdir)
    verb: Literal["create", "install"] = "create" if target.to_be_made else "install"
    options = plan.PlanOptions(
        verb=verb,
        subdir=subdir,
        pins=extras.pins,
        flexible=channels.flexible,
        target=words,
        python=python,
        user_channels=_typed(task, channels) if channels.users is None else channels.users,
        behind=channels.behind,
        departure=leaving,
        beside=extras.specs,
        variables=variables,
        alone=channels.users is not None or task.options.override_channels,
        passed=words_for_conda(task.options, verb),
    )
    return plan.make(choice, task.request, channels.routes, options)


def _typed(task: Task, channels: Channels) -> tuple[str, ...]:
    """The channels of the command line for conda, after which those of files stand as written. One
    of ours that is named by the URL of a mirror is read by our route, which another may follow."""
    words, as_written = task.options.channels, task.files.channels if task.files else ()
    if not any("://" in word and word not in as_written for word in words):
        return words
    known = settings.registry(settings.read())
    ours = {name for source in SOURCES for name in source.channels}
    ours |= {route.channel for route in channels.routes}
    return tuple(w if w in as_written else name_among(w, known, ours) for w in words)


def _pins(chosen: Choice, task: Task) -> tuple[list[str], list[Notice]]:
    """The pins for this hand-over, and notices on them.

    A spec of this run that contradicts a rule goes to the solver as written, with a notice. Pins
    and history do not contradict one here: `answer.find` has refused such a choice.
    """
    words = [Pin(spec, "") for spec in task.request.others]
    pins: list[str] = []
    notices: list[Notice] = []
    for rule in rules.applying(chosen, admits):
        if task.files and (against := task.files.against(rule)):
            notices.append(against)
            continue
        if word := rules.conflict(rule, words, admits):
            facts = {"spec": word.spec, "pin": rule.pin, "why": text(rule.why)}
            notices.append(Notice("against_rule", facts, rule.source))
            continue
        pins.append(rule.pin)
        code = "rule_asked" if task.machine.ignores_pins else "rule_pin"
        notices.append(Notice(code, {"pin": rule.pin, "why": text(rule.why)}, rule.source))
        if there := rules.contradicted(rule, task.machine.installed, admits):
            name = f"{there.name} {there.version}"
            notices.append(Notice("rule_installed", {"installed": name, "pin": rule.pin}))
    return pins, notices


def _to_keep(pins: Sequence[str], task: Task) -> Iterator[Notice]:
    """Tell how to make permanent, in the environment, the pins of this hand-over. Not those of what
    is pinned there already: of two lines conda heeds the last, so that the user's would end."""
    given = task.files.pins if task.files else ()
    there = {package_name(pin.spec) for pin in task.machine.pins if pin not in given}
    pins = [pin for pin in pins if package_name(pin) not in there]
    if pins and task.target.prefix and not task.machine.ignores_pins:
        file = os.path.join(task.target.prefix, "conda-meta", "pinned")
        code = "rule_keep" if len(pins) == 1 else "rule_keep_all"
        yield Notice(code, {"pins": ", ".join(pins), "file": file})


def _beside(choice: Choice, pins: Sequence[str], task: Task) -> Iterator[Notice]:
    """Tell of the environment's pins on what this run chooses or pins as well: it applies both, and
    the command that is printed may not."""
    names = {build.name for build in choice.builds}.union(map(package_name, pins))
    # Those of files are specs of the same command, and labels of their channels pin nothing.
    given = task.files.pins if task.files else ()
    pinned = [pin for pin in task.machine.pins if pin not in given]
    told = [pin for pin in pinned if package_name(pin.spec) in names]
    if weaker := [
        f"{pin.text} ({pin.source})" for pin in told if pin.source and pin.spec not in pins
    ]:
        yield Notice("pins_beside", {"pins": ", ".join(weaker)})


def _of_list(task: Task) -> Iterator[Notice]:
    """Tell of packages of an environment that are exact requests to plain conda: this run takes
    them by name, and the command that is printed cannot."""
    with suppress(Exception):  # of any kind; a record or history that cannot be read is told of
        there = requested(str(task.target.prefix)) if task.target.exists else {}
        if count := sum(map(is_file, there.values())):
            yield Notice("listed_there", {"count": count})


def _of_other_gpu(choice: Choice, task: Task) -> Iterator[Notice]:
    """Point to wheels for an AMD or Intel GPU of this machine, which no conda build supports."""
    there = (notice for notice in task.survey.evidence if notice.code == accelerators.FOUND)
    if choice.cuda or (found := next(there, None)) is None:
        return
    from .sources import wheels

    options = task.options._replace(cuda=found.facts["variant"])
    for step in wheels.way(options, task.target, task.machine):
        yield Notice("other_gpu_wheels", {"gpu": found.facts["gpu"], **step.facts})
