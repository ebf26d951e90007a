"""Wheels whose own METADATA says other than the page that lists them."""

from __future__ import annotations

import re
import shutil

import pytest
from support import wheel_files
from support.offered import commands
from support.wheel_commands import CUDA, chosen, dists, names
from support.wheel_fixtures import LINUX
from support.wheel_lab import PYTHON
from support.wheel_site import put

from conda_torchmirror.exceptions.channel import WheelUnlike
from conda_torchmirror.exceptions.choice import NoFittingWheel
from conda_torchmirror.exceptions.environment import PipFailed

pytest_plugins = ["support.wheel_fixtures"]


@pytest.fixture
def mirror(wheel_lab, tmp_path):
    """`mirror(*wheels)`: the first mirror has these alone, of (name, version, what it needs)."""

    def write(*wheels, metadata=False):
        shutil.rmtree(wheel_lab.first.folder / "whl")
        made = [
            wheel_files.make(
                tmp_path / "made",
                name,
                f"{version}+cu126",
                LINUX,
                says=version,
                variant="cu126",
                **more,
            )
            for name, version, more in wheels
        ]
        put(wheel_lab.first, made, metadata=metadata)

    return write


OLDER = ("torch", "2.6.0", {})
NEWER = ("torch", "2.7.1", {"python": ">=3.90"})


def test_a_torch_for_another_python_by_its_metadata_is_passed_over(mirror, lab_env, install):
    """Pip refused it, and that was told as if the index had no such file."""
    mirror(OLDER, NEWER)
    done = install("torch").ok()
    assert "torch-2.6.0+cu126" in dists(lab_env)
    assert "torch 2.7.1+cu126 is passed over: by its METADATA it needs Python >=3.90" in done.words


def test_where_there_is_no_other_it_is_named(mirror, lab_env, install):
    mirror(OLDER, NEWER)
    done = install("torch==2.7.1", "--json")
    assert isinstance(done.error, NoFittingWheel)
    found = done.json()["guidance"]
    assert "torch 2.7.1+cu126 needs Python >=3.90" in found["cause"]
    assert "2.6.0" in " ".join(hint["text"] for hint in found["hints"])


def test_a_partner_for_another_torch_by_its_metadata_is_passed_over(mirror, lab_env, install):
    mirror(
        *(OLDER, ("torch", "2.7.1", {})),
        ("torchvision", "0.21.0", {"requires": ["torch==2.6.0"]}),
        ("torchvision", "0.22.1", {"requires": ["torch==2.6.0"]}),
    )
    done = install("torch", "torchvision").ok()
    assert {"torch-2.6.0+cu126", "torchvision-0.21.0+cu126"} <= dists(lab_env)
    assert "torchvision 0.22.1+cu126 is passed over" in done.words
    refused = install("torch==2.7.1", "torchvision", "--json")
    assert isinstance(refused.error, NoFittingWheel)
    cause = refused.json()["guidance"]["cause"]
    assert "torchvision 0.22.1+cu126 needs torch==2.6.0 by its own METADATA" in cause


def test_a_page_that_says_so_is_the_cause_as_well(wheel_lab, mirror, preview_wheels):
    """It said that there was no wheel at all."""
    mirror(("torch", "2.7.1", {}))
    for page in wheel_lab.first.folder.rglob("torch/index.html"):
        page.write_text(page.read_text().replace("<a ", '<a data-requires-python="&gt;=3.90" '))
    cause = preview_wheels("torch", *CUDA).json()["guidance"]["cause"]
    assert f"torch 2.7.1+cu126 needs Python >=3.90, and this is Python {PYTHON}" in cause


def test_what_only_the_file_tells_is_told_before_anything_changes(
    wheel_lab, mirror, lab_env, install
):
    """The next run knows it, as the file is kept."""
    mirror(OLDER, NEWER)
    wheel_lab.first.fail("*.whl", lambda exchange: exchange.send(200, exchange.file().read_bytes()))
    before = dists(lab_env)
    refused = install("torch", "--json")
    assert isinstance(refused.error, WheelUnlike)
    assert dists(lab_env) == before
    install("torch").ok()
    assert "torch-2.6.0+cu126" in dists(lab_env)


def test_a_bound_is_kept_where_only_the_file_tells_what_it_needs(
    wheel_lab, mirror, plain_index, lab_env, install
):
    """NumPy 2 was installed beside a torch made for NumPy 1."""
    mirror(("torch", "2.0.1", {}), ("torchvision", "0.15.2", {"requires": ["torch", "numpy"]}))
    plain_index(("numpy", "1.26.4", ">=3.6"))
    wheel_lab.first.fail("*.whl", lambda exchange: exchange.send(200, exchange.file().read_bytes()))
    done = install("torch", "torchvision").ok()
    assert "numpy-1.26.4" in dists(lab_env)
    assert "numpy<2" in done.words


#: The beginning of a tag for version 9.0 of a project.
NINTH = re.compile(r'<a (?=href="[^"]*-9[.]0-)')


