"""The source that `--source` and the settings select."""

from __future__ import annotations

from typing import NamedTuple

from ...exceptions.mirror import BadSetting
from ...index.sources import AUTO, SOURCES, WHEELS, allowed
from ...options import InstallOptions
from ...redirect import settings
from ...text.messages import text


class SourceWords(NamedTuple):
    """The options with the selected source. `pip_allowed` says that wheels may be used if no conda
    build fits."""

    options: InstallOptions
    pip_allowed: bool = False


def in_force(options: InstallOptions) -> SourceWords:
    """Select the source of the command line, else of the settings; for `auto`, restricted to the
    sources that the settings allow.

    Raises: BadSetting.
    """
    values = settings.read()
    word = options.source or values.source
    if word != WHEELS and not allowed(word):
        raise _bad("source", word, (AUTO, *_NAMES, WHEELS))
    if word != AUTO or not values.sources:
        return SourceWords(options._replace(source=word))
    for name in values.sources:
        if name not in (*_NAMES, WHEELS):
            raise _bad("sources", name, (*_NAMES, WHEELS))
    left = [name for name in _NAMES if name in values.sources]
    if not left:
        raise _of("sources", text("setting_wheels_alone"))
    if len(left) == 1:
        word = left[0]
    return SourceWords(options._replace(source=word), WHEELS in values.sources)


_NAMES = tuple(source.name for source in SOURCES)


def _bad(name: str, value: str, known: tuple[str, ...]) -> BadSetting:
    shown = value[: settings.SHOWN]
    return _of(name, text("setting_source", {"value": shown, "known": ", ".join(known)}))


def _of(name: str, detail: str) -> BadSetting:
    key = settings.PREFIX + name
    return BadSetting(name=key, file=str(settings.source_of(key)), detail=detail)
