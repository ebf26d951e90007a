"""Deciding for machines that are elsewhere: their facts as files, one plan for those that need the
same."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stubs import Card, build, needs_compiler, variables
from support import both_channels, fleet_channels
from support.channels import write_index
from support.machine_files import LAB, write

from conda_torchmirror.machine.facts import parse
from conda_torchmirror.plans import saved_plan

pytest_plugins = ("support.planning_fixtures", "support.torch_fixtures")

PREVIEW = ("torch-install", "--dry-run", "--offline")
CHANNEL = ("--source", "pytorch", "--python", "3.12", "pytorch", "torchvision")


@pytest.fixture
def lab(tmp_path) -> dict[str, Path]:
    """Files of machines by name."""
    return {name: write(tmp_path, name) for name in LAB}


# Writing them.


def test_the_facts_of_this_machine_need_no_torch(conda_in_process) -> None:
    done = conda_in_process("torch-verify", "--facts").ok()
    found = parse(done.stdout.encode())
    assert found.machine.python is None
    assert json.loads(done.stdout)["subdir"] == found.machine.subdir
    assert (
        conda_in_process("torch-verify", "--facts", "--json").ok().stdout.splitlines()[1:3]
        == (done.stdout.splitlines()[1:3])
    )


def test_with_an_environment_its_python_is_among_them(conda_in_process, env_of) -> None:
    prefix = env_of("python=3.11")
    done = conda_in_process("torch-verify", "--facts", "-p", prefix).ok()
    assert parse(done.stdout.encode()).machine.python == "3.11"
    refused = conda_in_process("torch-verify", "--facts", "-p", str(prefix) + "-none")
    assert (refused.rc, "EnvironmentMissing" in refused.stderr) == (1, True)


@pytest.mark.parametrize("subdir", ["klingon-64", "zos-z", "emscripten-wasm32"])
def test_facts_that_no_command_reads_are_not_written(condarc, sandbox, conda_in_process, subdir):
    condarc(subdir=subdir)
    refused = conda_in_process("torch-verify", "--facts", "--json")
    assert (refused.rc, refused.json()["exception_name"]) == (1, "UndescribedPlatform")
    [hint] = refused.json()["guidance"]["hints"]
    assert hint["text"] == f"correct or remove `subdir` in {sandbox.condarc}"
    condarc()
    conda_in_process("torch-verify", "--facts").ok()


@pytest.mark.parametrize("option", [("--require-gpu",), ("--report", "x")])
def test_facts_are_no_check(conda_in_process, option) -> None:
    refused = conda_in_process("torch-verify", "--facts", *option)
    assert refused.rc == 2
    assert "contradict" in refused.stderr


@needs_compiler
def test_a_gpu_is_among_the_facts(run_conda, monkeypatch, tmp_path) -> None:
    """Of a driver that is a stand-in, in a process of its own."""
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA")
    libraries = build(tmp_path)
    env = variables(libraries, [Card("NVIDIA A100", 80)])
    done = run_conda("torch-verify", "--facts", env=env).ok()
    found = parse(done.stdout.encode()).machine
    assert (found.cuda, found.cuda_arch) == ("12.4", "8.0")
    assert [tuple(gpu) for gpu in found.gpus] == [("NVIDIA A100", "8.0")]


# One machine.


def test_a_preview_for_another_machine(conda_in_process, lab) -> None:
    done = conda_in_process(*PREVIEW, "--machine", lab["kepler"], "--json").ok()
    about = json.loads(done.stdout)["torchmirror"]
    assert about["machine"]["cuda_from"] == "--machine"
    assert about["machine"]["gpus"] == LAB["kepler"]["gpus"]
    assert (about["selected"]["source"], about["selected"]["cuda"]) == ("pytorch", "11.8")
    assert [w["code"] for w in about["warnings"]].count("machine.described") == 1


def test_a_machine_of_another_platform(conda_in_process, tmp_path) -> None:
    file = write(tmp_path, "ampere", subdir="win-64", glibc=None)
    done = conda_in_process(*PREVIEW, "--machine", file, "--json", *CHANNEL).ok()
    about = json.loads(done.stdout)["torchmirror"]
    assert about["machine"]["subdir"] == "win-64"
    assert {build["subdir"] for build in about["selected"]["builds"]} == {"win-64"}
    # And the next command is for this one again.
    after = conda_in_process(*PREVIEW, "--cuda", "cpu", "--json").ok()
    assert json.loads(after.stdout)["torchmirror"]["machine"]["subdir"] == "linux-64"


def test_what_is_typed_wins_and_is_said(conda_in_process, lab) -> None:
    words = ("--machine", lab["ampere"], "--cuda", "11.8", "--platform", "win-64")
    done = conda_in_process(*PREVIEW, *words, *CHANNEL).ok()
    said = " ".join(done.stdout.split())
    assert "PyTorch 2.5.1 for CUDA 11.8, Python 3.12, win-64" in said
    assert "`--cuda 11.8` takes the place of 12.4, which" in said
    assert "`--platform win-64` takes the place of linux-64, which" in said


def test_a_list_for_another_machine(conda_in_process, lab) -> None:
    done = conda_in_process("torch-install", "--list", "--offline", "--machine", lab["kepler"]).ok()
    assert "2.3.1" in done.stdout


def test_wheels_for_another_machine(conda_in_process, lab) -> None:
    words = ("--source", "wheels", "--python", "3.12", "--machine", lab["kepler"])
    done = conda_in_process(*PREVIEW, *words, "--json").ok()
    about = json.loads(done.stdout)["torchmirror"]
    assert about["selected"]["cuda"] == "11.8"
    assert [warning["code"] for warning in about["warnings"]].count("machine.described") == 1


def test_what_a_refusal_offers_is_for_that_machine_too(conda_in_process, lab) -> None:
    words = ("--machine", lab["kepler"], "--python", "3.12", "pytorch=1.10")
    refused = conda_in_process(*PREVIEW, *words, "--source", "pytorch", "--json")
    assert refused.rc == 1
    hints = json.loads(refused.stdout)["guidance"]["hints"]
    codes = {h["hint_code"] for h in hints if "`conda torch-install" in h["text"]}
    assert {"use_python", "see_list"} <= codes
    for hint in hints:
        if "`conda torch-install" in hint["text"]:
            assert f"--machine {lab['kepler']}" in hint["text"]
    assert "machine.described" not in {hint["hint_code"] for hint in hints}


@pytest.mark.parametrize(
    ("content", "cause"),
    [("", "it is empty"), ("{}", "is not what"), ("cuda: 12.4", "no JSON")],
)
def test_a_file_without_facts_is_an_error_that_says_why(
    conda_in_process, tmp_path, content, cause
) -> None:
    file = tmp_path / "odd.json"
    file.write_text(content)
    refused = conda_in_process(*PREVIEW, "--machine", file)
    said = " ".join(refused.stderr.split())
    assert refused.rc == 1
    assert cause in said
    assert "`conda torch-verify --facts > FILE`" in said


def test_a_saved_plan_says_what_it_was_decided_by(mirrored, conda_in_process, lab, tmp_path):
    """The solver sees that machine's virtual packages: the plan has CUDA, and this has none."""
    folder = tmp_path / "plan"
    words = ("--machine", lab["ampere"], "--save-plan", folder, *CHANNEL)
    done = conda_in_process("torch-install", *words).ok()
    assert "decided by the facts in" in " ".join(done.stdout.split())
    plan = saved_plan.load(folder)
    assert plan.decision["machine"]["cuda"] == "12.4"
    assert plan.decision["selected"]["cuda"] == "12.4"


