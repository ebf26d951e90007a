"""Pins that name CPU or CUDA narrow the builds of every source."""

from __future__ import annotations

import pytest

from conda_torchmirror.index import builtin
from conda_torchmirror.index.match import admits
from conda_torchmirror.index.sources import named
from conda_torchmirror.install import request
from conda_torchmirror.models import Choice, Machine, NoChoice, Pin
from conda_torchmirror.selection.choose import choose
from conda_torchmirror.selection.sources.forge_tables import newest_of_conda_forge


def ask(pin: str, source: str, cuda: str = "auto") -> Choice | NoChoice:
    records = builtin.load("linux-64", channel=source)
    assert records is not None
    pins = (Pin(pin, "pinned_packages"),)
    driver = None if cuda == "cpu" else "12.9"
    machine = Machine("linux-64", cuda=driver, cuda_from="libcuda", pins=pins)
    asked = request.make(("pytorch",), source=source, cuda_word=cuda)
    return choose(machine, asked, records.builds, named(source).knowledge)


@pytest.mark.parametrize("source", ["pytorch", "conda-forge"])
def test_a_mutex(source):
    """Beside a GPU it kept the channel pytorch out, and conda-forge's CUDA was taken in silence."""
    refused = ask("pytorch-mutex=*=cpu", source)
    assert isinstance(refused, NoChoice)
    assert "pinned" in {each.code for each in refused.rejected}
    on_cpu = ask("pytorch-mutex=*=cpu", source, "cpu")
    assert isinstance(on_cpu, Choice)
    assert on_cpu.cuda is None
    for pin in ("pytorch-mutex", "pytorch-mutex=*=cuda"):
        found = ask(pin, source)
        assert isinstance(found, Choice)
        assert found.cuda


@pytest.mark.parametrize("source", ["pytorch", "conda-forge"])
@pytest.mark.parametrize(("pin", "cuda"), [("pytorch-cuda=11.8", "11.8"), ("pytorch-cuda", "12")])
def test_a_runtime(source, pin, cuda):
    """With `pytorch-cuda=11.8` a build of conda-forge for CUDA 12.9 was taken."""
    found = ask(pin, source)
    assert isinstance(found, Choice)
    assert found.cuda is not None
    assert found.cuda.startswith(cuda)


@pytest.mark.parametrize(
    ("pin", "driver", "found"),
    [
        ("pytorch-mutex=*=cpu", "12.9", False),
        ("pytorch-mutex=*=cpu", None, True),
        ("pytorch-mutex=*=cuda", "12.9", True),
        ("pytorch-mutex=*=cuda", None, False),
        ("pytorch-cuda=12.9", "12.9", True),
        ("pytorch-cuda=12.1", "12.9", False),
        ("pytorch-cuda=12.1", None, True),
        ("cudnn=8", "12.9", False),
        ("libcudnn<9", "12.9", False),
        ("cudnn>=9.10", "12.9", True),
        ("cudnn=8", None, True),
    ],
)
def test_what_the_tables_tell_of(pin, driver, found):
    """2.13.0 of conda-forge was told to fit, and to be taken by an installation."""
    machine = Machine("linux-64", cuda=driver, cuda_from="libcuda", pins=(Pin(pin, ""),))
    asked = request.make(("pytorch=2.13",), source="conda-forge")
    assert (newest_of_conda_forge(machine, asked, admits) is not None) == found
