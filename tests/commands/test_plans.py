"""Saved plans: written on one machine, carried out on another, refused where they must be."""

from __future__ import annotations

import ast
import json
import os
import shutil

import pytest
from conda.models.match_spec import MatchSpec
from support.lab import entry
from support.planning import ASK, CPU, conda_meta, rewrite
from support.prefixes import installed

pytest_plugins = ("support.planning_fixtures",)


def index(channels):
    """The records that the servers have, by file name."""
    found = {}
    for path in channels.rglob("repodata.json"):
        repodata = json.loads(path.read_text(encoding="utf-8"))
        found.update({**repodata["packages"], **repodata["packages.conda"]})
    return found


def test_carried_out_on_another_machine_without_gpu_or_network(
    mirrored, mirror, upstream, channels, run_conda, sandbox, elsewhere, tmp_path
):
    mirrored(channels=["conda-forge"])
    folder, prefix = tmp_path / "plan", tmp_path / "here"
    told = run_conda("torch-install", "--save-plan", folder, *ASK).ok().stdout
    assert sorted(os.listdir(folder)) == ["explicit.txt", "plan.json"]
    assert "Nothing was installed" in told
    assert not sandbox.envs.exists()

    found = json.loads((folder / "plan.json").read_text())
    records = index(channels)
    lines = (folder / "explicit.txt").read_text().partition("@EXPLICIT\n")[2].splitlines()
    assert len(lines) == len(found["packages"]) > 50
    for line, package in zip(lines, found["packages"], strict=True):
        url, _, md5 = line.partition("#")
        real = records[url.rpartition("/")[2]]
        assert md5 == real["md5"]
        assert (package["size"], package["sha256"]) == (real["size"], real["sha256"])
    assert found["total_download"] == sum(package["size"] for package in found["packages"])
    assert found["torchmirror"]["selected"]["cuda"] == "12.4"
    names = [package["name"] for package in found["packages"]]
    assert names.index("python") < names.index("pytorch") < names.index("torchvision")

    for server in (mirror, upstream):
        server.requests.clear()
    run_conda("torch-install", "--plan", folder, "--download-only").ok()
    asked = [path for server in (mirror, upstream) for path in server.asked()]
    assert len(asked) == len(lines) == len(set(asked))
    run_conda("torch-install", "-y", "-q", "-p", prefix, *ASK).ok()

    mirror.stop()
    upstream.stop()
    there, variables = elsewhere(sandbox.pkgs)
    words = ("torch-install", "--offline", "--plan", folder, "-n", "new")
    result = run_conda(*words, env=variables).ok()
    assert conda_meta(there.envs / "new") == conda_meta(prefix)
    assert "nothing has to be downloaded" in result.stdout
    assert "no NVIDIA driver was found here" in result.stdout


def test_conda_itself_takes_the_explicit_file(make_plan, mirror, conda_in_process, tmp_path):
    plan = make_plan("filelock", "python")
    conda_in_process(
        "create", "-y", "-q", "-p", tmp_path / "env", "--file", plan.folder / "explicit.txt"
    ).ok()
    assert sorted(conda_meta(tmp_path / "env")) == [
        "filelock-3.16.1-stub_0.json",
        f"python-{plan.packages[1]['version']}-stub_0_cpython.json",
    ]
    assert len(mirror.asked("*/filelock-*")) == 1


@pytest.mark.parametrize("source", ["wheels", "conda-forge", "no-such-source"])
def test_a_setting_of_the_source_plays_no_part(
    make_plan, conda_in_process, tmp_path, monkeypatch, source
):
    plan = make_plan("filelock")
    monkeypatch.setenv("CONDA_PLUGINS_TORCHMIRROR_SOURCE", source)
    conda_in_process("torch-install", "-p", tmp_path / "env", "--plan", plan.folder).ok()
    assert list(conda_meta(tmp_path / "env")) == ["filelock-3.16.1-stub_0.json"]


