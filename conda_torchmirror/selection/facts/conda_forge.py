"""The records of conda-forge: accelerator, CUDA, Python, BLAS, floors, the torch of each partner.

Facts come from `depends` and `constrains`, the build string is the fall-back. Several specs on one
package all hold. A CUDA build may run with a newer runtime of its major: `cuda-version` has a
lower bound and no minor above. Build numbers order variants, 100 for MKL, 200 for CUDA, so that
they are compared without their hundreds; read from the field, since in some old records the build
string ends in another number. Pure: no conda.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Literal

from ...models import Admits, Build, Choice, Machine, Notice, Request
from ..specs import admits_cuda, minor, number, package_name
from .cuda import CudaTables, data
from .names import (
    AUDIO,
    CPU_METAPACKAGE,
    CUDA_NAMES,
    CUDNN,
    DEFAULT,
    GPU_METAPACKAGE,
    LIBTORCH,
    METAPACKAGES,
    TOOLKIT,
    TORCH,
)
from .record import (
    MOST_READ,
    Accelerator,
    BuildFacts,
    Clash,
    Extras,
    Knowledge,
    SourceFacts,
    cudnn_clash,
    dependencies,
)

#: Packages whose version is the CUDA of a set: cuda-version from CUDA 12 on, cudatoolkit before.
RUNTIMES = (CUDA_NAMES[0], TOOLKIT)
#: The multiple in a build number that stands for the variant.
_VARIANTS = 100
_MKL, _NO_MKL, _BLAS, _ARM = "mkl", "nomkl", "libblas", "arm-variant"
_CUDA, _GLIBC, _OSX, _ABI = "__cuda", "__glibc", "__osx", "python_abi"
#: The names that are read below; a record has thirty others.
_TELLING = frozenset(
    (
        *(TORCH, GPU_METAPACKAGE, CPU_METAPACKAGE, "python", _ABI, *RUNTIMES, *CUDNN),
        *(_MKL, _NO_MKL, _BLAS, _ARM, _GLIBC, _OSX),
    )
)

_LOWER = r">=?\s*(\d+(?:\.\d+)*)"
_BUILD_CUDA = r"cuda_?(\d{2,})(\d)(?=py|_|h|\*|$)"
_BUILD_PYTHON = r"py(\d)(\d+)"
#: How the builds of the channel `pytorch` are named, whatever the platform.
_OF_PYTORCH = r"py\d\.\d+_(?:cuda\d|cpu_)?\d|_cudnn\d|py\d+_cu\d{2,3}$"


@lru_cache(MOST_READ)
def read(build: Build) -> BuildFacts:
    """Read a record of the torch family, or of one of its metapackages."""
    specs: dict[str, list[str]] = {}
    for name, rest in filter(None, map(_split, (*build.depends, *build.constrains))):
        specs.setdefault(name, []).append(rest)
    runtime = next((name for name in RUNTIMES if name in specs), None)
    needs_driver = any(map(_is_driver, build.depends))
    accelerator: Accelerator = "cuda" if runtime or needs_driver else _accelerator(build, specs)
    cuda = None
    if accelerator == "cuda":
        floor = _floor(specs[runtime]) if runtime else None
        cuda = minor(floor) if floor else _cuda_of_words(specs.get(TORCH, ()), build.build)
    glibc = _floor(specs.get(_GLIBC, ()))
    cudnn = _floor(rest for name in CUDNN for rest in specs.get(name, ())) if cuda else None
    on_linux = build.subdir.startswith("linux-")
    of_libraries = libraries_glibc(cuda, cudnn) if on_linux else None
    return BuildFacts(
        accelerator=accelerator,
        cuda=cuda,
        python=_python(specs, build.build),
        runtime=runtime,
        cudnn=cudnn,
        cuda_open=cuda is not None,
        number=build.build_number % _VARIANTS,
        blas=_blas(specs),
        arm=_arm(build, specs, glibc) if cuda else None,
        glibc=max(filter(None, (glibc, of_libraries)), key=number, default=None),
        osx=_floor(specs.get(_OSX, ())),
        free_threaded=_free_threaded(specs.get(_ABI, ())),
    )


@cache
def _split(spec: str) -> tuple[str, str] | None:
    """The name in a spec and the rest, if it is a name that is read; many builds share a spec."""
    name, _, rest = spec.partition(" ")
    return (name, rest) if name in _TELLING else None


@cache
def _is_driver(spec: str) -> bool:
    return package_name(spec) == _CUDA


def _accelerator(build: Build, specs: Mapping[str, list[str]]) -> Accelerator:
    """The accelerator of a build that needs neither a CUDA package nor a driver."""
    words = [rest.rpartition(" ")[2] for rest in specs.get(TORCH, ())]
    words.append(build.build)
    # Each build excludes the metapackage of the other kind by requiring a version that never was.
    for name, kind in ((GPU_METAPACKAGE, "cpu"), (CPU_METAPACKAGE, "cuda")):
        if any(rest in ("<0.0a0", "==99999999") for rest in specs.get(name, ())):
            words.insert(0, kind)
    if any(word.startswith("cuda") for word in words):
        return "cuda"
    return "cpu" if build.name == TORCH or any(w.startswith("cpu") for w in words) else "any"


def _blas(specs: Mapping[str, list[str]]) -> Literal["mkl", "generic"] | None:
    if _NO_MKL in specs:
        return "generic"
    of_mkl = _MKL in specs or any(rest.endswith("mkl") for rest in specs.get(_BLAS, ()))
    return "mkl" if of_mkl else None


def _arm(
    build: Build, specs: Mapping[str, list[str]], glibc: str | None
) -> Literal["sbsa", "tegra"] | None:
    """The kind of ARM board that a CUDA build is for.

    The recipes name it only at build time, so most records do not tell. But on that platform,
    builds for Jetson, and no others, require a newer glibc.
    """
    if build.subdir != "linux-aarch64":
        return None
    said = " ".join(specs.get(_ARM, ()))
    of_jetson = number(_known()["floors"]["tegra_glibc"])
    if "tegra" in said or (glibc and "sbsa" not in said and number(glibc) >= of_jetson):
        return "tegra"
    return "sbsa"


def _python(specs: Mapping[str, list[str]], build: str) -> str | None:
    for rest in specs.get(_ABI, ()):
        return minor(rest)
    if floor := _floor(specs.get("python", ())):
        return minor(floor)
    found = re.search(_BUILD_PYTHON, build)
    return f"{found[1]}.{found[2]}" if found else None


def _free_threaded(abis: Iterable[str]) -> bool | None:
    """What a spec on the ABI says, such as `3.13.* *_cp313`; free-threaded is `*_cp313t`."""
    return next(
        (found[1] == "t" for abi in abis if (found := re.search(r"_cp\d+(t?)$", abi))), None
    )


def _cuda_of_words(specs: Iterable[str], build: str) -> str | None:
    """The CUDA that a build string or a spec on one names, such as `* cuda126*`."""
    for word in (build, *specs):
        if found := re.search(_BUILD_CUDA, word):
            return f"{found[1]}.{found[2]}"
    return None


def _floor(specs: Iterable[str]) -> str | None:
    """The highest lower bound of the specs, all of which must hold."""
    found = [version for rest in specs if (version := _lower(rest))]
    return max(found, key=number, default=None)


@cache
def _lower(rest: str) -> str | None:
    found = re.search(_LOWER, rest)
    return found[1] if found else None


def _known() -> Mapping[str, Any]:
    """The table of the feedstocks' facts, `data/conda_forge.json`."""
    return data("conda_forge.json")


