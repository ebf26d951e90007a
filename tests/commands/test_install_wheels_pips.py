"""Wheels by old and new pips: what is carried out, what is refused, and what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest
from support import wheel_files
from support.files import contents
from support.wheel_commands import CUDA, FAMILY, REST, SET, WHEELS, dists, names
from support.wheel_fixtures import LINUX, imported
from support.wheel_lab import BASE, PYTHON, bundled_pip, dist_record, write_lab
from support.wheel_site import hostile_home, put

pytest_plugins = ["support.wheel_fixtures"]

#: A folder with wheels of pips, such as 20.3.4, 24.0 and the newest.
PIPS = os.environ.get("TORCHMIRROR_TEST_PIPS")


def version_of(wheel: Path) -> str:
    return wheel.name.split("-")[1]


def runs(wheel: Path) -> bool:
    """Whether this Python can run a pip: old ones need what newer Pythons lack."""
    words = [BASE, "-I", str(wheel / "pip"), "--version"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def pips() -> list[Path]:
    found = sorted(Path(PIPS).glob("pip-*.whl")) if PIPS else []
    return [wheel for wheel in found if version_of(wheel) != version_of(bundled_pip())]


pytestmark = [
    pytest.mark.skipif(not PIPS, reason="TORCHMIRROR_TEST_PIPS names no folder with pips"),
    pytest.mark.parametrize("pip", pips(), ids=version_of, indirect=True),
]


@pytest.fixture
def pip(request):
    """A wheel of pip that runs on the Python of the environments."""
    if not runs(request.param):
        pytest.skip(f"pip {version_of(request.param)} does not run on Python {PYTHON}")
    return request.param


@pytest.fixture
def lab_channels(pip, tmp_path):
    """A channel with this pip alone."""
    old = (dist_record("setuptools", version) for version in ("80.9.0", "82.0.1"))
    return write_lab(tmp_path / "lab", *old, pip=pip)


@pytest.fixture
def offline_rest(wheel_lab):
    """Have pip read the indexes itself: without hashes it has to."""
    for site in (wheel_lab.index, wheel_lab.spare):
        for page in (site.folder / "simple").glob("*/index.html"):
            page.unlink()
        put(site, wheel_lab.made[""], "simple", hashes=False)


def test_the_set_and_the_rest_are_installed(wheel_lab, lab_env, install, pip):
    assert f"pip-{version_of(pip)}" in dists(lab_env)
    install().ok()
    assert names(wheel_lab.first.sent()) == SET
    assert names(wheel_lab.index.sent()) == REST
    assert imported(lab_env, *FAMILY, "filelock", "numpy") == {
        **dict.fromkeys(FAMILY, "mirror cu126"),
        **dict.fromkeys(("filelock", "numpy"), "index"),
    }
    assert not list(lab_env.rglob("direct_url.json"))
    before = dists(lab_env)
    install().ok()
    assert dists(lab_env) == before


def test_a_hostile_configuration_does_not_get_in(
    wheel_lab, lab_env, run_conda, sandbox, offline_rest
):
    """Where pip reads the index."""
    variables = hostile_home(sandbox.home, wheel_lab.decoys)
    run_conda(*WHEELS, *CUDA, "-p", lab_env, "-y", env=variables).ok()
    assert wheel_lab.decoys.requests == []
    assert names(wheel_lab.index.sent()) == REST
    assert set(imported(lab_env, *FAMILY).values()) == {"mirror cu126"}
    assert imported(lab_env, "filelock") == {"filelock": "index"}


def test_versions_without_a_local_part_come_from_the_mirror(
    wheel_lab, lab_env, conda_in_process, tmp_path, offline_rest
):
    """The index has wheels of the same names, which pips prefer or not, as they are old."""
    own = [
        wheel_files.make(tmp_path / "own", name, version, LINUX, says="mirror", variant="cpu")
        for name, version in (("torch", "2.7.1"), ("torchvision", "0.22.1"))
    ]
    same = [
        wheel_files.make(tmp_path / "same", name, version, LINUX, says="index")
        for name, version in (("torch", "2.7.1"), ("torchvision", "0.22.1"))
    ]
    shutil.rmtree(wheel_lab.first.folder / "whl" / "cpu")
    put(wheel_lab.first, own)
    put(wheel_lab.index, same, "simple", hashes=False)
    words = ("torch==2.7.1", "torchvision", "--cuda", "cpu", "-p", lab_env, "-y")
    conda_in_process(*WHEELS, *words).ok()
    assert set(imported(lab_env, "torch", "torchvision").values()) == {"mirror"}
    assert not names(wheel_lab.index.sent()) & {"torch-2.7.1", "torchvision-0.22.1"}


def test_condas_packages_stay_where_pip_chooses(
    wheel_lab, lab_env, install, conda_in_process, tmp_path
):
    conda_in_process("install", "-y", "-q", "-p", lab_env, "setuptools=82.0.1").ok()
    made = wheel_files.make(tmp_path, "sympy", "1.15.0", requires=["setuptools<82"], says="index")
    for site in (wheel_lab.index, wheel_lab.spare):
        for page in (site.folder / "simple").glob("*/index.html"):
            page.unlink()
        put(site, [*wheel_lab.made[""], made], "simple", hashes=False)
    install().ok()
    assert {"setuptools-82.0.1", "sympy-1.14.0"} <= dists(lab_env)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("missing", "does not have sympy"),
        ("changed", "another content: the hash differs"),
        ("network", "could not be read"),
        ("down", "could not be read"),
        ("blocked", "could not be read: 403 Client Error"),
        ("owned", "conda's setuptools==82.0.1 stays as it is"),
    ],
)
def test_its_failures_are_understood(
    wheel_lab, lab_env, install, conda_in_process, tmp_path, fault, says, monkeypatch
):
    """Each is told for what it is, and leaves the environment as it was."""
    monkeypatch.setenv("PIP_RETRIES", "0")
    index = wheel_lab.index
    if fault == "missing":
        for site in (index, wheel_lab.spare):
            shutil.rmtree(site.folder / "simple" / "sympy")
    elif fault == "changed":
        wheel = wheel_lab.made["cu126"][0].name
        path = wheel_lab.first.folder / "whl" / "cu126" / wheel
        path.write_bytes(path.read_bytes()[:-100] + b"x" * 100)
    elif fault == "network":
        for page in (index.folder / "simple").glob("*/index.html"):
            page.write_text(re.sub("#sha256=[0-9a-f]*", "", page.read_text()))
        index.fail("*/.files/*", lambda exchange: exchange.send(503, b"no"))
    elif fault == "down":  # pip calls that a project which the index does not have
        index.refuse()
    elif fault == "blocked":
        index.fail("*", lambda exchange: exchange.send(403, b"no"))
    else:
        conda_in_process("install", "-y", "-q", "-p", lab_env, "setuptools=82.0.1").ok()
        made = wheel_files.make(tmp_path, "sympy", "1.15.0", requires=["setuptools<82"])
        others = [one for one in wheel_lab.made[""] if one.project != "sympy"]
        for page in (index.folder / "simple").glob("*/index.html"):
            page.unlink()
        put(index, [*others, made], "simple", hashes=False)
    before = dists(lab_env)
    done = install("--no-fallback")
    assert done.rc
    assert says in done.words, str(done)
    assert "Traceback" not in done.words
    assert dists(lab_env) == before


def test_a_preview_is_the_command_that_runs(wheel_lab, lab_env, conda_in_process, install):
    words = partial(conda_in_process, *WHEELS, *CUDA, "-p", lab_env)
    before = contents(lab_env)
    shown = words("--dry-run", "--json").ok().json()["torchmirror"]["steps"][0]["command"]
    assert contents(lab_env) == before
    install("--download-only").ok()
    page = re.search(r"--find-links (\S+)", shown)
    assert page
    assert not Path(page[1]).exists()
    install().ok()
    done = subprocess.run(shown, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("already satisfied") >= len(SET)
