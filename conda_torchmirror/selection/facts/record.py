"""What the choice asks of any source's records: the types, and what all sources share. Pure.

`SourceFacts` is the seam. A source that packages pytorch in another way brings its own module with
one `SourceFacts`; `fit`, `choose` and `plan` read records through that and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Literal, NamedTuple

from ...models import Admits, Build, Machine, Notice, Rejection
from ..cuda import CudaTables
from ..specs import package_name, release
from .names import TORCH

Accelerator = Literal["cuda", "cpu", "any"]


class Facts(NamedTuple):
    """What one build needs. `cuda` and `python` are major.minor; `cudnn` is the cuDNN inside.

    `accelerator` is "any" for a build that runs beside a CPU and a CUDA pytorch alike (torchtext,
    torchaudio before 0.10). `runtime` is the package that says which CUDA it is.
    """

    accelerator: Accelerator
    cuda: str | None
    python: str | None
    runtime: str | None
    cudnn: str | None = None


class Clash(NamedTuple):
    """Why a build does not do: a code, a fact of machine or request, one of the build."""

    code: str
    machine: Notice
    needs: Notice

    def rejects(self, build: Build) -> Rejection:
        """The rejection of a build for this reason."""
        return Rejection(build.name, build.version, build.build, *self)


class SourceFacts(NamedTuple):
    """How one source packages pytorch: what its packages are called, and what its records say.

    Names:
    - `partners`: what is chosen together with pytorch.
    - `runtimes`: packages beside pytorch that a set has for its CUDA, whose version is that CUDA.
      A choice names at most one of them. Empty where pytorch's own build pulls in the right one.
    - `runtime`: the one of these whose records are read, so that its build is chosen too.
    - `mutex`: the package whose build is `cpu` or `cuda`, with its one version.
    - `cpu_only`: what stands in the way of a CUDA build as long as it is installed.

    Reading:
    - `read(build)`: the facts of a record.
    - `torch_specs(build)`: a partner's match specs on pytorch, all of which hold.
    - `partner_key(name, facts)` and `torch_keys(name, facts)`: a partner of that name goes with a
      pytorch where its key is among those of the pytorch. This is where CUDA need not be equal.
    - `order(build, machine)`: builds of one release with the same CUDA and Python; larger is
      preferred. This is where a build number that means a variant is taken apart, and where what
      the environment has decides between variants.
    - `clash(build, facts, machine, tables)`: what else keeps the build off this machine.
    - `named_for(spec)`: the platform or the other source whose builds a spec's build is named for,
      None where that cannot be told.
    """

    partners: tuple[str, ...]
    runtimes: tuple[str, ...]
    runtime: str | None
    mutex: tuple[str, str] | None
    cpu_only: tuple[str, ...]
    read: Callable[[Build], Facts]
    torch_specs: Callable[[Build], tuple[str, ...]]
    partner_key: Callable[[str, Facts], Hashable]
    torch_keys: Callable[[str, Facts], tuple[Hashable, ...]]
    order: Callable[[Build, Machine], tuple[object, ...]]
    clash: Callable[[Build, Facts, Machine, CudaTables], Clash | None]
    named_for: Callable[[str], str | None]

    @property
    def family(self) -> tuple[str, ...]:
        """Pytorch and its partners."""
        return (TORCH, *self.partners)

    @property
    def records(self) -> frozenset[str]:
        """The packages whose records a choice needs."""
        return frozenset((*self.family, *filter(None, (self.runtime,))))

    def preference(self, build: Build, machine: Machine) -> tuple[object, ...]:
        """What orders builds of one package: newer releases first, then `order`."""
        return (release(build.version) or release("0"), *self.order(build, machine))


class Knowledge(NamedTuple):
    """What a choice goes by besides machine, request and builds.

    `admits` is conda's meaning of match specs, `tables` says which CUDA and GPU code runs where,
    `source` how the builds are packaged that are chosen from.
    """

    admits: Admits
    tables: CudaTables
    source: SourceFacts


def dependencies(build: Build, name: str) -> tuple[str, ...]:
    """The match specs on `name` among what a build depends on."""
    # Records begin with the name, and most of their specs are on something else.
    return tuple(s for s in build.depends if s.startswith(name) and package_name(s) == name)


def dependency(build: Build, name: str) -> str | None:
    """The first match spec on `name` among what a build depends on."""
    return next((s for s in build.depends if s.startswith(name) and package_name(s) == name), None)


def recency(build: Build) -> tuple[object, ...]:
    """What orders builds of a package whose build numbers only count; larger is newer."""
    return (release(build.version) or release("0"), *by_number(build))


def by_number(build: Build) -> tuple[object, ...]:
    """What orders builds of one release: the build number, then the time it was made."""
    return (build.build_number, build.timestamp, build.build)