def libraries_glibc(cuda: str | None, cudnn: str | None, torch: str | None = None) -> str | None:
    """The glibc that the CUDA and cuDNN of a build need, where that is more than any build says;
    `cudnn` is the lowest that it accepts, and where that is not known, its release tells it."""
    known = _known()["floors"]["libraries"]
    later = (
        (cuda, known["cuda"]),
        (cudnn, known["cudnn"]),
        (torch if cuda and number(cuda)[0] >= 12 else None, known["torch"]),
    )
    found = any(there and number(there) >= number(since) for there, since in later)
    return str(known["glibc"]) if found else None


def torch_specs(build: Build) -> tuple[str, ...]:
    """The specs of a partner or metapackage on pytorch: `* cuda*` and a range, both of which hold.

    The range comes first because it excludes more.
    """
    return tuple(sorted(dependencies(build, TORCH), key=lambda spec: " * " in spec))


def partner_key(name: str, facts: BuildFacts) -> Hashable:
    """Python, accelerator, and as much of the CUDA as the partner compares when it is imported."""
    cuda = facts.cuda
    if cuda and _known()["partner_cuda"]["same"].get(name) == "major":
        cuda = cuda.partition(".")[0]
    return facts.python, facts.accelerator, cuda


def torch_keys(name: str, facts: BuildFacts) -> tuple[Hashable, ...]:
    """The one key of a pytorch: a CPU partner is for a CPU pytorch alone."""
    return (partner_key(name, facts),)


def pairs(torch: Build, partner: Build) -> bool:
    """Whether upstream made this partner for that pytorch; records admit others as well."""
    made_for: Mapping[str, str] = _known()["upstream"].get(partner.name, {})
    pair = made_for.get(minor(torch.version), minor(torch.version))
    return minor(partner.version) == pair


def order(build: Build, machine: Machine) -> tuple[object, ...]:
    """Prefer the environment's BLAS (MKL if it has none), then builds not for Jetson, then numbers.

    Builds for Jetson alone come last if the GPU is not known.
    """
    facts = read(build)
    blas = environment_blas(machine) or "mkl"
    return (
        facts.blas in (None, blas),
        facts.arm != "tegra",
        facts.number,
        build.build_number,
        build.timestamp,
        build.build,
    )


