"""A torch of another channel in the environment: one transaction takes it out, and brings a set."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
from support import forge_channel
from support.channels import write_channel
from support.interrupting import interrupted
from support.lab import record
from support.prefixes import history, installed, records

FORGE = ("torch-install", "--source", "conda-forge", "--cuda", "12.9")
OFFICIAL = ("torch-install", "--source", "pytorch", "--cuda", "12.4", "pytorch", "torchvision")
#: What conda-forge has for Python 3.12, and the channel `pytorch`.
OF_FORGE = {
    "pytorch": "2.8.0=cuda129_mkl_py312_had1c889_302",
    "torchvision": "0.24.0=cuda129_py312_h9f56bbf_2",
}
OF_PYTORCH = {
    "pytorch": "2.5.1=py3.12_cuda12.4_cudnn9.1.0_0",
    "torchvision": "0.20.1=py312_cu124",
    "pytorch-cuda": "12.4=hc786d27_7",
}
#: Packages of conda-forge that need a torch, of whatever channel and release, and one that does
#: not go with any but the one that is there.
BESIDE = (
    ("torchmetrics", "1.4.0", "h0_0", ("python", "pytorch >=1.10", "packaging")),
    ("lightning", "2.4.0", "h0_0", ("python", "torchmetrics >=0.7", "pytorch >=2.1")),
    ("packaging", "24.1", "h0_0", ("python",)),
    ("picky", "1.0", "h0_0", ("python", "pytorch 2.5.1 py3.12_cuda12.4*")),
)
#: The words of an environment as the official command makes it, and of one of conda-forge.
OFFICIAL_ENV = (
    *("create", "-c", "pytorch", "-c", "nvidia"),
    *("python=3.12", "pytorch::pytorch=2.5.1", "pytorch::torchvision", "pytorch-cuda=12.4"),
)
CPU_ENV = ("create", "-c", "pytorch", "python=3.10", "pytorch::pytorch=2.1.0", "cpuonly")
FORGE_ENV = (*FORGE, "--python", "3.12", "--no-check")


@pytest.fixture(scope="module")
def every_channel(tmp_path_factory):
    root = tmp_path_factory.mktemp("both")
    return forge_channel.build(root, beside=("pytorch", "nvidia"), leaves=BESIDE)


@pytest.fixture
def server(every_channel, make_mirror):
    cloud = dict.fromkeys(("pytorch", "nvidia", "conda-forge"), "anaconda/cloud")
    return make_mirror(every_channel, {**cloud, "pkgs/main": "anaconda"})


@pytest.fixture
def at_server(condarc, server):
    def write(**settings):
        return condarc(
            **{
                "custom_channels": server.custom_channels(),
                "channels": ["conda-forge"],
                "default_channels": [server.channel_url("pkgs/main")],
                **settings,
            }
        )

    write()
    return write


@pytest.fixture(scope="module")
def made():
    """Environments that were made once: a copy, and the server that its records name, by words."""
    return {}


@pytest.fixture
def env_with(at_server, server, made, conda_in_process, tmp_path, tmp_path_factory):
    """`env_with(*words)`: a fresh environment that these words of conda make."""

    def make(*words):
        prefix = tmp_path / "there"
        if words not in made:
            conda_in_process(words[0], "-y", "-q", "-p", prefix, *words[1:]).ok()
            kept = tmp_path_factory.mktemp("made") / "env"
            made[words] = shutil.copytree(prefix, kept, symlinks=True), server.url
            return prefix
        kept, url = made[words]
        shutil.copytree(kept, prefix, symlinks=True)
        for path in (prefix / "conda-meta").glob("*.json"):
            path.write_text(path.read_text().replace(url, server.url))
        return prefix

    return make


def tree(prefix):
    """Every file of an environment, with its content."""
    return {p.relative_to(prefix): p.read_bytes() for p in prefix.rglob("*") if p.is_file()}


def channels_of(prefix):
    return {r["name"]: r["channel"].rstrip("/").split("/")[-2] for r in records(prefix).values()}


def of_cuda(prefix):
    return {name for name in installed(prefix) if name.startswith(("cuda-", "libcu", "libnv"))}


# The change itself


def test_the_torch_of_pytorch_gives_way_to_that_of_conda_forge(env_with, server, conda_in_process):
    prefix = env_with(*OFFICIAL_ENV)
    before, cuda = installed(prefix), of_cuda(prefix)
    server.requests.clear()
    result = conda_in_process(*FORGE, "-y", "-p", prefix).ok()
    found = installed(prefix)
    assert {name: found[name] for name in OF_FORGE} == OF_FORGE
    assert channels_of(prefix)["pytorch"] == "conda-forge"
    # CUDA of the other channel is gone, what somebody may use is as it was.
    gone = {*cuda, "pytorch-cuda", "pytorch-mutex", "torchtriton", "ffmpeg", "libnpp"}
    assert of_cuda(prefix) == {"cuda-version"}
    assert {name: found.get(name) for name in before if name not in {*gone, *OF_FORGE}} == {
        name: spec for name, spec in before.items() if name not in {*gone, *OF_FORGE}
    }
    assert not {*gone, "cuda-version"} - {"cuda-version"} & found.keys()
    assert not server.asked("*/pytorch/linux-64/*.tar.bz2")
    assert not server.asked("*/nvidia/*")
    said = " ".join(result.stdout.split())
    assert "pytorch 2.5.1, pytorch-cuda 12.4, pytorch-mutex 1.0, torchvision 0.20.1 leave" in said
    assert "The following packages will be REMOVED: cuda-cudart" in said
    last = history(prefix).rpartition("==> ")[2]
    assert "# remove specs: [" in last
    assert "'pytorch==2.8.0=cuda129_mkl_py312_had1c889_302'" in last
    # A later command finds nothing to do.
    again = conda_in_process("torch-install", "-y", "-p", prefix, "--cuda", "12.9").ok()
    assert "All requested packages already installed" in again.stdout
    assert installed(prefix) == found


def test_the_torch_of_conda_forge_gives_way_to_that_of_pytorch(env_with, conda_in_process):
    prefix = env_with(*FORGE_ENV)
    assert channels_of(prefix)["pytorch"] == "conda-forge"
    conda_in_process(*OFFICIAL, "-y", "-p", prefix).ok()
    found = installed(prefix)
    assert {name: found[name] for name in OF_PYTORCH} == OF_PYTORCH
    assert "cudnn" not in found
    assert channels_of(prefix)["pytorch"] == "pytorch"


def test_auto_keeps_the_channel_of_an_environment(env_with, server, conda_in_process):
    """Row 25 of its table, installed: what is there already stays, whatever is newer elsewhere."""
    prefix = env_with(*OFFICIAL_ENV)
    before = installed(prefix)
    done = conda_in_process("torch-install", "-y", "-p", prefix, "--cuda", "12.9", "torchvision")
    assert "which this environment already uses" in done.ok().words
    found = installed(prefix)
    assert {name: found[name] for name in OF_PYTORCH} == OF_PYTORCH
    # But for MKL, which the rule for this channel pins.
    assert {name for name in before if found.get(name) != before[name]} == {"mkl"}


def test_there_and_back_again(env_with, conda_in_process):
    prefix = env_with(*OFFICIAL_ENV)
    before = installed(prefix)
    conda_in_process(*FORGE, "-y", "-q", "-p", prefix).ok()
    conda_in_process(*OFFICIAL, "-y", "-q", "-p", prefix).ok()
    found = installed(prefix)
    assert before.keys() <= found.keys()
    assert {name: found[name] for name in OF_PYTORCH} == OF_PYTORCH
    assert channels_of(prefix)["torchtriton"] == "pytorch"
    assert not {"cudnn", "libtorch"} & found.keys()


def test_a_pytorch_cuda_beside_a_torch_of_conda_forge_is_in_the_way_and_leaves(
    env_with, conda_in_process
):
    """No command of conda's made this on purpose; by the wrong order of channels it happens."""
    words = ("create", "-c", "conda-forge", "-c", "pytorch", "-c", "nvidia", "python=3.12")
    prefix = env_with(*words, "conda-forge::pytorch=2.5.1=cpu*", "pytorch-cuda=12.4")
    before = installed(prefix)
    result = conda_in_process(*FORGE, "-y", "-p", prefix).ok()
    found = installed(prefix)
    assert {name: found[name] for name in OF_FORGE} == OF_FORGE
    assert "pytorch-cuda" in before
    assert not {"pytorch-cuda", "libcublas"} & found.keys()
    assert "pytorch-cuda 12.4 goes with builds of another source" in result.words


