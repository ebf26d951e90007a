"""Fixtures of `file_requests`. A test module says
`pytest_plugins = ("support.file_fixtures",)`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from .file_requests import FILE


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """`file(text, "environment.yml")`: a file in a folder of its own."""

    def write(text: str = FILE, name: str = "environment.yml") -> Path:
        path = tmp_path / "project" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write


@pytest.fixture
def preview_file(mirrored, conda_in_process):
    """`preview_file(path, ...)`: what `torchmirror` holds in the JSON of a dry run."""

    def run(*words: str | Path) -> dict[str, Any]:
        files = [part for word in words if isinstance(word, Path) for part in ("-f", word)]
        rest = [word for word in words if not isinstance(word, Path)]
        done = conda_in_process("torch-install", "-d", "--json", *files, *rest).ok()
        return {**done.json()["torchmirror"], "prefix": done.json()["prefix"]}

    return run