@pytest.fixture
def plain_index(wheel_lab, tmp_path):
    """`plain_index(*wheels)`: the indexes have these too, of (name, version, what it needs), on
    pages that do not say for which Python they are."""

    def write(*wheels, said=False):
        made = [
            wheel_files.make(tmp_path / "index", name, version, says="index", python=needs)
            for name, version, needs in wheels
        ]
        for site in (wheel_lab.index, wheel_lab.spare):
            put(site, made, "simple")
            for page in site.folder.rglob("*/index.html") if said else ():
                page.write_text(
                    NINTH.sub(r'\g<0>data-requires-python="&gt;=3.90" ', page.read_text())
                )

    return write


def test_a_dependency_for_another_python_is_not_fetched(wheel_lab, plain_index, lab_env, install):
    """All was fetched, refused by pip, and looked for again."""
    plain_index(("filelock", "9.0", ">=3.90"), ("filelock", "8.0", ">=3.90"))
    done = install("torch").ok()
    assert "filelock-3.19.1" in dists(lab_env)
    assert "filelock-3.19.1" in names(wheel_lab.index.sent())
    assert "filelock-9.0" not in names(wheel_lab.index.sent())
    assert "not all that pip needs" not in done.words


@pytest.mark.parametrize("said", [False, True])
def test_a_word_for_another_python_is_told_as_that(
    plain_index, installer, lab_env, install, monkeypatch, said
):
    """The index has it."""
    monkeypatch.setenv("PIP_RETRIES", "0")
    plain_index(("numpy", "9.0", ">=3.90"), said=said)
    refused = install("torch", "numpy==9.0", "--json")
    assert isinstance(refused.error, PipFailed)
    found = refused.json()["guidance"]
    assert "numpy==9.0 needs another Python than the environment has" in found["cause"] or (
        not said and "numpy needs another Python than the environment has" in found["cause"]
    )
    assert [hint["hint_code"] for hint in found["hints"]] == ["pip_word"]
    install("torch", "numpy").ok()
    assert "numpy-2.2.6" in dists(lab_env)


def test_wheels_that_are_yanked_are_told_as_that(wheel_lab, mirror, preview_wheels):
    """It said that there were none, and named exactly they are taken."""
    mirror(("torch", "2.7.1", {}), ("torchvision", "0.22.1", {}))
    for page in wheel_lab.first.folder.rglob("*/index.html"):
        page.write_text(page.read_text().replace("<a ", '<a data-yanked="broken" '))
    refused = preview_wheels("torch", "torchvision", *CUDA)
    found = refused.json()["guidance"]
    assert found["cause"].startswith("torch 2.7.1+cu126 is yanked")
    instead = "torch==2.7.1+cu126 torchvision==0.22.1+cu126"
    assert f"`{instead}`" in found["hints"][0]["text"]
    preview_wheels(*instead.split(), *CUDA).ok()


NIGHTLY = "2.99.0.dev2026110"


@pytest.fixture
def nightly(mirror):
    """The first mirror has prereleases alone, two of them with partners that pin theirs."""
    mirror(
        *(("torch", f"{NIGHTLY}{day}", {}) for day in "123"),
        *(
            ("torchvision", f"0.99.0.dev2026110{day}", {"requires": [f"torch=={NIGHTLY}{day}"]})
            for day in "12"
        ),
        metadata=True,
    )


@pytest.mark.parametrize(
    ("words", "day"),
    [
        (("torch>=2.99.0.dev0", "torchvision"), 2),
        (("torch==2.99.0.dev20261101", "torchvision"), 1),
        (("torch==2.99.0.dev20261103+cu126",), 3),
    ],
)
def test_prereleases_are_paired_by_what_they_say(nightly, preview_wheels, words, day):
    """No official source says which go together, and METADATA counted for releases alone."""
    found = chosen(preview_wheels(*words, *CUDA))
    assert {name: version[0].rpartition(".dev2026110")[2] for name, version in found.items()} == (
        dict.fromkeys([word.partition(">")[0].partition("=")[0] for word in words], f"{day}+cu126")
    )


def test_prereleases_alone_are_told_as_that(nightly, preview_wheels, conda_in_process):
    """It said that there was no wheel at all."""
    found = preview_wheels("torch", *CUDA).json()["guidance"]
    assert "prereleases, up to 2.99.0.dev20261103" in found["cause"]
    ways = {one["hint_code"]: one["text"] for one in found["hints"]}
    [(_, line)] = commands({"ask_for_prerelease": ways["ask_for_prerelease"]})
    done = conda_in_process("torch-install", *line, "--json").ok()
    assert chosen(done) == {"torch": ("2.99.0.dev20261103+cu126", "cu126")}


@pytest.mark.parametrize("words", [("torch==2.7.1+cu118",), ("torch", "torchvision==0.22.1+cu118")])
def test_a_directory_that_was_named_is_why_its_cuda_is_lower(preview_wheels, words):
    """It said that there was no build for CUDA 12.6 itself."""
    found = preview_wheels(*words, *CUDA).ok().json()["torchmirror"]["warnings"]
    codes = {one["code"] for one in found}
    assert "cuda_narrowed" in codes
    assert "cuda_below_asked" not in codes
