"""`conda torch-install` end to end: real conda, real records, small real packages, loopback."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.channels import write_channel
from support.lab import record

from conda_torchmirror.index import repodata

SET_2_1_0 = (
    "pytorch=2.1.0=py3.11_cuda12.1_cudnn8.9.2_0",
    "torchvision=0.16.0=py311_cu121",
    "torchaudio=2.1.0=py311_cu121",
)
ASK_2_1_0 = ("--cuda", "12.1", "--python", "3.11", "pytorch=2.1.0", "torchvision", "torchaudio")
PYTORCH_2_5_1 = "pytorch=2.5.1=py3.12_cuda12.4_cudnn9.1.0_0"
ASK_2_5_1 = ("--cuda", "12.4", "--python", "3.12", "pytorch=2.5.1", "torchvision")


def installed(prefix: Path) -> dict[str, str]:
    """Name to `version=build` of what conda-meta holds."""
    records = [json.loads(p.read_text()) for p in (prefix / "conda-meta").glob("*.json")]
    return {r["name"]: f"{r['version']}={r['build']}" for r in records}


def history(prefix: Path) -> str:
    return (prefix / "conda-meta" / "history").read_text()


@pytest.fixture
def env_of(mirrored, conda_in_process, tmp_path):
    """`env_of("python=3.11", ...)`: an environment with these packages, and nothing of ours."""

    def make(*specs: str) -> Path:
        prefix = tmp_path / "there"
        conda_in_process("create", "-y", "-q", "-p", prefix, *specs).ok()
        return prefix

    return make


# A transaction


def test_a_new_environment_gets_the_chosen_builds(mirrored, mirror, upstream, run_conda, sandbox):
    result = run_conda("torch-install", "-y", "-n", "new", *ASK_2_1_0).ok()
    prefix = sandbox.envs / "new"
    found = installed(prefix)
    for spec in SET_2_1_0:
        name, _, rest = spec.partition("=")
        assert found[name] == rest
        assert (prefix / "share" / "stubs" / f"{name}.txt").exists()
    assert found["pytorch-cuda"].startswith("12.1=")
    assert found["python"].startswith("3.11.")
    # The rules acted as pins, and did not enter the history.
    assert found["mkl"].startswith("2023.")
    assert found["numpy"].startswith("1.26.")
    specs = history(prefix).rpartition("update specs: ")[2]
    assert "mkl" not in specs
    assert "python=3.11" in specs
    assert "pytorch==2.1.0=py3.11_cuda12.1_cudnn8.9.2_0" in specs
    assert "PyTorch 2.1.0 for CUDA 12.1, Python 3.11, linux-64" in result.stdout
    # Each channel came from where it was to come from.
    assert {r.path.split("/")[1] for r in mirror.requests} == {"anaconda"}
    assert {r.path.split("/")[1] for r in upstream.requests} == {"nvidia"}


def test_what_is_installed_names_the_channel_not_the_mirror(mirrored, conda_in_process, sandbox):
    conda_in_process("torch-install", "-y", "-q", "-n", "new", *ASK_2_5_1).ok()
    listed = conda_in_process("list", "-n", "new", "--json", "pytorch").ok().json()
    assert {item["channel"] for item in listed} == {"pytorch"}


def test_the_environments_python_decides_and_stays(env_of, conda_in_process):
    prefix = env_of("python=3.11")
    conda_in_process("torch-install", "-y", "-q", "-p", prefix, "--cuda", "12.1").ok()
    found = installed(prefix)
    assert found["python"].startswith("3.11.")
    assert "py3.11_cuda12.1" in found["pytorch"]
    assert "python" not in history(prefix).rpartition("update specs")[2]


def test_a_python_without_a_build_is_an_error_that_names_those_with_one(env_of, conda_in_process):
    prefix = env_of("python=3.13")
    before = installed(prefix)
    result = conda_in_process("torch-install", "-y", "-p", prefix, "--cuda", "12.1")
    assert result.rc == 1
    assert "NoFittingBuild" in result.stderr
    assert "Pythons with a build: 3." in result.stderr
    assert "3.12" in result.stderr
    assert installed(prefix) == before


def test_another_python_only_when_it_is_asked_for(env_of, conda_in_process):
    prefix = env_of("python=3.13")
    result = conda_in_process("torch-install", "-y", "-p", prefix, *ASK_2_1_0).ok()
    assert installed(prefix)["python"].startswith("3.11.")
    assert "Python 3.13.0 becomes 3.11" in result.stdout


def test_other_specs_go_to_the_solver_as_they_stand(mirrored, conda_in_process, sandbox):
    words = ("torch-install", "-y", "-q", "-n", "new", *ASK_2_1_0, "scikit-learn>=1", "tqdm")
    conda_in_process(*words).ok()
    found = installed(sandbox.envs / "new")
    assert found["scikit-learn"].startswith("1.5.2")
    assert "tqdm" in found
    assert "scikit-learn[version='>=1']" in history(sandbox.envs / "new")


def test_an_old_release_with_cudatoolkit(mirrored, conda_in_process, sandbox):
    words = ("--cuda", "11.3", "--python", "3.9", "pytorch=1.12.1", "torchvision", "torchaudio")
    conda_in_process("torch-install", "-y", "-q", "-n", "old", *words).ok()
    found = installed(sandbox.envs / "old")
    assert found["pytorch"] == "1.12.1=py3.9_cuda11.3_cudnn8.3.2_0"
    assert found["cudatoolkit"].startswith("11.3.")


def test_a_second_run_has_nothing_to_do(mirrored, conda_in_process, sandbox):
    words = ("torch-install", "-y", "-q", "-n", "new", *ASK_2_5_1)
    conda_in_process(*words).ok()
    before = installed(sandbox.envs / "new")
    again = conda_in_process(*words, "--json").ok().json()
    assert again["success"] is True
    assert again["message"] == "All requested packages already installed."
    assert again["torchmirror"]["solved"] is True
    assert installed(sandbox.envs / "new") == before


def test_declined_changes_nothing(mirrored, conda_in_process, sandbox):
    result = conda_in_process("torch-install", "-n", "new", *ASK_2_5_1, input="n\n")
    assert "Proceed" in result.stdout
    assert not (sandbox.envs / "new").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on POSIX")
def test_interrupted_leaves_the_environment_as_it_was(env_of, mirror, tmp_path):
    prefix = env_of("python=3.11")
    before = {p: p.read_bytes() for p in prefix.rglob("*") if p.is_file()}
    mirror.fail("*/pytorch-2.1.0-*", "stall")
    command = [sys.executable, "-m", "conda", "torch-install", "-y", "-p", str(prefix), *ASK_2_1_0]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 60
    while not any("/pytorch-2.1.0-" in r.path for r in mirror.requests):
        assert time.monotonic() < deadline, "the download never began"
        assert child.poll() is None, child.communicate()[0]
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode != 0
    assert {p: p.read_bytes() for p in prefix.rglob("*") if p.is_file()} == before


SLOW = "#!/bin/sh\ntouch '{flag}'\nsleep 5\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX signal and a shell script")
@pytest.mark.parametrize("there", [True, False], ids=["existing", "new"])
def test_interrupted_while_linking_leaves_the_environment_as_it_was(
    mirrored, make_mirror, condarc, env_of, tmp_path, there
):
    """A package whose post-link script takes its time is where Ctrl-C meets the transaction."""
    flag = tmp_path / "linking"
    script = SLOW.format(flag=flag)
    slow = {"slow-0-0.tar.bz2": record("slow", "0", scripts={"bin/.slow-post-link.sh": script})}
    write_channel(tmp_path / "more" / "mine", "noarch", slow)
    write_channel(tmp_path / "more" / "mine", "linux-64", {})
    own = make_mirror(tmp_path / "more", {"mine": ""})
    prefix = env_of("python=3.12") if there else tmp_path / "new"
    before = {p: p.read_bytes() for p in prefix.rglob("*") if p.is_file()}
    words = ("torch-install", "-y", "--no-check", "-p", str(prefix), *ASK_2_5_1, "slow")
    command = [sys.executable, "-m", "conda", *words, "-c", own.channel_url("mine")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 60
    while not flag.exists():
        assert time.monotonic() < deadline, "the script never ran"
        assert child.poll() is None, child.communicate()[0]
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=60)[0]
    assert child.returncode != 0
    assert "Traceback" not in said
    assert "ERROR REPORT" not in said
    assert {p: p.read_bytes() for p in prefix.rglob("*") if p.is_file()} == before
    assert prefix.exists() == there


# The check after it


def test_an_installation_whose_torch_does_not_work_says_so_and_stays(mirrored, run_conda, sandbox):
    result = run_conda("torch-install", "-y", "-n", "new", *ASK_2_5_1, check=True)
    assert result.rc == 3
    assert "cuda12.4" in installed(sandbox.envs / "new")["pytorch"]
    again = run_conda("torch-install", "--json", "-n", "new", *ASK_2_5_1, check=True)
    assert again.rc == 3
    check = again.json()["torchmirror"]["check"]
    assert check["status"] == "broken"
    # The tests' packages hold no torch: conda lists it, and there is nothing to import.
    assert check["notices"][0]["code"] == "torch_files_missing"


def test_the_check_can_be_left_out_for_good(mirrored, run_conda):
    mirrored(plugins={"torchmirror_check": False})
    run_conda("torch-install", "-y", "-q", "-n", "new", *ASK_2_5_1, check=True).ok()


# Mirrors


def test_a_mirror_by_url_overrides_the_users_own(
    mirrored, mirror, upstream, condarc, conda_in_process, sandbox
):
    condarc(
        custom_channels=upstream.custom_channels(),
        default_channels=[upstream.channel_url("pkgs/main")],
    )
    url = mirror.custom_channels()["pytorch"]
    result = conda_in_process("torch-install", "-y", "-q", "-n", "new", *ASK_2_5_1, "--mirror", url)
    assert result.ok()
    assert any("/pytorch-2.5.1-" in r.path for r in mirror.requests)
    assert not any("/pytorch/linux-64/" in r.path for r in upstream.requests)


def test_the_users_own_mapping_wins_and_is_said(mirrored, conda_in_process):
    found = conda_in_process("torch-install", "-d", "--json", *ASK_2_5_1).ok().json()
    channels = found["torchmirror"]["channels"]
    assert {channel["mirror"] for channel in channels} == {"custom_channels"}
    assert "custom_mirror" in [warning["code"] for warning in found["torchmirror"]["warnings"]]


def test_nothing_stays_redirected(mirrored, mirror, conda_in_process):
    from conda.base import context

    before = context.SEARCH_PATH, dict(context.context.custom_channels)
    url = mirror.custom_channels()["pytorch"]
    conda_in_process("torch-install", "-d", *ASK_2_5_1, "--mirror", url).ok()
    assert (context.SEARCH_PATH, dict(context.context.custom_channels)) == before


# Known-bad pairs and pins


def test_a_contradicting_pin_is_named(env_of, conda_in_process):
    prefix = env_of("python=3.11")
    (prefix / "conda-meta" / "pinned").write_text("mkl >=2025\n")
    result = conda_in_process("torch-install", "-y", "-p", prefix, *ASK_2_1_0)
    assert result.rc == 1
    assert "PinConflict: the pin `mkl >=2025`" in result.stderr
    assert "`mkl<2024.1`" in result.stderr


def test_an_installed_package_that_contradicts_is_named_and_replaced(env_of, conda_in_process):
    """Here nobody asked for it: it came as some package's dependency."""
    prefix = env_of("python=3.11", "mkl=2025")
    asked = history(prefix)
    file = prefix / "conda-meta" / "history"
    file.write_text("".join(line for line in asked.splitlines(True) if "specs: " not in line))
    result = conda_in_process("torch-install", "-y", "-p", prefix, *ASK_2_1_0).ok()
    assert "mkl 2025.0.0 is installed and contradicts the pin mkl<2024.1" in " ".join(
        result.stdout.split()
    )
    assert not installed(prefix)["mkl"].startswith("2025.")


