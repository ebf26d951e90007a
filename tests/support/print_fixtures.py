"""What `--print` shows, and a shell that carries it out."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest

from support.wheel_lab import PYTHON

PRINT = ("torch-install", "--print")
#: A set whose pins, runtime and further packages have to get into every text.
WORDS = ("-n", "lesson", "--python", "3.11", "--cuda", "12.1", "pytorch=2.3", "torchvision", "tqdm")
SPECS = (
    "python=3.11",
    "pytorch=2.3.1=py3.11_cuda12.1_cudnn8.9.2_0",
    "torchvision=0.18.1=py311_cu121",
)


def chosen(specs):
    """The torch family among specs."""
    return {spec for spec in specs if spec.startswith(("pytorch=", "torchvision=", "torchaudio="))}


def command_of(text):
    """The words of the one line that is neither a comment nor a variable."""
    [line] = [one for one in text.splitlines() if not one.startswith(("#", "export "))]
    return shlex.split(line)


def manifest(text):
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        tomllib = pytest.importorskip("tomli")
    return tomllib.loads(text)


def run_of(text):
    """The command of the one RUN, by a parser of Dockerfiles."""
    parser = pytest.importorskip("dockerfile_parse").DockerfileParser
    import io

    found = parser(fileobj=io.BytesIO(text.encode())).structure
    kinds = [one["instruction"] for one in found if one["instruction"] != "COMMENT"]
    assert kinds[:3] == ["ARG", "FROM", "RUN"]
    return next(one["value"] for one in found if one["instruction"] == "RUN")


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
