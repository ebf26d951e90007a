"""The naming rule and the depends rule of the built-in index, held against every carried record."""

from __future__ import annotations

import csv
import doctest
import json
from pathlib import Path
from typing import Any

import pytest
from support import naming

DATA = Path(__file__).parents[1] / "data"
FAMILY = ("pytorch", "torchvision", "torchaudio", "torchtext")
#: The versions that belong to pytorch 1.8.0, where the rules begin.
BEGIN = {"pytorch": (1, 8), "torchvision": (0, 9), "torchaudio": (0, 8), "torchtext": (0, 9)}


rules = naming.load_rules()


def _records(subdir: str, file: str = "repodata.json") -> list[dict[str, Any]]:
    path = DATA / "channels" / "pytorch" / subdir / file
    return list(json.loads(path.read_text(encoding="utf-8"))["packages"].values())


def _family(subdir: str, file: str = "repodata.json") -> list[dict[str, Any]]:
    return [record for record in _records(subdir, file) if record["name"] in FAMILY]


def _is_covered(record: dict[str, Any]) -> bool:
    return bool(rules.number(record["version"]) >= BEGIN[record["name"]])


def _key(record: dict[str, Any], subdir: str) -> tuple[str, str, str, str]:
    return (record["name"], record["version"], subdir, record["build"])


@pytest.fixture(scope="module")
def releases() -> dict[str, Any]:
    return naming.releases()


@pytest.fixture(scope="module")
def named() -> dict[tuple[str, str, str, str], Any]:
    """Every build that the rules give, by what tells it from another."""
    return naming.named()


def test_examples_in_the_rules() -> None:
    assert doctest.testmod(rules).failed == 0


def test_covered_releases_are_those_of_the_channel(releases: dict[str, Any]) -> None:
    covered = rules.covered(releases)
    assert (covered[0], covered[-1]) == ("1.8.0", "2.5.1")
    assert "1.8.2" not in covered


@pytest.mark.parametrize("file", ["repodata.json", "repodata_from_conda_lock.json"])
@pytest.mark.parametrize("subdir", rules.PLATFORMS)
def test_every_real_name_follows_the_rule(subdir: str, file: str, named: dict[Any, Any]) -> None:
    records = [record for record in _family(subdir, file) if _is_covered(record)]
    assert records
    assert [_key(record, subdir) for record in records if _key(record, subdir) not in named] == []


@pytest.mark.parametrize("package", FAMILY)
def test_where_the_records_are_complete_the_rule_gives_nothing_else(
    package: str, named: dict[Any, Any]
) -> None:
    last = rules.number(rules.COMPLETE["linux-64"])
    real = {_key(record, "linux-64") for record in _family("linux-64")}
    given = [
        build.key
        for build in named.values()
        if build.name == package
        and build.subdir == "linux-64"
        and rules.number(build.torch) <= last
    ]
    assert given
    assert [key for key in given if key not in real] == []


