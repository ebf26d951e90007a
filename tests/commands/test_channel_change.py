"""A torch of another channel in the environment: one transaction takes it out, and brings a set."""

from __future__ import annotations

import json

import pytest
from support.change_fixtures import (
    CPU_ENV,
    FORGE,
    FORGE_ENV,
    OF_FORGE,
    OF_PYTORCH,
    OFFICIAL,
    OFFICIAL_ENV,
    tree,
)
from support.prefixes import history, installed, records

pytest_plugins = ("support.change_fixtures",)


def channels_of(prefix):
    return {r["name"]: r["channel"].rstrip("/").split("/")[-2] for r in records(prefix).values()}


def recorded_at(prefix, at):
    """Let pytorch be recorded as what came from this address of its channel."""
    for file in (prefix / "conda-meta").glob("pytorch-2*.json"):
        record = json.loads(file.read_text())
        url = f"{at}/linux-64/{record['fn']}"
        file.write_text(json.dumps({**record, "channel": at, "url": url}))


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


def test_auto_keeps_the_channel_of_an_environment(env_with, conda_in_process, monkeypatch):
    """Row 25 of its table, installed: what is there already stays, whatever is newer elsewhere.

    The environment was made for the same driver: without one there is a cuda-version of 13.1, which
    no driver for 12.9 runs, and a solver that heeds `constrains` on `__cuda` (rattler) replaces it.
    """
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.9")
    prefix = env_with(*OFFICIAL_ENV)
    before = installed(prefix)
    done = conda_in_process("torch-install", "-y", "-p", prefix, "--cuda", "12.9", "torchvision")
    assert "which this environment already uses" in done.ok().words
    found = installed(prefix)
    assert {name: found[name] for name in OF_PYTORCH} == OF_PYTORCH
    # But for MKL, which the rule for this channel pins.
    assert {name for name in before if found.get(name) != before[name]} == {"mkl"}


@pytest.mark.parametrize(
    "at",
    [
        "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch",
        "https://cache.lab/anaconda/cloud/pytorch",
    ],
    ids=["built-in", "own"],
)
def test_auto_keeps_the_channel_of_what_came_by_a_mirror(
    env_with, conda_in_process, monkeypatch, at
):
    """Every environment that was made through a mirror is recorded with the mirror's address: none
    of them was known to use a channel, and 2.8.0 of conda-forge was taken."""
    prefix = env_with(*OFFICIAL_ENV)
    recorded_at(prefix, at)
    own = {"lab": {"roots": ["https://cache.lab/anaconda"], "channels": {"pytorch": {}}}}
    monkeypatch.setenv("CONDA_PLUGINS_TORCHMIRROR_REGISTRY", json.dumps(own))
    words = ("torch-install", "-d", "--json", "-p", prefix, "--cuda", "12.9", "torchvision")
    found = conda_in_process(*words).ok().json()["torchmirror"]["selected"]
    assert (found["source"], found["why"]) == ("pytorch", "bound")


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


def test_a_torch_of_defaults_is_changed_where_it_is_confirmed(env_with, server, conda_in_process):
    """It has no source of ours: its own may have built it with other libraries."""
    prefix = env_with(*FORGE_ENV)
    [path] = (prefix / "conda-meta").glob("pytorch-2*.json")
    record = json.loads(path.read_text())
    record["channel"] = f"{server.channel_url('pkgs/main')}/linux-64"
    record["url"] = f"{record['channel']}/{record['fn']}"
    path.write_text(json.dumps(record))
    asked = ("torch-install", "-y", "-p", prefix, "--cuda", "12.9")
    refused = conda_in_process(*asked)
    assert refused.rc == 1
    assert "pytorch 2.8.0 of the channel `defaults`, not of `conda-forge`" in " ".join(
        refused.stderr.split()
    )
    done = conda_in_process(*asked, "--source", "conda-forge").ok()
    assert "PyTorch of the channel defaults gives way to that of conda-forge" in done.words
    assert channels_of(prefix)["pytorch"] == "conda-forge"
    assert installed(prefix)["pytorch"] == OF_FORGE["pytorch"]


