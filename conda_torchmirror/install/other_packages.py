"""Packages of other channels beside the chosen set: what goes to the solver, and what it wants.

`without_foreign` takes partners out of the choice that only another channel has. The rest is asked
after a solver found nothing: which package pins another set, and which. `find` is a pure function
of records; `read` gets those of the packages that the user named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from conda.base.context import context
from conda.models.channel import Channel

from ..exceptions.channel import ChannelError, NothingCached
from ..index import repodata
from ..index.match import admits
from ..index.sources import Source
from ..mirrors.registry import Route
from ..models import Admits, Build, Choice, Decision, InstallOptions, Machine, Notice, Request
from ..selection.choose import choose
from ..selection.facts.names import FAMILY, TORCH
from ..selection.facts.record import Knowledge, recency
from ..selection.plan import typed
from ..selection.specs import admits_python, package_name

PYTHON = "python"

#: The build of a package for any Python and platform, which is built against no pytorch. That of
#: another channel's torchvision would be, and its own one besides.
_NOARCH = re.compile(r"[=\s]py(?:h[0-9a-f]{7})?_\d+$")


class Conflict(NamedTuple):
    """A package of which no build goes with a set.

    `wanted` are specs of its newest build that the set does not meet, `held` what the set has of
    these. `specs` and `python` ask for a set that a build of it goes with, if there is one.
    """

    package: str
    wanted: tuple[str, ...]
    held: tuple[str, ...]
    specs: tuple[str, ...] = ()
    python: str | None = None


def without_foreign(
    source: Source, request: Request, builds: Sequence[Build], channels: Iterable[str]
) -> tuple[Request, list[Notice]]:
    """The request without partners whose build only another channel can have, which go to the
    solver as they are written; and notices to show."""
    if {source.channel, source.runtime_channel}.issuperset(channels):
        return request, []
    foreign = {
        name: specs
        for name, specs in request.specs.items()
        if name in source.facts.partners
        and any(_NOARCH.search(spec) for spec in specs)
        and not any(
            all(admits(spec, name, build.version, build.build, build) for spec in specs)
            for build in builds
            if build.name == name
        )
    }
    kept = {name: specs for name, specs in request.specs.items() if name not in foreign}
    words = tuple(spec for specs in foreign.values() for spec in specs)
    told = [
        Notice("partner_elsewhere", {"spec": spec, "channel": source.channel}) for spec in words
    ]
    return request._replace(specs=kept, others=(*words, *request.others)), told


def read(decision: Decision, words: Iterable[str]) -> dict[str, list[Build]]:
    """The builds that conda's channels have of the packages that specs name, by spec.

    A channel that cannot be read counts as one without them.
    """
    by_name = {package_name(word): word for word in words}
    found: dict[str, list[Build]] = {word: [] for word in by_name.values()}
    subdir = decision.machine.subdir
    for channel in map(Channel, dict.fromkeys((*decision.plan.passed, *context.channels))):
        for part in channel.channels if hasattr(channel, "channels") else (channel,):
            route = Route(part.canonical_name, str(part.base_url), "")
            try:
                builds = repodata.read(route, subdir, set(by_name)).builds
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
    """The first package that no set but another goes with. `others` are builds by spec."""
    admits = knowledge.admits
    for word, builds in others.items():
        spec = word.rpartition("::")[2]
        fitting = [b for b in builds if admits(spec, b.name, b.version, b.build)]
        if not fitting or any(not _unmet(build, choice, admits) for build in fitting):
            continue
        fitting.sort(key=recency, reverse=True)
        wanted = _unmet(fitting[0], choice, admits)
        there = _held(choice)
        held = tuple(dict.fromkeys(there[package_name(spec)] for spec in wanted))
        for build in fitting:
            if found := _fitting_set(build, machine, request, records, knowledge):
                return Conflict(word, wanted, held, *found)
        return Conflict(word, wanted, held)
    return None


def command(
    conflict: Conflict, request: Request, options: InstallOptions, words: Sequence[str]
) -> str | None:
    """The command line that asks for what a package wants, with everything else as asked.

    `words` name the environment. With files there is none: what they say stays.
    """
    if not conflict.specs or options.files:
        return None
    partners = [name for name in request.specs if name in FAMILY and name != TORCH]
    python = conflict.python or options.python
    return typed(
        (
            *("conda", "torch-install", *words, *conflict.specs, *partners, *request.others),
            *(("--cuda", options.cuda) if options.cuda != "auto" else ()),
            *(("--python", python) if python else ()),
            *(word for channel in options.channels for word in ("-c", channel)),
        )
    )


def _held(choice: Choice) -> dict[str, str]:
    """What a set has of each name, as messages show it."""
    held = {build.name: f"{build.name} {build.version}" for build in choice.builds}
    if choice.runtime and choice.cuda:
        held.setdefault(choice.runtime, f"{choice.runtime} {choice.cuda}")
    return {**held, PYTHON: f"{PYTHON} {choice.python}"}


def _unmet(build: Build, choice: Choice, admits: Admits) -> tuple[str, ...]:
    """The specs of a build that a set does not meet."""
    return tuple(spec for spec in build.depends if not _meets(spec, choice, admits))


def _meets(spec: str, choice: Choice, admits: Admits) -> bool:
    name = package_name(spec)
    if name == PYTHON:
        return admits_python(spec, choice.python, admits)
    for build in choice.builds:
        if build.name == name:
            return admits(spec, name, build.version, build.build)
    if name == choice.runtime and choice.cuda:
        return admits(spec, name, choice.cuda, "")
    return True


def _fitting_set(
    build: Build,
    machine: Machine,
    request: Request,
    records: Sequence[Build],
    knowledge: Knowledge,
) -> tuple[tuple[str, ...], str | None] | None:
    """Specs, and a Python where it is free, with which the same choice meets a build's specs."""
    admits = knowledge.admits
    for on in _pythons(build, machine, records, admits):
        wanted = [spec for spec in build.depends if package_name(spec) in FAMILY]
        specs = dict(request.specs)
        for spec in wanted:
            name = package_name(spec)
            own = (s for s in specs.get(name, ()) if s == name)
            specs[name] = (*own, spec)
        specs.setdefault(TORCH, (TORCH,))
        found = choose(on, request._replace(specs=specs), records, knowledge)
        if not isinstance(found, Choice) or _unmet(build, found, admits):
            continue
        torch = found.torch
        python = on.python if on.python != machine.python else None
        for short in (f"{TORCH}={torch.version}", torch.spec):
            alone = {**request.specs, TORCH: (short,)}
            again = choose(on, request._replace(specs=alone), records, knowledge)
            if isinstance(again, Choice) and not _unmet(build, again, admits):
                return (short,), python
    return None


def _pythons(
    build: Build, machine: Machine, records: Sequence[Build], admits: Admits
) -> Iterator[Machine]:
    """The machine, and with each Python that a build takes where it is free."""
    yield machine
    specs = [spec for spec in build.depends if package_name(spec) == PYTHON]
    if machine.python_from == "newest" and specs:
        for minor in range(14, 5, -1):
            if all(admits_python(spec, f"3.{minor}", admits) for spec in specs):
                yield machine._replace(python=f"3.{minor}")
