"""The facts of wheels and the built-in lists: what they hold, and that they are as their source."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.wheels import ROOT, listing, shared

from conda_torchmirror.index.wheels import builtin
from conda_torchmirror.selection.wheels.name import Wheel, parse
from conda_torchmirror.selection.wheels.tables import DIRECTORY, FAMILY, tables
from conda_torchmirror.selection.wheels.tags import WheelTarget

DATA = ROOT / "conda_torchmirror" / "data"
FACTS = DATA / "wheels.json"
TOOL = ROOT / "tools" / "build-index"
PYTHONS = [f"3.{minor}" for minor in range(6, 16)]


def test_they_are_small():
    """All that is known of wheels, facts and lists."""
    files = [FACTS, *(DATA / "wheels").glob("*.json")]
    assert len(files) == 6
    assert sum(path.stat().st_size for path in files) <= 150_000


def test_the_platforms_of_torch():
    assert builtin.platforms() == ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")
    assert builtin.load("linux-ppc64le") is None


@pytest.mark.parametrize("subdir", builtin.platforms())
def test_every_link_is_a_wheel_for_its_platform(subdir: str):
    known = builtin.load(subdir)
    assert known
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", known.date)
    targets = [WheelTarget(subdir, PYTHONS, free) for free in (None, "3.13", "3.14", "3.15")]
    assert len({(link.variant, link.filename) for link in known.links}) == len(known.links)
    for link in known.links:
        wheel = parse(link)
        assert isinstance(wheel, Wheel)
        assert wheel.project in FAMILY
        assert any(target.fit(wheel.triple) for target in targets)
        assert DIRECTORY.fullmatch(link.variant)
        assert link.known_by in ("listed", "derived")
        assert (link.url, link.sha256) == ("", None)


@pytest.mark.parametrize("subdir", builtin.platforms())
def test_what_is_listed_is_in_the_listing(subdir: str):
    real = {(link.variant, link.filename) for link in listing()}
    known = builtin.load(subdir)
    assert known
    listed = {(link.variant, link.filename) for link in known.links if link.known_by == "listed"}
    assert listed <= real
    derived = {(link.variant, link.filename) for link in known.links if link.known_by == "derived"}
    assert not derived & real


@pytest.mark.parametrize(
    ("subdir", "releases"),
    [
        ("osx-arm64", {"3.9": "2.2.2 2.5.1 2.8.0", "3.12": "2.2.2 2.6.0 2.9.1 2.13.0 2.14.0"}),
        ("osx-64", {"3.9": "2.1.2 2.2.2", "3.12": "2.2.0 2.2.2"}),
    ],
)
def test_of_macos_the_sets_are_whole(subdir: str, releases: dict[str, str]):
    """A release of which the list has torch alone would be told to lack its partners."""
    known = builtin.load(subdir)
    assert known
    target = WheelTarget(subdir, PYTHONS)
    there = {
        (wheel.project, wheel.version, python)
        for link in known.by_variant["cpu"]
        if isinstance(wheel := parse(link), Wheel) and (fit := target.fit(wheel.triple))
        for python in fit.pythons
    }
    for python, versions in releases.items():
        for torch in versions.split():
            pairs = {"torch": torch, **{n: v[0] for n, v in tables().stated[torch].items()}}
            pairs.pop("torchtext", None)  # ended with 0.18, and has no Python 3.12 of its own
            assert {(*pair, python) for pair in pairs.items()} <= there


@pytest.mark.parametrize(
    ("subdir", "python", "first", "last"),
    [
        ("linux-64", "3.13", "2.6.0", "2.12.0"),
        ("linux-64", "3.14", "2.9.0", "2.15.0"),
        ("win-64", "3.13", "2.7.0", "2.12.0"),
        ("osx-arm64", "3.14", "2.9.0", "2.15.0"),
    ],
)
def test_a_free_threaded_python_has_wheels(subdir: str, python: str, first: str, last: str):
    """And no usual one takes them."""
    known = builtin.load(subdir)
    assert known
    there = {
        free: {
            wheel.version
            for link in known.links
            if isinstance(wheel := parse(link), Wheel) and wheel.project == "torch"
            if link.filename.count(f"cp{python.replace('.', '')}t-")
            if WheelTarget(subdir, [python], free).fit(wheel.triple)
        }
        for free in (None, python)
    }
    assert {first, last} <= there[python]
    assert there[None] == set()


def test_every_fact_has_a_source_and_a_date():
    facts = json.loads(FACTS.read_text("utf-8"))
    assert facts["sources"].keys() >= facts["as_of"].keys()
    for row in (*facts["pairings"]["open"], *facts["pairings"]["neutral"]):
        assert row["source"]
        assert row["as_of"]
    assert facts["code"]["linux-aarch64"]["source"]
    assert facts["plain"]["sources"].keys() == facts["plain"]["since"].keys()


def test_nothing_that_is_inferred_counts_as_stated():
    known = tables()
    for torch, partners in known.inferred.items():
        for name in partners:
            assert known.partner(name, torch) is None


# Against the material


def test_nothing_is_older_than_its_source(tmp_path: Path):
    """Generating again gives the same bytes."""
    folder = shared()
    pytest.importorskip("ruamel.yaml", reason="the material is YAML")
    for script, out in (("wheel_facts.py", "wheels.json"), ("wheel_list.py", "wheels")):
        subprocess.run(
            [sys.executable, str(TOOL / script), str(folder), "--out", str(tmp_path / out)],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=True,
        )
    older = [
        path.relative_to(DATA)
        for path in (FACTS, *sorted((DATA / "wheels").glob("*.json")))
        if path.read_bytes() != (tmp_path / path.relative_to(DATA)).read_bytes()
    ]
    assert older == [], "run tools/build-index/wheel_facts.py and wheel_list.py"


def test_the_lists_of_arm_are_those_of_the_material():
    """They stand in a comment there."""
    text = (shared() / "compat" / "compute_capability.yaml").read_text("utf-8")
    said = re.search(
        r"aarch64 WHEELS.*?cu126 ([\d. ]+);\s*cu128 ([\d. ]+);.*?cu130 ([\d. +PTX]+)\.", text, re.S
    )
    assert said
    arm = json.loads(FACTS.read_text("utf-8"))["code"]["linux-aarch64"]["cuda"]
    assert [arm[cuda] for cuda in ("12.6", "12.8", "13.0")] == [
        part.split() for part in said.groups()
    ]
