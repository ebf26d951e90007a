"""A further package whose records have no build for a Python: that Python is not chosen."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from support.auto_fixtures import CHANNEL, FORGE, codes, cuda

pytest_plugins = ("support.auto_fixtures",)

#: By package and version, the Pythons of its builds.
BUILDS = {
    ("numpy", "1.16.6"): ("3.6", "3.7"),
    ("numpy", "2.3.4"): ("3.10", "3.11", "3.12", "3.13", "3.14"),
    ("pandas", "0.25.3"): ("3.6", "3.7", "3.8"),
    ("spacy", "3.8.0"): ("3.11", "3.12", "3.13"),
}
#: Of builds that do not say it: one for any Python, one whose Python stands elsewhere, PyPy's.
OTHERS = {
    ("tqdm", "4.0"): ("python >=3.7",),
    ("opencv", "4.0"): ("py-opencv 4.0",),
    ("numpy", "1.16.6"): ("python >=3.9,<3.10.0a0", "python_abi 3.9 *_pypy39_pp73"),
}


@pytest.fixture(scope="module", name="auto_indexes")
def with_others(auto_indexes, tmp_path_factory):
    root = tmp_path_factory.mktemp("with_others") / "indexes"
    shutil.copytree(auto_indexes, root)
    file = root / FORGE / "linux-64" / "repodata.json"
    index = json.loads(file.read_text(encoding="utf-8"))
    for (name, version), pythons in BUILDS.items():
        for python in pythons:
            major, minor = python.split(".")
            abi = f"python_abi {python}.* *_cp{major}{minor}"
            of = (f"python >={python},<{major}.{int(minor) + 1}.0a0", abi)
            _add(index, name, version, f"py{major}{minor}_0", of)
    for (name, version), depends in OTHERS.items():
        _add(index, name, version, "other_0", depends)
    file.write_text(json.dumps(index), encoding="utf-8")
    return root


def _add(index, name, version, build, depends):
    index["packages"][f"{name}-{version}-{build}.tar.bz2"] = {
        **{"name": name, "version": version, "build": build, "build_number": 0},
        **{"depends": list(depends), "subdir": "linux-64", "sha256": "0" * 64, "size": 1},
    }


@pytest.mark.parametrize(
    ("words", "source", "torch", "python"),
    [
        # conda-forge has no release for Python 3.7 here, the channel pytorch up to 1.13.1.
        ("numpy=1.16", CHANNEL, "1.13.1", "3.7"),
        ("numpy=1.16 --offline", CHANNEL, "1.13.1", "3.7"),
        ("conda-forge::numpy=1.16", CHANNEL, "1.13.1", "3.7"),
        ("pandas=0.25", CHANNEL, "2.4.1", "3.8"),
        # Of a channel that is not read: it may have one for any Python.
        ("mine::pandas=0.25", FORGE, "2.13.0", "3.14"),
        ("pandas[channel=mine,version=0.25]", FORGE, "2.13.0", "3.14"),
        ("spacy", FORGE, "2.13.0", "3.13"),
        ("numpy", FORGE, "2.13.0", "3.14"),
        ("tqdm", FORGE, "2.13.0", "3.14"),
        ("opencv", FORGE, "2.13.0", "3.14"),
    ],
)
def test_the_python_is_one_for_which_a_further_package_has_a_build(
    preview_auto, words, source, torch, python
):
    """numpy=1.16 got Python 3.9, and spacy the newest Python, for which it had no build yet."""
    if "--offline" in words:
        preview_auto("pytorch", "numpy", **cuda("13.0"))
    found = preview_auto("pytorch", *words.split(), **cuda("13.0"))
    chosen = found["selected"]
    version = chosen["builds"][0]["version"]
    assert (chosen["source"], version, chosen["python"]) == (source, torch, python)
    assert "python_without" not in codes(found)


def test_a_python_without_a_build_is_told_where_it_is_asked_for(preview_auto):
    found = preview_auto("pytorch", "numpy=1.16", "--python", "3.9")
    assert found["selected"]["python"] == "3.9"
    assert "python_without" in codes(found)


def test_the_other_source_is_passed_over_for_want_of_that_build(preview_auto):
    """What CUDA its builds need was said to be the reason."""
    found = preview_auto("pytorch", "numpy=1.16")
    told = next(one["text"] for one in found["warnings"] if one["code"] == "source_chosen")
    assert "`numpy=1.16`" in told
    assert "NVIDIA" not in told


@pytest.mark.parametrize(
    ("lines", "python"),
    [("pytorch pandas=0.25", "3.8"), ("pytorch pandas", "3.12"), ("pytorch pandas>=0.25", "3.12")],
)
def test_a_file_of_the_channel_that_ended_has_that_python_too(
    at_both, conda_in_process, tmp_path, monkeypatch, lines, python
):
    """conda-forge, which the file names as well, was not asked: it got Python 3.12."""
    for name, value in cuda("13.0").items():
        monkeypatch.setenv(name, value)
    at_both(channels=[])
    file = tmp_path / "environment.yml"
    listed = "".join(f"  - {line}\n" for line in lines.split())
    file.write_text(f"channels: [pytorch, conda-forge]\ndependencies:\n{listed}")
    words = ("--source", CHANNEL, "-f", str(file), "-n", "new")
    done = conda_in_process("torch-install", "-d", "--json", *words).ok()
    assert done.json()["torchmirror"]["selected"]["python"] == python


@pytest.mark.parametrize(
    ("pythons", "python"), [(("3.11",), "3.11"), (("3.7",), "3.8"), ((), "3.8")]
)
def test_the_builds_of_a_channel_that_is_named_count_too(
    at_both, conda_in_process, make_mirror, tmp_path, monkeypatch, pythons, python
):
    """conda-forge's alone lowered the Python."""
    from support.channels import write_channel

    for name, value in cuda("13.0").items():
        monkeypatch.setenv(name, value)
    index: dict = {"packages": {}}
    for each in pythons:
        of = (f"python >={each},<3.{int(each[2:]) + 1}.0a0",)
        _add(index, "pandas", "0.25.3", f"mine{each[2:]}", of)
    write_channel(tmp_path / "mine", "linux-64", index["packages"])
    write_channel(tmp_path / "mine", "noarch", {})
    mine = make_mirror(tmp_path, {"mine": ""}).channel_url("mine")
    words = ("--source", CHANNEL, "-c", mine, "-c", FORGE, "-n", "new", "pytorch", "pandas=0.25")
    assert "Python 3.8, linux-64" in conda_in_process("torch-install", "-d", *words).ok().stdout
    # An installation reads it. These indexes are of no packages, so that it gets no further.
    done = conda_in_process("torch-install", "-d", "--solve", *words)
    assert f"Python {python}, linux-64" in done.stdout


