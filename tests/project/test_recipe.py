"""recipe/recipe.yaml, built by rattler-build over loopback, and installed by two clients.

The channel holds the Python that runs these tests and the packages that the recipe names, so what
is built, linked and run is real; see `support.own_python`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from conda.base.context import context
from conda_package_streaming.extract import extract
from ruamel.yaml import YAML
from support import own_python, prefixes, rattler_process
from support.built import ROOT
from support.mirror import Mirror
from support.running import Result

pytest_plugins = ("support.built_fixtures",)

RECIPE = ROOT / "recipe" / "recipe.yaml"
ASK = ("torch-install", "--cuda", "12.4", "--python", "3.12", "--dry-run", "--offline")


def _why_not() -> str:
    """Why none of this can run here, or nothing."""
    if sys.platform == "win32":
        return "an environment is laid out otherwise on Windows"
    wanted = ("rattler", "rattler_build")
    lacking = [name for name in wanted if importlib.util.find_spec(name) is None]
    lacking += own_python.missing()
    return f"not installed: {', '.join(lacking)}" if lacking else ""


WHY_NOT = _why_not()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the channels `own`, and `built` and `again` to be."""
    made = tmp_path_factory.mktemp("recipe")
    own_python.write(made / "own", str(context.subdir))
    return made


@pytest.fixture(scope="module")
def site(place: Path, distributions: Mapping[str, Path]) -> Iterator[Mirror]:
    """Those channels and the sdist on loopback."""
    names = ("own", "built", "again")
    folders = {"sdist": distributions["sdist"].parent, **{name: place / name for name in names}}
    with Mirror(folders) as found:
        yield found


@pytest.fixture(scope="module")
def package(place: Path, site: Mirror, distributions: Mapping[str, Path]) -> Path:
    """The package as a feedstock builds it, from an sdist by URL; its own tests have passed."""
    sdist = distributions["sdist"]
    recipe = YAML(typ="safe").load(RECIPE)
    digest = hashlib.sha256(sdist.read_bytes()).hexdigest()
    recipe["source"] = {"url": f"{site.url}/sdist/{sdist.name}", "sha256": digest}
    feedstock = place / "recipe.yaml"
    with feedstock.open("w", encoding="utf-8") as file:
        YAML().dump(recipe, file)
    own = f"{site.url}/own"
    return rattler_process.build(feedstock, place / "built", own, own_python.MINOR, test=True)


def unpacked(package: Path, folder: Path) -> dict[str, bytes]:
    """What a conda package puts into site-packages, but for its metadata."""
    extract(str(package), str(folder))
    paths = json.loads((folder / "info" / "paths.json").read_text("utf-8"))["paths"]
    names = [path["_path"].removeprefix("site-packages/") for path in paths]
    return {
        name: (folder / "site-packages" / name).read_bytes()
        for name in names
        if ".dist-info/" not in name
    }


def test_the_package_is_the_wheel(
    package: Path, distributions: Mapping[str, Path], tmp_path: Path
) -> None:
    with zipfile.ZipFile(distributions["wheel"]) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        wheel = {name: archive.read(name) for name in names}
    assert unpacked(package, tmp_path) == wheel


def test_its_record_asks_for_what_the_wheel_asks_for_and_conda(
    package: Path, release: str, tmp_path: Path
) -> None:
    extract(str(package), str(tmp_path))
    record = json.loads((tmp_path / "info" / "index.json").read_text("utf-8"))
    assert (record["name"], record["version"], record["noarch"], record["license"]) == (
        *("conda-torchmirror", release, "python", "BSD-3-Clause"),
    )
    assert sorted(record["depends"]) == [
        *("conda >=24.7", "packaging >=23"),
        *(f"python >={own_python.MINOR}", "ruamel.yaml >=0.17"),
    ]


@pytest.mark.slow
def test_the_working_tree_as_the_recipe_stands_gives_the_same_package(
    package: Path, place: Path, site: Mirror, tmp_path: Path
) -> None:
    own = f"{site.url}/own"
    again = rattler_process.build(RECIPE, place / "again", own, own_python.MINOR, test=False)
    assert unpacked(again, tmp_path / "again") == unpacked(package, tmp_path / "first")


def with_conda(prefix: Path, channels: list[str], run_conda: Callable[..., Result]) -> None:
    named = [word for channel in channels for word in ("-c", channel)]
    create = ("create", "-y", "-q", "-p", prefix, "--override-channels", *named)
    run_conda(*create, "conda-torchmirror").ok()


def with_rattler(prefix: Path, channels: list[str], run_conda: Callable[..., Result]) -> None:
    rattler_process.install(prefix, channels, prefix.parent / "cache", "conda-torchmirror")


@pytest.mark.parametrize(
    "install",
    [pytest.param(with_conda, id="conda"), pytest.param(with_rattler, id="py-rattler")],
)
def test_the_installed_package_chooses_what_this_tree_chooses(
    install: Callable[..., None],
    package: Path,
    release: str,
    site: Mirror,
    tmp_path: Path,
    run_conda: Callable[..., Result],
) -> None:
    prefix = tmp_path / "env"
    install(prefix, [f"{site.url}/built", f"{site.url}/own"], run_conda)
    assert prefixes.records(prefix)["conda-torchmirror"]["fn"] == package.name

    def python(*words: str) -> str:
        done = subprocess.run(
            [prefix / "bin" / "python", *words],
            env={**os.environ, "CONDA_PREFIX": str(prefix)},
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.rstrip()

    where = "import conda_torchmirror as it; print(it.__version__, it.__file__)"
    version, file = python("-c", where).split(maxsplit=1)
    assert version == release
    assert Path(file).is_relative_to(prefix)
    assert python("-m", "conda", *ASK) == run_conda(*ASK).ok().stdout.rstrip()