@pytest.mark.parametrize("name", ["defaults", "anaconda", "pytorch-nightly"])
def test_so_is_one_of_defaults_for_one_of_the_channel_pytorch(
    env_with, server, conda_in_process, name
):
    """It was replaced without a word more than conda's plan, with --yes too."""
    prefix = env_with(*OFFICIAL_ENV)
    [path] = (prefix / "conda-meta").glob("pytorch-2*.json")
    recorded = f"https://conda.anaconda.org/{name}"
    if name == "defaults":
        recorded = server.channel_url("pkgs/main")
    path.write_text(path.read_text().replace(server.channel_url("pytorch"), recorded))
    before = tree(prefix)
    asked = ("torch-install", "-p", prefix, "--cuda", "12.4", "pytorch=2.5.1", "torchvision")
    for word in ("--yes", "--json"):
        refused = conda_in_process(*asked, word)
        assert refused.rc == 1
        assert f"of the channel `{name}`, not of `pytorch`" in refused.words
    assert tree(prefix) == before
    done = conda_in_process(*asked, "-y", "--source", "pytorch").ok()
    assert f"PyTorch of the channel {name} gives way to that of pytorch" in done.words
    assert channels_of(prefix)["pytorch"] == "pytorch"
    assert {name: installed(prefix)[name] for name in OF_PYTORCH} == OF_PYTORCH
    again = conda_in_process(*asked, "-y").ok()
    assert "All requested packages already installed" in again.stdout


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
    assert "`picky` of this environment does not go with this set" in said
    assert "Found conflicts" not in said
    assert tree(prefix) == before
    # It was not named, and could not be left out.
    assert f"`conda remove -p {prefix} picky`" in said
    conda_in_process("remove", "-y", "-p", prefix, "picky").ok()
    conda_in_process(*FORGE, "-y", "-p", prefix).ok()
    assert installed(prefix)["pytorch"] == OF_FORGE["pytorch"]


@pytest.mark.parametrize("words", [("pytorch=2.0.1",), ("pytorch=1.12.1", "cudatoolkit=11.3")])
def test_what_is_in_the_way_of_an_older_release_is_named(env_with, conda_in_process, words):
    """A partner was, by its build that was asked for before and is replaced by one of the set, and
    with its name on the command line it was to be left out."""
    prefix = env_with(*OFFICIAL, "lightning", "--python", "3.10", "--no-check")
    before = tree(prefix)
    asked = ("torch-install", "--cuda", "12.4", "--no-check", "-y", "-p", prefix, *words)
    for partner in ((), ("torchvision",)):
        done = conda_in_process(*asked, *partner)
        assert done.rc == 1
        assert "`lightning` of this environment does not go with this set" in done.words
        assert "wants `pytorch >=2.1`" in done.words
        assert f"`conda remove -p {prefix} lightning`; then run this again" in done.words
    assert tree(prefix) == before
    conda_in_process("remove", "-y", "-p", prefix, "lightning").ok()
    conda_in_process(*asked).ok()
    assert installed(prefix)["pytorch"].startswith(words[0].partition("=")[2])


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
        new = "`conda torch-install -n NEW pytorch --cuda 12.9 --no-check`"
        assert new in found["guidance"]["hints"][1]["text"]
    else:
        assert command in " ".join(result.stderr.split())
    conda_in_process(*command.split()[1:], word).ok()
    assert installed(prefix)["pytorch"] == OF_FORGE["pytorch"]


def test_a_preview_says_what_leaves_and_changes_nothing(env_with, conda_in_process):
    prefix = env_with(*OFFICIAL_ENV)
    before = tree(prefix)
    shown = conda_in_process(*FORGE, "-d", "-p", prefix).ok().words
    assert "pytorch 2.5.1, pytorch-cuda 12.4, pytorch-mutex 1.0, torchvision 0.20.1 leave" in shown
    named = "pytorch pytorch-cuda pytorch-mutex torchvision"
    assert f"conda remove --force -p {prefix} {named}" in shown
    found = conda_in_process(*FORGE, "-d", "--json", "-p", prefix).ok().json()["torchmirror"]
    assert {"channel_changes", "orphans_removed"} <= {w["code"] for w in found["warnings"]}
    assert found["removed"][:4] == ["pytorch", "pytorch-cuda", "pytorch-mutex", "torchvision"]
    assert {"torchtriton", "libcublas"} <= set(found["removed"])
    assert "numpy" not in found["removed"]
    assert tree(prefix) == before


def test_a_channel_at_a_mirror_is_told_by_its_name(env_with, conda_in_process):
    """A package that came by the mirror is recorded with the mirror's address."""
    prefix = env_with(*OFFICIAL_ENV)
    recorded_at(prefix, "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch")
    shown = conda_in_process(*FORGE, "-d", "-p", prefix).ok().words
    assert "of the channel pytorch gives way to that of conda-forge" in shown
    words = ("torch-install", "-y", "--cuda", "12.9", "pytorch=2.8")
    refused = conda_in_process(*words, "-p", prefix)
    assert "pytorch 2.5.1 of the channel `pytorch`, not of `conda-forge`" in refused.words


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
