"""Wheels as a source to choose from: the `SourceFacts` that `choose` reads wheels through. Pure.

A wheel becomes a `Build` for every Python of the target that takes it: `version` is the public one,
so that all variants of a release count as one release, `channel` is the directory, `build` the
directory and the tags, `depends` the Python.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import cache
from typing import NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ...models import Build, Machine
from ..facts.cuda import CudaTables
from ..facts.names import PIP_DATA
from ..facts.record import BuildFacts, Clash, Knowledge, SourceFacts, cudnn_clash
from ..specs import release
from .link import triple_of
from .name import Wheel
from .request import admits
from .tables import AUDIO, DIRECTORY, PARTNERS, TORCH, Home, WheelTables, cuda_tables
from .tags import WheelTarget, expand, ranks

#: The patch releases of a Python to try against a wheel's Requires-Python.
_PATCHES = range(31)


class Pool(NamedTuple):
    """The builds to choose from, and the wheel of each."""

    builds: tuple[Build, ...]
    wheels: dict[tuple[str, str, str], Wheel]

    def wheel(self, build: Build) -> Wheel:
        """The wheel that a build stands for."""
        return self.wheels[build.fn, build.url, build.channel]


def pool(
    wheels: Iterable[Wheel],
    target: WheelTarget,
    subdir: str,
    *,
    yanked: bool = False,
    prereleases: bool = False,
) -> Pool:
    """Turn wheels into builds for a target.

    `yanked` includes yanked wheels (if a version is pinned), `prereleases` prereleases (if one is
    named).
    """
    builds: list[Build] = []
    known: dict[tuple[str, str, str], Wheel] = {}
    for wheel in wheels:
        link, fit = wheel.link, target.fit(wheel.triple)
        order = release(wheel.version)
        if fit is None or order is None or (link.yanked and not yanked):
            continue
        if not DIRECTORY.fullmatch(link.variant) or (order.is_prerelease and not prereleases):
            continue
        known[link.filename, link.url, link.variant] = wheel
        tags = link.filename.removesuffix(".whl").split("-", 2)[2]
        builds += [
            Build(
                name=wheel.project,
                version=wheel.version,
                build=f"{link.variant}/{tags}" if link.variant else tags,
                build_number=wheel.build[0] if wheel.build else 0,
                subdir=subdir,
                channel=link.variant,
                fn=link.filename,
                url=link.url,
                depends=(python,),
                size=link.size,
                sha256=link.sha256,
                known_by=link.known_by,
            )
            for python in fit.pythons
            if takes_some_patch(link.requires_python, python)
        ]
    return Pool(tuple(builds), known)


def knowledge(
    subdir: str, tables: WheelTables, target: WheelTarget, *, named: bool, data: bool = False
) -> Knowledge:
    """The `Knowledge` for a choice of wheels. `named` says that the request names a release, which
    then admits partners that the table has only for a range of releases; `data` that torchdata is
    to be a partner, which is in no list."""
    facts = _Reader(subdir, tables, target, named)
    source = SourceFacts(
        torch=TORCH,
        partners=(*PARTNERS, PIP_DATA) if data else PARTNERS,
        runtimes=(),
        runtime=None,
        mutex=None,
        cpu_only=(),
        read=facts.read,
        torch_specs=facts.torch_specs,
        partner_key=_partner_key,
        torch_keys=_torch_keys,
        order=_order,
        clash=_clash,
        named_for=lambda spec: None,
        pairs=lambda torch, partner: (
            tables.partner(partner.name, torch.version) == partner.version
        ),
        wishes=(AUDIO,),
    )
    return Knowledge(admits, cuda_tables(subdir), source)


class _Reader:
    """The facts of builds, each read once."""

    def __init__(self, subdir: str, tables: WheelTables, target: WheelTarget, named: bool) -> None:
        self._subdir, self._tables, self._target, self._named = subdir, tables, target, named
        self._homes: dict[tuple[str, str, str], Home] = {}

    def read(self, build: Build) -> BuildFacts:
        """The facts of a wheel: `runtime` is its directory, None if it works with any.

        A wheel for an unknown accelerator counts as a CUDA build of unknown CUDA, which is never
        chosen.
        """
        key = (build.name, build.version, build.channel)
        if key not in self._homes:
            self._homes[key] = self._tables.home(*key, self._subdir)
        home = self._homes[key]
        fit = self._target.fit(triple_of(build.fn))
        is_cuda = home.kind in ("cuda", "unknown")
        return BuildFacts(
            accelerator="cuda" if is_cuda else "cpu" if home.kind == "cpu" else "any",
            cuda=home.cuda,
            python=build.depends[0],
            runtime=self._runtime(build, home),
            cudnn=self._tables.cudnn(build.version, home.cuda)
            if home.cuda and build.name == TORCH
            else None,
            glibc=fit.glibc if fit else None,
            osx=fit.osx if fit else None,
        )

    def _runtime(self, build: Build, home: Home) -> str | None:
        if home.kind == "neutral":
            return None
        # On macOS there is only one build, whichever directory it is in.
        return "cpu" if build.subdir.startswith("osx-") else build.channel

    def torch_specs(self, build: Build) -> tuple[str, ...]:
        """The spec on torch for a partner: the releases in the table, or all from one on."""
        tables = self._tables
        stated = tables.torch_of(build.name, build.version)
        found = tables.open_since(build.name, build.version)
        if found and (found.default or self._named):
            return (f"{TORCH}>={found.torch}",)
        if stated:
            return (f"{TORCH} {'|'.join(stated)}",)
        return ()


def _partner_key(name: str, facts: BuildFacts) -> Hashable:
    """Python and directory. A torchaudio from PyPI must have exactly the CUDA of its torch, or its
    import fails; torchvision compares only the major."""
    return facts.python, facts.runtime, facts.cuda if name == AUDIO else None


def _torch_keys(name: str, facts: BuildFacts) -> tuple[Hashable, ...]:
    return _partner_key(name, facts), (facts.python, None, None)


def _order(build: Build, machine: Machine) -> tuple[object, ...]:
    """Prefer files from a directory of the mirror, then the tag that pip prefers, then the build
    number. The rest makes the result independent of the order of links."""
    places = ranks(build.depends[0], build.subdir, machine.glibc, machine.osx)
    tags = _expanded(triple_of(build.fn))
    rank = min((places[tag] for tag in tags if tag in places), default=len(places))
    return bool(build.channel), -rank, build.build_number, build.fn, build.channel, build.url


def _clash(_build: Build, facts: BuildFacts, machine: Machine, tables: CudaTables) -> Clash | None:
    return cudnn_clash(facts, machine, tables)


@cache
def _expanded(triple: str) -> frozenset[str]:
    return expand(triple)


@cache
def takes_some_patch(requires: str | None, python: str) -> bool:
    """Whether some patch release of a Python meets a wheel's Requires-Python; anything does if that
    is not a valid specifier, as for pip."""
    if not requires:
        return True
    try:
        specifiers = SpecifierSet(requires)
    except InvalidSpecifier:
        return True
    return any(specifiers.contains(f"{python}.{patch}") for patch in _PATCHES)
