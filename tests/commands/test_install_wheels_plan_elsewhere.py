"""Plans with wheels on another machine than the one that saved them."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest
from support import wheel_files
from support.channels import file_name, write_channel
from support.files import contents
from support.planning import rewrite
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
from conda_torchmirror.exceptions.plan import PlanInTheWay, PlanNewerSystem
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
    record = {"name": "pytorch", "version": "2.5.1", "build": "cpu_0", "build_number": 0}
    record |= {"channel": "pytorch", "subdir": "linux-64", "fn": "x.conda", "files": []}
    record |= {"depends": [], "url": "https://conda.example/pytorch/linux-64/x.conda"}
    (prefix / "conda-meta" / "pytorch-2.5.1-cpu_0.json").write_text(json.dumps(record))
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