@pytest.mark.parametrize("before", ["numpy=2.1.3", "mkl=2025"])
def test_what_was_asked_for_before_contradicts_and_is_named(env_of, conda_in_process, before):
    """Solvers keep to it, each in its own way, so it is said before any is asked."""
    prefix = env_of("python=3.11", before)
    result = conda_in_process("torch-install", "-y", "-p", prefix, *ASK_2_1_0)
    assert (result.rc, "HistoryConflict" in result.stderr) == (1, True)
    name = before.partition("=")[0]
    assert "pytorch" not in installed(prefix)
    # What it advises works.
    pin = "numpy<2" if name == "numpy" else "mkl<2024.1"
    assert f'conda install -p {prefix} "{pin}"' in result.stderr
    conda_in_process("install", "-y", "-q", "-p", prefix, pin).ok()
    conda_in_process("torch-install", "-y", "-q", "-p", prefix, *ASK_2_1_0).ok()
    assert repodata.admits(pin, name, installed(prefix)[name].partition("=")[0], "")


def test_what_is_asked_for_now_takes_the_place_of_history(env_of, conda_in_process):
    prefix = env_of("python=3.11", "numpy=2.1.3")
    words = ("torch-install", "-y", "-q", "-p", prefix, *ASK_2_1_0, "numpy<2")
    conda_in_process(*words).ok()
    assert installed(prefix)["numpy"].startswith("1.")


