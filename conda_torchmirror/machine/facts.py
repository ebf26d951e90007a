"""A machine's facts as a JSON document: written on one machine, read on another.

The one place with its schema, for writing and reading. The input is untrusted: an unknown or
missing key, or a type or value that we would never write, is refused, and the error names the
field. The document holds no name of a person or computer, and of an environment only its Python,
not what is installed or pinned there.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeGuard

from conda import __version__ as conda_version

from .. import __version__
from ..envfiles import file_io
from ..exceptions.file import BadMachineFile, MachineFileTooNew
from ..models import Facts, Gpu, Machine, Notice
from ..selection.specs import number
from ..text.messages import text
from ..text.sanitize import safe
from .evidence import REASONS, TOLD

KIND = "conda-torchmirror machine"
SCHEMA = 1
#: The value of `cuda_from` and `python_from` on a machine that was read from a document.
ORIGIN = "--machine"

#: Limits of a document: bytes, devices, remarks. A machine with 16 GPUs takes 2 kB.
BYTES, GPUS, REMARKS = 100_000, 64, 20
#: Most characters of a string.
LONGEST = 300
#: Codes of the remarks to write: those on the machine itself, since those on an environment are of
#: no use elsewhere, nor is a folder of somebody's LD_LIBRARY_PATH, which may name them.
_CODES = (
    (TOLD | frozenset(code for codes in REASONS for code in codes) | {"arch_unknown"})
    - {"record_broken", "pins_unreadable", "pin_unreadable", "driver_shadowed"}
)  # fmt: skip

_SUBDIR = re.compile(r"(?:linux|win|osx)-[a-z0-9]{2,12}")
_CUDA = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,2})?")
_RELEASE = re.compile(r"[0-9]{1,2}\.[0-9]{1,3}")
_DOTTED = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,5}){0,4}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+Z-]{5,32}")
_CUDA_FROM = re.compile(r"libcuda|CONDA_OVERRIDE_CUDA|override_virtual_packages\.cuda|none")


def is_text(value: Any) -> TypeGuard[str]:
    """Whether a value is a short string of one line that can be shown unchanged."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST
        and value.isprintable()
        and safe(value) == value
    )


def as_text(value: str) -> str:
    """Return the nearest string that `is_text` accepts."""
    printable = "".join(c if c.isprintable() else " " for c in safe(value))
    short = printable.strip()[:LONGEST]
    return short if is_text(short) else "?"


