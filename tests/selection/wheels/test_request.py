"""Words that ask for wheels, and what they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from support.wheels import asked, chosen, versions

from conda_torchmirror.selection.wheels import request
from conda_torchmirror.selection.wheels.request import BadWord, accelerator, admits

RELEASES = ("2.6.0", "2.7.0", "2.7.1", "2.8.0", "2.10.0")


@pytest.mark.parametrize(
    ("word", "admitted"),
    [
        ("torch", RELEASES),
        ("torch==2.7", ("2.7.0",)),
        ("torch==2.7.1", ("2.7.1",)),
        ("torch=2.7", ("2.7.0", "2.7.1")),
        ("torch = 2.7", ("2.7.0", "2.7.1")),
        ("torch=2.7.*", ("2.7.0", "2.7.1")),
        ("torch=2.7.1", ("2.7.1",)),
        ("torch=2", RELEASES),
        ("torch==2.7.*", ("2.7.0", "2.7.1")),
        ("torch>=2.7", ("2.7.0", "2.7.1", "2.8.0", "2.10.0")),
        ("torch>=2.7,<2.8", ("2.7.0", "2.7.1")),
        ("torch (>=2.10)", ("2.10.0",)),
        ("torch~=2.7.0", ("2.7.0", "2.7.1")),
        ("torch!=2.10.0,>2.7", ("2.7.1", "2.8.0")),
        ("torch===2.7.1", ("2.7.1",)),
        ("torch==2.7.1+cu126", ("2.7.1",)),
        ("pytorch==2.7.1", ("2.7.1",)),
        ("PyTorch=2.7", ("2.7.0", "2.7.1")),
        ("TORCH==2.7.1", ("2.7.1",)),
    ],
)
def test_a_word_means_what_it_says(word: str, admitted: tuple[str, ...]):
    (spec,) = asked(word).specs["torch"]
    assert tuple(v for v in RELEASES if admits(spec, "torch", v, "")) == admitted


def test_the_local_version_is_the_directory():
    found = request.understand("torch==2.7.1+cu126")
    assert not isinstance(found, BadWord)
    assert found.variant == "cu126"
    assert versions(chosen("torch==2.7.1+cu126", driver="12.8")) == {"torch": "2.7.1+cu126"}
    assert versions(chosen("torch=2.7.1+cu118", driver="12.8")) == {"torch": "2.7.1+cu118"}


def test_without_a_word_the_three_are_asked_for_and_torchaudio_is_a_wish():
    found = asked()
    assert list(found.specs) == ["torch", "torchvision", "torchaudio"]
    assert found.wishes == ("torchaudio",)
    assert asked("numpy<2").wishes == ("torchaudio",)


def test_torch_is_always_part_of_the_set():
    found = asked("torchaudio")
    assert (list(found.specs), found.wishes) == (["torch", "torchaudio"], ())


def test_what_is_no_member_of_the_family_is_for_pip():
    found = asked("torch", "numpy<2", "transformers[torch]==4.50.0", "torchmetrics")
    assert found.others == ("numpy<2", "transformers[torch]==4.50.0", "torchmetrics")
    assert list(found.specs) == ["torch"]


def test_two_words_on_a_project_both_hold():
    assert versions(chosen("torch>=2.6", "torch<2.7", driver="12.8"))["torch"].startswith("2.6.0")


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("torch==", "wheel_word"),
        ("torch==two", "wheel_word"),
        ("torch>=2.6+cu126", "wheel_word"),
        ("", "wheel_word"),
        ("   ", "wheel_word"),
        ("--index-url", "wheel_word"),
        ("torch 2.7", "wheel_word"),
        ("torch==２.7", "wheel_word"),
        ("torch\u00b20", "wheel_word"),
        ("numpy==1+a\u00e9", "wheel_word"),
        ("./torch.whl", "wheel_word"),
        ("torch @ https://wheels.test/torch.whl", "wheel_word_more"),
        ("torch==2.7.1; python_version>'3'", "wheel_word_more"),
        ("torch[opt-einsum]==2.7.1", "wheel_word_extras"),
        ("torch==2.7.1+cu126,==2.7.1+cu128", "wheel_word"),
        ("pytorch-cuda", "wheel_word_of_cuda"),
        ("pytorch-cuda=fast", "wheel_word_of_cuda"),
        ("pytorch-mutex", "wheel_word_of_cuda"),
        ("pytorch-gpu", "wheel_word_of_cuda"),
        ("libtorch", "wheel_word_inside"),
        *(("cudnn=8", "wheel_word_inside"), ("libcudnn<9.9", "wheel_word_inside")),
        *(("libblas=*=*openblas", "wheel_word_inside"), ("nomkl", "wheel_word_inside")),
    ],
)
def test_a_word_that_cannot_be_used_is_refused_by_name(word: str, code: str):
    found = request.read(["numpy", word])
    assert isinstance(found, BadWord)
    assert (found.word, found.why.code) == (word, code)


@pytest.mark.parametrize(
    ("word", "option"),
    [
        ("pytorch-cuda=12.1", "--cuda 12.1"),
        ("PyTorch_CUDA==12.1", "--cuda 12.1"),
        ("pytorch-cuda>=12.4,<13", "--cuda 12.4"),
        ("cudatoolkit=11.8", "--cuda 11.8"),
        ("cudatoolkit 11.8", "--cuda 11.8"),
        ("cuda-version=12.4", "--cuda 12.4"),
        ("cpuonly", "--cuda cpu"),
        ("pytorch-mutex=*=cpu", "--cuda cpu"),
        ("pytorch-cpu=2.7", "--cuda cpu"),
        ("python=3.12", "--python 3.12"),
        ("python>=3.10.4", "--python 3.10"),
    ],
)
def test_a_package_of_condas_is_refused_with_the_option_that_says_it(word: str, option: str):
    found = request.read([word])
    assert isinstance(found, BadWord)
    assert (found.why.code, found.why.facts) == ("wheel_word_of_conda", {"option": option})
    name, _, value = option.partition(" ")
    assert name == "--python" or accelerator(value) is not None


@given(st.text(max_size=30), st.sampled_from(["", "torch", "torch==", "torch[", "numpy", "-"]))
def test_a_word_is_what_packaging_takes_for_one(tail: str, head: str):
    """No word raises, and those that are read are requirements."""
    found = request.read([head + tail])
    if not isinstance(found, BadWord):
        for word in (*found.others, *found.specs["torch"]):
            Requirement(word)


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("auto", "auto"),
        ("cpu", "cpu"),
        ("12.6", "12.6"),
        ("cu126", "12.6"),
        ("cu118", "11.8"),
        ("12", "12"),
        ("rocm6.4", "rocm6.4"),
        ("ROCm6.2.4", "rocm6.2.4"),
        ("xpu", "xpu"),
        ("rocm", None),
        ("rocm6", None),
        ("mps", None),
        ("../cu126", None),
    ],
)
def test_the_accelerator_that_a_word_names(word: str, meaning: str | None):
    assert accelerator(word) == meaning