def test_what_the_channel_says_survives_a_replay(make_plan, channels, conda_in_process, tmp_path):
    # A channel may correct what a package says of itself; from a bare URL conda would not know.
    plan = make_plan("filelock")
    folder = plan.folder
    corrected = {**plan.packages[0], "depends": ["python >=3.9"]}
    document = json.loads((folder / "plan.json").read_text())
    rewrite(folder, {**document, "packages": [corrected]})
    conda_in_process("torch-install", "-p", tmp_path / "env", "--plan", folder).ok()
    (record,) = conda_meta(tmp_path / "env").values()
    assert record["depends"] == ["python >=3.9"]
    assert record["sha256"] == plan.packages[0]["sha256"]


@pytest.mark.parametrize("download_only", [False, True], ids=["install", "download"])
def test_another_platform_is_refused(make_plan, run_conda, tmp_path, download_only):
    folder = make_plan("filelock").folder
    words = ["torch-install", "-p", tmp_path / "env", "--plan", folder]
    words += ["--download-only"] if download_only else []
    result = run_conda(*words, env={"CONDA_SUBDIR": "win-64"})
    assert result.rc == 1
    assert "the plan is for linux-64, and this is win-64" in result.stderr
    # One of the same things: without them, another set would be saved.
    assert "`conda torch-install pytorch --platform win-64 --save-plan DIR`" in result.words
    assert not (tmp_path / "env").exists()


def test_the_cache_can_be_filled_for_another_platform(make_plan, conda_in_process, sandbox):
    folder = make_plan("vc", subdir="win-64").folder
    words = ("torch-install", "--plan", folder, "--platform", "win-64", "--download-only")
    conda_in_process(*words).ok()
    assert (sandbox.pkgs / "vc-14.40-stub_0").is_dir()


def test_offline_without_the_files_says_which_and_what_to_do(make_plan, conda_in_process, tmp_path):
    folder = make_plan("filelock", "python").folder
    conda_in_process("torch-install", "-p", tmp_path / "env", "--plan", folder).ok()
    folder = make_plan("filelock", "python", "sympy").folder
    prefix = tmp_path / "other"
    result = conda_in_process("torch-install", "-p", prefix, "--offline", "--plan", folder)
    assert result.rc == 1
    assert "1 of the plan's 3 packages" in result.stderr
    assert "sympy-1.13.3-stub_0.tar.bz2" in result.stderr
    assert "--download-only" in result.stderr
    assert not prefix.exists()


def test_files_of_a_download_manager_beside_the_plan(
    make_plan, mirror, channels, conda_in_process, tmp_path, sandbox
):
    plan = make_plan("filelock", "sympy", "mpmath")
    forge = channels / "conda-forge" / "noarch"
    shutil.copy(forge / "filelock-3.16.1-stub_0.tar.bz2", plan.folder)
    sandbox.pkgs.mkdir()
    shutil.copy(forge / "sympy-1.13.3-stub_0.tar.bz2", sandbox.pkgs)
    damaged = bytearray((forge / "mpmath-1.3.0-stub_0.tar.bz2").read_bytes())
    damaged[100] ^= 1
    (plan.folder / "mpmath-1.3.0-stub_0.tar.bz2").write_bytes(damaged)
    result = conda_in_process("torch-install", "-p", tmp_path / "env", "--plan", plan.folder).ok()
    assert "to be downloaded: 1 (" in result.words
    assert (
        f"mpmath-1.3.0-stub_0.tar.bz2 in {plan.folder} is not the file of the plan" in result.words
    )
    assert mirror.asked("*.tar.bz2") == [
        "/anaconda/cloud/conda-forge/noarch/mpmath-1.3.0-stub_0.tar.bz2"
    ]
    found = conda_meta(tmp_path / "env")
    assert [record["url"] for record in found.values()] == [
        next(p["url"] for p in plan.packages if p["name"] == record["name"])
        for record in found.values()
    ]


