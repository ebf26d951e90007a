"""Reasons not to run pip: conda's torch, conda's packages that it would replace, PEP 668; what it
did not install, and what is not on this disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from packaging.utils import canonicalize_version
from packaging.version import InvalidVersion, Version

from ...exceptions.channel import WheelsNotHere
from ...exceptions.environment import CondaOwned, CondaTorch, ExternallyManaged, WheelPython
from ...handover import wheel_cache
from ...handover.transaction import heeded
from ...index.sources import WHEELS
from ...machine.environment import option_of
from ...machine.python import distributions
from ...machine.python.distributions import folders
from ...models import Notice
from ...options import NEW, OFFLINE
from ...selection.facts.names import CPU_ONLY, METAPACKAGES, RUNTIME
from ...selection.facts.names import FAMILY as CONDA_FAMILY
from ...selection.pip import plan
from ...selection.pip.metadata import Metadata
from ...selection.pip.plan import WheelFile
from ...selection.plan import offered, typed
from ...selection.wheels.choose import WheelSet
from ...text.messages import text
from .task import WheelTask

#: Packages that go with conda's torch, asked for by name, so that conda does not take them away
#: with it: `pytorch-cuda` keeps all of its CUDA, and is of no use to wheels, which bring their own.
_WITH_TORCH = (RUNTIME, CPU_ONLY, *METAPACKAGES)


def check_environment(task: WheelTask) -> None:
    """Refuse environments that pip must not change.

    Raises: CondaTorch for a torch or a partner that conda installed, DefaultPackage for one that
    conda's configuration adds to a new environment, WheelPython, ExternallyManaged.
    """
    if not task.target.exists:
        where = typed(task.target.words or ("-n", NEW))
        if added := heeded.by_default(CONDA_FAMILY, f"--source {WHEELS}", where):
            raise added
        return
    prefix = str(task.target.prefix)
    conda = [p for p in task.machine.installed if p.channel != "pypi" and p.name in CONDA_FAMILY]
    if conda:
        there = {one.name for one in task.machine.installed}
        raise CondaTorch(
            packages=", ".join(f"{one.name} {one.version}" for one in conda),
            prefix=prefix,
            where=option_of(prefix),
            names=" ".join((*(p.name for p in conda), *(n for n in _WITH_TORCH if n in there))),
            ways=(task.fresh,),
        )
    asked = task.request.python
    if asked and task.python and not f"{task.python}.".startswith(f"{asked}."):
        where = option_of(prefix)
        facts = {"there": task.python, "python": asked, "where": where}
        raise WheelPython(**facts, ways=(task.fresh,))
    if task.python and (file := distributions.externally_managed(prefix, task.python)):
        raise ExternallyManaged(file=file, prefix=prefix, ways=(task.fresh,))


def check_owned(task: WheelTask, said: Mapping[str, Metadata], python: str) -> None:
    """Refuse a set for which pip would replace packages of conda's.

    `said` is the METADATA of the set by project, `python` the set's Python, major.minor.

    Raises: CondaOwned.
    """
    owned = {d.name: (d.version, d.owner) for d in task.there.values() if d.owner}
    asked = Metadata(text("command_line"), "", task.request.others)
    said = {**said, "": asked}
    replaced = plan.replaced(said, owned, task.machine.subdir, task.python or python)
    if not replaced:
        return
    prefix = str(task.target.prefix)
    specs = [f"{one.owner}{one.needed}" for one in replaced]
    command = typed(["conda", "install", *option_of(prefix).split(), *specs])
    first = replaced[0]
    raise CondaOwned(
        packages=", ".join(f"{one.name} {one.version}" for one in replaced),
        by=first.by,
        needed=", ".join(f"`{one.name}{one.needed}`" for one in replaced),
        command=command,
        ways=(task.fresh,),
    )


def owned_by_conda(prefix: str, leaving_out: Collection[str]) -> dict[str, str]:
    """A requirement on the installed version of each project that conda owns, by its name, for
    a file of constraints. Projects to leave out are those of the set."""
    found = {}
    for one in distributions.installed(prefix).values():
        if one.owner and one.name not in leaving_out:
            with suppress(InvalidVersion):
                found[one.name] = f"{one.name}=={Version(one.version)}"
    return found


def not_there(prefix: str, files: Sequence[WheelFile]) -> list[str]:
    """The projects of a set that are not in an environment in their version."""
    there = {(name, canonicalize_version(version)) for name, version, _ in folders(prefix)}
    return [
        file.project
        for file in files
        if (file.project, canonicalize_version(file.version)) not in there
    ]


def not_here(task: WheelTask, found: WheelSet) -> WheelsNotHere:
    """The error for wheels that have to be downloaded before conda is offline."""
    here = {link.filename for link in wheel_cache.links()}
    names = [w.link.filename for w in found.wheels if w.link.filename not in here]
    online = task.typed.without(OFFLINE)
    command = offered(online._replace(action="download", download=True, save=None))
    ways = (Notice("fetch_wheels", {"command": command}), Notice("wheels_in_folder"))
    return WheelsNotHere(files=", ".join(names), count=len(names), ways=ways)
