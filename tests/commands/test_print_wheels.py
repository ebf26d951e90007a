"""`--print` of wheels: the text is carried out by pip, conda and uv, or read by a parser."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys

import pytest
from support.print_fixtures import PRINT, manifest, run_of
from support.wheel_fixtures import imported
from support.wheel_lab import PYTHON

pytest_plugins = ("support.wheel_fixtures", "support.print_fixtures")

needs_rattler = pytest.mark.skipif(
    importlib.util.find_spec("rattler") is None, reason="py-rattler is not installed"
)
needs_uv = pytest.mark.skipif(importlib.util.find_spec("uv") is None, reason="uv is not installed")

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


@pytest.mark.parametrize("subdir", ["win-64", "linux-64"])
def test_the_python_that_pip_needs_is_said(condarc, conda_in_process, subdir):
    """In a comment, which cmd does not have: there nothing named it, and pip said of the wheels
    that they are none for this platform."""
    condarc(channels=["conda-forge"])
    words = (*WHEELS[:4], "--python", "3.12", "--platform", subdir, "--offline")
    done = conda_in_process(*PRINT, "pip", *words).ok()
    comment, told = "# in an environment with Python 3.12:", "for an environment with Python 3.12"
    assert (comment in done.stdout) is (subdir == "linux-64")
    assert (told in " ".join(done.stderr.split())) is (subdir == "win-64")


@pytest.mark.parametrize("tool", ["pip", "uv", "environment.yml", "pixi", "conda", "dockerfile"])
def test_what_is_asked_of_pip_beside_the_set_is_printed(conda_in_process, tool):
    """It was said, and a NumPy that this release breaks on would have been installed."""
    words = ("torch==2.1.0", "numpy", "--source", "wheels", "--cuda", "12.1", "--python", "3.10")
    done = conda_in_process(*PRINT, tool, *words, "--offline", "--platform", "linux-64").ok()
    assert "asked of pip beside the set: numpy<2" in " ".join(done.stderr.split())
    if tool == "pixi":
        assert manifest(done.stdout)["pypi-dependencies"]["numpy"] == "<2"
    else:
        assert re.search(r"numpy<2", done.stdout)
