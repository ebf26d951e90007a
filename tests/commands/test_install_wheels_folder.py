"""`conda torch-install --wheel-dir DIR` and a file of a wheel as a word."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support import wheel_files
from support.offered import commands
from support.wheel_commands import CUDA, REST, SET, WHEELS, chosen, dists, names
from support.wheel_fixtures import LINUX, imported
from support.wheel_lab import PYTHON, TAG

from conda_torchmirror.exceptions.channel import NoWheels, WheelDamaged
from conda_torchmirror.exceptions.choice import NoFittingWheel
from conda_torchmirror.exceptions.plan import PlanTakesNoChoice
from conda_torchmirror.exceptions.usage import BadWheelFile, NotForWheels, OnlyForWheels

pytest_plugins = ["support.wheel_fixtures"]


@pytest.fixture
def folder(wheel_lab, tmp_path):
    """The set for CUDA 12.6, as a download manager leaves it."""
    found = tmp_path / "downloads"
    found.mkdir()
    for made in wheel_lab.of("cu126"):
        shutil.copyfile(made.path, found / made.name)
    return found


@pytest.fixture
def install(lab_env, conda_in_process):
    return lambda *words: conda_in_process("torch-install", *CUDA, "-p", lab_env, "-y", *words)


@pytest.fixture
def preview(wheel_lab, conda_in_process, tmp_path):
    new = ("-p", tmp_path / "new", "--python", PYTHON, "--dry-run", "--json")
    return lambda *words: conda_in_process("torch-install", *CUDA, *words, *new)


def file(folder: Path, project: str) -> Path:
    (found,) = folder.glob(f"{project}-*.whl")
    return found


def told(done):
    rows = done.ok().json()["torchmirror"]["warnings"]
    return {row["code"]: row["text"] for row in rows}


def test_a_folder_is_installed_from(wheel_lab, lab_env, folder, install):
    install("--wheel-dir", folder).ok()
    assert wheel_lab.first.sent() == []
    assert names(wheel_lab.index.sent()) == REST
    assert dists(lab_env) >= SET
    assert imported(lab_env, "torch") == {"torch": "mirror cu126"}


@pytest.fixture
def whole(wheel_lab, folder):
    """The folder with all other packages too."""
    for made in wheel_lab.made[""]:
        shutil.copyfile(made.path, folder / made.name)
    return folder


@pytest.mark.parametrize("name", ["wheels", "C#", "50%25 off"])
def test_offline_the_folder_serves_the_other_packages_too(
    wheel_lab, lab_env, whole, install, tmp_path, name
):
    """A sign that has a meaning in an address was taken for that."""
    folder = whole.rename(tmp_path / name)
    install("--wheel-dir", folder, "--offline").ok()
    for site in (wheel_lab.first, wheel_lab.second, wheel_lab.index, wheel_lab.spare):
        assert site.requests == []
    assert dists(lab_env) >= SET | REST


def test_a_folder_that_has_everything_needs_no_index(wheel_lab, lab_env, whole, install, preview):
    """Pip asked one for each package: minutes of attempts on a machine without a network, and
    elsewhere other versions than those that somebody had brought."""
    file(whole, "sympy").unlink()
    wheel_files.make(whole, "sympy", "1.13.3")
    steps = preview("--wheel-dir", whole).ok().json()["torchmirror"]["steps"]
    assert "--no-index" in steps[-1]["command"].split()
    told = " ".join(install("--wheel-dir", whole).ok().stdout.split())
    assert "other packages none: all are on this disk" in told
    assert "3 more packages" in told
    assert wheel_lab.index.requests == wheel_lab.spare.requests == []
    assert dists(lab_env) >= {*SET, "filelock-3.19.1", "sympy-1.13.3", "numpy-2.2.6"}


def test_what_is_printed_for_it_names_an_index(wheel_lab, whole, preview):
    """It named none, so that pip would have read the others from its own."""
    printed = preview("--wheel-dir", whole, "--print", "pip").ok().stdout
    assert f"--index-url {wheel_lab.index.simple}" in printed


def test_a_folder_that_lacks_one_leaves_all_to_the_index(wheel_lab, lab_env, whole, install):
    """As pip would: the newest of the folder and of the index."""
    file(whole, "sympy").unlink()
    install("--wheel-dir", whole).ok()
    assert "sympy-1.14.0" in names(wheel_lab.index.sent())
    assert dists(lab_env) >= SET | REST


def test_hashes_are_those_that_the_mirror_lists(wheel_lab, folder, preview):
    assert told(preview("--wheel-dir", folder))["wheels_confirmed"] == (
        "the hashes of 3 files are those that first lists"
    )


def test_a_file_with_another_hash_is_refused(wheel_lab, lab_env, folder, install):
    made = wheel_files.make(
        folder, "torch", "2.7.1+cu126", LINUX, requires=("filelock",), says="somebody else's"
    )
    assert made.path.parent == folder
    assert isinstance(install("--wheel-dir", folder).error, WheelDamaged)
    assert not SET & dists(lab_env)


@pytest.mark.parametrize("project", ["torch", "sympy"])
def test_what_was_cut_off_is_named_with_what_helps_offline(
    wheel_lab, lab_env, whole, install, project
):
    """To leave it out for mirrors was all that was offered, and nothing for what torch needs."""
    path = file(whole, project)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    ask = ("--wheel-dir", whole, "--offline", "--json")
    hints = {hint["hint_code"]: hint["text"] for hint in install(*ask).json()["guidance"]["hints"]}
    assert f"copy {path} again from where it came" in hints["wheel_bring_again"]
    assert "leave_file_out" not in hints
    path.write_bytes(content)
    install(*ask).ok()
    assert dists(lab_env) >= SET | REST


def test_what_no_mirror_lists_is_said(wheel_lab, folder, preview):
    shutil.rmtree(wheel_lab.first.folder / "whl")
    said = told(preview("--wheel-dir", folder))
    assert said["wheels_unconfirmed"] == (
        "the hashes of 3 files were not compared: first does not list that"
    )
    assert "wheels_without_hash" not in said  # which is about what a mirror sends


def test_why_nothing_was_compared_is_said(wheel_lab, folder, preview):
    """All three were told as `no mirror lists them`."""
    said = told(preview("--wheel-dir", folder, "--offline"))["wheels_unconfirmed"]
    assert said == "the hashes of 3 files were not compared: conda is offline"
    wheel_lab.first.stop()
    said = told(preview("--wheel-dir", folder))["wheels_unconfirmed"]
    assert said == "the hashes of 3 files were not compared: first cannot be read"


def test_a_file_is_a_word(wheel_lab, lab_env, folder, install):
    install(file(folder, "torch")).ok()
    assert {"torch-2.7.1+cu126", "filelock-3.19.1"} <= dists(lab_env)
    assert "torchvision-0.22.1+cu126" not in dists(lab_env)
    assert wheel_lab.first.sent() == []


def test_files_go_together_or_not(wheel_lab, folder, preview, tmp_path):
    old = wheel_files.make(tmp_path, "torchvision", "0.21.0+cu126", LINUX)
    assert isinstance(preview(file(folder, "torch"), old.path).error, NoFittingWheel)
    both = preview(file(folder, "torch"), file(folder, "torchvision"))
    assert set(chosen(both)) == {"torch", "torchvision"}


def test_a_partner_alone_is_no_set(wheel_lab, folder, preview):
    done = preview(file(folder, "torchvision"))
    assert isinstance(done.error, NoWheels | NoFittingWheel)
    assert "no wheel of torch" in done.json()["guidance"]["cause"]


def test_words_choose_from_the_folder(wheel_lab, folder, preview):
    for made in wheel_lab.of("cu118", "cpu"):
        shutil.copyfile(made.path, folder / made.name)
    assert chosen(preview("--wheel-dir", folder, "torch==2.7.1+cu118")) == {
        "torch": ("2.7.1+cu118", "cu118")
    }
    found = preview("--wheel-dir", folder)
    assert set(chosen(found).values()) == {
        ("2.7.1+cu126", "cu126"),
        ("0.22.1+cu126", "cu126"),
    }


def test_what_is_no_part_of_the_family_is_taken_along(wheel_lab, lab_env, folder, install):
    made = wheel_files.make(folder, "flash-attn", "2.8.3", requires=("torch",), says="own")
    install(file(folder, "torch"), made.path).ok()
    assert "flash_attn-2.8.3" in dists(lab_env)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("torch-2.7.1+cu126-cp39-cp39-win_amd64.whl", "which is not Python"),
        ("torch-2.7.1+cu126-cp27-cp27mu-manylinux1_x86_64.whl", "which is not Python"),
        ("torch.whl", "not that of a wheel"),
        ("torch-2.7.1.whl", "not that of a wheel"),
        ("missing-1.0-py3-none-any.whl", None),
        (f"torch-2.7.1+cu126-{TAG}-{TAG}-manylinux_2_28_x86_64.whl", "no whole wheel"),
    ],
)
def test_files_that_cannot_be_installed(wheel_lab, preview, tmp_path, name, said):
    path = tmp_path / name
    if said:
        path.write_bytes(b"PK not really")
    done = preview(path)
    assert isinstance(done.error, BadWheelFile)
    assert (said or "no such file") in done.json()["guidance"]["cause"]


def test_a_file_that_holds_something_else(wheel_lab, preview, tmp_path):
    made = wheel_files.make(tmp_path, "torch", "2.6.0+cu126", LINUX)
    other = tmp_path / made.name.replace("2.6.0", "2.7.1")
    made.path.rename(other)
    done = preview(other)
    assert isinstance(done.error, BadWheelFile)
    assert "torch 2.6.0+cu126" in done.json()["guidance"]["cause"]


def test_a_folder_that_is_not_there(wheel_lab, preview, tmp_path):
    assert isinstance(preview("--wheel-dir", tmp_path / "nowhere").error, BadWheelFile)


def test_a_folder_without_wheels(wheel_lab, preview, tmp_path):
    done = preview("--wheel-dir", tmp_path)
    assert isinstance(done.error, NoWheels)
    assert str(tmp_path) in " ".join(done.json()["guidance"]["cause"].split())


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--source", "pytorch"), OnlyForWheels),
        (("--source", "auto"), OnlyForWheels),
        (("-c", "nvidia"), NotForWheels),
        (("--plan", "plan"), PlanTakesNoChoice),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else value.__name__,
)
def test_what_a_folder_does_not_go_with(wheel_lab, preview, folder, words, error):
    assert isinstance(preview("--wheel-dir", folder, *words).error, error)


def test_the_source_may_be_said(wheel_lab, preview, folder):
    preview("--wheel-dir", folder, *WHEELS[1:]).ok()


@pytest.mark.parametrize(
    ("version", "tags", "hints"),
    [
        ("0.22.0", LINUX, ["name_alone", "fetch_set"]),  # made for torch 2.7.0
        ("0.22.1", "cp27-cp27m-manylinux_2_28_x86_64", ["name_alone", "fetch_set"]),
    ],
)
def test_a_partner_that_was_fetched_for_another_torch(
    wheel_lab, folder, preview, conda_in_process, tmp_path, version, tags, hints
):
    """It was to be left out, which nobody had named."""
    file(folder, "torchvision").unlink()
    wheel_files.make(folder, "torchvision", f"{version}+cu126", tags)
    refused = preview("--wheel-dir", folder)
    assert isinstance(refused.error, NoFittingWheel)
    ways = {one["hint_code"]: one["text"] for one in refused.json()["guidance"]["hints"]}
    assert list(ways) == hints
    assert "name `torch torchaudio`" in ways["name_alone"]
    preview("torch", "torchaudio", "--wheel-dir", folder).ok()
    [(_, line)] = commands({"fetch_set": ways["fetch_set"]})
    listed = conda_in_process("torch-install", *line, "--platform", "linux-64").ok()
    assert "torchvision-0.22.1%2Bcu126" in listed.stdout


def test_a_folder_for_another_python_is_told_as_that(folder, preview, conda_in_process):
    """It said that there was no wheel for this platform and Python, and nothing else."""
    for made in folder.glob("*.whl"):
        made.rename(made.with_name(made.name.replace(TAG, "cp39")))
    refused = preview("--wheel-dir", folder)
    assert isinstance(refused.error, NoFittingWheel)
    found = refused.json()["guidance"]
    assert "builds for Python 3.9 do not go with Python" in found["cause"]
    assert [one["hint_code"] for one in found["hints"]] == ["use_python", "fetch_set"]


def test_a_folder_without_a_wheel(folder, preview, conda_in_process):
    """There was no next step."""
    for made in folder.glob("*.whl"):
        made.unlink()
    refused = preview("--wheel-dir", folder)
    assert isinstance(refused.error, NoWheels)
    ways = {one["hint_code"]: one["text"] for one in refused.json()["guidance"]["hints"]}
    [(_, line)] = commands(ways)
    assert ".whl" in conda_in_process("torch-install", *line).ok().stdout


@pytest.mark.parametrize("changed", ["%2B", " (1)", "(2)"])
def test_a_name_as_it_was_saved_is_told_with_the_right_one(folder, preview, changed):
    """Such a file was passed over without a word."""
    right = file(folder, "torchvision")
    wrong = right.name.replace("+", "%2B") if changed == "%2B" else f"{right.stem}{changed}.whl"
    odd = right.rename(folder / wrong)
    assert f"rename it to {right.name}" in told(preview("--wheel-dir", folder))["wheel_rename"]
    for words in (("torch", "torchvision", "--wheel-dir", folder), (odd,)):
        hints = preview(*words).json()["guidance"]["hints"]
        assert "wheel_rename" in [hint["hint_code"] for hint in hints]
    odd.rename(right)
    assert "torchvision" in chosen(preview("--wheel-dir", folder))


def test_a_file_that_is_still_downloaded_is_told(folder, preview):
    torchvision = file(folder, "torchvision")
    torchvision.rename(folder / f"{torchvision.name}.part")
    assert torchvision.name in told(preview("--wheel-dir", folder))["wheel_in_part"]


# What the folder lacks, and the cache has


def test_offline_the_cache_has_what_the_folder_lacks(wheel_lab, lab_env, folder, install):
    """Pip was given the folder alone, and did not find what is on this disk."""
    install("--source", "wheels", "--download-only").ok()
    for site in (wheel_lab.first, wheel_lab.index):
        del site.requests[:]
    install("--wheel-dir", folder, "--offline").ok()
    assert wheel_lab.first.requests == wheel_lab.index.requests == []
    assert dists(lab_env) >= SET | REST


def test_a_filled_cache_has_what_the_folder_lacks(wheel_lab, lab_env, folder, install):
    """It was told as filled, and nothing was fetched."""
    said = install("--wheel-dir", folder, "--download-only").ok().words
    assert "The package cache is filled" in said
    assert names(wheel_lab.index.sent()) == REST
    assert wheel_lab.first.sent() == []
    for site in (wheel_lab.first, wheel_lab.index, wheel_lab.second, wheel_lab.spare):
        site.refuse()
    install("--wheel-dir", folder, "--offline").ok()
    assert dists(lab_env) >= SET | REST


@pytest.mark.parametrize("own", [True, False], ids=["folder", "mirror"])
def test_a_cache_that_lacks_what_they_need_is_not_told_as_whole(wheel_lab, folder, install, own):
    for site in (wheel_lab.index, wheel_lab.spare):
        shutil.rmtree(site.folder / "simple" / "sympy")
    words = ("--wheel-dir", folder) if own else ("--source", "wheels")
    said = install(*words, "--download-only").ok().words
    assert "what the wheels need besides was not fetched" in said


def test_a_list_is_of_the_folder(wheel_lab, folder, conda_in_process):
    """It was the mirror's."""
    words = ("torch-install", "--wheel-dir", folder, "--list", "--python", PYTHON)
    found = conda_in_process(*words, "--json").ok().json()["torchmirror"]["list"]
    assert {row["cuda"] for row in found} == {"12.6"}
    assert wheel_lab.first.requests == []
    for path in folder.iterdir():
        path.unlink()
    refused = conda_in_process(*words)
    assert isinstance(refused.error, NoWheels)
    assert str(folder) in refused.words
