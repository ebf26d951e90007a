"""Match specs, parsed and matched by conda."""

from __future__ import annotations

import re
from functools import lru_cache
from logging import getLogger
from typing import Any, NamedTuple

from conda import CondaError
from conda.exceptions import InvalidSpec, InvalidVersionSpec
from conda.models.match_spec import MatchSpec

from ..exceptions.usage import BadSpec
from ..models import Build
from ..selection.facts.names import TORCH
from ..text.messages import text

log = getLogger(__name__)

_NAME = r"[a-z0-9_][a-z0-9_.-]*"
#: A spec that calls pytorch by its name on PyPI.
_TORCH = r"(?i)^(.*::)?torch(?=$|[\s=<>!~\[])"
#: A spec that ends in an operator.
_HALF = r"[<>=!~|,]$"
#: The variant (local version) of a wheel, which conda would read as part of the version.
_LOCAL = r"(?i)\+([a-z]+[\d.]*)"

#: Fields of a spec that are compared with a record, and fields that conda would compare but that
#: `Build` does not have.
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
    bare = re.sub(_TORCH, rf"\1{TORCH}", word.partition("#")[0].strip())
    head, bracket, fields = bare.partition("[")
    variant = None if "://" in bare else re.search(_LOCAL, head)
    if variant:
        bare = f"{re.sub(_LOCAL, '', head)}{bracket}{fields}"
    try:
        found = MatchSpec(bare)
    except (CondaError, ValueError) as error:
        raise BadSpec(spec=word, detail=str(error).splitlines()[0]) from error
    if re.search(_HALF, head.rstrip()):
        # Conda would ignore the operator and admit any version.
        raise BadSpec(spec=word, detail=text("spec_half"))
    name = found.get_exact_value("name")
    if not name or not re.fullmatch(_NAME, name):
        raise BadSpec(spec=word, detail=text("spec_no_package"))
    if unknown := [field for field in _UNKNOWN if found.get_raw_value(field) is not None]:
        raise BadSpec(spec=word, detail=text("spec_unknown_field", {"field": unknown[0]}))
    channel = found.get_exact_value("channel")
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
    if bracket or url or "subdir" in asked:
        # Written out again, without the channel.
        parts = ",".join(f"{field}='{value}'" for field, value in asked.items())
        plain = f"{name}[{parts}]" if parts else name
    return Spec(
        name,
        plain,
        getattr(channel, "canonical_name", None),
        variant[1].lower() if variant else None,
        str(url) if url else None,
    )


@lru_cache(maxsize=4096)
def _match_spec(spec: str) -> Any:
    """Conda's MatchSpec for a spec, None if conda cannot parse it."""
    try:
        return MatchSpec(spec)
    except InvalidSpec:
        log.debug("unreadable match spec in a record: %s", spec)
        return None


def admits(spec: str, name: str, version: str, build: str, record: Build | None = None) -> bool:
    """Whether a match spec admits a package, by conda's rules; an unreadable spec admits none.

    An empty `build` means any, for packages of which only the version is known. `record` has the
    fields that only a record knows, such as hashes; without it, a spec on those admits none.
    """
    if record is None or "[" not in spec:
        return _admits(spec, name, version, build)
    package = _Package(name, version, build)
    for field in _OF_RECORDS:
        setattr(package, field, getattr(record, field))
    return _matches(_match_spec(spec), package)


@lru_cache(maxsize=65536)
def _admits(spec: str, name: str, version: str, build: str) -> bool:
    parsed = _match_spec(spec)
    if parsed is None:
        return False
    if not build and parsed.get_raw_value("build") is not None:
        # Conda 24.7 cannot remove the build from a parsed spec.
        parsed = MatchSpec(name=parsed.name, version=parsed.get_raw_value("version") or "*")
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
