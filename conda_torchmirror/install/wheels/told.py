"""What is said of a decision on wheels: hashes, evidence, METADATA, options without effect."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from conda.base.context import context
from packaging.utils import canonicalize_name

from ...index import hidden
from ...machine.python import distributions
from ...mirrors.registry import Route
from ...models import CondaStep, Notice
from ...selection.pip.against import Known
from ...selection.pip.metadata import admits, parse, requirements
from ...selection.pip.plan import WheelFile
from ...selection.wheels.choose import WheelSet
from ...selection.wheels.source import knowledge
from ...selection.wheels.tables import tables
from ...selection.wheels.tags import WheelTarget
from ...text.sanitize import safe
from ...transport.wheels import routes
from ..notices import for_this_computer
from .task import WheelTask


def about_files(files: Sequence[WheelFile], said: Collection[str]) -> Iterator[Notice]:
    """Notices on the files: their hashes, records and METADATA, of which `said` are the projects
    of which it is known."""
    yield from about_hashes(files)
    yield from about_evidence(files)
    yield from about_metadata(files, said)


def about_machine(task: WheelTask, chosen: WheelSet) -> Iterator[Notice]:
    """A notice on a set for another CUDA than this computer's, if it does not run here."""
    on = task.machine
    target = WheelTarget(on.subdir, [chosen.python], on.free_threaded)
    known = knowledge(on.subdir, tables(), target, named=True)
    yield from for_this_computer(task, chosen.choice.torch, known)


def about_hashes(files: Sequence[WheelFile]) -> tuple[Notice, ...]:
    """A notice on files of which their mirror lists no hash. Of the user's own, `own.confirm` says
    what they were compared with."""
    away = [file for file in files if not file.link.url.startswith("file:")]
    read = [file for file in away if file.link.known_by == "record"]
    bare = [file.link.filename for file in read if not file.link.sha256]
    if not bare:
        return ()
    facts = {"count": len(bare), "mirror": next(f.mirror for f in read if not f.link.sha256)}
    return (Notice("wheels_without_hash", facts),)


def about_evidence(files: Sequence[WheelFile]) -> tuple[Notice, ...]:
    """A notice on files that were seen in no record."""
    derived = sum(file.link.known_by == "derived" for file in files)
    return (Notice("derived_wheels", {"count": derived}),) if derived else ()


def about_metadata(files: Sequence[WheelFile], said: Collection[str]) -> tuple[Notice, ...]:
    """A notice on files whose METADATA is not known; `said` are the projects of which it is."""
    lacking = [file.project for file in files if file.project not in said]
    facts = {"names": ", ".join(lacking), "count": len(lacking)}
    return (Notice("wheel_unread", facts),) if lacking else ()


#: Options for conda's reading and solving, which only affect its own part of the run.
_CONDAS_PART = frozenset(
    (
        *("--solver", "--experimental-solver", "--repodata-fn", "--no-pin", "--use-index-cache"),
        *("--strict-channel-priority", "--no-channel-priority"),
    )
)


def about_options(task: WheelTask, index: Route, step: CondaStep | None) -> Iterator[Notice]:
    """Notices on options and settings that have no effect in this run, or on conda's part alone."""
    given = [words[0] for words in task.options.passed if words[0] in _CONDAS_PART]
    if given and step is None:
        yield Notice("conda_unheard", {"options": ", ".join(given)})
    if context.ssl_verify is False and not index.url and index != routes.NO_INDEX:
        yield Notice("pip_unchecked")
    if hidden.by_date():
        yield Notice("wheels_not_by_date")


def passed_over(known: Known) -> Iterator[Notice]:
    """Notices on wheels that are passed over for what their METADATA says."""
    for one in known.values():
        yield Notice("wheel_passed_over", {"wheel": one.wheel, "needs": one.needs})


def needs_other(known: Known) -> Notice | None:
    """The cause for a set that needs a partner made for another torch, None without any."""
    wrong = next((one for one in known.values() if one.python is None), None)
    return wrong and Notice("wheel_needs_torch", {"wheel": wrong.wheel, "needs": wrong.needs})


def about_dependents(
    task: WheelTask, files: Sequence[WheelFile], python: str, beside: Sequence[WheelFile] = ()
) -> Iterator[Notice]:
    """Notices on packages of the environment that go with what is there, and not with these files:
    pip only says so when it has installed them. `beside` are files that are installed as well."""
    new = {file.project: file.version for file in files}
    old = {name: one.version for name, one in task.there.items()}
    if not new.keys() & old.keys():
        return
    leaving = {*new, *(file.project for file in beside)}
    for said in filter(None, map(parse, distributions.metadata(str(task.target.prefix)))):
        for one in (
            requirements(said, task.machine.subdir, python) if said.name not in leaving else ()
        ):
            name = canonicalize_name(one.name)
            known = name in new and name in old and admits(one, old[name])
            if known and not admits(one, new[name]):
                facts = {"package": safe(f"{said.name} {said.version}"), "needs": safe(str(one))}
                yield Notice("dependent_breaks", {**facts, "held": f"{name} {new[name]}"})
