"""uv in the place of pip, where the setting asks for it: the same files, the same proof."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from support.files import contents
from support.wheel_commands import CUDA, REST, SET, WHEELS, dists, names
from support.wheel_fixtures import imported
from support.wheel_lab import PYTHON
from support.wheel_site import hostile_home, put

from conda_torchmirror.exceptions.environment import PipFailed
from conda_torchmirror.exceptions.mirror import BadSetting
from conda_torchmirror.handover.installers import uv

pytest_plugins = ["support.wheel_fixtures"]

needs_uv = pytest.mark.skipif(uv.find(None) is None, reason="uv is not installed")


@pytest.fixture
def by_uv(wheel_lab, condarc, sandbox, monkeypatch):
    """The setting, and a cache of uv's own for this test."""
    condarc(**wheel_lab.settings(torchmirror_installer="uv"))
    monkeypatch.setenv("UV_CACHE_DIR", str(sandbox.root / "uv"))


def installer(prefix: Path, name: str) -> str:
    folder = prefix / "lib" / f"python{PYTHON}" / "site-packages"
    (found,) = folder.glob(f"{name}-*.dist-info")
    return (found / "INSTALLER").read_text().strip()


@needs_uv
def test_the_set_and_the_rest_are_installed(wheel_lab, lab_env, by_uv, install, conda_in_process):
    done = install().ok()
    assert "By uv:" in done.words
    assert {*SET, *REST} <= dists(lab_env)
    assert installer(lab_env, "torch") == "uv"
    assert imported(lab_env, "torch", "numpy") == {"torch": "mirror cu126", "numpy": "index"}
    assert names(wheel_lab.first.sent()) == SET
    # It is what conda lists, and what the check and a second run know.
    listed = conda_in_process("list", "-p", lab_env).ok()
    assert "2.7.1+cu126" in listed.stdout
    again = install().ok()
    assert names(wheel_lab.first.sent()) == SET, str(again)


@needs_uv
def test_the_document_names_it(wheel_lab, lab_env, by_uv, conda_in_process):
    words = (*WHEELS, *CUDA, "-p", lab_env, "--dry-run", "--json")
    (step,) = conda_in_process(*words).ok().json()["torchmirror"]["steps"]
    assert step["tool"] == "uv"
    for command in (step["command"], step["by_hand"]):
        assert " --no-config pip install --python " in command
    assert "--no-index" in step["command"]


@needs_uv
def test_for_another_platform_no_path_of_this_one_is_shown(wheel_lab, by_uv, conda_in_process):
    words = ("--platform", "win-64", "--python", "3.12", "-n", "new", "--dry-run", "--offline")
    shown = conda_in_process(*WHEELS, *CUDA, *words).ok().words
    [by_hand] = re.findall(r"By uv: (.*) Nothing was", shown)
    assert by_hand.startswith("uv --no-config pip install --python python ")
    assert by_hand.count("win_amd64") == 3