def test_what_is_asked_for_now_goes_to_the_solver_as_written_and_is_said(
    mirrored, conda_in_process, sandbox
):
    words = ("torch-install", "-n", "new", *ASK_2_1_0, "numpy>=2")
    shown = conda_in_process(*words, "--dry-run", "--json").ok().json()["torchmirror"]
    assert shown["pins"] == ["mkl<2024.1"]
    assert "against_rule" in [notice["code"] for notice in shown["warnings"]]
    result = conda_in_process(*words, "-y").ok()
    assert "conflicts with explicit specs" not in result.stderr
    assert installed(sandbox.envs / "new")["numpy"].startswith("2.")


def test_a_pin_on_pytorch_narrows(env_of, conda_in_process):
    prefix = env_of("python=3.10")
    (prefix / "conda-meta" / "pinned").write_text("pytorch 2.0.*\n")
    found = conda_in_process("torch-install", "-d", "--json", "-p", prefix, "--cuda", "12.4").ok()
    assert found.json()["torchmirror"]["selected"]["builds"][0]["version"] == "2.0.1"


# Strict channel priority


def test_strict_priority_is_lifted_for_this_hand_over(mirrored, conda_in_process, sandbox):
    mirrored(channels=["conda-forge"], channel_priority="strict")
    result = conda_in_process("torch-install", "-y", "-n", "new", *ASK_2_5_1).ok()
    assert installed(sandbox.envs / "new")["libjpeg-turbo"].startswith("3.")
    assert "channel_priority is strict" in result.stdout
    assert "export CONDA_CHANNEL_PRIORITY=flexible" in result.stdout


