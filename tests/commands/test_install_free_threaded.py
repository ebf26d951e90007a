"""An environment with a free-threaded Python, which conda's builds of PyTorch do not go with."""

from __future__ import annotations

import pytest
from support.auto_fixtures import cuda
from support.torches import record

from conda_torchmirror.exceptions.choice import NoFittingBuild, NoFittingSource

pytest_plugins = ["support.auto_fixtures"]


@pytest.fixture
def env(tmp_path):
    """`env(build)`: an environment with this build of Python 3.13, as far as conda knows."""

    def make(build: str):
        prefix = tmp_path / "env"
        (prefix / "conda-meta").mkdir(parents=True)
        (prefix / "conda-meta" / "history").touch()
        record(prefix, "python", "3.13.1", build, channel="conda-forge")
        return prefix

    return make


@pytest.fixture
def offline(at_both, conda_in_process, monkeypatch):
    """`offline(prefix, *words)`: a preview by what is built in, on a machine with CUDA 12.8."""

    def run(prefix, *words: str):
        for name, value in cuda("12.8").items():
            monkeypatch.setenv(name, value)
        subdir = ("--platform", "linux-64")
        return conda_in_process("torch-install", "-p", prefix, "-d", "--offline", *subdir, *words)

    return run


def test_a_usual_one_gets_a_build_of_conda_forge(env, offline):
    found = offline(env("h9a34b6e_102_cp313"), "--json").ok().json()["torchmirror"]
    assert found["selected"]["source"] == "conda-forge"


def test_a_free_threaded_one_is_not_replaced_for_the_sake_of_a_build(env, offline):
    """conda-forge builds for the usual one only, so that conda would have put that in its place."""
    prefix = env("h1_102_cp313t")
    done = offline(prefix)
    assert isinstance(done.error, NoFittingSource)
    said = "builds for the usual Python 3.13 do not go with the free-threaded one (prefix)"
    assert said in done.words
    # The whole channel has no more of them than the sample does.
    assert "run once online" not in done.words
    assert f"-p {prefix} --platform linux-64 --source wheels" in done.words
    assert "-n NEW --python 3.13" in done.words


def test_the_step_to_wheels_is_taken_in_the_environment(env, offline):
    prefix = env("h1_102_cp313t")
    done = offline(prefix, "--source", "wheels", "--json").ok()
    files = [build["file"] for build in done.json()["torchmirror"]["selected"]["builds"]]
    assert files
    assert all("-cp313-cp313t-" in file for file in files)


def test_one_that_the_source_is_named_for_is_refused_as_well(env, offline):
    done = offline(env("h1_102_cp313t"), "--source", "conda-forge")
    assert isinstance(done.error, NoFittingBuild)
    assert "the free-threaded one" in done.words


def test_where_another_python_is_asked_for_a_build_for_that_is_chosen(env, offline):
    """It was taken for a free-threaded one as well, for which the other channel's were chosen."""
    done = offline(env("h1_102_cp313t"), "--python", "3.12", "--json").ok()
    chosen = done.json()["torchmirror"]["selected"]
    assert (chosen["source"], chosen["python"]) == ("conda-forge", "3.12")