@pytest.mark.parametrize(
    ("words", "cause", "step"),
    [
        (
            "pytorch=2.13 numpy=1.16",
            "`numpy=1.16` has builds for Python 3.6, 3.7 only, and these are for 3.10, 3.11, 3.12,"
            " 3.13, 3.14",
            "pytorch 1.13.1",
        ),
        (
            "pytorch>=2.6 pandas=0.25",
            "`pandas=0.25` has builds for Python 3.6, 3.7, 3.8 only, and these are for 3.9, 3.10",
            "pytorch 2.4.1",
        ),
    ],
)
def test_where_no_python_has_builds_of_both_that_is_the_refusal(
    at_both, conda_in_process, monkeypatch, words, cause, step
):
    """A set was chosen with a notice, and conda's solver found no solution."""
    for name, value in cuda("13.0").items():
        monkeypatch.setenv(name, value)
    done = conda_in_process("torch-install", "-d", "--json", "-n", "new", *words.split())
    assert done.rc == 1
    told = done.json()["guidance"]
    assert cause in told["cause"]
    hints = {hint["hint_code"]: hint["text"] for hint in told["hints"]}
    assert {"drop_partner", "older_release"} <= hints.keys()
    assert step in hints["older_release"]
    # No wheel of NumPy 1.16 is for a Python of that torch: it was said to fit.
    assert "numpy" not in words or "use_wheel_set" not in hints


def test_another_channel_that_is_named_may_have_builds_of_both(preview_auto):
    found = preview_auto("pytorch=2.13", "pandas=0.25", "-c", "mine", **cuda("13.0"))
    assert found["selected"]["builds"][0]["version"] == "2.13.0"
    assert "python_without" in codes(found)


def test_that_is_told_of_a_release_of_which_only_a_part_is_known(conda_in_process, monkeypatch):
    """The built-in index was said to know CPU builds only, and to be the reason."""
    for name, value in cuda("13.0").items():
        monkeypatch.setenv(name, value)
    words = ("pytorch=2.13", "numpy=1.16", "--offline", "--platform", "linux-64")
    done = conda_in_process("torch-install", "-d", "--json", "-n", "new", *words)
    cause = done.json()["guidance"]["cause"]
    assert cause.startswith("`numpy=1.16` likely has no build for Python 3.10")


@pytest.mark.parametrize(
    ("lines", "python"),
    [
        ("python=3.9 pytorch=1.13 torchvision numpy=1.25.2", "3.11"),
        ("python=3.9 pytorch=1.10 rdkit=2021.09", None),
        ("python=3.9 pytorch=1.10 cudatoolkit=11.3 scipy>=1.5", "3.14"),
    ],
)
def test_an_offline_step_names_no_python_that_a_line_may_have_no_build_for(
    tmp_path, conda_in_process, monkeypatch, lines, python
):
    """numpy=1.25.2 was offered Python 3.13, and rdkit=2021.09 3.14."""
    for name, value in cuda("13.0", "12.0").items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "environment.yml"
    listed = "".join(f"  - {line}\n" for line in lines.split())
    file.write_text(f"channels: [pytorch, conda-forge]\ndependencies:\n{listed}")
    words = ("--offline", "--platform", "linux-64", "-f", str(file), "-n", "new")
    done = conda_in_process("torch-install", "-d", "--json", *words)
    assert done.rc == 1
    told = " ".join(hint["text"] for hint in done.json()["guidance"]["hints"])
    assert re.findall(r"--python (\S+)", told)[:1] == ([python] if python else [])
    assert "run once online" in told


def test_of_wheels_it_is_a_notice(conda_in_process, monkeypatch):
    """pip may build what has no wheel."""
    for name, value in cuda("12.4").items():
        monkeypatch.setenv(name, value)
    words = ("torch==2.6.0", "numpy==1.16.6", "--offline", "--platform", "linux-64")
    done = conda_in_process("torch-install", "-d", "--json", "--source", "wheels", *words).ok()
    assert "python_unsuited" in codes(done.json()["torchmirror"])
