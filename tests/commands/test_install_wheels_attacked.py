"""Wheels where something comes in between: a second run, a hostile page."""

from __future__ import annotations

import subprocess
import sys
import tempfile

import pytest
from support.files import contents
from support.wheel_commands import CUDA, REST, SET, WHEELS, dists, names
from support.wheel_fixtures import imported
from support.wheel_site import put

from conda_torchmirror.exceptions.environment import OtherRun
from conda_torchmirror.exceptions.mirror import CannotWrite

pytest_plugins = ["support.wheel_fixtures"]

HOLD = """
import sys
from conda_torchmirror.handover.environment_lock import held
with held(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_on_the_environment_is_told(wheel_lab, lab_env, install):
    before = contents(lab_env)
    pipe = subprocess.PIPE
    words = [sys.executable, "-c", HOLD, str(lab_env)]
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert isinstance(install().error, OtherRun)
        other.communicate("")
    assert contents(lab_env) == before
    install().ok()


HOSTILE = (
    '<a href="javascript:alert(1)//{name}">{name}</a>',
    '<a href="http://[X]/{name}">{name}</a>',
    '<a href="file:///etc/passwd/{name}">{name}</a>',
    '<a href="https://{name}@/{name}">{name}</a>',
    '<a href="/whl/cu126/{name}&#10;--index-url=evil">{name}</a>',
    '<a href="/whl/cu126/..%2f..%2f{name}">{name}</a>',
    '<a href="{name}/../../../../etc/torch-2.7.1.whl">{name}</a>',
    "<a href='{name}' " + "x='\"" * 1000,
    "<!-- " + '<a href="{name}">{name}</a>',
    "-->",
)


def test_a_page_of_a_stranger_gives_its_good_links_alone(wheel_lab, install, lab_env):
    """A hundred thousand links, and such as lead elsewhere, before those of the set."""
    decoys = wheel_lab.decoys.wheels
    for made in wheel_lab.made["cu126"]:
        page = wheel_lab.first.folder / "whl" / "cu126" / made.project / "index.html"
        wheel = made.name.replace("+", "%2B")
        lines = [line.format(name=wheel) if "{name}" in line else line for line in HOSTILE]
        others = (f'<a href="{decoys}/x-{i}-py3-none-any.whl">x</a>' for i in range(100_000))
        real = page.read_text()
        page.write_text("\n".join([*lines, real, *others]))
    install().ok()
    assert {*SET, *REST} <= dists(lab_env)
    assert imported(lab_env, "torch") == {"torch": "mirror cu126"}
    assert names(wheel_lab.first.sent()) == SET
    assert wheel_lab.decoys.requests == []


def test_a_page_without_a_good_link_is_left(wheel_lab, install, lab_env):
    put(wheel_lab.second, wheel_lab.of("cu126"))
    for made in wheel_lab.made["cu126"]:
        page = wheel_lab.first.folder / "whl" / "cu126" / made.project / "index.html"
        page.write_text("\n".join(line.replace("{name}", made.name) for line in HOSTILE[:4]))
    install().ok()
    assert {*SET, *REST} <= dists(lab_env)
    assert names(wheel_lab.second.sent()) == SET


@pytest.mark.parametrize("json", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize("below", [".", "pkgs", "pkgs/torchmirror-wheels"])
def test_a_package_cache_that_cannot_be_written_is_no_fault_of_a_mirror(
    wheel_lab, lab_env, install, tmp_path, monkeypatch, below, json
):
    """A file is in the way of a folder; the second mirror is not asked, and nothing changes."""
    put(wheel_lab.second, wheel_lab.of("cu126"))
    cache = tmp_path / "cache"
    monkeypatch.setenv("CONDA_PKGS_DIRS", str(cache / "pkgs"))
    place = cache / below
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("")
    before = contents(lab_env)
    done = install(*json)
    assert isinstance(done.error, CannotWrite), str(done)
    assert "WheelNowhere" not in done.words
    if json:
        assert done.json()["torchmirror"]["error"] == "cannot_write"
    assert wheel_lab.second.sent() == []
    assert contents(lab_env) == before
    place.unlink()
    install().ok()


@pytest.mark.parametrize("json", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize("command", ["install", "plan", "verify"])
def test_no_place_for_temporary_files_is_told(
    wheel_lab, lab_env, conda_in_process, tmp_path, monkeypatch, command, json
):
    """As with a full disk, where the standard library finds none. Nothing changes."""
    plan = tmp_path / "plan"
    install = (*WHEELS, *CUDA, "-p", lab_env)
    conda_in_process(*install, "--save-plan", plan).ok()
    words = {
        "install": (*install, "-y"),
        "plan": ("torch-install", "--plan", plan, "-p", lab_env, "-y"),
        "verify": ("torch-verify", "-p", lab_env),
    }
    before = contents(lab_env)
    none = str(tmp_path / "none")
    with monkeypatch.context() as patch:
        patch.setenv("TMPDIR", none)
        patch.setattr(tempfile, "tempdir", None)
        patch.setattr(tempfile, "_candidate_tempdir_list", lambda: [none])
        done = conda_in_process(*words[command], *json)
    assert isinstance(done.error, CannotWrite), str(done)
    assert f"{none} cannot be written" in done.words
    assert "`TMPDIR`" in done.words
    if json:
        assert done.json()["torchmirror"]["error"] == "cannot_write"
    assert contents(lab_env) == before
