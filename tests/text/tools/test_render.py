"""Texts of recipes that no run of these tests comes to."""

from __future__ import annotations

import json

import pytest
from ruamel.yaml import YAML

from conda_torchmirror.options import EXPLICIT, TOOLS
from conda_torchmirror.text.tools.recipe import PackageSpec, PinnedWheel, Recipe
from conda_torchmirror.text.tools.render import _FORMS, render

PINS = (
    PackageSpec("mkl<2024.1", "mkl", {"version": "<2024.1"}),
    PackageSpec("cudnn>=9,<9.11", "cudnn", {"version": ">=9,<9.11"}),
)
TORCH = PackageSpec("pytorch=2.5.1=b_0", "pytorch", {"version": "2.5.1", "build": "b_0"})
RECIPE = Recipe(
    head="PyTorch 2.5.1",
    subdir="linux-64",
    name="on",
    python="3.12",
    target=("-n", "on"),
    channels=("pytorch", "https://mirror.example/c#d"),
    relaxed=True,
    specs=(TORCH,),
    fresh=(
        TORCH,
        PackageSpec("numpy<3", "numpy", {"version": "<3"}),
        PackageSpec("numpy!=2.1", "numpy", {}),
    ),
    pins=PINS,
)


def test_every_tool_has_a_form() -> None:
    assert {*_FORMS, EXPLICIT} == set(TOOLS)


def test_pins_of_conda_are_one_variable() -> None:
    lines = render("conda", RECIPE).splitlines()
    assert "export CONDA_PINNED_PACKAGES='mkl<2024.1&cudnn>=9,<9.11'" in lines
    assert "export CONDA_CHANNEL_PRIORITY=flexible" in lines


def test_a_pin_that_mamba_would_split_is_asked_for() -> None:
    lines = render("mamba", RECIPE).splitlines()
    assert "export MAMBA_PINNED_PACKAGES='mkl<2024.1'" in lines
    assert '"cudnn>=9,<9.11"' in lines[-1]
    assert "export MAMBA_CHANNEL_PRIORITY=flexible" in lines


def test_yaml_takes_every_word_for_text() -> None:
    found = YAML(typ="safe").load(render("environment.yml", RECIPE))
    assert found["name"] == "on"
    assert found["channels"] == [*RECIPE.channels, "nodefaults"]
    newer = render("environment.yml", RECIPE._replace(nodefaults=False))
    assert YAML(typ="safe").load(newer)["channels"] == [*RECIPE.channels]
    words = [spec.word for spec in (*RECIPE.fresh, *PINS)]
    assert found["dependencies"] == words


def test_a_package_is_one_key_of_a_manifest() -> None:
    specs = (*RECIPE.fresh[:2], PackageSpec("numpy!=2.1", "numpy", {"version": "!=2.1"}))
    lines = render("pixi", RECIPE._replace(fresh=specs)).splitlines()
    assert 'numpy = "<3,!=2.1"' in lines
    assert 'pytorch = { version = "==2.5.1", build = "b_0" }' in lines


@pytest.mark.parametrize("tool", ["pip", "uv", "dockerfile", "environment.yml", "pixi"])
def test_without_an_index_it_is_that_of_the_tool(tool: str) -> None:
    wheels = (PinnedWheel("torch", "https://mirror.example/torch-2.7.1-py3-none-any.whl"),)
    text = render(tool, RECIPE._replace(wheels=wheels, specs=(), pins=()))
    assert "index" not in text
    assert json.dumps(wheels[0].url) in text or f'"{wheels[0].requirement}"' in text
