"""The choice of wheels: one test for each rule of the contract, on names that a listing has."""

from __future__ import annotations

from typing import Any

import pytest
from support.wheels import ask, asked, chosen, codes, link, links, listing, refused, told, versions

from conda_torchmirror.models import Installed, Machine, NoChoice
from conda_torchmirror.selection.wheels.choose import choose, offers
from conda_torchmirror.text.messages import text

#: A set of wheels for each directory, in names of one release of each project.
RELEASES = {"2.6.0": "0.21.0", "2.7.1": "0.22.1", "2.13.0": "0.28.0", "2.14.1": "0.29.1"}


def made(
    *sets: str, torch: str = "2.7.1", python: str = "3.12", platform: str = "manylinux_2_28_x86_64"
) -> list[Any]:
    """The wheels of torch and torchvision in some directories, with their local version."""
    tag = "cp" + python.replace(".", "")
    return [
        link(f"{name}-{version}{f'+{home}' if home else ''}-{tag}-{tag}-{platform}.whl", home)
        for home in sets
        for name, version in (("torch", torch), ("torchvision", RELEASES[torch]))
    ]


# The default request


def test_the_newest_release_whose_set_an_official_source_states():
    found = chosen(driver="13.0", python="3.12")
    assert versions(found) == {"torch": "2.14.1", "torchvision": "0.29.1", "torchaudio": "2.11.0"}
    assert (found.cuda, found.variant, found.compat) == ("13.0", "", "strict")


@pytest.mark.parametrize("driver", ["13.0", "13.2"])
def test_a_newer_release_without_its_torchvision_is_named_in_one_line(driver: str):
    found = chosen(driver=driver, python="3.12")
    (notice,) = [notice for notice in found.notices if notice.code == "newer_incomplete"]
    facts = {name: notice.facts[name] for name in ("torch", "chosen", "name")}
    assert facts == {"torch": "2.15.0", "chosen": "2.14.1", "name": "torchvision"}
    assert text(notice.code, notice.facts) == (
        "PyTorch 2.15.0 is there, but no torchvision that an official source states for it, so "
        "2.14.1 is chosen"
    )


def test_a_newer_release_whose_partner_the_mirror_lacks_is_named_too():
    of = [*made("cu126", torch="2.14.1")[:1], *made("cu126", torch="2.13.0")]
    found = chosen(driver="12.6", of=of)
    assert versions(found)["torch"] == "2.13.0+cu126"
    (notice,) = [notice for notice in found.notices if notice.code == "newer_without_wheel"]
    assert "but not the wheel of torchvision 0.29.1" in text(notice.code, notice.facts)


def test_a_release_that_is_named_may_have_a_partner_that_says_it_goes_with_it():
    found = chosen("torch==2.15.0", "torchvision", driver="13.2", python="3.12")
    assert versions(found) == {"torch": "2.15.0", "torchvision": "0.29.2"}
    (notice,) = [notice for notice in found.notices if notice.code == "partner_open"]
    assert notice.url
    assert (notice.facts["partner"], notice.facts["since"]) == ("torchvision 0.29.2", "2.14.0")
    assert versions(chosen("torch==2.15.0", driver="13.2")) == {"torch": "2.15.0"}


def test_torchaudio_is_a_wish_and_named_it_is_a_demand():
    """On the directories of 2.13.0 that have it not, and of 2.11.0 that have."""
    of = [
        *made("cu126", torch="2.13.0"),
        *made("cu126", torch="2.7.1"),
        link("torchaudio-2.7.1+cu126-cp312-cp312-manylinux_2_28_x86_64.whl", "cu126"),
    ]
    found = chosen(driver="12.6", of=of)
    assert versions(found) == {"torch": "2.13.0+cu126", "torchvision": "0.28.0+cu126"}
    assert found.left_out == ("torchaudio",)
    (notice,) = [notice for notice in found.notices if notice.code == "partner_left_out"]
    assert (notice.facts["channel"], notice.facts["last"]) == ("cu126", "2.7.1")
    found = chosen("torch", "torchvision", "torchaudio", driver="12.6", of=of)
    assert versions(found)["torch"] == "2.7.1+cu126"


def test_a_torchaudio_for_all_later_releases_goes_with_them():
    """It is built against what no later release of torch changes, and says so."""
    of = [
        *made("cu126", torch="2.14.1"),
        link("torchaudio-2.11.1+cu126-py3-none-manylinux_2_28_x86_64.whl", "cu126"),
        link("torchaudio-2.10.0+cu126-cp312-cp312-manylinux_2_28_x86_64.whl", "cu126"),
    ]
    assert versions(chosen(driver="12.6", of=of))["torchaudio"] == "2.11.1+cu126"


