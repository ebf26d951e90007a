"""`--list` on one screen: the newest first, marked where it runs, and why where nothing does."""

from __future__ import annotations

import pytest
from support.choosing import KNOWLEDGE, SOURCE

from conda_torchmirror.index import builtin
from conda_torchmirror.models import Listed, Listing, Machine, Request
from conda_torchmirror.selection.choose import offers
from conda_torchmirror.text import listing
from conda_torchmirror.text.decision import driver


def made(request: Request, subdir: str = "linux-64", **about: object) -> Listing:
    machine = Machine(subdir=subdir, **about)
    records = builtin.load(subdir, channel="pytorch")
    rows = offers(machine, request, records.builds, KNOWLEDGE)
    listed = Listed(SOURCE.name, tuple(rows), records, SOURCE.ended())
    return Listing((listed,), machine, request)


FAMILY = {"pytorch": ("pytorch",), "torchvision": ("torchvision",)}
CASES = {
    "driver": (Request(specs=FAMILY), {"cuda": "11.8", "cuda_from": "--cuda"}),
    "old driver": (Request(specs=FAMILY), {"cuda": "10.0", "cuda_from": "--cuda"}),
    "none": (Request(specs=FAMILY), {}),
    "python": (Request(specs=FAMILY, cuda="cpu"), {"python": "3.13", "python_from": "--python"}),
    "windows": (Request(specs=FAMILY), {"subdir": "win-64", "cuda": "12.4", "cuda_from": "--cuda"}),
    "mac": (Request(specs=FAMILY), {"subdir": "osx-arm64"}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_list_fits_one_screen(case, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    request, about = CASES[case]
    found = listing.lines(made(request, **about))
    assert len(found) <= 24
    assert max(map(len, found)) <= 80
    assert "ended with PyTorch 2.5.1 and Python 3.12" in " ".join(" ".join(found).split())
    newest = found[3].split()[0].rstrip(",")
    assert newest == max(
        (offer.release for offer in made(request, **about).of[0].rows), key=_number
    )


def _number(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))


def test_what_runs_is_marked():
    request, about = CASES["driver"]
    [row] = [line for line in listing.lines(made(request, **about)) if line.startswith("  2.5.1")]
    assert row.split() == [
        *("2.5.1,", "2.5.0", "12.4", "12.1", "11.8*", "cpu"),
        *("3.9*", "3.10*", "3.11*", "3.12*"),
    ]


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("old driver", "to 2.5.1: builds for CUDA 10.2, 11.1"),
        ("python", "do not go with Python 3.13 (--python)"),
    ],
)
def test_where_nothing_fits_the_reason_is_told(case, reason):
    request, about = CASES[case]
    said = " ".join(" ".join(listing.lines(made(request, **about))).split())
    assert reason in said
    assert "none of these runs here" in said
    assert "*" not in said


def test_all_of_it_with_verbose_and_as_json():
    request, about = CASES["old driver"]
    found = made(request, **about)
    said = "\n".join(listing.lines(found, verbose=True))
    assert all(offer.release in said for offer in found.of[0].rows)
    assert "older release" not in said
    rows = listing.document(found)["list"]
    assert len(rows) == len(found.of[0].rows)
    assert {row["why"]["code"] for row in rows} >= {"cuda_too_new", "cpu_build"}
    assert all(row["why"]["reason"] for row in rows)
    fitting = made(*CASES["driver"][:1], **CASES["driver"][1])
    assert {row["why"] for row in listing.document(fitting)["list"] if row["fits"]} == {None}


def test_a_built_in_index_that_is_not_whole_says_so():
    """Of conda-forge alone: the channel `pytorch` has ended, and wheels follow from a rule."""
    about = made(Request(specs=FAMILY), cuda="12.4", cuda_from="--cuda")
    (channel,) = about.of
    for source, whole in (("conda-forge", False), ("wheels", True)):
        listed = channel._replace(source=source, end=None)
        said = " ".join(" ".join(listing.lines(about._replace(of=(listed,)))).split())
        assert (": some of its builds)" not in said) is whole
        live = listed._replace(records=listed.records._replace(origin="live"))
        assert "some of" not in " ".join(listing.lines(about._replace(of=(live,))))
    both = (channel, channel._replace(source="conda-forge", end=None))
    lines = listing.lines(about._replace(of=both))
    [title] = [line for line in lines if line.endswith(": some of its builds)")]
    assert title.startswith("conda-forge (built-in index, ")
    assert "some of" not in " ".join(listing.lines(about))


def test_a_release_that_is_not_there_is_named():
    specs = {"pytorch": ("pytorch=7",)}
    said = " ".join(" ".join(listing.lines(made(Request(specs=specs)))).split())
    assert "no set of builds for linux-64 is pytorch=7" in said
    assert "the index has PyTorch 1.8.0 to 2.5.1" in said
    assert "runs here" not in said


@pytest.mark.parametrize(
    ("about", "driver", "any_runs"),
    [
        ({"subdir": "win-64"}, "with a driver that is not known from here", True),
        ({"subdir": "osx-arm64"}, "no NVIDIA driver", True),
        ({"subdir": "win-64", "cuda": "9.0", "cuda_from": "--cuda"}, "CUDA 9.0 (--cuda)", False),
    ],
)
def test_of_another_platform_it_is_said_what_runs_there(about, driver, any_runs):
    found = listing.lines(made(Request(specs=FAMILY), foreign=True, **about))
    said = " ".join(" ".join(found).split())
    assert said.startswith(f"PyTorch for {about['subdir']}, {driver};")
    assert ("* runs on that machine" in said) is any_runs
    assert ("none of these runs on that machine" in said) is not any_runs
    assert "runs here" not in said


@pytest.mark.parametrize("variant", ["rocm6.4", "xpu"])
def test_of_rocm_and_xpu_nothing_is_said_of_a_driver_that_was_not_asked(variant):
    found = made(Request(specs=FAMILY, cuda=variant))
    assert listing.lines(found)[0].startswith(f"PyTorch for linux-64, {variant}; ")
    assert driver(found.request, found.machine) == f"not asked (--cuda {variant})"


@pytest.mark.parametrize(
    ("subdir", "cuda", "says"),
    [
        ("osx-arm64", "12.1", "use Apple's GPU by MPS"),
        ("osx-64", "12.1", "its builds of PyTorch use the CPU"),
        ("osx-arm64", None, None),
        ("win-64", "9.0", None),
    ],
)
def test_of_a_mac_that_is_asked_for_cuda_it_is_said_what_its_builds_use(subdir, cuda, says):
    about = {"cuda": cuda, "cuda_from": "--cuda"} if cuda else {}
    found = listing.lines(made(Request(specs=FAMILY), foreign=True, subdir=subdir, **about))
    said = " ".join(" ".join(found).split())
    assert ("macOS has no CUDA" in said) is bool(says)
    assert (says or "") in said


def test_what_the_settings_hide_need_not_be_pytorch():
    """Of a torchvision alone that they hide, every build of PyTorch was said to be hidden."""
    found = made(Request(specs=FAMILY))
    records = found.of[0].records._replace(builds=(), excluded=1)
    hidden = found._replace(of=(found.of[0]._replace(records=records, rows=()),))
    said = " ".join(" ".join(listing.lines(hidden)).split())
    assert "nothing is a build of PyTorch for linux-64" in said
    assert "hide every build" not in said
