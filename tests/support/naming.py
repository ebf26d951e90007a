"""The naming rules of `tools/build-index`, which is no package."""

from __future__ import annotations

import importlib.util
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "data"
RULES = Path(__file__).resolve().parents[2] / "tools" / "build-index" / "rules.py"


@cache
def load_rules() -> Any:
    """The module with the naming rule."""
    spec = importlib.util.spec_from_file_location("build_index_rules", RULES)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module


@cache
def releases() -> dict[str, Any]:
    """The releases table."""
    table: dict[str, Any] = json.loads((DATA / "releases.json").read_text(encoding="utf-8"))
    return dict(table["releases"])


@cache
def named() -> dict[tuple[str, str, str, str], Any]:
    """Every build that the rules give: (name, version, subdir, build) -> the build."""
    rules = load_rules()
    found: dict[tuple[str, str, str, str], Any] = {}
    for torch in rules.covered(releases()):
        for build in rules.expected(releases(), torch):
            assert build.key not in found
            found[build.key] = build
    return found
