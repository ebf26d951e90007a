"""What an environment holds, read from its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def records(prefix: Path) -> dict[str, dict[str, Any]]:
    """What conda-meta says, by package name."""
    found = (prefix / "conda-meta").glob("*.json")
    return {r["name"]: r for r in (json.loads(path.read_text("utf-8")) for path in found)}


def installed(prefix: Path) -> dict[str, str]:
    """Name to `version=build` of what conda-meta holds."""
    return {name: f"{r['version']}={r['build']}" for name, r in records(prefix).items()}


def whole(prefix: Path) -> bool:
    """Whether every file that conda-meta names is there."""
    return all(
        (prefix / file).is_file() for record in records(prefix).values() for file in record["files"]
    )


def history(prefix: Path) -> str:
    return (prefix / "conda-meta" / "history").read_text()
