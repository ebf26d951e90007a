"""Wheels where no build of conda fits: by themselves where the settings allow pip, else named."""

from __future__ import annotations

from typing import Any

import pytest
from support import both_channels, wheel_files
from support.isolation import reset_conda
from support.wheel_commands import chosen, dists
from support.wheel_fixtures import LINUX, imported
from support.wheel_lab import PYTHON
from support.wheel_site import put

from conda_torchmirror.exceptions.choice import NoFittingBuild, NoFittingWheel
from conda_torchmirror.exceptions.mirror import BadSetting
from conda_torchmirror.exceptions.usage import NoCondaVariant

pytest_plugins = ["support.wheel_fixtures"]

BOTH = ["pytorch", "conda-forge"]
ALL = [*BOTH, "wheels"]
#: Of conda-forge no build for CUDA 11 is as new, and the channel pytorch ended before it.
OLD_DRIVER = {"CONDA_OVERRIDE_CUDA": "11.8", "CONDA_OVERRIDE_CUDA_ARCH": "8.6"}
NEWER = "torch==2.7.1"


@pytest.fixture(scope="module")
def indexes(tmp_path_factory):
    return both_channels.build(tmp_path_factory.mktemp("indexes"))


@pytest.fixture
def allowed(wheel_lab, indexes, make_mirror, condarc):
    """`allowed(sources)`: an rc file with both channels, mirrors of wheels and this setting."""
    server = make_mirror(indexes, dict.fromkeys((*BOTH, "nvidia"), "anaconda/cloud"))

    def write(sources: Any, **more: Any):
        found = wheel_lab.settings(torchmirror_sources=sources, **more)
        condarc(**{**found, "custom_channels": server.custom_channels()})
        return server

    return write


@pytest.fixture
def preview(conda_in_process, monkeypatch):
    """`preview(*words, **variables)`: a dry run for a new environment, as JSON."""

    def run(*words: str, **variables: str):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        new = ("-n", "new", "--python", PYTHON)
        return conda_in_process("torch-install", "-d", "--json", *new, *words)

    return run


def hints(done) -> dict[str, str]:
    return {hint["hint_code"]: hint["text"] for hint in done.json()["guidance"]["hints"]}


# Where nothing of conda fits


def test_wheels_stand_in_where_pip_is_allowed(allowed, preview, wheel_lab):
    allowed(ALL)
    done = preview(NEWER, **OLD_DRIVER).ok()
    found = done.json()["torchmirror"]
    assert chosen(done)["torch"] == ("2.7.1+cu118", "cu118")
    assert (found["selected"]["source"], found["selected"]["why"]) == ("wheels", "only")
    first = found["warnings"][0]
    assert first["code"] == "source_chosen"
    assert first["text"] == (
        "PyTorch 2.7.1+cu118 by wheels, with pip, as `torchmirror_sources` allows: no build of "
        "conda fits"
    )


@pytest.mark.parametrize("sources", [None, BOTH], ids=["not set", "without wheels"])
def test_they_are_named_with_the_command_where_it_is_not(allowed, preview, wheel_lab, sources):
    allowed(sources or [])
    done = preview(NEWER, **OLD_DRIVER)
    assert isinstance(done.error, NoFittingBuild)
    step = hints(done)["use_wheel_set"]
    assert "wheels of PyTorch 2.7.1 from cu118 fit" in step
    command = step.partition("`")[2].partition("`")[0].split()
    assert command[-3:] == ["--source", "wheels", "--dry-run"]
    assert wheel_lab.first.requests == []
    again = preview(*command[2:])
    assert chosen(again)["torch"] == ("2.7.1+cu118", "cu118")


def test_one_channel_and_wheels(allowed, preview):
    """The other channel is left out, whatever it has."""
    server = allowed(["conda-forge", "wheels"])
    assert chosen(preview("torch==2.7.1", **OLD_DRIVER))["torch"][1] == "cu118"
    assert not server.asked("*/pytorch/*")


@pytest.mark.parametrize("variant", ["rocm6.3", "xpu"])
def test_an_accelerator_that_only_wheels_are_for(allowed, preview, wheel_lab, variant):
    folder = wheel_lab.first.folder.parent / "made"
    for name, version in (("torch", "2.7.1"), ("torchvision", "0.22.1"), ("torchaudio", "2.7.1")):
        needs = () if name == "torch" else ("torch==2.7.1",)
        made = wheel_files.make(
            folder, name, f"{version}+{variant}", LINUX, requires=needs, variant=variant
        )
        put(wheel_lab.first, [made])
    allowed(BOTH)
    assert isinstance(preview("--cuda", variant).error, NoCondaVariant)
    allowed(ALL)
    assert chosen(preview("--cuda", variant))["torch"] == (f"2.7.1+{variant}", variant)