def test_an_installation_for_another_machine_goes_into_an_environment_here(
    mirrored, conda_in_process, lab, sandbox
):
    """As on shared storage; the check after it is of what is here, which has no GPU."""
    words = ("-y", "-n", "shared", "--machine", lab["ampere"], "--no-check", *CHANNEL)
    conda_in_process("torch-install", *words).ok()
    names = {path.name for path in (sandbox.envs / "shared" / "conda-meta").glob("pytorch-*.json")}
    assert any("cuda12.4" in name for name in names), names


# Several machines.


def test_machines_that_need_the_same_have_one_plan(conda_in_process, lab) -> None:
    done = conda_in_process(*PREVIEW, "--machine", *lab.values(), "--json", *CHANNEL).ok()
    document = json.loads(done.stdout)
    plans = {plan["name"]: plan for plan in document["torchmirror"]["plans"]}
    named = {name: {Path(f).stem for f in plan["machines"]} for name, plan in plans.items()}
    assert named == {
        "cuda12.4": {"ampere", "ada"},
        "cuda11.8": {"kepler"},
        "cpu": {"login"},
    }
    assert document["success"] is True
    assert plans["cuda12.4"]["machine"]["cuda_arch"] == "8.6"  # what both have
    text = conda_in_process(*PREVIEW, "--machine", *lab.values(), *CHANNEL).ok().stdout
    assert text.startswith("These 4 machines need 3 plans:\n")