@pytest.mark.parametrize(
    ("setting", "words"),
    [({"plugins": {"torchmirror_flexible": False}}, ()), ({}, ("--strict-channel-priority",))],
    ids=["setting", "flag"],
)
def test_where_it_may_not_be_lifted_the_hiding_package_is_named(
    mirrored, conda_in_process, sandbox, setting, words
):
    mirrored(channels=["conda-forge"], channel_priority="strict", **setting)
    result = conda_in_process("torch-install", "-y", "-n", "new", *ASK_2_5_1, *words)
    assert result.rc == 1
    assert "Shadowed" in result.stderr
    assert "libjpeg-turbo" in result.stderr
    assert not (sandbox.envs / "new").exists()


def test_what_has_no_solution_with_any_priority_is_not_blamed_on_it(
    mirrored, make_mirror, conda_in_process, tmp_path
):
    picky = {"picky-1-0.tar.bz2": record("picky", "1", depends=["python <3.10"])}
    write_channel(tmp_path / "more" / "mine", "noarch", picky)
    write_channel(tmp_path / "more" / "mine", "linux-64", {})
    own = make_mirror(tmp_path / "more", {"mine": ""})
    strict = {"channel_priority": "strict", "plugins": {"torchmirror_flexible": False}}
    mirrored(channels=["conda-forge"], **strict)
    words = (*ASK_2_5_1, "picky", "-c", own.channel_url("mine"))
    result = conda_in_process("torch-install", "-y", "-n", "new", *words)
    assert result.rc == 1
    assert "Shadowed" not in result.stderr
    assert "picky" in result.stderr


# Leftovers


