"""The commands that are printed as the same in plain conda leave the same packages as the run."""

from __future__ import annotations

import shlex
import shutil

import pytest
from support.change_fixtures import CPU_ENV, FORGE, FORGE_ENV, OFFICIAL, OFFICIAL_ENV
from support.prefixes import installed

pytest_plugins = ("support.change_fixtures",)

ASKED = ("torch-install", "--no-check")
OF_2_1 = (
    *("create", "-c", "pytorch", "-c", "nvidia", "python=3.10"),
    *("pytorch::pytorch=2.1.0", "pytorch::torchvision", "pytorch-cuda=12.1"),
)
OF_1_12 = ("create", "-c", "pytorch", "python=3.10", "pytorch::pytorch=1.12.1=*cuda11.3*")
OF_FORGE = (*FORGE, "--python", "3.12", "--no-check", "pytorch=2.8", "lightning")
TO_FORGE = (*FORGE[1:], "pytorch")
TO_CPU = ("--cuda", "cpu", "pytorch")
#: The environment, and what is asked for in it.
CASES = {
    "no-cuda": ((*OF_2_1, "lightning"), TO_CPU),
    "no-cuda-but-what-was-asked-for": ((*OF_2_1, "cuda-nvrtc", "libcublas"), TO_CPU),
    "no-cuda-of-forge": (OF_FORGE, TO_CPU),
    "no-toolkit": (OF_1_12, TO_CPU),
    "older": (OF_2_1, ("--source", "pytorch", "--cuda", "11.6", "pytorch=1.12.1")),
    "toolkit-to-forge": ((*OF_1_12, "cudatoolkit=11.3"), TO_FORGE),
    "to-forge": ((*OFFICIAL_ENV, "lightning"), FORGE[1:]),
    "to-forge-for-the-cpu": ((*OFFICIAL_ENV, "lightning"), ("--source", "conda-forge", *TO_CPU)),
    "to-pytorch": ((*FORGE_ENV, "lightning"), OFFICIAL[1:]),
    "cpuonly": (CPU_ENV, ("--source", "pytorch", "--cuda", "12.1", "pytorch=2.1.0")),
    "cpuonly-to-forge": ((*CPU_ENV, "lightning"), TO_FORGE),
    "pytorch-cpu": (("create", "-c", "conda-forge", "python=3.12", "pytorch-cpu=2.8"), TO_FORGE),
}


@pytest.mark.parametrize(
    ("words", "asked", "printed_by"),
    [(*case, ("", "--print")[at % 2]) for at, case in enumerate(CASES.values())],
    ids=CASES,
)
def test_the_printed_commands_leave_what_the_run_leaves(
    env_with, conda_in_process, tmp_path, monkeypatch, words, asked, printed_by
):
    """Without pytorch-cuda they left its CUDA, and `conda remove` took what nobody had asked for by
    name, NumPy among it, which the run keeps."""
    prefix = env_with(*words)
    kept = shutil.copytree(prefix, tmp_path / "kept", symlinks=True)
    command = (*ASKED, "-p", prefix, *asked)
    shown = conda_in_process(*command, "-d", "--json").ok().json()["torchmirror"]
    text = conda_in_process(*command, "-d").ok().stdout
    printed = conda_in_process(*command, "--print", "conda").ok().stdout
    conda_in_process(*command, "-y").ok()
    wanted = installed(prefix)
    for name, value in shown["environment"].items():
        monkeypatch.setenv(name, value)
    commands = [*shown["before"], shown["command_by_name"], *shown["after"]]
    assert all(f"  {line}\n" in text for line in commands)
    lines = [line for line in printed.splitlines() if line.startswith("conda ")]
    assert [line for line in lines if "--force" in line] == [*shown["before"], *shown["after"]]
    shutil.rmtree(prefix)
    shutil.copytree(kept, prefix, symlinks=True)
    for line in lines if printed_by == "--print" else commands:
        conda_in_process(*shlex.split(line)[1:], "-y").ok()
    assert installed(prefix) == wanted


def test_conda_is_told_to_remove_what_goes_with_its_torch(env_with, conda_in_process):
    """Its pytorch-cuda stayed with gigabytes of CUDA, beside wheels that bring their own."""
    prefix = env_with(*OFFICIAL_ENV)
    refused = conda_in_process(*ASKED, "-p", prefix, "--source", "wheels", "--offline", "-d")
    command = f"conda remove -p {prefix} pytorch torchvision pytorch-cuda"
    assert f"`{command}`" in refused.words
    conda_in_process(*command.split()[1:], "-y").ok()
    left = installed(prefix)
    assert "python" in left
    assert not [name for name in left if name.startswith(("pytorch", "cuda-", "libcu"))]
