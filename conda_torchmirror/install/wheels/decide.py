"""From a request to a decision for wheels: reading pages, choosing, locating files, planning pip.

Changes nothing and starts no process. Of the environment it reads names and records only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from conda.base.context import context

from ...exceptions.channel import NoWheels
from ...exceptions.choice import NoFittingWheel
from ...handover import wheel_cache
from ...mirrors.registry import Route
from ...mirrors.urls import host_of
from ...models import Machine, NoChoice, Notice, Records
from ...options import listing as listed
from ...selection.pip import against, bounds, plan, rest, variants
from ...selection.pip.against import Against
from ...selection.pip.bounds import Bounds
from ...selection.pip.metadata import Metadata, requirements
from ...selection.pip.plan import TRITON, WheelDecision, WheelFile
from ...selection.pip.rest import RestTarget
from ...selection.plan import offered
from ...selection.wheels import advice
from ...selection.wheels.choose import WheelSet, choose, to_ask
from ...selection.wheels.link import Link, project_of, triple_of
from ...selection.wheels.name import Refused, parse
from ...selection.wheels.tables import FAMILY, TORCH, tables
from ...selection.wheels.tags import WheelTarget
from ...text import reasons
from ...text.messages import text
from ...transport.wheels import metadata, preview, routes
from ...transport.wheels.indexes import first_answering
from ...transport.wheels.local import LocalReader
from ...transport.wheels.reader import WHEELS, Located, WheelReader
from ...transport.wheels.rest import OnDisk, Rest, find
from . import steps, told
from .obstacles import check_environment, check_owned, not_here
from .own import whole_set
from .own.brought import PYTHONS, check_content
from .own.confirm import confirmed
from .steps import PipOrder
from .task import WheelTask


class Chosen(NamedTuple):
    """The set with all its files, located, and their METADATA by project, as far as known."""

    wheels: WheelSet
    files: tuple[WheelFile, ...]
    said: Mapping[str, Metadata]
    bounds: Bounds = Bounds()
    against: tuple[Against, ...] = ()


class Decided(NamedTuple):
    """A decision, and what is needed to go on if a mirror fails later: `reader` knows other places
    of the files, `rest` are the indexes after the chosen one. `said` is the METADATA of the files
    by project, where known. `held` are the other packages that the set needs, if the user's own
    wheels have them all."""

    decision: WheelDecision
    reader: WheelReader
    rest: tuple[Route, ...]
    said: Mapping[str, Metadata] = {}
    held: Rest | None = None


def decide(task: WheelTask) -> Decided:
    """Choose a set, locate its files, and plan the run of pip. Where torch is kept to partners that
    pip takes and no set is found, the request is decided as it was made: the partners are in its
    set then, which a mirror may have where PyPI has none.

    Raises: NoFittingWheel, NoWheels, WheelNowhere, WheelsNotHere, CondaTorch, CondaOwned,
    ExternallyManaged.
    """
    check_environment(task)
    if for_partners := task.for_partners:
        with suppress(NoFittingWheel):  # which is told of the request as it was made
            return _decided(for_partners)
    return _decided(task)


def _decided(task: WheelTask) -> Decided:
    chains = routes.chains(task.options, task.config.options)
    reader, chosen = _chosen(task, chains)
    while again := task.again(chosen.wheels, chosen.against):
        task = again
        reader, chosen = _chosen(task, chains)
    task = task.settled(chosen.wheels.torch.version)
    reader.notices += told.passed_over(task.known)
    check_owned(task, chosen.said, chosen.wheels.python)
    held = _held(task, chosen)
    indexes = () if context.offline else chains.indexes
    if context.offline or held is not None:  # then an index would only have other versions
        indexes = (routes.NO_INDEX, *indexes)
    index, index_notices = first_answering(indexes, _needed(task, chosen))
    decision = _decision(task, reader, chosen, index, index_notices)
    return Decided(decision, reader, indexes[indexes.index(index) + 1 :], chosen.said, held)


def _chosen(task: WheelTask, chains: routes.Chains) -> tuple[WheelReader, Chosen]:
    """The set, by what is known of its wheels, and the reader that has its files.

    Raises: as `decide`.
    """
    reader, found = _of_own(task, chains) or _of_cache(task) or _of_mirrors(task, chains)
    if context.offline and not task.options.preview and reader.origin == "built-in":
        raise not_here(task, found)
    return reader, _complete(task, reader, found)


def _of_own(task: WheelTask, chains: routes.Chains) -> tuple[WheelReader, WheelSet] | None:
    """The choice among the user's own files, None without any.

    Raises: NoFittingWheel, NoWheels, BadWheelFile, WheelDamaged.
    """
    own = task.brought
    if own is None:
        return None
    reader = LocalReader("folder", own.folder, own.links, keep(task.machine))
    try:
        found = _read_and_choose(task, reader)
    except NoWheels as error:
        if not own.has_torch(task.machine.subdir):
            raise reader.nothing(whole_set.addresses(task)) from error
        raise no_choice(task, chains, own.links) from error
    if isinstance(found, NoChoice):
        raise no_choice(task, chains, own.links)
    check_content([w.link for w in found.wheels], lambda: whole_set.addresses(task))
    found, told = confirmed(found, chains, keep(task.machine))
    reader.notices += told
    return reader, found


def _of_cache(task: WheelTask) -> tuple[WheelReader, WheelSet] | None:
    """The choice among cached wheels, if conda is offline and they are enough, else None."""
    if not context.offline or task.options.action not in ("install", "download", "save"):
        return None
    folder = wheel_cache.folders()[0]
    reader = LocalReader("cache", folder, wheel_cache.links(), keep(task.machine))
    try:
        found = _read_and_choose(task, reader)
    except NoWheels:
        return None
    reader.notices.append(Notice("from_cache"))
    return None if isinstance(found, NoChoice) else (reader, found)


def _of_mirrors(task: WheelTask, chains: routes.Chains) -> tuple[WheelReader, WheelSet]:
    """The choice among the wheels of mirrors. Raises: NoFittingWheel, NoWheels."""
    on = task.machine
    reader = preview.reader(chains, keep(on), on.subdir, shown=task.options.preview)
    try:
        found = _read_and_choose(task, reader)
    except NoWheels as error:
        # The pages may have wheels for other Pythons only, and other directories for this one.
        if not reader.answered:
            raise
        raise no_choice(task, chains) from error
    if isinstance(found, NoChoice):
        raise no_choice(task, chains)
    return reader, found


def keep(on: Machine) -> Callable[[str], bool]:
    """Return a filter that accepts file names of wheels for this machine and of our projects."""
    target = WheelTarget(on.subdir, [on.python] if on.python else PYTHONS, on.free_threaded)
    projects = {*FAMILY, *TRITON}
    known: dict[tuple[str, str], bool] = {}

    def matters(name: str) -> bool:
        head, _, rest = name.partition("-")
        tail = rest.partition("-")[2]
        if tail.count("-") < 2:  # no version before the tags, or no tags
            return name.count("-") >= 3 and judged(name)
        # Thousands of names differ in nothing but their versions.
        found = known.get((head, tail))
        if found is None:
            found = known[head, tail] = judged(name)
        return found

    def judged(name: str) -> bool:
        return project_of(name) in projects and bool(target.fit(triple_of(name)))

    return matters


def _read_and_choose(task: WheelTask, reader: WheelReader) -> WheelSet | NoChoice:
    """Read until there is a choice: more directories of the mirror, then more mirrors."""
    on, request = task.machine, task.request
    first, lower = variants.to_read(on, request, tables())
    projects = task.projects
    found: WheelSet | NoChoice = NoChoice(())
    try:
        found = _choose(task, reader, reader.read(first, projects))
    except NoWheels:
        if not (lower and reader.answered):
            raise
    if isinstance(found, WheelSet):
        lower = variants.also(lower, found.choice, on, request, tables())
    if lower:
        first = (*first, *lower)
        found = _choose(task, reader, reader.read(first, projects))
    while isinstance(found, NoChoice):
        further = reader.read_further(first, projects)
        if further is None:
            break
        found = _choose(task, reader, further)
    return found


def _choose(task: WheelTask, reader: WheelReader, links: Sequence[Link]) -> WheelSet | NoChoice:
    """Choose. For partners newer than our table, the torch that they need is read from their
    METADATA, if a mirror serves it."""
    on, request = task.machine, task.request
    links = against.with_known(links, task.known)
    known = routes.hosts(reader.mirrors)
    asked = [link for link in to_ask(request, on, links) if host_of(link.url) in known]
    if not asked:
        return choose(request, on, links)
    pins = {
        (said.name, said.version.partition("+")[0]): str(one.specifier)
        for said in metadata.read(asked).values()
        for one in requirements(said, on.subdir, on.python or PYTHONS[-1])
        if one.name == TORCH
    }
    return choose(request, on, links, tables().extended(pins))


def no_choice(
    task: WheelTask, chains: routes.Chains, links: Sequence[Link] | None = None
) -> NoFittingWheel:
    """The error for a request that no wheels meet, with what would help.

    Without `links`, reads the pages again to find out, for every Python and including directories
    that the request excludes. Otherwise `links` are all the wheels to consider.

    Raises: NoWheels.
    """
    on, request, here = task.machine, task.request, task.without_cuda
    if links is None:
        links = _further(task, chains, here)
    every, links = links, against.with_known(links, task.known)
    fresh = task.target.is_fresh(task.options)
    found = advice.find(request, on, links, asked=task.typed, fresh=fresh, here=here)
    if isinstance(choose(request, on, every), WheelSet):
        found = found._replace(cause=told.needs_other(task.known) or found.cause)
    why = (found.rejected, Records((), "live"), request, on, found.cause, found.blamed)
    asked = task.typed._replace(source=WHEELS)
    if found.cause and found.cause.code == "no_variant":  # then nothing would be listed
        asked = asked._replace(cuda="auto")
    listing = Notice("see_list", {"command": offered(listed(asked))})
    return NoFittingWheel(
        request=reasons.asked(request, on),
        detail=reasons.with_mac(reasons.why(*why), on, found.steps),
        ways=(*found.steps, *whole_set.addresses(task)) or (listing,),
    )


def _further(task: WheelTask, chains: routes.Chains, here: Machine | None) -> Sequence[Link]:
    """The wheels for every Python, including directories that the request excludes; `here` is as in
    `variants.for_advice`.

    Raises: NoWheels.
    """
    on, request = task.machine, task.request
    every = keep(on._replace(python=None))
    reader = preview.reader(chains, every, on.subdir, shown=task.options.preview)
    names = variants.for_advice(on, request, advice.without_variants(request), tables(), here)
    try:
        return reader.read(names, task.projects)
    except NoWheels:
        if reader.origin == "live" or not reader.answered:
            raise
        return ()


def _complete(task: WheelTask, reader: WheelReader, found: WheelSet) -> Chosen:
    """Complete the set: the triton that torch pins, the location of each file, their METADATA."""
    located = reader.locate([wheel.link for wheel in found.wheels])
    pairs = zip(found.wheels, located, strict=True)
    files = [_file(w.project, w.full_version, place) for w, place in pairs]
    said = _said(files)
    if TORCH in said:
        files += _triton(task.machine, reader, found, said[TORCH])
    others = task.request.others
    limits = bounds.of_set(found.choice, said, task.there, others, found.python)
    if TORCH in said and limits.words:
        # Treated as a requirement of torch, so that it applies to packages of conda's too.
        bound = (*said[TORCH].requires, *limits.words)
        said = {**said, TORCH: said[TORCH]._replace(requires=bound)}
    wrong = tuple(against.found(found, said, task.machine.subdir))
    return Chosen(found, tuple(files), said, limits, wrong)


def _triton(
    on: Machine, reader: WheelReader, found: WheelSet, said: Metadata
) -> Iterator[WheelFile]:
    """Yield the triton that torch pins, if a mirror of torch has it."""
    target = WheelTarget(on.subdir, [found.python], on.free_threaded)
    for project, version in dict(plan.pinned_triton(said, on.subdir, found.python)).items():
        for wheel in map(parse, reader.project(found.torch.link.variant, project)):
            if (
                not isinstance(wheel, Refused)
                and wheel.project == project
                and version in (wheel.version, wheel.full_version)
                and target.fit(wheel.triple)
            ):
                (place,) = reader.locate([wheel.link])
                yield _file(project, wheel.full_version, place)
                break


def _file(project: str, version: str, place: Located) -> WheelFile:
    cached = wheel_cache.find(place.link, quickly=True)
    return WheelFile(project, version, place.link, place.mirror.name, cached)


def _said(files: Sequence[WheelFile]) -> dict[str, Metadata]:
    here = {file.project: metadata.of_file(file.cached) for file in files if file.cached}
    said = {project: found for project, found in here.items() if found is not None}
    rest = [file.link for file in files if file.project not in said]
    remote = metadata.read(rest)
    return {**said, **{found.name: found for found in remote.values()}}


def _held(task: WheelTask, chosen: Chosen) -> Rest | None:
    """The other packages that the set needs, if the user's own wheels have them all, or, offline,
    these and the cache. A printed command names the files of the set, and an index for all others.
    """
    if task.brought is None or task.options.action == "print":
        return None
    others = (*task.request.others, *chosen.bounds.words)
    asked = task.rest_of(chosen.said, others, chosen.wheels.python, anew=False)
    cached = tuple(wheel_cache.links()) if context.offline else ()
    found = find(asked, OnDisk("folder", task.brought.links + cached))
    return found if isinstance(found, Rest) else None


def _needed(task: WheelTask, chosen: Chosen) -> tuple[str, ...] | None:
    """The projects that an index has to have, None if they are not known before the files are
    here."""
    if any(file.project not in chosen.said for file in chosen.files):
        return None
    on = RestTarget(task.machine, task.python or chosen.wheels.python)
    found = rest.needs(chosen.said.values(), task.request.others, {}, on)
    here = {*task.there, *(file.project for file in chosen.files), *FAMILY}
    return None if found is None else tuple(name for name in found if name not in here)


def _decision(
    task: WheelTask,
    reader: WheelReader,
    chosen: Chosen,
    index: Route,
    index_notices: tuple[Notice, ...],
) -> WheelDecision:
    options, target, wheels = task.options, task.target, chosen.wheels
    carried, carried_notices = steps.carried(task.config, index)
    if options.wheel_dir is not None and task.brought is not None:
        carried = (*carried, "--find-links", task.brought.folder)
    pins = plan.conda_pins(chosen.said, task.machine.subdir, wheels.python)
    conda_step, bounds_ = steps.conda_first(task, wheels.python, pins), chosen.bounds.notices
    others = (*task.request.others, *chosen.bounds.words)
    order = PipOrder(chosen.files, others, carried, uv=task.uv)
    return WheelDecision(
        machine=task.machine,
        request=task.request,
        chosen=wheels,
        files=chosen.files,
        pip=steps.pip_step(target.prefix, order, index, task.machine.subdir),
        others=others,
        uv=task.uv,
        conda=conda_step,
        wheels=reader.places[0].route(WHEELS),
        rest=index,
        prefix=target.prefix,
        dry_run=options.dry_run,
        origin=reader.origin,
        date=reader.date,
        notices=(
            *wheels.notices,
            *reader.notices,
            *index_notices,
            *task.notices,
            *carried_notices,
            *told.about_files(chosen.files, chosen.said),
            *told.about_machine(task, wheels),
            *told.about_dependents(task, chosen.files, wheels.python),
            *(n._replace(facts={**n.facts, "why": text(str(n.facts["why"]))}) for n in bounds_),
            *told.about_options(task, index, conda_step),
        ),
        evidence=task.survey.evidence,
    )
