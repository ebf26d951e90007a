"""What an environment holds, read from its files."""

from __future__ import annotations

import json
from pathlib import Path


def installed(prefix: Path) -> dict[str, str]:
    """Name to `version=build` of what conda-meta holds."""
    records = [json.loads(p.read_text()) for p in (prefix / "conda-meta").glob("*.json")]
    return {r["name"]: f"{r['version']}={r['build']}" for r in records}


def history(prefix: Path) -> str:
    return (prefix / "conda-meta" / "history").read_text()
