"""The target environment: its Python, the packages that matter for the choice, its pins.

Reads a prefix through conda and never runs its Python. Never raises: what cannot be read is left
out, and the evidence says so.
"""

from __future__ import annotations

import importlib.metadata
import json
import locale
import os
import re
from collections.abc import Iterator
from logging import getLogger
from pathlib import Path
from typing import Any

from conda.base.constants import ROOT_ENV_NAME
from conda.base.context import context
from conda.common.path import get_python_short_path, get_python_site_packages_short_path
from conda.core.prefix_data import PrefixData
from conda.models.match_spec import MatchSpec
from conda.models.records import PrefixRecord

from ..exceptions.base import SPEC_ERRORS
from ..mirrors.addresses import name_of
from ..models import Installed, Machine, Notice, Pin
from ..selection.facts.names import (
    BLAS,
    CPU_ONLY,
    CUDA_NAMES,
    CUDNN,
    FAMILY,
    LIBTORCH,
    METAPACKAGES,
    MUTEX,
    PIP_NAMES,
    RUNTIMES,
    TORCH,
)
from ..selection.plan import typed
from .dependents import requested
from .evidence import guarded

log = getLogger(__name__)

#: What editors of Windows put before a text. Conda takes it for a part of the first pin, which 24.7
#: then does not heed, and 26.7 does not read.
_BOM = "\ufeff"

#: Packages of an environment that matter for the choice.
NAMES = (
    *FAMILY,
    *RUNTIMES,
    CUDA_NAMES[0],
    *CUDNN,
    LIBTORCH,
    CPU_ONLY,
    MUTEX,
    *METAPACKAGES,
    *BLAS,
    "torchtriton",
    "mkl",
    "numpy",
    "python",
)


def with_environment(
    machine: Machine, prefix: str | None, python: str | None, evidence: list[Notice]
) -> Machine:
    """Return the machine with the Python, the packages and the pins of the environment.

    `python` is the value of `--python`, which takes precedence. Adds to `evidence`.
    """
    records: dict[str, Any] = {}
    if prefix and os.path.isdir(os.path.join(prefix, "conda-meta")):
        try:
            records = _records(prefix)
        except Exception as error:
            evidence.append(_broken_record(prefix, error))
        if "python" in records:
            found = _major_minor(records["python"].version)
            machine = machine._replace(python=found, python_from="prefix")
        packages = [_installed(record) for record in records.values()]
        packages += guarded("pip", lambda: list(_pip(prefix, records)), [], evidence)
        history: list[Pin] = guarded("history", lambda: list(_history(prefix)), [], evidence)
        machine = machine._replace(installed=tuple(packages), history=tuple(history))
    if python and (given := _major_minor(python)):
        machine = machine._replace(python=given, python_from="--python")
    code = {
        "prefix": "python_from_prefix",
        "--python": "python_given",
        "--machine": "python_described",
    }.get(machine.python_from)
    facts = {"python": machine.python} if code else {}
    evidence.append(Notice(code or "python_newest", facts))
    pins: list[Pin] = guarded("pins", lambda: list(_pins(prefix, evidence)), [], evidence)
    return machine._replace(pins=tuple(pins), ignores_pins=context.ignore_pinned)


def decoded(content: bytes, encoding: str = "utf-8") -> str:
    """The text of a file of settings in UTF-8, as `encoding` reads it, else in the encoding of the
    system's language, by which both conda and pip read such files: on a Chinese Windows GBK.

    Raises: UnicodeDecodeError if it is in neither.
    """
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return content.decode(locale.getpreferredencoding(False))


def python_path(prefix: str) -> str:
    """Return the path of an environment's Python, whether it exists or not."""
    return os.path.join(prefix, get_python_short_path())


def is_environment(prefix: str) -> bool:
    """Whether conda takes this folder for an environment."""
    return os.path.isfile(os.path.join(prefix, "conda-meta", "history"))


def platform_of(prefix: str) -> str | None:
    """Return the platform of an environment's Python, None without one or where it is not known."""
    try:
        found = PrefixData(prefix).get("python", None)
    except Exception:  # a record that cannot be read is told of where all of them are
        return None
    subdir = getattr(found, "subdir", None)
    return str(subdir) if subdir in {*context.known_subdirs} - {"noarch"} else None


