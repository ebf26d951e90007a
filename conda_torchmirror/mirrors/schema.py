"""The schema of a registry entry, which every entry that a user writes must pass before use.

Pure. A test holds the built-in registry to the same schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from .urls import UPSTREAM, MirrorError, check_url, without_secrets

#: What a mirror can be chosen for.
KINDS = ("conda", "pypi", "wheels")
STATUSES = ("yes", "no", "redirect", "campus", "unknown")
LAYOUTS = ("index", "flat")

#: Words of a preference list that name no mirror.
RESERVED = frozenset((UPSTREAM, "auto"))

#: Upper limits, far beyond any real entry: characters of a text, entries of a list.
LONGEST, MOST = 2000, 500

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}(:[0-9]{1,5})?")
_CHANNEL = re.compile(r"(pkgs/)?[A-Za-z0-9][A-Za-z0-9._-]{0,127}(/label/[A-Za-z0-9._-]{1,127})?")
_SUBDIR = re.compile(r"[a-z0-9]{2,20}(-[a-z0-9]{1,20})?")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")


#: Errors for fields that must match a pattern.
A_HOST = "The entry of mirror {name!r}: {field} must be a host, not {found}."
A_CHANNEL = "The entry of mirror {name!r}: {field} must be by channel name, not {found}."
A_PLATFORM = "The entry of mirror {name!r}: {field} must be a platform, not {found}."


class _Unfit(ValueError):
    """A value that its field does not take. `sentence` has the fields `name`, `field`, `found`."""

    def __init__(self, sentence: str, found: Any = None, **facts: object) -> None:
        super().__init__(sentence)
        self.sentence, self.facts = sentence, {**facts, "found": _shown(found)}


def check_entry(name: str, entry: Any, *, allow_http: bool = False) -> dict[str, Any]:
    """Check an entry and return it as the data file has it: single values as lists, a channel
    without details as an empty map.

    Raises MirrorError with the field at fault, InsecureMirror or BadMirrorUrl for an address.
    """
    if not _NAME.fullmatch(name) or name in RESERVED:
        raise MirrorError(
            "{name!r} cannot name a mirror: a name has small letters, digits, dots and dashes, and "
            "is neither auto nor upstream.",
            name=name[:80],
        )
    if not isinstance(entry, Mapping):
        raise MirrorError("The entry of mirror {name!r} is not a map.", name=name)

    def url(value: Any) -> str:
        return check_url(_text(value), allow_http=allow_http)

    fields: dict[str, Callable[[Any], Any]] = {
        "title": _text,
        "title_zh": _text,
        "home": _text,
        "roots": lambda value: _listed(value, url),
        "parents": lambda value: _listed(value, url),
        "official": url,
        "channels": lambda value: _channels(value, url),
        "pypi": lambda value: _listed(value, url),
        "pypi_also": lambda value: _listed(value, url),
        "wheels": lambda value: _wheels(value, url),
        "redirects_to": lambda value: _listed(value, lambda host: _like(host, _HOST, A_HOST)),
        "drops_tar_bz2": _flag,
        "shards": _flag,
        "confidence": lambda value: {
            _one_of(kind, KINDS): _text(word) for kind, word in _map(value).items()
        },
        "chosen": lambda value: _listed(value, lambda kind: _one_of(kind, KINDS)),
        "support": _text,
        "note": _text,
        "as_of": _day,
        "source": lambda value: _listed(value, _text),
    }
    found: dict[str, Any] = {}
    for field, value in entry.items():
        if field not in fields:
            raise MirrorError(
                "The entry of mirror {name!r} has a field {field!r}, which is none of {known}.",
                name=name,
                field=str(field)[:80],
                known=", ".join(fields),
            )
        try:
            found[field] = fields[field](value)
        except _Unfit as error:
            raise MirrorError(error.sentence, name=name, field=field, **error.facts) from error
    for channel, carried in found.get("channels", {}).items():
        if "url" not in carried and not found.get("roots"):
            raise MirrorError(
                "Mirror {name!r} gives no url for {channel} and has no roots.",
                name=name,
                channel=channel,
            )
        # The others are only recognised in files.
        there = carried.get("url") if carried.get("status", "yes") == "yes" else None
        if there is not None and not there.endswith(f"/{channel}"):
            raise MirrorError(
                "Mirror {name!r} gives {url} for {channel}: the address must end in the channel's "
                "name, because conda adds the name to the address above it.",
                name=name,
                url=without_secrets(there),
                channel=channel,
            )
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable():
        raise _Unfit(
            "The entry of mirror {name!r}: {field} must be a text of one line, not {found}.", value
        )
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Unfit(
            "The entry of mirror {name!r}: {field} must be true or false, not {found}.", value
        )
    return value


def _day(value: Any) -> str:
    """A date as text: YAML turns an unquoted one into an object."""
    return value.isoformat() if isinstance(value, date) else _text(value)


def _map(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or len(value) > MOST:
        raise _Unfit("The entry of mirror {name!r}: {field} must be a map, not {found}.", value)
    return value


def _listed(value: Any, item: Callable[[Any], Any]) -> list[Any]:
    rows = [value] if isinstance(value, str) else value
    if not isinstance(rows, (list, tuple)) or len(rows) > MOST:
        raise _Unfit(
            "The entry of mirror {name!r}: {field} must be a list of texts, not {found}.", value
        )
    return [item(row) for row in rows]


def _one_of(value: Any, words: tuple[str, ...]) -> str:
    if value not in words:
        raise _Unfit(
            "The entry of mirror {name!r}: {field} takes {words}, not {found}.",
            value,
            words=", ".join(words),
        )
    return str(value)


def _like(value: Any, pattern: re.Pattern[str], what: str) -> str:
    if not pattern.fullmatch(_text(value)):
        raise _Unfit(what, value)
    return str(value)


def _channels(value: Any, url: Callable[[Any], str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for channel, raw in _map(value).items():
        held = found[_like(channel, _CHANNEL, A_CHANNEL)] = {}
        for key, word in _map({} if raw is None else raw).items():
            if key == "url":
                held[key] = url(word)
            elif key == "subdirs":
                listed = word.split() if isinstance(word, str) else word
                held[key] = _listed(
                    listed, lambda at: at if at == "*" else _like(at, _SUBDIR, A_PLATFORM)
                )
            elif key == "status":
                # YAML 1.1 reads a bare yes or no as a truth value.
                held[key] = _one_of({True: "yes", False: "no"}.get(word, word), STATUSES)
            elif key == "labels":
                held[key] = _flag(word)
            else:
                raise _Unfit(
                    "The entry of mirror {name!r}: {field} has {found} for {channel}: it takes "
                    "url, subdirs, status, labels.",
                    key,
                    channel=channel,
                )
    return found


def _wheels(value: Any, url: Callable[[Any], str]) -> dict[str, Any]:
    raw = _map(value)
    if not {"url", "layout"} <= raw.keys():
        raise _Unfit("The entry of mirror {name!r}: {field} must have url and layout.")
    found: dict[str, Any] = {}
    for key, word in raw.items():
        if key == "url":
            found[key] = url(word)
        elif key == "layout":
            found[key] = _one_of(word, LAYOUTS)
        elif key == "dirs":
            found[key] = " ".join(_listed(word, _text))
        elif key == "html":
            found[key] = _flag(word)
        elif key == "also":
            found[key] = _listed(word, url)
        else:
            raise _Unfit(
                "The entry of mirror {name!r}: {field} has {found}: it takes url, layout, dirs, "
                "html, also.",
                key,
            )
    return found


def _shown(value: Any) -> str:
    """A value as an error shows it, short and on one line."""
    kind = {dict: "a map", list: "a list", type(None): "nothing"}.get(type(value))
    return (
        kind or ascii(value if isinstance(value, (str, int, float)) else type(value).__name__)[:80]
    )
