"""A mirror that is named by its URL and that no registry knows."""

from __future__ import annotations

import pytest
from support import both_channels

pytest_plugins = ("support.auto_fixtures",)

ASK = ("torch-install", "-d", "-n", "new", "--cuda", "12.9", "--platform", "linux-64")
CHANNELS = ("conda-forge", "pytorch", "nvidia")


@pytest.fixture(scope="module")
def indexes(tmp_path_factory):
    return both_channels.build(tmp_path_factory.mktemp("indexes"))


@pytest.fixture
def at(indexes, make_mirror):
    """`at(*channels)`: the folder of a mirror that has these channels."""

    def make(*channels):
        return make_mirror(indexes, dict.fromkeys(channels, "conda")).url + "/conda"

    return make


@pytest.fixture
def places(conda_in_process):
    """`places(*words)`: where a preview reads each channel, and what it warns of."""

    def run(*words):
        found = conda_in_process(*ASK, "--json", *words).ok().json()["torchmirror"]
        urls = {one["name"]: one["url"] for one in found["channels"]}
        return urls, {one["code"] for one in found["warnings"]}

    return run


@pytest.mark.parametrize("way", ["option", "setting"])
@pytest.mark.parametrize("source", ["auto", "pytorch"])
def test_it_is_asked_for_what_it_may_have(at, condarc, places, way, source):
    """It stood for pytorch alone: conda-forge, which the choice is from, came from upstream."""
    there = at(*CHANNELS)
    named = {"torchmirror_mirrors": [there]} if way == "setting" else {}
    condarc(channels=["conda-forge"], plugins=named)
    words = ("--mirror", there) if way == "option" else ()
    urls, warned = places("--source", source, *words)
    want = ("pytorch", "nvidia") if source == "pytorch" else ("conda-forge",)
    assert urls == {name: f"{there}/{name}" for name in want}
    assert not {code for code in warned if "upstream" in code or "lack" in code}


def test_what_it_lacks_comes_from_the_next(at, condarc, places):
    """It is told, as for any mirror."""
    first, second = at("pytorch"), at(*CHANNELS)
    condarc(channels=["conda-forge"])
    words = ("--mirror", first, "--mirror", second)
    urls, warned = places("--source", "auto", *words)
    assert urls == {"conda-forge": f"{second}/conda-forge"}
    assert "mirror_left" in warned, warned
    urls, _ = places("--source", "pytorch", *words)
    assert urls == {"pytorch": f"{first}/pytorch", "nvidia": f"{second}/nvidia"}


def test_a_url_of_one_channel_is_asked_for_no_other(at, condarc, places):
    first, second = at(*CHANNELS), at(*CHANNELS)
    condarc(channels=["conda-forge"])
    urls, _ = places("--source", "pytorch", "--mirror", f"{first}/pytorch", "--mirror", second)
    assert urls == {"pytorch": f"{first}/pytorch", "nvidia": f"{second}/nvidia"}


@pytest.mark.parametrize("name", ["conda-forge", "nvidia"])
def test_it_may_be_the_url_of_any_of_these(at, condarc, places, name):
    """It was taken for a folder, and asked for `conda-forge/conda-forge`."""
    first, second = at(*CHANNELS), at(*CHANNELS)
    condarc(channels=["conda-forge"])
    ways = ("--mirror", f"{first}/{name}", "--mirror", second)
    urls, warned = places("--source", "auto", *ways)
    urls |= places("--source", "pytorch", *ways)[0]
    assert urls == {**{one: f"{second}/{one}" for one in CHANNELS}, name: f"{first}/{name}"}
    assert "mirror_left" not in warned


def test_commands_of_conda_read_there_what_is_certain_alone(at, condarc, conda_in_process):
    there = at(*CHANNELS)
    condarc(channels=["conda-forge"], plugins={"torchmirror_mirrors": [there]})
    done = conda_in_process("torch-mirror", "status", "pytorch", "--json").ok()
    rows = {row["name"]: row for row in done.json()["torchmirror"]["channels"]}
    assert rows["pytorch"]["url"] == f"{there}/pytorch"
    assert rows["conda-forge"]["code"] == "elsewhere"
    shown = conda_in_process("torch-mirror", "status").ok().words
    assert "no mirror that you prefer is known to carry it" in shown


def test_a_trial_asks_it_for_these_too(at, condarc, conda_in_process):
    """They were shown as not carried."""
    condarc(channels=["conda-forge"])
    there = at("pytorch", "conda-forge")
    done = conda_in_process("torch-mirror", "test", there, "--json").ok()
    (row,) = done.json()["torchmirror"]["test"]
    assert {name: one["code"] == "ok" for name, one in row["channels"].items()} == {
        "pytorch": True,
        "conda-forge": True,
        "nvidia": False,
    }
