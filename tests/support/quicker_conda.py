"""What tests make quicker in conda: nothing that a command answers changes.

Everything here is done to modules that are loaded, by `quicken`; where a conda lacks one of the
names, it stays as it is.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, TextIO


def quicken() -> None:
    """Make quicker what is loaded; what has been done is left."""
    _parse_rc_files_once()
    _expand_what_is_named()
    _share_match_specs()


_VARIABLE = re.compile(r"\w+")


def _parsed(parse: Callable[[str], Any], file: TextIO) -> Any:
    return _parsed_text(parse, file.read())


@lru_cache(maxsize=64)
def _parsed_text(parse: Callable[[str], Any], text: str) -> Any:
    """What `parse` returns for a text. An rc file of a sandbox is JSON, of which equal objects
    are made without the YAML parser, 30 times as fast."""
    try:
        return _from_json(json.loads(text, object_pairs_hook=_once, **_REFUSED))
    except ValueError:
        return parse(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Raises: ValueError for a key that stands there twice, as YAML refuses."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _refuse(text: str) -> Any:
    """Raises: ValueError, because YAML reads some numbers as text (1e5)."""
    raise ValueError(text)


#: Numbers that are none in YAML, or others.
_REFUSED: Mapping[str, Any] = {"parse_float": _refuse, "parse_constant": _refuse}


def _from_json(value: Any) -> Any:
    """The objects of YAML's round-trip loader for those of JSON."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(value, dict):
        return CommentedMap((key, _from_json(each)) for key, each in value.items())
    if isinstance(value, list):
        return CommentedSeq(map(_from_json, value))
    return value


def _expanded(
    expand: Callable[..., str], text: str, given: Mapping[str, Any], /, **more: Any
) -> str:
    names = {name for name in _VARIABLE.findall(text) if name in given}
    return expand(text, {name: given[name] for name in names}, **more)


def _expand_what_is_named() -> None:
    """Have conda look up the variables that a path of its rc files names.

    It copies the whole environment for each of the 25 paths, which took two thirds of the time that
    reading its configuration anew takes, and every test does that.
    """
    module = sys.modules.get("conda.common.configuration")
    expand = getattr(module, "custom_expandvars", None)
    if expand is not None and not isinstance(expand, partial):
        module.custom_expandvars = partial(_expanded, expand)  # type: ignore[union-attr]


def _parse_rc_files_once() -> None:
    """Remember what old conda makes of a text that is an rc file; new conda remembers by itself.

    Every command reads each rc file up to twenty times, and half of a test's time went into YAML.
    Files are opened and read as ever, and nothing changes what the parser returned.
    """
    module = sys.modules.get("conda.common.configuration")
    parse = getattr(module, "yaml_round_trip_load", None)
    if parse is not None and not isinstance(parse, partial):
        module.yaml_round_trip_load = partial(_parsed, parse)  # type: ignore[union-attr]


def _share_match_specs() -> None:
    """Have a deep copy of conda's MatchSpec, which does not change, be the same object.

    The classic solver of old conda copies its table of specs for every record that it looks at,
    which took a third of the time of a solve; new conda copies the lists alone.
    """
    spec = getattr(sys.modules.get("conda.models.match_spec"), "MatchSpec", None)
    if spec is not None:
        spec.__deepcopy__ = _same


def _same(spec: Any, memo: dict[int, Any]) -> Any:
    return spec
