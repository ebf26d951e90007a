"""What an environment says of itself: Python, packages, what pip put there, pins."""

from __future__ import annotations

import json
import locale
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conda.core.solve import get_pinned_specs
from conda.models.match_spec import MatchSpec
from support.files import tree

from conda_torchmirror.machine.environment import decoded
from conda_torchmirror.machine.survey import inspect, survey
from conda_torchmirror.models import Installed, Pin

RECORDS: dict[str, dict[str, Any]] = {
    "python": {"version": "3.11.9", "build": "h955ad1f_0", "channel": "pkgs/main"},
    "pytorch": {
        "version": "2.3.1",
        "build": "py3.11_cuda12.1_cudnn8.9.2_0",
        "channel": "https://conda.anaconda.org/pytorch/linux-64",
        "files": ["lib/python3.11/site-packages/torch-2.3.1.dist-info/METADATA"],
    },
    "numpy": {"version": "1.26.4", "build": "py311_0", "channel": "pkgs/main"},
    "requests": {"version": "2.32.3", "build": "py311_0", "channel": "pkgs/main"},
}


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """An environment with a Python, a pytorch, numpy and requests, as conda records them."""
    folder = tmp_path / "env"
    for name, record in RECORDS.items():
        fn = f"{name}-{record['version']}-{record['build']}"
        full = {
            "name": name,
            "build_number": 0,
            "depends": [],
            "subdir": "linux-64",
            "fn": f"{fn}.tar.bz2",
            "url": f"https://conda.anaconda.org/x/linux-64/{fn}.tar.bz2",
            "files": [],
            **record,
        }
        tree(folder, {f"conda-meta/{fn}.json": json.dumps(full)})
    tree(folder, {"conda-meta/history": ""})
    return folder


def distribution(prefix: Path, name: str, version: str, installer: str | None) -> None:
    base = f"lib/python3.11/site-packages/{name}-{version}.dist-info"
    tree(prefix, {f"{base}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"})
    if installer is not None:
        tree(prefix, {f"{base}/INSTALLER": installer})


def test_python_and_packages_come_from_the_prefix(prefix: Path) -> None:
    found = inspect(subdir="linux-64", prefix=str(prefix), cuda="cpu")
    assert (found.python, found.python_from) == ("3.11", "prefix")
    [numpy] = [package for package in found.installed if package.name == "numpy"]
    assert (numpy.version, numpy.build) == ("1.26.4", "py311_0")
    [torch] = [package for package in found.installed if package.name == "pytorch"]
    assert torch == Installed("pytorch", "2.3.1", "py3.11_cuda12.1_cudnn8.9.2_0", "pytorch")
    assert "requests" not in {package.name for package in found.installed}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("3.12", ("3.12", "--python")),
        ("3.12.4", ("3.12", "--python")),
        (None, ("3.11", "prefix")),
        ("newest", ("3.11", "prefix")),
    ],
    ids=str,
)
def test_a_python_that_is_given_goes_first(
    prefix: Path, given: str | None, expected: tuple[str, str]
) -> None:
    found = inspect(subdir="linux-64", prefix=str(prefix), cuda="cpu", python=given)
    assert (found.python, found.python_from) == expected


@pytest.mark.parametrize("where", ["missing", "empty", None], ids=str)
def test_an_environment_that_is_not_there_has_no_facts(tmp_path: Path, where: str | None) -> None:
    (tmp_path / "empty").mkdir()
    folder = str(tmp_path / where) if where else None
    found = inspect(subdir="linux-64", prefix=folder, cuda="cpu")
    assert (found.python, found.python_from, found.installed) == (None, "newest", ())


@pytest.mark.skipif(os.name == "nt", reason="site-packages lie elsewhere on Windows")
@pytest.mark.parametrize(
    ("name", "version", "installer", "expected"),
    [
        ("torch", "2.3.1", None, []),
        ("torch", "2.3.1", "conda\n", []),
        ("torch", "2.3.1", "pip\n", ["2.3.1"]),
        ("torch", "2.7.1+cu128", "pip\n", ["2.7.1+cu128"]),
        ("torch", "2.7.1", "uv", ["2.7.1"]),
        ("torch", "9.9", None, ["9.9"]),
    ],
    ids=["conda's", "marked by conda", "pip over conda", "pip beside", "uv", "unmarked"],
)
def test_what_pip_put_there_is_told_apart(
    prefix: Path, name: str, version: str, installer: str | None, expected: list[str]
) -> None:
    distribution(prefix, name, version, installer)
    found = inspect(subdir="linux-64", prefix=str(prefix), cuda="cpu").installed
    assert [package.version for package in found if package.channel == "pypi"] == expected


