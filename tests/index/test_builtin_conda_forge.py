"""The built-in index of conda-forge: real records alone, one platform read at a time."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from support.material import material

from conda_torchmirror.index import builtin, match
from conda_torchmirror.models import Build

ROOT = Path(__file__).resolve().parents[2]
PLATFORMS = ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")
NAMES = {
    *("pytorch", "torchvision", "torchaudio", "pytorch-gpu", "pytorch-cpu"),
    *("cuda-version", "libtorch"),
}
KEPT = {
    *("python", "python_abi", "pytorch", "pytorch-gpu", "pytorch-cpu", "libtorch"),
    *("cuda-version", "cudatoolkit", "cudnn", "libcudnn", "arm-variant"),
    *("__cuda", "__cuda_arch", "__glibc", "__osx", "libblas", "mkl", "nomkl"),
}


@cache
def _builds(subdir: str) -> tuple[Build, ...]:
    records = builtin.load(subdir, channel="conda-forge")
    assert records is not None
    return records.builds


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part != "*")


def _named(subdir: str, name: str) -> list[Build]:
    return [build for build in _builds(subdir) if build.name == name]


def _specs(build: Build, name: str) -> list[str]:
    return [spec for spec in build.depends if spec.split()[0] == name]


def test_platforms() -> None:
    assert builtin.platforms("conda-forge") == PLATFORMS
    assert builtin.platforms("nvidia") == ()


@pytest.mark.parametrize("subdir", ["linux-ppc64le", "win-arm64", "noarch", ""])
def test_a_platform_without_data_is_unknown(subdir: str) -> None:
    assert builtin.load(subdir, channel="conda-forge") is None


@pytest.mark.parametrize("subdir", PLATFORMS)
def test_every_build_is_a_real_record_with_its_date_and_hashes(subdir: str) -> None:
    records = builtin.load(subdir, channel="conda-forge")
    assert records is not None
    assert (records.origin, records.date) == ("built-in", "2026-08-11")
    for build in records.builds:
        assert build.known_by == "record"
        assert min(build.size or 0, build.timestamp) > 0
        assert re.fullmatch(r"[0-9a-f]{32}", build.md5 or "")
        assert re.fullmatch(r"[0-9a-f]{64}", build.sha256 or "")
        assert (build.channel, build.url) == ("conda-forge", "")
        assert build.fn == f"{build.name}-{build.version}-{build.build}.conda"
    assert {build.subdir for build in records.builds} == {subdir, "noarch"}
    assert {build.name for build in records.builds} <= NAMES


@pytest.mark.parametrize("subdir", PLATFORMS)
def test_no_build_is_there_twice(subdir: str) -> None:
    counts = Counter((build.subdir, build.fn) for build in _builds(subdir))
    assert [key for key, count in counts.items() if count > 1] == []


def test_how_many_there_are() -> None:
    counts = Counter(build.subdir for subdir in PLATFORMS for build in _builds(subdir))
    assert counts.pop("noarch") == 10 * len(PLATFORMS)
    assert counts == {
        "linux-64": 351,
        "linux-aarch64": 66,
        "osx-64": 61,
        "osx-arm64": 190,
        "win-64": 166,
    }


@pytest.mark.parametrize("subdir", PLATFORMS)
def test_only_specs_that_a_choice_reads_are_kept(subdir: str) -> None:
    specs = {s for build in _builds(subdir) for s in (*build.depends, *build.constrains)}
    names = {spec.split()[0] for spec in specs}
    assert names <= KEPT
    assert {"python", "python_abi", "pytorch", "pytorch-gpu", "pytorch-cpu"} <= names


def test_known_records_are_there() -> None:
    """As public lock files have them."""
    builds = {build.fn: build for build in _builds("linux-64")}
    torch = builds["pytorch-2.12.1-cuda130_mkl_py314_h5d99997_300.conda"]
    assert torch.build_number == 300
    assert torch.depends == (
        "__cuda",
        "__glibc >=2.28,<3.0.a0",
        "cuda-version >=13.0,<14",
        "libblas * *mkl",
        "libcudnn >=9.23.1.3,<10.0a0",
        "libtorch 2.12.1 cuda130_mkl_h5535f43_300",
        "mkl >=2026.0.0,<2027.0a0",
        "python >=3.14,<3.15.0a0",
        "python_abi 3.14.* *_cp314",
    )
    assert torch.constrains == ("pytorch-gpu 2.12.1", "pytorch-cpu <0.0a0")
    vision = builds["torchvision-0.24.0-cuda129_py312_h9f56bbf_2.conda"]
    assert _specs(vision, "pytorch") == ["pytorch * cuda*", "pytorch >=2.8.0,<2.9.0a0"]
    assert _specs(vision, "python_abi") == ["python_abi 3.12.* *_cp312"]


@pytest.mark.parametrize("subdir", PLATFORMS)
def test_every_pytorch_has_the_libtorch_that_it_asks_for(subdir: str) -> None:
    """It is the larger part of the download, which a preview shows."""
    libraries = _named(subdir, "libtorch")
    for build in _named(subdir, "pytorch"):
        (spec,) = _specs(build, "libtorch")
        found = [b for b in libraries if match.admits(spec, b.name, b.version, b.build)]
        assert found, build


def test_the_number_is_that_of_the_field() -> None:
    """One record's field says 1 where its build string ends in 3."""
    odd = {
        (build.subdir, build.build, build.build_number)
        for subdir in PLATFORMS
        for build in _builds(subdir)
        if build.name == "pytorch" and not build.build.endswith(f"_{build.build_number}")
    }
    assert odd == {("osx-arm64", "cpu_generic_py311h9d776f9_3", 1)}