def test_the_urls_of_a_plan(make_plan, conda_in_process):
    plan = make_plan("filelock", "python")
    result = conda_in_process("torch-install", "--plan", plan.folder, "--urls").ok()
    expected = [f"{p['url']}#sha256={p['sha256']}" for p in plan.packages]
    assert result.stdout.splitlines() == expected
    assert str(plan.folder) in result.stderr


def test_what_the_plan_removed_is_not_left_in(make_plan, conda_in_process, tmp_path):
    prefix = tmp_path / "env"
    conda_in_process("create", "-y", "-q", "-p", prefix, "six").ok()
    folder = make_plan("filelock", removed=["six"]).folder
    result = conda_in_process("torch-install", "-y", "-p", prefix, "--plan", folder).ok()
    assert "leaves the environment what the plan does without: six" in result.words
    assert not list((prefix / "conda-meta").glob("six-*"))
    assert list((prefix / "conda-meta").glob("filelock-*"))


@pytest.mark.parametrize(
    "words",
    [("pytorch=2.3",), ("--cuda", "12.1"), ("--python", "3.11"), ("--save-plan", "x"), ("--list",)],
    ids=["spec", "cuda", "python", "save", "list"],
)
def test_a_plan_goes_with_no_option_that_chooses(make_plan, conda_in_process, words):
    folder = make_plan("filelock").folder
    result = conda_in_process("torch-install", "--plan", folder, *words)
    assert result.rc == 2
    assert "decided when the plan was saved" in result.stderr


def test_a_dry_run_only_shows_the_plan(make_plan, mirror, conda_in_process, tmp_path, sandbox):
    folder = make_plan("filelock", "python").folder
    words = ("torch-install", "-n", "new", "--plan", folder, "--dry-run")
    shown = conda_in_process(*words).ok().stdout
    assert "to be downloaded: 2 (" in " ".join(shown.split())
    assert shown.endswith("\nDry run: nothing was solved or changed.\n")
    found = conda_in_process(*words, "--json").ok().json()
    assert found["dry_run"]
    assert found["torchmirror"]["plan"]["packages"] == 2
    assert found["torchmirror"]["to_download"] == found["torchmirror"]["plan"]["total_download"] > 0
    assert found["torchmirror"]["selected"]["cuda"] == "12.4"
    assert mirror.asked("*.tar.bz2") == []
    assert not (sandbox.envs / "new").exists()


def test_default_packages_of_the_other_machine_stay_out(make_plan, run_conda, elsewhere, sandbox):
    folder = make_plan("filelock").folder
    run_conda("torch-install", "--plan", folder, "--download-only").ok()
    there, variables = elsewhere(sandbox.pkgs, create_default_packages=["tqdm"])
    words = ("torch-install", "--offline", "--plan", folder, "-n", "new")
    run_conda(*words, env=variables).ok()
    assert list(conda_meta(there.envs / "new")) == ["filelock-3.16.1-stub_0.json"]


def test_an_old_driver_is_said(make_plan, run_conda):
    folder = make_plan("filelock").folder
    words = ("torch-install", "--plan", folder, "--dry-run")
    result = run_conda(*words, env={"CONDA_OVERRIDE_CUDA": "11.8"}).ok()
    assert "the driver here runs only CUDA 11.8" in result.stdout
    result = run_conda(*words, env={"CONDA_OVERRIDE_CUDA": "12.1"}).ok()
    assert "driver" not in result.stdout


@pytest.mark.parametrize("words", [(), ("--dry-run",)], ids=["carried out", "preview"])
def test_pips_torch_stops_a_replay(make_plan, conda_in_process, tmp_path, words):
    prefix = tmp_path / "env"
    conda_in_process("create", "-y", "-q", "-p", prefix, "python=3.12").ok()
    info = prefix / "lib" / "python3.12" / "site-packages" / "torch-2.5.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.5.1\n")
    (info / "RECORD").write_text("torch/__init__.py,,\n")
    (info / "INSTALLER").write_text("pip\n")
    folder = make_plan("filelock").folder
    result = conda_in_process("torch-install", "-p", prefix, "--plan", folder, *words)
    assert result.rc == 1
    assert "PipTorch" in result.stderr


