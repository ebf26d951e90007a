"""The known-bad rules: each one's scope, and what of the environment or the request meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conda_torchmirror.index import match
from conda_torchmirror.models import Build, Choice, Installed, Pin
from conda_torchmirror.selection import rules

MKL, NUMPY = "mkl<2024.1", "numpy<2"


def choice(version: str, subdir: str = "linux-64", mkl: str = "mkl >=2018") -> Choice:
    depends = ("numpy >=1.19", mkl) if mkl else ("numpy >=1.19",)
    return Choice((Build("pytorch", version, "b", 0, subdir, depends=depends),), python="3.11")


def pins(*args: str) -> set[str]:
    return {rule.pin for rule in rules.applying(choice(*args), match.admits)}


@pytest.mark.parametrize(
    ("version", "subdir", "code"),
    [
        ("2.2.2", "win-64", "numpy_2"),
        ("2.2.2", "linux-64", "numpy_2"),
        ("2.3.1", "win-64", "numpy_2_win"),
        ("2.4.0", "win-64", "numpy_2_win"),
    ],
)
def test_the_reason_is_that_of_the_release(version, subdir, code):
    """What fails on Windows alone says nothing of a release that fails everywhere."""
    (rule,) = rules.applying(choice(version, subdir, ""), match.admits)
    assert (rule.pin, rule.code) == (NUMPY, code)


@pytest.mark.parametrize(
    ("version", "subdir", "mkl", "found"),
    [
        # MKL: linux-64, every build that leaves mkl open.
        ("2.4.1", "linux-64", "mkl >=2018", {MKL}),
        ("2.5.0", "linux-64", "mkl >=2018", {MKL}),
        ("2.5.1", "linux-64", "mkl >=2018", {MKL}),
        ("2.4.1", "linux-64", "mkl 2023.1.*", set()),
        ("2.4.1", "linux-64", "mkl", {MKL}),
        ("2.4.1", "linux-64", "", set()),
        ("2.4.1", "osx-64", "mkl >=2018", set()),
        ("2.4.1", "win-64", "mkl 2021.4.*", set()),
        ("2.4.1", "win-64", "mkl >=2018", set()),
        # NumPy: everywhere below 2.3, on Windows below 2.4.1.
        ("2.2.2", "linux-64", "", {NUMPY}),
        ("2.2.2", "osx-arm64", "", {NUMPY}),
        ("2.2.2", "osx-64", "", {NUMPY}),
        ("2.3.0", "linux-64", "", set()),
        ("2.3.0", "osx-arm64", "", set()),
        ("2.3.1", "win-64", "", {NUMPY}),
        ("2.4.0", "win-64", "", {NUMPY}),
        ("2.4.1", "win-64", "", set()),
        ("1.12.1", "linux-64", "mkl >=2018", {MKL, NUMPY}),
        ("2.2.2", "win-64", "mkl >=2018", {NUMPY}),
    ],
)
def test_the_scope_of_each_rule(version, subdir, mkl, found):
    assert pins(version, subdir, mkl) == found


def test_two_rules_with_one_pin_are_one():
    assert len(rules.applying(choice("2.2.2", "win-64", ""), match.admits)) == 1


@pytest.mark.parametrize(
    ("spec", "clashes"),
    [
        ("numpy>=2", True),
        ("numpy=2.1.3", True),
        ("numpy 2.*", True),
        ("conda-forge::numpy=2.1", True),
        ("numpy[version='>=2']", True),
        ("numpy>=1.26", False),
        ("numpy<3", False),
        ("numpy", False),
        ("numpy=1.26.4", False),
        ("scipy>=2", False),
        ("numpydoc>=2", False),
    ],
)
def test_what_contradicts_a_rule(spec, clashes):
    [rule] = rules.applying(choice("2.2.2", mkl=""), match.admits)
    assert (rules.conflict(rule, [Pin(spec, "here")], match.admits) is not None) == clashes


@pytest.mark.parametrize(
    ("package", "contradicts"),
    [
        (Installed("numpy", "2.1.3"), True),
        (Installed("numpy", "1.26.4"), False),
        (Installed("numpy", "2.1.3", channel="pypi"), False),
        (Installed("mkl", "2025.0.0"), False),
    ],
)
def test_what_is_installed_against_a_rule(package, contradicts):
    [rule] = rules.applying(choice("2.2.2", mkl=""), match.admits)
    assert (rules.contradicted(rule, [package], match.admits) is package) == contradicts


def test_every_rule_has_a_source_and_a_date():
    data = json.loads((Path(rules.__file__).parents[1] / "data" / "rules.json").read_text("utf-8"))
    rows = (*data["pins"], *data["notices"], *data["python_needs"], *data["elsewhere"])
    for entry in (*rows, data["runtime_channels"]):
        assert entry["source"]
        assert entry["as_of"]


@pytest.mark.parametrize(
    ("runtime", "cuda", "subdir", "channel"),
    [
        ("pytorch-cuda", "12.4", "linux-64", "nvidia"),
        ("pytorch-cuda", "11.6", "win-64", "nvidia"),
        ("cudatoolkit", "10.2", "linux-64", None),
        ("cudatoolkit", "11.1", "linux-64", "nvidia"),
        ("cudatoolkit", "11.1", "win-64", "conda-forge"),
        ("cudatoolkit", "11.3", "linux-64", None),
        ("cudatoolkit", "11.5", "linux-64", "conda-forge"),
        ("cudatoolkit", "11.6", "win-64", "conda-forge"),
        (None, None, "linux-64", None),
    ],
)
def test_the_channel_of_the_runtime(runtime, cuda, subdir, channel):
    made = Choice((Build("pytorch", "1", "b", 0, subdir),), "3.9", cuda=cuda, runtime=runtime)
    assert rules.runtime_channel(made, subdir) == channel


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("nomkl", ("mkl<1",)),
        ("conda-forge::nomkl", ("mkl<1",)),
        ("blas=*=openblas", ("libblas=*=*openblas",)),
        ("blas 2.* mkl", ("libblas=*=*mkl",)),
        ("blas[build=openblas]", ("libblas=*=*openblas",)),
        ("blas=2.1", ()),
        ("mkl=2023", ()),
    ],
)
def test_what_selects_the_blas_says_what_builds_may_need(spec, expected):
    assert rules.implied(spec) == expected
