"""The strict schema of a package record in an index or a saved plan.

All external records are validated here before they are used: for a choice, a download list, a file
name on this disk, or by conda itself. The character sets are conda's. The limits are at least three
times the maxima in the records of `pytorch` and `nvidia` (in `tests/data/channels`: 34 characters
of a build string, 57 of a file name, 51 of a match spec).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

#: Most characters of a name, version or build string, of a file name, and of a match spec.
WORD, FILE, SPEC = 128, 255, 1000
#: Most match specs in one list of a record.
SPECS = 10_000
#: Upper limits of the size in bytes, the build number (which may be a date) and the timestamp in
#: milliseconds since 1970 (the year 5138).
SIZE, BUILD_NUMBER, TIMESTAMP = 10**12, 10**12, 10**14
#: Hexadecimal digits of each kind of hash.
DIGITS = {"md5": 32, "sha256": 64}
#: URL schemes from which a package may be fetched.
SCHEMES = ("https", "http", "file")

_WORDS = {
    "name": re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{WORD - 1}}}"),
    "version": re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.!+-]{{0,{WORD - 1}}}"),
    "build": re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.+]{{0,{WORD - 1}}}"),
    "subdir": re.compile(r"[a-z0-9][a-z0-9_-]{0,31}"),
    "fn": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.!+-]*\.(?:conda|tar\.bz2)"),
    "md5": re.compile(r"[0-9a-f]{32}"),
    "sha256": re.compile(r"[0-9a-f]{64}"),
}
_PRINTABLE = re.compile(r"[ -~]*")
_URL = re.compile(r"[!-~]+")


def fits(field: str, value: Any) -> bool:
    """Whether a value is valid for the field name, version, build, subdir, fn, md5 or sha256."""
    return (
        isinstance(value, str) and len(value) <= FILE and _WORDS[field].fullmatch(value) is not None
    )


def is_count(value: Any, most: int) -> bool:
    """Whether a value is a whole number from 0 to `most`. A bool is not."""
    return type(value) is int and 0 <= value <= most


def is_url(value: Any) -> bool:
    """Whether a value is a URL that a package may be fetched from."""
    if not isinstance(value, str) or len(value) > SPEC or not _URL.fullmatch(value):
        return False
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  # raises where it is none
    except ValueError:
        return False
    return parts.scheme in SCHEMES and (bool(parts.hostname) or parts.scheme == "file")


def are_specs(value: Any) -> bool:
    """Whether a value is a list of possible match specs: short, printable ASCII strings."""
    if not isinstance(value, (list, tuple)) or len(value) > SPECS:
        return False
    try:
        together = "".join(value)
    except TypeError:  # an item is not a string
        return False
    return max(map(len, value), default=0) <= SPEC and _PRINTABLE.fullmatch(together) is not None


def find_fault(fn: Any, record: Any) -> str | None:
    """The name of the first invalid field of a record, or None if the record is valid.

    These may be missing: `depends`, `constrains`, `size`, `subdir`, `timestamp`, and one of the two
    hashes. The timestamp is not checked.
    """
    if not isinstance(record, Mapping):
        return "record"
    if not fits("fn", fn):
        return "fn"
    for field in ("name", "version", "build"):
        if not fits(field, record.get(field)):
            return field
    if not is_count(record.get("build_number"), BUILD_NUMBER):
        return "build_number"
    if not are_specs(record.get("depends", [])):
        return "depends"
    if not are_specs(record.get("constrains") or []):
        return "constrains"
    given = [field for field in DIGITS if record.get(field) is not None]
    if not given:
        return "sha256"
    for field in (*given, *(["subdir"] if record.get("subdir") is not None else [])):
        if not fits(field, record[field]):
            return field
    if record.get("size") is not None and not is_count(record["size"], SIZE):
        return "size"
    return None
