"""Parse words that ask for wheels: `torch`, `torch==2.7`, `torch>=2.6`, `torch==2.7.1+cu126`. Pure.

They mean what pip takes them for, except for conda's form `torch=2.7`, any release of 2.7. The part
after a `+` is the directory that the wheel comes from, which need not be in the wheel's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ...models import Build, Compat, Notice, Request
from ..facts.names import (
    BLAS,
    CPU_METAPACKAGE,
    CPU_ONLY,
    CUDA_NAMES,
    CUDNN,
    LIBTORCH,
    METAPACKAGES,
    MUTEX,
    RUNTIMES,
)
from ..facts.names import TORCH as CONDA_TORCH
from ..specs import cuda_option, cuda_version, has_endless_number
from .tables import AUDIO, DEFAULT, FAMILY, NAMED, TORCH

#: Conda's name for torch, which users may type for wheels too.
_ALIASES = {CONDA_TORCH: TORCH}
#: Packages of conda that select the accelerator or Python of a set. They mean nothing to pip, and a
#: project on PyPI with such a name is unrelated. cuda-toolkit is a project on PyPI.
_CONDAS_OWN = {
    *("python", CPU_ONLY, LIBTORCH, MUTEX, CUDA_NAMES[0]),
    *(*METAPACKAGES, *RUNTIMES, *CUDNN, *BLAS),
}
#: A name of the family and a version in one: what has such a name on PyPI is unrelated as well.
_GLUED = rf"(?:{'|'.join((*FAMILY, CONDA_TORCH))})-?v?\d+(?:-\d+)+"
_CONDA = re.compile(
    r"([A-Za-z0-9][\w.-]*)\s*=\s*([0-9][\w.]*?)(?:\.\*|(\+[A-Za-z0-9][\w.]*))?",
    re.ASCII,
)
#: A name with its versions, in parentheses or not.
_SIMPLE = re.compile(
    r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\(([<>=!~][^()\[\];@]*)\)|([<>=!~][^()\[\];@]*))?",
    re.ASCII,
)
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)
_LOCAL = re.compile(r"(={2,3})\s*([^\s,;+]+)\+([A-Za-z0-9][\w.]*)", re.ASCII)


class Asked(NamedTuple):
    """The meaning of a word for a project. `variant` is the directory it names, None for any."""

    project: str
    specifier: SpecifierSet
    variant: str | None = None

    @property
    def prerelease(self) -> bool:
        """Whether a prerelease is named."""
        return bool(self.specifier.prereleases)

    @property
    def exact(self) -> bool:
        """Whether one version is named, so that a yanked one is meant too."""
        return any(
            one.operator == "===" or (one.operator == "==" and not one.version.endswith(".*"))
            for one in self.specifier
        )


class BadWord(NamedTuple):
    """A word that cannot be used, and why: the code of a sentence with its facts."""

    word: str
    why: Notice


def read(
    words: Iterable[str],
    *,
    cuda: str = "auto",
    compat: Compat = "minor",
    allow_cpu: bool = False,
    python: str | None = None,
) -> Request | BadWord:
    """Parse words into a request. `cuda` is a result of `accelerator`; `python` is major.minor.

    Words on the torch family are for the choice; `others` go to pip as written. torch is always in
    the set. Without a word on the family the default set is meant, where torchaudio is optional.
    `+cpu` means `--cuda cpu`, where no word names another variant.
    """
    specs: dict[str, list[str]] = {}
    others: list[str] = []
    typed: list[tuple[str, str]] = []
    variants: set[str] = set()
    for word in words:
        plain = for_pip(word)
        if isinstance(plain, BadWord):
            return plain
        head = _NAME.match(plain)
        if head and (own := canonicalize_name(head[0])) in _CONDAS_OWN:
            return BadWord(word, _instead(own, plain[head.end() :]))
        name = requested_name(plain)
        if name is None:
            return BadWord(word, Notice("wheel_word", {"word": word}))
        if re.fullmatch(_GLUED, name):
            return BadWord(word, Notice("spec_no_package", {}))
        if name not in FAMILY:
            others.append(plain)
            typed.append((word, ""))
            continue
        found = understand(plain)
        if isinstance(found, BadWord):
            return found._replace(word=word)
        specs.setdefault(found.project, []).append("".join(plain.split()))
        typed.append((word, found.project))
        variants |= {found.variant} if found.variant else set()
    if cuda == "auto" and variants == {"cpu"}:
        cuda = "cpu"
    wishes: tuple[str, ...] = ()
    if not specs:
        specs, wishes = {name: [name] for name in DEFAULT}, (AUDIO,)
    implied = TORCH not in specs
    specs.setdefault(TORCH, [TORCH])
    return Request(
        specs={name: tuple(specs[name]) for name in FAMILY if name in specs},
        others=tuple(others),
        cuda=cuda,
        compat=compat,
        allow_cpu=allow_cpu,
        source="wheels",
        python=python,
        wishes=wishes,
        implied=implied,
        typed=tuple(typed),
    )


def accelerator(word: str) -> str | None:
    """Parse `--cuda` for wheels: auto, cpu, a CUDA as major.minor, `rocm6.4` or `xpu`; else None.

    ROCm needs its version, because nothing here tells which one serves an AMD GPU.
    """
    plain = word.strip().lower()
    if plain in ("auto", "cpu") or NAMED.fullmatch(plain):
        return plain
    return cuda_option(plain)


@lru_cache(maxsize=256)
def understand(word: str) -> Asked | BadWord:
    """Parse a word on one project."""
    if has_endless_number(word):
        return BadWord(word, Notice("spec_digits", {}))
    simple = _SIMPLE.fullmatch(word)
    if simple is None:
        return _refused(word)
    name, specifier = simple[1], simple[2] or simple[3] or ""
    variants = {local for _, _, local in _LOCAL.findall(specifier)}
    try:
        SpecifierSet(specifier)
        plain = SpecifierSet(_LOCAL.sub(r"\1\2", specifier))
    except InvalidSpecifier:
        return BadWord(word, Notice("wheel_word", {"word": word}))
    if len(variants) > 1:
        return BadWord(word, Notice("wheel_word", {"word": word}))
    return Asked(canonicalize_name(name), plain, next(iter(variants), None))


def _refused(word: str) -> BadWord:
    """Why a word is not a name with versions."""
    # The full grammar is seldom needed, and takes a third of the time of all imports.
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        found = Requirement(word)
    except InvalidRequirement:
        return BadWord(word, Notice("wheel_word", {"word": word}))
    if found.extras:
        extras = ", ".join(sorted(found.extras))
        return BadWord(word, Notice("wheel_word_extras", {"word": word, "extras": extras}))
    return BadWord(word, Notice("wheel_word_more", {"word": word}))


def requested_name(word: str) -> str | None:
    """The project name that a requirement of pip begins with; None if the word is not one."""
    if simple := _SIMPLE.fullmatch(word):
        try:
            SpecifierSet(simple[2] or simple[3] or "")
        except InvalidSpecifier:
            return None
        return canonicalize_name(simple[1])
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return canonicalize_name(Requirement(word).name)
    except InvalidRequirement:
        return None


def _instead(name: str, rest: str) -> Notice:
    """What to write for wheels instead of a package of conda that selects builds of a channel;
    `rest` is the part of the word after the package's name."""
    found = _VERSION.search(rest)
    version = found[0] if found else ""
    if name == "python":
        return Notice("wheel_word_of_conda", {"option": f"--python {version or '3.12'}"})
    if name in (LIBTORCH, *CUDNN, *BLAS):
        return Notice("wheel_word_inside", {"name": name})
    if name in (CPU_ONLY, CPU_METAPACKAGE) or "cpu" in rest:
        return Notice("wheel_word_of_conda", {"option": "--cuda cpu"})
    if name in (CUDA_NAMES[0], *RUNTIMES) and (cuda := cuda_version(version)):
        return Notice("wheel_word_of_conda", {"option": f"--cuda {cuda}"})
    return Notice("wheel_word_of_cuda", {"name": name})