@pytest.fixture
def two(tmp_path) -> tuple[Path, ...]:
    """Machines that need two plans of what the channels here have."""
    gpus = (write(tmp_path, name, python="3.12") for name in ("ampere", "ada"))
    return (*gpus, write(tmp_path, "login", python="3.11"))


def test_each_plan_is_saved_in_a_folder_of_its_name(
    mirrored, conda_in_process, two, tmp_path, sandbox
):
    parent = tmp_path / "plans"
    words = ("--machine", *two, "--save-plan", parent, "--source", "pytorch", "pytorch")
    done = conda_in_process("torch-install", *words).ok()
    assert sorted(path.name for path in parent.iterdir()) == ["cpu", "cuda12.4"]
    for name, cuda in (("cpu", None), ("cuda12.4", "12.4")):
        plan = saved_plan.load(parent / name)
        assert plan.decision["selected"]["cuda"] == cuda
        torch = next(p for p in plan.packages if p["name"] == "pytorch")
        assert ("cpu" if cuda is None else f"cuda{cuda}") in torch["build"]
    assert "PLAN" in done.stdout
    # Again, over what is there; and a plan works.
    conda_in_process("torch-install", *words).ok()
    conda_in_process("torch-install", "-y", "--plan", parent / "cpu", "-n", "new").ok()
    assert list((sandbox.envs / "new" / "conda-meta").glob("pytorch-*.json"))


def test_a_folder_in_the_way_stops_before_anything_is_solved(
    mirrored, conda_in_process, two, tmp_path
):
    taken = tmp_path / "plans" / "cuda12.4"
    taken.mkdir(parents=True)
    (taken / "mine.txt").touch()
    words = ("--machine", *two, "--save-plan", tmp_path / "plans")
    words += ("--source", "pytorch", "pytorch")
    refused = conda_in_process("torch-install", *words)
    assert (refused.rc, "PlanFolderTaken" in refused.stderr) == (1, True)
    assert [path.name for path in (tmp_path / "plans").iterdir()] == ["cuda12.4"]


def test_a_machine_that_nothing_fits_does_not_stop_the_others(conda_in_process, lab, tmp_path):
    old = write(tmp_path, "kepler", cuda="9.0", driver="384.81")
    machines = (lab["ampere"], old)
    done = conda_in_process(*PREVIEW, "--machine", *machines, "--json", *CHANNEL, "pytorch=2.5")
    about = json.loads(done.stdout)["torchmirror"]
    assert (done.rc, json.loads(done.stdout)["success"]) == (1, False)
    assert [plan["machines"] for plan in about["plans"]] == [[str(lab["ampere"])]]
    assert about["failed"][0]["machines"] == [str(old)]
    assert about["failed"][0]["error"]["exception_name"] == "NoFittingBuild"
    text = conda_in_process(*PREVIEW, "--machine", *machines, *CHANNEL, "pytorch=2.5")
    assert text.rc == 1
    assert f"No plan for {old}" in " ".join(text.stderr.split())


