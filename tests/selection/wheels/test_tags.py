"""Tags for a target: what `packaging` says of this computer, said of another one."""

from __future__ import annotations

import sys

import pytest
from packaging import tags as packaging_tags

from conda_torchmirror.selection.wheels import tags
from conda_torchmirror.selection.wheels.tags import (
    TagFit,
    WheelTarget,
    interpreters,
    platforms,
    ranks,
)


def test_for_this_computer_they_are_those_of_packaging():
    """All that packaging has, but for musl, which conda is not built for."""
    if sys.platform != "linux" or sys.implementation.name != "cpython":
        pytest.skip("packaging lists other platforms here")
    import platform

    libc, glibc = platform.libc_ver()
    if libc != "glibc" or platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip("no glibc of a platform that conda has")
    subdir = "linux-64" if platform.machine() == "x86_64" else "linux-aarch64"
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    ours = ranks(python, subdir, glibc)
    theirs = [str(tag) for tag in packaging_tags.sys_tags()]
    machine = platform.machine()
    usual = [tag for tag in theirs if tag.endswith((machine, "any"))]
    assert set(ours) == set(usual)


@pytest.mark.parametrize(
    ("python", "abi"), [("3.7", "cp37-cp37m"), ("3.8", "cp38-cp38"), ("3.12", "cp312-cp312")]
)
def test_the_abi_of_a_python(python: str, abi: str):
    found = interpreters(python)
    assert found[0] == abi
    assert {"py3-none", f"{abi.partition('-')[0]}-none"} <= set(found)
    assert not any(pair.endswith("t") for pair in found)


def test_a_stable_abi_is_taken_by_newer_pythons():
    assert "cp39-abi3" in interpreters("3.12")
    assert "cp313-abi3" not in interpreters("3.12")


@pytest.mark.parametrize(
    ("subdir", "glibc", "first", "last"),
    [
        ("linux-64", "2.28", "manylinux_2_28_x86_64", "linux_x86_64"),
        ("linux-64", "2.17", "manylinux_2_17_x86_64", "linux_x86_64"),
        ("linux-aarch64", "2.28", "manylinux_2_28_aarch64", "linux_aarch64"),
        ("win-64", None, "win_amd64", "win_amd64"),
        ("win-arm64", None, "win_arm64", "win_arm64"),
    ],
)
def test_platforms_of_a_subdir(subdir: str, glibc: str | None, first: str, last: str):
    found = platforms(subdir, glibc)
    assert (found[0], found[-1]) == (first, last)
    assert len(set(found)) == len(found)


def test_the_older_names_of_manylinux_are_known():
    found = platforms("linux-64", "2.17")
    assert {"manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"} <= set(found)
    assert "manylinux2014_x86_64" not in platforms("linux-64", "2.16")
    assert "manylinux1_aarch64" not in platforms("linux-aarch64", "2.28")


def test_macos_takes_what_is_made_for_older_ones():
    found = platforms("osx-arm64", osx="14.5")
    assert {"macosx_14_0_arm64", "macosx_11_0_arm64"} <= set(found)
    assert "macosx_15_0_arm64" not in found
    assert "macosx_10_9_x86_64" in platforms("osx-64", osx="10.15")
    assert "macosx_11_0_arm64" in platforms("osx-arm64")


def test_a_subdir_without_wheels_has_no_platforms():
    assert platforms("linux-ppc64le") == ()
    assert WheelTarget("linux-ppc64le", ["3.12"]).fit("cp312-cp312-linux_ppc64le") is None


@pytest.mark.parametrize(
    ("triple", "fit"),
    [
        ("cp312-cp312-manylinux_2_28_x86_64", TagFit(("3.12",), glibc="2.28")),
        ("cp312-cp312-manylinux1_x86_64", TagFit(("3.12",), glibc="2.5")),
        (
            "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
            TagFit(("3.11",), glibc="2.17"),
        ),
        ("cp312-cp312-linux_x86_64", TagFit(("3.12",))),
        ("cp311-abi3-manylinux_2_28_x86_64", TagFit(("3.11", "3.12"), glibc="2.28")),
        ("py3-none-any", TagFit(("3.11", "3.12"))),
        ("py2.py3-none-any", TagFit(("3.11", "3.12"))),
        ("cp311.cp312-none-linux_x86_64", TagFit(("3.11", "3.12"))),
        ("cp310-cp310-linux_x86_64", None),
        ("cp312-cp312t-linux_x86_64", None),
        ("cp312-cp312-win_amd64", None),
        ("cp312-cp312-linux_aarch64", None),
        ("cp312-cp312-musllinux_1_2_x86_64", None),
        ("cp312-cp312", None),
        ("", None),
    ],
)
def test_where_a_wheel_runs(triple: str, fit: TagFit | None):
    assert WheelTarget("linux-64", ["3.11", "3.12"]).fit(triple) == fit


def test_the_macos_that_a_wheel_needs():
    target = WheelTarget("osx-arm64", ["3.12"])
    assert target.fit("cp312-cp312-macosx_14_0_arm64") == TagFit(("3.12",), osx="14.0")
    assert target.fit("cp312-none-macosx_11_0_arm64") == TagFit(("3.12",), osx="11.0")


def test_single_tags():
    assert tags.expand("py2.py3-none-any") == {"py2-none-any", "py3-none-any"}


def test_the_pythons_that_a_tag_names():
    assert tags.named_pythons("cp39-") == {"3.9"}
    assert tags.named_pythons("cp39.cp310-cp39-x") == {"3.9", "3.10"}
    assert tags.named_pythons("py3-none-any") == frozenset()


def test_a_free_threaded_python_has_an_abi_of_its_own():
    """It takes no wheel of the usual build, nor of the stable ABI that is not made for it."""
    found = interpreters("3.13", free=True)
    assert found[0] == "cp313-cp313t"
    assert {"cp313-none", "py3-none"} <= set(found)
    assert not {"cp313-cp313", "cp39-abi3"} & set(found)
    assert "cp313-cp313t-linux_x86_64" in ranks("3.13", "linux-64", free=True)
    target = WheelTarget("linux-64", ["3.12", "3.13"], "3.13")
    assert target.fit("cp313-cp313t-manylinux_2_28_x86_64") == TagFit(("3.13",), "2.28")
    assert target.fit("cp313-cp313-manylinux_2_28_x86_64") is None
    assert target.fit("cp312-cp312-manylinux_2_28_x86_64") == TagFit(("3.12",), "2.28")
    assert target.fit("py3-none-any") == TagFit(("3.12", "3.13"))
