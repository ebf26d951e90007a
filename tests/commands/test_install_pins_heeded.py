"""What `torch-install` chose and pinned is what is installed, or nothing is.

The classic solver drops a pin that no build of a package meets where the package is asked for too,
and takes a bare name of `aggressive_update_packages` in the place of a pin.
"""

from __future__ import annotations

import json
import shlex
import shutil

import pytest
from support.asking import ASK_2_1_0
from support.condas import drops_pins
from support.prefixes import installed

#: A release that both `mkl<2024.1` and `numpy<2` hold for.
ASKED = ("--cuda", "cpu", "pytorch=2.1.0")


@drops_pins
@pytest.mark.parametrize("words", [(), ("--dry-run", "--solve"), ("--save-plan",)])
@pytest.mark.parametrize("pin", ["mkl 2022.9.*", "numpy 1.0.*"])
def test_a_pin_that_no_build_meets_does_not_take_ours_with_it(
    env_of, conda_in_process, tmp_path, pin, words
):
    """MKL 2025 and NumPy 2 were installed, against what had been told to be pinned."""
    prefix, name = env_of("python=3.11"), pin.partition(" ")[0]
    (prefix / "conda-meta" / "pinned").write_text(f"{pin}\n")
    before = installed(prefix)
    options = [*words, *([str(tmp_path / "plan")] if "--save-plan" in words else [])]
    result = conda_in_process("torch-install", "-y", "--json", "-p", prefix, *options, *ASKED, name)
    assert result.rc == 1
    assert installed(prefix) == before
    assert not (tmp_path / "plan").exists()
    found = result.json()
    ours = {"mkl": "mkl<2024.1", "numpy": "numpy<2"}[name]
    facts = found["torchmirror"]["facts"]
    assert found["torchmirror"]["error"] == "pin_dropped"
    assert (facts["needed"], facts["pin"]) == (ours, pin)
    assert facts["source"] == "conda-meta/pinned"
    change, ask = found["guidance"]["hints"]
    assert (change["hint_code"], ask["hint_code"]) == ("change_pins", "ask_as_pinned")
    command = shlex.split(ask["text"].partition("`")[2].rpartition("`")[0])
    assert command[:2] == ["conda", "torch-install"]
    conda_in_process(*command[1:], "-y").ok()
    if not words:
        version = installed(prefix)[name]
        assert version.startswith({"mkl": "2023.", "numpy": "1."}[name])


def test_a_package_to_be_updated_whatever_happens_is_not_updated_past_our_pin(
    env_of, mirrored, conda_in_process
):
    """MKL 2025 was installed where `aggressive_update_packages` named it."""
    prefix = env_of("python=3.11")
    mirrored(aggressive_update_packages=["mkl", "numpy"])
    conda_in_process("torch-install", "-y", "-p", prefix, *ASK_2_1_0).ok()
    found = installed(prefix)
    assert found["mkl"].startswith("2023.")
    assert found["numpy"].startswith("1.26.")


def test_nor_is_the_build_that_was_chosen(env_of, mirrored, conda_in_process):
    """With a pin on pytorch as well, another release was installed than had been shown."""
    prefix = env_of("python=3.11")
    (prefix / "conda-meta" / "pinned").write_text("pytorch >=1.13\n")
    mirrored(aggressive_update_packages=["pytorch"])
    conda_in_process("torch-install", "-y", "-p", prefix, *ASK_2_1_0).ok()
    assert installed(prefix)["pytorch"].startswith("2.1.0=")


@drops_pins
def test_a_default_package_that_our_pin_excludes_ends_the_run_and_the_step_helps(
    mirrored, conda_in_process, sandbox
):
    """Conda adds these to a new environment: MKL 2025 was installed beside what it breaks."""
    mirrored(create_default_packages=["mkl=2025", "zlib"])
    words = ("torch-install", "-y", "-n", "new", *ASKED, "--python", "3.11")
    result = conda_in_process(*words, "--json")
    assert result.rc == 1
    found = result.json()
    assert found["torchmirror"]["error"] == "default_package"
    assert found["torchmirror"]["facts"]["spec"] == "mkl=2025"
    assert not (sandbox.envs / "new").exists()
    (step,) = found["guidance"]["hints"]
    command = shlex.split(step["text"].partition("`")[2].partition("`")[0])
    assert command == ["conda", "create", "-n", "new", "--no-default-packages"]
    conda_in_process(*command[1:], "-y", "-q").ok()
    conda_in_process(*words).ok()
    assert installed(sandbox.envs / "new")["mkl"].startswith("2023.")


@pytest.fixture
def of_late(channels, tmp_path_factory):
    """The channels, with a `current_repodata.json` that has of MKL the newest alone."""
    root = tmp_path_factory.mktemp("late") / "channels"
    shutil.copytree(channels, root)
    for path in root.rglob("repodata.json"):
        index = json.loads(path.read_text(encoding="utf-8"))
        for section in ("packages", "packages.conda"):
            index[section] = {
                fn: one
                for fn, one in index.get(section, {}).items()
                if one["name"] != "mkl" or one["version"].startswith("2025")
            }
        path.with_name("current_repodata.json").write_text(json.dumps(index), encoding="utf-8")
    return root


@drops_pins
@pytest.mark.parametrize("plan", [False, True])
def test_an_index_of_new_builds_alone_is_not_enough_for_our_pin(
    of_late, env_of, mirrored, make_mirror, conda_in_process, tmp_path, plan
):
    """Conda dropped the pin, because that index had no build that meets it."""
    prefix = env_of("python=3.11")
    names = ("pytorch", "conda-forge", "nvidia", "pkgs/main")
    late = make_mirror(of_late, dict.fromkeys(names, ""))
    mirrored(
        custom_channels=late.custom_channels(), default_channels=[late.channel_url("pkgs/main")]
    )
    save = ("--save-plan", tmp_path / "plan") if plan else ()
    conda_in_process("torch-install", "-y", "-p", prefix, *save, *ASKED, "mkl").ok()
    if plan:
        conda_in_process("torch-install", "-y", "-p", prefix, "--plan", tmp_path / "plan").ok()
    assert installed(prefix)["mkl"].startswith("2023.")


@pytest.mark.parametrize("word", ["nomkl", "blas=*=openblas", "libblas=*=*openblas"])
def test_what_excludes_mkl_excludes_the_builds_that_need_it(conda_in_process, word):
    """A build for MKL was chosen, with which the solver has no solution."""
    words = ("--dry-run", "--offline", "--json", "--platform", "linux-64", "--cuda", "12.9")
    found = conda_in_process("torch-install", *words, "pytorch", word).ok().json()["torchmirror"]
    (torch,) = found["selected"]["builds"]
    assert "_generic_" in torch["build"]


def test_where_every_build_needs_it_that_is_told(conda_in_process):
    words = ("--dry-run", "--offline", "--platform", "linux-64", "--cuda", "12.4")
    refused = conda_in_process("torch-install", *words, "-c", "pytorch", "pytorch", "nomkl")
    assert refused.rc == 1
    assert "`nomkl` keeps out what needs `mkl >=2018`" in refused.words
    assert "leave nomkl out" in refused.words
