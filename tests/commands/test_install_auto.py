"""`--source auto` end to end: the rows of its table as previews of indexes on loopback, and what
happens where a source cannot be had."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from support import both_channels
from support.auto_fixtures import CHANNEL, FORGE, codes, cuda, on

pytest_plugins = ("support.auto_fixtures",)


class Row(NamedTuple):
    """A row of the table: words, the machine as variables, then what is chosen."""

    words: tuple[str, ...]
    machine: dict[str, str]
    source: str
    torch: str
    cuda: str | None
    why: str
    vision: str | None = None
    audio: str | None = None


#: By the number of the row; the values are typed from the table, never read from records.
ROWS = {
    "1": Row((), cuda("13.0", "8.9"), FORGE, "2.13.0", "13.0", "newer", "0.28.0"),
    "2": Row((), cuda("12.9", "8.9"), FORGE, "2.13.0", "12.9", "newer", "0.28.0"),
    "3": Row((), cuda("12.4", "8.6"), FORGE, "2.13.0", "12.9", "newer", "0.28.0"),
    "4": Row(
        ("--cuda-compat", "strict"),
        cuda("12.4", "8.6"),
        *(CHANNEL, "2.5.1", "12.4", "newer", "0.20.1", "2.5.1"),
    ),
    "5": Row((), cuda("11.8", "8.6"), CHANNEL, "2.5.1", "11.8", "newer", "0.20.1", "2.5.1"),
    "6": Row((), cuda("13.0", "7.0"), FORGE, "2.13.0", "12.9", "newer", "0.28.0"),
    "7": Row((), cuda("12.9", "6.1"), FORGE, "2.13.0", "12.9", "newer", "0.28.0"),
    "8": Row((), cuda("11.4", "3.7"), CHANNEL, "2.3.1", "11.8", "only", "0.18.1", "2.3.1"),
    "9": Row((), cuda("13.0", "12.0"), FORGE, "2.13.0", "13.0", "newer", "0.28.0"),
    "11": Row((), {}, FORGE, "2.13.0", None, "newer", "0.28.0"),
    "12": Row(("pytorch=2.3.1",), cuda("12.9"), CHANNEL, "2.3.1", "12.1", "release"),
    "13": Row(("--python", "3.13"), cuda("12.9"), FORGE, "2.13.0", "12.9", "newer", "0.28.0"),
    "14": Row(("--python", "3.9"), cuda("12.9"), FORGE, "2.7.1", "12.9", "newer", "0.22.0"),
    "15": Row(
        ("--python", "3.8"),
        cuda("12.9"),
        *(CHANNEL, "2.4.1", "12.4", "newer", "0.19.1", "2.4.1"),
    ),
    "16": Row(("torchaudio",), cuda("12.9"), FORGE, "2.10.0", "12.9", "newer", None, "2.10.0"),
    "17": Row(on("win-64", "--cuda", "12.8"), {}, FORGE, "2.13.0", "12.8", "newer", "0.28.0"),
    "18": Row(
        on("win-64", "--cuda", "12.8", "torchaudio"),
        {},
        *(CHANNEL, "2.5.1", "12.4", "only", None, "2.5.1"),
    ),
    "19": Row(on("win-64", "--cuda", "12.6"), {}, FORGE, "2.13.0", "12.8", "newer", "0.28.0"),
    "20": Row(on("osx-arm64"), {}, FORGE, "2.13.0", None, "newer", "0.28.0"),
    "20, macOS 11": Row(
        on("osx-arm64"),
        {"CONDA_OVERRIDE_OSX": "11.0"},
        *(FORGE, "2.12.1", None, "newer", "0.27.1"),
    ),
    "21": Row(on("osx-64"), {}, FORGE, "2.13.0", None, "newer", "0.28.0"),
    "22": Row(
        on("linux-aarch64", "--cuda", "13.0"),
        {"CONDA_OVERRIDE_CUDA_ARCH": "9.0"},
        *(FORGE, "2.13.0", "13.0", "newer", "0.28.0"),
    ),
    "23": Row(
        on("linux-aarch64", "--cuda", "12.6", "pytorch"),
        {"CONDA_OVERRIDE_CUDA_ARCH": "8.7"},
        *(FORGE, "2.13.0", "12.9", "newer"),
    ),
    "24": Row(
        (),
        cuda("13.0", "8.0", CONDA_OVERRIDE_GLIBC="2.17"),
        *(CHANNEL, "2.5.1", "12.4", "newer", "0.20.1", "2.5.1"),
    ),
    "27": Row(("--cuda", "12.9"), {}, FORGE, "2.13.0", "12.9", "newer", "0.28.0"),
}


@pytest.mark.parametrize("number", ROWS)
def test_a_row_of_the_table(preview_auto, number):
    row = ROWS[number]
    found = preview_auto(*row.words, **row.machine)
    chosen = found["selected"]
    builds = {build["name"]: build["version"] for build in chosen["builds"]}
    assert (chosen["source"], builds[CHANNEL], chosen["cuda"], chosen["why"]) == row[2:6]
    assert builds.get("torchvision") == row.vision
    assert builds.get("torchaudio") == row.audio


# What is read, and what is not


def test_a_named_release_of_the_ended_channel_reads_that_alone(preview_auto, auto_mirror):
    preview_auto("pytorch=2.3.1", **cuda("12.9"))
    assert auto_mirror.asked("*/pytorch/*")
    assert not auto_mirror.asked("*/conda-forge/*")


@pytest.mark.parametrize("words", [(), ("pytorch=2.8",), ("pytorch>=2.4",)])
def test_what_the_living_channel_settles_reads_no_other(preview_auto, auto_mirror, words):
    assert preview_auto(*words, **cuda("12.9"))["selected"]["source"] == FORGE
    assert not auto_mirror.asked("*/pytorch/*")


@pytest.mark.parametrize(
    ("channels", "source", "torch"),
    [
        ((FORGE,), FORGE, "2.13.0"),
        ((CHANNEL, "nvidia"), CHANNEL, "2.5.1"),
        ((CHANNEL, FORGE), CHANNEL, "2.5.1"),
        ((FORGE, CHANNEL), FORGE, "2.13.0"),
    ],
    ids=" ".join,
)
def test_channels_that_are_named_tie(preview_auto, channels, source, torch):
    words = [word for name in channels for word in ("-c", name)]
    found = preview_auto(*words, **cuda("12.9"))["selected"]
    assert (found["source"], found["builds"][0]["version"]) == (source, torch)
    assert found["why"] == "asked"


@pytest.mark.parametrize(
    ("lines", "source"),
    [
        ("channels: [conda-forge]\ndependencies: [python=3.12, pytorch]", FORGE),
        ("channels: [pytorch, nvidia]\ndependencies: [python=3.12, pytorch]", CHANNEL),
        ("dependencies: [python=3.12, pytorch]", FORGE),
        ("channels: [defaults]\ndependencies: [python=3.12, pytorch=2.3.1]", CHANNEL),
        ("dependencies: [pytorch, pytorch-cuda=12.1]", CHANNEL),
        ("dependencies: [pytorch-gpu, torchvision]", FORGE),
        ("dependencies: [pytorch=2.8.0=cuda129_mkl_py312_had1c889_302]", FORGE),
        ("dependencies: [pytorch=2.3.1=py3.12_cuda12.1_cudnn8.9.2_0]", CHANNEL),
    ],
)
def test_a_file_says_which_source(preview_auto, tmp_path, lines, source):
    path = tmp_path / "environment.yml"
    path.write_text(f"name: x\n{lines}\n")
    assert preview_auto("-f", str(path), **cuda("12.9"))["selected"]["source"] == source


# Where a source cannot be had


def test_without_conda_forge_the_other_answers_and_it_is_said(
    at_both, auto_mirror, conda_in_process, preview_auto
):
    gone = {**auto_mirror.custom_channels(), FORGE: f"{auto_mirror.url}/nowhere"}
    at_both(custom_channels=gone)
    chosen = preview_auto(**cuda("12.9"))["selected"]
    assert (chosen["source"], chosen["why"]) == (CHANNEL, "offline")
    assert chosen["other"]["needs"]["code"] == "unread"
    done = conda_in_process("torch-install", "-d", "-n", "new").ok()
    assert "though conda-forge may have a newer one" in done.words
    # Where nothing must stand in for what fails, it is the error.
    assert conda_in_process("torch-install", "-d", "-n", "new", "--no-fallback").rc == 1


def test_what_an_environment_has_is_not_changed_for_want_of_a_network(
    at_both, auto_mirror, conda_in_process, old_torch
):
    at_both(
        custom_channels={**auto_mirror.custom_channels(), CHANNEL: f"{auto_mirror.url}/nowhere"}
    )
    done = conda_in_process("torch-install", "-d", "-n", "new", "--cuda", "12.9")
    assert done.rc == 1
    assert "`pytorch`" in done.stderr
    assert not auto_mirror.asked("*/conda-forge/*")


def test_a_source_that_is_not_allowed_does_not_exist(at_both, preview_auto):
    at_both(allowlist_channels=[CHANNEL, "nvidia"], channels=[CHANNEL])
    assert preview_auto(**cuda("12.9"))["selected"]["source"] == CHANNEL


@pytest.mark.parametrize("words", [(), ("--offline",)])
def test_without_a_network_neither(at_both, conda_in_process, preview_auto, words):
    """A preview showed builds that an installation was refused."""
    at_both(allowlist_channels=[CHANNEL, "nvidia"], channels=[CHANNEL])
    assert preview_auto(*words, **cuda("12.9"))["selected"]["source"] == CHANNEL
    done = conda_in_process("torch-install", "-d", "-n", "new", "--source", FORGE, *words)
    assert "ChannelNotAllowed" in done.stderr


@pytest.mark.parametrize("words", [(), ("--offline",)])
@pytest.mark.parametrize(
    ("kept", "asked"), [(CHANNEL, "pytorch=2.8"), (FORGE, "pytorch=1.13.1")], ids=[CHANNEL, FORGE]
)
@pytest.mark.parametrize("source", ["auto", "kept"])
def test_no_step_leads_to_it(at_both, conda_in_process, words, kept, asked, source):
    """Offered was `--source` of the channel that is kept out."""
    other = FORGE if kept == CHANNEL else CHANNEL
    source = kept if source == "kept" else source
    options = ("-d", "-n", "new", "--source", source, "--cuda", "12.9", asked, *words)
    at_both()
    offered = f"--source {other}" in conda_in_process("torch-install", *options).words
    assert offered is (source == kept)
    at_both(allowlist_channels=[kept, "nvidia", "defaults"], channels=[kept])
    done = conda_in_process("torch-install", *options)
    assert done.rc == 1
    assert f"--source {other}" not in done.words


def test_nor_is_anything_of_it_offered(at_both, conda_in_process):
    """Advised was to run online once, and to try again when the channel could be read."""
    at_both(allowlist_channels=[FORGE])
    done = conda_in_process(
        "torch-install", "-d", "-n", "new", "--cuda", "cpu", "pytorch=1.13.1", "--json"
    )
    assert done.rc == 1
    hints = {hint["hint_code"]: hint["text"] for hint in done.json()["guidance"]["hints"]}
    assert "allowlist_channels" in hints["channel_forbidden"]
    assert "go_online" not in hints
    assert not [text for text in hints.values() if "when the channel can be read" in text]


def test_an_old_mirror_of_conda_forge_does_not_decide(
    auto_indexes, make_mirror, tmp_path, condarc, conda_in_process, monkeypatch
):
    """One without any torch of it is told; it must not look as if 2.5.1 were the newest."""
    both_channels.without_torch(auto_indexes, tmp_path / "old")
    old = make_mirror(tmp_path / "old", dict.fromkeys((CHANNEL, FORGE, "nvidia"), "cloud"))
    condarc(custom_channels=old.custom_channels(), channels=[FORGE])
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.9")
    done = conda_in_process("torch-install", "-d", "-n", "new").ok()
    assert "index_behind" in codes(
        conda_in_process("torch-install", "-d", "-n", "new", "--json").ok().json()["torchmirror"]
    )
    assert "PyTorch 2.5.1" in done.stdout


# Offline, on a machine that was never online


@pytest.mark.parametrize(
    ("words", "torch", "vision"), [((), "2.8.0", "0.24.0"), (("pytorch",), "2.12.1", None)]
)
def test_row_26_real_records_alone_count(conda_in_process, monkeypatch, words, torch, vision):
    for name, value in cuda("13.0", "8.9").items():
        monkeypatch.setenv(name, value)
    done = conda_in_process("torch-install", "-d", "--json", "--offline", *words).ok()
    found = done.json()["torchmirror"]
    builds = {build["name"]: build["version"] for build in found["selected"]["builds"]}
    assert (builds[CHANNEL], builds.get("torchvision")) == (torch, vision)
    assert {build["evidence"] for build in found["selected"]["builds"]} == {"record"}
    told = {warning["code"]: warning["text"] for warning in found["warnings"]}
    assert "conda-forge has 2.13.0, which fits" in told["sample_newer"]
    # The larger part of the download, which conda's solver will add.
    (library,) = found["selected"]["libraries"]
    assert (library["name"], library["version"]) == ("libtorch", torch)
    assert library["size"] > 400_000_000


def test_offline_what_only_the_tables_know_is_told(conda_in_process):
    words = ("--platform", "win-64", "--cuda", "12.8")
    done = conda_in_process("torch-install", "-d", "--offline", *words).ok()
    assert "PyTorch 2.5.1 for CUDA 12.4" in done.stdout
    assert "conda-forge has 2.13.0, which fits" in done.words


def test_a_platform_that_one_source_alone_knows(conda_in_process):
    """No record of the channel `pytorch` for ARM servers has been seen."""
    words = ("--platform", "linux-aarch64", "--cuda", "12.9", "pytorch")
    done = conda_in_process("torch-install", "-d", "--offline", "--json", *words).ok()
    chosen = done.json()["torchmirror"]["selected"]
    assert (chosen["source"], chosen["why"]) == (FORGE, "newer")
