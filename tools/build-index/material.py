"""Reading the material folder: its tables, and the facts about releases."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


def read_yaml(path: Path) -> dict[str, Any]:
    """One YAML file."""
    data: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return data


@cache
def read_releases(shared: Path) -> dict[str, Any]:
    """The releases table as plain data."""
    releases: dict[str, Any] = read_yaml(shared / "compat" / "releases.yaml")["releases"]
    return releases


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a tab-separated table with a header."""
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, delimiter="\t")