def test_an_administrators_list_of_channels_counts(make_plan, mirrored, conda_in_process, tmp_path):
    folder = make_plan("filelock").folder
    only = "https://conda.example/only"
    mirrored(channels=[only], allowlist_channels=[only])
    result = conda_in_process("torch-install", "-p", tmp_path / "env", "--plan", folder)
    assert result.rc == 1
    assert "Channel" in result.stderr
    assert not (tmp_path / "env").exists()
    mirrored(channels=["conda-forge"], allowlist_channels=["conda-forge"])
    conda_in_process("torch-install", "-p", tmp_path / "env", "--plan", folder).ok()


def test_a_plan_without_a_build_of_the_family_says_so(make_plan, conda_in_process):
    folder = make_plan("filelock").folder
    told = conda_in_process("torch-install", "--plan", folder, "--dry-run", "-n", "x").stdout
    assert "None of its packages is PyTorch or one that was chosen with it." in told
    assert not any(line.split()[:2] == ["package", "version"] for line in told.splitlines())


@pytest.mark.parametrize(
    ("channel", "configured"), [("conda-forge", "conda-forge"), ("pkgs/main", "defaults")]
)
def test_the_automatic_redirect_does_not_hide_what_is_cached(
    channel, configured, make_plan, mirror, condarc, run_conda, tmp_path
):
    # What conda calls the channel of a cached file changed between the look and the installation.
    folder = make_plan("filelock", base=mirror.channel_url(channel)).folder
    condarc(channels=[configured], plugins={"torchmirror_registry": entry(mirror)})
    run_conda("torch-install", "--plan", folder, "--download-only").ok()
    mirror.requests.clear()
    run_conda("torch-install", "--plan", folder, "-p", tmp_path / "env", "--offline").ok()
    assert list(conda_meta(tmp_path / "env")) == ["filelock-3.16.1-stub_0.json"]
    assert mirror.asked() == []


def test_what_a_plan_made_can_be_changed_afterwards(mirrored, conda_in_process, tmp_path):
    # Conda takes each file of a list for a request, and its solver then holds on to all of them.
    mirrored(channels=["conda-forge"])
    folder, prefix = tmp_path / "plan", tmp_path / "env"
    words = ("torch-install", "-y", "-q", "--no-check")
    conda_in_process(*words, "--save-plan", folder, *CPU, "conda-forge::tqdm").ok()
    conda_in_process(*words, "--plan", folder, "-p", prefix).ok()
    planned = installed(prefix)
    last = (prefix / "conda-meta" / "history").read_text().rpartition("# update specs: ")[2]
    asked = {MatchSpec(spec).name for spec in ast.literal_eval(last.strip())}
    assert asked == {"python", "pytorch", "tqdm"}
    conda_in_process(*words, "-p", prefix, "pytorch", "--cuda", "12.4").ok()
    assert "cpu" in planned["pytorch"]
    assert "cuda12.4" in installed(prefix)["pytorch"]


def test_a_second_run_says_as_planned_and_changes_nothing(
    make_plan, conda_in_process, mirror, tmp_path, sandbox
):
    folder = make_plan("filelock", "tqdm").folder
    words = ("torch-install", "-y", "--plan", folder, "-n", "new")
    first = json.loads(conda_in_process(*words, "--json").ok().stdout)
    assert first["torchmirror"]["changed"] is True
    history = (sandbox.envs / "new" / "conda-meta" / "history").read_text()
    asked = len(mirror.requests)
    preview = json.loads(conda_in_process(*words, "--json", "--dry-run").ok().stdout)
    assert preview["torchmirror"]["changed"] is False
    told = conda_in_process(*words).ok().stdout
    assert "is as planned; nothing is changed" in " ".join(told.split())
    second = json.loads(conda_in_process(*words, "--json").ok().stdout)
    assert (second["success"], second["torchmirror"]["changed"]) == (True, False)
    assert "as planned" in second["message"]
    assert (sandbox.envs / "new" / "conda-meta" / "history").read_text() == history
    assert len(mirror.requests) == asked
    # What was taken out since comes again.
    conda_in_process("remove", "-y", "-q", "--force", "-n", "new", "tqdm").ok()
    third = json.loads(conda_in_process(*words, "--json").ok().stdout)
    assert third["torchmirror"]["changed"] is True
    assert list((sandbox.envs / "new" / "conda-meta").glob("tqdm-*.json"))