# Where conda has something, or nothing else may


@pytest.mark.parametrize(
    ("words", "variables", "source"),
    [
        ((), {"CONDA_OVERRIDE_CUDA": "12.9"}, "conda-forge"),
        ((), OLD_DRIVER, "pytorch"),
        (("pytorch=2.3.1",), {"CONDA_OVERRIDE_CUDA": "12.9"}, "pytorch"),
        (("--source", "pytorch"), {"CONDA_OVERRIDE_CUDA": "12.9"}, "pytorch"),
    ],
    ids=["newest", "old driver", "named release", "named source"],
)
def test_a_build_of_conda_comes_first(allowed, preview, wheel_lab, words, variables, source):
    allowed(ALL)
    done = preview("--python", "3.12", *words, **variables).ok()
    assert done.json()["torchmirror"]["selected"]["source"] == source
    assert wheel_lab.first.requests == []


@pytest.mark.parametrize(
    "words",
    [
        ("--source", "conda-forge", NEWER),
        ("-c", "conda-forge", NEWER),
        ("conda-forge::pytorch=2.7.1",),
        ("pytorch=2.7.1", "libtorch"),
        ("-f", "environment.yml"),
    ],
    ids=["source", "channel", "package of a channel", "package of its own", "file"],
)
def test_what_ties_the_request_to_conda_keeps_wheels_out(
    allowed, preview, wheel_lab, tmp_path, monkeypatch, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "environment.yml").write_text("dependencies: [pytorch=2.7.1]\n")
    allowed(ALL)
    done = preview(*words, **OLD_DRIVER)
    assert isinstance(done.error, NoFittingBuild), str(done)
    assert wheel_lab.first.requests == []


def test_an_index_that_could_not_be_read_is_no_reason_for_pip(allowed, preview, wheel_lab):
    server = allowed(ALL)
    server.fail("*/conda-forge/*", "server_error")
    done = preview(NEWER, "--no-fallback", **OLD_DRIVER)
    assert done.rc == 1
    assert wheel_lab.first.requests == []


def test_where_wheels_have_nothing_either_the_error_is_condas(allowed, preview):
    """With what pip has to say beside it."""
    allowed(ALL)
    done = preview("torch==9.9", **OLD_DRIVER)
    assert isinstance(done.error, NoFittingBuild)
    assert not isinstance(done.error, NoFittingWheel)
    assert isinstance(done.error.__cause__, NoFittingWheel)


# In an environment


@pytest.fixture
def real(wheel_lab, lab_env, indexes, make_mirror, condarc, conda_in_process, monkeypatch):
    """`real(*words)`: an installation into an environment of conda's, without a question."""
    server = make_mirror(indexes, dict.fromkeys((*BOTH, "nvidia"), "anaconda/cloud"))

    def run(*words: str, sources: Any = ALL):
        settings = wheel_lab.settings(torchmirror_sources=sources, torchmirror_check=False)
        condarc(**{**settings, "custom_channels": server.custom_channels()})
        for name, value in OLD_DRIVER.items():
            monkeypatch.setenv(name, value)
        reset_conda()
        return conda_in_process("torch-install", *words, "-p", lab_env, "-y")

    return run


def test_it_installs_and_a_torch_of_pips_stays_with_pip(real, lab_env):
    done = real(NEWER).ok()
    assert "as `torchmirror_sources` allows: no build of conda fits" in done.words
    assert "torch-2.7.1+cu118" in dists(lab_env)
    assert imported(lab_env, "torch") == {"torch": "mirror cu118"}
    # Without the setting it is a build of conda, beside which pip's torch is in the way.
    other = real("torch==2.3.1", "-d", "--json", sources=BOTH).ok().json()["torchmirror"]
    assert other["selected"]["source"] == "pytorch"
    assert "pip_torch_there" in {warning["code"] for warning in other["warnings"]}
    again = real("torch==2.7.1").ok()
    assert "the PyTorch of this environment is pip's" in again.words


# What the setting takes


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (["pytorch", "pip"], "it takes one of pytorch, conda-forge, wheels, not pip"),
        (["wheels"], "for wheels alone set `torchmirror_source: wheels`"),
        ("wheels", "it takes a list of names"),
    ],
    ids=["unknown", "wheels alone", "no list"],
)
def test_a_value_that_it_does_not_take(allowed, preview, value, says):
    allowed(value)
    done = preview()
    assert isinstance(done.error, BadSetting)
    found = done.json()
    assert "torchmirror_sources" in found["message"] + found["guidance"]["cause"]
    assert says in found["guidance"]["cause"]
