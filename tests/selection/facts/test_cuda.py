"""The tables of CUDA: driver floors, and which GPUs each build has code for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from conda_torchmirror.machine import survey as machine

DATA = Path(__file__).parents[2] / "data"
CUDA = json.loads((Path(machine.__file__).parents[1] / "data" / "cuda.json").read_text("utf-8"))
BUILDS = CUDA["architectures"]["builds"]
EVERYWHERE = [
    *BUILDS,
    *CUDA["ways_out"]["wheels"]["builds"],
]


def minor(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")[:2]))


def carried(version: str, cuda: str, system: str) -> list[str] | None:
    found = [
        block[system]
        for block in BUILDS
        if block["cuda"] == cuda
        and minor(block["since"]) <= minor(version) <= minor(block["until"])
    ]
    assert len(found) <= 1, f"two blocks for {version} {cuda}"
    return found[0] if found else None


def scanned() -> dict[tuple[str, str], set[str]]:
    """What cuobjdump found in the packages of linux-64, the widest list of each variant."""
    found: dict[tuple[str, str], set[str]] = {}
    for line in (DATA / "compute_capability.tsv").read_text("utf-8").splitlines()[1:]:
        version, build, archs = line.split("\t")
        cuda = re.search(r"cuda(\d+\.\d)", build)
        if cuda and minor(version) >= (1, 8):
            names = {re.sub(r"sm_(\d+)(\d)", r"\1.\2", arch) for arch in archs.split(",") if arch}
            found.setdefault((version, cuda[1]), set()).update(names)
    return found


@pytest.mark.parametrize(
    ("variant", "archs"), scanned().items(), ids=[" ".join(variant) for variant in scanned()]
)
def test_the_table_says_what_the_packages_hold(variant: tuple[str, str], archs: set[str]) -> None:
    """But for 3.5, which only bundled libraries have: torch's own kernels start at 3.7."""
    table = carried(*variant, "linux")
    assert table is not None
    assert {arch.removesuffix("+PTX") for arch in table} == archs - {"3.5"}


def test_every_variant_of_the_channel_is_in_the_table() -> None:
    releases = json.loads((DATA / "releases.json").read_text("utf-8"))["releases"]
    for version, release in releases.items():
        for subdir, system in (("linux-64", "linux"), ("win-64", "windows")):
            for cuda in (release["conda"] or {}).get(f"{subdir}_cuda", []):
                assert carried(version, cuda.rstrip("?"), system), (version, subdir, cuda)


def test_the_channel_never_reaches_blackwell() -> None:
    for block in BUILDS:
        for system in ("linux", "windows"):
            carried = block[system] or ()  # null: nobody looked
            assert not any(arch.startswith(("10.", "11.", "12.")) for arch in carried)


def test_every_list_is_well_formed_and_in_order() -> None:
    for block in EVERYWHERE:
        assert minor(block["since"]) <= minor(block["until"])
        assert minor(block["cuda"])
        for system in ("linux", "windows"):
            archs = block[system] or []
            assert all(re.fullmatch(r"\d+\.\d(a|\+PTX)?", arch) for arch in archs)
            numbers = [tuple(map(int, re.findall(r"\d+", arch))) for arch in archs]
            assert numbers == sorted(numbers)


def test_driver_floors_fall_with_cuda() -> None:
    """A higher CUDA never needs an older driver, nor more to run than its own toolkit needs."""
    rows = sorted(CUDA["drivers"]["versions"].items(), key=lambda row: minor(row[0]))
    for system in ("linux", "windows"):
        floors = [tuple(map(int, row[system].split("."))) for _, row in rows]
        assert floors == sorted(floors)
        for _, row in rows:
            if own := row[f"toolkit_{system}"]:
                assert tuple(map(int, row[system].split("."))) <= tuple(map(int, own.split(".")))


def test_every_block_names_its_sources() -> None:
    blocks = [
        CUDA["drivers"],
        CUDA["architectures"],
        CUDA["ways_out"]["wheels"],
        CUDA["cudnn"],
        CUDA["architectures"]["integrated"],
    ]
    assert all(block["source"] and block["as_of"] for block in blocks)
