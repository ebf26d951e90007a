"""An attempt to meet a request from one source: its records, and the choice among them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..handover.channels import kept
from ..index.match import admits, read
from ..index.sources import Source
from ..mirrors.addresses import name_of
from ..models import Build, Choice, NoChoice, Notice, Pin, Records, Request
from ..selection import rules
from ..selection.choose import choose, with_highest_cuda
from ..selection.facts.names import CUDA_NAMES, METAPACKAGES, OF_TOOLKIT, TORCH
from ..selection.rules import installed, names_cuda
from ..selection.specs import fixed_minor, marks, package_name
from .task import Task

#: The build string of a noarch Python package, which is not built against a particular pytorch.
#: Other builds of another channel are, so they cannot be combined with the set.
_NOARCH = r"[=\s]py(?:h[0-9a-f]{7})?_\d+$"


class Attempt(NamedTuple):
    """A task for one source, the source's records, and the choice among them.

    The task's request is narrowed to sets that the other requested packages work with; `notices`
    say how. `with_toolkit` is the attempt to find one for the packages of a CUDA toolkit that are
    named, where it failed and the choice is without regard to them.
    """

    task: Task
    records: Records
    found: Choice | NoChoice
    notices: tuple[Notice, ...] = ()
    with_toolkit: Attempt | None = None


def is_sample(done: Attempt) -> bool:
    """Whether the records of an attempt are only a sample of the source's."""
    return done.task.source.is_sample(done.records)


def attempt(task: Task, records: Records) -> Attempt:
    """Choose among the records of the task's source."""
    request, foreign = without_foreign(task.source, task.request, records.builds, task.configured)
    task = _for_files(task._replace(request=request), records)
    request, narrowing = _beside(task, records)
    task = task._replace(request=request)
    pins = _of_toolkit(request)
    narrowed = task._replace(request=request._replace(pins=(*request.pins, *pins)))
    told = (*foreign, *narrowing)
    with_toolkit = _made(narrowed, records, told) if pins else None
    if with_toolkit is None or isinstance(with_toolkit.found, NoChoice):
        return _made(task, records, told)._replace(with_toolkit=with_toolkit)
    specs = ", ".join(f"`{pin.text}`" for pin in pins)
    return with_toolkit._replace(notices=(*told, Notice("toolkit_beside", {"specs": specs})))


def _made(task: Task, records: Records, notices: tuple[Notice, ...]) -> Attempt:
    done = Attempt(task, records, _choose(task, records.builds), notices)
    return _as_of_sample(done) if is_sample(done) else done


def of_those_with_toolkit(tried: Sequence[Attempt]) -> list[Attempt]:
    """The attempts; where one source has a set that runs with the packages of a toolkit that are
    named, a source without one has no choice."""
    if all(each.with_toolkit or isinstance(each.found, NoChoice) for each in tried):
        return list(tried)
    return [each.with_toolkit or each for each in tried]


def _of_toolkit(request: Request) -> tuple[Pin, ...]:
    """Pins for the CUDA of the packages of a toolkit that are named beside the family. None where
    what names a CUDA by itself is named, and where the installed pytorch stays."""
    if request.keeps_torch or names_cuda(request):
        return ()
    found = {spec: fixed_minor(spec.rpartition("::")[2]) for spec in request.others}
    return tuple(
        Pin(f"{CUDA_NAMES[0]}={cuda}", "", spec)
        for spec, cuda in found.items()
        if cuda and package_name(spec) in OF_TOOLKIT
    )