def option_of(prefix: str) -> str:
    """Return the option that names an environment in a command, with a space before it.

    Empty for the active environment, which a command without an option uses.
    """
    if prefix == context.active_prefix:
        return ""
    if prefix == context.root_prefix:
        return f" -n {ROOT_ENV_NAME}"
    folder, name = os.path.split(prefix)
    words = ("-n", name) if folder in context.envs_dirs else ("-p", prefix)
    return f" {typed(words)}"


def _major_minor(version: str) -> str | None:
    found = re.match(r"\d+\.\d+", version.strip())
    return found.group() if found else None


def _records(prefix: str) -> dict[str, Any]:
    data = PrefixData(prefix)
    # Load all records first: `get` would mistake a KeyError from loading for a missing package, and
    # new conda, which loads each when it is needed, would only fail in the solver.
    for _ in data.iter_records():
        pass
    found = ((name, data.get(name, None)) for name in NAMES)
    return {name: record for name, record in found if record is not None}


def _broken_record(prefix: str, error: Exception) -> Notice:
    """Return the notice on the broken record that keeps conda from reading any of them."""
    for file in sorted(Path(prefix, "conda-meta").glob("*.json")):
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
            PrefixRecord(**record)  # as conda reads it
            if all(isinstance(record[key], str) for key in ("name", "version", "build")):
                continue
        except Exception:  # of any kind, as conda lets them through
            log.debug("broken record: %s", file, exc_info=True)
        facts = {"file": str(file), "package": file.stem.rsplit("-", 2)[0]}
        return Notice("record_broken", facts)
    detail = f"{type(error).__name__}: {error}"
    return Notice("fact_unknown", {"fact": "packages", "error": detail})


def _installed(record: Any) -> Installed:
    # A package that came by a mirror has the mirror's address, which conda knows no name for.
    channel = getattr(record.channel, "canonical_name", None) or str(record.channel or "")
    return Installed(record.name, record.version, record.build, name_of(channel))


def _pip(prefix: str, records: dict[str, Any]) -> Iterator[Installed]:
    """Yield the packages that pip, uv and other wheel installers put into the environment.

    Conda packages carry the same metadata, but with no INSTALLER file or with "conda" in it.
    """
    if "python" not in records:
        return
    record = records["python"]
    short = getattr(record, "python_site_packages_path", None)
    short = short or get_python_site_packages_short_path(record.version)
    folder = os.path.join(prefix, short)
    owned = {
        path.replace("\\", "/")
        for name in (TORCH, *PIP_NAMES)
        for path in (getattr(records.get(name), "files", None) or ())
    }
    for name in PIP_NAMES:
        for found in importlib.metadata.distributions(name=name, path=[folder]):
            installer = (found.read_text("INSTALLER") or "").strip()
            location = getattr(found, "_path", None)
            relative = f"{short}/{getattr(location, 'name', '')}/"
            by_conda = any(path.startswith(relative) for path in owned)
            if installer == "conda" or (not installer and by_conda):
                continue
            yield Installed(name, found.version, "", "pypi")


def _history(prefix: str) -> Iterator[Pin]:
    """Yield the specs of the environment's history, which conda's solvers keep satisfying."""
    asked = requested(prefix, listed=False)
    for name in NAMES:
        if name in asked:
            yield Pin(str(asked[name]), "history")


def _pins(prefix: str | None, evidence: list[Notice]) -> Iterator[Pin]:
    """Yield the pins that conda's solvers apply, in their order: settings, then the file.

    None with `--no-pin`, or `ignore_pinned` in the configuration.
    """
    if context.ignore_pinned:
        return
    for spec in context.pinned_packages:
        yield Pin(str(spec), "pinned_packages")
    if not prefix:
        return
    file = Path(prefix, "conda-meta", "pinned")
    if not file.is_file():
        return
    try:
        lines = decoded(file.read_bytes()).splitlines()
    except UnicodeDecodeError:
        evidence.append(Notice("pins_unreadable", {"file": str(file)}))
        return
    for spec in map(str.strip, lines):
        if not spec or spec.startswith("#"):
            continue
        try:
            MatchSpec(spec)
        except SPEC_ERRORS:
            shown = spec.replace(_BOM, r"\ufeff")  # else nothing of it is seen
            evidence.append(Notice("pin_unreadable", {"file": str(file), "spec": shown}))
        else:
            if not (spec := spec.lstrip(_BOM)).startswith("#"):
                yield Pin(spec, "conda-meta/pinned")
