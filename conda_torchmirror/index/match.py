"""Match specs, parsed and matched by conda."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from logging import getLogger
from typing import Any, NamedTuple

from conda.exceptions import InvalidVersionSpec
from conda.models.channel import Channel
from conda.models.match_spec import MatchSpec

from ..exceptions.base import SPEC_ERRORS, first_line
from ..exceptions.usage import BadSpec
from ..mirrors import addresses
from ..models import Build, Notice
from ..selection.facts.names import (
    CPU_ONLY,
    CUDA_NAMES,
    FAMILY,
    METAPACKAGES,
    MUTEX,
    PIP_NAMES,
    RUNTIMES,
    TORCH,
)
from ..selection.specs import VARIANT, has_endless_number, package_name
from ..text.messages import text

log = getLogger(__name__)

_NAME = r"[a-z0-9_][a-z0-9_.-]*"
#: A spec that calls pytorch by its name on PyPI.
_TORCH = r"(?i)^(.*::)?torch(?=$|[\s=<>!~\[+])"
#: Brackets that conda reads whole: it ignores what is no FIELD=VALUE in them.
_FIELDS = r"""\[\s*(?:\w+\s*=\s*(?:'[^']*'|"[^"]*"|[^\s,'"\]]+)\s*(?:,\s*|(?=\])))*\]"""
#: Packages that are chosen here, or that narrow the choice; conda reads all others by itself.
_OURS = frozenset((*FAMILY, *RUNTIMES, *CUDA_NAMES, *METAPACKAGES, CPU_ONLY, MUTEX, "python"))
#: Dashes that look like the hyphen, an option, and what stands between two packages in one word.
_DASHES = r"[\u2010-\u2015\u2212]"
_OPTION = r"--[a-z][a-z-]+|-[a-zA-Z]"
_BETWEEN = r"(?<![,;、\s])[,;、\s]+(?=[A-Za-z])"
#: What a Chinese keyboard or a text editor puts for these, and Unicode does not equate with them.
_ASCII = str.maketrans({"。": ".", "≥": ">=", "≤": "<=", "≠": "!="})
#: A name and a version as other tools write them: `pytorch-2.3`, `pytorch:2.3`, `torch@2.3`.
_GLUED = r"(?i)((?:.*::)?[a-z][a-z-]*?)[-:@]?v?(\d+(?:\.\d+)+)"
#: Where one bound of a version ends and the next begins.
_BOUNDS = r"(?<=[\d*])(?=[<>!~])"
#: What conda takes for a namespace, and reads over; before `::` it is the drive of a path.
_NAMESPACE = r"(?!.*::)[^\[\]=<>!~\s:]+:"
#: The URL of a channel in a spec.
_URL = r"[a-z]+://[^\s'\",\]]+"
#: A spec that ends in an operator.
_HALF = r"[<>=!~|,]$"

#: Fields of a spec that say where a package is from, fields that are compared with a record, and
#: fields that conda would compare but that `Build` does not have.
_PLACE = ("channel", "subdir")
_OF_RECORDS = ("build_number", "subdir", "md5", "sha256", "fn")
_UNKNOWN = ("track_features", "features", "license", "license_family")


class Spec(NamedTuple):
    """A parsed match spec. `plain` is the spec without channel and variant.

    `variant` is the local part of a wheel's version, such as cu121. `url` is the URL of a single
    package file.
    """

    name: str
    plain: str
    channel: str | None = None
    variant: str | None = None
    url: str | None = None

    @property
    def open(self) -> bool:
        """Whether the spec is a bare name."""
        return self.plain == self.name


def read(word: str) -> Spec:
    """Parse a match spec; `torch` means pytorch. Raises: BadSpec."""
    try:
        return _read(word)
    except BadSpec as error:
        if meant := _meant(word):
            ways = [Notice("spec_words" if " " in meant else "spec_meant", {"specs": meant})]
            raise BadSpec(**error._facts, ways=ways) from error
        raise


def _meant(word: str) -> str:
    """The words that an unreadable one was likely meant for: those of a Chinese keyboard or of a
    text editor as ASCII, and what else separates as a space; "" if there are none."""
    plain = unicodedata.normalize("NFKC", word)
    plain = "".join(c for c in plain if unicodedata.category(c) != "Cf").translate(_ASCII)
    plain = re.sub(_DASHES, "-", plain).strip().strip("\"'`“”‘’「」")
    if re.match(_DASHES, word.strip()[:1]) and plain.startswith("-"):
        letters = plain.lstrip("-")
        plain = f"-{letters}" if len(letters) == 1 else f"--{letters}"
        return plain if re.fullmatch(_OPTION, plain) else ""
    words = [_as_spec(each) for each in re.split(_BETWEEN, plain)]
    try:
        for each in words:
            _read(each)
    except BadSpec:
        return ""
    return " ".join(words) if words != [word] else ""


def _as_spec(word: str) -> str:
    """A word with the separators that a match spec has."""
    if glued := re.fullmatch(_GLUED, word):
        return f"{glued[1]}={glued[2]}"
    if space := re.match(_NAMESPACE, word):
        word = f"{space[0]}:{word[space.end() :]}"
    return re.sub(_BOUNDS, ",", word)


def _read(word: str) -> Spec:
    bare = re.sub(_TORCH, rf"\1{TORCH}", word.partition("#")[0].strip())
    bare = re.sub(r"\[\s*\]$", "", bare)  # conda reads over these, or refuses them
    if has_endless_number(bare):
        raise BadSpec(spec=word, detail=text("spec_digits"))
    head, bracket, fields = bare.partition("[")
    variant = None if "://" in bare else re.search(VARIANT, head)
    if variant:
        bare = f"{re.sub(VARIANT, '', head)}{bracket}{fields}"
    # Before conda, whose parser for some solvers refuses these in other words or fails over them.
    if package_name(bare) in _OURS and (ignored := _ignored(bare)):
        raise BadSpec(spec=word, detail=text("spec_ignored", {"part": ignored}))
    try:
        found = MatchSpec(bare)
    except SPEC_ERRORS as error:
        raise BadSpec(spec=word, detail=first_line(error)) from error
    if re.search(_HALF, head.rstrip()):
        # Conda would ignore the operator and admit any version.
        raise BadSpec(spec=word, detail=text("spec_half"))
    name = found.get_exact_value("name")
    if not name or not re.fullmatch(_NAME, name) or _is_glued(bare):
        raise BadSpec(spec=word, detail=text("spec_no_package"))
    if "://" not in bare and (space := re.match(_NAMESPACE, bare)):
        if name in _OURS or re.fullmatch(r"v?\d+(\.\w+)*", name):
            raise BadSpec(spec=word, detail=text("spec_ignored", {"part": space[0]}))
        # Files have it before other packages, for which all channels are searched.
        return _read(bare[space.end() :])
    if unknown := [field for field in _UNKNOWN if found.get_raw_value(field) is not None]:
        raise BadSpec(spec=word, detail=text("spec_unknown_field", {"field": unknown[0]}))
    versions = re.split(r"[,|\s]+", str(found.get_raw_value("version") or "").lower())
    if not {*FAMILY, *PIP_NAMES}.isdisjoint(versions):
        raise BadSpec(spec=word, detail=text("spec_several"))
    url = found.get_raw_value("url")
    asked = {
        field: value
        for field in ("version", "build", *_OF_RECORDS)
        if (value := found.get_raw_value(field)) is not None
    }
    if url and "fn" not in asked:
        # Reduce the URL to the file that it names, wherever that is read from.
        asked["subdir"], asked["fn"] = str(url).rstrip("/").split("/")[-2:]
    plain = bare.rpartition("::")[2].strip()
    if plain.lower().startswith(name):
        plain = name + plain[len(name) :]  # conda reads `CUDA` as it reads `cuda`
    if bracket or url or "subdir" in asked:
        # Written out again, without the channel.
        parts = ",".join(f"{field}='{value}'" for field, value in asked.items())
        plain = f"{name}[{parts}]" if parts else name
    return Spec(
        name,
        plain,
        _channel_by_url(bare) or _named(found),
        variant[1].lower() if variant else None,
        str(url) if url else None,
    )


def channel_for_conda(word: str) -> str | None:
    """The channel that this conda would take a spec from; `read` tells the one that is meant."""
    try:
        return _named(MatchSpec(word))
    except SPEC_ERRORS:
        return None


def _named(found: Any) -> str | None:
    return getattr(found.get_exact_value("channel"), "canonical_name", None)


def _channel_by_url(spec: str) -> str | None:
    """The channel that a spec names by its URL; conda 24.7 reads over the host of one."""
    head, _, fields = spec.partition("[")
    field = re.search(rf"\bchannel\s*=\s*['\"]?({_URL})", fields)
    found = field or re.match(rf"({_URL})::", head)
    return str(Channel(found[1]).canonical_name) if found else None


def _is_glued(spec: str) -> bool:
    """Whether a spec would be the name of one of our packages and a version: no channel has such a
    package."""
    glued = re.fullmatch(_GLUED, spec)
    return glued is not None and package_name(glued[1].lower()) in {*_OURS, *PIP_NAMES}


def _ignored(spec: str) -> str:
    """The part of a spec that conda reads over without a word, "" if there is none: parentheses at
    its end, brackets with something that is no field in them, a version before that in brackets."""
    head, bracket, fields = spec.partition("[")
    if found := re.search(r"\(.*\)$", head.strip()):
        return found[0]
    if bracket and not re.fullmatch(_FIELDS, f"[{fields.rstrip()}"):
        return bracket + fields
    before = re.search(r"[\s=<>!~].*", head.rpartition("::")[2].strip())
    return before[0].strip() if before and re.search(r"\b(version|build)\s*=", fields) else ""


@lru_cache(maxsize=4096)
def _match_spec(spec: str) -> Any:
    """Conda's MatchSpec for a spec, None if conda cannot parse it. A channel that is given by its
    URL at upstream or a mirror is the channel of that name, as it is in `Build`."""
    try:
        parsed = MatchSpec(spec)
    except SPEC_ERRORS:
        log.debug("unreadable match spec in a record: %s", spec)
        return None
    url = spec.partition("[")[0].rpartition("::")[0]
    return MatchSpec(parsed, channel=addresses.name_of(url)) if "://" in url else parsed


def admits(spec: str, name: str, version: str, build: str, record: Build | None = None) -> bool:
    """Whether a match spec admits a package, by conda's rules; an unreadable spec admits none.

    An empty `build` means any, for packages of which only the version is known, and then the other
    fields do not count either. `record` has the fields that only a record knows, such as hashes;
    without it, a spec on those admits no build, and the channel and platform that a spec names are
    those of the package.
    """
    if record is None or not ("[" in spec or "::" in spec):
        return _admits(spec, name, version, build)
    package = _Package(name, version, build)
    for field in ("channel", *_OF_RECORDS):
        setattr(package, field, getattr(record, field))
    return _matches(_match_spec(spec), package)


@lru_cache(maxsize=65536)
def _admits(spec: str, name: str, version: str, build: str) -> bool:
    parsed = _match_spec(spec)
    if parsed is None:
        return False
    if not build and any(parsed.get_raw_value(of) is not None for of in ("build", *_OF_RECORDS)):
        # Conda 24.7 cannot remove fields from a parsed spec.
        parsed = MatchSpec(name=parsed.name, version=parsed.get_raw_value("version") or "*")
    elif any(parsed.get_raw_value(of) is not None for of in _PLACE):
        fields = {of: parsed.get_raw_value(of) for of in parsed.FIELD_NAMES if of not in _PLACE}
        parsed = MatchSpec(**{of: value for of, value in fields.items() if value is not None})
    return _matches(parsed, _Package(name, version, build))


def _matches(parsed: Any, package: _Package) -> bool:
    try:
        return parsed is not None and bool(parsed.match(package))
    except InvalidVersionSpec:
        return False


class _Package:
    """The fields that MatchSpec reads, cheaper than a PackageRecord; the others are None."""

    def __init__(self, name: str, version: str, build: str) -> None:
        number = build.rpartition("_")[2]
        self.name, self.version, self.build = name, version, build
        self.build_number = int(number) if number.isdecimal() else 0

    def __getattr__(self, field: str) -> None:
        return None
