"""The wheels of a saved plan: what pip installs when conda's part is done, written and read.

    {"python": "3.12", "others": ["numpy<2"],
     "files": [{"project", "version", "filename", "url", "sha256", "size", "variant"}]}

Whoever reads a plan trusts none of it: every file has a hash, an address of the web that ends in
its name, and a name that is a wheel of that project and version for the plan's platform and Python.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ..index import record_schema
from ..index.wheels import pages
from ..selection.wheels import request
from ..selection.wheels.link import Link
from ..selection.wheels.name import Wheel, parse
from ..selection.wheels.tags import WheelTarget
from ..text.sanitize import public_url

#: Files and words of a plan; a set has six at most.
_MOST = 50
_RELEASE = re.compile(r"\d{1,3}\.\d{1,3}")


class PlanWheel(NamedTuple):
    """One file. `link` has its hash."""

    project: str
    version: str
    link: Link


class WheelPart(NamedTuple):
    """What pip is asked for. `python` is major.minor of the environment, `others` are words beside
    the files, which come from whatever index there is."""

    python: str
    files: tuple[PlanWheel, ...]
    others: tuple[str, ...] = ()


def document(part: WheelPart) -> dict[str, Any]:
    """The part as JSON values, without credentials."""
    return {
        "python": part.python,
        "others": list(part.others),
        "files": [
            {
                "project": file.project,
                "version": file.version,
                "filename": file.link.filename,
                "url": public_url(file.link.url),
                "sha256": file.link.sha256,
                "size": file.link.size,
                "variant": file.link.variant,
            }
            for file in part.files
        ],
    }


def read(value: Mapping[str, Any]) -> WheelPart:
    """The part of a document that `find_fault` has passed."""
    files = (
        PlanWheel(
            row["project"],
            row["version"],
            Link(row["filename"], row["url"], row["variant"], row["sha256"], row["size"]),
        )
        for row in value["files"]
    )
    return WheelPart(value["python"], tuple(files), tuple(value["others"]))


def find_fault(value: Any, subdir: str) -> str | None:
    """The first field that is not as it must be, such as `files[0].url`; or None."""
    if not isinstance(value, Mapping):
        return "the whole"
    python, others, files = (value.get(key) for key in ("python", "others", "files"))
    if not (isinstance(python, str) and _RELEASE.fullmatch(python)):
        return "python"
    if not (isinstance(others, list) and len(others) <= _MOST and all(map(is_word, others))):
        return "others"
    if not (isinstance(files, list) and 0 < len(files) <= _MOST):
        return "files"
    projects = set()
    for index, row in enumerate(files):
        if fault := _fault_of_file(row, subdir, python):
            return f"files[{index}].{fault}"
        if row["project"] in projects:
            return f"files[{index}].project"
        projects.add(row["project"])
    return None


def is_word(word: Any) -> bool:
    """Whether pip may be asked for a word of a plan: a name with its versions, and nothing that
    leads elsewhere."""
    if not isinstance(word, str) or len(word) > record_schema.WORD or "@" in word or ";" in word:
        return False
    return word.isprintable() and request.requested_name(word) is not None


def _fault_of_file(row: Any, subdir: str, python: str) -> str | None:
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
    if not isinstance(wheel, Wheel) or WheelTarget(subdir, [python]).fit(wheel.triple) is None:
        return "filename"
    if row.get("project") != wheel.project:
        return "project"
    return "version" if row.get("version") != wheel.full_version else None
