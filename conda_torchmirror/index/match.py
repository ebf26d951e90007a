"""Match specs as conda reads them: what one says, and whether it admits a package."""

from __future__ import annotations

import re
from functools import lru_cache
from logging import getLogger
from types import SimpleNamespace
from typing import Any, NamedTuple

from ..exceptions.usage import BadSpec
from ..models import Build
from ..selection.facts.names import TORCH
from ..text.messages import text

log = getLogger(__name__)

_NAME = r"[a-z0-9_][a-z0-9_.-]*"
#: PyPI's name of pytorch.
_TORCH = r"(?i)^(.*::)?torch(?=$|[\s=<>!~\[])"
#: An operator that nothing follows.
_HALF = r"[<>=!~|,]$"
#: The variant of a wheel, which conda would read as a part of the version.
_LOCAL = r"(?i)\+([a-z]+[\d.]*)"

#: What a spec may ask of a record, and what else conda would compare, which no choice knows.
_OF_RECORDS = ("build_number", "subdir", "md5", "sha256", "fn")
_UNKNOWN = ("track_features", "features", "license", "license_family")


class Spec(NamedTuple):
    """What a match spec says. `plain` is the spec without channel and variant.

    `variant` is that of a wheel's version, such as cu121. `url` names one file.
    """

    name: str
    plain: str
    channel: str | None = None
    variant: str | None = None
    url: str | None = None

    @property
    def open(self) -> bool:
        """Whether it says no more than the name."""
        return self.plain == self.name


def read(word: str) -> Spec:
    """Read a match spec; `torch` is pytorch. Raises: BadSpec."""
    from conda import CondaError
    from conda.models.match_spec import MatchSpec

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
        # Conda drops such an operator, and takes any version.
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
        # Where a file is read from does not matter; which one it is does.
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
    """Conda's object for a spec, None where conda cannot read it."""
    from conda.exceptions import InvalidSpec
    from conda.models.match_spec import MatchSpec

    try:
        return MatchSpec(spec)
    except InvalidSpec:
        log.debug("unreadable match spec in a record: %s", spec)
        return None


def admits(spec: str, name: str, version: str, build: str, record: Build | None = None) -> bool:
    """Whether conda's match spec admits a package; an unreadable spec admits none.

    An empty `build` stands for "any", for packages of which only the version is known. `record`
    answers for what only a record knows, such as hashes; without one a spec on them admits none.
    """
    if record is None or "[" not in spec:
        return _admits(spec, name, version, build)
    from conda.models.match_spec import MatchSpec

    package = _package(MatchSpec.FIELD_NAMES, name, version, build)
    for field in _OF_RECORDS:
        setattr(package, field, getattr(record, field))
    return _matches(_match_spec(spec), package)


@lru_cache(maxsize=65536)
def _admits(spec: str, name: str, version: str, build: str) -> bool:
    parsed = _match_spec(spec)
    if parsed is None:
        return False
    from conda.models.match_spec import MatchSpec

    if not build and parsed.get_raw_value("build") is not None:
        # Conda 24.7 cannot take a build out of a spec that it has parsed.
        parsed = MatchSpec(name=parsed.name, version=parsed.get_raw_value("version") or "*")
    return _matches(parsed, _package(MatchSpec.FIELD_NAMES, name, version, build))


def _matches(parsed: Any, package: SimpleNamespace) -> bool:
    from conda.exceptions import InvalidVersionSpec

    try:
        return parsed is not None and bool(parsed.match(package))
    except InvalidVersionSpec:
        return False


def _package(fields: tuple[str, ...], name: str, version: str, build: str) -> SimpleNamespace:
    """What a match spec looks at, without the cost of a PackageRecord; unknown fields are None."""
    number = build.rpartition("_")[2]
    package = SimpleNamespace(**dict.fromkeys(fields))
    package.name, package.version, package.build = name, version, build
    package.build_number = int(number) if number.isdecimal() else 0
    return package