def test_a_variant_without_a_demanded_partner_gives_way_to_the_next():
    of = [
        *made("cu132", "cu130", torch="2.14.1"),
        link("torchaudio-2.11.0+cu130-cp312-cp312-manylinux_2_28_x86_64.whl", "cu130"),
    ]
    assert chosen(driver="13.2", of=of).variant == "cu132"  # a wish gives no CUDA up
    found = chosen("torch", "torchaudio", driver="13.2", of=of)
    assert (found.variant, versions(found)["torch"]) == ("cu130", "2.14.1+cu130")
    (notice,) = [notice for notice in found.notices if notice.code == "variant_incomplete"]
    assert (notice.facts["variant"], notice.facts["name"]) == ("cu132", "torchaudio")


def test_a_torchaudio_of_pypi_has_the_very_cuda_of_its_torch():
    """2.11.0 refuses to be imported beside a torch of another CUDA."""
    found = refused("torch==2.15.0", "torchaudio==2.11.0", driver="13.2", python="3.12")
    assert codes(found) == {"partner_missing"}
    found = chosen("torch==2.15.0", "torchaudio", subdir="osx-arm64", python="3.12")
    assert versions(found)["torchaudio"] == "2.11.0"


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


# The system and the Python


def test_a_system_that_is_too_old_for_a_wheel():
    found = chosen("torch", driver="12.8", glibc="2.17", python="3.12")
    assert versions(found)["torch"].startswith("2.6.0")
    assert "glibc_too_old" in codes(found)


def test_a_partner_for_a_newer_system_is_none_for_this_one():
    # The torchaudio of 1.13 is for macOS 12, its torch and torchvision for macOS 11.
    def on(osx: str, *words: str) -> Any:
        return ask("torch<=1.13.1", *words, subdir="osx-arm64", python="3.9", osx=osx)

    assert versions(on("12.0", "torchaudio"))["torchaudio"] == "0.13.1"
    old = on("11.0", "torchaudio")
    assert versions(old)["torch"] == "1.12.1"
    assert "macos_too_old" in codes(old)
    assert "macos_too_old" not in codes(on("11.0"))


def test_a_new_environment_gets_the_newest_python_that_has_the_set():
    assert chosen(driver="13.0").python == "3.14"
    assert chosen("torch==2.3.1", driver="12.4").python == "3.12"
    assert chosen("torch==1.10.1", driver="11.3").python == "3.9"


def test_a_wheel_for_every_python_goes_with_each():
    found = chosen("torch==2.15.0", "torchvision", driver="13.2")
    assert (found.python, found.wheels[1].triple) == ("3.15", "py3-none-manylinux_2_28_x86_64")


def test_what_a_wheel_requires_of_a_python_counts():
    of = [
        link("torch-2.7.1+cpu-cp312-cp312-win_amd64.whl", "cpu", requires_python=">=3.13"),
        link(
            "torch-2.6.0+cpu-cp312-cp312-win_amd64.whl", "cpu", requires_python=">=3.9.0,!=3.12.1"
        ),
        link("torch-2.5.1+cpu-cp312-cp312-win_amd64.whl", "cpu", requires_python="whatever"),
    ]
    assert versions(chosen("torch", subdir="win-64", of=of))["torch"] == "2.6.0+cpu"
    assert versions(chosen("torch<2.6", subdir="win-64", of=of))["torch"] == "2.5.1+cpu"


def test_the_tag_that_pip_prefers_then_the_highest_build_number():
    of = [
        link(f"torch-2.10.0-{build}cp312-cp312-{platform}.whl")
        for build in ("", "2-", "3-", "10-")
        for platform in ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64")
    ]
    found = chosen("torch", driver="13.0", of=of)
    assert found.torch.link.filename == "torch-2.10.0-10-cp312-cp312-manylinux_2_28_x86_64.whl"
    found = chosen("torch", driver="13.0", of=of, glibc="2.17")
    assert found.torch.link.filename == "torch-2.10.0-10-cp312-cp312-manylinux_2_17_x86_64.whl"


def test_a_directory_comes_before_pypi():
    assert chosen("torch", driver="12.6", of=made("", "cu126")).variant == "cu126"


# Everything that there is


def test_every_set_of_a_platform_and_whether_it_fits():
    on = Machine("linux-64", cuda="12.6", python="3.12")
    rows = offers(asked("torch>=2.7,<2.8", "torchvision"), on, links("linux-64"))
    assert {(row.release, row.cuda) for row in rows if row.fits} == {
        *(("2.7.1", cuda) for cuda in ("12.8", "12.6", "11.8")),
        *(("2.7.0", cuda) for cuda in ("12.8", "12.6", "11.8")),
    }
    assert {row.python for row in rows} == {"3.9", "3.10", "3.11", "3.12", "3.13"}
    why = {row.rejection.code for row in rows if row.rejection}
    assert why == {"python_mismatch", "cpu_build"}
    first = rows[0]
    assert [build.version for build in first.builds] == ["2.7.1+cu128", "0.22.1+cu128"]
    assert (first.driver_floor, first.python) == ("525.60.13", "3.13")


