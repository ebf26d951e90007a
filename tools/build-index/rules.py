"""Which builds a release has on the `pytorch` channel, their names, and their dependencies.

Owns the naming rule and the reading of `depends.tsv`. Pure, standard library only. What exists
comes from the releases table (`releases.yaml`, or its reduced copy `tests/data/releases.json`,
which has the same shape); a value there that ends in "?" was inferred and derives nothing.
`tests/tools/test_build_index_rules.py` checks these rules against every carried record.
"""

from __future__ import annotations

import csv
import operator
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

PLATFORMS = ("linux-64", "osx-64", "osx-arm64", "win-64")
FIRST, LAST = "1.8.0", "2.5.1"
#: 1.8.2 is the long-term release of channel `pytorch-lts`, not of `pytorch`.
LEFT_OUT = frozenset({"1.8.2"})
#: The last release for which the records of linux-64 are complete: no record means no build.
COMPLETE = {"linux-64": "2.1.0"}

#: Where the channel's torchtext differs from the release's: 2.0.0 has 0.15.0 (its linux-64
#: records), and 0.18.0 pins pytorch 2.3.0, so 2.3.1 has none.
TORCHTEXT = {"2.0.0": "0.15.0", "2.3.1": None}
#: First torchtext built for osx-arm64: the first release branch of pytorch/text with a conda
#: workflow for it.
TORCHTEXT_ARM64 = "0.15.0"
#: First torchtext for Python 3.12: earlier ones need torchdata, which was not seen for that Python.
TORCHTEXT_PY312 = "0.18.0"
#: (package, version, subdir, CUDA) of which no build was seen where the rest of its release has
#: one: the remarks of the releases table on 1.11.0.
NOT_SEEN = frozenset(
    {
        ("torchvision", "0.12.0", "linux-64", "11.1"),
        ("torchvision", "0.12.0", "win-64", "11.5"),
        ("torchaudio", "0.11.0", "win-64", "11.5"),
    }
)

_COMPARE = {"<=": operator.le, "==": operator.eq, ">=": operator.ge}
_PARTNER_BUILD = re.compile(r"py(\d)(\d+)(?:_(cpu|cu(\d{2,3})))?$")
_TORCH_BUILD = re.compile(r"py(\d\.\d+)(?:_(cpu)|_cuda([\d.]+)_cudnn([\d.]+))?_(\d+)$")


def number(version: str) -> tuple[int, ...]:
    """A dotted version as integers, to compare by value."""
    return tuple(int(part) for part in version.split("."))


def next_minor(version: str) -> str:
    """The next major.minor: "3.9" gives "3.10", "11.8" gives "11.9"."""
    major, minor = version.split(".")
    return f"{major}.{int(minor) + 1}"