def _newest(subdir: str, word: str) -> tuple[str, ...] | None:
    """The newest pytorch and torchvision that admit each other, and their newest Python."""
    found = [
        (torch.version, vision.version, _specs(torch, "python_abi")[0].split()[1])
        for vision in _named(subdir, "torchvision")
        for torch in _named(subdir, "pytorch")
        if torch.build.startswith(word)
        and vision.build.startswith(word)
        and _specs(torch, "python_abi") == _specs(vision, "python_abi")
        and all(
            match.admits(spec, "pytorch", torch.version, torch.build)
            for spec in _specs(vision, "pytorch")
        )
    ]
    return max(found, key=lambda row: [_number(word) for word in row], default=None)


@pytest.mark.parametrize(
    ("subdir", "word", "expected"),
    [
        ("linux-64", "cuda", ("2.8.0", "0.24.0", "3.13.*")),
        ("linux-64", "cpu", ("2.13.0", "0.28.0", "3.12.*")),
        ("win-64", "cuda", ("2.10.0", "0.25.0", "3.12.*")),
        ("win-64", "cpu", ("2.10.0", "0.26.0", "3.14.*")),
        ("osx-arm64", "cpu", ("2.13.0", "0.28.0", "3.12.*")),
        ("osx-64", "cpu", ("2.6.0", "0.21.0", "3.12.*")),
        # No record of a torchvision was seen there.
        ("linux-aarch64", "cuda", None),
        ("linux-aarch64", "cpu", None),
    ],
)
def test_the_newest_complete_set(subdir: str, word: str, expected: tuple[str, ...] | None) -> None:
    assert _newest(subdir, word) == expected


def test_the_newest_pytorch_with_cuda() -> None:
    cuda = [build for build in _named("linux-64", "pytorch") if build.build.startswith("cuda")]
    newest = max(cuda, key=lambda build: _number(build.version))
    assert (newest.version, _specs(newest, "python_abi")) == (
        "2.12.1",
        ["python_abi 3.14.* *_cp314"],
    )


def test_names_limit_what_is_loaded() -> None:
    records = builtin.load("win-64", {"torchvision"}, channel="conda-forge")
    assert records is not None
    assert list(records.builds) == _named("win-64", "torchvision")


def test_a_preview_reads_the_documents_of_one_platform_and_channel() -> None:
    builtin._document.cache_clear()
    builtin.load("win-64", channel="conda-forge")
    assert builtin._document.cache_info().currsize == 2


def test_hashes_are_those_of_the_channel_alone() -> None:
    expected = {
        f"{build.subdir}/{build.fn}": build.sha256
        for subdir in PLATFORMS
        for build in _builds(subdir)
    }
    assert builtin.hashes("conda-forge") == expected
    assert builtin.hashes("nvidia") == {}
    assert not expected.keys() & builtin.hashes("pytorch").keys()


def test_the_index_is_what_the_records_say() -> None:
    """Every record of the family, field by field, where the material folder is."""
    channel = material("channels", "conda-forge")
    real = {}
    for subdir in (*PLATFORMS, "noarch"):
        path = channel / subdir / "repodata.json"
        data = json.loads(path.read_text(encoding="utf-8"))
        for record in (*data["packages"].values(), *data["packages.conda"].values()):
            if record["name"] in NAMES:
                specs = [
                    tuple(s for s in record.get(field, ()) if s.split()[0] in KEPT)
                    for field in ("depends", "constrains")
                ]
                known = [record[field] for field in ("size", "timestamp", "md5", "sha256")]
                name = f"{record['name']}-{record['version']}-{record['build']}"
                real[subdir, name] = (record["build_number"], *specs, *known)
    indexed = {
        (build.subdir, build.fn.removesuffix(".conda")): (
            build.build_number,
            build.depends,
            build.constrains,
            build.size,
            build.timestamp,
            build.md5,
            build.sha256,
        )
        for subdir in PLATFORMS
        for build in _builds(subdir)
    }
    assert indexed == real
