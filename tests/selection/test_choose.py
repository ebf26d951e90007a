"""The choice: one test for each rule of the contract, then its laws."""

from __future__ import annotations

import pytest
from support.choosing import (
    KNOWLEDGE,
    LINUX,
    chosen,
    codes,
    known,
    real,
    refused,
    specs,
    told,
    versions,
)

from conda_torchmirror.install import request
from conda_torchmirror.models import Choice, Gpu, Installed, Machine, Pin
from conda_torchmirror.selection import choose
from conda_torchmirror.selection.choose import offers
from conda_torchmirror.selection.facts import cuda as compat
from conda_torchmirror.selection.plan import add_runtime_build
from conda_torchmirror.selection.specs import number

# One machine, one choice


def test_newest_release_highest_cuda_newest_python():
    choice = chosen("pytorch", "torchvision", "torchaudio", driver="13.0")
    assert specs(choice) == [
        "pytorch=2.5.1=py3.12_cuda12.4_cudnn9.1.0_0",
        "torchvision=0.20.1=py312_cu124",
        "torchaudio=2.5.1=py312_cu124",
    ]


def test_without_arguments_the_three_packages_are_chosen():
    assert list(versions(chosen(driver="12.4"))) == ["pytorch", "torchvision", "torchaudio"]


def test_named_packages_only():
    assert list(versions(chosen("pytorch", "torchvision", driver="12.4"))) == [
        "pytorch",
        "torchvision",
    ]


def test_torch_means_pytorch():
    assert versions(chosen("torch=2.3", driver="12.4"))["pytorch"] == "2.3.1"


def test_a_partners_version_decides_the_release():
    assert versions(chosen("torchvision=0.16", driver="12.4"))["pytorch"] == "2.1.2"


def test_torchdata_is_chosen_with_its_pytorch():
    """Its records pin one release each; those that are known end with 2.1.0."""
    found = versions(chosen("pytorch", "torchdata", driver="12.4"))
    assert found == {"pytorch": "2.1.0", "torchdata": "0.7.0"}
    found = versions(chosen("torchdata=0.6.1", driver="12.4"))
    assert found == {"pytorch": "2.0.1", "torchdata": "0.6.1"}
    found = versions(chosen("pytorch=1.12", "torchdata", driver="11.6", python="3.9"))
    assert found == {"pytorch": "1.12.1", "torchdata": "0.4.1"}


def test_an_installed_torchdata_that_would_not_fit_is_chosen_along():
    there = (Installed("torchdata", "0.6.1", "py310", "pytorch"),)
    found = chosen("pytorch=2.1", driver="12.4", python="3.10", installed=there)
    assert versions(found)["torchdata"] == "0.7.0"


def test_where_no_torchdata_is_known_that_is_said():
    found = refused("pytorch", "torchdata", subdir="win-64", driver="12.4")
    needs = {item.needs.code for item in found.rejected if item.code == "partner_missing"}
    assert needs == {"partner_unknown"}


def test_torchtext_steps_down_to_the_last_release_that_has_one():
    found = versions(chosen("pytorch", "torchtext", driver="12.4"))
    assert found == {"pytorch": "2.3.0", "torchtext": "0.18.0"}


@pytest.mark.parametrize("spec", ["pytorch-cuda=11.8", "pytorch-cuda 11.8.*"])
def test_a_named_runtime_decides_the_cuda(spec):
    choice = chosen("pytorch", spec, driver="12.4")
    assert (choice.cuda, versions(choice)["pytorch"]) == ("11.8", "2.5.1")


def test_cudatoolkit_means_an_old_release():
    choice = chosen("pytorch", "cudatoolkit=11.3", driver="12.4")
    assert (versions(choice)["pytorch"], choice.runtime, choice.cuda) == (
        "1.12.1",
        "cudatoolkit",
        "11.3",
    )


