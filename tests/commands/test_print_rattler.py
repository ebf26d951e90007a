"""`--print` for mamba, micromamba and pixi, and of builds of conda-forge: read by rattler's parsers
and solved by its solver."""

from __future__ import annotations

import importlib.util

import pytest
from conda.models.channel import Channel
from ruamel.yaml import YAML
from support import forge_channel, rattler_process
from support.prefixes import installed
from support.print_fixtures import PRINT, SPECS, WORDS, chosen, command_of, manifest

pytest_plugins = ("support.wheel_fixtures", "support.print_fixtures")

needs_rattler = pytest.mark.skipif(
    importlib.util.find_spec("rattler") is None, reason="py-rattler is not installed"
)
needs_uv = pytest.mark.skipif(importlib.util.find_spec("uv") is None, reason="uv is not installed")


@needs_rattler
@pytest.mark.parametrize("tool", ["mamba", "micromamba"])
def test_mamba_takes_the_same_words(printed, tool, tmp_path):
    text = printed(tool)
    assert "export MAMBA_PINNED_PACKAGES='mkl<2024.1'" in text.splitlines()
    words = command_of(text)
    assert words[:5] == [tool, "create", "-n", "lesson", "--override-channels"]
    rest = words[5:]
    channels = [rest[at + 1] for at, word in enumerate(rest) if word == "-c"]
    specs = [word for word in rest if word != "-c" and word not in channels]
    assert specs[:3] == list(SPECS)
    found = rattler_process.solve(channels, [*specs, "mkl<2024.1"], tmp_path, flexible=True)
    assert chosen(found) == set(SPECS[1:])


@pytest.mark.parametrize("tool", ["mamba", "micromamba"])
def test_mamba_has_the_mirrors_in_its_own_form(tool, conda_in_process, condarc):
    """With them the names of channels come to the addresses of the command. Read by conda, whose
    `custom_channels` mamba has too."""
    condarc(channels=["defaults"])
    words = ("--offline", "--platform", "linux-64", "--mirror", "nju", *WORDS)
    text = conda_in_process(*PRINT, tool, *words).ok().stdout
    lines = text.splitlines()
    urls = [word for word in command_of(text) if word.startswith("https://")]
    at = lines.index("# custom_channels:")
    rows = [line.removeprefix("# ") for line in lines[at:]]
    condarc(**YAML(typ="safe").load("\n".join(rows)))
    named = [Channel("pytorch"), *Channel("defaults")._channels]
    assert [channel.base_url for channel in named] == urls


def test_conda_gets_no_lines_for_a_mambarc(conda_in_process, condarc):
    condarc(channels=["conda-forge"])
    words = ("--offline", "--platform", "linux-64", "--mirror", "nju", *WORDS)
    assert "custom_channels" not in conda_in_process(*PRINT, "conda", *words).ok().stdout


def specs_of(dependencies):
    """The dependencies of a pixi.toml as match specs."""
    for name, fields in dependencies.items():
        if isinstance(fields, str):
            fields = {"version": fields}
        yield f"{name} {fields.get('version', '*')} {fields.get('build', '')}".strip()


@needs_rattler
def test_rattler_finds_the_set_of_a_pixi_manifest(printed, tmp_path):
    found = manifest(printed("pixi"))
    workspace = found["workspace"]
    assert workspace["platforms"] == ["linux-64"]
    assert workspace["channel-priority"] == "disabled"
    specs = list(specs_of(found["dependencies"]))
    assert {"mkl <2024.1", "tqdm *", "python 3.11.*"} <= set(specs)
    solved = rattler_process.solve(workspace["channels"], specs, tmp_path, flexible=True)
    assert chosen(solved) == set(SPECS[1:])


def test_a_pixi_manifest_has_the_mirrors_in_pixis_own_form(conda_in_process, condarc):
    """With them the names of channels come to the very addresses of the manifest."""
    condarc(channels=["conda-forge"])
    words = ("--offline", "--platform", "linux-64", "--mirror", "nju", *WORDS)
    text = conda_in_process(*PRINT, "pixi", *words).ok().stdout
    channels = manifest(text)["workspace"]["channels"]
    lines = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("#")]
    mirrors = manifest("\n".join(lines[lines.index("[mirrors]") :]))["mirrors"]
    assert mirrors["https://conda.anaconda.org/pytorch"] == [channels[0]]
    assert all(there.startswith("https://conda.anaconda.org/") for there in mirrors)
    assert {url for [url] in mirrors.values()} == {url for url in channels if "://" in url}


@pytest.fixture
def forge(tmp_path_factory, make_mirror, condarc, conda_in_process):
    """`forge(tool, *words)`: what `--print` shows of a choice among builds of conda-forge."""
    site = make_mirror(
        forge_channel.build(tmp_path_factory.mktemp("forge")),
        {"conda-forge": "anaconda/cloud", "pkgs/main": "anaconda"},
    )
    condarc(
        custom_channels=site.custom_channels(),
        channels=["defaults"],
        default_channels=[site.channel_url("pkgs/main")],
    )
    words = ("--source", "conda-forge", "-n", "new", "--cuda", "12.9", "--python", "3.13")
    return lambda tool, *more: conda_in_process(*PRINT, tool, *words, *more).ok().stdout


FORGE = {
    "pytorch=2.8.0=cuda129_mkl_py313_h7947483_302",
    "torchvision=0.24.0=cuda129_py313_h7de4b66_2",
}


@needs_rattler
def test_a_pixi_manifest_of_conda_forge(forge, tmp_path):
    found = manifest(forge("pixi"))
    assert "channel-priority" not in found["workspace"]
    cuda = found["system-requirements"]["cuda"]
    specs = list(specs_of(found["dependencies"]))
    solved = rattler_process.solve(found["workspace"]["channels"], specs, tmp_path, cuda=cuda)
    assert chosen(solved) == FORGE
    assert any(one.startswith("cuda-version=12.9=") for one in solved)


def test_conda_installs_builds_of_conda_forge_without_their_driver(forge, shell, sandbox):
    text = forge("conda")
    assert "export CONDA_OVERRIDE_CUDA=12.9" in text.splitlines()
    shell(text)
    there = installed(sandbox.envs / "new")
    assert {f"{name}={there[name]}" for name in ("pytorch", "torchvision")} == FORGE


def test_an_environment_file_says_what_to_do_without_the_driver(forge, shell, sandbox, tmp_path):
    text = forge("environment.yml")
    assert "set CONDA_OVERRIDE_CUDA=12.9 before" in text
    (tmp_path / "environment.yml").write_text(text)
    shell("conda env create -f environment.yml", CONDA_OVERRIDE_CUDA="12.9")
    assert f"pytorch={installed(sandbox.envs / 'new')['pytorch']}" in FORGE