def test_the_printed_commands_do_what_the_hand_over_does(env_of, run_conda, monkeypatch):
    """With a leftover, pins and a priority of the user's: typed one after the other."""
    prefix = env_of("python=3.11", "pytorch::pytorch=2.1.0=py3.11_cpu_0", "pytorch::cpuonly")
    shown = run_conda("torch-install", "-d", "-p", prefix, *ASK_2_1_0, "--json").ok().json()
    found = shown["torchmirror"]
    assert found["before"] == [f"conda remove -p {prefix} cpuonly"]
    text = run_conda("torch-install", "-d", "-p", prefix, *ASK_2_1_0).ok().stdout
    assert text.index(found["before"][0]) < text.index(found["command_by_name"])
    for name, value in found["environment"].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.1")
    for command in (*found["before"], found["command_by_name"]):
        run_conda(*shlex.split(command)[1:], "-y", "-q").ok()
    assert "cuda12.1" in installed(prefix)["pytorch"]
    assert "cpuonly" not in installed(prefix)


def test_a_leftover_cpuonly_is_removed_first(env_of, conda_in_process):
    prefix = env_of("python=3.12", "pytorch::cpuonly")
    result = conda_in_process("torch-install", "-y", "-p", prefix, *ASK_2_5_1).ok()
    found = installed(prefix)
    assert "cpuonly" not in found
    assert "cuda12.4" in found["pytorch"]
    assert "cpuonly 2.0 keeps the environment on CPU builds" in " ".join(result.stdout.split())


def test_a_removed_cpuonly_comes_back_when_the_rest_fails(env_of, conda_in_process, mirror):
    prefix = env_of("python=3.12", "pytorch::cpuonly")
    before = installed(prefix)
    mirror.fail("*/pytorch-2.5.1-*", "not_found")
    result = conda_in_process("torch-install", "-y", "-p", prefix, *ASK_2_5_1)
    assert result.rc == 1
    assert installed(prefix) == before


def test_pips_torch_stops_an_installation(env_of, conda_in_process):
    prefix = env_of("python=3.11")
    info = prefix / "lib" / "python3.11" / "site-packages" / "torch-2.7.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.7.1+cu128\n")
    (info / "INSTALLER").write_text("pip\n")
    result = conda_in_process("torch-install", "-y", "-p", prefix, *ASK_2_1_0)
    assert result.rc == 1
    assert "PipTorch: pip has put torch 2.7.1+cu128" in result.stderr
    assert "-m pip uninstall torch" in result.stderr
    preview = conda_in_process("torch-install", "-d", "--json", "-p", prefix, *ASK_2_1_0).ok()
    codes = [warning["code"] for warning in preview.json()["torchmirror"]["warnings"]]
    assert "pip_torch_there" in codes


# JSON


def test_json_of_a_preview(mirrored, conda_in_process):
    found = conda_in_process("torch-install", "-d", "--json", *ASK_2_5_1).ok().json()
    ours = found["torchmirror"]
    assert (found["success"], found["dry_run"], found["prefix"]) == (True, True, None)
    assert (ours["schema"], ours["solved"]) == (1, False)
    assert ours["machine"]["cuda_from"] == "--cuda"
    assert ours["selected"]["index"] == "live"
    assert ours["specs"] == [
        "pytorch=2.5.1=py3.12_cuda12.4_cudnn9.1.0_0",
        "torchvision=0.20.1=py312_cu124",
        "pytorch-cuda=12.4=hc786d27_7",
    ]
    assert [channel["name"] for channel in ours["channels"]] == ["pytorch", "nvidia"]
    assert all(build["evidence"] == "record" for build in ours["selected"]["builds"])
    assert ours["command"].startswith("conda install pytorch=2.5.1=")


def test_json_of_a_solved_preview_is_condas_with_our_key(mirrored, conda_in_process, sandbox):
    words = ("torch-install", "-d", "--solve", "--json", "-n", "new", *ASK_2_5_1)
    found = conda_in_process(*words).ok().json()
    assert found["dry_run"] is True
    assert "pytorch-cuda" in {item["name"] for item in found["actions"]["LINK"]}
    assert found["torchmirror"]["solved"] is True
    assert not (sandbox.envs / "new").exists()


def test_json_of_an_installation_is_one_document(mirrored, run_conda, sandbox):
    found = run_conda("torch-install", "--json", "-n", "new", *ASK_2_5_1).ok().json()
    assert found["success"] is True
    assert found["actions"]["PREFIX"] == str(sandbox.envs / "new")
    assert found["torchmirror"]["selected"]["cuda"] == "12.4"
    assert "cuda12.4" in installed(sandbox.envs / "new")["pytorch"]


