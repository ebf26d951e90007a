"""Where an installed wheel came from, as `conda doctor` and `torch-verify` name it."""

from __future__ import annotations

import re
import subprocess

import pytest
from support import wheel_files
from support.wheel_commands import WHEELS
from support.wheel_fixtures import LINUX
from support.wheel_site import put

from conda_torchmirror.verify.run import _origin

pytest_plugins = ["support.wheel_fixtures"]


@pytest.fixture
def doctor(lab_env, run_conda):
    """`doctor()`: what it says of the environment."""
    return lambda: " ".join(run_conda("doctor", "-p", lab_env).stdout.split())


@pytest.mark.usefixtures("installer")
def test_the_mirror_of_a_wheel_is_named(wheel_lab, lab_env, install, doctor, conda_in_process):
    install().ok()
    place = f"{wheel_lab.first.wheels}/cu126"
    said = doctor()
    assert f"Its wheel came from {place} (first)." in said
    assert "`conda torch-install --source wheels -f FILE --print environment.yml`" in said
    made = wheel_lab.made["cu126"][0].name.replace("+", "%2B")
    assert _origin(str(lab_env)) == ("torch 2.7.1+cu126 (pip)", f"{place}/{made}")
    shown = conda_in_process("torch-verify", "-p", lab_env)
    assert f"{place} (first)" in shown.words


def test_the_mirror_that_sent_it_and_not_the_first_one(wheel_lab, lab_env, install, doctor):
    put(wheel_lab.second, wheel_lab.of("cu126"))
    (wheel_lab.first.folder / "whl" / "cu126" / wheel_lab.made["cu126"][0].name).unlink()
    install().ok()
    assert f"came from {wheel_lab.second.wheels}/cu126 (second)." in doctor()


def test_a_wheel_without_a_local_version_says_it_by_its_address(
    wheel_lab, lab_env, conda_in_process, doctor, tmp_path
):
    made = wheel_files.make(tmp_path, "torch", "2.7.1", LINUX, says="mirror", variant="cpu")
    put(wheel_lab.second, [made])
    words = ("--mirror", wheel_lab.second.wheels, "torch==2.7.1", "--cuda", "cpu")
    conda_in_process(*WHEELS, *words, "-p", lab_env, "-y").ok()
    assert f"came from {wheel_lab.second.wheels}/cpu" in doctor()


def test_what_pip_was_given_by_hand_is_named(wheel_lab, lab_env, doctor):
    made = wheel_lab.made["cu118"][0].name.replace("+", "%2B")
    url = f"{wheel_lab.first.wheels}/cu118/{made}"
    words = [
        lab_env / "bin" / "python",
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        f"torch @ {url}",
    ]
    subprocess.run(words, check=True, capture_output=True)
    assert f"came from {wheel_lab.first.wheels}/cu118 (first)." in doctor()


def test_another_file_of_the_same_name_is_not_taken_for_it(
    wheel_lab, lab_env, install, doctor, conda_in_process
):
    """The cache has a wheel; what is installed is another of its name."""
    install("--download-only").ok()
    decoy = wheel_lab.made["decoys"][0].path
    words = [lab_env / "bin" / "python", "-m", "pip", "install", "-q", "--no-deps", decoy]
    subprocess.run(words, check=True, capture_output=True)
    said = doctor()
    assert "PyTorch 2.7.1+cu126 (pip)" in said
    assert "came from" not in said
    assert "`conda env export` leaves out where that is" in said


@pytest.mark.parametrize("content", ["", "{", "[]", '{"url": 3}', '{"url": "https://[X]/a.whl"}'])
def test_a_broken_record_of_it_is_no_error(wheel_lab, lab_env, install, doctor, content):
    install().ok()
    (info,) = lab_env.rglob("torch-2.7.1*.dist-info")
    (info / "direct_url.json").write_text(content)
    (info / "RECORD").write_bytes(b"\xff\xfe")
    assert re.search("PyTorch 2.7.1.cu126 .pip. fits", doctor())
