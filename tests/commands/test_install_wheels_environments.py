"""What `--source wheels` does with environments that are there, and leaves of those that fail."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from conda.core.envs_manager import get_user_environments_txt_file
from support import wheel_files
from support.condas import drops_pins
from support.files import contents
from support.torches import record
from support.wheel_commands import CUDA, FAMILY, WHEELS, dists
from support.wheel_fixtures import LINUX, imported
from support.wheel_lab import FULL, PYTHON, TAG
from support.wheel_site import put

from conda_torchmirror.exceptions.channel import NoWheels
from conda_torchmirror.exceptions.choice import DefaultPackage, NoFittingWheel
from conda_torchmirror.exceptions.environment import (
    CondaOwned,
    CondaTorch,
    ExternallyManaged,
    NoEnvironment,
    PipFailed,
    WheelPython,
)

pytest_plugins = ["support.wheel_fixtures"]


def test_a_torch_of_conda_is_not_overwritten(wheel_lab, lab_env, install):
    record(lab_env, "pytorch", "2.5.1", "cpu_0")
    done = install()
    assert isinstance(done.error, CondaTorch)
    assert "conda remove" in done.words
    assert wheel_lab.first.sent() == []


def test_nor_is_one_that_conda_adds_to_every_new_environment(
    wheel_lab, condarc, conda_in_process, sandbox
):
    """Conda brought its torch along, and pip installed over it."""
    defaults = {"create_default_packages": ["setuptools", "pytorch=2.5"]}
    condarc(**wheel_lab.settings(), **defaults)
    done = conda_in_process(*WHEELS, "-y", "-n", "new", "--python", PYTHON)
    assert isinstance(done.error, DefaultPackage)
    assert "`create_default_packages` in conda's configuration adds `pytorch=2.5`" in done.words
    assert "`conda create -n new --no-default-packages`" in done.words
    assert wheel_lab.first.sent() == []
    assert not (sandbox.envs / "new").exists()


@drops_pins
@pytest.mark.parametrize("plan", [False, True], ids=["installed", "planned"])
def test_nor_does_conda_add_what_the_wheels_exclude(
    wheel_lab, condarc, conda_in_process, sandbox, tmp_path, plan
):
    """The run ended in the name of an error of ours, without a cause or a step."""
    condarc(**wheel_lab.settings(), create_default_packages=["setuptools=82"])
    made = wheel_files.make(
        tmp_path, "torch", "2.8.0+cu126", LINUX, requires=["setuptools<82"], variant="cu126"
    )
    put(wheel_lab.first, [made])
    words = (*WHEELS, *CUDA, "-n", "new", "--python", PYTHON, "torch==2.8.0")
    done = conda_in_process(*words, *(["--save-plan", tmp_path / "plan"] if plan else ["-y"]))
    assert isinstance(done.error, DefaultPackage)
    assert "conda would install setuptools 82.0.1, which `setuptools<82` excludes" in done.words
    assert not (sandbox.envs / "new").exists()
    assert not (tmp_path / "plan").exists()
    (command,) = [part for part in done.words.split("`") if part.startswith("conda create")]
    conda_in_process(*command.split()[1:], "-y", "-q").ok()
    # Here a Python is still to come, with which conda brings setuptools.
    told = conda_in_process(*words, "--dry-run", "--json").ok().json()["torchmirror"]
    assert told["pins"] == ["setuptools<82"]
    conda_in_process(*words, "-y").ok()
    assert "torch-2.8.0+cu126" in dists(sandbox.envs / "new")


def test_what_conda_owns_is_not_replaced(wheel_lab, lab_env, install, conda_in_process, tmp_path):
    conda_in_process("install", "-y", "-q", "-p", lab_env, "setuptools=82.0.1").ok()
    made = wheel_files.make(
        tmp_path, "torch", "2.8.0+cu126", LINUX, requires=["setuptools<82"], variant="cu126"
    )
    put(wheel_lab.first, [made])
    done = install("torch==2.8.0")
    assert isinstance(done.error, CondaOwned)
    assert "setuptools 82.0.1" in done.words
    assert wheel_lab.first.sent() == []
    # The command that is offered makes the room.
    (command,) = [part for part in done.words.split("`") if part.startswith("conda install")]
    words = command.replace('"', "").split()[1:]
    conda_in_process(*words, "-y", "-q").ok()
    install("torch==2.8.0").ok()
    assert "setuptools-80.9.0" in dists(lab_env)


@pytest.fixture
def index_with(wheel_lab, tmp_path):
    """`index_with(version, needs, ...)`: the indexes also have this sympy. Without hashes, only pip
    finds out what it needs."""

    def put_there(version, *needs, hashes=True, alone=False):
        made = wheel_files.make(tmp_path, "sympy", version, requires=needs, says="index")
        others = [one for one in wheel_lab.made[""] if not (alone and one.project == "sympy")]
        for site in (wheel_lab.index, wheel_lab.spare):
            for page in (site.folder / "simple").glob("*/index.html"):
                page.unlink()
            put(site, [*others, made], "simple", hashes=hashes)

    return put_there


@pytest.mark.parametrize("json", [(), ("--json",)], ids=["text", "json"])
def test_what_a_dependency_would_replace_is_not_replaced_either(
    wheel_lab, lab_env, install, conda_in_process, index_with, json
):
    """A package of conda's that nothing of the set names, but what the set needs does."""
    conda_in_process("install", "-y", "-q", "-p", lab_env, "setuptools=82.0.1").ok()
    index_with("1.15.0", "setuptools<82")
    before = contents(lab_env)
    done = install(*json)
    assert isinstance(done.error, CondaOwned), str(done)
    assert "setuptools 82.0.1" in done.words
    assert "sympy 1.15.0" in done.words
    assert contents(lab_env) == before
    (command,) = re.findall("`(conda install [^`]*)`", done.words.replace("\\", ""))
    conda_in_process(*shlex.split(command)[1:], "-y", "-q").ok()
    install().ok()
    assert {"setuptools-80.9.0", "sympy-1.15.0"} <= dists(lab_env)


