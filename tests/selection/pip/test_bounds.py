"""What pip is asked for beside a set, though no wheel says it."""

from __future__ import annotations

import pytest
from support.wheels import chosen

from conda_torchmirror.selection.pip import bounds
from conda_torchmirror.selection.pip.metadata import Metadata

NEEDS = {"torchvision": Metadata("torchvision", "0.17.0", ("numpy", "torch==2.2.0"))}
ALONE = {"torch": Metadata("torch", "2.2.0", ("filelock",))}

READ = ALONE | {"torchvision": Metadata("torchvision", "0.17.2", ("torch==2.2.2",))}


def of(torch, *, said=NEEDS, there=(), others=(), subdir="linux-64", python="3.11"):
    found = chosen(f"torch=={torch}", subdir=subdir, python=python, cuda="cpu")
    return bounds.of_set(found.choice, said, there, others, python)


@pytest.mark.parametrize(
    ("torch", "subdir", "words"),
    [
        ("2.2.2", "linux-64", ("numpy<2",)),
        ("2.0.1", "linux-64", ("numpy<2",)),
        ("2.2.2", "win-64", ("numpy<2",)),
        ("2.2.2", "osx-arm64", ("numpy<2",)),
        ("2.3.1", "linux-64", ()),
        ("2.3.1", "win-64", ("numpy<2",)),
        ("2.4.0", "win-64", ("numpy<2",)),
        ("2.4.1", "win-64", ()),
        ("2.7.1", "linux-64", ()),
        ("2.10.0", "linux-64", ()),
    ],
)
def test_releases_that_were_built_before_numpy_2(torch, subdir, words):
    assert of(torch, subdir=subdir).words == words


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, ()),
        ({"there": ("numpy", "pip")}, ("numpy<2",)),
        ({"others": ("transformers",)}, ("numpy<2",)),
    ],
    ids=["nothing needs it", "it is there", "another word may need it"],
)
def test_nothing_is_installed_that_nothing_needs(more, words):
    assert of("2.2.2", said=ALONE, **more).words == words


@pytest.mark.parametrize(("said", "words"), [({}, ("numpy<2",)), (ALONE, ("numpy<2",)), (READ, ())])
def test_a_partner_whose_metadata_is_not_read_may_need_it(said, words):
    """NumPy 2 came with torchvision by a printed command and file, which no later run mends."""
    found = chosen("torch==2.2.2", "torchvision", subdir="linux-64", python="3.11", cuda="cpu")
    assert bounds.of_set(found.choice, said, (), (), "3.11").words == words


@pytest.mark.parametrize("word", ["numpy==2.1.0", "numpy>=2", "numpy>2.0"])
def test_what_the_user_asks_for_wins_and_is_said(word):
    found = of("2.2.2", others=(word,))
    assert found.words == ()
    (notice,) = found.notices
    assert (notice.code, notice.facts["spec"]) == ("against_rule", word)
    assert notice.url


@pytest.mark.parametrize("word", ["numpy", "numpy==1.26.4", "numpy>=1.24", "numpy<3"])
def test_words_that_go_with_it_stay_beside_it(word):
    found = of("2.2.2", others=(word,))
    assert found.words == ("numpy<2",)
    assert [notice.code for notice in found.notices] == ["rule_pip"]
