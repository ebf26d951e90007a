"""The records of the channel `pytorch`: accelerator, CUDA, Python, the torch that each belongs to.

Facts come from `depends` and `constrains`; the build string is the fall-back. For CPU builds of
pytorch before 1.10 and of their partners it is the only place that says CPU. Pure: no conda.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from functools import cache, lru_cache

from ...models import Build, Machine
from ..specs import minor, package_name
from .cuda import CudaTables
from .names import CPU_ONLY, CUDA_NAMES, MUTEX, PARTNERS, RUNTIME, RUNTIMES, TORCH
from .record import (
    MOST_READ,
    Accelerator,
    BuildFacts,
    Clash,
    SourceFacts,
    by_number,
    cudnn_clash,
    dependencies,
)

#: The beginnings of the names that are read below; a record has thirty others.
_TELLING = (TORCH, "python", "cuda")
_FIRST_VERSION = r"\d+(?:\.\d+)+|\d+"
_BUILD_CUDNN = r"cudnn(\d+(?:\.\d+)*)"
_BUILD_CUDA = r"cuda(\d+\.\d+)|(?:^|_)cu(?:da)?(\d{2,3})(?:_|$)"
#: How builds are named: those of conda-forge, then the channel's own by platform.
_NAMED = {
    "conda-forge": r"h[0-9a-f]{7}_\d+",
    "linux-64": r"_cudnn\d+\.\d",
    "win-64": r"_cudnn\d+_",
    "osx-64": r"py\d\.\d+_\d+",
}


@lru_cache(MOST_READ)
def read(build: Build) -> BuildFacts:
    """Read a record of the torch family."""
    telling = [spec for spec in build.depends if spec.startswith(_TELLING)]
    specs = {package_name(spec): spec for spec in reversed(telling)}
    cuda = runtime = None
    for name in (*RUNTIMES, CUDA_NAMES[0]):
        if name in specs:
            cuda, runtime = _lower_minor(specs[name]), name
            break
    cuda = cuda or _cuda_of_build_string(build.build)
    mutex = specs.get(MUTEX, "")
    python = specs.get("python")
    return BuildFacts(
        accelerator=_accelerator(build, mutex, cuda),
        cuda=cuda,
        python=_lower_minor(python) if python else None,
        runtime=runtime,
        cudnn=_cudnn_of_build_string(build.build) if cuda else None,
    )


def _accelerator(build: Build, mutex: str, cuda: str | None) -> Accelerator:
    if cuda or mutex.endswith(" cuda"):
        return "cuda"
    says_cpu = mutex.endswith(" cpu") or "cpu" in build.build or CPU_ONLY in build.constrains
    # A pytorch that names neither is the only build for macOS, which is for the CPU.
    return "cpu" if says_cpu or build.name == TORCH else "any"


def torch_specs(build: Build) -> tuple[str, ...]:
    """A partner's specs on pytorch: one release, or a range."""
    return dependencies(build, TORCH)


def partner_key(_name: str, facts: BuildFacts) -> Hashable:
    """Python, accelerator and CUDA."""
    return facts.python, facts.accelerator, facts.cuda


def torch_keys(name: str, facts: BuildFacts) -> tuple[Hashable, ...]:
    """Partners have pytorch's own Python and CUDA, or the Python and no accelerator of theirs."""
    return partner_key(name, facts), (facts.python, "any", None)


def order(build: Build, _machine: Machine) -> tuple[object, ...]:
    """Prefer the higher build number, which encodes no variant."""
    return by_number(build)


def clash(_build: Build, facts: BuildFacts, machine: Machine, tables: CudaTables) -> Clash | None:
    """The clash if the GPU cannot run the cuDNN that is bundled with the build."""
    return cudnn_clash(facts, machine, tables)


def named_for(spec: str) -> str | None:
    """The source or platform whose build strings look like this spec's; None for neither."""
    return next((of for of, form in _NAMED.items() if re.search(form, spec)), None)


SOURCE = SourceFacts(
    partners=PARTNERS,
    runtimes=RUNTIMES,
    runtime=RUNTIME,
    mutex=(MUTEX, "1.0"),
    cpu_only=(CPU_ONLY,),
    read=read,
    torch_specs=torch_specs,
    partner_key=partner_key,
    torch_keys=torch_keys,
    order=order,
    clash=clash,
    named_for=named_for,
)


@cache
def _lower_minor(spec: str) -> str | None:
    """The major.minor that a range such as `>=12.1,<12.2`, `12.1.*` or `3.12.*` starts at."""
    found = re.search(_FIRST_VERSION, spec.partition(" ")[2])
    return minor(found.group()) if found else None


@cache
def _cuda_of_build_string(build: str) -> str | None:
    found = re.search(_BUILD_CUDA, build)
    if not found:
        return None
    dotted, digits = found.groups()
    return dotted or f"{digits[:-1]}.{digits[-1]}"


@cache
def _cudnn_of_build_string(build: str) -> str | None:
    found = re.search(_BUILD_CUDNN, build)
    return found[1] if found else None
