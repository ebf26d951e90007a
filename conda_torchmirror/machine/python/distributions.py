"""The Python packages of an environment as pip sees them, and which of them conda owns.

Reads names of folders and conda's records, and never runs the environment's Python.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from conda.common.path import get_python_site_packages_short_path
from conda.core.prefix_data import PrefixData

_FOLDER = re.compile(r"([A-Za-z0-9._-]+?)-([^-]+)\.(?:dist-info|egg-info)")
#: Characters of a METADATA file to read: requirements stand at its beginning.
_HEAD = 100_000
_SEPARATORS = re.compile(r"[-_.]+")


class Distribution(NamedTuple):
    """One installed distribution. `owner` is the conda package that brought it, None for pip's."""

    name: str
    version: str
    owner: str | None = None


def normalized(name: str) -> str:
    """Return the normalized name of a project (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()


def installed(prefix: str) -> Mapping[str, Distribution]:
    """Return the installed distributions by normalized name, without `unfinished` ones.

    Empty where the environment has no Python or cannot be read. Never raises.
    """
    return {one.name: one for one, path in _found(prefix) if one.owner or not _is_torn(path)}


def unfinished(prefix: str) -> Iterator[tuple[Distribution, str]]:
    """Yield the distributions that pip or uv was installing when it was killed, each with the path
    of its `.dist-info` folder. Pip takes them for installed, and would leave them as they are.

    Never raises.
    """
    return ((one, path) for one, path in _found(prefix) if one.owner is None and _is_torn(path))


def _is_torn(path: str) -> bool:
    """Whether a distribution that is not conda's is there in part: pip and uv write the name of the
    installer after all files of the wheel."""
    return path.endswith(".dist-info") and not os.path.lexists(os.path.join(path, "INSTALLER"))


def _found(prefix: str) -> Iterator[tuple[Distribution, str]]:
    """Yield the distributions of an environment with the paths of their metadata."""
    try:
        records = list(PrefixData(prefix).iter_records())
    except Exception:  # a broken record, which `environment` reports
        return
    short = _site_packages(records)
    if short is None:
        return
    owners: dict[str, str] = {}
    for record in records:
        for path in getattr(record, "files", None) or ():
            folder, _, rest = path.replace("\\", "/").removeprefix(f"{short}/").partition("/")
            if rest in ("METADATA", "PKG-INFO") and path.startswith(short):
                owners[folder] = record.name
    place = os.path.join(prefix, *short.split("/"))
    try:
        folders = os.listdir(place)
    except OSError:
        return
    for folder in folders:
        if match := _FOLDER.fullmatch(folder):
            name = normalized(match[1])
            one = Distribution(name, match[2], owners.get(folder))
            yield one, os.path.join(place, folder)


def info_folder(prefix: str, found: Distribution) -> str | None:
    """The path of the `.dist-info` folder of an installed distribution, None if it is not there."""
    wanted = (found.name, found.version)
    return next((path for *one, path in folders(prefix) if tuple(one) == wanted), None)


def folders(prefix: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, version and path of every `.dist-info` folder, also of several for one name."""
    short = _site_packages(PrefixData(prefix).iter_records())
    folder = os.path.join(prefix, *short.split("/")) if short else ""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        if match := _FOLDER.fullmatch(name):
            yield normalized(match[1]), match[2], os.path.join(folder, name)


def metadata(prefix: str) -> Iterator[str]:
    """Yield the METADATA of every distribution of an environment that can be read, without what
    follows a long beginning. Never raises."""
    for *_, folder in folders(prefix):
        try:
            with open(os.path.join(folder, "METADATA"), encoding="utf-8", errors="replace") as file:
                yield file.read(_HEAD)
        except OSError:
            continue


def _site_packages(records: Iterable[Any]) -> str | None:
    """The folder of modules in a prefix, with slashes; None without a Python."""
    python = next((record for record in records if record.name == "python"), None)
    if python is None:
        return None
    short = getattr(python, "python_site_packages_path", None)
    found = short or get_python_site_packages_short_path(python.version)
    return str(found).replace("\\", "/")


def externally_managed(prefix: str, python: str) -> str | None:
    """Return the path of the marker by which an environment forbids pip changes (PEP 668), or None.

    `python` is the version of the environment's Python.
    """
    short = get_python_site_packages_short_path(python)
    library = os.path.dirname(short) if os.path.basename(short) == "site-packages" else short
    path = os.path.join(prefix, library, "EXTERNALLY-MANAGED")
    return path if os.path.exists(path) else None
