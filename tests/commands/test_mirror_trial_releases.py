"""`conda torch-mirror test --spec`: which files of a release are asked for, and what is said where
none is known."""

from __future__ import annotations

import pytest
from support.mirror import Exchange

from conda_torchmirror.index import builtin

pytest_plugins = ("support.site_fixtures",)

NAMES = ("first", "second")
SIZES = {build.fn: build.size for build in builtin.load("linux-64", channel="conda-forge").builds}


def whole(exchange: Exchange) -> None:
    """The beginning of a file that has the size of the real one."""
    size = SIZES.get(exchange.record.path.rpartition("/")[2]) or 1000
    exchange.send(206, b"PK\x03\x04" + bytes(508), {"Content-Range": f"bytes 0-511/{size}"})


@pytest.fixture
def ask(sites, conda_in_process, monkeypatch):
    """`ask(spec)`: the document of a test, and what a person reads."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.9")

    def run(*specs):
        words = ("torch-mirror", "test", *NAMES, *(f"--spec={spec}" for spec in specs))
        return (
            conda_in_process(*words, "--json").json()["torchmirror"],
            conda_in_process(*words).words,
        )

    return run


def test_a_release_of_conda_forge_is_asked_for_there(sites, ask):
    """Nothing was asked for, as the channel `pytorch` ended, and every mirror had it all."""
    sites.second.fail("*/conda-forge/*.conda", whole)
    found, said = ask("pytorch=2.13")
    [file] = found["files"]
    assert file.startswith("pytorch-2.13.0-")
    asked = sites.first.asked(f"*/{file}") + sites.second.asked(f"*/{file}")
    assert asked
    assert all("/conda-forge/linux-64/" in path for path in asked)
    assert found["recommended"] == "second"
    assert f"first does not have {file} (404)" in said


def test_a_mirror_without_the_channel_of_the_release_does_not_have_it(sites, ask):
    for mirror in (sites.first, sites.second):
        mirror.fail("*/conda-forge/*.conda", whole)
    sites.first.fail("*/conda-forge/linux-64/repodata.json", "not_found")
    found, _ = ask("pytorch=2.13")
    assert found["recommended"] == "second"


def test_a_release_that_nobody_knows_is_not_said_to_be_there(sites, ask):
    found, said = ask("pytorch=9")
    assert (found["files"], found["recommended"]) == ([], None)
    assert "Which of them has pytorch=9 is not known: no file of it could be asked for." in said
    assert "what was asked for: no other is needed" not in said


def test_nobody_answers_for_a_release_that_nobody_knows(sites, ask):
    for mirror in (sites.first, sites.second):
        mirror.refuse()
    _, said = ask("pytorch=9")
    assert "Nothing answered: check the network" in said
