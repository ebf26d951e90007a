"""A change of channel that fails, is interrupted or lacks a package leaves everything as it was."""

from __future__ import annotations

import shlex
import shutil
import sys

import pytest
from support.change_fixtures import FORGE, FORGE_ENV, OF_FORGE, OFFICIAL, OFFICIAL_ENV, tree
from support.interrupting import interrupted
from support.prefixes import installed

pytest_plugins = ("support.change_fixtures",)


def test_a_change_is_downloaded_before_it_is_done(env_with, server, conda_in_process):
    prefix = env_with(*OFFICIAL_ENV)
    before = tree(prefix)
    conda_in_process(*FORGE, "-y", "-p", prefix, "--download-only").ok()
    assert tree(prefix) == before
    server.requests.clear()
    conda_in_process(*FORGE, "-y", "-p", prefix).ok()
    assert not server.asked("*/pytorch-2.8.0-*")
    assert installed(prefix)["pytorch"] == OF_FORGE["pytorch"]


# A change that fails


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_a_failure_after_the_removal_leaves_everything(
    env_with, conda_in_process, last_package, tmp_path
):
    prefix = env_with(*OFFICIAL_ENV)
    before = tree(prefix)
    stubs = prefix / "share" / "stubs"
    script = f"#!/bin/sh\n(cat {stubs}/pytorch.txt; ls {stubs}) > {tmp_path}/seen\nexit 1\n"
    words = (*FORGE, "-y", "-p", prefix, "pytorch", "torchvision", *last_package(script))
    assert conda_in_process(*words).rc == 1
    # The new set was there already, and the old one was not.
    seen = (tmp_path / "seen").read_text().split()
    assert seen[:2] == ["pytorch", "2.8.0"]
    assert "libcublas.txt" not in seen
    assert tree(prefix) == before


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX signal and a shell script")
def test_an_interrupt_after_the_removal_leaves_everything(env_with, last_package, tmp_path):
    prefix = env_with(*OFFICIAL_ENV)
    before = tree(prefix)
    flag = tmp_path / "linking"
    words = last_package(f"#!/bin/sh\ntouch '{flag}'\nsleep 5\n")
    command = (*FORGE, "-y", "--no-check", "-p", prefix, "pytorch", *words)
    said = interrupted(*command, when=flag.exists, otherwise="the script never ran")
    assert "Traceback" not in said
    assert tree(prefix) == before


def test_a_package_that_is_missing_leaves_everything(env_with, server, conda_in_process, sandbox):
    prefix = env_with(*OFFICIAL_ENV)
    before = tree(prefix)
    for cached in sandbox.pkgs.glob("libblas-3.9.0-*"):
        shutil.rmtree(cached) if cached.is_dir() else cached.unlink()
    server.fail("*/libblas-3.9.0-*", "not_found")
    result = conda_in_process(*FORGE, "-y", "-p", prefix)
    assert result.rc == 1
    assert tree(prefix) == before


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), "read_along"),
        (("-d", "--solve"), "read_along"),
        (("--strict-channel-priority",), "read_along_flexible"),
        (("--no-channel-priority",), "read_along"),
        (("--override-channels", "-c", "defaults"), "read_along"),
    ],
    ids=["run", "preview", "strict", "without", "alone"],
)
def test_the_channel_of_what_stays_is_to_be_read_too(
    env_with, at_server, conda_in_process, options, code
):
    """Conda's classic solver named our pin alone: the environment's BLAS wants a newer MKL, and the
    channels of this run have no other BLAS."""
    prefix = env_with(*FORGE_ENV)
    at_server(channels=["defaults"])
    before, preview = tree(prefix), "-d" in options
    words = (*OFFICIAL, "-y", "-p", prefix, *options)
    refused = conda_in_process(*words, "--json")
    if refused.rc == 0:
        pytest.skip("this solver finds a solution")
    assert tree(prefix) == before
    found = refused.json()
    assert found["torchmirror"]["error"] == "channel_unread"
    assert found["torchmirror"]["facts"]["channel"] == "conda-forge"
    assert "libblas" in found["torchmirror"]["facts"]["packages"]
    assert "pytorch" not in found["torchmirror"]["facts"]["packages"]
    (hint,) = found["guidance"]["hints"]
    assert hint["hint_code"] == code
    command = shlex.split(hint["text"].split("`")[1])
    conda_in_process(*command[1:], "-y").ok()
    assert not preview or tree(prefix) == before
    assert preview or installed(prefix)["pytorch"].startswith("2.5.1=py3.12_cuda12.4")


def test_the_channel_of_what_stays_changes_no_source(env_with, at_server, conda_in_process):
    """The release alone led to the channel pytorch; conda-forge as a channel, which has another
    source's builds too, would have led there."""
    prefix = env_with(*FORGE_ENV)
    at_server(channels=["defaults"])
    words = ("torch-install", "pytorch=2.4", "--cuda", "12.4", "-y", "-p", prefix, "-d", "--solve")
    refused = conda_in_process(*words, "--json")
    if refused.rc == 0:
        pytest.skip("this solver finds a solution")
    (hint,) = refused.json()["guidance"]["hints"]
    assert hint["hint_code"] == "read_along"
    command = shlex.split(hint["text"].split("`")[1])
    again = conda_in_process(*command[1:], "--json").ok().json()["torchmirror"]
    assert again["selected"]["source"] == "pytorch"
    assert again["selected"]["builds"][0]["version"].startswith("2.4.")


@pytest.mark.parametrize("preview", [(), ("-d", "--solve")], ids=["run", "preview"])
def test_what_may_not_change_is_the_cause_where_the_set_needs_another(
    env_with, conda_in_process, preview
):
    """Conda's classic solver told every package of the environment, as far as it got."""
    option = "--freeze-installed"
    prefix = env_with(*FORGE_ENV)
    before = tree(prefix)
    refused = conda_in_process(*OFFICIAL, "-y", "-p", prefix, option, *preview, "--json")
    if refused.rc == 0:
        pytest.skip("this solver finds a solution")
    assert tree(prefix) == before
    found = refused.json()
    assert found["torchmirror"]["error"] == "installed_frozen"
    assert option in found["guidance"]["cause"]
    (hint,) = found["guidance"]["hints"]
    assert hint["hint_code"] == "unfreeze"
    command = shlex.split(hint["text"].split("`")[1])
    assert option not in command
    conda_in_process(*command[1:], "-y").ok()
    assert preview or installed(prefix)["pytorch"].startswith("2.5.1=py3.12_cuda12.4")
