"""Parse short words: names in match specs, versions, the CUDA and torch of a label. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import InvalidVersion, Version

from .facts.names import TORCH

if TYPE_CHECKING:
    from ..models import Admits

# Patterns that few commands need are compiled on first use: each takes 0.2 ms.
_NAME = re.compile(r"[\w.-]*")
_CU = r"cu(\d{1,2})(\d)"
_CUDA = r"(?:cuda)?(\d{1,2})(?:\.(\d{1,2})(?:\.\d+)*)?"
_TYPED_CUDA = r"^(?:cuda|cu)[-_ ]?(?=\d)|\.[x*]$"
#: What people type for these values of `--cuda`, and around and for the point in a version.
_MEANT_CUDA = {
    **dict.fromkeys(("none", "no", "false", "off", "without"), "cpu"),
    **dict.fromkeys(("gpu", "cuda", "yes", "true", "on", "latest", "any", "mps"), "auto"),
}
_AROUND_CUDA = r"^[<>=~≥≤]+|^(?:cuda)?[-_ ]?v(?=\d)|\+$"
_POINTS = {ord(mark): "." for mark in ",。:_"}
_MEANT_PYTHON = r"(?:python|py|cp|v)?[-_. ]*3\.?(\d{1,2})"
#: CUDA 10 and later by major alone; before 10 two digits are a major and a minor.
_CU_MAJOR = r"cu(1\d)"

#: No CUDA has such a major; the drivers do.
_DRIVERS = 30

#: More patch releases than any minor release of CPython, or of CUDA, has had.
_PATCHES = range(31)
_CUDA_PATCHES = range(10)

#: The forms of a match spec that can name a build.
_EQUALS = r"([\w.-]+)(={1,2})([^=\[\]]*[^=\[\]<>!~|,])=([^=\[\]]+)"
_COMPARED = r"([\w.-]+)\s*([<>!~][^\[\]]*[^=<>!~|,\s\[\]])=([^=<>!~|,\s\[\]]+)"
_SPACES = r"([\w.-]+)\s+(\S*[^\s<>=!~|,])\s+([^\s<>=!~|,]\S*)"
_BRACKETS = r"([\w.-]+)\[(.*)\]"
_VERSION = r"version='([^']*)'"
_BUILD = r"(?:^|,)\s*build=['\"]?([^'\",\]]+)"
#: A version in a spec, with the variant of a wheel.
_NUMBER = r"\d+(?:\.\d+)*(?:\+\w+)?"
#: A version without it.
_PLAIN = r"\d+(?:\.\d+)*"
#: A version that may have letters, and the ends of versions next to it.
_ANY = r"\d(?:[\w.!+]*\w)?"
_NEAR = ("", "dev", "dev0", ".dev0", "a0", "rc0", ".post0", ".0.0.0.1")
#: The variant of a wheel, which conda would read as a part of the version.
VARIANT = r"(?i)\+([a-z]+[\d.]*)"
#: What fixes a major.minor.
_FIXED = r"={0,2}\s*(\d+\.\d+)(?:\.\d+)*(?:\.?\*)?(?:[=\s].*)?"
#: Digits in a row that no version, build or hash has.
_DIGITS = 100

_MARK = r"(?i)(?:^|[^A-Za-z0-9])"
_MARKED_CUDA = _MARK + r"cu(?:da)?[-_]?(\d{1,2}\.\d{1,2}|\d{2,3})(?!\d)"
_MARKED_TORCH = _MARK + r"(?:th|pt|torch[-_]?)(\d)\.?(\d{1,2})(?!\d)"


class Marks(NamedTuple):
    """The CUDA and the release of torch, both major.minor, that a label or a build string names."""

    cuda: str | None = None
    torch: str | None = None


@lru_cache(maxsize=4096)
def package_name(spec: str) -> str:
    """The package name in a match spec such as `pytorch::torchvision>=0.15  # newer`."""
    plain = spec.partition("#")[0].partition("[")[0].rpartition("::")[2].strip()
    found = _NAME.match(plain)
    return found[0].lower() if found else ""


def misspelt(name: str, known: Iterable[str]) -> str | None:
    """The known name that an unknown one was likely meant for: about one letter differs, or the
    same letters stand in another order, which alone is enough in a short name: torchx is one."""
    import difflib  # only a package that goes to the solver needs it

    names = [word for word in known if abs(len(word) - len(name)) <= 1]
    if name in names or (name[1:] in names and name[:1] != name[1:2]):
        return None  # a letter before a name makes another: gpytorch
    turned = [word for word in names if sorted(word) == sorted(name)]
    names = [word for word in names if len(word) > len("torch")]
    return next(iter(turned or difflib.get_close_matches(name, names, n=1, cutoff=0.85)), None)


def version_alone(word: str) -> str | None:
    """What a version without a name was likely meant for: a release of PyTorch, or, from 3 on,
    Python; what the directory of a wheel was, such as cu121 or cpu. None for any other word."""
    if found := re.fullmatch(r"cu(?:da)?-?(\d+)\.?(\d)", word):
        return f"--cuda {found[1]}.{found[2]}"
    if word == "cpu":
        return "--cuda cpu"
    if not re.fullmatch(r"\d{1,2}(?:\.\d{1,3})+", word):
        return None
    return f"--python {word}" if int(word.partition(".")[0]) >= 3 else f"{TORCH}={word}"


def without_build(spec: str) -> str | None:
    """A spec without its build and whatever else narrows it to one file; None if it has neither."""
    if found := re.fullmatch(_EQUALS, spec):
        return f"{found[1]}{found[2]}{found[3]}"
    if found := re.fullmatch(_COMPARED, spec):
        return f"{found[1]}{found[2]}"
    if found := re.fullmatch(_SPACES, spec):
        return f"{found[1]} {found[2]}"
    if found := re.fullmatch(_BRACKETS, spec):
        version = re.search(_VERSION, found[2])
        return f"{found[1]}[version='{version[1]}']" if version else found[1]
    return None


def for_torch(spec: str) -> str:
    """The spec for pytorch that one for its metapackage or library comes to: the same version, any
    build."""
    return TORCH + (without_build(spec) or spec)[len(package_name(spec)) :]


@cache
def release(version: str) -> Version | None:
    """A version that can be compared; None if it does not follow PEP 440."""
    try:
        return Version(version)
    except InvalidVersion:
        return None


@cache
def number(version: str) -> tuple[int, ...]:
    """A dotted number such as a CUDA version as integers, for comparison. Raises: ValueError."""
    return tuple(int(part) for part in version.split("."))


def minor(version: str) -> str:
    """The first two parts of a version: `2.5` of 2.5.1."""
    return ".".join(version.split(".")[:2])


def cuda_version(text: str) -> str | None:
    """Read "12.4", "12.4.1", "cu124" or "cuda12.4" as major.minor, "12" or "cu12" as a major.

    None for anything else.
    """
    text = text.strip()
    if found := re.fullmatch(_CU_MAJOR, text):
        return str(int(found[1]))
    if found := re.fullmatch(_CU, text):
        return f"{int(found[1])}.{int(found[2])}"
    found = re.fullmatch(_CUDA, text)
    if found is None:
        return None
    return f"{int(found[1])}.{int(found[2])}" if found[2] else str(int(found[1]))


def cuda_option(word: str) -> str | None:
    """Read the value of `--cuda` as `cuda_version` does, and as a person types it: `CUDA 12.1`,
    `cu12.1`, `12.x`; two or three digits as after `cu`, so `121` as 12.1, `92` as 9.2. None
    for what may be the version of a driver (580)."""
    plain = re.sub(_TYPED_CUDA, "", word.strip().lower())
    found = cuda_version(f"cu{plain}" if re.fullmatch(r"\d{2,3}", plain) else plain)
    return found if found and number(found)[0] < _DRIVERS else None


def likely_cuda(word: str) -> str | None:
    """The value of `--cuda` that one which cannot be read was likely meant for: `12,4` and `v12.4`
    as 12.4, `none` as cpu."""
    plain = unicodedata.normalize("NFKC", word).strip().lower()
    if (meant := _MEANT_CUDA.get(plain)) is not None:
        return meant
    return cuda_option(re.sub(_AROUND_CUDA, "", plain).translate(_POINTS))


def likely_python(word: str) -> str | None:
    """The value of `--python` that one which cannot be read was likely meant for: `310`, `py310`
    and `3,10` as 3.10."""
    plain = unicodedata.normalize("NFKC", word).strip().lower()
    found = re.fullmatch(_MEANT_PYTHON, plain.translate(_POINTS), re.ASCII)
    return f"3.{int(found[1])}" if found else None


def same_cuda(asked: str, cuda: str) -> bool:
    """Whether a CUDA (major.minor) is the one asked for; a major alone means any minor of it."""
    return number(cuda)[: len(number(asked))] == number(asked)


def marks(text: str) -> Marks:
    """Read the CUDA and torch that a label (`cuda-11.8.0`, `th24_cu118`) or build string names."""
    cuda, torch = re.search(_MARKED_CUDA, text), re.search(_MARKED_TORCH, text)
    return Marks(
        cuda_version(cuda[1] if "." in cuda[1] else f"cu{cuda[1]}") if cuda else None,
        f"{torch[1]}.{torch[2]}" if torch else None,
    )


def wheel_variant(word: str) -> str | None:
    """The variant (local version) of a wheel that a spec names: `cu121` of `torch==2.3.1+cu121`."""
    found = re.search(VARIANT, word.partition("[")[0]) if "://" not in word else None
    return found[1].lower() if found else None


def admits_cuda(spec: str, name: str, cuda: str, admits: Admits) -> bool:
    """Whether a spec on a package whose version is a CUDA version passes some release of `cuda`."""
    versions = (cuda, *(f"{cuda}.{patch}" for patch in _CUDA_PATCHES))
    return any(admits(spec, name, version, "") for version in versions)


def has_endless_number(word: str) -> bool:
    """Whether a word has a number of more digits than any version or build has, of which Python
    reads 4,300."""
    return len(word) > _DIGITS and bool(re.search(rf"\d{{{_DIGITS}}}", word))


def exclude_each_other(
    specs: Sequence[str], name: str, known: Iterable[str], admits: Admits
) -> bool:
    """Whether no version of a package passes all of these match specs, whatever their builds.

    Tried are the `known` versions, those that the specs name, and one just above each.
    """
    named = {found for spec in specs for found in re.findall(_NUMBER, without_build(spec) or spec)}
    tried = {"0", *named, *(f"{version}.1" for version in named), *known}
    return not any(all(admits(spec, name, one, "") for spec in specs) for one in tried)


def never_together(first: str, second: str, name: str, admits: Admits) -> bool:
    """Whether no version and build of a package passes both of two match specs on it.

    Tried are the versions that they name, ones just below and above each, and the next of each of
    its parts; one with letters, such as 2.7.0rc1, as it stands. Specs of which none of these passes
    one alone are taken to go together.
    """
    edges = {edge for spec in (first, second) for edge in re.findall(_PLAIN, spec)}
    tried = {"0"}.union(*map(_beside, edges), re.findall(_ANY, f"{first} {second}"))
    of_first, of_second = (
        {version for version in tried if admits(spec, name, version, "")}
        for spec in (first, second)
    )
    if not (of_first and of_second):
        return False
    builds = build_of(first), build_of(second)
    return not of_first & of_second or not (None in builds or _globs_meet(*builds))


def excluding(words: Iterable[str], admits: Admits) -> tuple[str, str] | None:
    """The first two of some specs on one package that nothing passes both, not even a prerelease;
    None if there are none."""
    by_name: dict[str, list[str]] = {}
    for word in words:
        name = package_name(word)
        for earlier in by_name.setdefault(name, []):
            first, second = (spec.rpartition("::")[2] for spec in (earlier, word))
            if _exclude(first, second, name, admits):
                return earlier, word
        by_name[name].append(word)
    return None


def _exclude(first: str, second: str, name: str, admits: Admits) -> bool:
    """Whether no package passes both of two specs, as `never_together`, but with prereleases."""
    if "^" in first + second or not never_together(first, second, name, admits):
        return False
    builds = build_of(first), build_of(second)
    if None not in builds and not _globs_meet(*builds):
        return True
    near = (f"{edge}{end}" for edge in re.findall(_ANY, f"{first} {second}") for end in _NEAR)
    return not any(admits(first, name, v, "") and admits(second, name, v, "") for v in near)


def build_of(spec: str) -> str | None:
    """The build in a match spec, with its wildcards; None if it names none."""
    if found := re.fullmatch(_EQUALS, spec):
        return found[4]
    if found := re.fullmatch(_COMPARED, spec) or re.fullmatch(_SPACES, spec):
        return found[3]
    found = re.search(_BUILD, spec.partition("[")[2])
    return found[1] if found else None


@lru_cache(maxsize=1024)
def _globs_meet(first: str, second: str) -> bool:
    """Whether some text passes both of two builds of match specs."""
    if any(build[:1] == "^" or len(build) > _DIGITS for build in (first, second)):
        return True  # a regular expression
    # Pairs of positions that a text may have come to, each looked at once: recursion would come to
    # the same pairs again and again.
    todo, seen = [(0, 0)], set()
    while todo:
        at = todo.pop()
        if at in seen:
            continue
        seen.add(at)
        i, j = at
        if at == (len(first), len(second)):
            return True
        one, other = first[i : i + 1], second[j : j + 1]
        if "*" in (one, other):
            todo += [(i + 1, j)] if one else []
            todo += [(i, j + 1)] if other else []
        elif one and one == other:
            todo.append((i + 1, j + 1))
    return False


def _beside(version: str) -> Iterator[str]:
    """A version, and those next to it: for 1.21 also 1.22, and 2."""
    yield from (version, f"{version}.1", f"{version}.0.1", just_below(version))
    parts = version.split(".")
    yield from (".".join((*parts[:i], str(int(part) + 1))) for i, part in enumerate(parts))


def just_below(version: str) -> str:
    """A version just below: `2024.1` gives `2024.0.999`."""
    parts = [int(part) for part in version.split(".")]
    for i in reversed(range(len(parts))):
        if parts[i]:
            return ".".join(map(str, (*parts[:i], parts[i] - 1, 999)))
    return "0"


def admits_python(spec: str, python: str, admits: Admits) -> bool:
    """Whether some patch release of this Python (major.minor) passes a match spec on python."""
    return any(admits(spec, "python", f"{python}.{patch}", "") for patch in _PATCHES)


def after_name(spec: str) -> str:
    """The part of a spec after the name."""
    return spec.strip()[len(package_name(spec)) :].strip()


def fixed_minor(spec: str) -> str | None:
    """The major.minor that a spec fixes, or None: for `=11.3.1=h59b6b97_2`, 11.3."""
    found = re.fullmatch(_FIXED, after_name(spec))
    return found[1] if found else None
