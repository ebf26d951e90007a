"""`conda torch-install --print TOOL`: each text is carried out by its tool, or read by a parser of
it, and comes to the builds that the same words choose here."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys

import pytest
from conda.models.channel import Channel
from ruamel.yaml import YAML
from support import forge_channel, rattler_process
from support.prefixes import installed
from support.wheel_fixtures import imported
from support.wheel_lab import PYTHON

from conda_torchmirror.exceptions.usage import (
    PrintAlone,
    PrintFileParts,
    PrintLinuxOnly,
    PrintNeedsWheels,
    PrintNotWheels,
)
from conda_torchmirror.options import TOOLS

pytest_plugins = ("support.wheel_fixtures",)

PRINT = ("torch-install", "--print")
#: A set whose pins, runtime and further packages have to get into every text.
WORDS = ("-n", "lesson", "--python", "3.11", "--cuda", "12.1", "pytorch=2.3", "torchvision", "tqdm")
SPECS = (
    "python=3.11",
    "pytorch=2.3.1=py3.11_cuda12.1_cudnn8.9.2_0",
    "torchvision=0.18.1=py311_cu121",
)

needs_rattler = pytest.mark.skipif(
    importlib.util.find_spec("rattler") is None, reason="py-rattler is not installed"
)
needs_uv = pytest.mark.skipif(importlib.util.find_spec("uv") is None, reason="uv is not installed")


def chosen(specs):
    """The torch family among specs."""
    return {spec for spec in specs if spec.startswith(("pytorch=", "torchvision=", "torchaudio="))}


def command_of(text):
    """The words of the one line that is neither a comment nor a variable."""
    [line] = [one for one in text.splitlines() if not one.startswith(("#", "export "))]
    return shlex.split(line)


@pytest.fixture
def printed(mirrored, conda_in_process):
    """`printed(tool, *words)`: what `--print` shows."""
    mirrored(channels=["conda-forge"])

    def run(tool, *words):
        return conda_in_process(*PRINT, tool, *(words or WORDS)).ok().stdout

    return run


@pytest.fixture
def shell(tmp_path, sandbox):
    """`shell(text)`: run a text with a conda on the path that asks nothing.

    A Python that is none of an environment fails, so that nothing is installed into that of these
    tests; uv finds it by its version.
    """
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / f"python{PYTHON}").symlink_to(sys.executable)
    programs = {
        "conda": f'exec "{sys.executable}" -m conda "$@"',
        "python": "exit 97",
        "python3": "exit 97",
        "pip": "exit 97",
    }
    for name, line in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)

    def run(text, **variables):
        path = f"{folder}:{os.environ['PATH']}"
        env = {**os.environ, "PATH": path, "CONDA_ALWAYS_YES": "1", **variables}
        done = subprocess.run(
            ["bash", "-euc", text],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, (text, done.stdout, done.stderr)
        return done

    return run


# Conda packages, by conda


def test_conda_installs_what_was_chosen(printed, shell, sandbox, mirror):
    text = printed("conda")
    assert "export CONDA_PINNED_PACKAGES='mkl<2024.1'" in text.splitlines()
    words = command_of(text)
    assert words[: words.index("-c")] == ["conda", "create", "-n", "lesson", "--override-channels"]
    shell(text)
    there = installed(sandbox.envs / "lesson")
    for spec in SPECS[1:]:
        name, _, rest = spec.partition("=")
        assert there[name] == rest
    assert there["pytorch-cuda"].startswith("12.1=")
    assert "tqdm" in there


def test_an_explicit_list_makes_the_environment(printed, shell, sandbox, tmp_path):
    text = printed("explicit")
    (tmp_path / "explicit.txt").write_text(text)
    shell("conda create --name explicit --file explicit.txt")
    there = installed(sandbox.envs / "explicit")
    assert there["pytorch"] == SPECS[1].partition("=")[2]
    assert len(there) == len(text.split("@EXPLICIT\n")[1].splitlines())


def test_conda_makes_an_environment_from_the_file(printed, shell, sandbox, tmp_path):
    text = printed("environment.yml")
    (tmp_path / "environment.yml").write_text(text)
    [said] = re.findall(r"then: (conda .*)", text)
    shell(said)
    there = installed(sandbox.envs / "lesson")
    assert there["pytorch"] == SPECS[1].partition("=")[2]
    assert there["mkl"] < "2024.1"


def test_an_environment_that_is_there_is_changed(env_of, conda_in_process, shell):
    prefix = env_of("python=3.11", "cpuonly", "-c", "pytorch")
    words = ("-p", prefix, "--cuda", "12.1", "pytorch=2.3", "torchvision")
    text = conda_in_process(*PRINT, "conda", *words).ok().stdout
    lines = [line for line in text.splitlines() if not line.startswith(("#", "export"))]
    assert lines[0] == f"conda remove -p {prefix} cpuonly"
    assert shlex.split(lines[1])[:4] == ["conda", "install", "-p", str(prefix)]
    shell(text)
    there = installed(prefix)
    assert there["pytorch"] == SPECS[1].partition("=")[2]
    assert "cpuonly" not in there


# Conda packages, by rattler's parsers and its solver


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


def manifest(text):
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        tomllib = pytest.importorskip("tomli")
    return tomllib.loads(text)


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


# Dockerfiles


def run_of(text):
    """The command of the one RUN, by a parser of Dockerfiles."""
    parser = pytest.importorskip("dockerfile_parse").DockerfileParser
    import io

    found = parser(fileobj=io.BytesIO(text.encode())).structure
    kinds = [one["instruction"] for one in found if one["instruction"] != "COMMENT"]
    assert kinds[:3] == ["ARG", "FROM", "RUN"]
    return next(one["value"] for one in found if one["instruction"] == "RUN")


def test_a_dockerfile_runs_the_same_in_conda(printed, shell, sandbox):
    command, _, clean = run_of(printed("dockerfile")).rpartition("&&")
    assert clean.split() == ["conda", "clean", "--all", "--force-pkgs-dirs", "--yes"]
    assert "CONDA_OVERRIDE_CUDA=12.1" in command
    assert "CONDA_CHANNEL_PRIORITY=flexible" in command
    shell(command)
    assert installed(sandbox.envs / "lesson")["pytorch"] == SPECS[1].partition("=")[2]


# Wheels

WHEELS = ("--source", "wheels", "--cuda", "12.6", "--python", PYTHON)


@pytest.fixture
def wheels(wheel_lab, conda_in_process):
    """`wheels(tool, *words)`: what `--print` shows of a choice among wheels."""

    def run(tool, *words):
        return conda_in_process(*PRINT, tool, *WHEELS, *words).ok().stdout

    return run


def test_pip_installs_the_wheels(wheels, lab_env, shell):
    text = wheels("pip", "numpy<3")
    [line] = [one for one in text.splitlines() if not one.startswith("#")]
    words = shlex.split(line)
    assert all("#sha256=" in word for word in words if word.startswith("torch"))
    shell(f"{lab_env}/bin/{line}")
    said = imported(lab_env, "torch", "torchvision", "torchaudio", "numpy")
    assert said == {**dict.fromkeys(("torch", "torchvision", "torchaudio"), "mirror cu126")} | {
        "numpy": "index"
    }


def test_conda_makes_the_environment_for_the_wheels(wheels, shell, sandbox):
    create, install = wheels("conda", "-n", "both").splitlines()[1:]
    shell(create)
    # `conda run` needs the shell function of an installed conda.
    assert install.startswith("conda run -n both python -m pip ")
    shell(install.replace("conda run -n both python", f"{sandbox.envs}/both/bin/python"))
    assert imported(sandbox.envs / "both", "torch") == {"torch": "mirror cu126"}


def test_conda_takes_the_wheels_from_an_environment_file(wheels, shell, sandbox, tmp_path):
    text = wheels("environment.yml", "-n", "filed")
    (tmp_path / "environment.yml").write_text(text)
    shell("conda env create -f environment.yml")
    assert imported(sandbox.envs / "filed", "torch") == {"torch": "mirror cu126"}


@needs_uv
def test_uv_installs_the_wheels(wheels, shell, tmp_path):
    text = wheels("uv")
    program = subprocess.run(
        [sys.executable, "-c", "import uv; print(uv.find_uv_bin())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    shell(
        re.sub("(?m)^uv ", f"{program} ", text),
        UV_CACHE_DIR=str(tmp_path / "uv"),
        UV_PYTHON_DOWNLOADS="never",
        UV_NO_CONFIG="1",
        PYTHONPATH="",
    )
    site = tmp_path / ".venv" / "lib" / f"python{PYTHON}" / "site-packages"
    assert (site / "torch-2.7.1+cu126.dist-info").is_dir()
    assert (site / "numpy-2.2.6.dist-info").is_dir()


def test_a_pixi_manifest_of_wheels(wheels, wheel_lab):
    found = manifest(wheels("pixi", "numpy<3"))
    assert found["pypi-options"] == {"index-url": wheel_lab.index.simple}
    assert found["pypi-dependencies"]["numpy"] == "<3"
    assert found["pypi-dependencies"]["torch"]["url"].startswith(wheel_lab.first.wheels)
    assert found["dependencies"]["python"] == f"{PYTHON}.*"


def test_a_dockerfile_of_wheels(wheels):
    text = wheels("dockerfile")
    assert f"ARG BASE=python:{PYTHON}-slim" in text
    words = shlex.split(run_of(text))
    assert words[:3] == ["pip", "install", "--no-cache-dir"]
    assert sum("#sha256=" in word for word in words) == 3


# Documents, languages, and what is refused


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool not in ("pip", "uv")])
def test_a_document_has_the_text_in_english(printed, mirrored, conda_in_process, tool, monkeypatch):
    plain = printed(tool)
    monkeypatch.setenv("CONDA_TORCHMIRROR_LANG", "zh")
    document = conda_in_process(*PRINT, tool, *WORDS, "--json").ok().json()["torchmirror"]
    assert document["print"] == {"tool": tool, "text": plain}
    assert document["selected"]["builds"][0]["version"] == "2.3.1"


def test_comments_are_in_the_language_of_the_reader(printed, monkeypatch):
    monkeypatch.setenv("CONDA_TORCHMIRROR_LANG", "zh")
    assert "保存为 environment.yml" in printed("environment.yml")


@pytest.mark.parametrize(
    ("encoding", "head"), [("utf-8", "保存为"), ("gbk", "save as"), ("latin-1", "save as")]
)
@pytest.mark.parametrize("tool", ["environment.yml", "pixi"])
def test_a_file_of_another_encoding_has_its_comments_in_english(
    mirrored, run_conda, tool, encoding, head
):
    """Conda and others read UTF-8 alone, and standard output of a Chinese Windows is GBK."""
    chosen = {"CONDA_TORCHMIRROR_LANG": "zh", "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    text = run_conda(*PRINT, tool, *WORDS, "-q", env=chosen).ok().stdout
    assert head in text
    assert text.isascii() is (encoding != "utf-8")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("pip",), PrintNeedsWheels),
        (("uv", "--source", "conda-forge"), PrintNeedsWheels),
        (("explicit", "--source", "wheels"), PrintNotWheels),
        (("dockerfile", "--platform", "win-64"), PrintLinuxOnly),
        (("conda", "--urls"), PrintAlone),
        (("conda", "--list"), PrintAlone),
        (("pixi", "--solve"), PrintAlone),
        (("pixi", "--save-plan", "there"), PrintAlone),
        (("conda", "--explain"), PrintAlone),
        (("conda", "--download-only"), PrintAlone),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(condarc, conda_in_process, words, error):
    condarc()
    result = conda_in_process(*PRINT, *words)
    assert isinstance(result.error, error)
    assert result.rc == 2
    assert not result.stdout


def test_parts_of_a_file_that_are_no_packages_are_not_lost(mirrored, conda_in_process, tmp_path):
    file = tmp_path / "environment.yml"
    file.write_text("dependencies: [python=3.11, pytorch, pip, {pip: [einops]}]\n")
    result = conda_in_process(*PRINT, "conda", "-f", file, "--cuda", "12.1")
    assert isinstance(result.error, PrintFileParts)
    file.write_text("dependencies: [python=3.11, pytorch, tqdm]\nname: filed\n")
    text = conda_in_process(*PRINT, "conda", "-f", file, "--cuda", "12.1").ok().stdout
    assert {"tqdm", "python=3.11"} <= set(command_of(text))


def test_windows_gets_its_own_quotes(condarc, conda_in_process):
    condarc(channels=["conda-forge"])
    words = ("--platform", "win-64", "-n", "new", "--cuda", "12.1", "--python", "3.11", "--offline")
    text = conda_in_process(*PRINT, "conda", *words, "pytorch=2.3", 'scipy[version=">1"]').ok()
    lines = text.stdout.splitlines()
    assert lines[0].startswith('set "CONDA_PINNED_PACKAGES=')
    assert lines[-1].endswith("\"scipy[version='>1']\"")
    assert "'" not in lines[-1].replace("'>1'", "")
