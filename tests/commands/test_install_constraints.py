"""`conda torch-install` where something binds it: pins, history, channel priority, leftovers."""

from __future__ import annotations

import re
import shlex

import pytest
from support.asking import ASK_2_1_0, ASK_2_5_1
from support.prefixes import history, installed

from conda_torchmirror.index import match

# Known-bad pairs and pins


def test_a_contradicting_pin_is_named(env_of, conda_in_process):
    prefix = env_of("python=3.11")
    (prefix / "conda-meta" / "pinned").write_text("mkl >=2025\n")
    result = conda_in_process("torch-install", "-y", "-p", prefix, *ASK_2_1_0)
    assert result.rc == 1
    assert "PinConflict: the pin `mkl >=2025`" in result.stderr
    assert "`mkl<2024.1`" in result.stderr


@pytest.mark.parametrize("by", ["the option", "the configuration"])
def test_where_no_pin_applies_what_the_set_needs_is_asked_for(
    env_of, conda_in_process, monkeypatch, by
):
    """Conda dropped our pins along with the user's, which had narrowed or refused the choice."""
    prefix = env_of("python=3.11")
    (prefix / "conda-meta" / "pinned").write_text("mkl >=2025\npytorch 2.0.*\n")
    words = ("--no-pin",) if by == "the option" else ()
    if not words:
        monkeypatch.setenv("CONDA_IGNORE_PINNED", "true")
    result = conda_in_process("torch-install", "-y", "-p", prefix, *words, *ASK_2_1_0).ok()
    assert "asked for along with it, as no pin applies in this run: mkl<2024.1" in result.words
    assert "pinned for this installation" not in result.words
    assert "conda-meta/pinned" not in result.words
    found = installed(prefix)
    assert found["pytorch"].startswith("2.1.0=")
    assert found["mkl"].startswith("2023.")
    assert found["numpy"].startswith("1.26.")


#: What a choice for a driver of 12.4 comes to under pins: its source, release and CUDA.
OLD, NEWER = ("pytorch", "2.5.1", "12.4"), ("conda-forge", "2.8.0", "12.9")
PINNED = {
    "conda-forge::numpy": NEWER,
    "conda-forge::python=3.13": NEWER,
    "conda-forge::pytorch": NEWER,
    "pytorch[channel=conda-forge]": NEWER,
    "https://conda.anaconda.org/conda-forge::pytorch": NEWER,
    "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/conda-forge::pytorch": NEWER,
    "pytorch::pytorch": OLD,
    "pytorch/linux-64::pytorch": OLD,
    "pytorch::pytorch=2.3": ("pytorch", "2.3.1", "12.1"),
    "pytorch::pytorch-cuda=12.1&pytorch<2.6": ("pytorch", "2.5.1", "12.1"),
    "pytorch-cuda=12.1": ("pytorch", "2.5.1", "12.1"),
    "pytorch-cuda=11.8": ("pytorch", "2.5.1", "11.8"),
    "pytorch-cuda": NEWER,
    "conda-forge::cuda-version=12.1": ("pytorch", "2.5.1", "12.1"),
    "defaults::mkl&pytorch 2.3.*": ("pytorch", "2.3.1", "12.1"),
    # What conda-forge's builds need and a pin excludes ended in the solver's conflict.
    "libtorch=2.6": ("conda-forge", "2.6.0", "12.6"),
    "libtorch=*=cuda12*": NEWER,
    "mkl=2024": NEWER,
    "mkl<2024.1": OLD,
    "libblas=*=*openblas": OLD,
    "libblas=*=*mkl": NEWER,
    "cudnn=8.9": OLD,
    "numpy<2": NEWER,
}


@pytest.mark.parametrize("pins", PINNED)
def test_a_pin_that_names_a_channel_admits_the_builds_of_it(conda_in_process, monkeypatch, pins):
    """Such a pin kept every build out, those of its own channel too."""
    monkeypatch.setenv("CONDA_PINNED_PACKAGES", pins)
    words = ("--dry-run", "--offline", "--json", "--platform", "linux-64", "--cuda", "12.4")
    shown = conda_in_process("torch-install", *words).ok().json()["torchmirror"]["selected"]
    (torch,) = (build for build in shown["builds"] if build["name"] == "pytorch")
    assert (shown["source"], torch["version"], shown["cuda"]) == PINNED[pins]


def test_the_printed_commands_keep_the_pins_of_the_shell(conda_in_process, monkeypatch):
    """They took their place, so that what is typed was bound by less than the run."""
    monkeypatch.setenv("CONDA_PINNED_PACKAGES", "numpy=1.26&scipy=1.13")
    words = ("--dry-run", "--offline", "--platform", "linux-64", "--cuda", "12.4")
    shown = conda_in_process("torch-install", *words, "pytorch=2.3").ok().stdout
    assert "  export CONDA_PINNED_PACKAGES='numpy=1.26&scipy=1.13&mkl<2024.1'\n" in shown


