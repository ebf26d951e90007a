"""The builds of a source, ordered for the choice: releases, and partners by what they need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ..models import Build
from .facts.record import BuildFacts
from .fit import Constraints
from .specs import number, release

#: A partner's specs on pytorch, all of which must hold. Many builds share them.
_TorchSpecs = tuple[str, ...]
#: The same where they are no single release, with those of them that name a build and the others.
_Range = tuple[_TorchSpecs, list[str], list[str]]


class Candidate(NamedTuple):
    """A pytorch build with its facts, how its CUDA fits the driver, and its source's order."""

    build: Build
    facts: BuildFacts
    strict: bool
    order: tuple[object, ...]

    @property
    def fit(self) -> tuple[object, ...]:
        """How well it suits the machine, for comparison within one release; larger is better."""
        return self.facts.accelerator == "cuda", self.strict, number(self.facts.cuda or "0")

    @property
    def rank(self) -> tuple[object, ...]:
        """The order of preference within one release; larger is better."""
        return (*self.fit, number(self.facts.python or "0"), *self.order)


class Catalog:
    """The family's builds, indexed for the choice. Records are parsed only when needed."""

    def __init__(self, builds: Iterable[Build], constraints: Constraints) -> None:
        self.constraints, self.source = constraints, constraints.source
        self._torch: dict[str, list[Build]] = defaultdict(list)
        self._builds: dict[str, list[Build]] = {name: [] for name in self.source.partners}
        self._partners: dict[str, dict[_TorchSpecs, list[Build]]] = {}
        self._groups: dict[tuple[str, _TorchSpecs, bool, bool], dict[Hashable, list[Build]]] = {}
        self._ranges: dict[str, list[_Range]] = {}
        self._open: dict[tuple[str, str], list[_Range]] = {}
        self._met: dict[tuple[str, str, str], list[_TorchSpecs]] = {}
        for build in builds:
            if build.name == self.source.torch:
                self._torch[build.version].append(build)
            elif build.name in self._builds:
                self._builds[build.name].append(build)

    def knows(self, name: str) -> bool:
        """Whether there is any build of a partner."""
        return bool(self._by_specs(name))

    def _by_specs(self, name: str) -> Mapping[_TorchSpecs, list[Build]]:
        """The builds of a partner by their specs on pytorch, read when first asked for."""
        if name not in self._partners:
            found: dict[_TorchSpecs, list[Build]] = defaultdict(list)
            for build in self._builds[name]:
                if specs := self.source.torch_specs(build):
                    found[specs].append(build)
            self._partners[name] = found
            self._ranges[name] = [_range(specs) for specs in found if _is_range(specs)]
        return self._partners[name]

    def releases(self) -> list[str]:
        """Every pytorch version, newest first, without those that cannot be ordered."""
        known = [(order, version) for version in self._torch if (order := release(version))]
        return [version for _, version in sorted(known, reverse=True)]

    def torch(self, version: str) -> list[tuple[Build, BuildFacts]]:
        """The builds of a pytorch release that the request's specs admit."""
        return [
            (build, read)
            for build in self._torch[version]
            if self.constraints.asked(build)
            and self.constraints.runtime_asked(read := self.source.read(build))
        ]

    def partners(
        self, name: str, candidate: Candidate, *, asked: bool = True, fits: bool = True
    ) -> list[list[Build]]:
        """The builds of `name` for this pytorch, its Python and its accelerator.

        With `asked`, without those that specs rule out, with `fits`, without those that pins or the
        machine do. They come in non-empty groups with the same specs on pytorch, each sorted newest
        first; groups whose specs are ranges are shared by many releases.
        """
        torch = candidate.build
        met = (name, torch.version, torch.build)
        if met not in self._met:
            admits, version = self.constraints.admits, torch.version
            ranges = [
                specs
                for specs, named, _ in self._of_release(name, version)
                if all(admits(spec, torch.name, version, torch.build) for spec in named)
            ]
            self._met[met] = [(f"{torch.name} {torch.version}",), *ranges]
        keys = self.source.torch_keys(name, candidate.facts)
        groups = [self._by_key(name, specs, asked=asked, fits=fits) for specs in self._met[met]]
        return [found for group in groups for key in keys if (found := group.get(key))]

    def newest(self, groups: Sequence[Sequence[Build]], torch: Build) -> Build:
        """The best partner of a pytorch in these groups, each of which is sorted newest first."""
        return self.source.best_partner(groups, torch, self.constraints.machine)

    def _of_release(self, name: str, version: str) -> list[_Range]:
        """The specs of a partner that a pytorch release meets. Specs that name a build must be
        matched for every build, the others only once."""
        release_ = (name, version)
        if release_ not in self._open:
            admits, torch = self.constraints.admits, self.source.torch
            self._by_specs(name)
            self._open[release_] = [
                found
                for found in self._ranges[name]
                if all(admits(spec, torch, version, "") for spec in found[2])
            ]
        return self._open[release_]

    def _by_key(
        self, name: str, specs: _TorchSpecs, *, asked: bool, fits: bool
    ) -> dict[Hashable, list[Build]]:
        """The builds of a partner with these specs on pytorch, read when first asked for."""
        group = (name, specs, asked, fits)
        if group not in self._groups:
            found: dict[Hashable, list[Build]] = defaultdict(list)
            machine = self.constraints.machine
            builds = self._by_specs(name).get(specs, ())
            for build in sorted(
                builds, key=lambda b: self.source.preference(b, machine), reverse=True
            ):
                read = self.source.read(build)
                if (not asked or self.constraints.asked(build)) and (
                    not fits or self.constraints.of_partner(build, read) is None
                ):
                    found[self.source.partner_key(name, read)].append(build)
            self._groups[group] = found
        return self._groups[group]


def _is_range(specs: _TorchSpecs) -> bool:
    """Whether specs on pytorch may admit more than one release; most partners name a single one."""
    return len(specs) > 1 or any(c in specs[0] for c in "<>=!~*|,[")


def _range(specs: _TorchSpecs) -> _Range:
    named = [spec for spec in specs if spec.count(" ") > 1 or "[" in spec]
    return specs, named, [spec for spec in specs if spec not in named]
