"""A further package whose records have no build for a Python: that Python is not chosen."""

from __future__ import annotations

import json
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
