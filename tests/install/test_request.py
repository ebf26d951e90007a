"""The words of the command line, and what they ask for."""

from __future__ import annotations

import pytest

from conda_torchmirror.exceptions import usage as exceptions
from conda_torchmirror.install import request


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("auto", "auto"),
        (" CPU ", "cpu"),
        ("12.4", "12.4"),
        ("12.4.1", "12.4"),
        ("cu124", "12.4"),
        ("cu92", "9.2"),
        ("CU118", "11.8"),
        ("cuda12.4", "12.4"),
    ],
)
def test_cuda(word, found):
    assert request.cuda(word) == found


@pytest.mark.parametrize(
    "word", ["12", "cuda12", "new", "", "cu", "12.", "v12.4", "12.4-1", "-1.0"]
)
def test_cuda_that_is_none(word):
    with pytest.raises(exceptions.BadCuda):
        request.cuda(word)


@pytest.mark.parametrize(
    "word", ["torch", "Torch", "TORCH", "pytorch", "PyTorch", "pytorch::torch"]
)
def test_torch_means_pytorch_however_it_is_written(word):
    assert set(request.make([word]).specs) == {"pytorch"}
    assert request.make([f"{word}=2.3"]).specs["pytorch"][0].endswith("=2.3")


@pytest.mark.parametrize(
    "word", ["torchmetrics", "torch-geometric", "pytorch-lightning", "mytorch"]
)
def test_a_longer_name_is_another_package(word):
    asked = request.make([word])
    assert asked.others == (word,)
    assert "pytorch" in asked.specs


@pytest.mark.parametrize(
    ("words", "option", "found"),
    [
        (["python=3.11"], None, "3.11"),
        (["python==3.11.4"], None, "3.11.4"),
        (["python 3.11.*"], None, "3.11"),
        (["python=3.11"], "3.11", "3.11"),
        (["python=3.11"], "3.11.4", "3.11.4"),
        (["python"], "3.10", "3.10"),
        (["python"], None, None),
    ],
)
def test_python(words, option, found):
    assert request.make(words, python_word=option).python == found


@pytest.mark.parametrize("word", ["python>=3.10", "python<3.13", "python=3", "python=3.10|3.11"])
def test_a_spec_that_names_no_one_python(word):
    with pytest.raises(exceptions.BadPythonSpec):
        request.make([word])


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["python=3.10"], {"python_word": "3.11"}),
        (["cpuonly"], {"cuda_word": "12.4"}),
        (["pytorch", "cpuonly"], {"cuda_word": "cu118"}),
    ],
)
def test_what_cannot_both_hold(words, options):
    with pytest.raises(exceptions.Contradiction) as raised:
        request.make(words, **options)
    assert raised.value.return_code == 2


def test_cpuonly_is_a_cpu_build():
    assert request.make(["cpuonly"]).cuda == "cpu"
    assert request.make(["cpuonly"], cuda_word="cpu").cuda == "cpu"
