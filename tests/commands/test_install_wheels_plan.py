"""Plans with wheels: saved, carried out, carried out again, altered."""

from __future__ import annotations

import json
import shutil

import pytest
from support import wheel_files
from support.planning import rewrite
from support.prefixes import installed
from support.torches import record
from support.wheel_commands import CUDA, REST, SET, WHEELS, dists, names
from support.wheel_fixtures import imported
from support.wheel_lab import FULL, PYTHON, TAG
from support.wheel_site import put

from conda_torchmirror.exceptions.base import TorchMirrorError
from conda_torchmirror.exceptions.environment import CondaTorch
from conda_torchmirror.exceptions.plan import (
    PlanAltered,
    PlanBadRecord,
    PlanNotCached,
    PlanOnlyNames,
    PlanOtherPython,
    PlanTakesNoChoice,
    PlanWithoutAddress,
)
from conda_torchmirror.handover import wheel_cache

pytest_plugins = ["support.wheel_fixtures"]


@pytest.fixture
def plan(wheel_lab, lab_env, conda_in_process, tmp_path):
    """A plan for the environment, which has a Python and a pip."""
    folder = tmp_path / "plan"
    conda_in_process(*WHEELS, *CUDA, "-p", lab_env, "--save-plan", folder).ok()
    assert wheel_lab.first.sent() == wheel_lab.index.sent() == []
    assert not SET & dists(lab_env)
    for site in (wheel_lab.first, wheel_lab.index):
        del site.requests[:]
    return folder


@pytest.fixture
def replay(lab_env, conda_in_process):
    def run(folder, *words, prefix=lab_env):
        return conda_in_process("torch-install", "--plan", folder, "-p", prefix, "-y", *words)

    return run


def test_a_plan_is_carried_out(wheel_lab, lab_env, plan, replay):
    done = replay(plan).ok()
    assert names(wheel_lab.first.sent()) == SET
    assert wheel_lab.first.pages() == []
    assert names(wheel_lab.index.sent()) == REST
    assert dists(lab_env) >= SET | REST
    assert imported(lab_env, "torch") == {"torch": "mirror cu126"}
    assert "6 packages" in done.words


def test_again_it_changes_nothing(wheel_lab, lab_env, plan, replay):
    replay(plan).ok()
    for site in (wheel_lab.first, wheel_lab.index):
        del site.requests[:]
    before = {path: path.stat().st_mtime_ns for path in lab_env.rglob("*")}
    assert "is as planned; nothing is changed" in replay(plan).ok().words
    told = replay(plan, "--json").ok().json()
    assert "is as planned; nothing is changed" in told["message"]
    previewed = replay(plan, "--json", "--dry-run").ok().json()
    assert told["torchmirror"]["changed"] is previewed["torchmirror"]["changed"] is False
    assert previewed["torchmirror"]["to_download"] == 0
    assert wheel_lab.first.requests == wheel_lab.index.requests == []
    after = {path: path.stat().st_mtime_ns for path in lab_env.rglob("*")}
    assert after == before


@pytest.mark.parametrize("again", [False, True], ids=["first", "again"])
def test_it_ends_with_the_check(wheel_lab, lab_env, plan, replay, conda_in_process, again):
    if again:
        replay(plan).ok()
    words = ("torch-install", "--plan", plan, "-p", lab_env, "-y", "--json")
    told = conda_in_process(*words, check=True).json()["torchmirror"]
    assert told["changed"] is not again
    assert told["check"]["status"] in ("fine", "broken")  # of what stands in for torch


def test_what_was_changed_since_is_put_back(wheel_lab, lab_env, plan, replay, conda_in_process):
    replay(plan).ok()
    conda_in_process(*WHEELS, *CUDA, "-p", lab_env, "-y", "torch==2.7.1+cu118").ok()
    assert "torch-2.7.1+cu118" in dists(lab_env)
    replay(plan).ok()
    assert dists(lab_env) >= SET


def test_a_new_environment_is_part_of_the_plan(wheel_lab, conda_in_process, replay, tmp_path):
    folder, new, other = tmp_path / "plan", tmp_path / "new", tmp_path / "other"
    words = (*WHEELS, *CUDA, "--python", PYTHON, "-p", new, "--save-plan", folder)
    conda_in_process(*words).ok()
    assert not new.exists()
    document = json.loads((folder / "plan.json").read_text())
    assert {"python", "pip"} <= {package["name"] for package in document["packages"]}
    replay(folder, prefix=other).ok()
    assert installed(other)["python"].startswith(FULL)
    assert set(imported(other, "torch", "torchvision").values()) == {"mirror cu126"}
    assert "as planned" in replay(folder, prefix=other).ok().words


