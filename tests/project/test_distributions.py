"""The sdist, the wheel and the version, built from this repository."""

from __future__ import annotations

import re
import shutil
import tarfile
import zipfile
from collections.abc import Mapping
from email import message_from_bytes
from pathlib import Path

import pytest
from support import built
from support.built import ROOT, hatchling

pytest_plugins = ("support.built_fixtures",)

#: All that the version is read with.
ENOUGH = ("pyproject.toml", "README.md", "LICENSE")


def in_sdist(distributions: Mapping[str, Path]) -> set[str]:
    with tarfile.open(distributions["sdist"]) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def in_wheel(distributions: Mapping[str, Path]) -> set[str]:
    with zipfile.ZipFile(distributions["wheel"]) as archive:
        return set(archive.namelist())


def test_the_sdist_has_every_file_of_the_repository(distributions: Mapping[str, Path]) -> None:
    assert in_sdist(distributions) - {"PKG-INFO"} == built.kept()


def test_the_wheel_has_every_file_of_the_package_and_no_other(
    distributions: Mapping[str, Path],
) -> None:
    package = {name for name in in_sdist(distributions) if name.startswith("conda_torchmirror/")}
    assert "conda_torchmirror/py.typed" in package
    found = {name for name in in_wheel(distributions) if ".dist-info/" not in name}
    assert found == package


def test_the_wheel_says_what_pyproject_says(
    distributions: Mapping[str, Path], release: str
) -> None:
    [folder] = {name.partition("/")[0] for name in in_wheel(distributions)} - {"conda_torchmirror"}
    with zipfile.ZipFile(distributions["wheel"]) as archive:
        metadata = message_from_bytes(archive.read(f"{folder}/METADATA"))
        assert b"[conda]\nconda-torchmirror = conda_torchmirror.plugin" in archive.read(
            f"{folder}/entry_points.txt"
        )
        assert f"{folder}/licenses/LICENSE" in archive.namelist()
    assert (metadata["Name"], metadata["Version"]) == ("conda-torchmirror", release)
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata.get_payload(decode=True) == (ROOT / "README.md").read_bytes()
    needed = [text for text in metadata.get_all("Requires-Dist") if "extra ==" not in text]
    assert sorted(needed) == ["packaging>=23", "ruamel-yaml>=0.17"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the version is read with, as plain files."""
    made = tmp_path / "copy"
    made.mkdir()
    for name in ENOUGH:
        shutil.copy(ROOT / name, made)
    return made


@pytest.fixture
def checkout(folder: Path) -> Path:
    """The same as a repository of one commit, without a tag."""
    built.git(folder, "init", "-q")
    built.git(folder, "add", ".")
    built.git(folder, "commit", "-q", "-m", "one")
    return folder


def test_a_copy_without_git_has_the_fallback(folder: Path, release: str) -> None:
    assert hatchling(folder, "version") == f"{release}.dev0"


def test_a_checkout_without_a_tag_has_a_version(checkout: Path) -> None:
    commit = built.git(checkout, "rev-parse", "--short=7", "HEAD").strip()
    assert re.fullmatch(rf"0\.1(\.0)?\.dev1\+g{commit}[0-9a-f]*", hatchling(checkout, "version"))


def test_a_tag_is_the_version_and_commits_after_it_count(checkout: Path) -> None:
    built.git(checkout, "tag", "v3.2.0")
    assert hatchling(checkout, "version") == "3.2.0"
    built.git(checkout, "commit", "-q", "--allow-empty", "-m", "two")
    assert hatchling(checkout, "version").startswith("3.2.1.dev1+g")


def test_an_sdist_keeps_its_version_wherever_it_is_unpacked(
    checkout: Path, distributions: Mapping[str, Path], release: str
) -> None:
    built.git(checkout, "tag", "v3.2.0")
    inside = built.unpacked(distributions["sdist"], checkout / "build")
    assert hatchling(inside, "version") == release


def test_the_running_version_is_the_installed_one() -> None:
    from importlib.metadata import version

    import conda_torchmirror

    assert conda_torchmirror.__version__ == version("conda-torchmirror")
    with pytest.raises(AttributeError, match="versoin"):
        conda_torchmirror.versoin  # noqa: B018
