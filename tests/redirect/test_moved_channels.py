"""A spec names its channel and not the mirror, so that another mirror can serve it later."""

from __future__ import annotations

import json

import pytest
from conda.history import History
from conda.models import match_spec
from support.isolation import CONDARC
from support.lab import entry, hosts

from conda_torchmirror.redirect import moved_channels

pytest_plugins = ("support.lab_fixtures",)

OFFICIAL = "https://conda.anaconda.org"
#: What is typed, and the spec in the history of the environment.
SPECS = {
    "from-pytorch": "from-pytorch",
    "pytorch::from-pytorch": "pytorch::from-pytorch",
    "pytorch/noarch::from-pytorch": "pytorch/noarch::from-pytorch",
    f"{OFFICIAL}/pytorch::from-pytorch": "pytorch::from-pytorch",
    "conda-forge::from-conda-forge": "conda-forge::from-conda-forge",
    "defaults::from-pkgs-main": "defaults::from-pkgs-main",
}


@pytest.fixture
def other(small, make_mirror):
    """A second mirror, with what `lab` has."""
    cloud = dict.fromkeys(("pytorch", "conda-forge", "nvidia", "bioconda"), "anaconda/cloud")
    return make_mirror(small, {**cloud, "pkgs/main": "anaconda", "pkgs/r": "anaconda"})


@pytest.fixture(params=["redirected", "enabled"])
def at(request, at_lab, run_conda, lab, other):
    """`at(mirror)`: conda is led to this mirror, by the automatic redirect or by the file."""

    known = {"other": json.loads(entry(other))["lab"], **json.loads(entry(lab))}

    def lead(mirror):
        ours = {
            "torchmirror_registry": json.dumps(known),
            "torchmirror_mirrors": ["lab" if mirror is lab else "other"],
        }
        at_lab(ours, channels=["pytorch", "conda-forge", "defaults"])
        if request.param == "enabled":
            run_conda("torch-mirror", "enable").ok()

    return lead


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.replace(OFFICIAL, "official"))
def test_another_mirror_serves_what_was_asked_for(at, lab, other, run_conda, sandbox, spec):
    if spec.startswith("defaults::") and CONDARC["solver"] == "rattler":
        pytest.skip("conda-rattler-solver finds nothing in a channel of several")
    prefix = sandbox.envs / "there"
    at(lab)
    run_conda("create", "-y", "-q", "-p", prefix, spec).ok()
    history = (prefix / "conda-meta" / "history").read_text()
    assert f"# update specs: ['{SPECS[spec]}']" in history
    at(other)
    lab.requests.clear()
    done = run_conda("install", "-p", prefix, "-c", "bioconda", "from-bioconda", "--json", "-d")
    assert {package["name"] for package in done.json()["actions"]["LINK"]} == {"from-bioconda"}
    assert not lab.requests
    assert not hosts(sandbox)


def test_a_file_that_names_the_channel(at, lab, other, run_conda, sandbox, tmp_path):
    """As in many environment files."""
    prefix, file = sandbox.envs / "there", tmp_path / "environment.yml"
    file.write_text("channels: [pytorch]\ndependencies: ['pytorch::from-pytorch']\n")
    at(lab)
    run_conda("env", "create", "-q", "-p", prefix, "-f", file).ok()
    at(other)
    lab.requests.clear()
    both = "dependencies: ['pytorch::from-pytorch', 'conda-forge::from-conda-forge']\n"
    file.write_text("channels: [pytorch]\n" + both)
    run_conda("env", "update", "-q", "-p", prefix, "-f", file).ok()
    assert "lab" not in (prefix / "conda-meta" / "history").read_text()
    assert not lab.requests
    names = {json.loads(p.read_text())["name"] for p in (prefix / "conda-meta").glob("*.json")}
    assert names == {"from-pytorch", "from-conda-forge"}


@pytest.mark.parametrize("how", ["clone", "list"])
@pytest.mark.parametrize("auto", ["true", "false"], ids=["redirected", "plain"])
@pytest.mark.parametrize("later", ["same", "other"])
def test_a_copy_of_an_environment_takes_more_packages(
    at, lab, other, run_conda, sandbox, tmp_path, how, auto, later
):
    """Conda names each package in its history by its URL; one that does not know the mirror makes
    the channel anaconda/cloud/pytorch of it, and found such a package missing when it did."""
    first, copy, file = sandbox.envs / "first", sandbox.envs / "copy", tmp_path / "list.txt"
    at(lab)
    run_conda("create", "-y", "-q", "-p", first, "from-pytorch", "from-conda-forge").ok()
    plain = {"CONDA_CHANNELS": "bioconda", "CONDA_PLUGINS_TORCHMIRROR_AUTO": auto}
    if how == "clone":
        run_conda("create", "-y", "-q", "-p", copy, "--clone", first, env=plain).ok()
    else:
        file.write_text(run_conda("list", "-p", first, "--explicit").ok().stdout)
        run_conda("create", "-y", "-q", "-p", copy, "--file", file, env=plain).ok()
    at(lab if later == "same" else other)
    done = run_conda("install", "-p", copy, "-c", "bioconda", "from-bioconda", "--json", "-d")
    assert {package["name"] for package in done.ok().json()["actions"]["LINK"]} == {"from-bioconda"}


def test_a_channel_of_the_same_name_elsewhere_is_another(at_lab, lab, other, run_conda, sandbox):
    at_lab(channels=["pytorch"])
    theirs = other.channel_url("pytorch")
    run_conda("create", "-y", "-q", "-n", "there", "-c", theirs, "from-pytorch").ok()
    assert other.asked("*from-pytorch-1.0-0.tar.bz2")
    assert not lab.asked("*from-pytorch-1.0-0.tar.bz2")


def test_conda_is_left_as_it_was():
    def held():
        return [{**vars(one)} for one in (match_spec, match_spec.ChannelMatch, History)]

    before = held()
    moved_channels.keep_names()
    moved_channels.keep_names()
    assert held() != before
    moved_channels.release()
    moved_channels.release()
    assert held() == before


def test_specs_are_written_as_conda_takes_them(tmp_path):
    """By position, as conda does, or by name, as a tool that uses conda may."""
    (tmp_path / "conda-meta").mkdir()
    moved_channels.keep_names()
    try:
        History(str(tmp_path)).write_specs((), ["one"])
        History(str(tmp_path)).write_specs(update_specs=["two"])
    finally:
        moved_channels.release()
    written = (tmp_path / "conda-meta" / "history").read_text()
    assert "'one'" in written
    assert "'two'" in written