def test_a_preview_and_the_list_of_files(wheel_lab, plan, replay, lab_env):
    about = replay(plan, "--dry-run", "--json").ok().json()["torchmirror"]
    rest = [made for made in wheel_lab.of("") if made.name.rpartition("-py3")[0] in REST]
    assert about["to_download"] == sum(
        made.path.stat().st_size for made in (*wheel_lab.of("cu126"), *rest)
    )
    urls = replay(plan, "--urls").ok().stdout.splitlines()
    made = wheel_lab.made["cu126"][0]
    assert any(made.sha256 in url and url.startswith(wheel_lab.first.wheels) for url in urls)
    assert len(urls) == 6
    assert wheel_lab.first.requests == []


def test_files_beside_the_plan_are_taken(wheel_lab, lab_env, plan, replay):
    for made in wheel_lab.of("cu126"):
        shutil.copyfile(made.path, plan / made.name)
    replay(plan).ok()
    assert wheel_lab.first.requests == []
    assert dists(lab_env) >= SET


def test_a_plan_brings_the_same_packages_when_the_index_has_newer_ones(
    wheel_lab, lab_env, plan, replay, tmp_path
):
    put(wheel_lab.index, [wheel_files.make(tmp_path / "new", "numpy", "2.3.0")], "simple")
    replay(plan).ok()
    assert dists(lab_env) >= SET | REST
    assert "numpy-2.3.0" not in dists(lab_env)
    assert wheel_lab.index.pages() == []


def test_a_folder_with_packages_is_all_that_is_needed(
    wheel_lab, lab_env, conda_in_process, replay, tmp_path
):
    folder = tmp_path / "plan"
    words = (*WHEELS, *CUDA, "-p", lab_env, "--save-plan", folder, "--with-packages")
    said = conda_in_process(*words).ok().words
    assert "all that a machine without a network needs" in said
    assert {path.name.rpartition("-py3")[0] for path in folder.glob("*-any.whl")} == REST
    shutil.rmtree(wheel_cache.folders()[0])
    for site in (wheel_lab.first, wheel_lab.index):
        del site.requests[:]
    conda_in_process(*words).ok()  # over itself
    shutil.rmtree(wheel_cache.folders()[0])
    for site in (wheel_lab.first, wheel_lab.index):
        del site.requests[:]
    replay(folder, "--offline").ok()
    assert dists(lab_env) >= SET | REST
    assert wheel_lab.first.requests == wheel_lab.index.requests == []


@pytest.mark.parametrize("beside", [True, False], ids=["with-packages", "addresses-alone"])
def test_what_the_files_require_comes_along_once_they_are_here(
    wheel_lab, lab_env, conda_in_process, replay, tmp_path, beside
):
    """A server that gives no part of a file tells what it requires only with the whole."""
    wheel_lab.first.fail("*.whl", lambda exchange: exchange.send(200, exchange.content()))
    folder = tmp_path / "plan"
    words = (*WHEELS, *CUDA, "-p", lab_env, "--save-plan", folder)
    said = conda_in_process(*words, *(("--with-packages",) if beside else ())).ok().words
    part = json.loads((folder / "plan.json").read_text())["wheels"]
    assert ("rest" in part) == beside
    assert ("all that a machine without a network needs" in said) == beside
    if beside:
        shutil.rmtree(wheel_cache.folders()[0])
        for site in (wheel_lab.first, wheel_lab.index):
            site.refuse()
        replay(folder, "--offline").ok()
        assert dists(lab_env) >= SET | REST


def test_the_rest_of_a_plan_comes_from_another_index_with_the_same_content(
    wheel_lab, lab_env, plan, replay
):
    for path in (wheel_lab.index.folder / "simple" / ".files").glob("numpy-*"):
        path.unlink()
    replay(plan).ok()
    assert names(wheel_lab.spare.sent()) == {"numpy-2.2.6"}
    assert dists(lab_env) >= SET | REST


def test_another_mirror_is_asked_where_the_first_lacks_the_file(wheel_lab, lab_env, plan, replay):
    put(wheel_lab.second, wheel_lab.of("cu126"))
    made = wheel_lab.made["cu126"][1]
    (wheel_lab.first.folder / "whl" / "cu126" / made.name).unlink()
    replay(plan).ok()
    assert names([made.name]) <= names(wheel_lab.second.sent())
    assert dists(lab_env) >= SET