def environment_blas(machine: Machine) -> Literal["mkl", "generic"] | None:
    """The BLAS that the environment's packages use already; None if there is none."""
    builds = {package.name: package.build for package in machine.installed}
    for name in (_BLAS, "blas"):
        if name in builds:
            return "mkl" if "mkl" in builds[name] else "generic"
    return "generic" if _NO_MKL in builds else "mkl" if _MKL in builds else None


def clash(build: Build, facts: BuildFacts, machine: Machine, tables: CudaTables) -> Clash | None:
    """The clash of a CUDA build with this machine apart from the driver: by board or cuDNN."""
    arch = machine.cuda_arch
    if facts.arm == "tegra" and arch and arch not in tables.integrated:
        carried = tables.architectures(
            build.version, facts.cuda or "", build.subdir, build=facts.number, variant=facts.arm
        )
        needs = Notice("code_for", {"architectures": ", ".join(carried or ("8.7",))})
        return Clash("arch_missing", Notice("gpu_arch", {"arch": arch}), needs)
    return cudnn_clash(facts, machine, tables)


def cudnn_pins(builds: Iterable[Build], machine: Machine, tables: CudaTables) -> tuple[str, ...]:
    """The pins, on both packages, that exclude a cuDNN that the GPU does not run.

    Every build that passes `clash` accepts a lower one.
    """
    ceiling = tables.cudnn_ceiling(machine.cuda_arch) if machine.cuda_arch else None
    if ceiling is None or not any(read(build).cudnn for build in builds):
        return ()
    return tuple(f"{name}<{ceiling}" for name in CUDNN)


def cuda_version(builds: Iterable[Build]) -> str | None:
    """The `cuda-version` for the whole set: the highest of the builds' lower bounds."""
    found = [facts.cuda for build in builds if (facts := read(build)).cuda]
    return max(filter(None, found), key=number, default=None)


def metapackage_of(torch: Build, metapackages: Iterable[Build], admits: Admits) -> Build | None:
    """The newest pytorch-gpu or pytorch-cpu for a build of pytorch; None if none was made for
    it."""
    fitting = [
        build
        for build in metapackages
        if build.name in (GPU_METAPACKAGE, CPU_METAPACKAGE)
        and (specs := torch_specs(build))
        and all(admits(spec, TORCH, torch.version, torch.build) for spec in specs)
    ]
    return max(fitting, key=lambda build: (build.timestamp, build.build), default=None)


def extras(
    choice: Choice,
    builds: Sequence[Build],
    machine: Machine,
    request: Request,
    knowledge: Knowledge,
) -> Extras:
    """Bound the CUDA of all builds and the cuDNN for the GPU, and name metapackages.

    Unpinned, solvers take the newest runtime of the major, which needs a newer driver; a CUDA asked
    for by `+cu128` or a label is the one that the build has to run with. A pin does not enter the
    history; if the history has a spec already, only a spec replaces it. An installed metapackage
    would hold its own pytorch fast, so its new version is named too.
    """
    notices = []
    pins = cudnn_pins(choice.builds, machine, knowledge.tables)
    if pins:
        facts = {"pins": ", ".join(pins), "arch": machine.cuda_arch}
        code = "cudnn_asked" if machine.ignores_pins else "cudnn_pinned"
        notices.append(Notice(code, facts))
    there = {package.name for package in machine.installed if package.channel != "pypi"}
    before = {package_name(pin.spec) for pin in machine.history}
    specs = tuple(
        f"{name}={choice.torch.version}"
        for name in METAPACKAGES
        if name in there | before
        and metapackage_of(choice.torch, [b for b in builds if b.name == name], knowledge.admits)
    )
    version, name = cuda_version(choice.builds), CUDA_NAMES[0]
    bound = {package_name(spec) for spec in request.others if spec != name}
    own = [pin.spec for pin in machine.pins if package_name(pin.spec) == name]
    # A pin of the user's is heeded beside ours, unless it asks for a later runtime.
    heeded = version and all(admits_cuda(spec, name, version, knowledge.admits) for spec in own)
    if heeded and name not in bound:
        words = (pin.spec for pin in request.pins if package_name(pin.spec) == name != pin.spec)
        run = tuple(words) or (f"{name}={version}",)
        specs, pins = ((*specs, *run), pins) if name in before else (specs, (*pins, *run))
    return Extras(specs, pins, tuple(notices))


def named_for(spec: str) -> str | None:
    """The channel `pytorch` if a spec's build is named as that channel's builds are."""
    return TORCH if re.search(_OF_PYTORCH, spec.rpartition("=")[2]) else None


SOURCE = SourceFacts(
    # torchaudio ends with torch 2.10, and there is none for Windows.
    partners=(DEFAULT[1], AUDIO),
    runtimes=(),
    runtime=None,
    mutex=None,
    cpu_only=(CPU_METAPACKAGE,),
    read=read,
    torch_specs=torch_specs,
    partner_key=partner_key,
    torch_keys=torch_keys,
    order=order,
    clash=clash,
    named_for=named_for,
    pairs=pairs,
    wishes=(AUDIO,),
    metapackages=METAPACKAGES,
    libraries=(LIBTORCH,),
    extras=extras,
)
