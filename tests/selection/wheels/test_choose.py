"""The choice of wheels: one test for each rule of the contract, on names that a listing has."""

from __future__ import annotations

from typing import Any

import pytest
from support.wheels import (
    ask,
    asked,
    chosen,
    codes,
    link,
    links,
    listing,
    made,
    refused,
    told,
    versions,
)

from conda_torchmirror.models import Installed, Machine, NoChoice
from conda_torchmirror.selection.wheels.choose import offers
from conda_torchmirror.text.messages import text

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
    assert needs == {"no_wheel_python"}


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