def test_offline_what_lacks_is_named(wheel_lab, plan, replay):
    done = replay(plan, "--offline")
    assert isinstance(done.error, PlanNotCached)
    assert f"torch-2.7.1+cu126-{TAG}" in done.words
    replay(plan, "--download-only").ok()
    del wheel_lab.first.requests[:]
    assert not isinstance(replay(plan, "--offline").error, PlanNotCached)
    assert wheel_lab.first.requests == []


def test_an_environment_with_another_python(wheel_lab, lab_env, plan, replay):
    document = json.loads((plan / "plan.json").read_text())
    other = "3.10" if PYTHON != "3.10" else "3.12"
    text = json.dumps(document).replace(TAG, f"cp{other.replace('.', '')}")
    text = text.replace(f'"python": "{PYTHON}"', f'"python": "{other}"')
    rewrite(plan, json.loads(text))
    done = replay(plan)
    assert isinstance(done.error, PlanOtherPython)
    assert f"`conda create -n NEW python={other} pip`" in str(done.error.dump_map())
    assert wheel_lab.first.requests == []


def test_a_torch_of_conda_stops_it(wheel_lab, lab_env, plan, replay):
    record(lab_env, "pytorch", "2.5.1", "cpu_0")
    assert isinstance(replay(plan).error, CondaTorch)


@pytest.mark.parametrize("word", ["numpy==2.2.6", "torch"])
def test_a_plan_takes_no_choice(wheel_lab, plan, replay, word):
    assert isinstance(replay(plan, word).error, PlanTakesNoChoice)


# What no plan can hold


def test_files_without_a_hash(wheel_lab, lab_env, conda_in_process, tmp_path):
    shutil.rmtree(wheel_lab.decoys.folder / "whl")
    put(wheel_lab.decoys, wheel_lab.of("cu126"), "flat", hashes=False)
    words = ("--mirror", wheel_lab.decoys.wheels, "--save-plan", tmp_path / "plan")
    done = conda_in_process(*WHEELS, *CUDA, "-p", lab_env, *words)
    assert isinstance(done.error, PlanBadRecord)
    assert not (tmp_path / "plan").exists()


def test_files_of_this_disk(wheel_lab, lab_env, conda_in_process, tmp_path):
    folder = tmp_path / "downloads"
    folder.mkdir()
    for made in wheel_lab.of("cu126"):
        shutil.copyfile(made.path, folder / made.name)
    words = ("--wheel-dir", folder, "--save-plan", tmp_path / "plan")
    done = conda_in_process("torch-install", *CUDA, "-p", lab_env, *words)
    assert isinstance(done.error, PlanWithoutAddress)
    assert not (tmp_path / "plan").exists()
    # A new environment, which was offered, has the same files; the step is the command without
    # the plan, where the files are.
    (step,) = done.error.dump_map()["guidance"]["hints"]
    assert step["hint_code"] == "plan_copy_wheels"
    assert str(folder) in step["text"]
    command = step["text"].split("`")[1].split()
    assert "--save-plan" not in command
    conda_in_process(*command[1:], "-y").ok()


def test_a_requirement_that_no_plan_holds(wheel_lab, lab_env, conda_in_process, tmp_path):
    """It was told as one that the mirror has no address of."""
    word = "numpy;python_version>'3'"
    words = ("-p", lab_env, "--save-plan", tmp_path / "plan")
    done = conda_in_process(*WHEELS, *CUDA, *words, "torch", word)
    assert isinstance(done.error, PlanOnlyNames)
    (step,) = done.error.dump_map()["guidance"]["hints"]
    command = step["text"].split("`")[1].split()
    assert word not in step["text"]
    conda_in_process(*command[1:]).ok()
    assert (tmp_path / "plan").exists()


def test_what_is_installed_beside_files_of_the_cache_is_not_taken_for_granted(
    wheel_lab, lab_env, conda_in_process, sandbox, tmp_path
):
    """A plan said that its wheels need nothing else, where this environment has that already."""
    conda_in_process(*WHEELS, *CUDA, "-p", lab_env, "-y").ok()
    files = sorted(sandbox.pkgs.glob("torchmirror-wheels/*/torch*.whl"))
    assert len(files) == len(SET)
    words = (*files, "--save-plan", tmp_path / "plan")
    told = conda_in_process("torch-install", *CUDA, "-p", lab_env, *words).ok().words
    assert "3 packages" in told
    part = json.loads((tmp_path / "plan" / "plan.json").read_text(encoding="utf-8"))["wheels"]
    assert "rest" not in part  # pip looks for it


def kept(sandbox):
    """What stands beside every file of the cache."""
    found = list(sandbox.pkgs.glob("torchmirror-wheels/*/link.json"))
    assert len(found) == len(SET | REST)
    return found


