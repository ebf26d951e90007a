"""GPU code of conda-forge's builds, by release, build number, CUDA, platform and variant.

The expected values are typed by hand, from the feedstock's build scripts.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.choosing import CAPABILITIES

from conda_torchmirror.selection.facts import cuda
from conda_torchmirror.selection.facts.cuda import runs_on

DATA = Path(cuda.__file__).parents[2] / "data"
FORGE = json.loads((DATA / "conda_forge.json").read_text("utf-8"))
ROWS = FORGE["code"]["builds"]
RELEASES = [row["torch"] for row in FORGE["releases"]]
TABLES = cuda.conda_forge_tables()

UP_TO_HOPPER = ("5.0", "6.0", "6.1", "7.0", "7.5", "8.0", "8.6", "8.9", "9.0+PTX")
UP_TO_BLACKWELL = ("5.0", "6.0", "7.0", "7.5", "8.0", "8.6", "9.0", "10.0", "12.0+PTX")
OF_CUDA_13 = ("7.5", "8.0", "8.6", "9.0", "10.0", "11.0", "12.0+PTX")


@pytest.mark.parametrize(
    ("torch", "build", "made_for", "subdir", "variant", "expected"),
    [
        ("2.13.0", 0, "12.9", "linux-64", None, UP_TO_BLACKWELL),
        ("2.13.0", 2, "12.8", "win-64", None, UP_TO_BLACKWELL),
        # CUDA 13 has no Maxwell, Pascal and Volta.
        ("2.13.0", 2, "13.0", "linux-64", None, OF_CUDA_13),
        ("2.10.0", 1, "13.0", "win-64", None, OF_CUDA_13),
        # Orin came to the builds for servers, for CUDA 13 alone, with _2.
        ("2.13.0", 1, "13.0", "linux-aarch64", "sbsa", OF_CUDA_13),
        (
            *("2.13.0", 2, "13.0", "linux-aarch64", "sbsa"),
            ("7.5", "8.0", "8.6", "8.7", "9.0", "10.0", "11.0", "12.0+PTX"),
        ),
        ("2.13.0", 2, "12.9", "linux-aarch64", "sbsa", UP_TO_BLACKWELL),
        ("2.13.0", 2, "12.9", "linux-aarch64", None, UP_TO_BLACKWELL),
        # Jetson.
        ("2.13.0", 0, "12.9", "linux-aarch64", "tegra", ("8.7+PTX",)),
        ("2.11.0", 0, "12.9", "linux-aarch64", "tegra", ("8.7", "10.1+PTX")),
        ("2.11.0", 2, "12.9", "linux-aarch64", "tegra", ("8.7+PTX",)),
        ("2.10.0", 2, "12.9", "linux-aarch64", "tegra", None),
        ("2.10.0", 5, "12.9", "linux-aarch64", "tegra", ("8.7", "10.1+PTX")),
        ("2.13.0", 2, "13.0", "linux-aarch64", "tegra", None),
        # Blackwell came with 2.7.1 _1, which is for another CUDA than _0.
        ("2.7.1", 0, "12.6", "linux-64", None, UP_TO_HOPPER),
        ("2.7.1", 1, "12.9", "linux-64", None, UP_TO_BLACKWELL),
        ("2.7.0", 0, "12.6", "win-64", None, UP_TO_HOPPER),
        ("2.5.1", 3, "12.0", "linux-64", None, UP_TO_HOPPER),
        (
            *("2.4.1", 6, "11.8", "linux-64", None),
            ("3.5", "5.0", "6.0", "6.1", "7.0", "7.5", "8.0", "8.6", "8.9+PTX"),
        ),
        (
            *("2.0.0", 4, "11.2", "linux-64", None),
            ("3.5", "5.0", "6.0", "6.1", "7.0", "7.5", "8.0", "8.6+PTX"),
        ),
        # What was never built, or nobody has looked into.
        ("2.13.0", 0, "12.9", "win-64", None, None),
        ("2.9.1", 0, "13.0", "linux-64", None, None),
        ("2.14.0", 0, "13.0", "linux-64", None, None),
        ("2.9.0", 0, "12.9", "linux-64", None, None),
        ("2.2.0", 0, "12.0", "linux-64", None, None),
        ("1.13.1", 0, "11.2", "linux-64", None, None),
        ("2.13.0", 0, "12.9", "linux-aarch64", "other", None),
        ("2.13.0", 0, "13.0", "osx-arm64", None, None),
    ],
)
def test_what_a_build_carries(
    torch: str,
    build: int,
    made_for: str,
    subdir: str,
    variant: str | None,
    expected: tuple[str, ...] | None,
) -> None:
    found = TABLES.architectures(torch, made_for, subdir, build=build, variant=variant)
    assert found == expected


@pytest.mark.parametrize(
    ("arch", "torch", "build", "made_for", "subdir", "variant", "runs"),
    [
        ("7.0", "2.13.0", 0, "12.9", "linux-64", None, True),  # V100
        ("7.0", "2.13.0", 0, "13.0", "linux-64", None, False),
        ("6.1", "2.13.0", 0, "12.9", "linux-64", None, True),  # GTX 1080, by the code for 6.0
        ("12.0", "2.7.1", 1, "12.9", "linux-64", None, True),  # RTX 5090
        ("12.0", "2.7.1", 0, "12.6", "linux-64", None, False),
        ("12.1", "2.13.0", 0, "13.0", "linux-aarch64", "sbsa", True),  # DGX Spark
        ("9.0", "2.13.0", 0, "13.0", "linux-aarch64", "sbsa", True),  # GH200
        ("8.7", "2.13.0", 2, "12.9", "linux-aarch64", "sbsa", False),  # Jetson Orin
        ("8.7", "2.13.0", 2, "12.9", "linux-aarch64", "tegra", True),
        ("8.7", "2.13.0", 2, "13.0", "linux-aarch64", "sbsa", True),
        ("9.0", "2.13.0", 2, "12.9", "linux-aarch64", "tegra", False),
        ("3.7", "2.4.0", 1, "11.8", "linux-64", None, True),  # K80, cuDNN aside
        ("8.9", "2.13.0", 2, "13.0", "linux-aarch64", "sbsa", True),  # L4, not by Orin's code
    ],
)
def test_whose_code_runs(
    arch: str,
    torch: str,
    build: int,
    made_for: str,
    subdir: str,
    variant: str | None,
    runs: bool,
) -> None:
    carried = TABLES.architectures(torch, made_for, subdir, build=build, variant=variant)
    assert carried is not None
    assert runs_on(arch, carried) == runs


@pytest.mark.parametrize(
    ("device", "carried", "runs"),
    [
        ("8.7", ["8.0", "8.6"], False),
        ("8.7", ["8.7"], True),
        ("8.9", ["8.7"], False),
        ("8.9", ["8.6"], True),
        ("7.2", ["7.0"], False),
        ("7.5", ["7.2"], False),
        ("6.2", ["6.1"], False),
        ("5.3", ["5.0"], False),
    ],
)
def test_integrated_devices_share_no_code(device: str, carried: list[str], runs: bool) -> None:
    assert runs_on(device, carried) == runs


def test_ptx_of_an_integrated_device_is_compiled_for_others() -> None:
    assert runs_on("9.0", ["8.7+PTX"], ptx_since=(5, 0))
    assert runs_on("8.7", ["8.6+PTX"], ptx_since=(5, 0))


@pytest.mark.parametrize(
    ("torch", "made_for", "arch", "expected"),
    [
        # A release newer than the table: only what holds for its CUDA.
        ("2.14.0", "13.0", "7.0", ("code_from", {"arch": "7.5"})),
        ("2.14.0", "13.2", "7.0", ("code_from", {"arch": "7.5"})),
        ("2.14.0", "12.9", "7.0", None),
        ("2.14.0", "12.9", "3.7", ("code_from", {"arch": "5.0"})),
        ("2.14.0", "13.0", "9.0", None),
        ("2.14.0", "13.0", "12.1", None),
        ("2.14.0", "13.2", "13.0", None),
        (
            "2.14.0",
            "12.6",
            "12.0",
            ("code_first", {"major": "12", "torch": "2.7.1", "cuda": "12.8"}),
        ),
        ("2.14.0", "14.0", "8.6", None),
        # Older than the table.
        ("1.13.1", "11.2", "3.7", None),
        ("1.13.1", "11.2", "8.6", None),
        ("1.13.1", "11.2", "9.0", ("code_first", {"major": "9", "torch": "2.0.0", "cuda": "12.0"})),
    ],
)
def test_what_bounds_an_unknown_release(
    torch: str, made_for: str, arch: str, expected: tuple[str, dict[str, str]] | None
) -> None:
    found = TABLES.bound(torch, made_for, arch)
    assert (found and (found.code, dict(found.facts))) == expected


def test_the_channel_s_own_code_is_as_it_was() -> None:
    """Build number and variant say nothing there."""
    known = cuda.tables().architectures("2.5.1", "12.4", "win-64")
    assert known == ("5.0", "6.0", "6.1", "7.0", "7.5", "8.0", "8.6", "9.0")
    assert cuda.tables().architectures("2.5.1", "12.4", "win-64", build=7, variant=None) == known
    assert cuda.tables().architectures("2.13.0", "12.9", "linux-64") is None


def test_drivers_and_cudnn_are_the_same_for_both() -> None:
    channel = cuda.tables()
    assert TABLES.driver_floor("12.9", "linux") == channel.driver_floor("12.9", "linux")
    assert TABLES.cudnn_floor("9.11") == channel.cudnn_floor("9.11") == "7.5"


@pytest.mark.parametrize(
    ("arch", "ceiling"),
    [
        ("3.7", "8.9"),
        ("5.0", "9.11"),
        ("6.1", "9.11"),
        ("7.0", "9.11"),
        ("7.5", None),
        ("12.0", None),
    ],
)
def test_the_first_cudnn_that_a_gpu_does_not_run(arch: str, ceiling: str | None) -> None:
    assert TABLES.cudnn_ceiling(arch) == ceiling


def test_every_list_is_well_formed() -> None:
    for row in ROWS:
        assert all(re.fullmatch(r"\d+\.\d(\+PTX)?", item) for item in row["carried"])
        numbers = [tuple(map(int, re.findall(r"\d+", item))) for item in row["carried"]]
        assert numbers == sorted(numbers)
        assert set(row["torch"]) <= set(RELEASES)
        assert row.get("variant") in (None, "tegra")


def test_every_cuda_of_every_release_is_in_the_table() -> None:
    for row in FORGE["releases"]:
        for subdir, there in row["platforms"].items():
            for variant, made in ((None, there["cuda"]), ("tegra", there.get("tegra", ()))):
                for made_for in made:
                    assert TABLES.architectures(
                        row["torch"], made_for, subdir, build=row["number"], variant=variant
                    ), (row["torch"], made_for, subdir)


@given(
    row=st.sampled_from(FORGE["releases"]),
    subdir=st.sampled_from(("linux-64", "linux-aarch64", "win-64")),
    arch=st.sampled_from(CAPABILITIES),
    build=st.integers(0, 20),
)
def test_a_bound_never_denies_what_a_known_build_runs(
    row: dict, subdir: str, arch: str, build: int
) -> None:
    for made_for in row["platforms"].get(subdir, {"cuda": []})["cuda"]:
        carried = TABLES.architectures(row["torch"], made_for, subdir, build=build)
        if carried and runs_on(arch, carried):
            assert TABLES.bound(row["torch"], made_for, arch) is None