@pytest.mark.parametrize("priority", ["strict", "disabled"])
def test_the_priority_of_channels_does_not_matter(at_server, env_with, conda_in_process, priority):
    prefix = env_with(*OFFICIAL_ENV)
    at_server(channel_priority=priority)
    conda_in_process(*FORGE, "-y", "-p", prefix).ok()
    assert {name: installed(prefix)[name] for name in OF_FORGE} == OF_FORGE
    conda_in_process(*OFFICIAL, "-y", "-p", prefix).ok()
    assert {name: installed(prefix)[name] for name in OF_PYTORCH} == OF_PYTORCH


def test_a_cpuonly_of_the_other_channel_leaves_too(env_with, conda_in_process):
    prefix = env_with(*CPU_ENV)
    assert {"cpuonly", "pytorch-mutex"} <= installed(prefix).keys()
    conda_in_process(*FORGE, "-y", "-p", prefix, "pytorch").ok()
    found = installed(prefix)
    assert found["pytorch"].startswith("2.8.0=cuda129_mkl_py310_")
    assert not {"cpuonly", "pytorch-mutex"} & found.keys()


def test_pytorch_cpu_gives_way_to_a_build_with_cuda(env_with, conda_in_process):
    prefix = env_with("create", "-c", "conda-forge", "python=3.12", "pytorch-cpu=2.8")
    assert "=cpu_" in installed(prefix)["pytorch"]
    conda_in_process(*FORGE, "-y", "-p", prefix, "pytorch").ok()
    found = installed(prefix)
    assert found["pytorch"] == OF_FORGE["pytorch"]
    assert "pytorch-cpu" not in found