def test_the_sets_of_an_accelerator_that_is_named():
    of = made("cpu", "cu126", "rocm6.3")
    rows = offers(asked("torch", cuda="rocm6.3"), Machine("linux-64"), of)
    assert [row.builds[0].version for row in rows] == ["2.7.1+rocm6.3"]


# Withdrawn, early


def test_a_yanked_wheel_is_for_those_who_pin_it():
    name = "torch-2.7.1+cpu-cp312-cp312-win_amd64.whl"
    of = [link(name, "cpu", yanked=True), link(name.replace("2.7.1", "2.6.0"), "cpu")]
    assert versions(chosen("torch", subdir="win-64", of=of))["torch"] == "2.6.0+cpu"
    assert versions(chosen("torch==2.7.1", subdir="win-64", of=of))["torch"] == "2.7.1+cpu"
    assert isinstance(refused("torch>=2.7", subdir="win-64", of=of), NoChoice)


def test_a_prerelease_is_for_those_who_name_one():
    name = "torch-2.8.0rc1+cpu-cp312-cp312-win_amd64.whl"
    of = [link(name, "cpu"), link("torch-2.7.1+cpu-cp312-cp312-win_amd64.whl", "cpu")]
    assert versions(chosen("torch", subdir="win-64", of=of))["torch"] == "2.7.1+cpu"
    assert versions(chosen("torch>=2.8.0rc1", subdir="win-64", of=of))["torch"] == "2.8.0rc1+cpu"


# What is there


def test_an_installed_partner_that_would_not_fit_is_chosen_along():
    there = (Installed("torchvision", "0.21.0+cu126", channel="pypi"),)
    found = chosen("torch==2.7.1", driver="12.6", python="3.12", installed=there, of=made("cu126"))
    assert versions(found) == {"torch": "2.7.1+cu126", "torchvision": "0.22.1+cu126"}
    assert "partner_along" in told(found)


def test_an_installed_partner_that_fits_stays():
    there = (Installed("torchvision", "0.22.1+cu126", channel="pypi"),)
    found = chosen("torch==2.7.1", driver="12.6", python="3.12", installed=there, of=made("cu126"))
    assert versions(found) == {"torch": "2.7.1+cu126"}
    assert told(found) == []


def test_what_conda_installed_is_none_of_it():
    there = (Installed("torchvision", "0.20.1", "py312_cu124", "pytorch"),)
    found = chosen("torch==2.7.1", driver="12.6", python="3.12", installed=there, of=made("cu126"))
    assert versions(found) == {"torch": "2.7.1+cu126"}


# The article's case: 1.10.1+cu111 on Windows


def test_where_a_directory_lacks_a_wheel_of_the_set_another_of_the_release_serves():
    found = chosen(
        *("torch==1.10.1", "torchvision", "torchaudio"),
        **{"subdir": "win-64", "driver": "11.1", "cuda_arch": "8.6"},
    )
    assert versions(found) == {
        "torch": "1.10.1+cu113",
        "torchvision": "0.11.2+cu113",
        "torchaudio": "0.10.1+cu113",
    }
    (notice,) = [notice for notice in found.notices if notice.code == "variant_incomplete"]
    facts = {"variant": "cu111", "torch": "1.10.1", "name": "torchvision", "chosen": "cu113"}
    assert dict(notice.facts) == facts


def test_the_newest_older_release_where_no_directory_has_the_set():
    of = [one for one in links("win-64") if one.variant in ("cu111", "cpu")]
    found = chosen(
        *("torch<1.11", "torchvision"), **{"subdir": "win-64", "driver": "11.1", "of": of}
    )
    assert versions(found) == {"torch": "1.9.1+cu111", "torchvision": "0.10.1+cu111"}
    assert {item.version for item in found.rejected} >= {"1.10.0", "1.10.1"}
    needs = {item.needs.code for item in found.rejected if item.code == "partner_missing"}
    assert needs == {"no_wheel"}


@pytest.mark.parametrize(
    "words",
    [
        ("torch==1.10.1+cu111", "torchvision==0.11.2+cu111", "torchaudio==0.10.1"),
        ("torch==1.10.1+cu111", "torchvision"),
    ],
)
def test_what_is_named_to_the_directory_is_refused_and_not_exchanged(words: tuple[str, ...]):
    found = refused(*words, subdir="win-64", driver="12.4")
    assert codes(found) == {"partner_missing"}


def test_the_same_from_the_real_listing():
    found = chosen(
        *("torch==1.10.1", "torchvision", "torchaudio"),
        **{"subdir": "win-64", "driver": "11.1", "cuda_arch": "8.6", "of": listing()},
    )
    assert found.variant == "cu113"
