"""Saving a plan: what goes into it, what stays out, where it may be written."""

from __future__ import annotations

import errno
import os
import re
import shutil
from urllib.request import urlopen

import pytest
from support.files import contents
from support.planning import ASK, CPU, TOKEN, conda_meta, draft

from conda_torchmirror.envfiles.disk.windows import try_writing
from conda_torchmirror.envfiles.file_io import write_folder
from conda_torchmirror.exceptions.mirror import CannotWrite
from conda_torchmirror.exceptions.plan import (
    PlanFolderTaken,
    PlanWithoutAddress,
)
from conda_torchmirror.handover import disk_space, solve
from conda_torchmirror.models import (
    Choice,
    CondaStep,
    Decision,
    Machine,
    Plan,
    Records,
    Request,
)
from conda_torchmirror.plans import saved_plan

pytest_plugins = ("support.planning_fixtures",)


def test_an_existing_environment_goes_into_the_plan_whole(
    mirrored, conda_in_process, run_conda, sandbox, elsewhere, tmp_path
):
    mirrored(channels=["conda-forge"])
    prefix, folder = tmp_path / "env", tmp_path / "plan"
    conda_in_process("create", "-y", "-q", "-p", prefix, "python=3.11", "tqdm").ok()
    before = conda_meta(prefix)
    words = ("-p", prefix, "--cuda", "cpu", "pytorch=2.1.0")
    conda_in_process("torch-install", "--save-plan", folder, *words, "--download-only").ok()
    assert conda_meta(prefix) == before
    plan = saved_plan.load(folder)
    assert {"tqdm", "python", "pytorch"} <= {package["name"] for package in plan.packages}
    conda_in_process("torch-install", "-y", "-q", *words).ok()

    there, variables = elsewhere(sandbox.pkgs)
    replay = ("torch-install", "--offline", "--plan", folder)
    run_conda(*replay, "-n", "new", env=variables).ok()
    assert conda_meta(there.envs / "new") == conda_meta(prefix)
    # And into an environment that has a part of it.
    shutil.rmtree(prefix)
    conda_in_process("create", "-y", "-q", "-p", prefix, "--offline", "python=3.11", "tqdm").ok()
    conda_in_process(*replay, "-p", prefix).ok()
    assert conda_meta(prefix) == conda_meta(there.envs / "new")


def test_a_leftover_cpuonly_is_left_out_of_a_plan(mirrored, conda_in_process, sandbox, tmp_path):
    prefix, folder = tmp_path / "env", tmp_path / "plan"
    words = ("create", "-y", "-q", "-p", prefix, "-c", "pytorch", "python=3.12", "cpuonly")
    conda_in_process(*words).ok()
    for option in (("--save-plan", folder), ("--download-only",), ("--urls", "--solve")):
        result = conda_in_process("torch-install", "-y", "-p", prefix, *option, *ASK).ok()
        assert "/cpuonly-" not in result.stdout
    assert "cpuonly-2.0-0.json" in conda_meta(prefix)
    plan = saved_plan.load(folder)
    assert "cpuonly" not in {package["name"] for package in plan.packages}
    assert "cpuonly" in plan.removed
    # It makes a new environment; in this one, what it leaves out leaves.
    replay = ("torch-install", "-y", "-q", "--plan", folder)
    conda_in_process(*replay, "-n", "new").ok()
    assert not [name for name in conda_meta(sandbox.envs / "new") if name.startswith("cpuonly-")]
    conda_in_process(*replay, "-p", prefix).ok()
    assert conda_meta(prefix) == conda_meta(sandbox.envs / "new")


@pytest.mark.parametrize("secret", [f"/t/{TOKEN}", "me:h1dden-pw@"], ids=["token", "password"])
def test_secrets_stay_out_of_a_plan_which_works_where_they_are_known(
    make_mirror, channels, condarc, conda_in_process, run_conda, elsewhere, tmp_path, secret
):
    token = secret if secret.startswith("/") else ""
    server = make_mirror(channels, {"conda-forge": token, "pytorch": token})
    base = server.url if token else server.url.replace("//", f"//{secret}")
    private = f"{base}{token}/conda-forge"
    names = ("pytorch", "nvidia", "conda-forge")
    settings = {
        "channels": [private],
        "custom_channels": dict.fromkeys(names, f"{base}{token}"),
    }
    condarc(**settings)
    folder = tmp_path / "plan"
    words = ("--save-plan", folder, *CPU, "tqdm")
    result = conda_in_process("torch-install", *words).ok()
    assert "was read with a token or password" in " ".join(result.stdout.split())
    written = "".join(path.read_text() for path in folder.iterdir())
    for text in (written, result.stdout, result.stderr):
        assert TOKEN not in text
        assert "h1dden" not in text
    urls = [package["url"] for package in saved_plan.load(folder).packages]
    known = (f"{server.url}/conda-forge/", f"{server.url}/pytorch/")
    assert all(url.startswith(known) for url in urls)

    # Where the same channels are configured, the plan needs nothing else; then it is cached.
    there, variables = elsewhere(**{**settings, "channels": [private, "pytorch"]})
    server.requests.clear()
    run_conda("torch-install", "--plan", folder, "--download-only", env=variables).ok()
    assert len(server.asked(f"{token}/*.tar.bz2")) == len(urls)
    server.stop()
    words = ("torch-install", "--offline", "--plan", folder, "-n", "new")
    run_conda(*words, env=variables).ok()
    assert len(conda_meta(there.envs / "new")) == len(urls)