def test_what_needs_a_torch_is_kept(env_with, conda_in_process):
    prefix = env_with(*OFFICIAL_ENV, "lightning")
    before = installed(prefix)
    result = conda_in_process(*FORGE, "-y", "-p", prefix).ok()
    found = installed(prefix)
    assert {name: found[name] for name in OF_FORGE} == OF_FORGE
    for name in ("lightning", "torchmetrics", "packaging"):
        assert found[name] == before[name]
    assert "inconsistent" not in result.stderr
    # Still what the user asked for, and nothing more.
    specs = history(prefix).rpartition("# update specs: ")[2]
    assert "lightning" in specs
    assert "torchmetrics" not in specs


def test_what_goes_with_the_former_torch_alone_is_named(env_with, conda_in_process):
    prefix = env_with(*OFFICIAL_ENV, "picky")
    before = tree(prefix)
    result = conda_in_process(*FORGE, "-y", "-p", prefix)
    assert result.rc == 1
    said = " ".join(result.stderr.split())
    assert "`picky`" in said
    assert "Found conflicts" not in said
    assert tree(prefix) == before


def test_a_torch_without_files_gives_way_too(env_with, server, conda_in_process):
    """As of an environment that was copied: its channel, and the index of it, are not asked."""
    prefix = env_with("create", "-c", "conda-forge", "python=3.12")
    (prefix / "conda-meta" / "pytorch-2.5.1-x_0.json").write_text(
        '{"name": "pytorch", "version": "2.5.1", "build": "x_0", "build_number": 0, "depends": [],'
        ' "channel": "https://conda.anaconda.org/pytorch/linux-64", "subdir": "linux-64",'
        ' "fn": "pytorch-2.5.1-x_0.tar.bz2", "files": [],'
        ' "url": "https://conda.anaconda.org/pytorch/linux-64/pytorch-2.5.1-x_0.tar.bz2"}'
    )
    server.requests.clear()
    conda_in_process(*FORGE, "-y", "-p", prefix).ok()
    assert {name: installed(prefix)[name] for name in OF_FORGE} == OF_FORGE
    assert not server.asked("*/pytorch/linux-64/*")