def _choose(task: Task, builds: Sequence[Build]) -> Choice | NoChoice:
    """The choice. Where only packages beside the installed pytorch are named, or a metapackage that
    it satisfies, that very build stays if a set with it fits, or else its release and CUDA: what
    was compiled for it goes with no other, and for one more partner nobody expects gigabytes of
    another CUDA."""
    on, request, knowledge = task.machine, task.request, task.source.knowledge
    may_stay = request.keeps_torch or _by_metapackage(request)
    there = installed(on, TORCH) if may_stay else None
    if there is not None:
        asked = request.specs[TORCH]
        build = f"{TORCH}={there.version}={there.build}"
        narrowed = [request._replace(specs={**request.specs, TORCH: (*asked, build)})]
        if cuda := marks(there.build).cuda:
            pin = Pin(f"{CUDA_NAMES[0]}={cuda}", "")
            specs = {**request.specs, TORCH: (*asked, f"{TORCH}=={there.version}")}
            narrowed.append(request._replace(specs=specs, pins=(*request.pins, pin)))
        for kept in narrowed:
            found = choose(on, kept, builds, knowledge)
            if isinstance(found, Choice) and not rules.conflicts(found, on, request, admits):
                return found if names_cuda(request) else _stays(found)
    return choose(on, request, builds, knowledge)


def _by_metapackage(request: Request) -> bool:
    """Whether only metapackages name pytorch."""
    named = [read(word).name for word, of in request.typed if of == TORCH]
    return bool(named) and all(name in METAPACKAGES for name in named)


def _stays(found: Choice) -> Choice:
    """The choice, whose CUDA is that of the installed pytorch, and not what words or pins ask."""
    codes = {"cuda_narrowed": "machine.cuda_stays"}
    told = (notice._replace(code=codes.get(notice.code, notice.code)) for notice in found.notices)
    return found._replace(notices=tuple(told))


def without_foreign(
    source: Source, request: Request, builds: Sequence[Build], channels: Iterable[str]
) -> tuple[Request, list[Notice]]:
    """Move partners whose requested build only another channel can have to the specs that go to the
    solver as written. Return the new request, and notices."""
    if {source.channel, source.runtime_channel}.issuperset(channels):
        return request, []
    foreign = {
        name: specs
        for name, specs in request.specs.items()
        if name in source.facts.partners
        and any(re.search(_NOARCH, spec) for spec in specs)
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


def _as_of_sample(done: Attempt) -> Attempt:
    """The attempt, with rejections that do not take the sample for the whole channel."""
    rejected = tuple(
        item._replace(needs=item.needs._replace(code="no_partner_sample"))
        if item.needs.code == "no_partner"
        else item
        for item in done.found.rejected
    )
    return done._replace(found=done.found._replace(rejected=rejected))


def _for_files(task: Task, records: Records) -> Task:
    """The task for the newest CUDA, where there is no driver and files name a CUDA package without
    a version: they want CUDA, as files do that name a version."""
    on, request = task.machine, task.request
    if task.files is None or not task.files.any_cuda or on.has_gpu or request.cuda != "auto":
        return task
    found = with_highest_cuda(on, request, records.builds, task.source.knowledge)
    if found is None or found.cuda is None:
        return task
    on = on._replace(cuda=found.cuda, cuda_from="file")
    survey = task.survey._replace(machine=on)
    return task._replace(request=request._replace(cuda=found.cuda), survey=survey)


def _beside(task: Task, records: Records) -> tuple[Request, tuple[Notice, ...]]:
    """The request, narrowed to sets that the other requested packages work with, as far as their
    records are cheap to read. A preview reads no further channel for that, and says so."""
    on, source, request = task.machine, task.source, task.request
    if not request.others:
        return request, ()
    from . import beside, other_packages

    # What is left out of the run says nothing of it, unless a spec names the channel itself.
    users = kept(task.configured, source, on.subdir, exists=task.target.exists)
    named = task.options.channels
    if users is not None:
        named = tuple(channel for channel in named if name_of(channel) in users)
    channels = other_packages.near(source, request.others, named)
    read = channels if task.options.solving else ()
    others = other_packages.at_hand(request.others, read, records, on.subdir)
    request, notices = beside.narrow(on, request, records.builds, others, source.knowledge)
    if channels and not task.options.solving:
        listed = ", ".join(f"`{name}`" for name in channels)
        notices = (*notices, Notice("beside_unread", {"channels": listed}))
    return request, notices
