"""Packages that must be removed to install a set: torch of another channel, a marker for the CPU or
for CUDA, a toolkit of another CUDA.

No solver replaces a torch of another channel in place, `cpuonly` excludes every CUDA build, and a
metapackage such as `pytorch-gpu` holds the build that it was made for. All of these are removed in
the transaction that installs the set.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from conda.base.context import context

from ..exceptions.environment import ChannelChange
from ..index.match import admits
from ..index.sources import AUTO, SOURCES, Source, foreign, own_names
from ..machine.dependents import departure, requested, unneeded
from ..machine.environment import option_of
from ..mirrors.addresses import name_of
from ..models import Build, Choice, Departure, Installed, Machine, Notice, Records, Request
from ..selection.facts.names import CUDA_NAMES, FAMILY, RUNTIME, TOOLKIT, TORCH
from ..selection.plan import offered, removal, typed
from ..selection.rules import installed
from ..selection.specs import package_name
from ..text.sanitize import safe
from .task import channel_names

if TYPE_CHECKING:
    from .task import Task


def of_other_source(source: Source, on: Machine) -> Installed | None:
    """The environment's pytorch if it came from another channel, be it of a source or not, such as
    defaults or pytorch-nightly, else None. What is known by an address alone, or not at all, may be
    from this one."""
    there = installed(on, TORCH)
    name = name_of(there.channel) if there else ""
    ours = f"{name}/".startswith(f"{source.channel}/")
    return there if name and not (ours or "://" in name or name.startswith("<")) else None


def leftover(source: Source, chosen: Choice, on: Machine) -> Installed | None:
    """The installed package that restricts the environment to CPU builds, if CUDA is chosen."""
    if not chosen.cuda:
        return None
    return next(filter(None, (installed(on, name) for name in source.facts.cpu_only)), None)


def without_set(
    source: Source, chosen: Choice, on: Machine, records: Records, asked: Collection[str]
) -> list[str]:
    """The installed metapackages of the source of which there is none for the chosen pytorch,
    pytorch-cuda beside a release before it, and a toolkit of another CUDA, which `cuda-version`
    excludes, if it was `asked` for: one that came along leaves by itself. A sample proves that of a
    metapackage only where it is for the CPU and the set is for CUDA, or the reverse."""
    facts, torch = source.facts, chosen.torch
    found = []
    if installed(on, RUNTIME) and chosen.runtime == TOOLKIT:
        # What it brings needs a `cuda-version` that excludes the toolkit of a release before it.
        found.append(RUNTIME)
    toolkit = installed(on, TOOLKIT) if TOOLKIT in asked else None
    if toolkit and chosen.cuda and facts.read(torch).runtime == CUDA_NAMES[0]:
        majors = {version.partition(".")[0] for version in (toolkit.version, chosen.cuda)}
        found += [TOOLKIT] if len(majors) > 1 else []
    for name in facts.metapackages:
        there = installed(on, name)
        if there is None:
            continue
        own = Build(name, there.version, there.build, 0, on.subdir, there.channel)
        of_kind = (facts.read(own).accelerator == "cuda") == bool(chosen.cuda)
        if of_kind and (source.is_sample(records) or _any_for(torch, name, source, records)):
            continue
        found.append(name)
    return found


def _any_for(torch: Build, name: str, source: Source, records: Records) -> bool:
    """Whether there is a metapackage of this name for a build of pytorch."""
    builds = (build for build in records.builds if build.name == name)
    return any(
        all(admits(spec, torch.name, torch.version, torch.build) for spec in specs)
        for build in builds
        if (specs := source.facts.torch_specs(build))
    )


def strangers(source: Source, on: Machine) -> tuple[Installed, ...]:
    """Installed packages that only work with builds of other sources, such as `pytorch-cuda`.

    They restrict every solve, so that builds of this source may have no solution.
    """
    kept = {*FAMILY, TOOLKIT}
    names = sorted(set().union(*(own_names(s) for s in SOURCES if s is not source)) - kept)
    return tuple(filter(None, (installed(on, name) for name in names)))


def with_dependents(task: Task) -> Task:
    """Add to the task's specs the packages that need a torch to be removed, so that they stay.
    Partners are chosen along with the set."""
    named = task.source.facts.names
    others = (*task.request.others, *_unnamed(_of_source(task), task.request, *named))
    return task._replace(request=task.request._replace(others=others))


def _unnamed(leaving: Departure, request: Request, *more: str) -> tuple[str, ...]:
    """The specs of packages that need one of those that leave; without what the request names, and
    the names in `more`."""
    named = {*map(package_name, request.others), *request.specs, *more}
    return tuple(
        spec for spec in leaving.specs if package_name(spec.rpartition("::")[2]) not in named
    )


def of(task: Task, chosen: Choice, records: Records) -> Departure:
    """The packages to remove from the environment for a set, chosen among these records."""
    source, on = task.source, task.machine
    there = leftover(source, chosen, on)
    asked = requested(str(task.target.prefix)) if installed(on, TOOLKIT) else ()
    names = {*([there.name] if there else ()), *without_set(source, chosen, on, records, asked)}
    leaving = _of_source(task, *names)
    # With --no-deps conda is to leave alone what the set needs, and needed.
    found_here = on.installed and ("--no-deps",) not in task.options.passed
    if not (found_here and to_cpu(task.request, chosen)) or of_other_source(source, on):
        return leaving
    family = source.facts.names - {TOOLKIT}
    brought = {source.runtime_channel} if source.runtime_channel else set[str]()
    specs = (*task.request.others, *(pin.spec for pin in task.request.pins))
    now = set(map(package_name, specs))
    needed = {package_name(spec) for build in chosen.builds for spec in build.depends}
    find = partial(
        unneeded,
        str(task.target.prefix),
        (RUNTIME,),
        family=family,
        channels=brought,
        asked=now,
        needed=needed,
        channel_of=channel_names(),
    )
    going = {*find(listed=True)} - {*leaving.hidden}
    unknown = {*find(listed=False)} - {*leaving.hidden} - going
    return leaving._replace(unneeded=tuple(sorted(going)), unknown=tuple(sorted(unknown)))


def to_cpu(request: Request, chosen: Choice) -> bool:
    """Whether builds for the CPU are asked for, so that they leave no need for CUDA. Where only no
    driver was found, the CUDA that is there may be meant for another machine."""
    return request.cuda == "cpu" and not chosen.cuda


def kept(leaving: Departure, task: Task, chosen: Choice) -> tuple[str, ...]:
    """The specs of packages that need one of those that leave, which go with it unless they are
    named; without the set, and what the request names already."""
    of_set = (build.name for build in chosen.builds)
    return _unnamed(leaving, task.request, *task.source.facts.names, *of_set)


def _of_source(task: Task, *more: str) -> Departure:
    """The packages to remove for any set of the source, and those named in `more`."""
    source, on = task.source, task.machine
    names = {*more, *(package.name for package in strangers(source, on))}
    if of_other_source(source, on):
        names |= frozenset[str]().union(*(other.facts.names for other in SOURCES))
    # With a runtime package goes the CUDA that it brought, of whatever major.
    runtime = {source.runtime_channel} if source.runtime_channel and RUNTIME in names else set()
    channels = foreign(source) | runtime
    if not names:
        return Departure()
    return departure(str(task.target.prefix), names, channels, channel_names())


def _of_cpu(found: Departure, task: Task) -> list[Notice]:
    """Notices on what builds for the CPU leave no need for."""
    on, count = task.machine, len(found.unneeded)
    told: list[Notice] = []
    runtime = installed(on, RUNTIME) if RUNTIME in found.unneeded else None
    if runtime:
        told.append(Notice("runtime_removed", {"spec": f"{RUNTIME} {runtime.version}"}))
    if rest := count - bool(runtime):
        told.append(Notice("orphans_removed" if runtime else "cuda_removed", {"count": rest}))
    prefix = str(task.target.prefix)
    where = task.target.words or option_of(prefix).split()
    if found.unknown:
        command = safe(typed(removal("conda", where, found.unknown)))
        told.append(Notice("cuda_stays", {"count": len(found.unknown), "command": command}))
    toolkit = installed(on, TOOLKIT)
    if toolkit and TOOLKIT in requested(prefix, listed=False) and not found.hidden:
        command = safe(typed(removal("conda", where, (TOOLKIT,))))
        spec = f"{TOOLKIT} {toolkit.version}"
        told.append(Notice("toolkit_stays", {"spec": spec, "command": command}))
    return told


def notices(found: Departure, task: Task, chosen: Choice) -> list[Notice]:
    """Notices on the packages to remove, and why."""
    source, on = task.source, task.machine
    of_cpu = _of_cpu(found, task) if to_cpu(task.request, chosen) else []
    if not found.named:
        return of_cpu
    versions = {name: there.version for name in found.named if (there := installed(on, name))}
    shown = {name: f"{name} {versions.get(name, '')}".rstrip() for name in found.named}
    told = []
    if there := of_other_source(source, on):
        facts = {"of": name_of(there.channel), "channel": source.channel, "count": len(shown)}
        told.append(Notice("channel_changes", {**facts, "removed": ", ".join(shown.values())}))
    else:
        other = [package.name for package in strangers(source, on)]
        if other:
            listed = ", ".join(shown.pop(name) for name in other)
            told.append(Notice("strangers_removed", {"removed": listed, "source": source.name}))
        told += [
            Notice(
                "cpuonly_removed" if name in source.facts.cpu_only else "metapackage_removed",
                {"spec": spec},
            )
            for name, spec in shown.items()
        ]
    if found.orphans:
        told.append(_of_orphans(found.orphans, task))
    return [*told, *of_cpu]


def _of_orphans(orphans: Collection[str], task: Task) -> Notice:
    """The notice on what leaves with a set; by name where somebody may have asked for some of it,
    before the environment was cloned."""
    facts = {"count": len(orphans)}
    if requested(str(task.target.prefix)).keys().isdisjoint(orphans):
        return Notice("orphans_removed", facts)
    return Notice("orphans_unknown", {**facts, "names": ", ".join(sorted(orphans))})


def check_confirmed(task: Task) -> None:
    """Refuse to change pytorch's channel without a prompt, unless the source was named.

    Raises: ChannelChange.
    """
    options, request = task.options, task.request
    there = of_other_source(task.source, task.machine)
    asks = not (context.always_yes or options.as_json)
    if there is None or asks or options.preview or options.action != "install":
        return
    if request.source != AUTO:
        return
    asked = task.typed
    raise ChannelChange(
        there=f"{there.name} {there.version}",
        of=name_of(there.channel),
        channel=task.source.channel,
        command=safe(offered(asked._replace(source=task.source.name))),
        new=safe(offered(asked.elsewhere())),
    )
