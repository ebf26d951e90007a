"""What a package record says about its build: accelerator, CUDA, Python, the torch it belongs to.

Facts come from `depends` and `constrains`; the build string is the fall-back. For CPU builds of
pytorch before 1.10 and of their partners it is the only place that says CPU. Pure: no conda.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from ..models import Build

TORCH = "pytorch"
#: Packages that are chosen together with pytorch, each built for exactly one release of it.
PARTNERS = ("torchvision", "torchaudio", "torchtext")
#: Packages that bring CUDA into the environment: the second up to pytorch 1.12, then the first.
RUNTIMES = ("pytorch-cuda", "cudatoolkit")
FAMILY = (TORCH, *PARTNERS)
#: The distributions that bring the same modules by pip.
PIP_NAMES = ("torch", "torchvision", "torchaudio")

Accelerator = Literal["cuda", "cpu", "any"]

#: How the names begin that are read below; a record has thirty others.
_TELLING = ("pytorch", "python", "cuda")
_FIRST_VERSION = re.compile(r"\d+(?:\.\d+)+|\d+")
_BUILD_CUDA = re.compile(r"cuda(\d+\.\d+)|(?:^|_)cu(?:da)?(\d{2,3})(?:_|$)")


class Facts(NamedTuple):
    """What one build needs. `cuda` and `python` are major.minor.

    `accelerator` is "any" for a build that runs beside a CPU and a CUDA pytorch alike (torchtext,
    torchaudio before 0.10).
    """

    accelerator: Accelerator
    cuda: str | None
    python: str | None
    runtime: str | None


def facts(build: Build) -> Facts:
    """Read a record of the torch family."""
    telling = [spec for spec in build.depends if spec.startswith(_TELLING)]
    specs = {spec.partition(" ")[0]: spec for spec in reversed(telling)}
    cuda = runtime = None
    for name in (*RUNTIMES, "cuda-version"):
        if name in specs:
            cuda, runtime = _minor(specs[name]), name
            break
    cuda = cuda or _cuda_of_build_string(build.build)
    mutex = specs.get("pytorch-mutex", "")
    python = specs.get("python")
    return Facts(
        accelerator=_accelerator(build, mutex, cuda),
        cuda=cuda,
        python=_minor(python) if python else None,
        runtime=runtime,
    )


def _accelerator(build: Build, mutex: str, cuda: str | None) -> Accelerator:
    if cuda or mutex.endswith(" cuda"):
        return "cuda"
    says_cpu = mutex.endswith(" cpu") or "cpu" in build.build or "cpuonly" in build.constrains
    # A pytorch that says neither is the one build of macOS.
    return "cpu" if says_cpu or build.name == TORCH else "any"


def dependency(build: Build, name: str) -> str | None:
    """The first match spec on `name` among what the build depends on."""
    for spec in build.depends:
        if spec == name or spec.startswith(name + " "):
            return spec
    return None


@cache
def release(version: str) -> Version | None:
    """A version that can be compared, or None where it follows no known order."""
    try:
        return Version(version)
    except InvalidVersion:
        return None


@cache
def number(version: str) -> tuple[int, ...]:
    """A dotted number such as a CUDA version, as integers, to compare by value."""
    return tuple(int(part) for part in version.split("."))


def cuda_version(text: str) -> str | None:
    """Read "12.4", "12.4.1", "12", "cu124" or "cuda12.4" as major.minor; None for anything else."""
    text = text.strip()
    if found := re.fullmatch(r"cu(\d{1,2})(\d)", text):
        return f"{found[1]}.{found[2]}"
    found = re.fullmatch(r"(?:cuda)?(\d{1,3})(?:\.(\d{1,2})(?:\.\d+)*)?", text)
    return f"{int(found[1])}.{int(found[2] or 0)}" if found else None


@cache
def _minor(spec: str) -> str | None:
    """The major.minor that a range such as `>=12.1,<12.2`, `12.1.*` or `3.12.*` starts at."""
    found = _FIRST_VERSION.search(spec.partition(" ")[2])
    return ".".join(found.group().split(".")[:2]) if found else None


@cache
def _cuda_of_build_string(build: str) -> str | None:
    found = _BUILD_CUDA.search(build)
    if not found:
        return None
    dotted, digits = found.groups()
    return dotted or f"{digits[:-1]}.{digits[-1]}"