@pytest.fixture
def unsolvable(condarc, make_mirror, tmp_path) -> tuple[Path, Path]:
    """Machines for one of which the channels lack something that its build asks for."""
    root = fleet_channels.build(tmp_path / "channels")
    index = root / "nvidia" / "linux-64" / "repodata.json"
    found = json.loads(index.read_text())
    kept = {fn: one for fn, one in found["packages"].items() if "cudart-11.8" not in fn}
    write_index(index.parent, {**found, "packages": kept})
    site = make_mirror(root, dict.fromkeys(("pytorch", "conda-forge", "nvidia"), "cloud"))
    condarc(custom_channels=site.custom_channels(), channels=["conda-forge"], default_channels=[])
    pascal = [{"name": "Tesla P4", "arch": "6.1"}]
    old = write(tmp_path, "kepler", cuda_arch="6.1", gpus=pascal)
    return write(tmp_path, "ampere"), old


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_a_plan_that_cannot_be_solved_does_not_stop_the_others(
    unsolvable, run_conda, tmp_path, as_json
) -> None:
    parent = tmp_path / "plans"
    words = ("--machine", *unsolvable, "--save-plan", parent, "--source", "pytorch", "pytorch")
    done = run_conda("torch-install", *words, *(("--json",) if as_json else ()))
    assert done.rc == 1
    assert [path.name for path in parent.iterdir()] == ["cuda12.4"]
    saved_plan.load(parent / "cuda12.4")
    if as_json:
        about = done.json()["torchmirror"]
        assert [plan["name"] for plan in about["plans"]] == ["cuda12.4"]
        [failed] = about["failed"]
        assert failed["machines"] == [str(unsolvable[1])]
        assert "nsatisfiable" in failed["error"]["exception_name"]
    else:
        assert f"No plan for {unsolvable[1]}" in done.words
        assert "nsatisfiable" in done.stderr
        assert "Traceback" not in done.stderr


def test_where_no_plan_can_be_solved_that_is_the_error(unsolvable, conda_in_process, tmp_path):
    _, old = unsolvable
    other = write(tmp_path, "ada", **json.loads(old.read_text()) | {"glibc": "2.30"})
    words = ("--machine", old, other, "--save-plan", tmp_path / "plans")
    refused = conda_in_process("torch-install", *words, "--source", "pytorch", "pytorch")
    assert refused.rc == 1
    assert "nsatisfiable" in refused.stderr
    assert not (tmp_path / "plans").exists()


def test_a_file_is_one_machine_by_whatever_name(conda_in_process, lab, tmp_path) -> None:
    there = lab["ampere"]
    (tmp_path / "link.json").symlink_to(there)
    again = there.parent / "." / "x" / ".." / there.name
    (there.parent / "x").mkdir()
    names = (there, str(again), tmp_path / "link.json")
    done = conda_in_process(*PREVIEW, "--machine", *names, "--json", *CHANNEL).ok()
    assert "plans" not in json.loads(done.stdout)["torchmirror"]


def test_files_of_the_same_name_are_told_apart(conda_in_process, lab, tmp_path) -> None:
    (tmp_path / "room").mkdir()
    other = lab["kepler"].rename(tmp_path / "room" / "ampere.json")
    machines = (lab["ampere"], other, lab["login"])
    told = conda_in_process(*PREVIEW, "--machine", *machines, *CHANNEL).ok().stdout
    assert f"cuda12.4: {lab['ampere']}" in told
    assert f"cuda11.8: {other}" in told
    assert "cpu: login.json" in told


