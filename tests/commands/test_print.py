"""`conda torch-install --print TOOL`: each text is carried out by its tool, or read by a parser of
it, and comes to the builds that the same words choose here."""

from __future__ import annotations

import re
import shlex

import pytest
from support.prefixes import installed
from support.print_fixtures import PRINT, SPECS, WORDS, command_of, run_of

from conda_torchmirror.exceptions.usage import (
    PrintAlone,
    PrintFileParts,
    PrintLinuxOnly,
    PrintNeedsWheels,
    PrintNotWheels,
)
from conda_torchmirror.options import NEW, TOOLS

pytest_plugins = ("support.wheel_fixtures", "support.print_fixtures")


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


def test_nothing_named_makes_a_new_environment(printed, shell, sandbox):
    """Where none but base is active: without a name the command would install into base, and
    with a Python of its own at that."""
    text = printed("conda", "--python", "3.11", "--cuda", "cpu", "pytorch=2.3")
    assert command_of(text)[:4] == ["conda", "create", "-n", NEW]
    assert "python=3.11" in command_of(text)
    shell(text)
    assert installed(sandbox.envs / NEW)["python"].startswith("3.11.")


@pytest.mark.parametrize("tool", ["mamba", "micromamba"])
def test_nothing_named_makes_one_by_the_relatives_too(printed, tool):
    text = printed(tool, "--python", "3.11", "--cuda", "cpu", "pytorch=2.3")
    assert command_of(text)[:4] == [tool, "create", "-n", NEW]


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
    assert lines[0] == f"conda remove --force -p {prefix} cpuonly"
    assert shlex.split(lines[1])[:4] == ["conda", "install", "-p", str(prefix)]
    shell(text)
    there = installed(prefix)
    assert there["pytorch"] == SPECS[1].partition("=")[2]
    assert "cpuonly" not in there


def test_a_dockerfile_runs_the_same_in_conda(printed, shell, sandbox):
    command, _, clean = run_of(printed("dockerfile")).rpartition("&&")
    assert clean.split() == ["conda", "clean", "--all", "--force-pkgs-dirs", "--yes"]
    assert "CONDA_OVERRIDE_CUDA=12.1" in command
    assert "CONDA_CHANNEL_PRIORITY=flexible" in command
    shell(command)
    assert installed(sandbox.envs / "lesson")["pytorch"] == SPECS[1].partition("=")[2]


@pytest.mark.parametrize("by", ["-p", "active"])
def test_an_image_follows_no_environment_here(env_of, conda_in_process, monkeypatch, by):
    """That of the same name here has its own Python, which the image took over."""
    prefix = env_of("python=3.10", "cpuonly", "-c", "pytorch")
    if by == "active":
        monkeypatch.setenv("CONDA_PREFIX", str(prefix))
    words = ("--cuda", "12.1", "pytorch=2.3", *(("-p", prefix) if by == "-p" else ()))
    text = conda_in_process(*PRINT, "dockerfile", *words).ok().stdout
    assert "python=3.11" in text
    assert "conda create --yes" in text
    assert "conda remove" not in text


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
    assert [line.partition("=")[0] for line in lines[:2]] == [
        'set "CONDA_OVERRIDE_CUDA',
        'set "CONDA_PINNED_PACKAGES',
    ]
    assert lines[-1].endswith("\"scipy[version='>1']\"")
    assert "in PowerShell they are `$env:NAME = 'VALUE'`" in " ".join(text.stderr.split())
    preview = conda_in_process("torch-install", "-d", *words, "pytorch=2.3").ok()
    assert "in PowerShell they are `$env:NAME = 'VALUE'`" in preview.words
    assert "'" not in lines[-1].replace("'>1'", "")
