"""What is shown before wheels are installed is what is done: the command, and all that comes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess

import pytest
from support.wheel_commands import CUDA, REST, SET, WHEELS, dists, names
from support.wheel_fixtures import imported
from support.wheel_lab import PYTHON
from support.wheel_site import put

from conda_torchmirror.handover.installers import process
from conda_torchmirror.text.layout import file_size

pytest_plugins = ["support.wheel_fixtures"]


@pytest.fixture
def handed_over(monkeypatch):
    """The words of every process that the hand-over starts, without the log of ours."""
    found: list[list[str]] = []
    run = process.run

    def noting(words, *given, **options):
        at = words.index("--log")
        found.append([*words[:at], *words[at + 2 :]])
        return run(words, *given, **options)

    monkeypatch.setattr(process, "run", noting)
    return found


def shown(conda_in_process, prefix, *words):
    done = conda_in_process(*WHEELS, *CUDA, *words, "-p", prefix, "--dry-run", "--json").ok()
    return done.json()["torchmirror"]


@pytest.mark.parametrize("words", [(), ("torch", "numpy<3")], ids=["set", "another word"])
def test_the_command_is_the_one_that_runs(
    wheel_lab, lab_env, install, conda_in_process, handed_over, words
):
    command = shown(conda_in_process, lab_env, *words)["command"]
    assert "--no-index" in shlex.split(command)
    install(*words).ok()
    assert handed_over == [shlex.split(command)]


def test_where_pip_finds_the_rest_its_index_is_shown_and_used(
    wheel_lab, lab_env, install, conda_in_process, handed_over
):
    """An index without hashes proves nothing of its files: pip reads it, as it always did."""
    for page in (wheel_lab.index.folder / "simple").glob("*/index.html"):
        page.unlink()
    put(wheel_lab.index, wheel_lab.made[""], "simple", hashes=False)
    found = shown(conda_in_process, lab_env, "--no-fallback")
    assert found["selected"]["rest"] is None
    words = shlex.split(found["command"])
    assert words[words.index("--index-url") + 1] == wheel_lab.index.simple
    assert "--no-index" not in words
    install("--no-fallback").ok()
    assert handed_over == [words]


def test_the_command_by_hand_does_the_same(wheel_lab, lab_env, conda_in_process):
    (step,) = shown(conda_in_process, lab_env)["steps"]
    words = shlex.split(step["by_hand"])
    clean = {"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull, "HOME": str(lab_env)}
    done = subprocess.run(words, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {*SET, *REST} <= dists(lab_env)
    assert imported(lab_env, "torch") == {"torch": "mirror cu126"}
    assert names(wheel_lab.first.sent()) == SET


def test_for_another_platform_no_path_of_this_one_is_shown(
    wheel_lab, conda_in_process, monkeypatch, tmp_path
):
    (tmp_path / "own.pem").touch()
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "own.pem"))
    words = ("--platform", "win-64", "--python", "3.12", "-n", "new", "--dry-run", "--offline")
    shown = conda_in_process(*WHEELS, *CUDA, *words).ok().words
    [pip] = re.findall(r"By the environment's own pip: (.*) Nothing was", shown)
    assert pip.startswith("python -I -m pip install ")
    assert pip.count("win_amd64") == 3
    assert "torchmirror-wheels" not in pip
    assert "own.pem" not in pip
    assert "or by hand" not in shown


def test_what_the_set_needs_besides_is_counted(wheel_lab, conda_in_process, tmp_path):
    """As in what follows, where conda asks; and no wheel is fetched for it."""
    new = ("-p", tmp_path / "new", "--python", PYTHON)
    found = shown(conda_in_process, tmp_path / "new", "--python", PYTHON)
    rest = {f"{one['name']}-{one['version']}": one for one in found["selected"]["rest"]}
    made = {f"{m.project}-{m.name.split('-')[1]}": m for m in wheel_lab.made[""]}
    assert rest.keys() == REST
    for name, one in rest.items():
        assert one["sha256"] == made[name].sha256
        assert one["size"] == made[name].path.stat().st_size
    pip_step = found["steps"][-1]
    assert {file["sha256"] for file in pip_step["files"]} == {
        m.sha256 for m in (*wheel_lab.made["cu126"], *(made[name] for name in REST))
    }
    done = conda_in_process(*WHEELS, *CUDA, *new, "--dry-run").ok()
    size = sum(made[name].path.stat().st_size for name in REST)
    assert f"3 more packages {file_size(size)} first" in done.words
    assert wheel_lab.index.sent() == wheel_lab.first.sent() == []


def test_urls_without_a_proof_for_the_rest_say_so(wheel_lab, conda_in_process):
    for page in (wheel_lab.index.folder / "simple").glob("*/index.html"):
        page.unlink()
    words = (*WHEELS, *CUDA, "--urls", "--python", PYTHON, "--no-fallback")
    done = conda_in_process(*words).ok()
    assert len(done.stdout.splitlines()) == 3
    assert "the set alone: what it needs besides is for pip to find" in done.words
