"""`--cuda` for another computer, typed on one that has a GPU: the choice is for the CUDA that is
named, and what this computer does not run is told. Drivers are stand-ins, in real processes."""

from __future__ import annotations

import pytest
from stubs import Card, build, needs_compiler, variables

pytest_plugins = ("support.auto_fixtures",)

RTX_50, RTX_30 = Card("NVIDIA GeForce RTX 5070", 120), Card("NVIDIA GeForce RTX 3060", 86)
GPU, DRIVER = "machine.not_on_gpu_here", "machine.not_on_driver_here"


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    return build(tmp_path_factory.mktemp("libraries"))


@pytest.fixture
def preview_here(at_both, run_conda, monkeypatch, libraries):
    """`preview_here(card, cuda, *words)`: the warnings of a preview on a computer with that card
    and a driver for that CUDA, by code."""
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA", raising=False)

    def run(card, cuda, *words):
        env = {"CONDA_OVERRIDE_CUDA": None, **variables(libraries, [card], cuda=cuda)}
        words = ("torch-install", "-d", "--json", "--offline", "-n", "new", *words)
        found = run_conda(*words, env=env).ok().json()["torchmirror"]
        return found["selected"]["cuda"], {one["code"]: one for one in found["warnings"]}

    return run


@needs_compiler
@pytest.mark.parametrize(
    ("card", "cuda", "words", "told"),
    [
        (RTX_50, 13000, ("--cuda", "12.4", "pytorch=2.5"), GPU),
        (RTX_50, 13000, ("--cuda", "11.8", "--source", "wheels", "torch==2.5.1"), GPU),
        (RTX_30, 11040, ("--cuda", "12.4", "pytorch=2.5"), DRIVER),
        (RTX_30, 12040, ("--cuda", "12.4", "pytorch=2.5"), None),
        (RTX_50, 13000, ("--cuda", "12.8", "--source", "wheels", "torch==2.7.1"), None),
        # For another platform it is surely another computer.
        (RTX_50, 13000, ("--cuda", "12.4", "pytorch=2.5", "--platform", "win-64"), None),
    ],
)
def test_what_this_computer_does_not_run_is_told(preview_here, card, cuda, words, told):
    chosen, warnings = preview_here(card, cuda, *words)
    assert chosen == words[1]
    assert {GPU, DRIVER}.intersection(warnings) == ({told} if told else set())
    if told == GPU:
        assert "NVIDIA GeForce RTX 5070 (12.0)" in warnings[told]["text"]
    if told == DRIVER:
        assert "CUDA 11.4" in warnings[told]["text"]