def admits(spec: str, name: str, version: str, build: str, record: Build | None = None) -> bool:
    """Whether a spec admits a wheel.

    Specs are words of a request, or those of the table of partners: `torch 2.11.0|2.12.0`.
    Prereleases are always admitted here.
    """
    if " " in spec:
        of, _, versions = spec.partition(" ")
        return of == name and version in versions.split("|")
    asked = understand(spec)
    if isinstance(asked, BadWord) or asked.project != name:
        return False
    if asked.variant and record and asked.variant not in (record.channel, _local(record)):
        return False
    return _contains(spec, version)


@lru_cache(maxsize=4096)
def _contains(spec: str, version: str) -> bool:
    asked = understand(spec)
    try:
        return isinstance(asked, Asked) and asked.specifier.contains(
            Version(version), prereleases=True
        )
    except InvalidVersion:
        return False


def _local(record: Build) -> str:
    """The local version in the name of a wheel."""
    return record.fn.partition("-")[2].partition("-")[0].partition("+")[2]


def for_pip(word: str) -> str | BadWord:
    """A word rewritten for pip: conda's `torch=2.7` as `torch==2.7.*`, pytorch as torch."""
    found = _CONDA.fullmatch(word.strip())
    plain = word.strip()
    if found:
        plain = f"{found[1]}=={found[2]}{found[3] or '.*'}"
    if not plain or plain.startswith("-"):
        return BadWord(word, Notice("wheel_word", {"word": word}))
    head = _NAME.match(plain)
    name = canonicalize_name(head[0]) if head else ""
    if head and name in _ALIASES:
        return _ALIASES[name] + plain[head.end() :]
    return plain
