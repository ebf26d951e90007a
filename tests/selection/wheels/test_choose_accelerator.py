"""The choice among wheels for CUDA, CPU, ROCm, XPU and macOS, on names that a listing has."""

from __future__ import annotations

import pytest
from support.wheels import (
    asked,
    chosen,
    codes,
    link,
    links,
    made,
    refused,
    told,
    versions,
)

from conda_torchmirror.models import Machine, NoChoice
from conda_torchmirror.selection.wheels.choose import choose

# The driver


@pytest.mark.parametrize(
    ("driver", "variant", "compat"),
    [
        ("13.0", "cu128", "strict"),
        ("12.8", "cu128", "strict"),
        ("12.6", "cu126", "strict"),
        ("12.4", "cu118", "strict"),
        ("12", "cu128", "strict"),
        ("11.8", "cu118", "strict"),
        ("11.4", "cu118", "minor"),
    ],
)
def test_the_highest_cuda_that_the_driver_runs_outright(driver: str, variant: str, compat: str):
    found = chosen("torch==2.7.1", driver=driver, python="3.12")
    assert (found.variant, found.compat) == (variant, compat)


def test_without_one_minor_version_compatibility_lets_a_newer_minor_run_and_that_is_said():
    found = chosen("torch==2.13.0", driver="12.4", python="3.12")
    assert (found.variant, found.compat) == ("cu129", "minor")
    assert "minor_version_compat" in told(found)
    assert isinstance(refused("torch==2.13.0", driver="12.4", compat="strict"), NoChoice)


def test_cuda_13_needs_its_driver():
    found = chosen("torch==2.14.0", driver="12.9", python="3.12")
    assert found.variant == "cu126"
    found = refused("torch==2.15.0", driver="12.9", python="3.12")
    assert codes(found) == {"cuda_too_new"}
    found = chosen("torch==2.15.0", driver="13.0", python="3.12")
    assert (found.cuda, found.compat) == ("13.2", "minor")


def test_a_driver_below_the_floor_of_its_cuda_is_told():
    of = made("cu128")
    on = Machine("linux-64", cuda="12.4", driver="520.61.05", python="3.12")
    found = choose(asked("torch"), on, of)
    assert codes(found) == {"driver_too_old"}


# The GPU


@pytest.mark.parametrize(
    ("arch", "driver", "release", "variant"),
    [
        ("12.0", "12.9", "2.7.1", "cu128"),
        ("6.1", "13.0", "2.14.0", "cu126"),  # a GTX 1080 with a new driver
        ("7.0", "13.0", "2.14.0", "cu126"),
        ("7.0", "13.0", "2.10.0", "cu128"),
        ("7.0", "13.0", "2.7.1", "cu126"),  # not in cu128 of this one release
        ("3.7", "11.4", "2.3.1", "cu118"),
        ("8.6", "11.1", "1.10.0", "cu111"),
    ],
)
def test_never_a_gpu_without_code(arch: str, driver: str, release: str, variant: str):
    found = chosen(f"torch=={release}", driver=driver, cuda_arch=arch)
    assert found.variant == variant


def test_the_newest_release_that_has_code_for_the_gpu():
    found = chosen("torch", driver="11.4", cuda_arch="3.7")
    assert versions(found)["torch"] == "2.3.1+cu118"  # newer ones have a cuDNN that begins at 5.0
    assert "cudnn_too_new" in codes(found)


def test_arm_has_lists_of_its_own():
    """No Volta in any wheel for it; the first with code for a GH200 is CUDA 12."""
    assert chosen("torch==2.12.0", subdir="linux-aarch64", driver="13.0", cuda_arch="9.0").cuda
    found = refused("torch==2.12.0", subdir="linux-aarch64", driver="13.0", cuda_arch="7.0")
    assert "arch_missing" in codes(found)
    found = chosen("torch==2.12.0", subdir="linux-aarch64", driver="13.0", cuda_arch="12.1")
    assert found.cuda == "13.0"


# What a wheel is built for


def test_a_cuda_wheel_need_not_say_so():
    """torch of 1.8.0 in cu102, and those for aarch64: the directory tells, not the name."""
    found = chosen("torch==1.8.0", driver="10.2", subdir="win-64")
    assert (versions(found)["torch"], found.variant, found.cuda) == ("1.8.0", "cu102", "10.2")
    found = chosen("torch==2.5.1", driver="12.4", subdir="linux-aarch64")
    assert (versions(found)["torch"], found.variant, found.cuda) == ("2.5.1", "cu124", "12.4")


