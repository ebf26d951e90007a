"""The oracle: what the official pip commands install, on the listing of real wheels.

A row is a release, a system and a variant. Where the listing has every wheel of it, the choice for
that release, platform and variant must be the same versions from the same directory. The listing is
a sample from 2.1.1 on: where it lacks a wheel of the row, the choice must refuse and name the very
wheel that is missing. Either way the table of partners gives the versions that the row pins.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import pytest
from support.wheels import ask, codes, link, listing, rows, told, versions

from conda_torchmirror.models import NoChoice
from conda_torchmirror.selection.wheels.choose import WheelSet
from conda_torchmirror.selection.wheels.name import Wheel, parse
from conda_torchmirror.selection.wheels.tables import tables

PLATFORMS = {"linux": ("linux-64",), "windows": ("win-64",), "macos": ("osx-arm64", "osx-64")}
ENDS = {"linux-64": "x86_64", "win-64": "win_amd64", "osx-64": "x86_64", "osx-arm64": "arm64"}
#: Commands that install no torch: torchvision of 1.8.0 from its sources.
BESIDE = re.compile(r"pip install (?:ninja|'git\+)")
FLAG = re.compile("WRONG|NOT INSTALLABLE")


class Row(NamedTuple):
    """An official command: the names that it installs, and the versions that it pins."""

    torch: str
    system: str
    variant: str
    pins: dict[str, str]
    names: tuple[str, ...]
    command: str
    note: str


@cache
def official() -> tuple[list[Row], list[Row]]:
    """The unflagged and the flagged rows."""
    found: tuple[list[Row], list[Row]] = ([], [])
    for row in rows("compat", "official_commands.tsv"):
        if row["manager"] == "pip":
            names = tuple(dict.fromkeys(re.findall(r"\s(torch\w*)", row["command"])))
            pins = dict(re.findall(r"\b(torch\w*)==([\w.+]+)", row["command"]))
            found[bool(FLAG.match(row["note"]))].append(
                Row(
                    *(row[key] for key in ("torch_version", "os", "cuda")),
                    {name: pin.partition("+")[0] for name, pin in pins.items()},
                    names,
                    row["command"],
                    row["note"],
                )
            )
    return found


@cache
def wheels() -> dict[tuple[str, str], list[Wheel]]:
    """The wheels of the listing by project and version."""
    found: dict[tuple[str, str], list[Wheel]] = {}
    for one in listing():
        if isinstance(wheel := parse(one), Wheel):
            found.setdefault((wheel.project, wheel.version), []).append(wheel)
    return found


def wanted(row: Row) -> dict[str, str]:
    """The versions of a row: its pins, and where it has none what the release goes with."""
    own = {"torch": row.torch}
    for name in row.names:
        if name != "torch" and (partner := tables().partner(name, row.torch)):
            own[name] = partner
    return {**own, **row.pins}


def homes(row: Row, name: str) -> set[str]:
    """The directories that may hold a wheel of the row: the variant's own, PyPI's where that is
    what the release has there, any for a wheel that holds nothing for an accelerator."""
    subdir = PLATFORMS[row.system][0]
    version = wanted(row)[name]
    if tables().home(name, version, row.variant, subdir).kind == "neutral":
        return {row.variant, ""}
    if row.system == "macos":
        return {"cpu", ""}
    plain = tables().home("torch", row.torch, "", subdir)
    same = plain == tables().home("torch", row.torch, row.variant, subdir)
    return {row.variant, ""} if same else {row.variant}


def has(row: Row, subdir: str) -> dict[str, dict[str, set[str]]]:
    """The Pythons in the listing by name and directory, for the versions of a row."""
    found: dict[str, dict[str, set[str]]] = {}
    for name, version in wanted(row).items():
        found[name] = {}
        for wheel in wheels().get((name, version), ()):
            here = wheel.triple.endswith(ENDS[subdir])
            if here and ("macosx" in wheel.triple) == subdir.startswith("osx"):
                home = wheel.link.variant
                if home in homes(row, name):
                    found[name].setdefault(home, set()).update(pythons(wheel))
    return found


def pythons(wheel: Wheel) -> set[str]:
    """The Pythons of a wheel with the usual ABI, as in a tag; `py3` for every one."""
    python, abi, _ = wheel.triple.split("-")
    return {python} if abi in (python, f"{python}m", "none", "abi3") else set()


def whole(row: Row, subdir: str) -> str | None:
    """The newest Python that the listing has the set of a row for, from one place."""

    def serves(name: str, home: str, python: str) -> bool:
        found = has_[name]
        neutral = tables().home(name, wanted(row)[name], row.variant, subdir).kind == "neutral"
        places = found if neutral or row.system == "macos" else [home]
        return any({python, "py3"} & found.get(place, set()) for place in places)

    has_ = has(row, subdir)
    fitting = [
        int(python.removeprefix("cp3"))
        for home, found in has_["torch"].items()
        for python in found
        if python.startswith("cp3") and all(serves(name, home, python) for name in has_)
    ]
    return f"3.{max(fitting)}" if fitting else None


def choice(
    row: Row, subdir: str, words: tuple[str, ...], python: str | None
) -> WheelSet | NoChoice:
    """The choice for a release, platform and variant, as `--cuda` names it."""
    cuda = "auto" if row.system == "macos" else row.variant
    return ask(*words, subdir=subdir, cuda=cuda, python=python, of=listing(), compat="strict")


def by_release(row: Row) -> tuple[str, ...]:
    return (f"torch=={row.torch}", *(name for name in wanted(row) if name != "torch"))


def as_written(row: Row) -> tuple[str, ...]:
    """The words of the command."""
    return tuple(re.findall(r"\s(torch\w*(?:==[\w.+]+)?)(?=\s|$)", row.command))


def asking() -> list[tuple[Row, str]]:
    """Every unflagged row on every platform of its system that the release exists for."""
    last_intel = (2, 2, 2)
    first_arm = (1, 12)
    return [
        (row, subdir)
        for row in official()[0]
        if not BESIDE.match(row.command)
        for subdir in PLATFORMS[row.system]
        if (subdir != "osx-64" or tuple(map(int, row.torch.split("."))) <= last_intel)
        and (subdir != "osx-arm64" or tuple(map(int, row.torch.split("."))) >= first_arm)
    ]


def test_every_row_is_asked_for():
    unflagged, flagged = official()
    assert (len(unflagged), len(flagged)) == (342, 6)
    assert sum(1 for row in unflagged if BESIDE.match(row.command)) == 2
    assert {row.command for row, _ in asking()} == {
        row.command for row in unflagged if not BESIDE.match(row.command)
    }


def test_the_table_gives_the_partners_that_every_row_pins():
    other = {}
    for row in official()[0]:
        for name, version in row.pins.items():
            stated = tables().stated[row.torch].get(name, [version] if name == "torch" else [])
            assert version in stated, row
            if name != "torch" and version != stated[0]:
                other[row.torch, name] = (version, stated[0])
    # The page of commands and the data of the same day say two things.
    assert other == {("1.10.0", "torchvision"): ("0.11.0", "0.11.1")}


def test_a_row_gives_its_versions_from_its_variant():
    """By its release alone, and where it names its variants in the words, as it is written."""
    asked, wrong = 0, []
    for row, subdir in asking():
        python = whole(row, subdir)
        if python is None:
            continue
        asked += 1
        expected = {**wanted(row), **stated(row)}
        kinds = [(by_release(row), expected)]
        if "+" in row.command:
            kinds.append((as_written(row), wanted(row)))
        for words, versions_of in kinds:
            found = choice(row, subdir, words, python)
            if isinstance(found, NoChoice):
                wrong.append((row.command, subdir, words, codes(found)))
                continue
            plain = {wheel.project: wheel.version for wheel in found.wheels}
            if plain != versions_of or found.variant not in homes(row, "torch"):
                wrong.append((row.command, subdir, words, (versions(found), found.variant)))
    assert wrong == []
    print(f"{asked} of {len(asking())} rows are whole in the listing")
    assert asked > 150


def stated(row: Row) -> dict[str, str]:
    """The partners of the row's release that are preferred."""
    names = [name for name in wanted(row) if name != "torch"]
    return {name: found for name in names if (found := tables().partner(name, row.torch))}


