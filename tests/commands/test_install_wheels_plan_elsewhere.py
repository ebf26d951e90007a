"""Plans with wheels on another machine than the one that saved them."""

from __future__ import annotations

import json
import shutil
import subprocess
from types import SimpleNamespace

import pytest
from support import wheel_files
from support.channels import file_name, write_channel
from support.files import contents
from support.planning import rewrite
from support.torches import record
from support.wheel_commands import CUDA, REST, SET, WHEELS, dists
from support.wheel_fixtures import imported
from support.wheel_lab import (
    PYTHON,
    TAG,
    bundled_pip,
    dist_record,
    pip_record,
    python_record,
    unpack_pip,
)
from support.wheel_site import put

from conda_torchmirror.exceptions.environment import CondaOwned, CondaTorch, NoSpace, PipFailed
from conda_torchmirror.exceptions.plan import (
    PlanInTheWay,
    PlanNewerSystem,
    PlanNotCached,
    PlanOtherPython,
    PlanWithoutPip,
)
from conda_torchmirror.handover import disk_space

pytest_plugins = ["support.wheel_fixtures"]


@pytest.fixture
def lab_channels(tmp_path):
    """Two sympy, of which the older is not enough for torch, and a pip that needs setuptools."""
    wheel, root = bundled_pip(), tmp_path / "lab"
    pip = pip_record(wheel, unpack_pip(wheel, root / "pip"))
    records = [
        python_record(),
        {**pip, "depends": [*pip["depends"], "setuptools"]},
        *(dist_record("sympy", version) for version in ("1.12", "1.13.3")),
        *(dist_record("setuptools", version) for version in ("80.9.0", "82.0.1")),
        {**dist_record("builder", "1.0"), "depends": ["setuptools >=82"]},
    ]
    write_channel(root / "conda-forge", "linux-64", {file_name(one): one for one in records})
    write_channel(root / "conda-forge", "noarch", {})
    return root


@pytest.fixture
def other(conda_in_process, tmp_path):
    """`other(*specs)`: an environment of another machine."""

    def make(*specs):
        prefix = tmp_path / "other"
        conda_in_process("create", "-y", "-q", "-p", prefix, "python", "pip", *specs).ok()
        return prefix

    return make


@pytest.fixture
def replay(conda_in_process):
    def run(folder, prefix, *words):
        return conda_in_process("torch-install", "--plan", folder, "-p", prefix, "-y", *words)

    return run


@pytest.fixture
def plan(wheel_lab, lab_env, conda_in_process, tmp_path):
    folder = tmp_path / "plan"
    conda_in_process(*WHEELS, *CUDA, "-p", lab_env, "--save-plan", folder).ok()
    return folder


def test_what_to_do_with_it_is_said(wheel_lab, conda_in_process, tmp_path):
    words = ("-n", "new", "--python", PYTHON, "--save-plan", tmp_path / "plan")
    said = conda_in_process(*WHEELS, *CUDA, *words).ok().words
    assert f"`conda torch-install -n new --plan {tmp_path / 'plan'}` carries it out" in said
    assert "copy the folder: plan.json and explicit.txt are all that it needs" in said


def test_packages_of_condas_are_not_replaced(wheel_lab, plan, replay, other, conda_in_process):
    """The plan is for an environment without sympy; where it is conda's, pip replaced it."""
    prefix = other("sympy=1.12")
    before = contents(prefix)
    refused = replay(plan, prefix)
    assert isinstance(refused.error, CondaOwned)
    assert contents(prefix) == before
    assert "`conda create -n NEW python=" in refused.words
    assert "which makes a new environment" not in refused.words
    (step,) = [h["text"] for h in refused.error._hints if h["hint_code"] == "make_room"]
    assert "sympy>=1.13.3" in step
    conda_in_process("install", "-y", "-q", "-p", prefix, "sympy>=1.13.3").ok()
    replay(plan, prefix).ok()
    assert imported(prefix, "sympy", "torch") == {"sympy": "conda", "torch": "mirror cu126"}


