"""Mirrors and indexes of `--source wheels` that lack files, fail or lie."""

from __future__ import annotations

import shutil

import pytest
from support.wheel_commands import CUDA, FAMILY, REST, SET, WHEELS, dists, names
from support.wheel_fixtures import imported
from support.wheel_site import portal, put

from conda_torchmirror.exceptions.channel import NoWheels, WheelNowhere

pytest_plugins = ["support.wheel_fixtures"]


def test_a_mirror_that_lacks_a_file_is_passed_over_for_this_file(wheel_lab, lab_env, install):
    put(wheel_lab.second, wheel_lab.of("cu126"))
    made = wheel_lab.made["cu126"][1]
    (wheel_lab.first.folder / "whl" / "cu126" / made.name).unlink()
    done = install().ok()
    assert names(wheel_lab.first.sent()) == SET - names([made.name])
    assert names(wheel_lab.second.sent()) == names([made.name])
    assert f"first does not have {made.name} (404)" in done.words


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("portal", "sends a web page"),
        ("error", "503"),
        ("forbidden", "403"),
        ("refused", "refuses"),
    ],
)
def test_a_mirror_without_pages_is_left(wheel_lab, lab_env, install, fault, said):
    put(wheel_lab.second, wheel_lab.of("cu126"))
    if fault == "portal":
        wheel_lab.first.fail("*", portal)
    elif fault == "refused":
        wheel_lab.first.refuse()
    else:
        status = {"error": 503, "forbidden": 403}[fault]
        wheel_lab.first.fail("*", lambda exchange: exchange.send(status, b"<html>no</html>"))
    done = install().ok()
    assert names(wheel_lab.second.sent()) == SET
    assert said in done.words
    assert "`wheels` from second" in done.words


def test_a_download_that_breaks_off_goes_on_where_it_ended(wheel_lab, lab_env, install):
    made = wheel_lab.made["cu126"][0]

    def cut(exchange):
        if exchange.headers.get("Range", "-").endswith("-"):
            content = exchange.content()
            exchange.record.status = 200
            exchange.send_response(200)
            exchange.send_header("Content-Length", str(len(content)))
            exchange.end_headers()
            exchange.wfile.write(content[:120_000])
            exchange.wfile.flush()
            exchange.cut()
        else:
            exchange.serve()

    put(wheel_lab.second, wheel_lab.of("cu126"))
    wheel_lab.first.fail(f"*{made.name}", cut)
    install().ok()
    rest = [r for r in wheel_lab.second.requests if r.path.endswith(made.name) and r.status == 206]
    begun = [r.headers["Range"] for r in rest if r.headers["Range"].endswith("-")]
    assert len(begun) == 1
    assert int(begun[0].removeprefix("bytes=").rstrip("-")) > 0
    assert imported(lab_env, "torch") == {"torch": "mirror cu126"}


def test_a_file_with_another_hash_is_not_installed(wheel_lab, lab_env, install):
    made = wheel_lab.made["cu126"][0]
    path = wheel_lab.first.folder / "whl" / "cu126" / made.name
    good = path.read_bytes()
    path.write_bytes(good[:-100] + b"x" * 100)
    done = install()
    assert isinstance(done.error, WheelNowhere)
    assert "another content: the hash differs" in done.words
    assert not names(dists(lab_env)) & SET
    path.write_bytes(good)
    install().ok()


def test_where_no_mirror_has_a_file_each_is_named_with_what_to_do(wheel_lab, lab_env, install):
    """The last one to fail was named alone, and nothing that helps."""
    made = wheel_lab.made["cu126"][0]
    put(wheel_lab.second, wheel_lab.of("cu126"))
    wheel_lab.first.fail(f"*{made.name}", "wrong_hash")
    wheel_lab.second.fail(f"*{made.name}", "html")
    done = install()
    assert isinstance(done.error, WheelNowhere)
    assert f"{made.name} cannot be had from first, second" in done.words
    assert "run the same command again when one of them answers" in done.words
    assert not names(dists(lab_env)) & SET
    wheel_lab.second.heal()
    install().ok()


def test_links_that_leave_the_mirror_come_from_it_where_it_has_the_file(
    wheel_lab, lab_env, install
):
    shutil.rmtree(wheel_lab.first.folder / "whl")
    put(wheel_lab.first, wheel_lab.of("cu126"), absolute="https://elsewhere.example/whl")
    install().ok()
    assert names(wheel_lab.first.sent()) == SET


@pytest.mark.parametrize("layout", ["index", "flat", "json"])
@pytest.mark.parametrize("served", [True, False], ids=["metadata", "bare"])
def test_every_layout_behind_a_url(wheel_lab, lab_env, conda_in_process, layout, served):
    shutil.rmtree(wheel_lab.decoys.folder / "whl")
    put(wheel_lab.decoys, wheel_lab.of("cu126", "cpu"), layout, metadata=served)
    words = (*WHEELS, *CUDA, "--mirror", wheel_lab.decoys.wheels, "-p", lab_env, "-y")
    conda_in_process(*words).ok()
    assert names(wheel_lab.decoys.sent()) == SET
    assert wheel_lab.first.requests == []
    assert names(wheel_lab.index.sent()) == REST
    assert set(imported(lab_env, *FAMILY).values()) == {"mirror cu126"}