def test_cpuonly_means_a_cpu_build():
    choice = chosen("pytorch", "cpuonly", driver="12.4")
    assert (choice.cuda, choice.torch.build) == (None, "py3.12_cpu_0")


@pytest.mark.parametrize(
    ("subdir", "says"), [("osx-arm64", "cpu_no_driver_mac"), ("osx-64", "cpu_mac")]
)
def test_macos_has_one_build(subdir, says):
    """MPS is for Macs with a GPU of Apple's; those with Intel's were told of it too."""
    choice = chosen("pytorch", "torchvision", "torchaudio", subdir=subdir)
    assert choice.cuda is None
    assert choice.torch.build.startswith("py3.")
    assert "cpu" not in choice.torch.build
    assert told(choice) == [says]


def test_cuda_on_macos_is_refused():
    assert codes(refused("pytorch", subdir="osx-arm64", cuda="12.4")) == {"cpu_build"}


def test_python_of_the_environment_decides():
    choice = chosen("pytorch", "torchvision", driver="12.4", python="3.8")
    assert (versions(choice)["pytorch"], choice.python) == ("2.4.1", "3.8")
    assert "python_mismatch" in codes(choice)


def test_an_unsupported_python_is_refused():
    assert codes(refused("pytorch", driver="12.4", python="3.13")) == {
        "python_mismatch",
        "cpu_build",
    }


# Driver


def test_strict_fit_comes_before_a_higher_cuda_by_compatibility():
    choice = chosen("pytorch", driver="12.0")
    assert (choice.cuda, choice.compat) == ("11.8", "strict")


@pytest.mark.parametrize(
    ("version", "fits"), [("450.80.02", True), ("450.51.05", False)], ids=["floor", "below"]
)
def test_a_known_driver_version_is_compared_with_the_floor(version, fits):
    on = Machine("linux-64", cuda="11.0", cuda_from="libcuda", driver=version)
    asked = request.make(["pytorch=2.5.1"])
    found = choose.choose(on, asked, known("linux-64"), KNOWLEDGE)
    assert isinstance(found, Choice) == fits
    assert ("driver_too_old" in codes(found)) != fits


@pytest.mark.parametrize("driver", ["10.1", "10.2"])
def test_before_cuda_11_there_is_no_compatibility(driver):
    choice = chosen("pytorch", driver=driver)
    assert choice.compat == "strict"
    assert number(choice.cuda) <= number(driver)


# GPU


@pytest.mark.parametrize(
    ("arch", "driver", "cuda"),
    [
        ("3.7", "12.4", "11.8"),
        ("5.2", "12.4", "12.4"),
        ("6.1", "12.4", "12.4"),
        ("8.9", "12.4", "12.4"),
        ("9.0", "12.8", "12.4"),
    ],
)
def test_the_build_has_code_for_the_gpu(arch, driver, cuda):
    assert chosen("pytorch", driver=driver, cuda_arch=arch).cuda == cuda


@pytest.mark.parametrize("builds", [None, LINUX], ids=["built-in", "records"])
@pytest.mark.parametrize("arch", ["10.0", "10.3", "11.0", "12.0", "12.1", "13.0"])
def test_blackwell_never_runs_this_channel(arch, builds):
    """Nor by an old release: the channel itself goes back further than the built-in index."""
    found = refused("pytorch", driver="13.0", cuda_arch=arch, builds=builds)
    assert "arch_missing" in codes(found)


@pytest.mark.parametrize(
    ("torch", "cuda", "arch", "code"),
    [
        ("1.6.0", "10.2", "8.6", "code_first"),
        ("1.6.0", "10.2", "9.0", "code_first"),
        ("2.0.0", "11.7", "9.0", "code_first"),
        ("1.6.0", "10.2", "12.0", "code_never"),
        ("1.6.0", "10.2", "3.5", "code_from"),
        ("1.6.0", "10.2", "7.5", None),
        ("1.0.0", "9.0", "3.5", None),
        ("1.7.0", "11.0", "8.6", None),
        ("2.0.0", "11.8", "9.0", None),
    ],
)
def test_what_is_known_against_a_build_that_nobody_looked_into(torch, cuda, arch, code):
    found = compat.tables().bound(torch, cuda, arch)
    assert (found and found[0]) == code


