"""The built-in index: honest about its evidence, whole enough for the official commands, small."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support.material import FOLDER, material

from conda_torchmirror.index import builtin
from conda_torchmirror.models import Build

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(__file__).parents[1] / "data"
TOOL = ROOT / "tools" / "build-index"
PLATFORMS = ("linux-64", "osx-64", "osx-arm64", "win-64")
NAMES = ("pytorch", "torchvision", "torchaudio", "torchtext", "torchdata", "pytorch-cuda")
FIRST = {"pytorch": (1, 8), "torchvision": (0, 9), "torchaudio": (0, 8), "torchtext": (0, 9)}


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _carried(subdir: str, file: str) -> dict[str, dict[str, Any]]:
    path = DATA / "channels" / "pytorch" / subdir / file
    packages = json.loads(path.read_text(encoding="utf-8"))["packages"]
    return {
        fn: record
        for fn, record in packages.items()
        if record["name"] in NAMES and _number(record["version"]) >= FIRST.get(record["name"], ())
    }


def _official() -> list[dict[str, str]]:
    with (DATA / "official_conda.tsv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


@cache
def _builds(subdir: str) -> tuple[Build, ...]:
    records = builtin.load(subdir, channel="pytorch")
    assert records is not None
    return records.builds


@pytest.mark.parametrize("subdir", PLATFORMS)
def test_loads_a_platform_with_its_noarch_builds(subdir: str) -> None:
    records = builtin.load(subdir, channel="pytorch")
    assert records is not None
    assert records.origin == "built-in"
    assert records.date == "2024-10-23"
    assert {build.subdir for build in records.builds} == {subdir, "noarch"}
    # No record of torchdata was seen for any other platform.
    known = set(NAMES) if subdir == "linux-64" else set(NAMES) - {"torchdata"}
    assert {build.name for build in records.builds} == known
    assert {(build.channel, build.url) for build in records.builds} == {("pytorch", "")}


def test_names_limit_what_is_loaded() -> None:
    records = builtin.load("win-64", {"torchvision"}, channel="pytorch")
    assert records is not None
    assert {build.name for build in records.builds} == {"torchvision"}
    everything = [build for build in _builds("win-64") if build.name == "torchvision"]
    assert list(records.builds) == everything


def test_platforms() -> None:
    assert builtin.platforms("pytorch") == PLATFORMS


@pytest.mark.parametrize("subdir", ["linux-aarch64", "linux-ppc64le", "win-arm64", "noarch", ""])
def test_a_platform_without_data_is_unknown(subdir: str) -> None:
    assert builtin.load(subdir, channel="pytorch") is None


@pytest.mark.parametrize("subdir", PLATFORMS)
def test_no_build_is_there_twice(subdir: str) -> None:
    counts = Counter((build.subdir, build.fn) for build in _builds(subdir))
    assert [key for key, count in counts.items() if count > 1] == []


def test_a_known_set_is_there_by_file_name() -> None:
    """2.3.1 for Windows, CUDA 12.1 and Python 3.12, as a conda list of the time shows it."""
    files = {build.fn for build in _builds("win-64")}
    assert {
        "pytorch-2.3.1-py3.12_cuda12.1_cudnn8_0.tar.bz2",
        "torchvision-0.18.1-py312_cu121.tar.bz2",
        "torchaudio-2.3.1-py312_cu121.tar.bz2",
    } <= files


@pytest.mark.parametrize("subdir", PLATFORMS)
def test_record_evidence_is_a_real_record_and_every_one_is_there(subdir: str) -> None:
    real = {
        fn: {
            "sha256": record["sha256"],
            "md5": record["md5"],
            "size": record["size"],
            "timestamp": record["timestamp"],
            "build_number": record["build_number"],
            "depends": tuple(record["depends"]),
            "constrains": tuple(record.get("constrains", ())),
        }
        for fn, record in _carried(subdir, "repodata.json").items()
    }
    claimed = {
        build.fn: {
            "sha256": build.sha256,
            "md5": build.md5,
            "size": build.size,
            "timestamp": build.timestamp,
            "build_number": build.build_number,
            "depends": build.depends,
            "constrains": build.constrains,
        }
        for build in _builds(subdir)
        if build.known_by == "record"
    }
    assert claimed == real


@pytest.mark.parametrize("subdir", PLATFORMS)
def test_a_lossy_record_counts_as_listed_and_keeps_its_hashes(subdir: str) -> None:
    locked = _carried(subdir, "repodata_from_conda_lock.json")
    found = {build.fn: build for build in _builds(subdir) if build.fn in locked}
    assert found.keys() == locked.keys()
    for fn, record in locked.items():
        assert found[fn].known_by == "listed"
        assert (found[fn].md5, found[fn].sha256) == (record["md5"], record.get("sha256"))


@pytest.mark.parametrize("subdir", PLATFORMS)
def test_only_what_was_seen_in_a_file_has_a_hash(subdir: str) -> None:
    for build in _builds(subdir):
        if build.known_by == "derived":
            assert (build.md5, build.sha256, build.size, build.timestamp) == (None, None, None, 0)


def test_nothing_is_derived_where_the_records_are_complete() -> None:
    """linux-64 up to 2.1.0: whatever belongs to those releases has a record."""
    pins = {
        f"pytorch {build.version}"
        for build in _builds("linux-64")
        if build.name == "pytorch" and _number(build.version) <= (2, 1, 0)
    }
    unsure = [
        build.fn
        for build in _builds("linux-64")
        if build.known_by != "record"
        and (f"{build.name} {build.version}" in pins or pins & set(build.depends))
    ]
    assert len(pins) == 15
    assert unsure == []


def test_a_runtime_package_is_never_derived() -> None:
    """Its build string has a hash in it, which no rule gives."""
    for subdir in PLATFORMS:
        for build in _builds(subdir):
            assert build.name != "pytorch-cuda" or build.known_by != "derived"


def test_hashes_are_those_of_real_records_alone() -> None:
    expected = {
        f"{subdir}/{build.fn}": build.sha256
        for subdir in PLATFORMS
        for build in _builds(subdir)
        if build.known_by == "record"
    }
    assert builtin.hashes("pytorch") == expected
    assert all(len(digest) == 64 for digest in builtin.hashes("pytorch").values())


def _fits(build: Build, name: str, version: str, cuda: str | None) -> bool:
    """Whether a build is this version for this CUDA, None for CPU, by what it depends on."""
    runtimes = [
        spec for spec in build.depends if spec.startswith(("pytorch-cuda ", "cudatoolkit "))
    ]
    if (build.name, build.version) != (name, version):
        return False
    if name == "torchaudio" and _number(version) < (0, 10):
        return True
    if cuda is None:
        return not runtimes
    return any(spec.split()[1].startswith((f">={cuda},", f"{cuda}.*")) for spec in runtimes)


def _pythons(row: dict[str, str], subdir: str, cuda: str | None) -> set[str]:
    """The Python specs for which the index has the whole set that an official row asks for."""
    wanted = {
        "pytorch": row["torch"],
        "torchvision": row["torchvision"],
        "torchaudio": row["torchaudio"],
    }
    found = []
    for name, version in wanted.items():
        builds = [build for build in _builds(subdir) if _fits(build, name, version, cuda)]
        if name != "pytorch":
            assert all(f"pytorch {row['torch']}" in build.depends for build in builds)
        found.append(
            {spec for build in builds for spec in build.depends if spec.startswith("python ")}
        )
    return set.intersection(*found)


def _row_id(row: dict[str, str]) -> str:
    return f"{row['torch']}-{row['os']}-{row['cuda']}"


OFFICIAL = [row for row in _official() if row["torch"] != "1.8.2"]


@pytest.mark.parametrize(
    "row", [row for row in OFFICIAL if not row["flag"]], ids=lambda row: _row_id(row)
)
def test_an_official_command_can_be_had(row: dict[str, str]) -> None:
    cuda = None if row["cuda"] == "cpu" else row["cuda"]
    for subdir in row["subdirs"].split(","):
        assert _pythons(row, subdir, cuda)
        if row["runtime"].startswith("pytorch-cuda="):
            runtimes = {build.version for build in _builds(subdir) if build.name == "pytorch-cuda"}
            assert cuda in runtimes


@pytest.mark.parametrize(
    "row", [row for row in OFFICIAL if row["flag"]], ids=lambda row: _row_id(row)
)
def test_an_official_command_for_a_build_that_never_was(row: dict[str, str]) -> None:
    """There the page gives a CPU build in silence, so the index must hold no CUDA one."""
    for subdir in row["subdirs"].split(","):
        torch = [b for b in _builds(subdir) if _fits(b, "pytorch", row["torch"], row["cuda"])]
        assert torch == []
        assert _pythons(row, subdir, None)


def test_official_rows_are_all_carried() -> None:
    rows = _official()
    assert (len(rows), sum(bool(row["flag"]) for row in rows)) == (193, 9)


def test_the_long_term_release_is_another_channels() -> None:
    assert not [build for build in _builds("linux-64") if build.version == "1.8.2"]


def test_size_on_disk() -> None:
    """That of each channel, and the bound on all of them together."""
    package = ROOT / "conda_torchmirror"
    size = {
        folder.name: sum(path.stat().st_size for path in folder.iterdir())
        for folder in (package / "data" / "index").iterdir()
    }
    assert size["pytorch"] <= 300_000
    assert sum(size.values()) + (package / "index" / "builtin.py").stat().st_size <= 450_000


def test_load_time_is_recorded(record_property: Callable[[str, object], None]) -> None:
    """Recorded, not asserted: a busy machine proves nothing. The aim is 30 ms."""
    seconds = []
    for _ in range(5):
        builtin._document.cache_clear()
        start = time.perf_counter()
        assert builtin.load("linux-64", channel="pytorch") is not None
        seconds.append(time.perf_counter() - start)
    record_property("load_ms", round(min(seconds) * 1000, 1))


def test_importing_the_module_reads_nothing() -> None:
    code = (
        "import sys; from conda_torchmirror.index import builtin; "
        "print(builtin._document.cache_info().currsize, 'conda' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "False"]


@pytest.fixture
def shared() -> Path:
    """The folder that the index is generated from; it is no part of the repository."""
    material("channels", "listing.tsv")
    pytest.importorskip("ruamel.yaml", reason="the generator reads YAML with ruamel.yaml")
    return FOLDER


def _generate(script: str, shared: Path, out: Path) -> None:
    subprocess.run(
        [sys.executable, str(TOOL / script), str(shared), "--out", str(out)],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=True,
    )


def test_generating_again_gives_the_same_index(shared: Path, tmp_path: Path) -> None:
    _generate("build_index.py", shared, tmp_path / "index")
    made, committed = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.json")}
        for folder in (tmp_path / "index", ROOT / "conda_torchmirror" / "data" / "index")
    )
    assert made == committed
    assert {str(path) for path in made} == {
        *(f"pytorch/{subdir}.json" for subdir in (*PLATFORMS, "noarch")),
        *(f"conda-forge/{subdir}.json" for subdir in (*PLATFORMS, "linux-aarch64", "noarch")),
    }


def test_carrying_again_gives_the_same_test_data(shared: Path, tmp_path: Path) -> None:
    _generate("carry.py", shared, tmp_path)
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert len(made) == 18
    for place in made:
        assert (tmp_path / place).read_bytes() == (DATA / place).read_bytes(), place