def test_a_run_that_is_killed_between_two_folders_is_finished_by_the_next(
    mirrored, conda_in_process, two, tmp_path
):
    """With packages, which are copied after the plan is written."""
    parent = tmp_path / "plans"
    words = ("--machine", *two, "--save-plan", parent, "--with-packages", "--source", "pytorch")
    command = [sys.executable, "-m", "conda", "torch-install", *map(str, words), "pytorch"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(parent.glob("*/plan.json")) and child.poll() is None:
        time.sleep(0.01)
    child.kill()
    child.wait()
    for begun in parent.glob("*/plan.json"):
        saved_plan.load(begun.parent)  # what is there is whole
    conda_in_process("torch-install", *words, "pytorch").ok()
    for name in ("cpu", "cuda12.4"):
        plan = saved_plan.load(parent / name)
        there = {path.name for path in (parent / name).iterdir()}
        assert there == {"plan.json", "explicit.txt", *(p["fn"] for p in plan.packages)}


def test_the_files_of_all_plans_are_listed_once(conda_in_process, lab) -> None:
    machines = (lab["ampere"], lab["ada"], lab["kepler"])
    words = ("torch-install", "--urls", "--offline", "--machine", *machines)
    done = conda_in_process(*words, *CHANNEL).ok()
    lines = done.stdout.split()
    assert len(set(lines)) == len(lines)
    assert sum("/pytorch-2" in line for line in lines) == 2


@pytest.mark.parametrize(
    "words",
    [
        ("-y", "-n", "new"),
        ("--list",),
        ("--download-only",),
        ("--dry-run", "--solve"),
        ("--dry-run", "--print", "conda"),
    ],
    ids=" ".join,
)
def test_what_is_for_one_machine_is_refused_for_several(conda_in_process, lab, words) -> None:
    refused = conda_in_process("torch-install", *words, "--machine", *lab.values())
    assert refused.rc == 2
    assert "with 4 files goes with" in " ".join(refused.stderr.split())


def test_specs_may_stand_behind_the_files(conda_in_process, lab, tmp_path) -> None:
    """The option takes any number of files, and swallowed the spec behind them."""
    (tmp_path / "torch").write_bytes(lab["ada"].read_bytes())
    for file in (lab["ada"], tmp_path / "torch"):
        words = ("--python", "3.12", "--json", "--machine", file, "pytorch=2.4", "tqdm")
        found = conda_in_process(*PREVIEW, *words).ok().json()["torchmirror"]
        assert found["selected"]["builds"][0]["version"] == "2.4.1"
        assert "tqdm" in found["specs"]
    refused = conda_in_process(*PREVIEW, "--machine", lab["ada"], "lost.json", "pytorch=2.4")
    assert (refused.rc, "lost.json cannot be read" in refused.stderr) == (1, True)


def test_a_plan_takes_no_machine(conda_in_process, lab, tmp_path) -> None:
    refused = conda_in_process("torch-install", "--plan", tmp_path, "--machine", lab["ada"])
    assert (refused.rc, "--machine" in refused.stderr) == (2, True)


def test_a_driver_that_another_plan_was_solved_for_is_forgotten(
    condarc, conda_in_process, make_mirror, lab, tmp_path
):
    """conda keeps the CUDA that it first saw; conda-forge's records ask for it."""
    built = both_channels.build(tmp_path / "indexes")
    site = make_mirror(built, dict.fromkeys(("pytorch", "conda-forge", "nvidia"), "anaconda/cloud"))
    condarc(custom_channels=site.custom_channels(), channels=["conda-forge"])
    machines = (lab["login"], lab["ampere"])
    words = ("--machine", *machines, "--dry-run", "--json", "--source", "conda-forge")
    done = conda_in_process("torch-install", *words).ok()
    cudas = [plan["selected"]["cuda"] for plan in json.loads(done.stdout)["torchmirror"]["plans"]]
    assert cudas[0] is None
    assert str(cudas[1]).startswith("12.")