def test_an_ampere_gpu_takes_no_release_from_before_it():
    found = refused("pytorch<1.7", driver="12.4", cuda_arch="8.0", builds=LINUX)
    assert codes(found) == {"arch_missing", "cpu_build"}


def test_an_unknown_gpu_turns_nothing_away():
    assert chosen("pytorch", driver="12.4").cuda == "12.4"


@pytest.mark.parametrize(
    ("device", "carried", "ptx", "runs"),
    [
        ("8.6", ["8.6"], False, True),
        ("8.9", ["8.6"], False, True),
        ("8.0", ["8.6"], True, False),
        ("9.0", ["8.6"], True, False),
        ("9.0", ["8.6+PTX"], True, True),
        ("9.0", ["8.6+PTX"], False, False),
        ("12.0", ["9.0a"], True, False),
        ("9.0", ["9.0a"], False, True),
        ("5.0", ["3.7+PTX"], True, False),
        ("6.1", ["5.0+PTX"], True, True),
    ],
)
def test_runs_on(device, carried, ptx, runs):
    assert compat.runs_on(device, carried, ptx_since=(5, 0) if ptx else None) == runs


# Never silently CPU


def test_no_driver_is_right_for_a_cpu_build_and_said():
    choice = chosen("pytorch")
    assert (choice.cuda, told(choice)) == (None, ["cpu_no_driver"])


def test_with_a_gpu_a_cpu_build_is_no_way_out():
    assert "cpu_build" in codes(refused("pytorch=2.3.1", driver="10.2"))


def test_a_gpu_without_a_driver_counts_as_a_gpu():
    assert "cpu_build" in codes(refused("pytorch", gpus=(Gpu("NVIDIA device"),)))


def test_allow_cpu_prefers_a_cuda_build_of_an_older_release():
    assert chosen("pytorch", driver="10.2", allow_cpu=True).cuda == "10.2"


def test_allow_cpu_takes_one_where_nothing_else_is():
    choice = chosen("pytorch=2.3.1", driver="10.2", allow_cpu=True)
    assert (choice.cuda, told(choice)) == (None, ["cpu_allowed"])


def test_cuda_asked_for_is_never_a_cpu_build():
    assert codes(refused("pytorch=2.3.1=*cpu*", cuda="12.1")) == {"cpu_build"}


# What binds the environment


@pytest.mark.parametrize(
    ("pin", "release_"),
    [("pytorch 2.1.*", "2.1.2"), ("pytorch<2.3", "2.2.2"), ("torchvision 0.17.*", "2.2.2")],
)
def test_a_pin_narrows(pin, release_):
    choice = chosen(driver="12.4", pins=(Pin(pin, "conda-meta/pinned"),))
    assert versions(choice)["pytorch"] == release_
    assert "pinned" in codes(choice) or "partner_missing" in codes(choice)


def test_a_pin_on_python_narrows():
    choice = chosen(driver="12.4", pins=(Pin("python 3.10.*", "pinned_packages"),))
    assert choice.python == "3.10"


def test_a_pin_that_leaves_nothing_is_named():
    found = refused(
        "pytorch=2.3", driver="12.4", pins=(Pin("pytorch 1.13.*", "conda-meta/pinned"),)
    )
    facts_ = [r.machine.facts for r in found.rejected if r.code == "pinned"]
    assert {(fact["spec"], fact["source"]) for fact in facts_} == {
        ("pytorch 1.13.*", "conda-meta/pinned")
    }


def test_an_installed_partner_is_chosen_along():
    there = (Installed("torchaudio", "2.3.1", "py312_cu121", "pytorch"),)
    choice = chosen("pytorch", "torchvision", driver="12.4", installed=there)
    assert versions(choice)["torchaudio"] == "2.5.1"
    assert told(choice) == ["partner_along"]


