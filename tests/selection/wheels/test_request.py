"""Words that ask for wheels, and what they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from support.wheels import asked, chosen, versions

from conda_torchmirror.models import Machine
from conda_torchmirror.selection.wheels import request
from conda_torchmirror.selection.wheels.request import BadWord, accelerator, admits
from conda_torchmirror.selection.wheels.tables import TORCH, tables

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


@pytest.mark.parametrize(
    ("words", "left"),
    [
        # As the page of former releases has it.
        (
            ("torch==1.9.1+cu111", "torchvision==0.10.1+cu111", "torchaudio==0.9.1"),
            "torchaudio==0.9.1",
        ),
        (("torch==1.9.1", "torchaudio"), "torchaudio==0.9.1"),
        (("torch==2.3.0+cu121", "torchtext"), "torchtext==0.18.0"),
        (("torch=2.3", "torchtext==0.18.0"), "torchtext==0.18.0"),
        (("torch==2.3.0", "torchtext==0.16.0"), None),  # which goes with another torch
        (("torch==2.5.1", "torchtext"), None),  # there is none
        (("torch", "torchtext"), None),  # which one follows from the choice
        (("torch==1.10.1+cu113", "torchaudio==0.10.1"), None),  # one wheel for each CUDA
        (("torch==1.9.1",), None),
        ((), None),
    ],
)
def test_a_partner_that_is_one_wheel_for_every_accelerator_is_left_to_pip(words, left):
    """A directory for a CUDA need not have it, and was said to lack it; PyPI has it."""
    before = asked(*words)
    found, told = request.left_to_pip(before, Machine("linux-64"), tables())
    assert told == found.others == ((left,) if left else ())
    gone = {left.partition("=")[0]} if left else set()
    assert found.specs.keys() == before.specs.keys() - gone


@pytest.mark.parametrize(
    ("words", "bound", "said", "torch", "left"),
    [
        (("torch", "torchtext"), "torch>=1.8.0,<=2.3.1", "2.3.1", "2.2.2", "torchtext==0.17.2"),
        (
            ("torch", "torchtext=0.17"),
            "torch>=2.2.0,<=2.2.2",
            "2.2.2",
            "2.2.0",
            "torchtext==0.17.0",
        ),
        (("torchaudio==0.9.1",), "torch>=1.9.1,<=1.9.1", "1.9.1", "1.9.1", "torchaudio==0.9.1"),
        # No newer one is asked for.
        (("torch<2.3", "torchtext"), "torch>=1.8.0,<=2.2.2", None, "2.2.2", "torchtext==0.17.2"),
    ],
)
def test_torch_is_kept_to_what_an_ended_partner_goes_with(words, bound, said, torch, left):
    before = asked(*words)
    kept = request.kept_to_partners(before, Machine("linux-64"), tables())
    assert kept is not None
    assert kept.request.specs[TORCH] == (*before.specs[TORCH], bound)
    assert [notice.facts["torch"] for notice in kept.told] == ([said] if said else [])
    found, told = kept.settled(torch, tables())
    assert told == found.others == (left,)


@pytest.mark.parametrize(
    ("words", "subdir"),
    [
        ((), "linux-64"),
        (("torch", "torchaudio"), "linux-64"),  # one wheel for each CUDA since 0.10
        (("torch==2.5.1", "torchtext"), "linux-64"),  # there is none
        (("torch", "torchtext"), "linux-aarch64"),  # PyPI has none of the last ones
    ],
)
def test_torch_is_not_kept_where_no_partner_ended(words, subdir):
    assert request.kept_to_partners(asked(*words), Machine(subdir), tables()) is None


@pytest.mark.parametrize(
    ("subdir", "python", "words", "left"),
    [
        ("linux-64", "3.10", ("torch==1.13.1", "torchtext"), True),
        ("linux-64", "3.11", ("torch==1.13.1", "torchtext"), False),
        ("linux-64", "3.12", ("torch==2.2.0", "torchtext"), False),
        ("linux-64", "3.12", ("torch==2.2.2", "torchtext"), True),
        ("linux-aarch64", None, ("torch==2.3.1", "torchtext"), False),
        ("osx-arm64", None, ("torch==1.9.1", "torchtext"), False),
        ("osx-arm64", None, ("torch==1.9.1", "torchaudio"), True),
    ],
)
def test_what_pypi_does_not_have_is_not_left_to_pip(subdir, python, words, left):
    """Such a partner was left to pip, which found none."""
    machine = Machine(subdir, python=python)
    assert bool(request.left_to_pip(asked(*words), machine, tables())[1]) == left


def test_torch_is_kept_to_what_a_partner_for_the_python_goes_with():
    kept = request.kept_to_partners(
        asked("torch<2.2.2", "torchtext"), Machine("linux-64", python="3.11"), tables()
    )
    assert kept is not None
    assert kept.request.specs[TORCH][-1] == "torch>=2.0.0,<=2.2.1"


@pytest.mark.parametrize(
    ("words", "subdir", "left"),
    [
        (("torch==2.0.0", "torchdata"), "linux-64", "torchdata"),  # 0.7.1 and newer go with it
        (("torch", "torchdata"), "linux-64", "torchdata"),
        (("torch==2.2", "torchdata=0.7"), "linux-64", "torchdata==0.7.*"),
        (("torch==2.0.0", "torchdata<0.8"), "linux-64", "torchdata<0.8"),
        (("torch<2", "torchdata>=0.8"), "linux-64", "torchdata>=0.8"),  # pip tells of it
        (("torch==2.0.0", "torchdata==0.6.0"), "linux-64", "torchdata==0.6.0"),
        (("torch==1.13.1", "torchdata"), "win-64", "torchdata==0.5.1"),
        (("torch==1.12.1", "torchdata<0.8"), "osx-arm64", "torchdata==0.4.1"),
        (("torch==2.0.1", "torchdata=0.6"), "linux-aarch64", "torchdata==0.6.1"),
        (("torch==1.12.1", "torchdata"), "linux-aarch64", None),  # PyPI has none
        (("torch==2.2.0", "torchdata==0.7.0"), "linux-64", None),
        (("torch", "torchdata==0.6.0"), "linux-64", None),  # torch follows from it
    ],
)
def test_older_releases_of_torchdata_are_each_for_one_torch(words, subdir, left):
    before = request.with_data(asked(*words), tables())
    found, _ = request.left_to_pip(before, Machine(subdir), tables())
    assert found.others == ((left,) if left else ())
    assert ("torchdata" in found.specs) == (left is None)


@pytest.mark.parametrize(
    ("words", "bound", "left"),
    [
        (("torch", "torchdata==0.6.0"), "torch>=2.0.0,<=2.0.0", "torchdata==0.6.0"),
        (("torchdata=0.5",), "torch>=1.13.0,<=1.13.1", "torchdata==0.5.1"),
        (("torch<2", "torchdata"), "torch>=1.11.0,<=1.13.1", "torchdata==0.5.1"),
    ],
)
def test_torch_is_kept_to_what_an_older_torchdata_goes_with(words, bound, left):
    before = request.with_data(asked(*words), tables())
    kept = request.kept_to_partners(before, Machine("linux-64"), tables())
    assert kept is not None
    assert kept.request.specs[TORCH][-1] == bound
    assert kept.settled(bound.rpartition("=")[2], tables())[0].others == (left,)
