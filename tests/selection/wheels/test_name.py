"""Names of wheels: real ones are read for what they are, broken ones refused, none raises."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name, parse_wheel_filename
from support.wheels import link, links, rows

from conda_torchmirror.index.wheels import builtin
from conda_torchmirror.selection.wheels.name import Refused, Wheel, parse, read
from conda_torchmirror.selection.wheels.tables import FAMILY
from conda_torchmirror.selection.wheels.tags import WheelTarget

PYTHONS = [f"3.{minor}" for minor in range(6, 16)]

#: One name of each form that the real pages have: local versions, build tags, old and new ABIs.
FORMS = {
    "torch-2.7.1+cu128-cp312-cp312-manylinux_2_28_x86_64.whl": ("torch", "2.7.1", "cu128", ()),
    "torch-2.10.0-3-cp312-cp312-manylinux_2_28_x86_64.whl": ("torch", "2.10.0", None, (3, "")),
    "torch-1.10.1+cu111-cp37-cp37m-win_amd64.whl": ("torch", "1.10.1", "cu111", ()),
    "torch-1.13.0+cpu.cxx11.abi-cp39-cp39-linux_x86_64.whl": (
        *("torch", "1.13.0", "cpu.cxx11.abi"),
        (),
    ),
    "torch-2.9.1+rocm6.3-cp314-cp314t-manylinux_2_28_x86_64.whl": (
        *("torch", "2.9.1", "rocm6.3"),
        (),
    ),
    "torchvision-0.29.2-py3-none-manylinux_2_28_x86_64.whl": ("torchvision", "0.29.2", None, ()),
    "triton-3.9.0-cp312-abi3-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": (
        *("triton", "3.9.0", None),
        (),
    ),
    "torchaudio-0.8.1-cp39-none-win_amd64.whl": ("torchaudio", "0.8.1", None, ()),
    "torch-1.8.0.post4-cp39-cp39-macosx_10_9_x86_64.whl": ("torch", "1.8.0.post4", None, ()),
    "pytorch_triton_rocm-3.3.1-cp312-cp312-linux_x86_64.whl": (
        *("pytorch-triton-rocm", "3.3.1", None),
        (),
    ),
}


@pytest.mark.parametrize(("filename", "parts"), FORMS.items(), ids=list(FORMS))
def test_every_form_of_name_is_read(filename: str, parts: tuple[object, ...]):
    found = parse(link(filename))
    assert isinstance(found, Wheel)
    assert (found.project, found.version, found.local, found.build) == parts
    assert found.full_version in filename
    assert f"{found.project.replace('-', '_')}-{found.full_version}" in filename
    assert filename.endswith(f"-{found.triple}.whl")


def spread(count: int) -> list[str]:
    """Names of the built-in lists, from one end to the other."""
    names = sorted({one.filename for subdir in builtin.platforms() for one in links(subdir)})
    return names[:: len(names) // count][:count]


@pytest.mark.parametrize("filename", spread(200))
def test_real_names(filename: str):
    """200 names that a listing has, or that follow its rule."""
    found = parse(link(filename))
    assert isinstance(found, Wheel)
    project, version, build, tags = parse_wheel_filename(filename)
    assert (found.project, found.full_version) == (project, str(version))
    assert found.build == build
    assert found.tags == {str(tag) for tag in tags}


BROKEN_BY = {
    "no wheel": lambda name: name.removesuffix(".whl") + ".tar.gz",
    "no ending": lambda name: name.removesuffix(".whl"),
    "ending in capitals": lambda name: name.removesuffix(".whl") + ".WHL",
    "no platform": lambda name: name.rpartition("-")[0] + ".whl",
    "no version": lambda name: name.partition("-")[0] + name[name.index("-cp") :],
    "a word for a version": lambda name: (
        name.partition("-")[0] + "-latest" + name[name.index("-cp") :]
    ),
    "two parts too many": lambda name: name.replace("-", "-1-1-", 1),
    "a folder": lambda name: f"../{name}",
    "a folder of Windows": lambda name: f"..\\{name}",
    "a space": lambda name: name.replace("-", " -", 1),
    "a line break": lambda name: name.replace("-", "-\n", 1),
    "an escape": lambda name: f"\x1b[31m{name}",
    "a letter that looks alike": lambda name: name.replace("o", "\u043e", 1),
    "digits of another script": lambda name: name.replace("1", "\u0661"),
    "written from right to left": lambda name: f"\u202e{name}",
    "thousands of digits": lambda name: name.replace("-", "-" + "9" * 5000 + ".", 1),
    "longer than a file name": lambda name: name.replace("-", "a" * 300 + "-", 1),
    "not unescaped": lambda name: name.replace("-", "%2D"),
    "no name": lambda name: name[name.index("-") :],
    "a null": lambda name: name + "\x00",
}


@pytest.mark.parametrize("how", BROKEN_BY, ids=list(BROKEN_BY))
@pytest.mark.parametrize("filename", [name for name in spread(40) if "1" in name][:10])
def test_broken_names_are_refused_with_a_reason(filename: str, how: str):
    """Twenty ways to break a name, of ten real names each."""
    broken = BROKEN_BY[how](filename)
    found = parse(link(broken))
    assert isinstance(found, Refused), found
    assert found.reason in ("not_a_wheel", "too_long", "odd_characters", "not_by_the_standard")


def test_names_that_others_have_written_are_refused():
    for row in rows("wheels", "odd_names.tsv"):
        assert isinstance(parse(link(row["filename"])), Refused)


def test_every_name_of_the_listing_is_read():
    for row in rows("wheels", "wheel_listing.tsv"):
        found = parse(link(row["filename"]))
        assert isinstance(found, Wheel), found
        assert found.project == canonicalize_name(row["package"])
        assert found.full_version == row["version"]


@given(st.text(max_size=80), st.sampled_from(["", ".whl", "-cp312-cp312-win_amd64.whl"]))
def test_no_name_raises(head: str, tail: str):
    parse(link(head + tail))
    read([link(head + tail), link(f"torch-{head}{tail}")], FAMILY, WheelTarget("win-64", PYTHONS))


# What a page is read for


def names(filenames: list[str], subdir: str, pythons: list[str]) -> list[str]:
    found = read(map(link, filenames), FAMILY, WheelTarget(subdir, pythons))
    return [wheel.link.filename for wheel in found.wheels]


def test_only_what_runs_on_the_target_is_kept():
    there = [
        "torch-2.7.1+cpu-cp312-cp312-win_amd64.whl",
        "torch-2.7.1+cpu-cp311-cp311-win_amd64.whl",
        "torch-2.7.1+cpu-cp312-cp312-linux_x86_64.whl",
        "torch-2.9.1+cpu-cp312-cp312-win_arm64.whl",
        "torch-2.7.1+cpu-cp313-cp313t-win_amd64.whl",
        "torchvision-0.29.2-py3-none-win_amd64.whl",
        "torchtext-0.6.0-py3-none-any.whl",
        "numpy-2.2.0-cp312-cp312-win_amd64.whl",
        "torch_geometric-2.7.0-py3-none-any.whl",
    ]
    assert names(there, "win-64", ["3.12"]) == [there[0], there[5], there[6]]


def test_a_name_by_the_standard_for_somebody_else_is_no_broken_one():
    found = read(
        [link("torch-2.7.1-cp312-cp312-plan9_mips.whl"), link("torch-2.7.1.whl")],
        FAMILY,
        WheelTarget("linux-64", ["3.12"]),
    )
    assert [one.link.filename for one in found.refused] == ["torch-2.7.1.whl"]


def test_a_project_may_be_written_otherwise():
    written = ["Torch-2.7.1-cp312-cp312-win_amd64.whl", "TORCHVISION-0.22.1-py3-none-any.whl"]
    found = read(map(link, written), FAMILY, WheelTarget("win-64", ["3.12"]))
    assert [wheel.project for wheel in found.wheels] == ["torch", "torchvision"]


@pytest.mark.parametrize("subdir", ["linux-64", "linux-aarch64", "win-64", "osx-64", "osx-arm64"])
def test_the_filter_by_tags_loses_nothing(subdir: str):
    """What is filtered by the string is what `packaging` would filter by its tags."""
    everything = list(itertools.chain.from_iterable(map(links, builtin.platforms())))
    targets = [WheelTarget(subdir, PYTHONS, free) for free in (None, *PYTHONS)]
    kept = {w.link.filename for on in targets for w in read(everything, FAMILY, on).wheels}
    assert kept == {one.filename for one in links(subdir)} | {
        one.filename for one in everything if one.filename.endswith("-any.whl")
    }
