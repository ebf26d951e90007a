"""What a refusal says of a sample of a channel, of what is left out, of the library of pytorch."""

from __future__ import annotations

import re
import shlex

import pytest
from support.refusal_fixtures import CHANNEL, FORGE, cuda
from support.torches import record

pytest_plugins = ("support.refusal_fixtures",)


# What a sample of a channel does not have, and what is left out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("pytorch=2.99",), "the built-in index has no `pytorch=2.99` for linux-64: it knows some"),
        (
            ("pytorch=2.4.1=cuda120_py311h3c1bf18_300",),
            "the built-in index, which has some of the builds, knows no",
        ),
        (("pytorch=2.13", "--python", "3.8"), "the built-in index knows CPU builds only"),
        (
            ("pytorch=2.10", "torchvision"),
            "no torchvision for pytorch=2.10.0=",
        ),
    ],
    ids=["no such release", "no such build", "a CPU build alone", "no partner"],
)
def test_what_a_sample_lacks_is_not_said_of_the_channel(preview, words, says):
    done = preview("--json", "--offline", *words, **cuda("12.9"))
    assert done.rc == 1
    assert says in done.json()["guidance"]["cause"]


def test_nothing_older_is_pointed_to_where_newer_is_asked_for(preview):
    """It was said that only the channel's own index has what is older."""
    done = preview("--json", "--offline", "pytorch>=2.9", "--source", CHANNEL, **cuda("12.9"))
    cause = done.json()["guidance"]["cause"]
    assert "has no `pytorch>=2.9` for linux-64: it knows 1.8.0 to 2.5.1; the channel" in cause


@pytest.mark.parametrize(
    ("words", "says", "online"),
    [
        ("pytorch<1.8", "the built-in index has no `pytorch<1.8` for linux-64", True),
        ("pytorch=1.7.1", "the built-in index has no `pytorch=1.7.1` for linux-64", True),
        ("pytorch=1.7.1 --python 3.12", "the built-in index has no `pytorch=1.7.1`", False),
        ("pytorch=1.10.5", "the built-in index has no `pytorch=1.10.5` for linux-64", False),
        ("cudatoolkit=10.0", "no build of the built-in index for linux-64 is made for", True),
        ("pytorch-cuda=13.0", "no build of the built-in index for linux-64 is made for", False),
        ("torchvision=0.8.2", "torchvision 0.20.1 goes with pytorch 2.5.1", True),
        ("torchvision=0.22.0a0", "torchvision 0.20.1 goes with pytorch 2.5.1", False),
        # One with letters was taken for an older one.
        ("pytorch=2.7.0rc1", "for linux-64: it knows 1.8.0 to 2.5.1; the channel", False),
        ("pytorch=2.6.0.dev20240913", "it knows 1.8.0 to 2.5.1; the channel", False),
        ("pytorch==2.1.0.post300", "`pytorch==2.1.0.post300` for linux-64: it knows", False),
        ("pytorch=1.7.0rc1", "only the channel's own index, without `--offline`, has", True),
    ],
)
def test_what_the_built_in_index_lacks_is_not_said_of_the_channel(preview, words, says, online):
    """The channel was said to have no `pytorch<1.8`, and none for CUDA 10.0."""
    done = preview("--json", "--offline", *words.split(), "--source", CHANNEL, **cuda("12.9"))
    assert done.rc == 1
    told = done.json()
    assert told["message"].endswith(", by the built-in index")
    cause = told["guidance"]["cause"]
    assert says in cause
    assert "the channel has no" not in cause
    codes = [hint["hint_code"] for hint in told["guidance"]["hints"]]
    assert ("go_online" in codes) is online


def test_a_wish_that_a_lower_cuda_has_is_told_as_that(preview):
    machine = cuda("12.4", "8.6")
    words = ("--cuda-compat", "strict", "--source", FORGE)
    done = preview(*words, **machine).ok()
    assert "for CUDA 12.0" in done.stdout
    said = "torchaudio is left out: conda-forge has none for PyTorch 2.5.1 with CUDA 12.0; with"
    assert f"{said} `pytorch torchvision torchaudio` it is CUDA 11.8" in done.words
    assert "for CUDA 11.8" in preview(*words, "torchaudio", "torchvision", **machine).ok().stdout