def test_files_without_a_hash_are_said(wheel_lab, preview_wheels):
    shutil.rmtree(wheel_lab.decoys.folder / "whl")
    put(wheel_lab.decoys, wheel_lab.of("cu126"), "flat", hashes=False)
    done = preview_wheels(*CUDA, "--mirror", wheel_lab.decoys.wheels).ok()
    (warning,) = [
        row
        for row in done.json()["torchmirror"]["warnings"]
        if row["code"] == "wheels_without_hash"
    ]
    assert "no hash of 3 files" in warning["text"]


def test_a_page_of_a_mirror_that_has_no_wheels(wheel_lab, conda_in_process, lab_env):
    wheel_lab.first.fail("*", portal)
    words = (*WHEELS, *CUDA, "--no-fallback", "-p", lab_env, "--dry-run")
    done = conda_in_process(*words)
    assert isinstance(done.error, NoWheels)
    assert "first" in done.words


def test_an_index_that_lacks_a_dependency_gives_way_to_the_next(wheel_lab, lab_env, install):
    shutil.rmtree(wheel_lab.index.folder / "simple" / "sympy")
    done = install().ok()
    assert "first does not have sympy" in done.words
    assert names(wheel_lab.spare.sent()) == REST
    assert set(imported(lab_env, *FAMILY).values()) == {"mirror cu126"}


def test_an_index_that_does_not_answer_gives_way_before_pip_runs(wheel_lab, lab_env, install):
    wheel_lab.index.fail("*", portal)
    done = install().ok()
    assert names(wheel_lab.spare.sent()) == REST
    assert "the index of PyPI from second" in done.words


@pytest.mark.parametrize("metadata", [True, False], ids=["known", "not-known"])
def test_an_index_without_a_page_for_pip_is_one_all_the_same(wheel_lab, lab_env, install, metadata):
    """A curated index has what its users need: it is judged by what is asked of it."""
    shutil.rmtree(wheel_lab.index.folder / "simple" / "pip")
    if not metadata:
        wheel_lab.first.fail("*.whl", lambda exchange: exchange.send(200, exchange.content()))
    done = install().ok()
    assert names(wheel_lab.index.sent()) == REST
    assert wheel_lab.spare.requests == []
    assert "the index of PyPI from" not in done.words


def test_an_index_that_lacks_the_first_project_may_have_the_others(wheel_lab, lab_env, install):
    shutil.rmtree(wheel_lab.index.folder / "simple" / "filelock")
    done = install().ok()
    assert "first does not have filelock" in done.words
    assert "the index of PyPI from" not in done.words


def test_an_index_that_has_nothing_of_what_is_needed_is_left(wheel_lab, lab_env, install):
    for name in ("filelock", "sympy", "numpy"):
        shutil.rmtree(wheel_lab.index.folder / "simple" / name)
    done = install().ok()
    assert names(wheel_lab.spare.sent()) == REST
    assert "the index of PyPI from second" in done.words


def test_ones_own_index_comes_first_and_is_said(wheel_lab, lab_env, run_conda):
    put(wheel_lab.decoys, [], "simple")
    variables = {"PIP_INDEX_URL": wheel_lab.spare.simple, "PIP_CONFIG_FILE": None}
    done = run_conda(*WHEELS, *CUDA, "-p", lab_env, "-y", env=variables).ok()
    assert names(wheel_lab.spare.sent()) == REST
    assert wheel_lab.index.requests == []
    assert "your own index" in done.words


@pytest.mark.parametrize(
    ("words", "left"),
    [(("--mirror", "first"), True), (("--offline",), False), (("--wheel-dir", "here"), False)],
    ids=["a mirror that is named", "offline", "all is on this disk"],
)
def test_ones_own_index_is_not_said_to_be_used_where_it_is_not(
    wheel_lab, lab_env, run_conda, tmp_path, words, left
):
    (tmp_path / "here").mkdir()
    for made in wheel_lab.of("cu126", ""):
        shutil.copyfile(made.path, tmp_path / "here" / made.name)
    variables = {"PIP_INDEX_URL": wheel_lab.spare.simple, "PIP_CONFIG_FILE": None}
    command = (*WHEELS, *CUDA, "-p", lab_env, "--dry-run", *words)
    said = run_conda(*command, env=variables, cwd=tmp_path).ok().words
    assert "your own index" not in said
    assert ("this run leaves out index-url" in said) is left
    assert wheel_lab.spare.requests == []


def test_two_places_at_one_host_are_two(wheel_lab, install, lab_env):
    """The one that has no pages does not stand for the other."""
    (wheel_lab.first.folder / "copy").symlink_to(wheel_lab.first.folder / "whl")
    bad, good = f"{wheel_lab.first.url}/none", f"{wheel_lab.first.url}/copy"
    done = install("--mirror", bad, "--mirror", good).ok()
    assert {*SET, *REST} <= dists(lab_env)
    host = wheel_lab.first.url.partition("://")[2]
    assert f"{host}/none has none of the directories" in done.words
    assert f"from {host}/copy" in done.words