# Who confirms it, and where it is shown


def test_it_is_one_question(env_with, conda_in_process):
    prefix = env_with(*OFFICIAL_ENV)
    before = tree(prefix)
    result = conda_in_process(*FORGE, "-p", prefix, input="n\n")
    assert result.stdout.count("Proceed") == 1
    shown = result.stdout.partition("Proceed")[0]
    assert "will be REMOVED" in shown
    assert "conda-forge::pytorch-2.8.0" in shown
    assert tree(prefix) == before
    conda_in_process(*FORGE, "-p", prefix, input="y\n").ok()
    assert installed(prefix)["pytorch"] == OF_FORGE["pytorch"]


@pytest.mark.parametrize("word", ["--yes", "--json"])
def test_a_setting_alone_does_not_change_the_channel_unasked(
    at_server, env_with, conda_in_process, word
):
    prefix = env_with(*OFFICIAL_ENV)
    at_server(plugins={"torchmirror_source": "conda-forge"})
    before = tree(prefix)
    words = ("torch-install", "-p", prefix, "--cuda", "12.9", "pytorch")
    result = conda_in_process(*words, word)
    assert result.rc == 1
    assert tree(prefix) == before
    command = f"conda torch-install -p {prefix} pytorch --cuda 12.9 --source conda-forge"
    if word == "--json":
        found = json.loads(result.stdout)
        assert found["torchmirror"]["error"] == "channel_change"
        assert command in found["guidance"]["hints"][0]["text"]
    else:
        assert command in " ".join(result.stderr.split())
    conda_in_process(*command.split()[1:], word).ok()
    assert installed(prefix)["pytorch"] == OF_FORGE["pytorch"]


def test_a_preview_says_what_leaves_and_changes_nothing(env_with, conda_in_process):
    prefix = env_with(*OFFICIAL_ENV)
    before = tree(prefix)
    shown = conda_in_process(*FORGE, "-d", "-p", prefix).ok().words
    assert "pytorch 2.5.1, pytorch-cuda 12.4, pytorch-mutex 1.0, torchvision 0.20.1 leave" in shown
    assert f"conda remove -p {prefix} pytorch pytorch-cuda pytorch-mutex torchvision" in shown
    found = conda_in_process(*FORGE, "-d", "--json", "-p", prefix).ok().json()["torchmirror"]
    assert {"channel_changes", "orphans_removed"} <= {w["code"] for w in found["warnings"]}
    assert found["removed"][:4] == ["pytorch", "pytorch-cuda", "pytorch-mutex", "torchvision"]
    assert {"torchtriton", "libcublas"} <= set(found["removed"])
    assert "numpy" not in found["removed"]
    assert tree(prefix) == before


def test_a_solved_preview_is_the_whole_transaction(env_with, conda_in_process):
    prefix = env_with(*OFFICIAL_ENV)
    before = tree(prefix)
    words = (*FORGE, "-d", "--solve", "-p", prefix)
    assert "will be REMOVED" in conda_in_process(*words).ok().stdout
    found = conda_in_process(*words, "--json").ok().json()
    unlinked = {package["name"] for package in found["actions"]["UNLINK"]}
    linked = {package["name"]: package["version"] for package in found["actions"]["LINK"]}
    assert set(found["torchmirror"]["removed"]) - {"cuda-version"} <= unlinked
    assert linked["pytorch"] == "2.8.0"
    assert tree(prefix) == before