# The library of pytorch


def test_a_release_of_the_library_is_one_of_pytorch(preview):
    done = preview("--json", "libtorch=2.6", "--cuda", "cpu").ok().json()["torchmirror"]
    built = {one["name"]: one["version"] for one in done["selected"]["builds"]}
    assert built["pytorch"] == "2.6.0"


@pytest.mark.parametrize("offline", [(), ("--offline",)], ids=["online", "offline"])
def test_a_library_of_another_release_is_told_as_the_cause(preview, offline):
    words = ("libtorch=2.6", "pytorch>=2.7", "--cuda", "cpu", *offline)
    refused = preview("--json", *words)
    assert refused.rc == 1
    guidance = refused.json()["guidance"]
    assert "`libtorch=2.6` keeps pytorch=2.13.0=" in guidance["cause"]
    hints = {hint["hint_code"]: hint["text"] for hint in guidance["hints"]}
    assert "built_in_part" not in hints, "the whole index has no such set either"
    assert "leave `libtorch=2.6` out: pytorch 2.13.0" in hints["drop_cuda_cpu"]
    preview("pytorch>=2.7", "--cuda", "cpu", *offline).ok()
    preview("libtorch=2.6", "pytorch", "--cuda", "cpu", *offline).ok()


@pytest.mark.parametrize(
    ("word", "driver"), [("libtorch=2.6=cpu*", "12.6"), ("libtorch=2.6=cuda*", "cpu")]
)
def test_a_library_of_the_other_kind_is_refused_and_leaving_it_out_is_offered(
    preview, word, driver
):
    """Its build was forgotten, and the solver got both."""
    refused = preview("--json", word, "--cuda", driver, "--offline")
    hints = {hint["hint_code"]: hint["text"] for hint in refused.json()["guidance"]["hints"]}
    assert f"leave `{word}` out" in hints["drop_cuda" if driver != "cpu" else "drop_cuda_cpu"]
    assert "drop_partner" not in hints
    preview("--cuda", driver, "--offline").ok()


@pytest.mark.parametrize(
    ("words", "instead", "torch"),
    [
        (("cudatoolkit=11.8",), "pytorch-cuda=11.8", "2.5.1"),
        (("cudatoolkit=12.1", "pytorch=2.3"), "pytorch-cuda=12.1", "2.3.1"),
        (("pytorch-cuda=11.3", "pytorch=1.12"), "cudatoolkit=11.3", "1.12.1"),
    ],
)
def test_a_cuda_that_another_package_brings_is_offered_by_that(preview, words, instead, torch):
    machine = ("--cuda", "12.4", "--offline")
    refused = preview("--json", *words, *machine)
    hints = {hint["hint_code"]: hint["text"] for hint in refused.json()["guidance"]["hints"]}
    assert f"ask for `{instead}` instead of `{words[0]}`: here it is" in hints["torch_instead"]
    assert f"pytorch {torch}" in hints["torch_instead"]
    found = preview("--json", instead, *words[1:], *machine).ok().json()["torchmirror"]
    assert found["selected"]["builds"][0]["version"] == torch


@pytest.mark.parametrize("version", ["2.5.1", "1.9.0"])
def test_a_build_of_the_other_channel_is_told_as_one(preview, version):
    """The channel was told as a platform, and a release that is not there as the cause."""
    word = f"pytorch={version}=py3.9_cuda11.1_cudnn8.0.5_0"
    refused = preview("--json", word, "--source", "conda-forge", "--cuda", "12.4", "--offline")
    cause = refused.json()["guidance"]["cause"]
    assert cause == f"`{word}` is named as the builds of pytorch are, not those of conda-forge"