@pytest.mark.parametrize(
    ("subdir", "release", "cuda"),
    [
        ("linux-64", "2.10.0", "12.8"),
        ("linux-64", "2.14.1", "13.0"),
        ("linux-aarch64", "2.10.0", None),
        ("linux-aarch64", "2.11.0", "13.0"),
        ("win-64", "2.14.1", None),
    ],
)
def test_the_wheels_of_pypi(subdir: str, release: str, cuda: str | None):
    of = [one for one in links(subdir) if not one.variant]
    if cuda:
        assert chosen(f"torch=={release}", subdir=subdir, driver="13.2", of=of).cuda == cuda
        assert codes(refused(f"torch=={release}", subdir=subdir, of=of)) == {"cuda_build"}
    else:
        assert chosen(f"torch=={release}", subdir=subdir, of=of).cuda is None
        found = refused(f"torch=={release}", subdir=subdir, driver="13.2", of=of)
        assert codes(found) == {"cpu_build"}


def test_a_wheel_of_pypi_that_the_table_does_not_know_is_never_chosen():
    of = [link("torch-2.99.0-cp312-cp312-manylinux_2_28_x86_64.whl")]
    assert codes(refused("torch", driver="13.2", of=of)) == {"cuda_unknown"}
    assert codes(refused("torch", of=of)) == {"cuda_build"}


def test_the_name_does_not_tell_what_an_unknown_directory_holds():
    of = [link("torch-2.7.1+cu128-cp312-cp312-manylinux_2_28_x86_64.whl", "cu128_full")]
    assert refused("torch", driver="13.0", of=of).rejected == ()


def test_directories_are_not_mixed():
    """Nor is a torch of a directory completed from PyPI."""
    of = [*made("cu126")[:1], *made("cu128")[1:], *made("")[1:]]
    assert codes(refused("torch", "torchvision", driver="12.8", of=of)) == {"partner_missing"}


def test_a_partner_that_holds_nothing_for_an_accelerator_may_be_anywhere():
    found = chosen("torch==1.8.1", "torchvision", "torchaudio", driver="11.1", python="3.8")
    assert versions(found) == {
        "torch": "1.8.1+cu111",
        "torchvision": "0.9.1+cu111",
        "torchaudio": "0.8.1",
    }
    found = chosen("torch==2.3.0", "torchtext", driver="12.1", python="3.11")
    assert versions(found) == {"torch": "2.3.0+cu121", "torchtext": "0.18.0"}


# CPU, macOS, ROCm, XPU


@pytest.mark.parametrize("subdir", ["linux-64", "win-64"])
def test_cpu_is_taken_from_its_directory(subdir: str):
    for facts in ({"cuda": "cpu", "driver": "13.0"}, {}):
        found = chosen("torch==2.13.0", "torchvision", subdir=subdir, **facts)
        assert versions(found) == {"torch": "2.13.0+cpu", "torchvision": "0.28.0+cpu"}


def test_never_cpu_in_silence():
    of = made("cpu")
    assert codes(refused("torch", driver="12.8", of=of)) == {"cpu_build"}
    assert "cpu_allowed" in told(chosen("torch", driver="12.8", of=of, allow_cpu=True))
    assert "cpu_no_driver" in told(chosen("torch", of=of))


@pytest.mark.parametrize(
    ("osx", "release"), [("14.5", "2.14.1"), ("12.6", "2.11.0"), ("11.0", "2.11.0")]
)
def test_macos_takes_the_plain_wheel_that_its_version_runs(osx: str, release: str):
    found = chosen("torch", "torchvision", subdir="osx-arm64", osx=osx, python="3.12")
    assert versions(found)["torch"] == release
    assert "cpu_no_driver_mac" in told(found)


def test_macos_for_intel_ended():
    assert versions(chosen("torch", subdir="osx-64"))["torch"] == "2.2.2"


def test_cuda_on_macos_is_refused():
    assert codes(refused("torch", subdir="osx-arm64", cuda="12.4")) == {"cpu_build"}


@pytest.mark.parametrize("word", ["rocm6.4", "xpu"])
def test_rocm_and_xpu_by_name(word: str):
    of = [*made("cpu", "cu126", word), link(f"torch-2.7.1+{word}-cp312-cp312-win_amd64.whl", word)]
    found = chosen("torch", "torchvision", cuda=word, of=of)
    assert (found.variant, found.cuda) == (word, None)
    assert versions(found)["torch"] == f"2.7.1+{word}"
    assert chosen("torch", driver="12.6", of=of).variant == "cu126"
    assert chosen("torch", of=of).variant == "cpu"
    # A CPU build of PyPI is none of it either.
    assert refused("torch", cuda=word, of=made("cpu", "cu126", "rocm6.3", "")).rejected == ()
    plain = made("", platform="win_amd64")
    assert refused("torch", cuda=word, of=plain, subdir="win-64").rejected == ()
