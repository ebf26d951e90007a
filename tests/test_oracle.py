"""The choice against what others say is right: the official commands and the article's table."""

from __future__ import annotations

import csv
from collections import Counter
from typing import NamedTuple

import pytest
from support.choosing import DATA, ask, chosen, refused, versions

from conda_torchmirror.models import NoChoice


class Official(NamedTuple):
    """A row of `official_conda.tsv`: one published conda command, as facts."""

    torch: str
    os: str
    subdirs: str
    cuda: str
    torchvision: str
    torchaudio: str
    runtime: str
    channels: str
    flag: str

    @property
    def words(self) -> list[str]:
        named = [f"pytorch=={self.torch}"]
        named += ["torchvision"] if self.torchvision else []
        return [*named, *(["torchaudio"] if self.torchaudio else [])]

    def __str__(self) -> str:
        return f"{self.torch}-{self.os}-{self.cuda}"


def official() -> list[Official]:
    with (DATA / "official_conda.tsv").open(encoding="utf-8", newline="") as file:
        return [Official(*row.values()) for row in csv.DictReader(file, delimiter="\t")]


USABLE = [row for row in official() if not row.flag]
FLAGGED = [row for row in official() if row.flag]
LTS = [row for row in USABLE if row.channels.startswith("pytorch-lts")]
ASKED = [(row, subdir) for row in USABLE if row not in LTS for subdir in row.subdirs.split(",")]


#: Two torchvisions pin pytorch 1.10.0. The previous-versions page names the older one, the
#: get-started page and the compatibility table the newer one, which is chosen.
NEWER_PARTNER = {"1.10.0": "0.11.1"}


def test_the_table_is_whole():
    assert (len(USABLE), len(LTS), len(FLAGGED)) == (184, 6, 9)
    assert {row.torch for row in LTS} == {"1.8.2"}


@pytest.mark.parametrize(("row", "subdir"), ASKED, ids=[f"{r}-{s}" for r, s in ASKED])
def test_official_command(row, subdir):
    """The same versions and the same CUDA as the published command, from the built-in index."""
    choice = chosen(*row.words, subdir=subdir, cuda=row.cuda)
    found = versions(choice)
    assert found["pytorch"] == row.torch
    if row.torchvision:
        assert found["torchvision"] == NEWER_PARTNER.get(row.torch, row.torchvision)
    if row.torchaudio:
        assert found["torchaudio"] == row.torchaudio
    assert choice.cuda == (None if row.cuda == "cpu" else row.cuda)
    if choice.cuda:
        assert row.runtime == f"{choice.runtime}={choice.cuda}"


@pytest.mark.parametrize("row", [row for row in USABLE if row.torch in NEWER_PARTNER], ids=str)
def test_the_older_partner_is_had_by_name(row):
    words = [f"pytorch=={row.torch}", f"torchvision=={row.torchvision}", "torchaudio"]
    choice = chosen(*words, subdir=row.subdirs.split(",")[0], cuda=row.cuda)
    assert versions(choice)["torchvision"] == row.torchvision


@pytest.mark.parametrize("row", LTS, ids=str)
def test_lts_is_not_in_this_channel(row):
    """1.8.2 lives in the channel pytorch-lts, which is not offered: said, never guessed."""
    assert refused(*row.words, subdir=row.subdirs.split(",")[0], cuda=row.cuda).rejected == ()


@pytest.mark.parametrize("row", FLAGGED, ids=str)
def test_where_the_official_page_is_wrong(row):
    """Commands that would install a CPU build in silence, or name a build that never was."""
    for subdir in row.subdirs.split(","):
        found = ask(*row.words, subdir=subdir, cuda=row.cuda)
        if isinstance(found, NoChoice):
            assert {r.code for r in found.rejected} & {"cuda_too_new", "cpu_build"}
        else:
            # There is a CUDA build, but not for the CUDA that the page names; that is said.
            assert found.cuda not in (None, row.cuda)
            assert "cuda_below_asked" in [notice.code for notice in found.notices]


@pytest.mark.parametrize(
    ("driver", "cuda", "compat"),
    [
        ("11.8", "11.8", "strict"),
        ("12.0", "11.8", "strict"),
        ("12.1", "12.1", "strict"),
        ("12.2", "12.1", "strict"),
        ("12.4", "12.1", "strict"),
        ("13.0", "12.1", "strict"),
        ("11.0", "11.8", "minor"),
        ("11.4", "11.8", "minor"),
        ("11.7", "11.8", "minor"),
    ],
)
def test_the_articles_cuda_table(driver, cuda, compat):
    """2.3.1 by driver. The article turns away 11.0 to 11.7 and asks 12.0 for a toolkit."""
    choice = chosen("pytorch=2.3.1", "torchvision", "torchaudio", subdir="win-64", driver=driver)
    assert (choice.cuda, choice.compat) == (cuda, compat)
    told = [notice.code for notice in choice.notices]
    assert ("minor_version_compat" in told) == (compat == "minor")


@pytest.mark.parametrize("driver", ["11.0", "11.4", "11.7"])
def test_strict_refuses_what_minor_version_compatibility_allows(driver):
    found = refused("pytorch=2.3.1", subdir="win-64", driver=driver, compat_mode="strict")
    assert Counter(r.code for r in found.rejected)["minor_version_only"] > 0


def test_a_driver_of_cuda_10_has_no_2_3_1():
    found = refused("pytorch=2.3.1", subdir="win-64", driver="10.2")
    assert {r.code for r in found.rejected} == {"cuda_too_new", "cpu_build"}


ARTICLE = {
    "12.1": ("py3.12_cuda12.1_cudnn8_0", "py312_cu121"),
    "11.8": ("py3.12_cuda11.8_cudnn8_0", "py312_cu118"),
}


@pytest.mark.parametrize("cuda", ARTICLE)
def test_the_articles_builds(cuda):
    torch, partner = ARTICLE[cuda]
    words = ("pytorch=2.3.1", "torchvision", "torchaudio")
    choice = chosen(*words, subdir="win-64", cuda=cuda, python="3.12")
    assert [build.spec for build in choice.builds] == [
        f"pytorch=2.3.1={torch}",
        f"torchvision=0.18.1={partner}",
        f"torchaudio=2.3.1={partner}",
    ]