@needs_uv
def test_nothing_of_its_own_configuration_is_mixed_in(
    wheel_lab, lab_env, by_uv, install, sandbox, monkeypatch
):
    """Not of pip's either. The decoys have the same versions, and newer ones of the rest."""
    decoys = wheel_lab.decoys
    config = sandbox.home / ".config" / "uv"
    config.mkdir(parents=True)
    (config / "uv.toml").write_text(
        f'[[index]]\nurl = "{decoys.simple}"\n[pip]\nextra-index-url = ["{decoys.simple}"]\n'
        f'find-links = ["{decoys.url}/whl/cu126/"]\nindex-strategy = "unsafe-best-match"\n'
    )
    variables = {
        **hostile_home(sandbox.home, decoys),
        "UV_EXTRA_INDEX_URL": decoys.simple,
        "UV_INDEX": decoys.simple,
        "UV_FIND_LINKS": f"{decoys.url}/whl/cu126/",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_SYSTEM_PYTHON": "1",
        "UV_TARGET": str(sandbox.home / "target"),
        "UV_CONFIG_FILE": str(config / "uv.toml"),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    # PIP_NO_INDEX and the like are carried to nobody, so that the index is the mirror's.
    install().ok()
    assert {*SET, *REST} <= dists(lab_env)
    assert set(imported(lab_env, "torch", "torchvision").values()) == {"mirror cu126"}
    assert set(imported(lab_env, "filelock", "numpy").values()) == {"index"}
    assert decoys.sent() == []


@needs_uv
def test_an_index_with_the_same_versions_gives_none_of_the_family(
    wheel_lab, lab_env, by_uv, install
):
    """Where the rest is for uv to find, the index is asked, and has decoys of the set."""
    for site in (wheel_lab.index, wheel_lab.spare):
        for page in (site.folder / "simple").glob("*/index.html"):
            page.unlink()
        put(site, wheel_lab.made[""], "simple", hashes=False)
        put(site, wheel_lab.made["decoys"][:4], "simple", hashes=False)
    install().ok()
    assert set(imported(lab_env, "torch", "torchvision", "torchaudio").values()) == {"mirror cu126"}
    assert not names(wheel_lab.index.sent()) & SET


@needs_uv
def test_what_is_nowhere_is_told_by_its_name(wheel_lab, lab_env, by_uv, install):
    for site in (wheel_lab.index, wheel_lab.spare):
        shutil.rmtree(site.folder / "simple" / "sympy")
    before = dists(lab_env)
    done = install("--no-fallback")
    assert isinstance(done.error, PipFailed)
    assert "uv could not install the wheels" in done.words
    assert "sympy" in done.words
    assert dists(lab_env) == before


@needs_uv
def test_a_plan_is_carried_out_by_it(wheel_lab, lab_env, by_uv, conda_in_process, tmp_path):
    plan = tmp_path / "plan"
    conda_in_process(*WHEELS, *CUDA, "-p", lab_env, "--save-plan", plan).ok()
    conda_in_process("torch-install", "--plan", plan, "-p", lab_env, "-y").ok()
    assert installer(lab_env, "torch") == "uv"


def test_where_there_is_none_pip_installs_and_it_is_said(
    wheel_lab, lab_env, by_uv, install, monkeypatch
):
    monkeypatch.setattr(uv, "find", lambda prefix: None)
    done = install().ok()
    assert "uv, which `torchmirror_installer` asks for, is not on this computer" in done.words
    assert installer(lab_env, "torch") == "pip"


@pytest.mark.parametrize("json", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "uv cannot be started"),
        (b"exit 3\n", "uv cannot be started"),
        (b"#!/no/such/interpreter\n", "uv cannot be started"),
        (b"\x7fELF of another machine", "uv cannot be started"),
        (b"#!/bin/sh\nkill -9 $$\n", "uv says: nothing"),
    ],
    ids=["empty", "no-interpreter", "lost-interpreter", "other-machine", "killed"],
)
def test_one_that_does_not_run_is_told(wheel_lab, lab_env, by_uv, install, content, told, json):
    """Nothing changes; where it cannot be started, what is offered helps."""
    program = lab_env / "bin" / "uv"
    program.write_bytes(content)
    program.chmod(0o755)
    before = contents(lab_env)
    done = install(*json)
    assert isinstance(done.error, PipFailed)
    assert told in done.words
    assert "Traceback" not in done.words
    assert contents(lab_env) == before
    if json:
        assert done.json()["torchmirror"]["error"] == "pip_failed"
    if "started" in told:
        assert f"`{program}` does not run on this computer" in done.words
        program.unlink()
        install().ok()
        assert dists(lab_env) >= SET


def stand_in(lab_env, script):
    program = lab_env / "bin" / "uv"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize("there", [True, False], ids=["older-there", "nothing-there"])
def test_one_that_installs_nothing_is_told(wheel_lab, lab_env, by_uv, install, condarc, there):
    """Though it ends with 0, and no check of PyTorch follows."""
    if there:
        condarc(**wheel_lab.settings())
        install("torch==2.7.1+cu118").ok()
        condarc(**wheel_lab.settings(torchmirror_installer="uv"))
    stand_in(lab_env, "exit 0")
    before = dists(lab_env)
    done = install("torch==2.7.1+cu126", "--no-check")
    assert isinstance(done.error, PipFailed), str(done)
    assert "uv ended without an error, and torch is not in the environment" in done.words
    assert dists(lab_env) == before
    (lab_env / "bin" / "uv").unlink()
    condarc(**wheel_lab.settings())
    install("torch==2.7.1+cu126").ok()


def test_a_flood_of_output_is_bounded(wheel_lab, lab_env, by_uv, install):
    """Its end is shown, and the file that has all of it is named."""
    stand_in(lab_env, "seq -f 'line %.0f of many' 30000 >&2; echo 'error: the end' >&2; exit 2")
    done = install("torch")
    assert isinstance(done.error, PipFailed)
    assert "line 30000 of many" in done.stderr
    assert "line 20000 of many" not in done.stderr
    assert len(done.stderr) < 30_000
    (log,) = re.findall(r"all of it is in (\S+uv\.log)", done.words)
    assert Path(log).read_text().count("of many") == 30_000
    assert "the end" in done.words


def test_another_installer_is_refused(wheel_lab, condarc, install):
    condarc(**wheel_lab.settings(torchmirror_installer="poetry"))
    done = install()
    assert isinstance(done.error, BadSetting)
    assert "it takes one of pip, uv, not 'poetry'" in done.words
