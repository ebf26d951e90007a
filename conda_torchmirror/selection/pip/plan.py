"""Plan the hand-over of a set of wheels: files, requirements, and the run as plain words. Pure.

`handover.installers.pip` explains how pip must be called, and why each word is there.
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

#: Builds of triton for one accelerator, which torch pins exactly and only wheel mirrors have. The
#: plain triton is on PyPI.
TRITON = (
    "pytorch-triton-rocm",
    "triton-rocm",
    "pytorch-triton-xpu",
    "triton-xpu",
    "pytorch-triton",
)


#: The project that conda installs along with pip.
_BROUGHT = "setuptools"


class WheelFile(NamedTuple):
    """One file of a run. `mirror` names the place that `link` leads to; `cached` is the path of the
    file if it is on this disk already."""

    project: str
    version: str
    link: Link
    mirror: str
    cached: str | None = None


class Kept(NamedTuple):
    """A package of conda's that the set needs in another version: `needed` is the requirement,
    `owner` the conda package, `by` the wheel that requires it."""

    name: str
    version: str
    owner: str
    needed: str
    by: str


class WheelDecision(NamedTuple):
    """Everything that a run with wheels decided, for text and JSON. `prefix` is None without a
    target. `wheels` is the place of the pages, `rest` the index for everything else.

    `conda` is a first step, needed if there is no environment, no pip, or an old one; `others` are
    requirements besides the set. `beside` are the files of all further dependencies, None if pip is
    to find them. `uv` is the path of uv if that is used instead of pip.
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
        """The steps in order."""
        return (self.conda, self.pip) if self.conda else (self.pip,)

    @property
    def rejected(self) -> tuple[Rejection, ...]:
        """The rejected wheels."""
        return self.chosen.rejected


def pinned_triton(said: Metadata, subdir: str, python: str) -> tuple[tuple[str, str], ...]:
    """Name and version of the builds of triton that torch pins and only wheel mirrors have."""
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

    `said` is the METADATA of what pip installs. `owned` maps each project that conda installed to
    its version and the conda package's name.
    """
    found: dict[str, Kept] = {}
    for metadata in said.values():
        for one in requirements(metadata, subdir, python):
            name = canonicalize_name(one.name)
            there = owned.get(name)
            if there and name not in found and not admits(one, there[0]):
                by = f"{metadata.name} {metadata.version}".strip()
                found[name] = Kept(name, *there, str(one.specifier), by)
    return tuple(found.values())


def conda_pins(said: Mapping[str, Metadata], subdir: str, python: str) -> tuple[str, ...]:
    """Pins for conda when it makes an environment for the set: packages that it installs along with
    Python and pip, if the wheels bound their versions."""
    found = {
        f"{_BROUGHT}{one.specifier}"
        for metadata in said.values()
        for one in requirements(metadata, subdir, python)
        if one.name == _BROUGHT and len(one.specifier)
    }
    return tuple(sorted(found))