def test_a_folder_that_holds_something_else_is_left_alone(make_plan, conda_in_process, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "plan.json").write_text('{"kind": "of another tool"}')
    (tmp_path / "file").write_text("mine")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for name in ("mine", "other", "file"):
        # Known before anything is read from a channel.
        result = conda_in_process("torch-install", "--save-plan", tmp_path / name, *ASK)
        assert result.rc == 1
        assert "PlanFolderTaken" in result.stderr
        with pytest.raises(PlanFolderTaken):
            make_plan("filelock", folder=tmp_path / name)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("there", ["nothing", "empty", "plan", "below", "entered", "entered plan"])
def test_a_plan_is_saved_where_nothing_or_an_older_one_is(make_plan, tmp_path, there, monkeypatch):
    folder = tmp_path / "plan"
    if there in ("empty", "entered"):
        folder.mkdir()
    elif there in ("plan", "entered plan"):
        make_plan("filelock")
    elif there == "below":
        folder = tmp_path / "a" / "b"
    if there.startswith("entered"):
        monkeypatch.chdir(folder)
    plan = make_plan("sympy", "mpmath", folder=folder)
    assert saved_plan.load(folder) == plan
    assert sorted(os.listdir(folder.parent)) == [folder.name]
    if there.startswith("entered"):  # the folder that a shell stands in stays the same one
        assert sorted(os.listdir(os.curdir)) == ["explicit.txt", "plan.json"]


def test_what_goes_wrong_while_saving_leaves_the_older_plan(make_plan, tmp_path):
    plan = make_plan("filelock")
    files = {"explicit.txt": "", "no-folder/plan.json": ""}
    with pytest.raises(OSError, match="no-folder"):
        write_folder(plan.folder, files)
    assert saved_plan.load(plan.folder) == plan
    with pytest.raises(OSError, match="no-folder"):
        write_folder(tmp_path / "new", files)
    assert os.listdir(tmp_path) == ["plan"]


def test_json_of_saving_and_of_carrying_out(mirrored, conda_in_process, sandbox, tmp_path):
    mirrored(channels=["conda-forge"])
    folder = tmp_path / "plan"
    words = ("--save-plan", folder, *CPU)
    found = conda_in_process("torch-install", "--json", *words).ok().json()
    assert found["torchmirror"]["plan"] == saved_plan.load(folder).about
    found = conda_in_process("torch-install", "--json", "--plan", folder, "-n", "new").ok().json()
    assert found["success"]
    assert found["torchmirror"]["plan"]["folder"] == str(folder)
    assert len(conda_meta(sandbox.envs / "new")) == found["torchmirror"]["plan"]["packages"]


def test_a_package_without_an_address_cannot_be_planned(tmp_path):
    from conda.models.records import PackageRecord

    decision = Decision(
        machine=Machine("linux-64"),
        request=Request({}),
        choice=Choice((), "3.12"),
        records=Records((), "live"),
        plan=Plan((CondaStep("install", (), (), {}, "", ""),)),
        prefix="/env",
        dry_run=False,
    )
    record = PackageRecord(name="mine", version="1", build="0", build_number=0)
    found = solve.Transaction((record,), (), ())
    with pytest.raises(PlanWithoutAddress, match="mine"):
        draft(tmp_path / "new", decision, found)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["plan", "C#", "50%25 off", "安装 方案"])
def test_a_plan_with_its_packages_is_all_that_a_machine_without_a_network_needs(
    mirrored, conda_in_process, run_conda, elsewhere, tmp_path, name
):
    folder = tmp_path / name / "plan"
    words = ("torch-install", "--save-plan", folder, "--with-packages", *CPU, "pytorch")
    done = conda_in_process(*words).ok()
    said = " ".join(done.stdout.split())
    assert "The packages are in" in said
    assert said.lower().count("nothing was installed") == 1
    plan = saved_plan.load(folder)
    names = {package["fn"] for package in plan.packages}
    assert names <= {path.name for path in folder.iterdir()}
    # Another machine has nothing but the folder.
    there, variables = elsewhere()
    run_conda("torch-install", "--offline", "--plan", folder, "-n", "new", env=variables).ok()
    assert {name.split("-")[0] for name in conda_meta(there.envs / "new")}
    # Again, over the older one; without its packages that one is not overwritten.
    conda_in_process(*words).ok()
    refused = conda_in_process("torch-install", "--save-plan", folder, *CPU, "pytorch")
    assert (refused.rc, "PlanFolderTaken" in refused.stderr) == (1, True)
    (folder / "mine.txt").touch()
    refused = conda_in_process(*words)
    assert (refused.rc, "mine.txt" in refused.stderr) == (1, True)


