"""From a set of wheels to what is handed over: files, requirements, and a run as plain words. Pure.

How pip must be called, and why each word is there, is in `handover.installers.pip`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from packaging.utils import canonicalize_name

from ...mirrors.registry import Route
from ...models import CondaStep, Machine, Notice, PipStep, Rejection, Request
from ..wheels.choose import WheelSet
from ..wheels.link import Link
from .metadata import Metadata, admits, exact, requirements

#: What torch pins exactly and only the wheel mirrors have: builds of triton for one accelerator.
#: The plain one is on PyPI.
TRITON = (
    "pytorch-triton-rocm",
    "triton-rocm",
    "pytorch-triton-xpu",
    "triton-xpu",
    "pytorch-triton",
)


#: What conda brings along with pip.
_BROUGHT = "setuptools"


class WheelFile(NamedTuple):
    """One file of a run. `mirror` is the name of the place that `link` leads to; `cached` the path
    of the file where it is on this disk already."""

    project: str
    version: str
    link: Link
    mirror: str
    cached: str | None = None


class Kept(NamedTuple):
    """A package that conda owns and that the set wants in another version: `needed` is what it
    wants, `owner` the conda package, `by` the wheel that wants it."""

    name: str
    version: str
    owner: str
    needed: str
    by: str


class WheelDecision(NamedTuple):
    """Everything that a run with wheels decided, for text and JSON. `prefix` is None without a
    target. `wheels` is the place of the pages, `rest` that of everything else.

    `conda` is the step that comes first, where there is no environment, no pip, or an old one;
    `others` is what pip is asked for beside the set. `beside` are the files of all that these need
    besides; None where pip is left to find them. `uv` is its path where it stands in for pip.
    """

    machine: Machine
    request: Request
    chosen: WheelSet
    files: tuple[WheelFile, ...]
    pip: PipStep
    conda: CondaStep | None
    wheels: Route
    rest: Route
    prefix: str | None
    dry_run: bool
    origin: Literal["live", "cache", "built-in"] = "live"
    date: str | None = None
    notices: tuple[Notice, ...] = ()
    evidence: tuple[Notice, ...] = ()
    others: tuple[str, ...] = ()
    beside: tuple[WheelFile, ...] | None = None
    uv: str | None = None

    @property
    def steps(self) -> tuple[CondaStep | PipStep, ...]:
        """The runs, one after the other."""
        return (self.conda, self.pip) if self.conda else (self.pip,)

    @property
    def rejected(self) -> tuple[Rejection, ...]:
        """What was passed over."""
        return self.chosen.rejected


def pinned_triton(said: Metadata, subdir: str, python: str) -> tuple[tuple[str, str], ...]:
    """The builds of triton that torch pins and that are on no index but the wheel mirror's: name
    and version."""
    return tuple(
        (requirement.name, version)
        for requirement in requirements(said, subdir, python)
        if requirement.name in TRITON and (version := exact(requirement))
    )


def replaced(
    said: Mapping[str, Metadata],
    owned: Mapping[str, tuple[str, str]],
    subdir: str,
    python: str,
) -> tuple[Kept, ...]:
    """The packages of conda that pip would replace for these wheels.

    `owned` has what conda brought by project: its version, and the name of the conda package.
    """
    found: dict[str, Kept] = {}
    for project, metadata in said.items():
        for one in requirements(metadata, subdir, python):
            name = canonicalize_name(one.name)
            there = owned.get(name)
            if there and name not in found and not admits(one, there[0]):
                by = f"{project} {metadata.version}"
                found[name] = Kept(name, *there, str(one.specifier), by)
    return tuple(found.values())


def conda_pins(said: Mapping[str, Metadata], subdir: str, python: str) -> tuple[str, ...]:
    """What conda must not bring in another version into an environment that is made for the set:
    packages that it brings along with Python and pip, as far as the wheels bound them."""
    found = {
        f"{_BROUGHT}{one.specifier}"
        for metadata in said.values()
        for one in requirements(metadata, subdir, python)
        if one.name == _BROUGHT and len(one.specifier)
    }
    return tuple(sorted(found))
