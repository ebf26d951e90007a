"""From records to a decision: the choice, its pins, channels and plan, and what to say of them.

Reads conda's context, asks no solver and changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from conda.base.constants import ChannelPriority
from conda.base.context import context

from ..exceptions.channel import ChannelError, NothingCached
from ..exceptions.choice import HistoryConflict, NoFittingBuild, PinConflict
from ..index.match import admits
from ..index.sources import PYTORCH
from ..machine import survey as machine
from ..mirrors import addresses
from ..mirrors.registry import Route
from ..models import (
    Build,
    Choice,
    Decision,
    Installed,
    InstallOptions,
    Machine,
    NoChoice,
    Notice,
    Pin,
    Records,
    Request,
)
from ..selection import alternatives, cuda, plan, rules
from ..selection.choose import RuntimeIndex, add_runtime_build, choose
from ..selection.facts import CPU_ONLY, PIP_NAMES, RUNTIME
from ..selection.specs import package_name
from ..text import decision
from ..transport import routes

if TYPE_CHECKING:
    from ..transport.routes import RecordReader
    from .file_request import FileRequest


class Target(NamedTuple):
    """The environment that is meant, as a path, and the words that name it on a command line."""

    prefix: str | None
    words: tuple[str, ...] = ()
    exists: bool = False


def installed(on: Machine, name: str) -> Installed | None:
    """The package of this name that conda has put into the environment."""
    return next((p for p in on.installed if p.name == name and p.channel != "pypi"), None)


def decide(
    options: InstallOptions,
    given: FileRequest | None,
    target: Target,
    request: Request,
    survey: machine.Survey,
    reader: RecordReader,
    records: Records,
) -> Decision:
    """Choose, and plan what is handed to conda. `given` is what files ask for.

    Raises: NoFittingBuild, PinConflict, HistoryConflict, what reading the runtime channel raises.
    """
    on, tables = survey.machine, cuda.tables()
    chosen = choose(on, request, records.builds, admits, tables)
    if isinstance(chosen, NoChoice):
        found = alternatives.find(chosen, on, request, records.builds, admits, tables)
        raise NoFittingBuild(
            request=decision.asked(request, on),
            detail=decision.why(chosen.rejected, records),
            ways=(
                *found,
                *(given.ways(request, chosen.rejected) if given else ()),
                *_where_to_look(options, chosen, on, records),
            ),
        )
    notices = given.told(on) if given else []
    runtime = _runtime(chosen, reader, records, notices)
    asked = request.specs.get(RUNTIME, ())
    builds = [
        build
        for build in records.builds
        if build.name != RUNTIME
        or all(admits(spec, build.name, build.version, build.build) for spec in asked)
    ]
    chosen = add_runtime_build(chosen, builds, runtime, admits)
    by_name = {channel.name: channel for channel in reader.located}
    torch = by_name[PYTORCH.channel]
    chosen = chosen._replace(builds=tuple(_with_url(build, torch) for build in chosen.builds))
    pins = _pins(chosen, on, target, request, given, notices)
    notices += _about(chosen, on, records, torch)
    wanted = [torch]
    if extra := rules.runtime_channel(chosen, on.subdir):
        wanted.append(by_name[extra])
    for channel in wanted:
        if notice := routes.elsewhere(options, on.subdir, reader.chains[channel.name]):
            notices.append(notice)
    if _parts_only(context.channels) and not options.override_channels:
        notices.append(Notice("no_channels"))
        if by_name[PYTORCH.base_channel] not in wanted:
            wanted.append(by_name[PYTORCH.base_channel])
    flexible = _must_be_flexible(options)
    if flexible:
        notices.append(Notice("flexible_priority"))
    create = bool(target.words) and not target.exists
    words = target.words
    if create and on.subdir != machine.native_subdir():
        words = (*words, "--platform", on.subdir)
    python = request.python
    if python and not create:
        # The exact builds say which Python; only a change of it has to be named to the solver.
        there = installed(on, "python")
        if there is None or there.version.startswith(f"{on.python}."):
            python = None
        else:
            notices.append(Notice("python_changes", {"old": there.version, "new": python}))
    behind = None
    if given is not None:
        wanted, behind, told = given.located(wanted, on.subdir)
        notices += told
        # The files say it in their own words.
        python = None if given.python == python else python
    passing = plan.PlanOptions(
        verb="create" if create else "install",
        subdir=on.subdir,
        pins=tuple(pins),
        flexible=flexible,
        target=tuple(words),
        python=python,
        user_channels=options.channels,
        behind=None if behind is None else tuple(behind),
        leftover=there.name if (there := leftover(chosen, on)) else None,
    )
    made = plan.make(chosen, request, wanted, passing)
    return Decision(
        machine=on,
        request=request,
        choice=chosen,
        records=records,
        plan=made,
        prefix=target.prefix,
        dry_run=options.dry_run,
        source=PYTORCH.name,
        notices=(*chosen.notices, *notices),
        evidence=survey.evidence,
        files=given.documents if given else (),
    )


def _where_to_look(
    options: InstallOptions, failed: NoChoice, on: Machine, records: Records
) -> Iterator[Notice]:
    """The last ways out: the channel itself, and the list for the machine that was asked about."""
    if records.origin == "built-in" and not failed.rejected:
        yield Notice("go_online")
    words = ["conda", "torch-install", "--list"]
    words += ["--platform", on.subdir] if on.foreign else []
    words += ["--cuda", options.cuda] if options.cuda != "auto" else []
    words += ["--offline"] if records.origin != "live" else []
    yield Notice("see_list", {"command": plan.typed(words)})


def _with_url(build: Build, channel: Route) -> Build:
    return build if build.url else build._replace(url=f"{channel.url}/{build.subdir}/{build.fn}")


def _runtime(
    chosen: Choice,
    reader: RecordReader,
    records: Records,
    notices: list[Notice],
) -> RuntimeIndex | None:
    """What the runtime channel holds of what pytorch-cuda's builds ask for; None if unknown."""
    if chosen.runtime != RUNTIME or records.origin == "built-in":
        return None
    names = {
        package_name(spec)
        for build in records.builds
        if build.name == chosen.runtime and build.version == chosen.cuda
        for spec in build.depends
    }
    try:
        found = reader.read(PYTORCH.runtime_channel, names)
    except (ChannelError, NothingCached) as error:
        notices.append(Notice("runtime_unread", {"detail": str(error.message)}))
        return None
    index: dict[str, list[tuple[str, str]]] = {}
    for build in found.builds:
        index.setdefault(build.name, []).append((build.version, build.build))
    return index