def test_the_json_of_a_change(env_with, conda_in_process):
    prefix = env_with(*OFFICIAL_ENV)
    found = conda_in_process(*FORGE, "--json", "-p", prefix).ok().json()
    assert found["success"] is True
    assert "pytorch-cuda" in {package["name"] for package in found["actions"]["UNLINK"]}
    assert installed(prefix)["pytorch"] == OF_FORGE["pytorch"]


@pytest.fixture
def plan_of_change(env_with, conda_in_process, tmp_path):
    """An environment with the other torch, and the words for a saved plan of its change."""
    prefix = env_with(*OFFICIAL_ENV)
    conda_in_process(*FORGE, "-p", prefix, "--save-plan", tmp_path / "plan").ok()
    return prefix, ("torch-install", "--no-check", "--plan", tmp_path / "plan")


def test_a_plan_of_a_change_makes_a_new_environment(plan_of_change, conda_in_process, sandbox):
    _, words = plan_of_change
    plan = json.loads((words[-1] / "plan.json").read_text())
    assert {"pytorch-cuda", "torchtriton", "libcublas"} <= set(plan["removed"])
    conda_in_process(*words, "-y", "-n", "new").ok()
    found = installed(sandbox.envs / "new")
    assert found["pytorch"] == OF_FORGE["pytorch"]
    assert not {"pytorch-cuda", "libcublas"} & found.keys()


def test_a_plan_of_a_change_does_it_in_the_old_environment(
    plan_of_change, server, conda_in_process, run_conda, sandbox
):
    """As the change itself would: one question, one transaction, and no channel is asked."""
    prefix, words = plan_of_change
    before = tree(prefix)
    shown = conda_in_process(*words, "-p", prefix, "--dry-run").ok()
    assert "leaves the environment what the plan does without: cuda-cudart" in shown.words
    declined = conda_in_process(*words, "-p", prefix, input="n\n")
    assert declined.stdout.count("Proceed") == 1
    assert tree(prefix) == before
    server.requests.clear()
    conda_in_process(*words, "-y", "-p", prefix).ok()
    found = installed(prefix)
    assert {name: found[name] for name in OF_FORGE} == OF_FORGE
    assert not {"pytorch-cuda", "torchtriton", "libcublas"} & found.keys()
    assert not server.asked("*repodata.json*")
    assert (prefix / "share" / "stubs" / "pytorch.txt").exists()
    assert not (prefix / "share" / "stubs" / "pytorch-cuda.txt").exists()
    conda_in_process(*words, "-y", "-n", "new").ok()
    assert installed(sandbox.envs / "new") == found
    # What left is no longer asked for: a later command does not bring it back.
    conda_in_process("torch-install", "-y", "-p", prefix, "--cuda", "12.9", "--no-check").ok()
    assert installed(prefix) == found


def test_a_plan_of_a_change_leaves_what_needs_the_former_torch(plan_of_change, conda_in_process):
    prefix, words = plan_of_change
    # As it would be after an installation of it.
    needs = '["python", "pytorch 2.5.1 py3.12_cuda12.4*"]'
    (prefix / "conda-meta" / "picky-1.0-h0_0.json").write_text(
        f'{{"name": "picky", "version": "1.0", "build": "h0_0", "build_number": 0, "files": [],'
        f' "depends": {needs}, "subdir": "linux-64", "fn": "picky-1.0-h0_0.tar.bz2",'
        ' "channel": "https://conda.anaconda.org/conda-forge/linux-64",'
        ' "url": "https://conda.anaconda.org/conda-forge/linux-64/picky-1.0-h0_0.tar.bz2"}'
    )
    before = tree(prefix)
    refused = conda_in_process(*words, "-y", "-p", prefix)
    assert refused.rc == 1
    said = " ".join(refused.stderr.split())
    assert "PlanInTheWay" in said
    assert "holds packages that do not go with the plan: picky" in said
    assert "they need `pytorch 2.5.1 py3.12_cuda12.4*`, which the plan removes or replaces" in said
    assert tree(prefix) == before
    command = next(line for line in refused.stderr.splitlines() if "conda remove -p" in line)
    offered = command.partition("`")[2].rstrip("`").split()
    conda_in_process(*offered[1:], "-y", "-q").ok()
    conda_in_process(*words, "-y", "-p", prefix).ok()
    assert installed(prefix)["pytorch"] == OF_FORGE["pytorch"]


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_a_plan_of_a_change_that_fails_leaves_everything(
    env_with, conda_in_process, last_package, tmp_path
):
    prefix = env_with(*OFFICIAL_ENV)
    last = last_package("#!/bin/sh\nexit 1\n")
    named = ("-p", prefix, "pytorch", "torchvision", *last)
    conda_in_process(*FORGE, *named, "--save-plan", tmp_path / "plan").ok()
    before = tree(prefix)
    assert conda_in_process("torch-install", "-y", "--plan", tmp_path / "plan", "-p", prefix).rc
    assert tree(prefix) == before


