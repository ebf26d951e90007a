"""Partners of torch that are one wheel for every accelerator, and what torch is kept to."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet
from support.wheels import asked

from conda_torchmirror.models import Machine
from conda_torchmirror.selection.wheels import partners
from conda_torchmirror.selection.wheels.request import admits
from conda_torchmirror.selection.wheels.tables import TORCH, tables


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
    found, told = partners.left_to_pip(before, Machine("linux-64"), tables())
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
    kept = partners.kept_to_partners(before, Machine("linux-64"), tables())
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
    assert partners.kept_to_partners(asked(*words), Machine(subdir), tables()) is None


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
    assert bool(partners.left_to_pip(asked(*words), machine, tables())[1]) == left


def test_torch_is_kept_to_what_a_partner_for_the_python_goes_with():
    kept = partners.kept_to_partners(
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
    before = partners.with_data(asked(*words), tables())
    found, _ = partners.left_to_pip(before, Machine(subdir), tables())
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
    before = partners.with_data(asked(*words), tables())
    kept = partners.kept_to_partners(before, Machine("linux-64"), tables())
    assert kept is not None
    assert kept.request.specs[TORCH][-1] == bound
    assert kept.settled(bound.rpartition("=")[2], tables())[0].others == (left,)


@pytest.mark.parametrize(
    ("words", "out", "python"),
    [
        (("torchdata<0.7.1,!=0.6.1",), ("2.0.1",), None),
        (("torchtext!=0.16.1,!=0.17.0",), ("2.1.1", "2.2.0"), None),
        (("torch", "torchtext!=0.17.*"), ("2.2.0", "2.2.1", "2.2.2"), None),
        (("torchtext!=0.16.1",), ("2.1.1",), "3.11"),
    ],
)
def test_torch_is_kept_from_what_no_partner_in_between_goes_with(words, out, python):
    """The bound went from the first to the last of them, with all in between."""
    before = partners.with_data(asked(*words), tables())
    kept = partners.kept_to_partners(before, Machine("linux-64", python=python), tables())
    assert kept is not None
    bound = SpecifierSet(kept.request.specs[TORCH][-1].removeprefix(TORCH))
    assert not any(bound.contains(one) for one in out)
    for torch in bound.filter(tables().stated):
        version = tables().partner(kept.partners[0], torch)
        assert version is not None
        assert admits(words[-1], kept.partners[0], version, "")


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (("torch==2.1.2", "torchdata<0.12,!=0.7.1"), True),  # 0.8.0 goes with it
        (("torch==2.1.2", "torchdata!=0.7.1"), True),
        (("torch", "torchdata>0.7.0,!=0.7.1"), True),
        (("torch<2.2", "torchdata!=0.6.0,!=0.7.1"), True),
        (("torch==2.1.0", "torchdata~=0.6,!=0.7.1"), True),
        (("torch==2.1.0", "torchdata!=0.7.1,<0.7.1"), False),
        (("torch==2.1.0", "torchdata<=0.7.0"), False),
        (("torch==2.1.0", "torchdata=0.7.0"), False),
        (("torch==2.1.0", "torchdata~=0.7.0"), True),
        (("torch==2.0.0", "torchdata~=0.6.0"), False),
        (("torch==2.0.0", "torchdata===0.6.0"), False),
    ],
)
def test_an_exclusion_of_torchdata_is_no_upper_bound(words, left):
    """It was taken for one, and a torchdata that goes with every torch 2 was refused."""
    found = partners.with_data(asked(*words), tables())
    assert ("torchdata" not in found.specs) == left


def test_the_python_is_bounded_by_the_partner_of_a_release():
    machine = Machine("linux-64")
    kept = partners.kept_to_partners(asked("torchtext"), machine, tables())
    assert kept is not None
    assert kept.highest == "3.12"
    older = kept.bounded("1.13.1", machine.subdir, tables())
    assert older.highest == "3.10"
    assert older.request.pythons["torchtext"] == frozenset((("python<=3.10.99",),))