def test_a_row_that_the_listing_lacks_a_wheel_of_is_refused_for_that_wheel():
    """Never another variant or version in silence."""
    for row, subdir in asking():
        there = has(row, subdir)
        if whole(row, subdir) or not there["torch"]:
            continue
        newest = max(
            (python for found in there["torch"].values() for python in found),
            key=lambda tag: int(tag.removeprefix("cp3")),
        )
        python = newest.replace("cp3", "3.")
        found = choice(row, subdir, by_release(row), python)
        if isinstance(found, WheelSet):
            # Only another CUDA that the same driver runs may stand in, and that is told.
            assert found.variant != row.variant
            assert row.variant.startswith("cu")
            assert {"cuda_below_asked", "variant_incomplete"} <= set(told(found)), (row, found)
        named = {
            str(item.needs.facts["name"])
            for item in found.rejected
            if item.code == "partner_missing"
            and item.build.startswith(f"{row.variant}/")
            and item.version == row.torch
        }
        assert named, (row, found.rejected)
        for name in named:
            assert newest not in there[name].get(row.variant, set()), (row, name)


@pytest.mark.parametrize("pin", ["+", ""], ids=["as written", "without the local version"])
def test_a_flagged_row_is_said_to_be_wrong(pin: str):
    """Each asks for what does not exist: refused, with a reason."""
    for row in official()[1]:
        words = as_written(row)
        if not pin:
            words = tuple(word.partition("+")[0] for word in words)
        found = choice(row, PLATFORMS[row.system][0], words, None)
        if pin:
            assert isinstance(found, NoChoice), row
        else:
            assert isinstance(found, NoChoice) or found.variant != row.variant, row


def test_the_listing_has_most_of_what_the_rows_pin():
    """By project, version and system, all but 1.8.2 and its partners, which have an index of their
    own (LTS)."""
    named = [parse(link(row["filename"])) for row in rows("wheels", "wheel_listing.tsv")]
    there = {
        (wheel.project, wheel.version, system)
        for wheel in named
        if isinstance(wheel, Wheel)
        for system in systems(wheel.triple)
    }
    pins = [
        (name, version, row.system) for row in official()[0] for name, version in row.pins.items()
    ]
    lacking = sorted({pin for pin in pins if pin not in there})
    print(len([pin for pin in pins if pin in there]), "of", len(pins), lacking)
    assert {(name, version) for name, version, _ in lacking} == {
        ("torch", "1.8.2"),
        ("torchvision", "0.9.2"),
        ("torchaudio", "0.8.2"),
    }


def systems(triple: str) -> tuple[str, ...]:
    if triple.endswith("any"):
        return tuple(PLATFORMS)
    return ("windows",) if "win_" in triple else ("macos",) if "macosx" in triple else ("linux",)
