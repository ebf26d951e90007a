"""Whether a match spec admits a package: conda's `MatchSpec` as a plain function."""

from __future__ import annotations

from functools import lru_cache
from logging import getLogger
from types import SimpleNamespace
from typing import Any

log = getLogger(__name__)


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


@lru_cache(maxsize=65536)
def admits(spec: str, name: str, version: str, build: str) -> bool:
    """Whether conda's match spec admits a package; an unreadable spec admits none.

    An empty `build` stands for "any", for packages of which only the version is known.
    """
    parsed = _match_spec(spec)
    if parsed is None:
        return False
    from conda.exceptions import InvalidVersionSpec
    from conda.models.match_spec import MatchSpec

    if not build and parsed.get_raw_value("build") is not None:
        # Conda 24.7 cannot take a build out of a spec that it has parsed.
        parsed = MatchSpec(name=parsed.name, version=parsed.get_raw_value("version") or "*")
    try:
        return bool(parsed.match(_package(MatchSpec.FIELD_NAMES, name, version, build)))
    except InvalidVersionSpec:
        return False


def _package(fields: tuple[str, ...], name: str, version: str, build: str) -> SimpleNamespace:
    """What a match spec looks at, without the cost of a PackageRecord; unknown fields are None."""
    number = build.rpartition("_")[2]
    package = SimpleNamespace(**dict.fromkeys(fields))
    package.name, package.version, package.build = name, version, build
    package.build_number = int(number) if number.isdecimal() else 0
    return package