def test_json_of_a_failed_hand_over_has_our_key(mirrored, run_conda):
    words = ("torch-install", "--json", "-n", "new", *ASK_2_5_1, "no-such-package")
    result = run_conda(*words)
    assert result.rc == 1
    assert result.json()["torchmirror"]["specs"][:2] == ["python=3.12", PYTORCH_2_5_1]
    assert "no-such-package" in result.json()["message"]


def test_json_of_an_error_has_guidance(mirrored, run_conda):
    result = run_conda("torch-install", "--json", "-d", "--cuda", "10.2", "pytorch=2.3")
    found = result.json()
    assert result.rc == 1
    assert found["exception_name"] == "NoFittingBuild"
    assert found["guidance"]["cause"]
    codes = [hint["hint_code"] for hint in found["guidance"]["hints"]]
    assert codes[0] == "older_release"
    assert codes[-1] == "see_list"
    assert len(codes) == len(set(codes))


# Usage


@pytest.mark.parametrize(
    ("words", "rc", "says"),
    [
        (["-d", "--cuda", "twelve"], 2, "BadCuda"),
        (["-d", "--python", "new"], 2, "BadPython"),
        (["-d", "pytorch==1==2"], 2, "BadSpec"),
        (["-d", "conda-forge::pytorch"], 2, "OtherChannelSpec"),
        (["-d", "--mirror", "tunna"], 2, "Did you mean tuna?"),
        (["-d", "--mirror", "http://mirror.lab/x"], 2, "not https"),
        (["-d", "cpuonly", "--cuda", "12.4"], 2, "Contradiction"),
        (["-n", "new", "--solve"], 2, "SolveAlone"),
        ([], 1, "NoEnvironment"),
        (["-d", "--cuda-compat", "other"], 2, "invalid choice"),
    ],
    ids=[
        "cuda",
        "python",
        "spec",
        "channel",
        "mirror",
        "http",
        "contradiction",
        "solve",
        "no-environment",
        "argparse",
    ],
)
def test_what_cannot_be_used(mirrored, run_conda, words, rc, says):
    result = run_conda("torch-install", *words)
    assert says in result.stderr
    assert result.rc == rc
    assert "Traceback" not in result.stderr


def test_base_is_touched_only_when_it_is_named(mirrored, conda_in_process, monkeypatch):
    from conda.base.context import context

    monkeypatch.setenv("CONDA_PREFIX", context.root_prefix)
    assert "NoEnvironment" in conda_in_process("torch-install").stderr


def test_the_active_environment_is_the_target(env_of, conda_in_process, monkeypatch):
    prefix = env_of("python=3.11")
    monkeypatch.setenv("CONDA_PREFIX", str(prefix))
    conda_in_process("torch-install", "-y", "-q", "--cuda", "12.1", "pytorch=2.1.0").ok()
    assert "pytorch" in installed(prefix)


def test_a_foreign_platform_is_for_previews_and_new_environments(env_of, conda_in_process):
    prefix = env_of("python=3.11")
    words = ("torch-install", "-p", prefix, "--platform", "win-64", "--cuda", "12.1")
    result = conda_in_process(*words, "-y")
    assert result.rc == 1
    assert "ForeignPlatform" in result.stderr


def test_a_new_environment_of_a_foreign_platform(mirrored, conda_in_process, sandbox):
    words = ("-y", "-q", "-n", "win", "--platform", "win-64", "--cuda", "12.1", "pytorch=2.3.1")
    conda_in_process("torch-install", *words, "--python", "3.11").ok()
    found = installed(sandbox.envs / "win")
    assert found["pytorch"] == "2.3.1=py3.11_cuda12.1_cudnn8_0"


@pytest.mark.parametrize("cuda", ["12.1", "11.8"])
def test_the_articles_command(mirrored, conda_in_process, cuda):
    """Offline on a machine that was never online: the command that the article ends with."""
    words = [
        "--platform",
        "win-64",
        "--cuda",
        cuda,
        "--python",
        "3.12",
        "--offline",
        "-d",
        "--json",
    ]
    names = ["pytorch=2.3.1", "torchvision", "torchaudio"]
    found = conda_in_process("torch-install", *words, *names, "--mirror", "tuna").ok().json()
    tag = "cu" + cuda.replace(".", "")
    assert found["torchmirror"]["command"] == (
        f"conda install pytorch=2.3.1=py3.12_cuda{cuda}_cudnn8_0 torchvision=0.18.1=py312_{tag} "
        f"torchaudio=2.3.1=py312_{tag} pytorch-cuda={cuda} "
        "-c https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch/win-64 -c nvidia"
    )


