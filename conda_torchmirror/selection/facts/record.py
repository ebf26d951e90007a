"""The interface between the choice and each source's records, and what all sources share. Pure.

A source that packages pytorch in its own way has a module with one `SourceFacts`; `fit`, `choose`
and `plan` read records only through that.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Literal, NamedTuple

from ...models import Admits, Build, Choice, Machine, Notice, Rejection, Request
from ..specs import number, package_name, release
from .cuda import CudaTables
from .names import TORCH

Accelerator = Literal["cuda", "cpu", "any"]
#: The size of the cache of facts: a choice reads a record several times, and advice on how to get a
#: set makes a dozen choices among the same records.
MOST_READ = 16384
#: No CUDA had this minor.
_CUDA_MINORS = 10


class BuildFacts(NamedTuple):
    """What one build needs. `cuda` and `python` are major.minor.

    `accelerator` is "any" for a build that works with a CPU or a CUDA pytorch (torchtext,
    torchaudio before 0.10). `runtime` is the package that determines the CUDA. `cudnn` is the
    bundled cuDNN, or the lowest one that the build accepts if cuDNN is a package of its own.

    `cuda_open` says that the runtime may be of a later minor. `number` is the build number without
    the part that stands for a variant, `arm` the kind of board that a linux-aarch64 build with CUDA
    is for. `glibc` and `osx` are the oldest versions that it runs on, None if the record does not
    tell. `free_threaded` says whether its Python is a free-threaded one, None if the record does
    not tell.
    """

    accelerator: Accelerator
    cuda: str | None
    python: str | None
    runtime: str | None
    cudnn: str | None = None
    cuda_open: bool = False
    number: int = 0
    blas: Literal["mkl", "generic"] | None = None
    arm: Literal["sbsa", "tegra"] | None = None
    glibc: str | None = None
    osx: str | None = None
    free_threaded: bool | None = None

    @property
    def cudas(self) -> tuple[str, ...]:
        """Every CUDA, major.minor, that the runtime of the build may have."""
        if not (self.cuda and self.cuda_open):
            return (self.cuda,) if self.cuda else ()
        return later_minors(self.cuda)


def later_minors(cuda: str) -> tuple[str, ...]:
    """A CUDA, major.minor, and the later minors of its major."""
    major, first = number(cuda)[:2]
    return tuple(f"{major}.{later}" for later in range(first, _CUDA_MINORS))


class Clash(NamedTuple):
    """Why a build is rejected: a code, and the clashing facts of machine or request and build."""

    code: str
    machine: Notice
    needs: Notice

    def rejects(self, build: Build) -> Rejection:
        """The rejection of a build for this reason."""
        return Rejection(build.name, build.version, build.build, *self)


class Extras(NamedTuple):
    """Specs and pins to hand over besides the chosen builds, with notices on them."""

    specs: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


def _no_extras(*_of: object) -> Extras:
    return Extras()


class SourceFacts(NamedTuple):
    """How one source packages pytorch: what its packages are called, and what its records say.

    Names:
    - `torch`: what pytorch is called.
    - `partners`: what is chosen together with it.
    - `runtimes`: packages beside pytorch that a set has for its CUDA, whose version is that CUDA.
      A choice names at most one of them. Empty where pytorch's own build pulls in the right one.
    - `runtime`: the one of these whose records are read, so that its build is chosen too.
    - `mutex`: the package whose build is `cpu` or `cuda`, with its one version.
    - `cpu_only`: what stands in the way of a CUDA build as long as it is installed.
    - `metapackages`: packages of this source that stand for its pytorch; their version is its.
    - `libraries`: packages that a pytorch of this source brings along, and no other does.
    - `wishes`: the partners that some releases lack, so that a default request does without them.

    Reading:
    - `read(build)`: the facts of a record.
    - `torch_specs(build)`: a partner's match specs on pytorch, all of which hold.
    - `partner_key(name, facts)` and `torch_keys(name, facts)`: a partner of that name goes with a
      pytorch where its key is among those of the pytorch. This is where CUDA need not be equal.
    - `order(build, machine)`: builds of one release with the same CUDA and Python; larger is
      preferred. This is where a build number that means a variant is taken apart, and where what
      the environment has decides between variants.
    - `clash(build, facts, machine, tables)`: what else keeps the build off this machine.
    - `pairs(torch, partner)`: whether the partner is the one that upstream made for that pytorch;
      such a one is preferred among those that the records admit. None where they admit no other.
    - `extras(choice, builds, machine, request, knowledge)`: what has to be handed over besides.
    - `named_for(spec)`: the platform or the other source whose builds a spec's build is named for,
      None where that cannot be told.
    """

    partners: tuple[str, ...]
    runtimes: tuple[str, ...]
    runtime: str | None
    mutex: tuple[str, str] | None
    cpu_only: tuple[str, ...]
    read: Callable[[Build], BuildFacts]
    torch_specs: Callable[[Build], tuple[str, ...]]
    partner_key: Callable[[str, BuildFacts], Hashable]
    torch_keys: Callable[[str, BuildFacts], tuple[Hashable, ...]]
    order: Callable[[Build, Machine], tuple[object, ...]]
    clash: Callable[[Build, BuildFacts, Machine, CudaTables], Clash | None]
    named_for: Callable[[str], str | None]
    pairs: Callable[[Build, Build], bool] | None = None
    torch: str = TORCH
    wishes: tuple[str, ...] = ()
    metapackages: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    extras: Callable[[Choice, Sequence[Build], Machine, Request, "Knowledge"], Extras] = _no_extras

    @property
    def family(self) -> tuple[str, ...]:
        """Pytorch and its partners."""
        return (self.torch, *self.partners)

    @property
    def names(self) -> frozenset[str]:
        """All package names that are particular to this source."""
        mutex = (self.mutex or ())[:1]
        beside = (*self.runtimes, *mutex, *self.cpu_only, *self.metapackages, *self.libraries)
        return frozenset((*self.family, *beside))

    @property
    def records(self) -> frozenset[str]:
        """The packages whose records a choice needs."""
        runtime = filter(None, (self.runtime,))
        return frozenset((*self.family, *self.metapackages, *self.libraries, *runtime))

    def preference(self, build: Build, machine: Machine) -> tuple[object, ...]:
        """The sort key for builds of one package, larger is better: release, then `order`."""
        return (release(build.version) or release("0"), *self.order(build, machine))

    def best_partner(
        self, groups: Sequence[Sequence[Build]], torch: Build, machine: Machine
    ) -> Build:
        """The newest build of all groups, each of which begins with its own.

        Where several releases go with a pytorch, upstream's own partner comes before a newer one.
        """
        pairs = self.pairs
        heads = [group[0] for group in groups]
        if pairs:
            heads = [build for group in groups for build in group if pairs(torch, build)] or heads
        return max(heads, key=lambda build: self.preference(build, machine))


class Knowledge(NamedTuple):
    """What a choice depends on besides machine, request and builds.

    `admits` is conda's meaning of match specs, `tables` says which CUDA and GPU code runs where,
    `source` how the builds are packaged that are chosen from.
    """

    admits: Admits
    tables: CudaTables
    source: SourceFacts


def cudnn_clash(facts: BuildFacts, machine: Machine, tables: CudaTables) -> Clash | None:
    """The clash if the GPU cannot run even the lowest cuDNN that a build accepts."""
    arch = machine.cuda_arch
    floor = tables.cudnn_floor(facts.cudnn) if facts.cudnn else None
    if arch is None or floor is None or number(arch) >= number(floor):
        return None
    needs = Notice("cudnn_from", {"cudnn": facts.cudnn, "arch": floor})
    return Clash("cudnn_too_new", Notice("gpu_arch", {"arch": arch}), needs)


def dependencies(build: Build, name: str) -> tuple[str, ...]:
    """The match specs on `name` among what a build depends on."""
    # Specs begin with the name, and most are on something else.
    begun = [spec for spec in build.depends if spec.startswith(name)]
    return tuple([spec for spec in begun if package_name(spec) == name])


def dependency(build: Build, name: str) -> str | None:
    """The first match spec on `name` among what a build depends on."""
    return next((s for s in build.depends if s.startswith(name) and package_name(s) == name), None)


def recency(build: Build) -> tuple[object, ...]:
    """The sort key for builds whose build numbers encode no variant; larger is newer."""
    return (release(build.version) or release("0"), *by_number(build))


def by_number(build: Build) -> tuple[object, ...]:
    """The sort key for builds of one release: the build number, then the build time."""
    return (build.build_number, build.timestamp, build.build)