@pytest.mark.parametrize(
    ("pin", "ours"),
    [
        ("cuda-version", ["cuda-version=12.6"]),
        ("cuda-version=12", ["cuda-version=12.6"]),
        ("cuda-version>=12,<13", ["cuda-version=12.6"]),
        ("cuda-version=12.6", ["cuda-version=12.6"]),
        ("cuda-version=12.8", []),
    ],
)
def test_a_pin_on_the_runtime_lets_none_in_that_is_newer_than_the_set(
    conda_in_process, monkeypatch, pin, ours
):
    """Under a wide one the solver took the newest of the major, which needs a newer driver."""
    monkeypatch.setenv("CONDA_PINNED_PACKAGES", pin)
    words = ("--dry-run", "--offline", "--json", "--platform", "linux-64", "--cuda", "12.6")
    shown = conda_in_process("torch-install", *words, "pytorch-gpu=2.6").ok().json()["torchmirror"]
    assert (shown["selected"]["cuda"], shown["pins"]) == ("12.6", ours)


def test_further_specs_narrow_what_the_builds_need_and_the_one_in_the_way_is_left_out(
    conda_in_process,
):
    words = ("torch-install", "--dry-run", "--offline", "--platform", "linux-64", "--cuda", "12.4")
    found = conda_in_process(*words, "mkl<2024.1", "--json").ok().json()["torchmirror"]
    assert found["selected"]["source"] == "pytorch"
    refused = conda_in_process(*words, "pytorch=2.8", "torchvision", "mkl<2024.1")
    said = " ".join(refused.stderr.split())
    assert "`mkl<2024.1` keeps out what needs `mkl >=" in said
    assert "leave mkl out" in said  # conda 26.7 has the code of a step before it
    conda_in_process(*words, "pytorch=2.8", "torchvision").ok()


@pytest.mark.parametrize(
    ("pin", "source"),
    [
        ("pytorch::pytorch", "conda-forge"),
        ("conda-forge::pytorch", "pytorch"),
        ("defaults::pytorch", "auto"),
        ("pytorch/win-64::pytorch", "auto"),
    ],
)
def test_a_pin_that_names_another_channel_is_in_the_way(conda_in_process, monkeypatch, pin, source):
    monkeypatch.setenv("CONDA_PINNED_PACKAGES", pin)
    words = ("--dry-run", "--offline", "--platform", "linux-64", "--cuda", "12.4")
    refused = conda_in_process("torch-install", *words, "--source", source)
    assert refused.rc == 1
    assert f"the pin {pin} (pinned_packages) keeps" in " ".join(refused.stderr.split())


@pytest.mark.parametrize(
    ("pin", "words"),
    [
        ("pytorch 2.4.*", ("--cuda", "10.2", "--python", "3.8", "pytorch=2.3", "torchtext")),
        ("pytorch::pytorch=2.3", ("--cuda", "cpu", "--python", "3.8", "--source", "conda-forge")),
        ("python 3.10.*", ("--cuda", "cpu", "--python", "3.13", "pytorch=2.3")),
        ("pytorch 2.3.*", ("--cuda", "cpu", "--python", "3.13", "pytorch=2.4")),
    ],
)
def test_pins_of_the_settings_bind_what_is_offered_in_a_new_environment_too(
    conda_in_process, monkeypatch, pin, words
):
    monkeypatch.setenv("CONDA_PINNED_PACKAGES", pin)
    preview = ("--dry-run", "--offline", "--json", "--platform", "linux-64")
    refused = conda_in_process("torch-install", *preview, *words)
    assert refused.rc == 1
    for hint in refused.json()["guidance"]["hints"]:
        for command in re.findall("`conda (torch-install [^`]*)`", hint["text"]):
            if "--list" not in command:
                conda_in_process(*shlex.split(command), "--dry-run", "--offline").ok()


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
    assert match.admits(pin, name, installed(prefix)[name].partition("=")[0], "")


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


@pytest.mark.parametrize("by", ["the file", "the settings"])
def test_a_pin_that_admits_more_lifts_neither_the_choice_nor_its_pins(
    env_of, conda_in_process, monkeypatch, by
):
    """Of two pins conda took the last, and the pin instead of the exact build: 2.5.1 came in for
    2.1.0, and MKL 2025 and NumPy 2."""
    prefix = env_of("python=3.11")
    pins = ("pytorch >=1.10", "torchvision", "mkl >=2020", "numpy >=1.20")
    if by == "the file":
        (prefix / "conda-meta" / "pinned").write_text("\n".join(pins))
    else:
        monkeypatch.setenv("CONDA_PINNED_PACKAGES", "&".join(pins))
    words = ("--cuda", "11.8", "--python", "3.11", "pytorch=2.1.0")
    result = conda_in_process("torch-install", "-y", "-p", prefix, *words).ok()
    assert "may take the pin alone" in " ".join(result.words.split())
    found = installed(prefix)
    assert found["pytorch"].startswith("2.1.0=py3.11_cuda11.8_")
    assert found["mkl"].startswith("2023.")
    conda_in_process("torch-install", "-y", "-p", prefix, *words, "torchvision").ok()
    found = installed(prefix)
    assert found["torchvision"] == "0.16.0=py311_cu118"
    assert found["numpy"].startswith("1.26.")


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


