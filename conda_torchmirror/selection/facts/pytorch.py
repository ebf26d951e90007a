"""What a package record says about its build: accelerator, CUDA, Python, the torch it belongs to.

Facts come from `depends` and `constrains`; the build string is the fall-back. For CPU builds of
pytorch before 1.10 and of their partners it is the only place that says CPU. Pure: no conda.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from ..specs import minor, package_name, release

if TYPE_CHECKING:
    from ...models import Build

TORCH = "pytorch"
#: Packages that are chosen together with pytorch, each built for exactly one release of it.
PARTNERS = ("torchvision", "torchaudio", "torchtext", "torchdata")
#: Packages that bring CUDA into the environment: cudatoolkit up to pytorch 1.12, then
#: pytorch-cuda.
RUNTIME = "pytorch-cuda"
TOOLKIT = "cudatoolkit"
RUNTIMES = (RUNTIME, TOOLKIT)
#: The package that keeps an environment on CPU builds, and the one whose build says which it is.
CPU_ONLY, MUTEX = "cpuonly", "pytorch-mutex"
#: Packages whose version is a CUDA version, the first of them only that.
CUDA_NAMES = ("cuda-version", "cuda-toolkit", "cuda", "cuda-runtime")
FAMILY = (TORCH, *PARTNERS)
#: What is installed where no package is named, the last of it where there is one.
DEFAULT = (TORCH, *PARTNERS[:2])
AUDIO = DEFAULT[2]
#: The distributions that bring the same modules by pip.
PIP_NAMES = ("torch", "torchvision", "torchaudio")

Accelerator = Literal["cuda", "cpu", "any"]

#: How the names begin that are read below; a record has thirty others.
_TELLING = ("pytorch", "python", "cuda")
_FIRST_VERSION = re.compile(r"\d+(?:\.\d+)+|\d+")
_BUILD_CUDNN = re.compile(r"cudnn(\d+(?:\.\d+)*)")
_BUILD_CUDA = re.compile(r"cuda(\d+\.\d+)|(?:^|_)cu(?:da)?(\d{2,3})(?:_|$)")


class Facts(NamedTuple):
    """What one build needs. `cuda` and `python` are major.minor; `cudnn` is the cuDNN inside.

    `accelerator` is "any" for a build that runs beside a CPU and a CUDA pytorch alike (torchtext,
    torchaudio before 0.10).
    """

    accelerator: Accelerator
    cuda: str | None
    python: str | None
    runtime: str | None
    cudnn: str | None = None


def facts(build: Build) -> Facts:
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
    return Facts(
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
    # A pytorch that says neither is the one build of macOS.
    return "cpu" if says_cpu or build.name == TORCH else "any"


def dependency(build: Build, name: str) -> str | None:
    """The first match spec on `name` among what the build depends on."""
    # Records begin with the name, and most of their specs are on something else.
    return next((s for s in build.depends if s.startswith(name) and package_name(s) == name), None)


def recency(build: Build) -> tuple[object, ...]:
    """What orders builds of one package: larger is newer."""
    order = release(build.version) or release("0")
    return (order, build.build_number, build.timestamp, build.build)


@cache
def _lower_minor(spec: str) -> str | None:
    """The major.minor that a range such as `>=12.1,<12.2`, `12.1.*` or `3.12.*` starts at."""
    found = _FIRST_VERSION.search(spec.partition(" ")[2])
    return minor(found.group()) if found else None


@cache
def _cuda_of_build_string(build: str) -> str | None:
    found = _BUILD_CUDA.search(build)
    if not found:
        return None
    dotted, digits = found.groups()
    return dotted or f"{digits[:-1]}.{digits[-1]}"


@cache
def _cudnn_of_build_string(build: str) -> str | None:
    found = _BUILD_CUDNN.search(build)
    return found[1] if found else None
