"""What an environment has of a plan with wheels, what of it pip would replace, and what else there
needs what is replaced."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ....machine.python import distributions
from ....models import Machine, Notice
from ....plans import replay as conda_plans
from ....plans.saved_plan import SavedPlan
from ....plans.wheel_part import WheelPart
from ....selection.pip import rest
from ....selection.pip.metadata import Metadata, parse
from ....selection.pip.plan import WheelFile
from ....selection.pip.rest import RestTarget
from ....transport.wheels import metadata
from .. import told
from ..task import WheelTask


def has_all(plan: SavedPlan, part: WheelPart, on: Machine, prefix: str) -> bool:
    """Whether the environment has everything of the plan: the set in its exact versions, and of
    everything else what the set needs. Any version that meets that will do, as it does for pip; one
    that another tool has brought since may not."""
    there = distributions.installed(prefix)
    return (
        on.python == part.python
        and all(
            (held := there.get(file.project)) is not None
            and held.owner is None
            and held.version == file.version
            for file in part.files
        )
        and all(file.project in there for file in part.rest or ())
        and _needs_are_met(part, on, prefix)
        and has_packages(conda_plans.records_of(plan), prefix)
    )


def has_packages(records: Iterable[object], prefix: str) -> bool:
    """Whether exactly these packages are installed by conda in an environment, by file name."""
    folder = os.path.join(prefix, "conda-meta")
    names = (str(getattr(record, "fn", "")) for record in records)
    stems = (name.removesuffix(".conda").removesuffix(".tar.bz2") for name in names)
    return all(os.path.isfile(os.path.join(folder, f"{stem}.json")) for stem in stems)


def _needs_are_met(part: WheelPart, on: Machine, prefix: str) -> bool:
    said = {one.name: one for one in filter(None, map(parse, distributions.metadata(prefix)))}
    projects = [file.project for file in part.files]
    return not _unmet(projects, part.others, said, on, {}, distributions.installed(prefix))


def _unmet(
    projects: Sequence[str],
    words: Sequence[str],
    said: Mapping[str, Metadata],
    on: Machine,
    brought: Mapping[str, str],
    there: Mapping[str, distributions.Distribution],
) -> list[str]:
    """The projects that these ones and these words need, and that are not there in a version that
    meets it; `brought` are versions that count as there."""
    roots = [said[name] for name in projects if name in said]
    target = RestTarget(on, on.python or "")
    versions = {**{one.name: one.version for one in there.values()}, **brought}
    found = rest.needs(roots, words, said, target) or {}
    return [name for name, need in found.items() if not rest.kept(need, versions.get(name))]


def replaced(
    task: WheelTask, part: WheelPart, files: Sequence[WheelFile], beside: Sequence[WheelFile]
) -> Iterator[Notice]:
    """Notices on packages of the environment that do not go with the set, nor with what pip has to
    replace for it, as far as the files are here and say what they need."""
    if not task.target.exists:
        return
    yield from told.about_dependents(task, files, part.python, beside)
    here = ((file.project, file.cached) for file in (*files, *beside) if file.cached)
    read = ((project, metadata.of_file(path)) for project, path in here)
    said = {project: found for project, found in read if found is not None}
    projects = [file.project for file in files]
    set_ = {file.project: file.version for file in files}
    new = _unmet(projects, part.others, said, task.machine, set_, task.there)
    moved = [file for file in beside if file.project in new]
    yield from told.about_dependents(task, moved, part.python, files)