def test_those_that_the_plan_brings_itself_are_no_obstacle(
    wheel_lab, conda_in_process, replay, other, tmp_path
):
    """Conda puts them in place first."""
    needs = ("filelock", "setuptools<82")
    tags = f"{TAG}-{TAG}-manylinux_2_28_x86_64"
    torch = wheel_files.make(
        tmp_path / "t", "torch", "2.7.1+cu126", tags, requires=needs, variant="cu126"
    )
    put(wheel_lab.second, [torch])
    words = (*WHEELS, *CUDA, "--mirror", wheel_lab.second.wheels, "torch")
    new, folder = ("--python", PYTHON, "-p", tmp_path / "new"), tmp_path / "plan"
    conda_in_process(*words, *new, "--save-plan", folder).ok()
    prefix = other("setuptools=82")
    assert "setuptools-82.0.1" in dists(prefix)
    replay(folder, prefix).ok()
    assert dists(prefix) >= {"torch-2.7.1+cu126", "setuptools-80.9.0"}
    # Unless another package of conda's needs what they replace.
    shutil.rmtree(prefix)
    before = contents(other("setuptools=82", "builder"))
    refused = replay(folder, prefix)
    assert isinstance(refused.error, PlanInTheWay)
    assert "they need `setuptools >=82`" in refused.words
    assert contents(prefix) == before


def test_a_torch_of_condas_has_a_step_for_the_plan(wheel_lab, plan, replay, other):
    prefix = other()
    record(prefix, "pytorch", "2.5.1", "cpu_0")
    refused = replay(plan, prefix)
    assert isinstance(refused.error, CondaTorch)
    assert "`conda create -n NEW python=" in refused.words
    assert "which makes a new environment" not in refused.words


@pytest.mark.parametrize("words", [(), ("--dry-run",)], ids=["carried out", "preview"])
def test_an_older_system_is_told_before_anything_is_fetched(
    wheel_lab, plan, replay, other, monkeypatch, words
):
    """Pip said that the index does not have it, after the download."""
    prefix = other()
    for site in (wheel_lab.first, wheel_lab.index):
        del site.requests[:]
    monkeypatch.setenv("CONDA_OVERRIDE_GLIBC", "2.17")
    refused = replay(plan, prefix, *words)
    assert isinstance(refused.error, PlanNewerSystem)
    assert "the plan needs glibc 2.28 or newer, and here is glibc 2.17" in refused.words
    assert wheel_lab.first.requests == wheel_lab.index.requests == []
    (step,) = [h["text"] for h in refused.error._hints if h["hint_code"] == "plan_for_system"]
    assert f"conda torch-install -p {prefix} --cuda 12.6 --source wheels --save-plan DIR" in step
    # For others, its files may be fetched anywhere.
    replay(plan, prefix, "--download-only").ok()


def test_what_pip_does_not_take_is_not_told_as_missing_from_an_index(
    wheel_lab, plan, replay, other, tmp_path
):
    """As wheels of a free-threaded Python in an environment of the usual one."""
    tags = f"{TAG}-{TAG}t-manylinux_2_28_x86_64"
    torch = wheel_files.make(tmp_path / "t", "torch", "2.7.1+cu126", tags, variant="cu126")
    put(wheel_lab.first, [torch])
    document = json.loads((plan / "plan.json").read_text())
    (row, *_) = document["wheels"]["files"]
    url = row["url"].rpartition("/")[0] + f"/{torch.name.replace('+', '%2B')}"
    row |= {"filename": torch.name, "url": url, "sha256": torch.sha256, "size": None}
    document["wheels"]["files"] = [row]
    rewrite(plan, document)
    prefix = other()
    refused = replay(plan, prefix)
    assert isinstance(refused.error, PipFailed)
    assert "pip does not take the file of torch==2.7.1+cu126" in refused.words
    assert "index" not in refused.words.partition("Cause:")[2].partition("No matching")[0]
    assert not (SET | REST) & dists(prefix)


def test_too_little_room_stops_before_the_download(
    wheel_lab, lab_env, plan, replay, conda_in_process, tmp_path, monkeypatch
):
    """Conda's packages alone were measured, of which this plan has none."""
    for site in (wheel_lab.first, wheel_lab.index):
        del site.requests[:]
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    assert isinstance(replay(plan, lab_env).error, NoSpace)
    words = ("--save-plan", tmp_path / "whole", "--with-packages")
    assert isinstance(conda_in_process(*WHEELS, *CUDA, "-p", lab_env, *words).error, NoSpace)
    assert wheel_lab.first.sent() == wheel_lab.index.sent() == []


