"""Where a wheel runs, by the tags in its name: for a target, never for this interpreter. Pure.

A name ends in three tags, `cp312-cp312-manylinux_2_28_x86_64`, each of which may list several with
dots between. `packaging.tags` gives the tags of an interpreter, but platform tags only for this
computer, so those of a conda subdir are listed here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from itertools import product
from typing import NamedTuple

from packaging import tags

from ..specs import number

#: The architecture in the tags of a subdir's platform.
_ARCHITECTURES = {
    "linux-64": "x86_64",
    "linux-aarch64": "aarch64",
    "osx-64": "x86_64",
    "osx-arm64": "arm64",
    "win-64": "amd64",
    "win-arm64": "arm64",
}
#: Older names of three manylinux platforms, by the glibc that they stand for (PEP 600).
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
#: The oldest glibc, 2.N, that any wheel of an architecture is made for.
_OLDEST_GLIBC = {"x86_64": 5, "aarch64": 17}
#: Stand-ins for an unknown system version, newer than every release so far, so that all wheels fit.
_NEWEST_GLIBC, _NEWEST_MACOS = "2.60", "30.0"

_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_", re.ASCII)
_MACOS = re.compile(r"macosx_(\d+)_(\d+)_", re.ASCII)


class TagFit(NamedTuple):
    """Where a wheel with some tags runs on a platform.

    `pythons` are those of the target that take it. `glibc` and `osx` are the oldest versions that
    it is made for, None if the tags set no bound.
    """

    pythons: tuple[str, ...]
    glibc: str | None = None
    osx: str | None = None


@cache
def platforms(subdir: str, glibc: str | None = None, osx: str | None = None) -> tuple[str, ...]:
    """The platform tags of a subdir, the best first; empty for a subdir that has no wheels.

    `glibc` and `osx` are the versions of the system; None admits every one.
    """
    architecture = _ARCHITECTURES.get(subdir)
    if architecture is None:
        return ()
    if subdir.startswith("win-"):
        return (f"win_{architecture}",)
    if subdir.startswith("osx-"):
        major, minor = (*number(osx or _NEWEST_MACOS), 0)[:2]
        return tuple(tags.mac_platforms((major, minor), architecture))
    newest = number(glibc or _NEWEST_GLIBC)[1]
    found = []
    for minor in range(newest, _OLDEST_GLIBC[architecture] - 1, -1):
        found.append(f"manylinux_2_{minor}_{architecture}")
        if minor in _LEGACY:
            found.append(f"{_LEGACY[minor]}_{architecture}")
    return (*found, f"linux_{architecture}")


@cache
def interpreters(python: str, *, free: bool = False) -> tuple[str, ...]:
    """The pairs of first two tags that a CPython (major.minor) accepts, the best first. A `free`
    (free-threaded) one has an ABI of its own."""
    version = number(python)
    name = "cp" + "".join(map(str, version))
    # Up to 3.7 the ABI said that it was built with pymalloc.
    abi = f"{name}m" if version < (3, 8) else f"{name}t" if free else name
    found = [
        *tags.cpython_tags(version, [abi], ["any"]),
        *tags.compatible_tags(version, name, ["any"]),
    ]
    return tuple(dict.fromkeys(f"{tag.interpreter}-{tag.abi}" for tag in found))


@cache
def ranks(
    python: str,
    subdir: str,
    glibc: str | None = None,
    osx: str | None = None,
    *,
    free: bool = False,
) -> Mapping[str, int]:
    """The rank of every tag that the target accepts; 0 is the best."""
    known = platforms(subdir, glibc, osx)
    # Wheels for any platform have no ABI.
    found = [
        f"{pair}-{platform}"
        for pair in interpreters(python, free=free)
        for platform in (*known, *(["any"] if pair.endswith("-none") else []))
    ]
    return {tag: place for place, tag in enumerate(found)}


def expand(triple: str) -> frozenset[str]:
    """Expand the tags of a name to single ones."""
    parts = (part.split(".") for part in triple.split("-"))
    return frozenset("-".join(found) for found in product(*parts))


class WheelTarget:
    """The platform and the Pythons (major.minor) to find wheels for. `free` is the one of them that
    is free-threaded, if any.

    Results are cached by the set of tags: a page has thousands of names, but a hundred such sets.
    """

    def __init__(self, subdir: str, pythons: Collection[str], free: str | None = None) -> None:
        self._platforms = frozenset(platforms(subdir))
        self._pairs = {
            python: frozenset(interpreters(python, free=python == free)) for python in pythons
        }
        self._known: dict[str, TagFit | None] = {}

    def fit(self, triple: str) -> TagFit | None:
        """Where a wheel runs; None if it runs on no version of this platform."""
        if triple not in self._known:
            self._known[triple] = self._fit(triple)
        return self._known[triple]

    def _fit(self, triple: str) -> TagFit | None:
        parts = triple.split("-")
        if len(parts) != 3:
            return None
        here = [tag for tag in parts[2].split(".") if tag in self._platforms]
        pure = "any" in parts[2].split(".") and "none" in parts[1].split(".")
        pairs = {"-".join(pair) for pair in product(parts[0].split("."), parts[1].split("."))}
        pythons = tuple(python for python, takes in self._pairs.items() if takes & pairs)
        if not pythons or not (here or (pure and self._platforms)):
            return None
        return TagFit(pythons, *(_oldest(here) if not pure else ()))


def named_pythons(triple: str) -> frozenset[str]:
    """The CPythons that the first tag names one by one: `cp39.cp310` gives 3.9 and 3.10."""
    found = re.findall(r"cp(\d)(\d+)(?=[.-])", triple.partition("-")[0] + "-")
    return frozenset(f"{major}.{minor}" for major, minor in found)


def _oldest(found: list[str]) -> tuple[str | None, str | None]:
    """The oldest glibc and the oldest macOS that one of these platform tags runs on."""
    glibc: list[str] = []
    osx: list[str] = []
    for tag in found:
        plain = next(
            (tag.replace(old, f"manylinux_2_{n}") for n, old in _LEGACY.items() if old in tag), tag
        )
        if match := _MANYLINUX.match(plain):
            glibc.append(f"{match[1]}.{match[2]}")
        elif match := _MACOS.match(plain):
            osx.append(f"{match[1]}.{match[2]}")
        else:
            return None, None  # `linux_x86_64` and `win_amd64` set no bound
    return min(glibc, key=number, default=None), min(osx, key=number, default=None)
