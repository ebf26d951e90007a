"""What a set of wheels needs besides: which wheels of an index, and when it is left to pip."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from conda_torchmirror.models import Machine
from conda_torchmirror.selection.pip import rest
from conda_torchmirror.selection.pip.metadata import Metadata
from conda_torchmirror.selection.pip.rest import Need, RestTarget
from conda_torchmirror.selection.wheels.link import Link

HERE = RestTarget(Machine("linux-64", python="3.12", glibc="2.28"), "3.12.4")
HASH = "a" * 64


def link(filename, **more):
    return Link(
        filename, f"https://index.example/{filename}", sha256=more.pop("sha256", HASH), **more
    )


def need(specifier="", *extras):
    return Need(SpecifierSet(specifier), frozenset(extras))


def test_what_needs_what_is_followed_with_its_extras():
    torch = Metadata("torch", "2.11.0", ("cuda-toolkit[cublas]==13.0.2; sys_platform == 'linux'",))
    toolkit = Metadata(
        "cuda-toolkit",
        "13.0.2",
        (
            "nvidia-cublas==13.1.0.3.*; extra == 'cublas'",
            "nvidia-cufft==12.*; extra == 'cufft'",
        ),
    )
    first = rest.needs([torch], [], {}, HERE)
    assert first == {"cuda-toolkit": need("==13.0.2", "cublas")}
    second = rest.needs([torch], [], {"cuda-toolkit": toolkit}, HERE)
    assert second == {**first, "nvidia-cublas": need("==13.1.0.3.*")}


def test_all_that_is_asked_of_one_project_holds():
    said = [Metadata("a", "1", ("Numpy>=1.26",)), Metadata("b", "1", ("numpy<3",))]
    assert rest.needs(said, ["numpy<2"], {}, HERE) == {"numpy": need(">=1.26,<2,<3")}


def test_what_needs_each_other_comes_to_an_end():
    a, b = Metadata("a", "1", ("b[x]",)), Metadata("b", "1", ("a[y]", "c; extra == 'x'"))
    found = rest.needs([a], [], {"a": a, "b": b}, HERE)
    assert set(found) == {"a", "b", "c"}


@pytest.mark.parametrize(
    "word", ["numpy @ https://evil.example/numpy.whl", "./numpy", "-r all.txt"]
)
def test_a_word_that_leads_elsewhere_is_left_to_pip(word):
    assert rest.needs([], [word], {}, HERE) is None


@pytest.mark.parametrize(
    ("files", "specifier", "taken"),
    [
        (["numpy-2.2.6-py3-none-any.whl", "numpy-2.10.0-py3-none-any.whl"], "", 1),
        (["numpy-2.2.6-py3-none-any.whl", "numpy-2.10.0-py3-none-any.whl"], "<2.10", 0),
        (["numpy-2.2.6-py3-none-any.whl", "numpy-2.3.0rc1-py3-none-any.whl"], "", 0),
        (["numpy-2.2.6-cp311-cp311-manylinux_2_17_x86_64.whl"], "", None),
        (["numpy-2.2.6-cp312-cp312-win_amd64.whl"], "", None),
        (["numpy-2.2.6-cp312-cp312-manylinux_2_39_x86_64.whl"], "", None),
        (
            ["numpy-2.2.6-py3-none-any.whl", "numpy-2.2.6-cp312-cp312-manylinux_2_17_x86_64.whl"],
            "",
            1,
        ),
        (["other-9.0-py3-none-any.whl", "numpy-1-py3-none-any.whl"], "", 1),
        (["numpy-x-py3-none-any.whl"], "", None),
        ([], "", None),
    ],
)
def test_the_newest_that_fits_is_taken(files, specifier, taken):
    found = rest.pick(map(link, files), "numpy", need(specifier), HERE)
    assert (found.link.filename if found else None) == (None if taken is None else files[taken])


@pytest.mark.parametrize(
    "said", [{"yanked": True}, {"sha256": None}, {"requires_python": ">=3.13"}], ids=str
)
def test_what_may_not_be_taken_is_passed_over(said):
    links = [link("numpy-2.2.6-py3-none-any.whl"), link("numpy-2.3.0-py3-none-any.whl", **said)]
    found = rest.pick(links, "numpy", need(), HERE)
    assert found is not None
    assert found.version == "2.2.6"


def test_what_is_settled_otherwise_is_named():
    asked = {"torch": need("==2.7.1"), "numpy": need()}
    assert not rest.unmet(asked, {"torch": "2.7.1+cu126"})
    assert rest.unmet(asked, {"torch": "2.7.0+cu126"}) == ["torch"]
