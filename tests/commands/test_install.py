"""`conda torch-install` end to end: real conda, real records, small real packages, loopback."""

from __future__ import annotations

import shlex
import sys

import pytest
from support.asking import ASK_2_1_0, ASK_2_5_1, SET_2_1_0
from support.channels import write_channel
from support.interrupting import interrupted
from support.lab import record
from support.prefixes import history, installed

#: More digits than Python reads.
ENDLESS = "9" * 5000

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
    interrupted(
        *("torch-install", "-y", "-p", prefix, *ASK_2_1_0),
        when=lambda: any("/pytorch-2.1.0-" in r.path for r in mirror.requests),
        otherwise="the download never began",
    )
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
    words = ("torch-install", "-y", "--no-check", "-p", prefix, *ASK_2_5_1, "slow")
    said = interrupted(
        *(*words, "-c", own.channel_url("mine")),
        when=flag.exists,
        otherwise="the script never ran",
    )
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


def test_the_users_own_alias_is_said_by_its_name(upstream, condarc, from_pytorch, conda_in_process):
    condarc(
        channel_alias=upstream.custom_channels()["pytorch"],
        default_channels=[upstream.channel_url("pkgs/main")],
    )
    shown = conda_in_process("torch-install", "-d", *ASK_2_5_1).ok().words
    assert "the channel `pytorch` comes from your own `channel_alias`" in shown
    assert "custom_channels" not in shown


def test_nothing_stays_redirected(mirrored, mirror, conda_in_process):
    from conda.base import context

    before = context.SEARCH_PATH, dict(context.context.custom_channels)
    url = mirror.custom_channels()["pytorch"]
    conda_in_process("torch-install", "-d", *ASK_2_5_1, "--mirror", url).ok()
    assert (context.SEARCH_PATH, dict(context.context.custom_channels)) == before


# Leftovers


def test_the_printed_commands_do_what_the_hand_over_does(env_of, run_conda, monkeypatch):
    """With a leftover, pins and a priority of the user's: typed one after the other."""
    prefix = env_of("python=3.11", "pytorch::pytorch=2.1.0=py3.11_cpu_0", "pytorch::cpuonly")
    shown = run_conda("torch-install", "-d", "-p", prefix, *ASK_2_1_0, "--json").ok().json()
    found = shown["torchmirror"]
    assert found["before"] == [f"conda remove --force -p {prefix} cpuonly"]
    text = run_conda("torch-install", "-d", "-p", prefix, *ASK_2_1_0).ok().stdout
    assert text.index(found["before"][0]) < text.index(found["command_by_name"])
    for name, value in found["environment"].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.1")
    for command in (*found["before"], found["command_by_name"]):
        run_conda(*shlex.split(command)[1:], "-y", "-q").ok()
    assert "cuda12.1" in installed(prefix)["pytorch"]
    assert "cpuonly" not in installed(prefix)


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
        (["-d", "--cuda-compat", "other"], 2, "--cuda-compat takes one of minor, strict"),
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


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("pytorch==",), "BadSpec"),
        (("pytorch==1==2",), "BadSpec"),
        (("--cuda", "twelve"), "BadCuda"),
        (("--python", "new"), "BadPython"),
        (("other::pytorch",), "OtherChannelSpec"),
        (("cpuonly", "--cuda", "12.4"), "Contradiction"),
        (("--source", "wheels", "pytorch=="), "BadWheelWord"),
        (("--source", "wheels", "--cuda", "twelve"), "BadCuda"),
        ((f"pytorch=2.3=*_{ENDLESS}",), "BadSpec"),
        ((f"pytorch[build_number={ENDLESS}]",), "BadSpec"),
        ((f"numpy>={ENDLESS}",), "BadSpec"),
        (("--python", f"3.{ENDLESS}"), "BadPython"),
        (("--source", "wheels", f"torch=={ENDLESS}"), "BadWheelWord"),
    ],
    ids=lambda part: part if isinstance(part, str) else " ".join(part)[:40],
)
def test_a_word_that_is_wrong_is_told_before_the_environment(conda_in_process, words, error):
    result = conda_in_process("torch-install", "-y", "--offline", *words)
    assert (result.rc, type(result.error).__name__) == (2, error)


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