@pytest.mark.usefixtures("installer")
def test_where_pip_chooses_it_takes_what_goes_with_condas_packages(
    lab_env, install, conda_in_process, index_with
):
    conda_in_process("install", "-y", "-q", "-p", lab_env, "setuptools=82.0.1").ok()
    index_with("1.15.0", "setuptools<82", hashes=False)
    owned = contents(lab_env / "lib" / f"python{PYTHON}" / "site-packages" / "setuptools")
    install().ok()
    assert {"setuptools-82.0.1", "sympy-1.14.0"} <= dists(lab_env)
    assert owned == contents(lab_env / "lib" / f"python{PYTHON}" / "site-packages" / "setuptools")


@pytest.mark.usefixtures("installer")
def test_where_nothing_goes_with_condas_packages_it_is_said(
    lab_env, install, conda_in_process, index_with
):
    conda_in_process("install", "-y", "-q", "-p", lab_env, "setuptools=82.0.1").ok()
    index_with("1.15.0", "setuptools<82", hashes=False, alone=True)
    before = dists(lab_env)
    done = install("--no-fallback")
    assert isinstance(done.error, PipFailed), str(done)
    assert "conda's setuptools==82.0.1 stays as it is" in done.words
    assert dists(lab_env) == before


def test_a_word_that_would_replace_a_package_of_condas(
    wheel_lab, lab_env, install, conda_in_process
):
    conda_in_process("install", "-y", "-q", "-p", lab_env, "setuptools=82.0.1").ok()
    before = contents(lab_env)
    done = install("torch", "setuptools<82")
    assert isinstance(done.error, CondaOwned), str(done)
    assert "the command line wants `setuptools<82`" in done.words
    assert contents(lab_env) == before
    install("torch", "setuptools>=82").ok()