def test_builds_measured_elsewhere_follow_the_rule(named: dict[Any, Any]) -> None:
    """A table of GPU architectures names builds too, made independently from the channel."""
    with (DATA / "compute_capability.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    assert len(rows) > 100
    keys = [("pytorch", row["version"], "linux-64", row["build"]) for row in rows]
    assert [key for key in keys if key not in named] == []


@pytest.mark.parametrize("subdir", rules.PLATFORMS)
def test_build_string_and_depends_say_the_same(subdir: str) -> None:
    """Of every record carried, the ones before 1.8.0 included."""
    wrong = []
    for record in _family(subdir):
        parts = rules.parse(record["name"], record["build"])
        fits = parts is not None and (
            _value(record, "python") == parts.python
            and _cuda(record) == _major_minor(parts.cuda)
            and (parts.cuda is None or not parts.cpu)
        )
        if not fits:
            wrong.append(_key(record, subdir))
    assert wrong == []


def _value(record: dict[str, Any], name: str) -> str | None:
    """The major.minor that a spec on `name` starts at: `>=3.9,<3.10.0a0` or `12.1.*`."""
    for spec in record["depends"]:
        if spec.startswith(name + " "):
            first = spec.split()[1].split(",")[0].removeprefix(">=").removesuffix(".*")
            return _major_minor(first)
    return None


def _cuda(record: dict[str, Any]) -> str | None:
    return _value(record, "pytorch-cuda") or _value(record, "cudatoolkit")


def _major_minor(version: str | None) -> str | None:
    """Up to 1.7.1 the build string has CUDA in full, 10.2.89."""
    return ".".join(version.split(".")[:2]) if version else None


def _is_python_abi_build(record: dict[str, Any]) -> bool:
    """A few records were built against conda-forge, which adds python_abi and drops libuv."""
    return any(spec.startswith("python_abi ") for spec in record["depends"])


@pytest.mark.parametrize("subdir", rules.PLATFORMS)
def test_depends_rule_equals_the_records(subdir: str, named: dict[Any, Any]) -> None:
    wrong = {}
    for record in _family(subdir):
        if _is_covered(record) and not _is_python_abi_build(record):
            given = rules.requirements(named[_key(record, subdir)])
            real = {
                "depends": tuple(record["depends"]),
                "constrains": tuple(record.get("constrains", ())),
            }
            if given != real:
                wrong[_key(record, subdir)] = (given, real)
    assert wrong == {}


def test_depends_rule_differs_from_python_abi_builds_in_that_alone(named: dict[Any, Any]) -> None:
    odd = [
        record
        for record in _family("linux-64")
        if _is_covered(record) and _is_python_abi_build(record)
    ]
    assert len(odd) == 24
    for record in odd:
        given = set(rules.requirements(named[_key(record, "linux-64")])["depends"])
        differing = {spec.split()[0] for spec in given ^ set(record["depends"])}
        assert differing <= {"python_abi", "libuv"}, record


@pytest.mark.parametrize("subdir", rules.PLATFORMS)
def test_depends_rule_agrees_with_lossy_records(subdir: str, named: dict[Any, Any]) -> None:
    """A lock file drops the build part of a spec and one of two specs of the same name."""
    wrong: dict[tuple[str, ...], list[str]] = {}
    for record in _family(subdir, "repodata_from_conda_lock.json"):
        given = rules.requirements(named[_key(record, subdir)])["depends"]
        for spec in record["depends"]:
            if not any(full == spec or full.startswith(spec + " ") for full in given):
                wrong.setdefault(_key(record, subdir), []).append(spec)
    assert wrong == {}


def test_windows_runtime_is_the_linux_one_with_its_dev_twins() -> None:
    linux = {
        (record["version"], record["build_number"]): tuple(record["depends"])
        for record in _records("linux-64")
        if record["name"] == "pytorch-cuda"
    }
    windows = [record for record in _records("win-64") if record["name"] == "pytorch-cuda"]
    assert len(windows) == 5
    for record in windows:
        twin = linux[(record["version"], record["build_number"])]
        assert rules.windows_runtime(twin) == tuple(record["depends"])


def test_inferred_cuda_variants_derive_nothing(
    releases: dict[str, Any], named: dict[Any, Any]
) -> None:
    inferred = {
        (torch, subdir, cuda.rstrip("?"))
        for torch in rules.covered(releases)
        for subdir in rules.PLATFORMS
        for cuda in releases[torch]["conda"].get(f"{subdir}_cuda", ())
        if cuda.endswith("?")
    }
    assert ("1.8.0", "win-64", "10.1") in inferred
    assert not inferred & {(build.torch, build.subdir, build.cuda) for build in named.values()}


def test_no_build_of_what_was_never_seen(named: dict[Any, Any]) -> None:
    given = {(build.name, build.version, build.subdir, build.cuda) for build in named.values()}
    assert not given & rules.NOT_SEEN


@pytest.mark.parametrize("build", ["py3.12", "py312", "cuda126_mkl_py312_h30b5a27_300", ""])
def test_other_build_strings_are_not_read_as_pytorch(build: str) -> None:
    assert rules.parse("pytorch", build) is None