def test_pins_come_from_settings_and_file_in_condas_order(
    prefix: Path, condarc: Callable[..., Path]
) -> None:
    condarc(pinned_packages=["numpy <2"])
    text = "# a comment\n\nmkl <2024.1\n  # another\n pytorch 2.3.*\n"
    (prefix / "conda-meta" / "pinned").write_text(text, encoding="utf-8")
    found = inspect(subdir="linux-64", prefix=str(prefix), cuda="cpu")
    assert found.pins == (
        Pin("numpy <2", "pinned_packages"),
        Pin("mkl <2024.1", "conda-meta/pinned"),
        Pin("pytorch 2.3.*", "conda-meta/pinned"),
    )


def test_no_pin_binds_where_conda_ignores_them(prefix: Path, condarc: Callable[..., Path]) -> None:
    condarc(pinned_packages=["numpy <2"], ignore_pinned=True)
    (prefix / "conda-meta" / "pinned").write_text("mkl <2024.1\n", encoding="utf-8")
    found = inspect(subdir="linux-64", prefix=str(prefix), cuda="cpu")
    assert found.ignores_pins
    assert found.pins == ()


def test_pins_are_those_of_condas_solvers(prefix: Path, condarc: Callable[..., Path]) -> None:
    condarc(pinned_packages=["numpy <2", "python 3.11.*"])
    (prefix / "conda-meta" / "pinned").write_text("mkl<2024.1\nscipy\n", encoding="utf-8")
    pins = inspect(subdir="linux-64", prefix=str(prefix), cuda="cpu").pins
    taken = get_pinned_specs(str(prefix))
    assert len(taken) == 4
    assert tuple(MatchSpec(pin.spec, optional=True) for pin in pins) == taken


def test_pins_in_the_encoding_of_a_chinese_windows_are_read(
    prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conda reads the file in it; it was refused as one that conda cannot read."""
    monkeypatch.setattr(locale, "getpreferredencoding", lambda do_setlocale=True: "cp936")
    (prefix / "conda-meta" / "pinned").write_bytes("# 固定版本\nmkl <2024.1\n".encode("gbk"))
    found = inspect(subdir="linux-64", prefix=str(prefix), cuda="cpu")
    assert found.pins == (Pin("mkl <2024.1", "conda-meta/pinned"),)


@pytest.mark.parametrize(
    "damage",
    ["not json", "", '{"name": "pytorch"}', "[]"],
    ids=["text", "empty", "half a record", "a list"],
)
def test_a_damaged_prefix_raises_nothing(prefix: Path, damage: str) -> None:
    for record in (prefix / "conda-meta").glob("pytorch-*.json"):
        record.write_text(damage, encoding="utf-8")
    (prefix / "conda-meta" / "pinned").write_bytes(b"\xff\xfe\x00bad\n")
    found = survey(subdir="linux-64", prefix=str(prefix), cuda="cpu")
    assert found.machine.subdir == "linux-64"


TEXT = "# 固定版本\nnumpy <2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_either_is_read_where_the_system_writes_gbk(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(locale, "getpreferredencoding", lambda do_setlocale=True: "cp936")
    assert decoded(TEXT.encode(encoding)) == TEXT


@pytest.mark.parametrize("system", ["cp936", "utf-8"])
def test_utf_16_is_neither(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    monkeypatch.setattr(locale, "getpreferredencoding", lambda do_setlocale=True: system)
    with pytest.raises(UnicodeDecodeError):
        decoded(TEXT.encode("utf-16"))


def test_the_mark_of_utf_8_goes_where_it_is_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locale, "getpreferredencoding", lambda do_setlocale=True: "cp936")
    assert decoded(TEXT.encode("utf-8-sig"), "utf-8-sig") == TEXT