def test_a_new_environment_is_made_with_room_for_the_set(
    wheel_lab, conda_in_process, tmp_path, monkeypatch
):
    made = wheel_files.make(
        tmp_path, "torch", "2.8.0+cu126", LINUX, requires=["setuptools<82"], variant="cu126"
    )
    put(wheel_lab.first, [made])
    words = (
        *WHEELS,
        *CUDA,
        "torch==2.8.0",
        "-p",
        tmp_path / "new",
        "--python",
        PYTHON,
        "--dry-run",
    )
    done = conda_in_process(*words).ok()
    assert "CONDA_PINNED_PACKAGES" in done.words
    assert "setuptools<82" in done.words
    monkeypatch.setenv("CONDA_IGNORE_PINNED", "true")  # so that a pin would not hold
    assert '"setuptools<82"' in conda_in_process(*words).ok().words
    assert "CONDA_PINNED_PACKAGES" not in conda_in_process(*words).ok().words


def test_an_environment_without_pip_gets_one(wheel_lab, conda_in_process, tmp_path):
    prefix = tmp_path / "bare"
    conda_in_process("create", "-y", "-q", "-p", prefix, "--no-default-packages", "python").ok()
    for path in (prefix / "conda-meta").glob("pip-*.json"):
        conda_in_process("remove", "-y", "-q", "--force", "-p", prefix, "pip").ok()
        assert not path.exists()
    done = conda_in_process(*WHEELS, *CUDA, "-p", prefix, "-y").ok()
    assert "pip>=20.3" in done.words
    assert set(imported(prefix, *FAMILY).values()) == {"mirror cu126"}


def test_an_environment_that_pip_must_not_change(wheel_lab, lab_env, install):
    file = lab_env / "lib" / f"python{PYTHON}" / "EXTERNALLY-MANAGED"
    file.write_text("[externally-managed]\n")
    done = install()
    assert isinstance(done.error, ExternallyManaged)
    assert wheel_lab.first.sent() == []


@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--print", "pip")], ids=" ".join)
def test_another_python_is_not_told_to_come(wheel_lab, lab_env, install, more):
    """The set was for it, and then pip, of the Python that stays, said that there is no torch."""
    before = dists(lab_env)
    done = install("--python", "3.14", *more)
    assert isinstance(done.error, WheelPython)
    assert f"has Python {FULL}, and wheels for 3.14 are asked for" in done.words
    assert f"`conda install -p {lab_env} python=3.14`" in done.words
    assert "`-n NEW`" in done.words
    assert wheel_lab.first.sent() == []
    assert dists(lab_env) == before
    install("--python", PYTHON, "--dry-run").ok()


def test_a_failure_of_pip_leaves_the_environment_as_it_was(wheel_lab, lab_env, install):
    for site in (wheel_lab.index, wheel_lab.spare):
        shutil.rmtree(site.folder / "simple" / "sympy")
    before = dists(lab_env)
    done = install("--no-fallback")
    assert isinstance(done.error, PipFailed)
    assert "does not have sympy" in done.words
    assert dists(lab_env) == before


def test_a_failure_of_pip_leaves_no_new_environment(wheel_lab, conda_in_process, tmp_path):
    shutil.rmtree(wheel_lab.index.folder / "simple" / "sympy")
    new = tmp_path / "new"
    words = (*WHEELS, *CUDA, "-p", new, "--python", PYTHON, "-y", "--no-fallback")
    assert isinstance(conda_in_process(*words).error, PipFailed)
    assert not new.exists()
    assert str(new) not in Path(get_user_environments_txt_file()).read_text()


def test_a_failure_of_pip_keeps_what_was_in_the_folder_of_a_new_environment(
    wheel_lab, conda_in_process, tmp_path
):
    shutil.rmtree(wheel_lab.index.folder / "simple" / "sympy")
    (new := tmp_path / "new").mkdir()
    (new / "thesis.txt").write_text("years of work")
    words = (*WHEELS, *CUDA, "-p", new, "--python", PYTHON, "-y", "--no-fallback")
    assert isinstance(conda_in_process(*words).error, PipFailed)
    assert (new / "thesis.txt").read_text() == "years of work"


