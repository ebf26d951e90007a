"""The wheels of a saved plan, which pip installs after conda's part: written and read.

    {"python": "3.12", "others": ["numpy<2"],
     "files": [{"project", "version", "filename", "url", "sha256", "size", "variant"}],
     "rest": [the same, for their further dependencies; absent if pip is to find them]}

A plan is not trusted when read: each file must have a hash, an http or https URL that ends in its
name, and the name of a wheel of that project and version for the plan's platform and Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ..index import record_schema
from ..index.wheels import pages
from ..selection.wheels import request
from ..selection.wheels.link import Link
from ..selection.wheels.name import Wheel, parse
from ..selection.wheels.tags import WheelTarget
from ..text.sanitize import public_url

#: Upper limits: files of the set (six in practice) and other requirements; their dependencies.
_MOST, _MOST_OF_REST = 50, 200
_RELEASE = re.compile(r"\d{1,3}\.\d{1,3}")


class PlanWheel(NamedTuple):
    """One wheel of a plan. `link` holds its URL, hash and size."""

    project: str
    version: str
    link: Link


class WheelPart(NamedTuple):
    """What pip installs. `python` is major.minor of the environment's; `others` are requirements
    besides the files. `rest` are the files of all further dependencies, None if pip is to find
    them."""

    python: str
    files: tuple[PlanWheel, ...]
    others: tuple[str, ...] = ()
    rest: tuple[PlanWheel, ...] | None = None


def document(part: WheelPart) -> dict[str, Any]:
    """The part as JSON values, without credentials."""
    return {
        "python": part.python,
        "others": list(part.others),
        "files": [_row(file) for file in part.files],
        **({} if part.rest is None else {"rest": [_row(file) for file in part.rest]}),
    }


def _row(file: PlanWheel) -> dict[str, Any]:
    return {
        "project": file.project,
        "version": file.version,
        "filename": file.link.filename,
        "url": public_url(file.link.url),
        "sha256": file.link.sha256,
        "size": file.link.size,
        "variant": file.link.variant,
    }


def read(value: Mapping[str, Any]) -> WheelPart:
    """Read the part from a document that has passed `find_fault`."""
    files = tuple(map(_file, value["files"]))
    rest = tuple(map(_file, value["rest"])) if "rest" in value else None
    return WheelPart(value["python"], files, tuple(value["others"]), rest)


def _file(row: Mapping[str, Any]) -> PlanWheel:
    link = Link(row["filename"], row["url"], row["variant"], row["sha256"], row.get("size"))
    return PlanWheel(row["project"], row["version"], link)


def find_fault(value: Any, subdir: str) -> str | None:
    """Return the path of the first invalid field, such as `files[0].url`; None if all are valid."""
    if not isinstance(value, Mapping):
        return "the whole"
    python, others, files = (value.get(key) for key in ("python", "others", "files"))
    if not (isinstance(python, str) and _RELEASE.fullmatch(python)):
        return "python"
    if not (isinstance(others, list) and len(others) <= _MOST and all(map(is_word, others))):
        return "others"
    if not (isinstance(files, list) and 0 < len(files) <= _MOST):
        return "files"
    rest = value.get("rest", [])
    if not (isinstance(rest, list) and len(rest) <= _MOST_OF_REST):
        return "rest"
    projects = set()
    # Which build of that Python it is for, a plan does not say.
    targets = [WheelTarget(subdir, [python], free) for free in (None, python)]
    for name, rows in (("files", files), ("rest", rest)):
        for index, row in enumerate(rows):
            if fault := _fault_of_file(row, targets):
                return f"{name}[{index}].{fault}"
            if row["project"] in projects:
                return f"{name}[{index}].project"
            projects.add(row["project"])
    return None


def is_word(word: Any) -> bool:
    """Whether a requirement of a plan may be passed to pip: a name with versions, without URL or
    environment marker."""
    if not isinstance(word, str) or len(word) > record_schema.WORD or "@" in word or ";" in word:
        return False
    return word.isprintable() and request.requested_name(word) is not None


def _fault_of_file(row: Any, targets: Iterable[WheelTarget]) -> str | None:
    if not isinstance(row, Mapping):
        return "the whole"
    name, url = row.get("filename"), row.get("url")
    if not pages.is_name(name):
        return "filename"
    if not (record_schema.is_url(url) and urlsplit(str(url)).scheme in ("https", "http")):
        return "url"
    if unquote(urlsplit(str(url)).path.rpartition("/")[2]) != name:
        return "url"
    if not record_schema.fits("sha256", row.get("sha256")):
        return "sha256"
    if (size := row.get("size")) is not None and not record_schema.is_count(
        size, record_schema.SIZE
    ):
        return "size"
    variant = row.get("variant")
    if not (isinstance(variant, str) and (not variant or pages.VARIANT.fullmatch(variant))):
        return "variant"
    wheel = parse(Link(str(name), ""))
    if not isinstance(wheel, Wheel) or not any(one.fit(wheel.triple) for one in targets):
        return "filename"
    if row.get("project") != wheel.project:
        return "project"
    return "version" if row.get("version") != wheel.full_version else None