@dataclass(frozen=True)
class Named:
    """One build by name. `cuda` is major.minor, None for a build without CUDA.

    `variant` is cuda, cpu, or "" for a build that goes with either (torchtext, torchaudio before
    0.10). `torch` is the release that it belongs to.
    """

    name: str
    version: str
    subdir: str
    build: str
    build_number: int
    python: str
    cuda: str | None
    variant: str
    torch: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The key that identifies a package in a channel."""
        return (self.name, self.version, self.subdir, self.build)


class Parts(NamedTuple):
    """The parts of a build string. `cuda` is None for CPU builds, `cpu` if the word is there."""

    python: str
    cuda: str | None
    cudnn: str | None
    cpu: bool


def parse(name: str, build: str) -> Parts | None:
    """Parse a build string of pytorch or a partner; None if it has no known form."""
    if name == "pytorch":
        if found := _TORCH_BUILD.match(build):
            python, cpu, cuda, cudnn, _ = found.groups()
            return Parts(python, cuda, cudnn, cpu is not None)
        return None
    if found := _PARTNER_BUILD.match(build):
        major, minor, variant, digits = found.groups()
        cuda = f"{digits[:-1]}.{digits[-1]}" if digits else None
        return Parts(f"{major}.{minor}", cuda, None, variant == "cpu")
    return None


def torch_build(subdir: str, python: str, cuda: str | None = None, cudnn: str | None = None) -> str:
    """The build string of pytorch from 1.8.0 on.

    >>> torch_build("win-64", "3.12", "12.1", "8")
    'py3.12_cuda12.1_cudnn8_0'
    >>> torch_build("osx-arm64", "3.12")
    'py3.12_0'
    """
    if cuda:
        return f"py{python}_cuda{cuda}_cudnn{cudnn}_0"
    return f"py{python}_0" if subdir.startswith("osx") else f"py{python}_cpu_0"


def partner_build(python: str, variant: str, cuda: str | None = None) -> str:
    """The build string of torchvision, torchaudio or torchtext; `variant` is "" where it has none.

    >>> partner_build("3.12", "cuda", "12.1"), partner_build("3.9", "cpu"), partner_build("3.9", "")
    ('py312_cu121', 'py39_cpu', 'py39')
    """
    head = "py" + python.replace(".", "")
    if not variant:
        return head
    return f"{head}_cu{cuda.replace('.', '')}" if cuda else f"{head}_cpu"


def covered(releases: Mapping[str, Any]) -> list[str]:
    """The releases of the channel within FIRST .. LAST, oldest first."""
    return sorted(
        (
            version
            for version, facts in releases.items()
            if facts["conda"]
            and version not in LEFT_OUT
            and number(FIRST) <= number(version) <= number(LAST)
        ),
        key=number,
    )


def expected(releases: Mapping[str, Any], torch: str) -> Iterator[Named]:
    """Every build that release `torch` has by the naming rule and the releases table."""
    facts = releases[torch]
    conda = facts["conda"]
    for subdir in PLATFORMS:
        pythons = conda.get(f"{subdir}_python", facts["python_conda"])
        variants: list[str | None] = [
            cuda for cuda in conda.get(f"{subdir}_cuda", ()) if not cuda.endswith("?")
        ]
        if subdir in conda["cpu"]:
            variants.append(None)
        for python in pythons:
            for cuda in variants:
                kind = "cuda" if cuda else "cpu"
                build = torch_build(subdir, python, cuda, _cudnn(conda, subdir, cuda))
                yield Named("pytorch", torch, subdir, build, 0, python, cuda, kind, torch)
                for name in ("torchvision", "torchaudio"):
                    for version in _versions(facts, name):
                        if (name, version, subdir, cuda) in NOT_SEEN:
                            continue
                        plain = name == "torchaudio" and number(version) < (0, 10)
                        if plain and cuda is not variants[0]:
                            continue
                        own, variant = (None, "") if plain else (cuda, kind)
                        build = partner_build(python, variant, own)
                        yield Named(name, version, subdir, build, 0, python, own, variant, torch)
            text = TORCHTEXT.get(torch, facts["torchtext"])
            if variants and text and _text_is_built(text, subdir, python):
                build = partner_build(python, "")
                yield Named("torchtext", text, subdir, build, 0, python, None, "", torch)


def _versions(facts: Mapping[str, Any], name: str) -> list[str]:
    given = facts["conda"].get(name, facts[name])
    return given if isinstance(given, list) else [given]


def _cudnn(conda: Mapping[str, Any], subdir: str, cuda: str | None) -> str | None:
    """The cuDNN in a build string: in full on Linux, only the major on Windows."""
    if cuda is None:
        return None
    table: Mapping[str, str] = conda["linux_cudnn" if subdir == "linux-64" else "win_cudnn_major"]
    return table[cuda]


def _text_is_built(version: str, subdir: str, python: str) -> bool:
    if subdir == "osx-arm64" and number(version) < number(TORCHTEXT_ARM64):
        return False
    return number(python) < (3, 12) or number(version) >= number(TORCHTEXT_PY312)


@lru_cache(maxsize=1)
def _rows() -> list[dict[str, str]]:
    table = Path(__file__).with_name("depends.tsv")
    with table.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def _applies(row: Mapping[str, str], build: Named) -> bool:
    version = number(build.version)
    if row["package"] != build.name or row["variant"] not in ("", build.variant):
        return False
    if row["subdirs"] != "*" and build.subdir not in row["subdirs"].split():
        return False
    if row["since"] and version < number(row["since"]):
        return False
    if row["until"] and version > number(row["until"]):
        return False
    if row["python"]:
        sign, python = row["python"][:2], row["python"][2:]
        return bool(_COMPARE[sign](number(build.python), number(python)))
    return True


def requirements(build: Named) -> dict[str, tuple[str, ...]]:
    """`depends` and `constrains` of a build by the rows of `depends.tsv`, sorted as in records."""
    words = {
        "torch": build.torch,
        "variant": build.variant,
        "cuda": build.cuda or "",
        "cuda_range": f">={build.cuda},<{next_minor(build.cuda)}" if build.cuda else "",
        "python": f">={build.python},<{next_minor(build.python)}.0a0" if build.python else "",
    }
    found: dict[str, list[str]] = {"depends": [], "constrains": []}
    for row in _rows():
        if _applies(row, build):
            found[row["kind"]].append(row["spec"].format(**words))
    return {kind: tuple(sorted(specs, key=_record_order)) for kind, specs in found.items()}


def _record_order(spec: str) -> tuple[str, str]:
    """A sort key by package name first: in records "mkl >=2018" precedes "mkl-service"."""
    name, _, rest = spec.partition(" ")
    return (name, rest)


def windows_runtime(depends: tuple[str, ...]) -> tuple[str, ...]:
    """What pytorch-cuda depends on for win-64, from its list for linux-64.

    Windows adds the `-dev` twin of each library, as pytorch-cuda 11.8, 12.1 and 12.4 show.
    """
    twins = []
    for spec in depends:
        name, _, rest = spec.partition(" ")
        library = name.startswith("lib") and name != "libnvjitlink"
        if library or name in ("cuda-cudart", "cuda-libraries", "cuda-nvrtc"):
            twins.append(f"{name}-dev {rest}")
    return tuple(sorted((*depends, *twins), key=_record_order))
