"""The strict schema that a saved plan's document must pass before anything uses it.

A plan travels: on USB sticks, through version control, by hand. Its records must pass the schema
of every index (`index.record_schema`), and each value that is shown or compared must have the type
and size that we write.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from ..index import record_schema
from ..text.messages import text
from . import wheel_part

#: Upper limits: bytes of the document (1 MB for 500 packages), and packages of a plan.
BYTES, PACKAGES = 64_000_000, 10_000

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T[0-9:.+Z-]{5,32}")
_RELEASE = re.compile(r"\d{1,3}\.\d{1,3}")


def parse(data: bytes) -> Any:
    """Parse the document. Raises: ValueError if it is not JSON, too large or nested too deep."""
    if len(data) > BYTES:
        raise ValueError(text("plan_large", {"size": len(data), "limit": BYTES}))
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except RecursionError:
        raise ValueError(text("plan_deep")) from None


def checksum(document: Mapping[str, Any]) -> str:
    """The SHA-256 of all that a document says, without its own `sha256`, however it is laid out."""
    said = {key: value for key, value in document.items() if key != "sha256"}
    content = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def _refuse(word: str) -> Any:
    raise ValueError(text("plan_no_number", {"word": word}))


def find_fault(document: Any) -> str | None:
    """Return the path of the first invalid field, such as `packages[3].fn`; or None."""
    if not isinstance(document, Mapping):
        return "the whole"
    subdir = document.get("subdir")
    if not record_schema.fits("subdir", subdir):
        return "subdir"
    created = document.get("created")
    if not isinstance(created, str) or not _TIME.fullmatch(created):
        return "created"
    explicit = document.get("explicit")
    if not isinstance(explicit, Mapping) or not record_schema.fits(
        "sha256", explicit.get("sha256")
    ):
        return "explicit.sha256"
    removed = document.get("removed")
    if not isinstance(removed, list) or not all(_is_name(name) for name in removed):
        return "removed"
    if fault := _fault_of_decision(document.get("torchmirror")):
        return f"torchmirror.{fault}"
    if not record_schema.fits("sha256", document.get("sha256")):
        return "sha256"
    with_wheels = document.get("schema") != 1
    if not with_wheels and "wheels" in document:
        return "wheels"
    if with_wheels and (fault := wheel_part.find_fault(document.get("wheels"), str(subdir))):
        return f"wheels.{fault}"
    # Wheels for an environment that already has a Python need no packages of conda's.
    if with_wheels and document.get("packages") == []:
        return None
    return _fault_of_packages(document.get("packages"), str(subdir))


def _fault_of_decision(decision: Any) -> str | None:
    """Check the fields of the decision that are used; the rest is only shown, as JSON."""
    if not isinstance(decision, Mapping):
        return "selected"
    selected = decision.get("selected")
    if not isinstance(selected, Mapping):
        return "selected"
    cuda, python = selected.get("cuda"), selected.get("python")
    if cuda is not None and not (isinstance(cuda, str) and _RELEASE.fullmatch(cuda)):
        return "selected.cuda"
    if not (isinstance(python, str) and _RELEASE.fullmatch(python)):
        return "selected.python"
    builds = selected.get("builds")
    if not isinstance(builds, list) or not all(
        isinstance(build, Mapping) and _is_name(build.get("name")) for build in builds
    ):
        return "selected.builds"
    return None


def _fault_of_packages(packages: Any, subdir: str) -> str | None:
    if not isinstance(packages, list) or not 0 < len(packages) <= PACKAGES:
        return "packages"
    names = set()
    for index, package in enumerate(packages):
        if fault := find_package_fault(package, subdir):
            return f"packages[{index}].{fault}"
        if package["name"] in names:
            return f"packages[{index}].name"
        names.add(package["name"])
    return None


def find_package_fault(package: Any, subdir: str) -> str | None:
    """Return the first invalid field of a package in a plan for `subdir`; None if all are valid.

    Strict, because conda writes to the path that the file name gives, and because a package of
    another platform or without a hash could be any file.
    """
    if not isinstance(package, Mapping):
        return "record"
    if fault := record_schema.find_fault(package.get("fn"), package):
        return fault
    if package.get("subdir") not in (subdir, "noarch"):
        return "subdir"
    url = package.get("url")
    if not record_schema.is_url(url):
        return "url"
    if unquote(str(url).partition("#")[0]).split("/")[-2:] != [package["subdir"], package["fn"]]:
        return "url"
    return None


def _is_name(value: Any) -> bool:
    return record_schema.fits("name", value)