def test_a_plan_with_another_build_is_not_as_planned(
    make_plan, conda_in_process, tmp_path, sandbox
):
    plan = make_plan("filelock")
    words = ("torch-install", "-y", "--json", "--plan", plan.folder, "-n", "new")
    conda_in_process(*words).ok()
    file = next((sandbox.envs / "new" / "conda-meta").glob("filelock-*.json"))
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "sha256": "0" * 64, "md5": "0" * 32}))
    again = json.loads(conda_in_process(*words, "--dry-run").ok().stdout)
    assert again["torchmirror"]["changed"] is True


def test_a_plan_of_pytorch_ends_with_the_check_each_time(make_plan, conda_in_process):
    """The packages here bring no Python, so that it has something to say."""
    words = ("torch-install", "-y", "--json", "--plan", make_plan("filelock").folder, "-n", "new")
    for changed in (True, False):
        done = conda_in_process(*words, check=True)
        about = json.loads(done.stdout)["torchmirror"]
        assert (done.rc, about["check"]["status"]) == (3, "broken")
        assert about["changed"] is changed
    assert json.loads(conda_in_process(*words).ok().stdout)["torchmirror"].get("check") is None


def test_a_pin_that_a_plan_does_not_meet_is_told_before(
    mirrored, conda_in_process, tmp_path, monkeypatch
):
    """Conda applies no pin where it is given files, and nothing said so."""
    mirrored(channels=["conda-forge"])
    folder, prefix = tmp_path / "plan", tmp_path / "here"
    conda_in_process("torch-install", "--save-plan", folder, *ASK).ok()
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta" / "history").touch()
    (prefix / "conda-meta" / "pinned").write_text("pytorch 1.*\nfilelock\nnumpy <1\n")
    words = ("torch-install", "--plan", folder, "-p", prefix)
    found = conda_in_process(*words, "--dry-run", "--json").ok().json()["torchmirror"]["warnings"]
    (told,) = (one["text"] for one in found if one["code"] == "plan_against_pins")
    assert "pytorch 2.5.1" in told
    assert "pytorch 1.* (conda-meta/pinned)" in told
    assert "filelock" not in told
    result = conda_in_process(*words, "-y").ok()
    assert "which pins of the environment keep out" in result.words
    for options in (("--no-pin",), ("--download-only",)):
        result = conda_in_process(*words, "-y", *options).ok()
        assert "pins of the environment" not in result.words


def test_the_steps_beside_a_plan_keep_what_was_typed(
    mirrored, run_conda, conda_in_process, tmp_path
):
    """The Python of the plan, and the environment, were not in them."""
    mirrored(channels=["conda-forge"])
    folder = tmp_path / "plan"
    words = ("--cuda", "cpu", "--python", "3.11", "--source", "pytorch", "pytorch")
    conda_in_process("torch-install", "--save-plan", folder, *words).ok()
    there = run_conda("torch-install", "--plan", folder, env={"CONDA_SUBDIR": "win-64"})
    assert " --python 3.11 " in there.words.partition("save one for this platform")[2]
    for where in (("-n", "x"), ("-p", tmp_path / "x")):
        both = conda_in_process("torch-install", *where, "--plan", folder, "pytorch=2.3")
        named = f"{where[0]} {where[1]}"
        assert f"`conda torch-install {named} --plan {folder}`" in both.words