def test_an_installed_partner_that_fits_stays():
    there = (Installed("torchaudio", "2.5.1", "py312_cu124", "pytorch"),)
    choice = chosen("pytorch", "torchvision", driver="12.4", installed=there)
    assert (list(versions(choice)), told(choice)) == (["pytorch", "torchvision"], [])


def test_pips_torch_is_no_conda_partner():
    there = (Installed("torchaudio", "2.3.1", "", "pypi"),)
    choice = chosen("pytorch", driver="12.4", installed=there)
    assert list(versions(choice)) == ["pytorch"]


# The runtime's build


def _runtime(*folders: str, subdir: str = "linux-64") -> dict[str, list[tuple[str, str]]]:
    index: dict[str, list[tuple[str, str]]] = {}
    for folder in folders:
        for build in real(subdir, folder):
            index.setdefault(build.name, []).append((build.version, build.build))
    return index


@pytest.mark.parametrize(
    ("folders", "number_"),
    [(["nvidia"], 7), (["nvidia/label/cuda-12.4.0"], 6)],
    ids=["12.4.1", "12.4.0"],
)
def test_pytorch_cuda_gets_the_build_that_the_runtime_satisfies(folders, number_):
    choice = chosen("pytorch=2.5.1", "torchvision", cuda="12.4", python="3.12", builds=LINUX)
    full = add_runtime_build(choice, LINUX, _runtime(*folders), KNOWLEDGE)
    assert full.builds[-1].spec == f"pytorch-cuda=12.4=hc786d27_{number_}"


@pytest.mark.parametrize(
    ("folders", "number_"),
    [(["nvidia"], 7), (["nvidia/label/cuda-12.4.0"], 6)],
    ids=["12.4.1", "12.4.0"],
)
def test_pytorch_cuda_gets_its_build_on_windows_too(folders, number_):
    builds = known("win-64")
    choice = chosen("pytorch=2.5.1", subdir="win-64", cuda="12.4", python="3.12", builds=builds)
    index = _runtime(*folders, subdir="win-64")
    full = add_runtime_build(choice, builds, index, KNOWLEDGE)
    runtime = [build for build in full.builds if build.name == "pytorch-cuda"]
    assert [build.build_number for build in runtime] == [number_]


def test_an_unknown_runtime_leaves_the_build_to_the_solver():
    choice = chosen("pytorch=2.5.1", "torchvision", cuda="12.4", python="3.12", builds=LINUX)
    assert add_runtime_build(choice, LINUX, None, KNOWLEDGE) == choice


def test_a_lagging_runtime_is_said():
    choice = chosen("pytorch=2.5.1", "torchvision", cuda="12.4", python="3.12", builds=LINUX)
    found = add_runtime_build(choice, LINUX, {}, KNOWLEDGE)
    assert (found.builds, told(found)[-1]) == (choice.builds, "runtime_lagging")


# The table of --list


def test_the_table_marks_what_fits():
    on = Machine("linux-64", cuda="11.8", cuda_from="--cuda", python="3.10")
    rows = offers(
        on,
        request.make(["pytorch=2.5.1"], cuda_word="11.8"),
        known("linux-64"),
        KNOWLEDGE,
    )
    assert {row.release for row in rows} == {"2.5.1"}
    assert {(row.cuda, row.python) for row in rows if row.fits} == {("11.8", "3.10")}
    cpu = next(row for row in rows if row.cuda is None and row.python == "3.12")
    assert (cpu.fits, cpu.rejection.code, cpu.driver_floor) == (False, "cpu_build", None)
    assert {(row.cuda, row.driver_floor) for row in rows if row.cuda} == {
        ("11.8", "450.80.02"),
        ("12.1", "525.60.13"),
        ("12.4", "525.60.13"),
    }
    assert all([b.name for b in row.builds] == ["pytorch"] for row in rows)