def _like(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _or_null(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_gpu(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and value.keys() == {"name", "arch"}
        and is_text(value["name"])
        and _or_null(_like(_RELEASE))(value["arch"])
    )


def _is_remark(value: Any) -> bool:
    """Whether a value is a remark with a known code and facts that fit its sentence."""
    if not isinstance(value, Mapping) or value.keys() != {"code", "facts"}:
        return False
    code, facts = value["code"], value["facts"]
    if not isinstance(code, str) or code not in _CODES or not isinstance(facts, Mapping):
        return False
    for name, fact in facts.items():
        # Empty is what `CUDA_VISIBLE_DEVICES` is set to in order to hide all GPUs.
        if not is_text(name) or not (fact == "" or is_text(fact) or type(fact) in (int, float)):
            return False
    try:
        text(f"machine.{code}", facts)
    except (ValueError, TypeError, OverflowError):  # a string where the sentence formats a number
        return False
    return True


def _listed(fits: Callable[[Any], bool], most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and len(value) <= most and all(map(fits, value))


#: Every field of the document except `kind` and `schema`, with the check of its value.
FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "created": _like(_TIME),
    "created_by": is_text,
    "conda": is_text,
    "subdir": _like(_SUBDIR),
    "cuda": _or_null(_like(_CUDA)),
    "cuda_from": _like(_CUDA_FROM),
    "driver": _or_null(_like(_DOTTED)),
    "cuda_arch": _or_null(_like(_RELEASE)),
    "gpus": _listed(_is_gpu, GPUS),
    "failing": _is_flag,
    "wsl": _is_flag,
    "glibc": _or_null(_like(_DOTTED)),
    "osx": _or_null(_like(_DOTTED)),
    "python": _or_null(_like(_RELEASE)),
    "remarks": _listed(_is_remark, REMARKS),
}


def describes(subdir: str) -> bool:
    """Whether facts can be of a machine of this platform."""
    return FIELDS["subdir"](subdir)


def document(machine: Machine) -> dict[str, Any]:
    """Return a machine's facts as a document that `parse` accepts if it `describes` the platform;
    invalid values become null."""
    cuda = _kept("cuda", machine.cuda)
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "created_by": f"conda-torchmirror {__version__}",
        "conda": conda_version,
        "subdir": machine.subdir,
        "cuda": cuda,
        "cuda_from": (_kept("cuda_from", machine.cuda_from) or "none") if cuda else "none",
        "driver": _kept("driver", machine.driver),
        "cuda_arch": _kept("cuda_arch", machine.cuda_arch) if cuda else None,
        "gpus": [
            {"name": as_text(gpu.name), "arch": _kept("cuda_arch", gpu.arch)}
            for gpu in machine.gpus[:GPUS]
        ],
        "failing": machine.failing,
        "wsl": machine.wsl,
        "glibc": _kept("glibc", machine.glibc),
        "osx": _kept("osx", machine.osx),
        "python": _kept("python", machine.python),
        "remarks": list(_remarks(machine.remarks))[:REMARKS],
    }


def _kept(field: str, value: Any) -> Any:
    return value if FIELDS[field](value) else None


def _remarks(remarks: Iterable[Notice]) -> Iterable[dict[str, Any]]:
    for remark in remarks:
        facts = {
            name: value if type(value) in (int, float) or value == "" else as_text(str(value))
            for name, value in remark.facts.items()
            if value is not None
        }
        found = {"code": remark.code.removeprefix("machine."), "facts": facts}
        if _is_remark(found):
            yield found


def dump(machine: Machine) -> str:
    """Return the document as JSON, ASCII only: any shell can redirect that to a readable file."""
    return json.dumps(document(machine), indent=2)


def read(file: str) -> Facts:
    """Read the facts in a file. Raises: BadMachineFile, MachineFileTooNew."""
    try:
        data = file_io.read(Path(file), BYTES)
    except file_io.FileTrouble as trouble:
        detail = text(f"file.{trouble.code}", trouble.facts)
        raise BadMachineFile(file=file, detail=detail) from trouble
    return parse(data, file)


def parse(data: bytes, file: str = "-") -> Facts:
    """Read the facts in a document, encoded as UTF-8, or as UTF-16 (which PowerShell writes).

    `file` is its name in errors. Raises: BadMachineFile, MachineFileTooNew.
    """
    if not data.strip():
        raise BadMachineFile(file=file, detail=text("facts_empty"))
    try:
        found = load(data)
    except ValueError as error:
        raise BadMachineFile(file=file, detail=text("facts_no_json")) from error
    if not isinstance(found, Mapping) or found.get("kind") != KIND:
        raise BadMachineFile(file=file, detail=text("facts_other_kind"))
    schema = found.get("schema")
    if type(schema) is not int or schema < 1:
        raise BadMachineFile(file=file, detail=text("facts_field", {"field": "schema"}))
    if schema > SCHEMA:
        raise MachineFileTooNew(file=file, schema=schema)
    if fault := _fault(found):
        raise BadMachineFile(file=file, detail=fault)
    gpus = tuple(Gpu(gpu["name"], gpu["arch"]) for gpu in found["gpus"])
    remarks = tuple(Notice(f"machine.{one['code']}", one["facts"]) for one in found["remarks"])
    machine = Machine(
        subdir=found["subdir"],
        cuda=found["cuda"],
        cuda_from=ORIGIN if found["cuda"] else "none",
        driver=found["driver"],
        cuda_arch=found["cuda_arch"],
        gpus=gpus,
        python=found["python"],
        python_from=ORIGIN if found["python"] else "newest",
        wsl=found["wsl"],
        failing=found["failing"],
        remarks=remarks,
        glibc=found["glibc"],
        osx=found["osx"],
    )
    return Facts(file, machine)


def load(data: bytes) -> Any:
    """Parse an untrusted JSON document, encoded as UTF-8, or as UTF-16 (which PowerShell writes).

    Raises: ValueError, for duplicate keys, numbers that are not finite, and too deep nesting too.
    """
    try:
        return json.loads(
            data, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unambiguous
        )
    except RecursionError as error:
        raise ValueError(str(error)) from error


def _refuse(word: str) -> Any:
    raise ValueError(word)


def _finite(word: str) -> float:
    number = float(word)
    return number if math.isfinite(number) else _refuse(word)


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _refuse("a key stands twice")


def _fault(found: Mapping[str, Any]) -> str | None:
    """Return the first fault of a document of this version as a sentence, or None."""
    known = {"kind", "schema", *FIELDS}
    if unknown := sorted(found.keys() - known):
        return text("facts_unknown", {"field": unknown[0][:LONGEST]})
    if missing := [name for name in FIELDS if name not in found]:
        return text("facts_missing", {"field": missing[0]})
    for name, fits in FIELDS.items():
        if not fits(found[name]):
            return text("facts_field", {"field": name})
    if found["cuda"] is None and found["cuda_arch"] is not None:
        return text("facts_field", {"field": "cuda_arch"})
    if found["cuda"] is not None and found["subdir"].startswith("osx-"):
        return text("facts_field", {"field": "cuda"})
    return None


def floor(machines: Sequence[Machine]) -> Machine:
    """Return the common denominator of machines: what runs on it runs on each of them.

    Versions are the lowest ones, None where any machine has none. The rest is the first machine's,
    which must have the platform and Python of all.
    """
    first = machines[0]

    def least(name: str) -> str | None:
        values = [getattr(machine, name) for machine in machines]
        return None if None in values else str(min(values, key=number))

    gpus = dict.fromkeys(gpu for machine in machines for gpu in machine.gpus)
    remarks = [remark for machine in machines for remark in machine.remarks]
    return first._replace(
        cuda=least("cuda"),
        driver=least("driver"),
        cuda_arch=least("cuda_arch"),
        gpus=tuple(gpus),
        glibc=least("glibc"),
        osx=least("osx"),
        remarks=tuple(one for n, one in enumerate(remarks) if one not in remarks[:n]),
    )