def test_list_shows_what_the_platform_can_have(mirrored, conda_in_process):
    words = ("torch-install", "--list", "--offline", "--cuda", "11.8", "--python", "3.10")
    lines = conda_in_process(*words).ok().stdout.splitlines()
    assert max(map(len, lines)) <= 80
    row = next(line.split() for line in lines if " 2.5.1 " in line and " 11.8 " in line)
    assert row == ["yes", "2.5.1", "11.8", "3.9", "3.10*", "3.11", "3.12"]


def test_list_as_json(mirrored, conda_in_process):
    words = ("torch-install", "--list", "--offline", "--json", "--cuda", "cpu", "pytorch=2.5.1")
    found = conda_in_process(*words).ok().json()["torchmirror"]
    assert {"version": "2.5.1", "cuda": None, "python": "3.12", "fits": True} in found["list"]


def test_a_foreign_arm_server_is_unknown_offline(mirrored, conda_in_process):
    words = ("torch-install", "-d", "--offline", "--platform", "linux-aarch64", "--cuda", "12.4")
    result = conda_in_process(*words)
    assert result.rc == 1
    assert "UnknownPlatform" in result.stderr


def test_explain_answers_why_not_the_newest(mirrored, conda_in_process):
    words = ("torch-install", "-d", "--offline", "--explain", "--cuda", "12.4", "--python", "3.8")
    out = " ".join(conda_in_process(*words).ok().stdout.split())
    assert "PyTorch 2.4.1 for CUDA 12.4" in out
    assert "2.5.1 for Python 3.9, 3.10, 3.11, 3.12, not for Python 3.8" in out


@pytest.mark.parametrize(
    ("words", "arch", "says"),
    [
        (
            ("--cuda", "12.0"),
            None,
            "2.5.1 CUDA 12.1, 12.4, the driver runs CUDA 12.0, and --cuda-compat is strict",
        ),
        (("--cuda", "11.8"), None, "2.5.1 CUDA 12.1, 12.4, the driver runs CUDA 11.8 or older"),
        (("--cuda", "10.2"), None, "2.5.1 CUDA 11.8, 12.1, 12.4, the driver runs CUDA 10.2"),
        (("--cuda", "12.4"), "3.7", "2.5.1 code for 5.0, 6.0, 6.1"),
    ],
    ids=["strict", "major", "old", "gpu"],
)
def test_explain_answers_why_not_a_higher_cuda(
    mirrored, conda_in_process, monkeypatch, words, arch, says
):
    if arch:
        monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", arch)
    if "12.0" in words:
        words = (*words, "--cuda-compat", "strict")
    found = conda_in_process("torch-install", "-d", "--offline", "--explain", *words).ok()
    assert says in " ".join(found.stdout.split())


def test_strict_refusal_names_the_ways_out(mirrored, conda_in_process):
    words = ("--cuda", "11.4", "--cuda-compat", "strict", "pytorch=2.3.1", "--platform", "win-64")
    result = conda_in_process("torch-install", "-d", "--offline", *words)
    assert result.rc == 1
    for way in ("--cuda-compat minor", "a driver of at least 520.06 runs CUDA 11.8", "--cuda cpu"):
        assert way in result.stderr
    # The list that is offered is the one for the machine that was asked about.
    assert "--list --platform win-64 --cuda 11.4 --offline" in result.stderr


def test_an_installation_never_goes_by_the_built_in_index(mirrored, conda_in_process):
    result = conda_in_process("torch-install", "-y", "-n", "new", "--offline", "--cuda", "12.4")
    assert result.rc == 1
    assert "NothingCached" in result.stderr


def test_offline_with_a_cached_index(mirrored, conda_in_process):
    conda_in_process("torch-install", "-d", *ASK_2_5_1).ok()
    found = conda_in_process("torch-install", "-d", "--offline", "--json", *ASK_2_5_1).ok().json()
    assert found["torchmirror"]["selected"]["index"] == "cache"
    assert found["torchmirror"]["specs"][-1] == "pytorch-cuda=12.4=hc786d27_7"
