"""For tests of what the project builds: `pytest_plugins = ("support.built_fixtures",)`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from . import built

pytest.importorskip("hatchling")
pytest.importorskip("hatch_vcs")

RECIPE = built.ROOT / "recipe" / "recipe.yaml"


@pytest.fixture(scope="session")
def release() -> str:
    """The version of the recipe: the last release, or the first to come."""
    return str(YAML(typ="safe").load(RECIPE)["context"]["version"])


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory, release: str) -> Mapping[str, Path]:
    """The `sdist`, and the `wheel` that is built from it, as a release's tag gives them."""
    place = tmp_path_factory.mktemp("distributions")
    sdist = built.distribution(built.ROOT, "sdist", place / "sdist", release)
    folder = built.unpacked(sdist, place / "unpacked")
    return {"sdist": sdist, "wheel": built.distribution(folder, "wheel", place / "wheel", release)}