def test_files_are_found_beside_it_as_curl_saves_them(wheel_lab, lab_env, plan, replay):
    """`curl -O` and the like name a file as its address does."""
    for made in wheel_lab.of("cu126", ""):
        shutil.copyfile(made.path, plan / made.name.replace("+", "%2B"))
    before = contents(plan)
    for site in (wheel_lab.first, wheel_lab.index):
        site.refuse()
    told = replay(plan, lab_env, "--dry-run", "--json").ok().json()["torchmirror"]
    assert told["to_download"] == 0
    replay(plan, lab_env, "--offline").ok()
    assert dists(lab_env) >= SET | REST
    assert contents(plan) == before


# What another tool, or the way to the other machine, has changed


def by_pip(lab, prefix, *words):
    command = [prefix / "bin" / "python", "-I", "-m", "pip", "install", "--no-deps", *words]
    found = [made.path.parent for made in lab.made[""]][:1]
    subprocess.run([*command, "--no-index", "--find-links", *found], check=True)


def test_what_another_tool_replaced_is_put_back(wheel_lab, lab_env, plan, replay, tmp_path):
    """It was as planned with any sympy, and torch needs one that it was not."""
    replay(plan, lab_env).ok()
    old = [wheel_files.make(tmp_path, name, version) for name, version in OLD]
    by_pip(wheel_lab, lab_env, *(made.path for made in old))
    done = replay(plan, lab_env).ok()
    assert "as planned" not in done.words
    # What the set takes in any version may be there for another package.
    assert dists(lab_env) >= SET | {"sympy-1.14.0", "numpy-1.26.4"}
    assert "is as planned; nothing is changed" in replay(plan, lab_env).ok().words


OLD = (("sympy", "1.12"), ("numpy", "1.26.4"))


def test_requirements_beside_the_files_are_part_of_it(
    wheel_lab, lab_env, conda_in_process, replay, tmp_path
):
    made = wheel_files.make(tmp_path / "old", "numpy", "1.26.4", says="index")
    put(wheel_lab.index, [made], "simple")
    folder, words = tmp_path / "bound", ("torch", "torchvision", "numpy<2")
    conda_in_process(*WHEELS, *CUDA, "-p", lab_env, *words, "--save-plan", folder).ok()
    replay(folder, lab_env).ok()
    by_pip(wheel_lab, lab_env, "numpy==2.2.6")
    assert "as planned" not in replay(folder, lab_env).ok().words
    assert "numpy-1.26.4" in dists(lab_env)


def test_what_does_not_go_with_the_plan_is_told_before(
    wheel_lab, lab_env, plan, replay, tmp_path, conda_in_process
):
    """Of the set, and of what it needs besides once that is known."""
    needs = {"lightning": "torch<2.7", "older": "sympy<1.13", "open": "sympy"}
    made = [wheel_files.make(tmp_path, n, "1.0", requires=[one]) for n, one in needs.items()]
    made += [wheel_files.make(tmp_path, n, v) for n, v in (("torch", "2.6.0"), ("sympy", "1.12"))]
    by_pip(wheel_lab, lab_env, *(one.path for one in made))
    of_set = "lightning 1.0 of this environment needs `torch<2.7`, and does not go with torch 2.7.1"
    of_rest = "older 1.0 of this environment needs `sympy<1.13`, and does not go with sympy 1.14.0"
    previewed = replay(plan, lab_env, "--dry-run").ok().words
    assert of_set in previewed
    assert of_rest not in previewed  # the files that say what they need are not here yet
    replay(plan, lab_env, "--download-only").ok()
    assert of_rest in replay(plan, lab_env, "--dry-run").ok().words
    done = replay(plan, lab_env).ok().words
    assert done.count(of_set) == done.count(of_rest) == 1
    assert "open 1.0" not in done


@pytest.mark.parametrize("words", [(), ("--dry-run",)], ids=["carried out", "preview"])
def test_a_preview_refuses_what_the_run_refuses(wheel_lab, plan, replay, other, words):
    refused = replay(plan, other("sympy=1.12"), *words)
    if words:  # what needs another sympy stands in files that are not here
        assert refused.rc == 0
    prefix = other()
    (record,) = (prefix / "conda-meta").glob("python-*.json")
    record.unlink()
    assert isinstance(replay(plan, prefix, *words).error, PlanOtherPython)


