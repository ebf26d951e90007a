"""The one reader of short words: the name in a match spec, a version, a CUDA version. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from ..models import Admits

_NAME = re.compile(r"[\w.-]*")
_CU = re.compile(r"cu(\d{1,2})(\d)")
_CUDA = re.compile(r"(?:cuda)?(\d{1,3})(?:\.(\d{1,2})(?:\.\d+)*)?")

#: CPython has made no more patch releases than this of any minor one.
_PATCHES = range(31)


@lru_cache(maxsize=4096)
def package_name(spec: str) -> str:
    """The package name in a match spec such as `pytorch::torchvision>=0.15  # newer`."""
    plain = spec.partition("#")[0].partition("[")[0].rpartition("::")[2].strip()
    found = _NAME.match(plain)
    return found[0].lower() if found else ""


def misspelt(name: str, known: Iterable[str]) -> str | None:
    """The known name that an unknown one was likely meant for: about one letter differs."""
    import difflib  # only a package that goes to the solver needs it

    names = [word for word in known if abs(len(word) - len(name)) <= 1]
    if name in names:
        return None
    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.85)), None)


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


def minor(version: str) -> str:
    """The first two parts of a version: `2.5` of 2.5.1."""
    return ".".join(version.split(".")[:2])


def cuda_version(text: str) -> str | None:
    """Read "12.4", "12.4.1", "12", "cu124" or "cuda12.4" as major.minor; None for anything else."""
    text = text.strip()
    if found := _CU.fullmatch(text):
        return f"{found[1]}.{found[2]}"
    found = _CUDA.fullmatch(text)
    return f"{int(found[1])}.{int(found[2] or 0)}" if found else None


def admits_python(spec: str, python: str, admits: Admits) -> bool:
    """Whether some patch release of this Python (major.minor) passes a match spec on python."""
    return any(admits(spec, "python", f"{python}.{patch}", "") for patch in _PATCHES)
