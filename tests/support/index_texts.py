"""Indexes as texts, and what a full parse finds in them: the law of `index.sparse`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conda_torchmirror.index.sparse import reader, scan

NAMES = frozenset(("pytorch", "pytorch-gpu", "libtorch", "cuda-version"))


def parsed(content: bytes, names: frozenset[str] = NAMES) -> dict[str, Any]:
    """What a full parse gives: the law."""
    document = json.loads(content.decode("utf-8"))
    if not isinstance(document, dict):
        raise ValueError("no object")
    found = {}
    for key in (*scan.KEPT, *reader.SECTIONS):
        if key in document:
            found[key] = document[key]
    for key in scan.SECTIONS:
        if isinstance(section := found.get(key), dict):
            found[key] = {
                fn: record
                for fn, record in section.items()
                if isinstance(record, dict)
                and isinstance(name := record.get("name"), str)
                and name in names
            }
    return found


def read(folder: Path, content: bytes, names: frozenset[str] = NAMES) -> dict[str, Any]:
    """What is found in a file that was never read before."""
    path = folder / "0123abcd.json"
    path.write_bytes(content)
    path.with_suffix(".torchmirror").unlink(missing_ok=True)
    return reader.read(path, names)


def record(name: str, **more: Any) -> dict[str, Any]:
    return {
        "build": "0",
        "build_number": 0,
        "depends": ["python >=3.12", f"{name}-base"],
        "md5": "0" * 32,
        "name": name,
        "sha256": "0" * 64,
        "version": "1.0",
        **more,
    }


def index(*members: tuple[str, Any], **more: Any) -> dict[str, Any]:
    """An index whose packages are these, between others."""
    others = {f"{n}-1.0-0.conda": record(n) for n in ("aa", "python", "zlib")}
    return {
        "info": {"subdir": "linux-64"},
        "packages": {"aa-1.0-0.tar.bz2": record("aa")},
        "packages.conda": {**others, **dict(members), "zz-1-0.conda": record("zz")},
        **more,
    }


WANTED = ("pytorch-1.0-0.conda", record("pytorch"))
LAST = json.dumps(record("numpy"))


def raw(members: str, rest: str = "") -> bytes:
    """An index as a text; `members` stand between two other records."""
    return (
        '{"packages.conda":{"a-1-0.conda":' + LAST + "," + members + ',"z-1-0.conda":' + LAST
        + "}" + rest + "}"
    ).encode()  # fmt: skip


TORCH, OTHER = json.dumps(record("pytorch")), json.dumps(record("q"))