# The channel of a word, and a NumPy that is older than a Python

CHANNELS = {
    # The channel that is named chooses no torchtext, and has one all the same.
    "conda-forge::torchtext pytorch": ("conda-forge", "conda-forge::torchtext"),
    "conda-forge::torchdata=0.9 pytorch=2.5": ("conda-forge", "conda-forge::torchdata=0.9"),
    "pytorch::torchtext pytorch": ("pytorch", "torchtext=0.18.0=py312"),
    "conda-forge::cudatoolkit=11.3 pytorch=1.11": ("pytorch", "conda-forge::cudatoolkit=11.3"),
    "nvidia::cudatoolkit=11.3 pytorch=1.11": ("pytorch", "nvidia::cudatoolkit=11.3"),
    "torch+cu121": ("pytorch", "pytorch=2.5.1=py3.12_cuda12.1_cudnn9.1.0_0"),
}


@pytest.mark.parametrize("words", CHANNELS)
def test_the_channel_of_a_word_is_kept(conda_in_process, words):
    """torchtext came from the other channel, and `torch+cu121` went to the solver as it stood."""
    preview = ("--dry-run", "--offline", "--json", "--platform", "linux-64", "--cuda", "12.4")
    found = conda_in_process("torch-install", *preview, *words.split()).ok().json()["torchmirror"]
    source, spec = CHANNELS[words]
    assert found["selected"]["source"] == source
    assert spec in found["specs"]
    assert "torch+cu121" not in found["specs"]


@pytest.mark.parametrize(
    "word",
    ["pytorch::pytorch-gpu", "pytorch::libtorch=2.5", "conda-forge::pytorch-cuda=11.8"],
)
def test_a_channel_that_has_no_such_package_is_refused_by_name(conda_in_process, word):
    refused = conda_in_process("torch-install", "--dry-run", "--offline", "--json", word)
    assert refused.rc == 2
    document = refused.json()
    assert document["torchmirror"]["error"] == "other_channel"
    hints = [hint["hint_code"] for hint in document["guidance"]["hints"]]
    assert hints == ["leave_channel_out"], "plain conda finds none there either"


@pytest.mark.parametrize(
    ("words", "source", "torch", "python"),
    [
        ("pytorch numpy=1.21 --source conda-forge", "conda-forge", "2.8.0", "3.10"),
        ("pytorch numpy=1.26 --source conda-forge", "conda-forge", "2.12.0", "3.11"),
        # The sample of conda-forge has nothing for Python 3.9 with CUDA.
        ("numpy=1.19", "pytorch", "2.5.1", "3.9"),
        ("numpy=1.19 --source pytorch --python 3.10", "pytorch", "2.5.1", "3.10"),
    ],
)
def test_a_release_for_which_the_numpy_is_there_comes_before_a_newer_one(
    conda_in_process, words, source, torch, python
):
    """numpy=1.21 got Python 3.14, for which no build of it was ever made."""
    preview = ("--dry-run", "--offline", "--json", "--platform", "linux-64", "--cuda", "12.9")
    shown = conda_in_process("torch-install", *preview, *words.split()).ok().json()["torchmirror"]
    found = shown["selected"]
    assert (found["source"], found["python"]) == (source, python)
    assert found["builds"][0]["version"] == torch
    told = [notice["code"] for notice in shown["warnings"]]
    assert ("python_unsuited" in told) is ("--python" in words)


def test_no_table_offers_what_pins_and_further_specs_exclude(conda_in_process):
    words = ("--dry-run", "--offline", "--json", "--cuda", "13.0", "--source", "pytorch")
    for spec, offered in (("tqdm", True), ("mkl=2024.0", False), ("numpy=1.26", False)):
        refused = conda_in_process("torch-install", *words, "--python", "3.13", spec)
        hints = [hint["hint_code"] for hint in refused.json()["guidance"]["hints"]]
        assert ("use_conda_forge" in hints) is offered, spec


def test_a_runtime_above_the_driver_is_minor_version_compatibility(conda_in_process):
    """The build is for 12.0, and runs with the CUDA 12.6 that is asked for beside it."""
    words = ("--dry-run", "--offline", "--json", "--source", "conda-forge", "--cuda", "12.0")
    asked = ("torch-install", *words, "torchvision=0.19", "cuda-version=12.6")
    shown = conda_in_process(*asked).ok().json()["torchmirror"]["warnings"]
    assert any("CUDA 12.6 is newer than the driver's 12.0" in told["text"] for told in shown)
    refused = conda_in_process(*asked, "--cuda-compat", "strict")
    assert refused.rc == 1
    assert "builds for CUDA 12.6 are newer" in refused.json()["guidance"]["cause"]
    hints = {hint["hint_code"]: hint["text"] for hint in refused.json()["guidance"]["hints"]}
    assert "takes CUDA 12.6" in hints["use_minor"]
