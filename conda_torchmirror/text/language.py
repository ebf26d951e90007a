"""The language of the reader.

It is the first that is set of: the setting `torchmirror_language`, `CONDA_TORCHMIRROR_LANG`,
`LANGUAGE`, `LC_ALL`, `LC_MESSAGES`, `LANG`, and on Windows the language of its user interface. Text
for programs is always English: everything under `--json`, and what is made `in_english`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

ENGLISH: Final = "en"
CHINESE: Final = "zh"

#: The variables of POSIX and of gettext, in the order in which they count.
_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
#: Regions and scripts with traditional characters, which these translations do not use.
_TRADITIONAL = frozenset(("tw", "hk", "mo", "hant"))
#: A sample that a console must be able to show; Big5 lacks the first characters.
_SAMPLE = "简体，（）"
#: The primary language of Windows' language identifiers, and those of its traditional forms
#: (Microsoft's [MS-LCID]: zh-TW, zh-HK, zh-MO).
_WINDOWS_CHINESE, _WINDOWS_TRADITIONAL = 0x04, frozenset((0x0404, 0x0C04, 0x1404))

_UNKNOWN: Final = ""
_language: str = _UNKNOWN
_forced = 0


def current() -> str:
    """The present language, `en` or `zh`."""
    global _language
    if _forced or _under_json():
        return ENGLISH
    if _language == _UNKNOWN:
        found = preferred(_setting(), os.environ, _windows_language)
        _language = found if _can_show((sys.stdout, sys.stderr)) else ENGLISH
    return _language


@contextmanager
def in_english() -> Iterator[None]:
    """Use English within the block: for documents, and for text kept in files."""
    global _forced
    _forced += 1
    try:
        yield
    finally:
        _forced -= 1


def forget() -> None:
    """Forget the language, for a process that runs several commands."""
    global _language
    _language = _UNKNOWN


def preferred(setting: str, environ: Mapping[str, str], windows: Callable[[], int | None]) -> str:
    """The preferred language by the setting and the variables, which hold `zh`, `en` or a locale
    such as `zh_CN`; `windows` returns Windows' language identifier, None on other systems."""
    for word in (setting, environ.get("CONDA_TORCHMIRROR_LANG", "")):
        if own := _of_locale(word.strip()):
            return own
    for name in _VARIABLES:
        if words := environ.get(name):
            found = filter(None, map(_of_locale, words.split(":")))
            return next(found, ENGLISH)
    identifier = windows()
    if identifier is None or identifier in _WINDOWS_TRADITIONAL:
        return ENGLISH
    return CHINESE if identifier & 0x3FF == _WINDOWS_CHINESE else ENGLISH


def _of_locale(word: str) -> str | None:
    """Our language for a locale such as `zh_CN.UTF-8`; None if we have none."""
    language, *rest = word.partition(".")[0].partition("@")[0].lower().replace("-", "_").split("_")
    if language == CHINESE:
        return None if _TRADITIONAL.intersection(rest) else CHINESE
    return ENGLISH if language in (ENGLISH, "c", "posix") else None


def _conda() -> Any:
    """Conda's context where this is a process of conda's, which has loaded it; else None."""
    return getattr(sys.modules.get("conda.base.context"), "context", None)


def _under_json() -> bool:
    return bool(getattr(_conda(), "json", False))


def _setting() -> str:
    """The setting in conda's raw data: conda merges settings once per process, and this may be read
    before the command line is known. Invalid values are reported where settings are read."""
    name = "torchmirror_language"
    try:
        for raw in reversed(list(_conda().raw_data.values())):
            if (variable := f"plugins_{name}") in raw:
                return str(raw[variable].value(None))
            held = raw["plugins"].value(None) if "plugins" in raw else None
            if isinstance(held, Mapping) and name in held:
                return str(held[name].value(None))
    except Exception:  # a sentence must not fail, whatever conda's configuration holds
        return ""
    return ""


def _can_show(streams: Iterable[Any]) -> bool:
    try:
        for stream in streams:
            _SAMPLE.encode(getattr(stream, "encoding", None) or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _windows_language() -> int | None:
    if sys.platform != "win32":
        return None
    import ctypes

    try:
        return int(ctypes.windll.kernel32.GetUserDefaultUILanguage())
    except (AttributeError, OSError):
        return None
