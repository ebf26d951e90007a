"""What is known of conda-forge's PyTorch: typed by hand here, and held against its source."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.material import FOLDER, material

from conda_torchmirror.index import builtin

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "conda_torchmirror" / "data" / "conda_forge.json"
FORGE: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
ROWS: dict[str, dict[str, Any]] = {row["torch"]: row for row in FORGE["releases"]}


def test_the_releases() -> None:
    """Upstream's 2.1.1, 2.2.x, 2.5.0, 2.6.1 and 2.9.0 were never made there."""
    assert list(ROWS) == [
        *("2.13.0", "2.12.1", "2.12.0", "2.11.0", "2.10.0", "2.9.1", "2.8.0", "2.7.1", "2.7.0"),
        *("2.6.0", "2.5.1", "2.4.1", "2.4.0", "2.3.1", "2.3.0", "2.1.2", "2.1.0", "2.0.0"),
    ]


@pytest.mark.parametrize(
    ("torch", "first", "last", "number"),
    [
        ("2.13.0", "2026-07-25", "2026-08-10", 2),
        ("2.10.0", "2026-01-24", "2026-05-31", 5),
        ("2.7.1", "2025-06-18", "2025-07-30", 4),
        ("2.5.1", "2024-11-03", "2025-04-11", 17),
        ("2.0.0", "2023-04-04", "2023-11-04", 4),
    ],
)
def test_dates_and_build_numbers(torch: str, first: str, last: str, number: int) -> None:
    row = ROWS[torch]
    assert (row["first"], row["last"], row["number"]) == (first, last, number)


@pytest.mark.parametrize(
    ("torch", "subdir", "expected"),
    [
        ("2.13.0", "linux-64", ["12.9", "13.0"]),
        ("2.13.0", "win-64", ["12.8", "13.0"]),
        ("2.9.1", "win-64", ["12.8"]),
        ("2.7.1", "linux-64", ["12.6", "12.9"]),
        ("2.7.1", "win-64", ["12.6", "12.8"]),
        ("2.7.0", "linux-aarch64", ["12.6"]),
        ("2.5.1", "linux-64", ["11.8", "12.0", "12.6"]),
        ("2.4.1", "linux-64", ["11.8", "12.0"]),
        ("2.13.0", "osx-arm64", []),
    ],
)
def test_the_cuda_of_a_platform(torch: str, subdir: str, expected: list[str]) -> None:
    assert ROWS[torch]["platforms"][subdir]["cuda"] == expected


@pytest.mark.parametrize(
    ("torch", "subdir", "first", "last"),
    [
        ("2.13.0", "linux-64", "3.10", "3.14"),
        ("2.9.1", "win-64", "3.10", "3.13"),
        ("2.7.1", "linux-64", "3.9", "3.13"),
        ("2.4.0", "linux-64", "3.8", "3.12"),
        ("2.0.0", "osx-64", "3.8", "3.11"),
    ],
)
def test_the_pythons_of_a_platform(torch: str, subdir: str, first: str, last: str) -> None:
    pythons = ROWS[torch]["platforms"][subdir]["python"]
    assert (pythons[0], pythons[-1]) == (first, last)


def test_windows_begins_with_2_5_1() -> None:
    with_windows = [torch for torch, row in ROWS.items() if "win-64" in row["platforms"]]
    assert with_windows[-1] == "2.5.1"
    assert len(with_windows) == 11


@pytest.mark.parametrize(
    ("torch", "subdir", "glibc"),
    [
        ("2.13.0", "linux-64", {"13.0": "2.28"}),
        ("2.13.0", "linux-aarch64", {"13.0": "2.28"}),
        ("2.9.1", "linux-64", None),
        ("2.4.1", "linux-aarch64", None),  # 2.28 up to _3 alone
    ],
)
def test_the_glibc_of_a_platform(torch: str, subdir: str, glibc: dict[str, str] | None) -> None:
    assert ROWS[torch]["platforms"][subdir].get("glibc") == glibc
    assert FORGE["floors"]["glibc"] == "2.17"


def test_jetson_has_builds_from_2_10_on() -> None:
    found = {
        torch: there["tegra"]
        for torch, row in ROWS.items()
        for there in row["platforms"].values()
        if "tegra" in there
    }
    assert list(found) == ["2.13.0", "2.12.1", "2.12.0", "2.11.0", "2.10.0"]
    assert all(made_for == ["12.9"] for made_for in found.values())
    assert FORGE["floors"]["tegra_glibc"] == "2.34"


def built(name: str, torch: str, version: str, subdir: str) -> tuple[str, str, list[str]] | None:
    """The first and last Python and the CUDAs of a partner for a torch; None without a build."""
    cells = FORGE["partners"]["builds"][ROWS[torch][name][version]]
    found = [cell for cell in cells if subdir in cell["subdirs"]]
    assert len(found) <= 1, (name, torch, version, subdir)
    return (found[0]["python"][0], found[0]["python"][-1], found[0]["cuda"]) if found else None


