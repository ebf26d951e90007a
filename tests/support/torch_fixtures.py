"""Fixtures of `torches`. A test module says `pytest_plugins = ("support.torch_fixtures",)`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from .torches import MakeTorch, bare_environment, copy, install_torch


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a Python and nothing else. Do not change it: `prefix` is a copy."""
    return bare_environment(tmp_path_factory.mktemp("bare"))


@pytest.fixture
def venv(bare: Path, tmp_path: Path) -> Path:
    """An environment of this test alone."""
    return copy(bare, tmp_path / "env")


@pytest.fixture
def make_torch(venv: Path) -> MakeTorch:
    """`make_torch(**knobs)`: install a torch that breaks so; returns the venv."""
    return partial(install_torch, venv)