def test_an_older_plan_and_its_packages_stay_until_the_new_packages_are_here(
    mirrored, mirror, conda_in_process, sandbox, tmp_path
):
    """They were gone once the new ones could not be downloaded."""
    folder = tmp_path / "plan"
    words = ("torch-install", "--save-plan", folder, "--with-packages", *CPU, "pytorch")
    conda_in_process(*words).ok()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    shutil.rmtree(sandbox.pkgs)
    # What is chosen is asked for before; that something else is lacking, the download finds out.
    lost = next(name for name in before if name.endswith(("conda", "bz2")) and "torch" not in name)
    mirror.fail(f"*/{lost}", "not_found")
    assert conda_in_process(*words).rc != 0
    assert mirror.asked(f"*/{lost}")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_that_cannot_be_written_is_told_before_the_download(
    mirrored, mirror, conda_in_process, tmp_path, monkeypatch
):
    place = tmp_path / "read-only"
    place.mkdir()

    def refuse(folder):
        if str(folder) == str(place):
            raise PermissionError(errno.EACCES, "no", str(folder))
        try_writing(folder)

    monkeypatch.setattr(disk_space, "try_writing", refuse)
    words = ("torch-install", "--save-plan", place / "plan", "--with-packages", *CPU, "pytorch")
    assert isinstance(conda_in_process(*words).error, CannotWrite)
    # Of a package only its first bytes were read, to see that the mirror has it.
    packages = [r for r in mirror.requests if r.path.endswith((".conda", ".tar.bz2"))]
    assert all("Range" in request.headers for request in packages)


def test_the_files_that_are_said_to_travel_are_all_that_another_machine_needs(
    mirrored, conda_in_process, run_conda, elsewhere, tmp_path
):
    """With a network the two of the plan; without one those of `--urls` too."""
    folder, taken = tmp_path / "plan", tmp_path / "taken"
    done = conda_in_process("torch-install", "--save-plan", folder, *CPU, "pytorch").ok()
    said = " ".join(done.stdout.split())
    named = re.search(r"copy the folder: (\S+) and (\S+) are all that it needs", said)
    assert named
    assert set(named.groups()) == {path.name for path in folder.iterdir()}
    assert f"put the files of `conda torch-install --plan {folder} --urls` into the folder" in said
    taken.mkdir()
    for name in named.groups():
        shutil.copy(folder / name, taken)
    there, variables = elsewhere()
    run_conda("torch-install", "--plan", taken, "-n", "new", env=variables).ok()
    assert conda_meta(there.envs / "new")

    urls = conda_in_process("torch-install", "--plan", folder, "--urls").ok().stdout.split()
    for url in urls:
        with urlopen(url) as answer:
            (taken / url.partition("#")[0].rpartition("/")[2]).write_bytes(answer.read())
    there, variables = elsewhere()
    run_conda("torch-install", "--offline", "--plan", taken, "-n", "new", env=variables).ok()
    assert len(conda_meta(there.envs / "new")) == len(urls)


def test_packages_go_with_a_plan_alone(conda_in_process):
    refused = conda_in_process("torch-install", "--with-packages", "--dry-run")
    assert (refused.rc, "goes with `--save-plan DIR`" in refused.stderr) == (2, True)


def test_a_solver_that_does_not_tell_what_it_found_is_named(
    mirrored, conda_in_process, monkeypatch, tmp_path
):
    from conda.base.context import context
    from conda.core.solve import Solver
    from conda.exceptions import DryRunExit
    from conda.plugins import hookimpl
    from conda.plugins.types import CondaSolver

    class Silent(Solver):
        def solve_for_transaction(self, *of, **more):
            raise DryRunExit

    class Plugin:
        @hookimpl
        def conda_solvers(self):
            yield CondaSolver(name="silent", backend=Silent)

    plugin, words = Plugin(), ("torch-install", "--save-plan", tmp_path / "plan", *CPU, "pytorch")
    context.plugin_manager.register(plugin, name="silent")
    # Not by `--solver`, whose choices conda remembers from the first command of a process.
    monkeypatch.setenv("CONDA_SOLVER", "silent")
    try:
        refused = conda_in_process(*words)
    finally:
        context.plugin_manager.unregister(plugin)
    assert refused.rc == 1
    assert "the solver `silent` ended without telling what it found" in refused.words
    assert not (tmp_path / "plan").exists()
    conda_in_process(*words, "--solver", "classic").ok()


def test_a_dry_run_leaves_the_plan_that_is_there(mirrored, sandbox, conda_in_process, tmp_path):
    """It was replaced, below the line that nothing was changed."""
    folder = tmp_path / "plan"
    conda_in_process("torch-install", "--save-plan", folder, *CPU).ok()
    before = contents(folder)
    words = ("torch-install", "--save-plan", folder, "--with-packages", *ASK, "--dry-run")
    said = conda_in_process(*words).ok().words
    assert f"Not saved in {folder}, because of --dry-run: a plan of " in said
    assert "Plan saved" not in said
    assert "--plan" not in said
    assert contents(folder) == before
    conda_in_process("torch-install", "--save-plan", tmp_path / "other", *CPU, "--dry-run").ok()
    assert not (tmp_path / "other").exists()