@pytest.mark.parametrize(
    ("word", "offered"),
    [
        ("pytorch[md5='00']", False),
        ("pytorch[subdir='win-64']", False),
        ("pytorch=*=*cpu*", False),
        ("pytorch>=1.8=*rocm*", False),
        ("pytorch=1.8.2", True),
        ("pytorch[version='1.8.2']", True),
    ],
)
def test_a_release_of_another_channel_is_offered_for_what_names_a_release(preview, word, offered):
    refused = preview("--json", word, "--cuda", "12.4", "--offline")
    codes = [hint["hint_code"] for hint in refused.json()["guidance"]["hints"]]
    assert ("other_channel_has" in codes) is offered


def test_where_no_wheel_fits_a_variant_the_list_is_offered(preview):
    refused = preview("--json", "pytorch=2.0", "--cuda", "rocm6.4", "--offline")
    assert refused.rc == 2
    hints = {hint["hint_code"]: hint["text"] for hint in refused.json()["guidance"]["hints"]}
    assert set(hints) == {"see_list"}
    command = re.findall("`([^`]*)`", hints["see_list"])[0].split()[1:]
    said = ["--cuda", "rocm6.4", "--source", "wheels", "--offline"]
    assert command == ["torch-install", "--list", *said]


# What an environment holds


def test_what_only_the_environment_excludes_fits_in_a_new_one(preview, tmp_path, conda_in_process):
    """Another Python was named where an installed partner was in the way."""
    prefix = tmp_path / "old"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta" / "history").touch()
    record(prefix, "python", "3.13.1", "h_0")
    record(prefix, "torchaudio", "2.5.1", "py312_cu118")
    words = ("--source", FORGE, "--cuda", "11.8", "--json")
    refused = conda_in_process("torch-install", "-d", "-p", prefix, *words)
    hints = {hint["hint_code"]: hint["text"] for hint in refused.json()["guidance"]["hints"]}
    assert "use_python" not in hints
    command = shlex.split(hints["in_new_environment"].split("`")[1])[1:]
    assert command[command.index("--python") + 1] == "3.13"
    found = conda_in_process(*command, "--json").ok().json()["torchmirror"]["selected"]
    version = next(one["version"] for one in found["builds"] if one["name"] == "pytorch")
    assert f"pytorch {version} fits" in hints["in_new_environment"]


def test_another_python_in_a_new_environment_where_a_partner_is_in_the_way(
    tmp_path, conda_in_process
):
    """With a partner installed, the Pythons that the release has were not named at all."""
    prefix = tmp_path / "old"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta" / "history").touch()
    record(prefix, "python", "3.8.18", "h_0")
    record(prefix, "torchvision", "0.13.1", "py38_cpu")
    words = ("pytorch=2.7", "--cuda", "12.8", "--offline", "--json")
    refused = conda_in_process("torch-install", "-d", "-p", prefix, *words)
    hints = {hint["hint_code"]: hint["text"] for hint in refused.json()["guidance"]["hints"]}
    command = shlex.split(hints["in_new_environment"].split("`")[1])[1:]
    assert command[command.index("--python") + 1] == "3.13"
    found = conda_in_process(*command, "--json").ok().json()["torchmirror"]["selected"]
    assert f"pytorch {found['builds'][0]['version']} fits" in hints["in_new_environment"]


def test_an_installed_partner_is_told_beside_the_python(env_of, conda_in_process, monkeypatch):
    """Another Python would do, and so would the environment without its torchaudio: builds for its
    own Python are there, which the Python alone as the cause would deny."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")
    prefix = env_of("python=3.11")
    conda_in_process("torch-install", "-y", "-q", "-p", prefix, "pytorch=2.1", "torchaudio").ok()
    words = ("torch-install", "-d", "--json", "-p", prefix, "pytorch=2.3", "torchvision")
    cause = conda_in_process(*words).json()["torchmirror"]["facts"]["detail"]
    missing, python = cause.split("; ")
    assert missing.startswith("this channel has no torchaudio for pytorch=2.3.1=py3.11_cuda12.1")
    assert "torchaudio 2.1.0 is installed" in missing
    assert python == "builds for Python 3.8, 3.9, 3.10, 3.12 do not go with Python 3.11 (prefix)"
