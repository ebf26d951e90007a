"""Advice on other places that serve a request: conda-forge, wheels, `pytorch-lts`. Pure.

Each is offered only if it serves the whole request: release, partners, Python, CUDA, driver, GPU
and platform. Nothing is chosen from them here; the figures are in `data/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...models import Admits, Machine, Notice, Request
from ...options import OFFLINE, InstallOptions
from ..facts.cuda import data, runs_on, tables
from ..facts.names import FAMILY, MUTEX, TOOLKIT, TORCH
from ..facts.record import Knowledge
from ..plan import offered
from ..specs import minor, number, package_name, without_build
from .forge_tables import on_conda_forge
from .wanted import Wanted

#: Steps that lead to conda-forge by what the tables say of it.
OF_TABLES = ("use_conda_forge", "use_conda_forge_cpu", "less_of_conda_forge")
#: A release that every spec admits which has no upper bound.
_NEWEST = "999"


def find(
    machine: Machine, request: Request, knowledge: Knowledge, asked: InstallOptions
) -> Iterator[Notice]:
    """Advise on places, other than the source at hand, that serve the request.

    `asked` are the options that ask for the same from conda-forge, in a new environment.
    """
    if knowledge.source.torch != TORCH:
        return  # words on wheels do not apply to a channel
    wanted = Wanted(machine, request, knowledge.admits, knowledge.tables)
    yield from _long_term(wanted)
    if wanted.of_the_channel or any(package_name(pin.spec) == MUTEX for pin in wanted.pins):
        return
    if not knowledge.source.metapackages:  # only conda-forge itself has these
        yield from _conda_forge(wanted, asked)
    yield from _wheels(wanted)


def _conda_forge(wanted: Wanted, asked: InstallOptions) -> Iterator[Notice]:
    """Advise on conda-forge, with the newest and the oldest release that serve the request."""
    fitting = list(on_conda_forge(wanted))
    if not fitting:
        return
    (last, cuda), (first, _) = fitting[0], fitting[-1]
    asked = asked.without(OFFLINE)  # the tables are of the channel, not of a copy of its index
    if wanted.machine.python_from == "prefix":
        asked = asked._replace(python=wanted.machine.python)
    facts = {**_releases(first, last), "command": offered(asked), "online": ""}
    if cuda:
        yield Notice("use_conda_forge", {**facts, "cuda": cuda})
    else:
        yield Notice("use_conda_forge_cpu", facts)


def _releases(first: str, last: str) -> dict[str, Any]:
    """The facts of a span of releases; `count` is 1 for a single release, else 2."""
    since, until = minor(first), minor(last)
    return {"since": since, "torch": until, "count": 1 if since == until else 2}


def _wheels(wanted: Wanted) -> Iterator[Notice]:
    """Advise on wheels with code for a GPU that no build of the channel has code for."""
    machine = wanted.machine
    if wanted.on_cpu or machine.cuda_arch is None:
        return
    bounds = wanted.tables.wheel_pythons
    pythons = [f"3.{n}" for n in range(number(bounds[0])[1], number(bounds[1])[1] + 1)]
    if not any(wanted.python(python) for python in pythons):
        return
    fitting = [
        block
        for block in wanted.tables.blocks_elsewhere("wheels", machine.cuda_arch, machine.subdir)
        if wanted.cuda(block.cuda)
        and any(wanted.release(TORCH, f"{block.until}.{patch}") for patch in range(3))
        and not any(wanted.request.specs.get(n, (n,)) != (n,) for n in FAMILY if n != TORCH)
    ]
    if not fitting:
        return
    last = max(fitting, key=lambda block: (number(block.until), number(block.cuda)))
    since = min((block.since for block in fitting), key=number)
    tag = "cu" + last.cuda.replace(".", "")
    facts = {**_releases(since, last.until), "cuda": last.cuda, "tag": tag}
    yield Notice("use_wheels", facts)


def _long_term(wanted: Wanted) -> Iterator[Notice]:
    """Advise on another conda channel if the words name a release that only that channel has."""
    specs = wanted.request.specs.get(TORCH, ())
    if all(wanted.admits(without_build(spec) or spec, TORCH, _NEWEST, "") for spec in specs):
        return  # a build or a lower bound names no release that others do not have
    for entry in data("rules.json")["elsewhere"]:
        command = _command(entry, wanted)
        partners = {TORCH: entry["torch"], **entry["partners"]}
        fits = any(wanted.python(python) for python in entry["pythons"]) and all(
            name in partners and wanted.release(name, partners[name])
            for name in FAMILY
            if name in wanted.request.specs
        )
        if command and fits:
            facts = {"torch": entry["torch"], "channel": entry["channel"], "command": command}
            yield Notice("other_channel_has", facts, entry["source"])


def _command(entry: Mapping[str, Any], wanted: Wanted) -> str | None:
    """The official command for the request. It creates a new environment, because the active one
    would have to change its Python or get a second pytorch."""
    words = entry["words"].get(wanted.machine.subdir, {})
    found = next((words[cuda] for cuda in words if _takes(cuda, wanted)), None)
    python = next((f"python={p} " for p in reversed(entry["pythons"]) if wanted.python(p)), "")
    return f"conda create -n NEW {python}{found}" if found else None


def _takes(cuda: str, wanted: Wanted) -> bool:
    """Whether the official command for this CUDA (or "cpu") serves the request."""
    if cuda == "cpu" or wanted.on_cpu:
        return cuda == "cpu" and wanted.on_cpu
    toolkit = wanted.request.specs.get(TOOLKIT, ())
    asked = all(wanted.admits(spec, TOOLKIT, cuda, "") for spec in toolkit if spec != TOOLKIT)
    arch, subdir = wanted.machine.cuda_arch, wanted.machine.subdir
    code = wanted.tables.architectures(data("rules.json")["elsewhere"][0]["torch"], cuda, subdir)
    return asked and wanted.cuda(cuda) and (not arch or not code or runs_on(arch, code))


def others_of_pytorch() -> frozenset[str]:
    """The channels of pytorch.org other than that of its stable releases."""
    return frozenset(data("rules.json")["other_channels"]["names"])


def of_channel(channel: str, machine: Machine, request: Request, admits: Admits) -> list[Notice]:
    """The official commands for a channel other than `pytorch`, for the CUDA toolkit asked for."""
    wanted = Wanted(machine, request, admits, tables())
    return [
        Notice("other_channel_command", {"channel": channel, "command": command}, entry["source"])
        for entry in data("rules.json")["elsewhere"]
        if entry["channel"] == channel and (command := _command(entry, wanted))
    ]
