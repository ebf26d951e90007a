"""Plan the hand-over of a choice to conda: specs, pins, channels, and the equivalent commands.

Pure: no conda, no HTTP, no subprocess.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from ..mirrors.registry import Route
from ..models import (
    Admits,
    Build,
    Choice,
    CondaStep,
    Departure,
    Notice,
    Plan,
    Request,
)
from ..options import ALONE, InstallOptions
from ..options import words as words_of
from . import shell
from .facts.record import Knowledge, dependencies, recency
from .specs import package_name

#: The contents of the CUDA runtime channel: (version, build) pairs by package name.
RuntimeIndex = Mapping[str, Sequence[tuple[str, str]]]
#: A spec that names a version and a build string, neither with a wildcard.
_EXACT = r"[^=*<>!~|,\[]+==?[^=*<>!~|,\[]+=[^=*<>!~|,\[]+"

#: The variable that pins packages for one command.
PINS = "CONDA_PINNED_PACKAGES"
#: The variable that lifts a strict channel priority for one command.
FLEXIBLE = MappingProxyType({"CONDA_CHANNEL_PRIORITY": "flexible"})


def specs(choice: Choice, request: Request, beside: Sequence[str] = ()) -> tuple[str, ...]:
    """The specs to hand over: the chosen builds as `name=version=build`, the CUDA runtime, the
    source's further specs `beside` them, then the user's other specs.

    The runtime is named with its build only if that build was chosen or asked for.
    """
    exact = [build.spec for build in choice.builds]
    named = any(build.name == choice.runtime for build in choice.builds)
    # A runtime that the user's own spec already names in this version is not named again.
    same = rf"{choice.runtime}\s*=*\s*{re.escape(choice.cuda or '')}(\.\d+)*(\.\*)?(=[^=]+)?"
    said = any(re.fullmatch(same, spec) for spec in request.others)
    if choice.runtime and not (named or said):
        asked = (spec.replace(" ", "=") for spec in request.specs.get(choice.runtime, ()))
        built = (spec for spec in asked if re.fullmatch(_EXACT, spec))
        exact.append(next(built, f"{choice.runtime}={choice.cuda}"))
    return (*exact, *beside, *request.others)


def add_runtime_build(
    choice: Choice, builds: Iterable[Build], runtime: RuntimeIndex | None, knowledge: Knowledge
) -> Choice:
    """Add the newest build of the runtime package whose dependencies the runtime channel holds.

    If `runtime` is None, the channel's records are unknown; then no build is added, and the solver
    takes one that it can satisfy. Only direct dependencies are checked.
    """
    admits, source, name = knowledge.admits, knowledge.source, choice.runtime
    if name is None or name != source.runtime or runtime is None:
        return choice
    specs = [spec for build in choice.builds for spec in dependencies(build, name)]
    fitting = [
        build
        for build in builds
        if build.name == name
        and all(admits(spec, build.name, build.version, build.build) for spec in specs)
    ]
    if not fitting:
        return choice
    lagging: list[Notice] = []
    for build in sorted(fitting, key=recency, reverse=True):
        lacks = next((spec for spec in build.depends if not _held(spec, runtime, admits)), None)
        if lacks is None:
            return choice._replace(builds=(*choice.builds, build))
        lagging.append(Notice("runtime_lagging", {"build": build.spec, "lacks": lacks}))
    return choice._replace(notices=(*choice.notices, lagging[0]))


def _held(spec: str, runtime: RuntimeIndex, admits: Admits) -> bool:
    name = package_name(spec)
    return any(admits(spec, name, version, build) for version, build in runtime.get(name, ()))


class PlanOptions(NamedTuple):
    """How a choice is handed over.

    `target` are the words that name the environment (`-n NAME`, `--platform SUBDIR`), `python` is
    the version if Python is to be named to the solver, `user_channels` are those of `-c`. `behind`
    are our channels that follow these; None puts all of ours first. `departure` is what leaves the
    environment. `flexible` lifts the user's strict channel priority for this hand-over. `beside`
    are specs besides the chosen builds, `variables` environment variables to set. `alone` keeps
    conda from using the configured channels, `passed` are further options of conda.
    """

    verb: Literal["install", "create"]
    subdir: str
    pins: tuple[str, ...] = ()
    flexible: bool = False
    target: tuple[str, ...] = ()
    python: str | None = None
    user_channels: tuple[str, ...] = ()
    behind: tuple[Route, ...] | None = None
    departure: Departure = Departure()
    beside: tuple[str, ...] = ()
    variables: Mapping[str, str] = MappingProxyType({})
    alone: bool = False
    passed: tuple[str, ...] = ()


def make(choice: Choice, request: Request, routes: Sequence[Route], options: PlanOptions) -> Plan:
    """Make the plan for a choice whose channels are read by `routes`."""
    wanted = specs(choice, request, options.beside)
    if options.python:
        wanted = (f"python={options.python}", *wanted)
    environment = dict(options.variables)
    if options.pins:
        environment[PINS] = "&".join(options.pins)
    if options.flexible:
        environment |= FLEXIBLE
    by_name = _ordered({route.channel: route.channel for route in routes}, routes, options)
    by_url = _ordered(
        {route.channel: _typed(route, options.subdir) for route in routes}, routes, options
    )
    words = ["conda", options.verb, *options.target, *wanted]
    words += [*([ALONE] if options.alone else []), *options.passed]
    step = CondaStep(
        verb=options.verb,
        specs=wanted,
        pins=options.pins,
        environment=environment,
        command=_command(words, by_url),
        command_by_name=_command(words, by_name),
        passed=by_name,
        alone=options.alone,
    )
    leaving = options.departure
    before, after = (
        (typed(removal("conda", options.target, names)),) if names else ()
        for names in (leaving.hidden, leaving.unneeded)
    )
    return Plan(
        steps=(step,),
        channels=tuple(routes),
        before=before,
        after=after,
        departure=leaving,
    )


def removal(tool: str, target: Iterable[str], names: Iterable[str]) -> list[str]:
    """The command of conda, mamba or micromamba that removes these packages and no others.

    Without its option it removes also what needs one of them, and everything else that nobody has
    asked for by name (tried on conda 24.7 and 26.7), which the transaction of this run keeps.
    """
    return [tool, "remove", "--force", *target, *names]


def _ordered(
    shown: Mapping[str, str], routes: Sequence[Route], options: PlanOptions
) -> tuple[str, ...]:
    """The channels in conda's order, ours as `shown`."""
    users = [shown.get(channel, channel) for channel in options.user_channels]
    ours = [
        shown[route.channel] for route in (routes if options.behind is None else options.behind)
    ]
    found = (*ours, *users) if options.behind is None else (*users, *ours)
    return tuple(dict.fromkeys(found))


def _typed(route: Route, subdir: str) -> str:
    """A channel as a person would type it: upstream by name, a mirror by URL and subdir."""
    return f"{route.url}/{subdir}" if route.by_mirror else route.channel


def _command(head: Sequence[str], channels: Sequence[str]) -> str:
    words = list(head)
    for channel in channels:
        words += ["-c", channel]
    return typed(words)


def offered(asked: InstallOptions) -> str:
    """The command that asks for this, for a message."""
    return typed(words_of(asked))


def typed(words: Iterable[str]) -> str:
    """Words as a command line of this computer."""
    return shell.command(words, windows=os.name == "nt")
