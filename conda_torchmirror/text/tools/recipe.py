"""The content of a decision, independent of the tool that carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class PackageSpec(NamedTuple):
    """One conda package to request: the match spec, as the user or we wrote it, and its fields by
    conda's names, such as version and build."""

    word: str
    name: str
    fields: Mapping[str, str] = MappingProxyType({})


class PinnedWheel(NamedTuple):
    """One wheel of the set. `url` ends in the hash as a fragment, if known."""

    project: str
    url: str

    @property
    def requirement(self) -> str:
        """The requirement for pip and uv."""
        return f"{self.project} @ {self.url}"


class Recipe(NamedTuple):
    """A decision without the run that it was made for.

    `head` is what was chosen, in one line. `name` is that of a new environment, `target` the words
    that name the one that is meant (none for the active one), `create` says that it has to be made,
    for `platform` where that is not this computer's. `options` are those of conda that the tool has
    too. `cuda` is what the driver runs that a CUDA build was chosen for, and `cuda_named` that no
    driver says it here. `channels` are names or URLs in order; `flexible` says that a strict
    priority of channels finds no solution, `relaxed` that this conda's is strict. `mirrored` are
    official addresses of channels, each with the one of `channels` that is a mirror of it. `pins`
    bind the solver without being asked for, `removed` leave the environment first,
    `unneeded` last.

    `specs` is what conda is asked for where this runs, `fresh` what a new environment is made of.
    For wheels these are what conda brings before, `wheels` is the set, `others` are further
    requirements, and `index_url` is where everything else comes from, "" for pip's own.

    `hidden` are channels and indexes that are read with a token or a password, which stand nowhere
    else in it. `unnamed` is the name that was asked for, where `name` had to be another.

    `nodefaults` says that this conda knows the word in an environment file.
    """

    head: str
    subdir: str
    name: str
    python: str
    target: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    create: bool = True
    platform: str | None = None
    cuda: str | None = None
    cuda_named: bool = False
    channels: tuple[str, ...] = ()
    mirrored: tuple[tuple[str, str], ...] = ()
    flexible: bool = False
    relaxed: bool = False
    specs: tuple[PackageSpec, ...] = ()
    fresh: tuple[PackageSpec, ...] = ()
    pins: tuple[PackageSpec, ...] = ()
    removed: tuple[str, ...] = ()
    unneeded: tuple[str, ...] = ()
    wheels: tuple[PinnedWheel, ...] = ()
    others: tuple[str, ...] = ()
    index_url: str = ""
    hidden: tuple[str, ...] = ()
    unnamed: str = ""
    nodefaults: bool = True

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirements for pip."""
        return (*(wheel.requirement for wheel in self.wheels), *self.others)

    @property
    def on_windows(self) -> bool:
        """Whether the text is for Windows."""
        return self.subdir.startswith("win-")