def test_files_of_the_cache_alone(wheel_lab, lab_env, conda_in_process, tmp_path, replay):
    """Without the network the cache says where they came from."""
    conda_in_process(*WHEELS, *CUDA, "-p", lab_env, "-y", "--download-only").ok()
    for site in (wheel_lab.first, wheel_lab.index):
        del site.requests[:]
    there = tmp_path / "plan"
    words = ("--offline", "--save-plan", there)
    conda_in_process(*WHEELS, *CUDA, "-p", lab_env, *words).ok()
    assert wheel_lab.first.requests == wheel_lab.index.requests == []
    wheels = json.loads((there / "plan.json").read_text())["wheels"]
    found = {row["filename"]: row["url"] for row in (*wheels["files"], *wheels["rest"])}
    assert names(found) == SET | REST
    first, index = wheel_lab.first.url, wheel_lab.index.url
    assert all(url.startswith((f"{first}/", f"{index}/")) for url in found.values())
    replay(there).ok()
    assert dists(lab_env) >= SET | REST


@pytest.mark.parametrize(
    "address",
    [
        None,
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://[X]/{name}",
        "https://m/other.whl",
    ],
    ids=["none", "script", "file", "no host", "another file"],
)
def test_an_address_in_the_cache_that_is_none(
    wheel_lab, lab_env, conda_in_process, sandbox, tmp_path, address
):
    """A cache of before this was kept, or one that somebody wrote to."""
    conda_in_process(*WHEELS, *CUDA, "-p", lab_env, "-y", "--download-only").ok()
    for file in kept(sandbox):
        said = json.loads(file.read_text())
        del said["url"]
        said |= {"url": address.replace("{name}", said["filename"])} if address else {}
        file.write_text(json.dumps(said))
    words = ("--offline", "--save-plan", tmp_path / "plan")
    done = conda_in_process(*WHEELS, *CUDA, "-p", lab_env, *words)
    assert done.rc == 1
    assert isinstance(done.error, PlanWithoutAddress if address is None else TorchMirrorError)
    assert not (tmp_path / "plan").exists()


def test_a_password_in_an_address_is_not_kept(
    wheel_lab, lab_env, conda_in_process, condarc, sandbox
):
    """Not in the cache either, which others may read."""
    with_name = wheel_lab.first.wheels.replace("://", "://me:secret@")
    words = ("-p", lab_env, "-y", "--download-only", "--mirror", with_name)
    conda_in_process(*WHEELS, *CUDA, *words).ok()
    assert all("secret" not in file.read_text() for file in kept(sandbox))


def test_a_plan_for_another_platform(wheel_lab, conda_in_process, tmp_path):
    tags = f"{TAG}-{TAG}-win_amd64"
    made = [
        wheel_files.make(tmp_path, name, f"{version}+cu126", tags, variant="cu126")
        for name, version in (("torch", "2.7.1"), ("torchvision", "0.22.1"))
    ]
    put(wheel_lab.first, made)
    words = ("--platform", "win-64", "--python", PYTHON, "torch", "torchvision", "-n", "new")
    done = conda_in_process(*WHEELS, *CUDA, *words, "--save-plan", tmp_path / "plan")
    # The lab has no Python for Windows, which conda says; nothing is written.
    assert "python" in done.words
    assert done.rc == 1
    assert not (tmp_path / "plan").exists()


# A plan that somebody altered


@pytest.mark.parametrize(
    "alter",
    [
        lambda document: document["wheels"]["files"][0].pop("sha256"),
        lambda document: document.pop("wheels"),
        lambda document: document.update(schema=1),
        lambda document: document["wheels"].update(others=["-e ."]),
        lambda document: document["wheels"]["files"].pop(),
        lambda document: document["wheels"]["rest"].pop(),
        lambda document: document["wheels"].pop("rest"),
        lambda document: document["wheels"].update(others=["numpy<2"]),
        lambda document: document["wheels"]["files"][0].update(sha256="0" * 64),
    ],
    ids=[
        *("hash", "wheels", "schema", "words"),
        *("a wheel left out", "one of the rest", "all the rest", "one more", "other hash"),
    ],
)
def test_an_altered_plan_is_not_carried_out(wheel_lab, lab_env, plan, replay, alter):
    document = json.loads((plan / "plan.json").read_text())
    alter(document)
    (plan / "plan.json").write_text(json.dumps(document))
    assert isinstance(replay(plan).error, PlanAltered)
    assert wheel_lab.first.requests == wheel_lab.index.requests == []