def test_no_environment_is_named(wheel_lab, conda_in_process):
    assert isinstance(conda_in_process(*WHEELS, *CUDA, "-y").error, NoEnvironment)


@pytest.mark.parametrize(("needs", "told"), [("torch==2.7.1", False), ("torch==2.6.0", True)])
def test_a_package_that_the_new_torch_leaves_behind_is_told_before(
    wheel_lab, lab_env, install, tmp_path, needs, told
):
    """Pip told it when all was done."""
    old = [
        wheel_files.make(tmp_path / "old", name, version, LINUX, requires=requires)
        for name, version, requires in (("torch", needs[7:], ()), ("xformers", "0.0.29", (needs,)))
    ]
    words = ("-m", "pip", "install", "-q", "--no-index", "--no-deps")
    subprocess.run([lab_env / "bin" / "python", *words, *(made.path for made in old)], check=True)
    rows = install("torch", "--dry-run", "--json").ok().json()["torchmirror"]["warnings"]
    said = [row["text"] for row in rows if row["code"] == "dependent_breaks"]
    assert bool(said) is told
    if told:
        assert "xformers 0.0.29" in said[0]
        assert "torch 2.7.1+cu126" in said[0]


def test_so_is_one_that_needs_another_of_what_the_set_needs(
    wheel_lab, lab_env, install, conda_in_process, tmp_path
):
    """As TensorFlow, which pins a cuDNN."""
    old = [
        wheel_files.make(tmp_path / "old", name, version, requires=requires)
        for name, version, requires in (
            ("sympy", "1.12", ()),
            ("tensorflow", "2.15", ("sympy<1.13",)),
        )
    ]
    words = ("-m", "pip", "install", "-q", "--no-index", "--no-deps")
    subprocess.run([lab_env / "bin" / "python", *words, *(made.path for made in old)], check=True)
    told = (
        "tensorflow 2.15 of this environment needs `sympy<1.13`, and does not go with sympy 1.14.0"
    )
    assert told in install("--dry-run").ok().words
    assert install().ok().words.count(told) == 1
    assert "does not go with" not in install().ok().words


def test_nor_is_a_partner_of_condas_that_is_left_alone(wheel_lab, lab_env, install):
    """Of which `conda remove --force pytorch` takes the torch away."""
    record(lab_env, "torchvision", "0.20.1", "py311_cu124")
    done = install()
    assert isinstance(done.error, CondaTorch)
    assert f"`conda remove -p {lab_env} torchvision`" in done.words
    assert wheel_lab.first.sent() == []


def test_a_free_threaded_python_gets_wheels_for_it(wheel_lab, lab_env, install, tmp_path):
    """Of a real one, the build of conda's package says so; pip takes no other wheels there."""
    (record,) = (lab_env / "conda-meta").glob("python-*.json")
    build = f"lab_0_{TAG}t"
    stem = record.stem.replace("lab_0", build)
    said = json.loads(record.read_text()) | {"build": build, "fn": f"{stem}.tar.bz2"}
    record.with_name(f"{stem}.json").write_text(json.dumps(said))
    record.unlink()
    refused = install("--dry-run")
    assert isinstance(refused.error, (NoWheels, NoFittingWheel))
    free = f"{TAG}-{TAG}t-manylinux_2_28_x86_64"
    put(
        wheel_lab.first,
        [
            wheel_files.make(tmp_path / "free", name, f"{version}+cu126", free, variant="cu126")
            for name, version in (("torch", "2.7.1"), ("torchvision", "0.22.1"))
        ],
    )
    about = install("torch", "torchvision", "--dry-run", "--json").ok().json()["torchmirror"]
    files = {build["file"] for build in about["selected"]["builds"]}
    assert files == {f"torch-2.7.1+cu126-{free}.whl", f"torchvision-0.22.1+cu126-{free}.whl"}