@pytest.mark.parametrize("version", [None, "20.2"], ids=["none", "old"])
def test_an_environment_without_a_pip_for_it(
    wheel_lab, plan, replay, other, conda_in_process, version
):
    """`pip says: nothing` was the cause, and the preview promised all."""
    prefix = other()
    site = prefix / "lib" / f"python{PYTHON}" / "site-packages"
    (info,) = site.glob("pip-*.dist-info")
    conda_in_process("remove", "-y", "-q", "-p", prefix, "--force", "pip").ok()
    if version:
        old = site / f"pip-{version}.dist-info"
        old.mkdir()
        (old / "INSTALLER").write_text("pip")
    for words in ((), ("--dry-run",)):
        refused = replay(plan, prefix, *words)
        assert isinstance(refused.error, PlanWithoutPip)
        assert (f"it is pip {version}" if version else "there is none") in refused.words
    [step] = [h["text"] for h in refused.error._hints if h["hint_code"] == "plan_bring_pip"]
    command = step.split("`")[1].replace('"', "").split()
    conda_in_process(*command[1:], "-y").ok()
    shutil.rmtree(site / f"pip-{version}.dist-info", ignore_errors=True)
    assert info.is_dir()
    replay(plan, prefix).ok()
    assert dists(prefix) >= SET


def test_a_file_that_was_damaged_on_the_way_is_named(wheel_lab, lab_env, plan, replay):
    """It was told as one that is not there, with the step to put it there."""
    for made in wheel_lab.of("cu126", ""):
        shutil.copyfile(made.path, plan / made.name)
    torch, *_ = (plan / made.name for made in wheel_lab.made["cu126"])
    torch.write_bytes(torch.read_bytes()[:-10])
    said = f"{torch.name} in {plan} is not the file of the plan"
    assert said in replay(plan, lab_env, "--dry-run").ok().words
    refused = replay(plan, lab_env, "--offline")
    assert isinstance(refused.error, PlanNotCached)
    (step,) = [h["text"] for h in refused.error._hints if h["hint_code"] == "plan_spoilt"]
    assert step.startswith(said)
    replay(plan, lab_env).ok()
    assert dists(lab_env) >= SET | REST


@pytest.mark.parametrize("quoted", [False, True], ids=["by name", "by address"])
def test_files_beside_it_fill_the_cache(wheel_lab, lab_env, plan, replay, tmp_path, quoted):
    """As for those who get the plan alone and a cache that all share."""
    for made in wheel_lab.of("cu126", ""):
        name = made.name.replace("+", "%2B") if quoted else made.name
        shutil.copyfile(made.path, plan / name)
    for site in (wheel_lab.first, wheel_lab.index):
        site.refuse()
    assert "The package cache is filled" in replay(plan, lab_env, "--download-only").ok().words
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("plan.json", "explicit.txt"):
        shutil.move(plan / name, bare / name)
    shutil.rmtree(plan)
    replay(bare, lab_env, "--offline").ok()
    assert dists(lab_env) >= SET | REST
    assert imported(lab_env, "torch") == {"torch": "mirror cu126"}


def test_what_is_saved_is_shown(wheel_lab, conda_in_process, tmp_path):
    """On a login node without a driver it is for the CPU, which was nowhere said."""
    words = (*WHEELS, "--python", PYTHON, "--save-plan", tmp_path / "plan")
    said = conda_in_process(*words).ok().words
    assert "no NVIDIA driver was found, so this is a CPU build" in said
    assert said.index("torch 2.7.1+cpu") < said.index("3 more") < said.index("Plan saved")
    there = contents(tmp_path / "plan")
    assert "Not saved in" in conda_in_process(*words, *CUDA, "--dry-run").ok().words
    assert contents(tmp_path / "plan") == there
    listed = conda_in_process(*words, "--urls").ok().stdout.splitlines()
    assert all(line.startswith("http") for line in listed)
    conda_in_process(*words, "--json").ok().json()


def test_the_step_to_its_own_python_needs_no_channel(wheel_lab, conda_in_process, tmp_path, other):
    """A plan that brings one told a machine without a network to have conda make one first."""
    plan, prefix = tmp_path / "plan", other()
    [python] = (prefix / "conda-meta").glob("python-*.json")
    python.unlink()
    record(prefix, "python", "3.9.1", "old_0")
    words = (*WHEELS, *CUDA, "--python", PYTHON, "-n", "NEW", "--save-plan", plan)
    conda_in_process(*words, "--with-packages").ok()
    wheel_lab.channel.stop()
    refused = conda_in_process("torch-install", "-y", "-p", prefix, "--plan", plan)
    assert isinstance(refused.error, PlanOtherPython)
    assert f"`conda torch-install -n NEW --plan {plan}`" in refused.words
    assert "conda create" not in refused.words
    conda_in_process("torch-install", "-y", "-n", "NEW", "--plan", plan).ok()
