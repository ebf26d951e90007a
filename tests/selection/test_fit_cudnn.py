"""A cuDNN that is asked for or pinned, where builds need its library by another name."""

from __future__ import annotations

import pytest

from conda_torchmirror.index import builtin
from conda_torchmirror.index.sources import named
from conda_torchmirror.install import request
from conda_torchmirror.models import Choice, Machine, NoChoice, Pin
from conda_torchmirror.selection.choose import choose

SOURCE = named("conda-forge")


def ask(*words: str, pins: tuple[str, ...] = ()) -> Choice | NoChoice:
    records = builtin.load("linux-64", channel="conda-forge")
    assert records is not None
    there = tuple(Pin(pin, "conda-meta/pinned") for pin in pins)
    machine = Machine("linux-64", cuda="12.9", cuda_from="libcuda", pins=there)
    asked = request.make(words, source="conda-forge")
    return choose(machine, asked, records.builds, SOURCE.knowledge)


@pytest.mark.parametrize(
    ("word", "release"),
    [
        *(("cudnn=8", "2.4.0"), ("cudnn<9", "2.4.0"), ("conda-forge::cudnn=8.9", "2.4.0")),
        *(("cudnn=9.3", "2.5.1"), ("cudnn=9.10", "2.12.1"), ("cudnn>=9", "2.12.1")),
        *(("cudnn", "2.12.1"), ("libcudnn=9.10", "2.12.1"), ("libcudnn<9.10", "2.10.0")),
    ],
)
@pytest.mark.parametrize("by", ["request", "pin"])
def test_a_cudnn_without_the_library_that_a_build_needs_rules_it_out(word, release, by):
    """`cudnn=8` and `cudnn=9.3` gave a PyTorch that needs `libcudnn >=9.10`, beside a cuDNN that
    holds the same library."""
    words = ("pytorch", word) if by == "request" else ("pytorch",)
    found = ask(*words, pins=(word,) if by == "pin" else ())
    assert isinstance(found, Choice)
    assert found.torch.version == release


def test_the_refusal_names_the_word_and_the_need():
    found = ask("pytorch=2.12", "cudnn=8")
    assert isinstance(found, NoChoice)
    said = {
        (each.machine.facts["spec"], each.needs.facts.get("spec", "").partition(" ")[0])
        for each in found.rejected
        if each.code == "pinned"
    }
    assert said == {("cudnn=8", "libcudnn")}
