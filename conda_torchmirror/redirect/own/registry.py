"""The registry of a user's own, which the setting `torchmirror_registry` names or holds.

Loaded only where that is set.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ...mirrors.registry import Registry, built_in
from ...mirrors.schema import check_entry
from ...mirrors.urls import MirrorError
from ...text.messages import of_os_error, text
from ..settings import SHOWN

#: Upper limit for a registry in characters; the built-in one has 25,000.
LARGEST = 1_000_000


def read(given: str, *, allow_http: bool) -> Registry:
    """The mirrors of a registry, `given` as the path of a file or as text, then the built-in ones.

    Raises MirrorError if it cannot be read or used.
    """
    if "\n" in given.strip() or given.lstrip().startswith("{"):
        return _joined(given, "torchmirror_registry", allow_http)
    return _joined(_file(given), given[:SHOWN], allow_http)


@lru_cache(maxsize=2)
def _joined(content: str, where: str, allow_http: bool) -> Registry:
    """All mirrors, those in a text included. Cached, because a run asks several times, and parsing
    the text takes as long as the rest of a preview."""
    own = _own(content, where, allow_http)
    others = {name: entry for name, entry in built_in().entries.items() if name not in own}
    return Registry({**own, **others}, own=tuple(own))


def _own(content: str, where: str, allow_http: bool) -> dict[str, dict[str, Any]]:
    """Parse and check the mirrors in a text; `where` names the text in errors."""
    if len(content) > LARGEST:
        raise MirrorError("{where} is too large for a list of mirrors.", where=where)
    try:
        found = YAML(typ="safe", pure=True).load(io.StringIO(content))
    except (YAMLError, RecursionError, ValueError) as error:
        detail = text("setting_deep") if isinstance(error, RecursionError) else error
        raise MirrorError(
            "{where} is neither YAML nor JSON: {detail}.", where=where, detail=str(detail)[:SHOWN]
        ) from error
    found = found.get("mirrors", found) if isinstance(found, Mapping) else found
    if not isinstance(found, Mapping) or not found:
        raise MirrorError(
            "{where} must hold mirrors by name, as data/mirrors.json does.", where=where
        )
    # A mirror that somebody writes down is meant to be used.
    chosen = {"chosen": ["conda", "pypi", "wheels"]}
    checked = {}
    for key, entry in found.items():
        name = str(key).lower()
        checked[name] = {**chosen, **check_entry(name, entry, allow_http=allow_http)}
    return checked


def _file(path: str) -> str:
    place, sentence = os.path.expanduser(path), "The file {path} cannot be read: {detail}."
    try:
        if stat.S_ISFIFO(os.stat(place).st_mode):  # every command would wait for who writes there
            raise MirrorError(sentence, path=path[:SHOWN], detail=text("file.not_a_file"))
        with open(place, encoding="utf-8-sig") as file:
            return file.read(LARGEST + 1)
    except MirrorError:  # a ValueError too
        raise
    except (OSError, ValueError) as error:
        raise MirrorError(sentence, path=path[:SHOWN], detail=of_os_error(error)) from error
