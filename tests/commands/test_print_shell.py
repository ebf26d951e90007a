"""`--print` through a real `sh`: odd words arrive as they are, in a folder full of traps."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml
from conda.models.match_spec import MatchSpec
from support.wheel_lab import PYTHON

pytest_plugins = ("support.wheel_fixtures",)

#: What a shell would expand, redirect, split or run.
ODD = ("scipy>=1.11,<2", "numpy=1.*", "tqdm[version='>=4,!=4.60']", "einops!=0.6", "rich=13.*|14.*")
WORDS = ("--cuda", "12.1", "--python", "3.11", "--offline", "--platform", "linux-64")
SHELLS = [name for name in ("dash", "bash", "sh", "zsh") if shutil.which(name)]


@pytest.fixture
def ran(tmp_path):
    """`ran(text, shell)`: the words of every command of a text, as the programs were given them."""
    programs, folder, log = tmp_path / "bin", tmp_path / "a folder", tmp_path / "log"
    programs.mkdir()
    folder.mkdir()
    for trap in ("numpy=1.26", "scipy", "rich=13.9", "tqdm[version=4]", "=1.11", "2"):
        (folder / trap).touch()
    for name in ("conda", "mamba", "micromamba", "python", "pip", "uv", "14.*", "4,"):
        script = f"#!{sys.executable}\nimport json, sys\n"
        script += (
            f"with open({str(log)!r}, 'a') as file:\n    print(json.dumps(sys.argv), file=file)\n"
        )
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)

    def run(text: str, shell: str) -> list[list[str]]:
        log.write_text("")
        before = sorted(os.listdir(folder))
        env = {**os.environ, "PATH": f"{programs}:/usr/bin:/bin"}
        done = subprocess.run(
            [shell, "-euc", text], env=env, cwd=folder, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), text
        assert sorted(os.listdir(folder)) == before
        return [json.loads(line) for line in log.read_text().splitlines()]

    return run


def as_specs(words):
    return {str(MatchSpec(word)) for word in words}


@pytest.fixture
def printed(condarc, conda_in_process):
    """`printed(tool, *words)`: what is shown, decided by the built-in index."""
    condarc(channels=["conda-forge"])
    head = ("torch-install", "--print")
    return lambda tool, *words: conda_in_process(*head, tool, *WORDS, *words).ok().stdout


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("tool", ["conda", "mamba", "micromamba"])
def test_words_arrive_as_they_are(printed, ran, tmp_path, tool, shell):
    prefix = tmp_path / "it's a prefix; $HOME `id`"
    [words] = ran(printed(tool, "-p", prefix, "pytorch=2.3", *ODD), shell)
    assert words[words.index("-p") + 1] == str(prefix)
    assert as_specs(ODD) <= as_specs(word for word in words if word.startswith(tuple("tsner")))


@pytest.mark.parametrize("shell", SHELLS)
def test_a_dockerfiles_run_does_too(printed, ran, shell):
    parser = pytest.importorskip("dockerfile_parse").DockerfileParser
    text = printed("dockerfile", "-n", "lesson", "pytorch=2.3", *ODD)
    found = parser(fileobj=io.BytesIO(text.encode())).structure
    (command,) = (one["value"] for one in found if one["instruction"] == "RUN")
    create, clean = ran(command, shell)
    assert as_specs(ODD) <= as_specs(word for word in create if word.startswith(tuple("tsner")))
    assert clean[1:3] == ["clean", "--all"]


def test_a_file_has_them_as_text(printed):
    found = yaml.safe_load(printed("environment.yml", "-n", "lesson", "pytorch=2.3", *ODD))
    assert all(isinstance(word, str) for word in found["dependencies"])
    assert as_specs(ODD) <= as_specs(found["dependencies"])


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("tool", ["pip", "uv", "conda"])
def test_words_of_pip_arrive_as_they_are(wheel_lab, conda_in_process, ran, tool, shell):
    """A requirement with a marker has quotes, spaces and a semicolon."""
    more = ("numpy<3,>=2", "sympy; python_version >= '3.9'", "filelock!=3.0.*")
    words = ("--source", "wheels", "--cuda", "12.6", "--python", PYTHON, "-n", "new")
    done = conda_in_process("torch-install", "--print", tool, *words, *more).ok()
    last = ran(done.stdout, shell)[-1]
    assert set(last) >= {"numpy<3,>=2", "filelock!=3.0.*"}
    assert any(word.replace('"', "'") == more[1] for word in last)
    assert sum("#sha256=" in word for word in last) == 3
