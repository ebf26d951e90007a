"""The step that leaves a file to conda is for the environment and the platform that were asked."""

from __future__ import annotations

import shlex

import pytest
from conda import __version__ as conda_version
from conda.cli.conda_argparse import generate_parser
from packaging.version import Version

pytest_plugins = ("support.file_fixtures",)

NOTHING = "channels: [conda-forge]\ndependencies: [numpy]\n"
#: A release that the channel has for conda-forge's builds only, as plain conda may find it.
OF_CONDA_FORGE = "channels: [pytorch]\ndependencies: ['pytorch=1.5.0=cpu_py37h9f948e0_0']\n"
BOTH = "channels: [conda-forge]\ndependencies: [pytorch-gpu, pytorch-cuda=12.1]\n"
NIGHTLY = "channels: [pytorch-nightly]\ndependencies: [pytorch]\n"
FILES = {"none": NOTHING, "build": OF_CONDA_FORGE, "both": BOTH, "nightly": NIGHTLY}


def left_to_conda(conda_in_process, *words) -> list[str]:
    done = conda_in_process("torch-install", "-d", "--offline", "--json", *words)
    assert done.rc in (1, 2)
    hints = done.json()["guidance"]["hints"]
    [said] = [hint["text"] for hint in hints if hint["hint_code"] == "file_as_it_is"]
    command = shlex.split(said.split("`")[1])
    assert command[0] == "conda"
    generate_parser().parse_args(command[1:])
    return command[1:]


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
@pytest.mark.parametrize(
    ("named", "typed", "told"),
    [
        ("name: lab\n", [], []),
        ("name: lab\n", ["-n", "lab"], []),
        ("name: lab\n", ["-n", "x"], ["-n", "x"]),
        ("name: lab\n", ["-p", "/opt/x"], ["-p", "/opt/x"]),
        ("", ["-n", "x"], ["-n", "x"]),
        ("", [], ["-n", "NEW"]),
        ("name: base\n", [], ["-n", "NEW"]),
        ("prefix: /opt/x\n", [], ["-p", "/opt/x"]),
    ],
)
def test_the_environment_is_the_one_that_was_asked_for(
    mirrored, file, conda_in_process, content, named, typed, told
):
    """Without `-n` conda makes another one, named by the file, or stops at base."""
    path = file(named + content)
    command = left_to_conda(conda_in_process, "-f", path, *typed)
    assert command == ["env", "create", *told, "-f", str(path)]


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_the_platform_is_the_one_that_was_asked_for(mirrored, file, conda_in_process, content):
    path = file("name: lab\n" + content)
    command = left_to_conda(conda_in_process, "-f", path, "--platform", "win-64")
    assert command == ["env", "create", "--platform", "win-64", "-f", str(path)]


@pytest.mark.parametrize("typed", [[], ["-n", "x"]])
def test_an_environment_that_is_there_is_updated(mirrored, file, conda_in_process, sandbox, typed):
    """`conda env create` stops at it."""
    path = file("name: lab\n" + NOTHING)
    folder = sandbox.envs / (typed[1] if typed else "lab") / "conda-meta"
    folder.mkdir(parents=True)
    (folder / "history").touch()
    command = left_to_conda(conda_in_process, "-f", path, *typed)
    assert command == ["env", "update", *typed, "-f", str(path)]


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("environment.yml.txt", "invalid package specification"),
        ("environment", "file extension"),
        ("B.YML", "file extension"),
        ("a.yaml", None),
    ],
)
def test_a_file_is_left_to_conda_only_with_a_name_that_it_takes(
    mirrored, conda_in_process, run_conda, tmp_path, name, refused
):
    """Older ones refuse another ending, and read a .txt as a list of packages."""
    path = tmp_path / name
    path.write_text("name: lab\n" + NOTHING)
    done = conda_in_process("torch-install", "-d", "--offline", "--json", "-f", path)
    codes = {hint["hint_code"] for hint in done.json()["guidance"]["hints"]}
    assert ("file_as_it_is" in codes) is (refused is None)
    if refused and Version(conda_version) < Version("25"):
        create = run_conda("env", "create", "--dry-run", "--offline", "-n", "x", "-f", path)
        assert refused in create.words


def test_several_files_are_not_left_to_conda(mirrored, file, tmp_path, conda_in_process):
    """It takes one of them, and the step named the first alone."""
    first = file("name: lab\n" + NOTHING)
    second = tmp_path / "second.yml"
    second.write_text(NOTHING)
    done = conda_in_process("torch-install", "-d", "--offline", "--json", "-f", first, "-f", second)
    codes = [hint["hint_code"] for hint in done.json()["guidance"]["hints"]]
    assert codes == ["file_name_torch"]


MAC, LINUX, WINDOWS = "osx-arm64", "linux-64", "win-64"


@pytest.mark.parametrize(
    ("content", "platform"),
    [
        ("channels: [conda-forge]\ndependencies: [numpy, cudatoolkit=11.3]\n", MAC),
        ("channels: [pytorch-nightly]\ndependencies: [pytorch, pytorch-cuda=12.4]\n", MAC),
        ("channels: [conda-forge]\ndependencies: [pytorch-gpu=1.10]\n", MAC),
        ("channels: [conda-forge]\ndependencies: [pytorch=1.10.0=cuda112py39h3ad47f5_1]\n", MAC),
        ("dependencies: [numpy, {pip: [torch==2.4.0+cu121]}]\n", MAC),
        ("channels: [pytorch]\ndependencies: [pytorch=1.2.0=py3.7_cuda100_cudnn7_1]\n", LINUX),
        ("dependencies: [numpy, _libgcc_mutex=0.1]\n", WINDOWS),
        ("dependencies: [numpy, ucrt=10.0.22621.0]\n", LINUX),
    ],
    ids=str,
)
def test_a_file_of_another_system_is_not_left_to_conda(file, conda_in_process, content, platform):
    """Conda ends in PackagesNotFound, or pip does."""
    path = file("name: lab\n" + content)
    words = ("-f", path, "--platform", platform)
    done = conda_in_process("torch-install", "-d", "--offline", "--json", *words)
    assert "file_as_it_is" not in str(done.json()["guidance"].get("hints"))


@pytest.mark.parametrize(
    "line", ["cudatoolkit=11.3", "_libgcc_mutex=0.1", "pytorch-gpu=1.10", "cuda-version=11.8"]
)
def test_a_file_of_this_system_is_left_to_conda(file, conda_in_process, line):
    path = file(f"name: lab\nchannels: [conda-forge]\ndependencies: [numpy, {line}]\n")
    assert left_to_conda(conda_in_process, "-f", path, "--platform", LINUX)


@pytest.mark.parametrize("platform", [MAC, LINUX])
def test_a_build_of_another_platform_is_told_as_one_where_the_release_is_not_there(
    file, conda_in_process, platform
):
    """It was told that the index is too small, with a build that no index has for it."""
    build = "pytorch=1.2.0=py3.7_cuda100_cudnn7_1"
    path = file(f"name: lab\nchannels: [pytorch]\ndependencies: ['{build}', ucrt=10=0]\n")
    words = ("-f", path, "--platform", platform, "--cuda", "12.4")
    done = conda_in_process("torch-install", "-d", "--offline", *words)
    assert f"`{build}` is named as the builds of win-64 are" in done.words