def _pins(
    chosen: Choice,
    on: Machine,
    target: Target,
    request: Request,
    given: FileRequest | None,
    notices: list[Notice],
) -> list[str]:
    """The pins for this hand-over, and what has to be said about them.

    What the user asks for in this run goes to the solver as written, and is said. Raises:
    PinConflict where the environment's own pins leave no version, HistoryConflict where what was
    asked for in it before does.
    """
    words = [Pin(spec, "") for spec in request.others]
    # What is narrowed now takes the place of what was asked for before, in conda too.
    narrowed = {name for spec in request.others if (name := package_name(spec)) != spec}
    history = [pin for pin in on.history if package_name(pin.spec) not in narrowed]
    pins = []
    for rule in rules.applying(chosen, admits):
        if pin := rules.conflict(rule, on.pins, admits):
            raise PinConflict(
                pin=pin.spec,
                source=pin.source,
                needed=rule.pin,
                torch=chosen.torch.version,
                why=rule.why,
            )
        if given and (against := given.against(rule)):
            notices.append(against)
            continue
        if word := rules.conflict(rule, words, admits):
            facts = {"spec": word.spec, "pin": rule.pin, "why": rule.why}
            notices.append(Notice("against_rule", facts, rule.source))
            continue
        if before := rules.conflict(rule, history, admits):
            raise HistoryConflict(
                spec=before.spec,
                needed=rule.pin,
                torch=chosen.torch.version,
                why=rule.why,
                where=plan.typed(target.words or ("-p", str(target.prefix))),
            )
        pins.append(rule.pin)
        notices.append(Notice("rule_pin", {"pin": rule.pin, "why": rule.why}, rule.source))
        if there := rules.contradicted(rule, on.installed, admits):
            name = f"{there.name} {there.version}"
            notices.append(Notice("rule_installed", {"installed": name, "pin": rule.pin}))
    if pins and target.prefix:
        file = os.path.join(target.prefix, "conda-meta", "pinned")
        code = "rule_keep" if len(pins) == 1 else "rule_keep_all"
        notices.append(Notice(code, {"pins": ", ".join(pins), "file": file}))
    return pins


def _about(chosen: Choice, on: Machine, records: Records, torch: Route) -> list[Notice]:
    """Notices about the index, the release and what pip left in the environment."""
    notices = []
    if torch.mirror == "custom_channels":
        notices.append(Notice("custom_mirror"))
    if records.origin == "built-in":
        notices.append(Notice("built_in", {"date": records.date}))
        if count := sum(build.known_by == "derived" for build in chosen.builds):
            notices.append(Notice("derived", {"count": count}))
    if records.skipped:
        notices.append(Notice("skipped_records", {"count": records.skipped}))
    notices += rules.notices(chosen, admits)
    if pip := [p for p in on.installed if p.channel == "pypi" and p.name in PIP_NAMES]:
        listed = ", ".join(f"{package.name} {package.version}" for package in pip)
        notices.append(Notice("pip_torch_there", {"packages": listed}))
    if there := leftover(chosen, on):
        notices.append(Notice("cpuonly_removed", {"spec": f"cpuonly {there.version}"}))
    return notices


def leftover(chosen: Choice, on: Machine) -> Installed | None:
    """`cpuonly`, where it stands in the way of a CUDA build."""
    return installed(on, CPU_ONLY) if chosen.cuda else None


def _parts_only(found: Iterable[str]) -> bool:
    """Whether a list of channels has none that Python could come from."""
    return PYTORCH.without_python.issuperset(addresses.name_of(channel) for channel in found)


def _must_be_flexible(options: InstallOptions) -> bool:
    """Whether this hand-over has to lift the user's strict channel priority, and may."""
    return (
        context.channel_priority == ChannelPriority.STRICT
        and ("--strict-channel-priority",) not in options.passed
        and getattr(context.plugins, "torchmirror_flexible", True)
    )