@pytest.mark.parametrize(
    ("name", "torch", "version", "subdir", "expected"),
    [
        ("torchvision", "2.13.0", "0.28.0", "win-64", ("3.10", "3.14", ["12.8", "13.0"])),
        ("torchvision", "2.12.0", "0.28.0", "win-64", ("3.10", "3.14", ["12.9", "13.0"])),
        ("torchvision", "2.9.1", "0.25.0", "linux-64", ("3.10", "3.13", ["12.9"])),
        ("torchvision", "2.4.1", "0.19.1", "linux-aarch64", ("3.9", "3.12", ["12.0"])),
        ("torchvision", "2.4.0", "0.19.0", "win-64", None),
        ("torchvision", "2.0.0", "0.15.2", "linux-64", ("3.8", "3.11", ["11.2"])),
        ("torchaudio", "2.10.0", "2.9.1", "linux-64", ("3.10", "3.13", ["12.9"])),
        ("torchaudio", "2.10.0", "2.11.0", "linux-64", ("3.10", "3.14", ["12.9", "13.0"])),
        ("torchaudio", "2.8.0", "2.8.0", "osx-64", ("3.10", "3.12", [])),
        ("torchaudio", "2.6.0", "2.6.0", "osx-64", ("3.10", "3.12", [])),
        ("torchaudio", "2.4.0", "2.4.1", "linux-64", ("3.9", "3.12", ["11.8", "12.0", "12.6"])),
    ],
)
def test_the_builds_of_a_partner(
    name: str,
    torch: str,
    version: str,
    subdir: str,
    expected: tuple[str, str, list[str]] | None,
) -> None:
    assert built(name, torch, version, subdir) == expected


def test_torchaudio_ends_with_2_10() -> None:
    """None for a later torch, and none for Windows ever."""
    assert next(torch for torch, row in ROWS.items() if row["torchaudio"]) == "2.10.0"
    assert list(ROWS["2.10.0"]["torchaudio"]) == ["2.9.1", "2.10.0", "2.11.0"]
    for torch, row in ROWS.items():
        for version in row["torchaudio"]:
            assert built("torchaudio", torch, version, "win-64") is None, (torch, version)
    last = FORGE["last_torchaudio"]
    assert (last["version"], last["torch"], last["date"]) == ("2.11.0", "2.10", "2026-05-21")


@pytest.mark.parametrize(
    ("torch", "vision"), [("2.13", "0.28"), ("2.10", "0.25"), ("2.5", "0.20"), ("2.0", "0.15")]
)
def test_the_torchvision_of_upstream(torch: str, vision: str) -> None:
    assert FORGE["upstream"]["torchvision"][torch] == vision


def test_every_release_has_the_torchvision_of_upstream() -> None:
    for torch, row in ROWS.items():
        pair = FORGE["upstream"]["torchvision"][torch.rpartition(".")[0]]
        # 0.23.0 and 0.24.0 first came for 2.7 and 2.8, 0.22 and 0.23 followed.
        assert any(version.startswith(f"{pair}.") for version in row["torchvision"]), torch


def test_what_a_partner_has_in_common_with_its_pytorch() -> None:
    assert FORGE["partner_cuda"]["same"] == {"torchvision": "major", "torchaudio": "minor"}


@pytest.mark.parametrize(
    ("subdir", "floors"),
    [
        ("osx-arm64", {"2.0.0": "11.0", "2.13.0": "12.0"}),
        ("osx-64", {"2.0.0": "10.15", "2.8.0": "11.0"}),
    ],
)
def test_macos_floors_are_those_of_the_records(subdir: str, floors: dict[str, str]) -> None:
    assert {row["since"]: row["osx"] for row in FORGE["floors"]["osx"][subdir]} == floors
    records = builtin.load(subdir, {"pytorch"}, channel="conda-forge")
    assert records is not None
    for build in records.builds:
        since = max((v for v in floors if _number(v) <= _number(build.version)), key=_number)
        said = [spec.split(">=")[1] for spec in build.depends if spec.startswith("__osx ")]
        # One record has two specs, both of which hold.
        assert max(said, key=_number) == floors[since], build.spec


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_every_block_has_a_source_and_a_date() -> None:
    for name in ("partner_cuda", "upstream", "cudnn", "floors", "code", "partners"):
        assert FORGE[name]["source"], name
        assert FORGE[name]["as_of"] >= "2026", name


def test_it_is_small() -> None:
    """It is read for every choice from conda-forge."""
    assert FILE.stat().st_size <= 21_000


@pytest.fixture
def shared() -> Path:
    """The folder that the data is generated from; it is no part of the repository."""
    material("compat", "conda_forge.yaml")
    pytest.importorskip("ruamel.yaml", reason="the material is YAML")
    return FOLDER


def test_nothing_is_older_than_its_source(shared: Path) -> None:
    from ruamel.yaml import YAML

    table = YAML(typ="safe").load((shared / "compat" / "conda_forge.yaml").read_text("utf-8"))
    older = {
        name: f"{FILE.name} has {known}, its source {table['as_of'][name]}"
        for name, known in FORGE["as_of"].items()
        if known != str(table["as_of"][name])
    }
    assert older == {}, "run tools/build-index/conda_forge.py"


def test_generating_again_gives_the_same_data(shared: Path, tmp_path: Path) -> None:
    made = tmp_path / FILE.name
    tool = ROOT / "tools" / "build-index" / "conda_forge.py"
    subprocess.run(
        [sys.executable, str(tool), str(shared), "--out", str(made)],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=True,
    )
    assert made.read_bytes() == FILE.read_bytes()
