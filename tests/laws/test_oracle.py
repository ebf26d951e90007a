"""The choice against what others say is right: the official commands and the article's table."""

from __future__ import annotations

import csv
from collections import Counter
from functools import cache
from typing import NamedTuple

import pytest
from support import naming
from support.choosing import DATA, KNOWLEDGE, ask, chosen, known, real, refused, versions

from conda_torchmirror.install import request
from conda_torchmirror.models import Machine, NoChoice
from conda_torchmirror.selection import alternatives, choose, rules
from conda_torchmirror.selection.refused import Case


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


#: Where the page adds another channel than the records need, by release, subdir and CUDA: the
#: cudatoolkit 11.3 that these ask for is in `defaults` as well, and the 11.1 of 1.8.0 in `nvidia`,
#: which the page itself names for 1.8.1 and 1.9.
OTHER_CHANNELS = {
    ("1.10.0", "linux-64", "11.3"): "pytorch",
    ("1.10.0", "win-64", "11.3"): "pytorch",
    ("1.10.1", "linux-64", "11.3"): "pytorch",
    ("1.10.1", "win-64", "11.3"): "pytorch",
    ("1.8.0", "linux-64", "11.1"): "pytorch,nvidia",
}


@cache
def existing(name: str, subdir: str) -> set[tuple[str, str]]:
    """Version and build of every build of a name that a record or a listing shows, or that the
    naming rule gives for a release of the table."""
    seen = {(b.version, b.build) for b in real(subdir) if b.name == name}
    listed = {(b.version, b.build) for b in known(subdir) if b.known_by == "listed"}
    rule = {(key[1], key[3]) for key in naming.named() if (key[0], key[2]) == (name, subdir)}
    return seen | listed | rule


def out(*words, subdir, driver=None, cuda="auto", compat_mode="minor"):
    """The ways out where nothing fits."""
    asked = request.make(words, cuda_word=cuda, compat=compat_mode)
    given = asked.cuda if asked.cuda not in ("auto", "cpu") else driver
    on = Machine(subdir, cuda=given, cuda_from="libcuda" if driver else "--cuda")
    failed = choose.choose(on, asked, known(subdir), KNOWLEDGE)
    return alternatives.find(Case(failed, on, asked, known(subdir), KNOWLEDGE)).steps


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
        channel = rules.runtime_channel(choice, subdir)
        found_channels = "pytorch" if channel is None else f"pytorch,{channel}"
        assert found_channels == OTHER_CHANNELS.get((row.torch, subdir, row.cuda), row.channels)
    for build in choice.builds:
        assert (build.version, build.build) in existing(build.name, subdir)


@pytest.mark.parametrize("row", [row for row in USABLE if row.torch in NEWER_PARTNER], ids=str)
def test_the_older_partner_is_had_by_name(row):
    words = [f"pytorch=={row.torch}", f"torchvision=={row.torchvision}", "torchaudio"]
    choice = chosen(*words, subdir=row.subdirs.split(",")[0], cuda=row.cuda)
    assert versions(choice)["torchvision"] == row.torchvision


@pytest.mark.parametrize("row", LTS, ids=str)
def test_lts_is_not_in_this_channel(row):
    """1.8.2 lives in the channel pytorch-lts, which is not offered: said, never guessed."""
    subdir = row.subdirs.split(",")[0]
    assert refused(*row.words, subdir=subdir, cuda=row.cuda).rejected == ()
    [found] = [
        n for n in out(*row.words, subdir=subdir, cuda=row.cuda) if n.code.startswith("other")
    ]
    assert found.facts["channel"] == row.channels.split(",")[0]
    assert found.facts["command"].startswith("conda create -n NEW python=3.8 pytorch torchvision")
    if row.cuda == "11.1":
        named = " ".join(f"-c {channel}" for channel in row.channels.split(","))
        assert found.facts["command"].endswith(f"{row.runtime} {named}")


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
    facts = {"subdir": "win-64", "driver": driver, "compat_mode": "strict"}
    found = refused("pytorch=2.3.1", **facts)
    assert Counter(r.code for r in found.rejected)["minor_version_only"] > 0
    ways_out = {notice.code: notice.facts for notice in out("pytorch=2.3.1", **facts)}
    assert ways_out["use_minor"] == {"cuda": "11.8"}
    assert ways_out["upgrade_driver"] == {"cuda": "11.8", "driver": "520.06"}
    assert {"older_release", "use_cpu"} <= ways_out.keys()


def test_a_driver_of_cuda_10_has_no_2_3_1():
    found = refused("pytorch=2.3.1", subdir="win-64", driver="10.2")
    assert {r.code for r in found.rejected} == {"cuda_too_new", "cpu_build"}
    ways_out = {n.code: n.facts for n in out("pytorch=2.3.1", subdir="win-64", driver="10.2")}
    assert list(ways_out) == ["older_release", "upgrade_driver", "use_cpu"]
    # On Windows the last release with a build for CUDA 10.2 is 1.10.2.
    assert ways_out["older_release"] == {"torch": "pytorch 1.10.2", "channel": "pytorch"}
    assert ways_out["upgrade_driver"] == {"cuda": "11.8", "driver": "452.39"}


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