def test_a_change_is_downloaded_before_it_is_done(env_with, server, conda_in_process):
    prefix = env_with(*OFFICIAL_ENV)
    before = tree(prefix)
    conda_in_process(*FORGE, "-y", "-p", prefix, "--download-only").ok()
    assert tree(prefix) == before
    server.requests.clear()
    conda_in_process(*FORGE, "-y", "-p", prefix).ok()
    assert not server.asked("*/pytorch-2.8.0-*")
    assert installed(prefix)["pytorch"] == OF_FORGE["pytorch"]


# A change that fails


@pytest.fixture
def last_package(make_mirror, tmp_path):
    """`last_package(script)`: words for a package that is linked behind the set, with this
    post-link script."""

    def make(script):
        needs = {"depends": ["pytorch >=2.8"], "scripts": {"bin/.last-post-link.sh": script}}
        files = {"last-0-0.tar.bz2": record("last", "0", **needs)}
        write_channel(tmp_path / "more" / "mine", "noarch", files)
        write_channel(tmp_path / "more" / "mine", "linux-64", {})
        own = make_mirror(tmp_path / "more", {"mine": ""})
        return ("last", "-c", own.channel_url("mine"))

    return make


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_a_failure_after_the_removal_leaves_everything(
    env_with, conda_in_process, last_package, tmp_path
):
    prefix = env_with(*OFFICIAL_ENV)
    before = tree(prefix)
    stubs = prefix / "share" / "stubs"
    script = f"#!/bin/sh\n(cat {stubs}/pytorch.txt; ls {stubs}) > {tmp_path}/seen\nexit 1\n"
    words = (*FORGE, "-y", "-p", prefix, "pytorch", "torchvision", *last_package(script))
    assert conda_in_process(*words).rc == 1
    # The new set was there already, and the old one was not.
    seen = (tmp_path / "seen").read_text().split()
    assert seen[:2] == ["pytorch", "2.8.0"]
    assert "libcublas.txt" not in seen
    assert tree(prefix) == before


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX signal and a shell script")
def test_an_interrupt_after_the_removal_leaves_everything(env_with, last_package, tmp_path):
    prefix = env_with(*OFFICIAL_ENV)
    before = tree(prefix)
    flag = tmp_path / "linking"
    words = last_package(f"#!/bin/sh\ntouch '{flag}'\nsleep 5\n")
    command = (*FORGE, "-y", "--no-check", "-p", prefix, "pytorch", *words)
    said = interrupted(*command, when=flag.exists, otherwise="the script never ran")
    assert "Traceback" not in said
    assert tree(prefix) == before


def test_a_package_that_is_missing_leaves_everything(env_with, server, conda_in_process, sandbox):
    prefix = env_with(*OFFICIAL_ENV)
    before = tree(prefix)
    for cached in sandbox.pkgs.glob("libblas-3.9.0-*"):
        shutil.rmtree(cached) if cached.is_dir() else cached.unlink()
    server.fail("*/libblas-3.9.0-*", "not_found")
    result = conda_in_process(*FORGE, "-y", "-p", prefix)
    assert result.rc == 1
    assert tree(prefix) == before
