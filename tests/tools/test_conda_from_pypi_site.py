"""tools/conda-from-pypi: when it answers for `conda`, when it keeps out, what it adjusts; in small
site folders of its own, in an interpreter that knows no other site-packages."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.started import python, write

TOOL = Path(__file__).resolve().parents[2] / "tools" / "conda-from-pypi"

#: In any file that must not be executed.
TRAP = "raise SystemExit('this file must not run')\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site folder that holds the tool, and a conda-lock that must not be imported."""
    folder = tmp_path / "site"
    shutil.copytree(TOOL / "_conda_from_pypi", folder / "_conda_from_pypi")
    shutil.copy(TOOL / "conda_from_pypi.pth", folder)
    write(folder / "conda_lock" / "__init__.py", TRAP)
    return folder


@pytest.fixture
def in_site(site: Path) -> Callable[[str], str]:
    """`in_site(code)`: what `code` prints once `site` is set up as site-packages are."""

    def run(code: str) -> str:
        start = "import site, sys; folder = sys.argv[1]; before = set(sys.modules)\n"
        start += "site.addsitedir(folder)\n"
        return python("-I", "-S", "-c", start + code, str(site))

    return run


@pytest.fixture
def copy(site: Path) -> Path:
    """A stand-in for conda-lock's copy of conda: the modules that the tool touches."""
    package = site / "conda_lock" / "_vendor" / "conda"
    constants = "DEFAULT_SOLVER = 'libmamba'\nCLASSIC_SOLVER = 'classic'\n"
    constants += "class SatSolverChoice: PYCOSAT, PYSAT = 'pycosat', 'pysat'\n"
    context = (
        "from types import SimpleNamespace as Loader\n"
        "class Context:\n    sat_solver = Loader(type=Loader(_default='pycosat'))\n"
    )
    token_filter = (
        "from functools import partial\nclass TokenURLFilter:\n    TOKEN_REPLACE = partial(int)\n"
    )
    for name, text in {
        "__init__": "__version__ = 'copy'\n",
        "deprecations": "",
        "base/__init__": "",
        "base/constants": constants,
        "base/context": context,
        "common/__init__": "",
        "common/url": "",
        "gateways/__init__": "",
        "gateways/logging": token_filter,
    }.items():
        write(package / f"{name}.py", text)
    return package


EDITABLE = """
import importlib.util
class Editable:
    @staticmethod
    def find_spec(name, path=None, target=None):
        file = folder + "/../other/conda/__init__.py"
        return importlib.util.spec_from_file_location(name, file) if name == "conda" else None
sys.meta_path.append(Editable)
"""


@pytest.mark.parametrize(
    ("where", "setup"),
    [
        pytest.param("site", "", id="in the same site-packages"),
        pytest.param("other", "sys.path.append(folder + '/../other')", id="last on sys.path"),
        pytest.param("other", EDITABLE, id="editable, its finder added later"),
    ],
)
def test_a_real_conda_wins_and_nothing_is_adjusted(
    where: str, setup: str, site: Path, in_site: Callable[[str], str]
) -> None:
    write(site / "conda_lock" / "_vendor" / "conda" / "__init__.py", TRAP)
    write(site.parent / where / "conda" / "__init__.py", "__version__ = 'real'\n")
    code = f"""{setup}
import logging
shim = hasattr(logging, "_acquireLock")
import conda
assert shim == hasattr(logging, "_acquireLock") == (sys.version_info < (3, 13))
assert not [name for name in sys.modules if name.startswith(("conda_lock", "_conda_from_pypi."))]
print(conda.__version__)
"""
    assert in_site(code) == "real"


@pytest.mark.usefixtures("copy")
def test_the_copy_is_conda_where_there_is_no_other(in_site: Callable[[str], str]) -> None:
    code = "import conda; print(conda.__name__, conda.__version__, conda.__spec__.parent)"
    assert in_site(code) == "conda copy conda"


@pytest.mark.usefixtures("copy")
@pytest.mark.parametrize("name", ["condax", "conda_build", "conda_env", "Conda", "con"])
def test_it_answers_for_no_other_name(name: str, in_site: Callable[[str], str]) -> None:
    code = f"""
try:
    import {name}
except ModuleNotFoundError as error:
    print(error, "_conda_from_pypi.vendored" in sys.modules)
"""
    assert in_site(code) == f"No module named '{name}' False"


@pytest.mark.parametrize("remains", [True, False], ids=["another conda-lock", "no conda-lock"])
def test_without_the_copy_conda_is_missing_as_ever(
    remains: bool, site: Path, in_site: Callable[[str], str]
) -> None:
    if not remains:
        shutil.rmtree(site / "conda_lock")
    code = """
try:
    import conda
except ModuleNotFoundError as error:
    print(error, error.name)
"""
    assert in_site(code) == "No module named 'conda' conda"


@pytest.mark.usefixtures("copy")
def test_starting_python_imports_one_module(in_site: Callable[[str], str]) -> None:
    code = "print(*(name for name in set(sys.modules) - before if 'encodings' not in name))"
    assert in_site(code) == "_conda_from_pypi"


def test_the_finder_is_the_last_and_only_one(in_site: Callable[[str], str]) -> None:
    code = """
finder = sys.meta_path[-1]
site.addsitedir(folder)
print(finder.__module__, sys.meta_path.count(finder))
"""
    assert in_site(code) == "_conda_from_pypi 1"


@pytest.mark.usefixtures("copy")
@pytest.mark.parametrize("libmamba", [False, True], ids=["without libmamba", "with libmamba"])
def test_the_default_solver_is_one_that_is_there(
    libmamba: bool, site: Path, in_site: Callable[[str], str]
) -> None:
    if libmamba:
        write(site / "conda_libmamba_solver" / "__init__.py", TRAP)
    code = "from conda.base.constants import DEFAULT_SOLVER; print(DEFAULT_SOLVER)"
    assert in_site(code) == ("libmamba" if libmamba else "classic")


@pytest.mark.usefixtures("copy")
@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        pytest.param((), "pycosat", id="neither"),
        pytest.param(("pycosat",), "pycosat", id="conda's own"),
        pytest.param(("pysat",), "pysat", id="the one with wheels"),
        pytest.param(("pycosat", "pysat"), "pycosat", id="both"),
    ],
)
def test_the_default_sat_solver_is_one_that_is_there(
    there: tuple[str, ...], chosen: str, site: Path, in_site: Callable[[str], str]
) -> None:
    for name in there:
        write(site / name / "__init__.py", TRAP)
    code = "from conda.base.context import Context; print(Context.sat_solver.type._default)"
    assert in_site(code) == chosen


@pytest.mark.usefixtures("copy")
def test_the_logging_functions_come_with_the_copy_only(in_site: Callable[[str], str]) -> None:
    code = """
import importlib.util, logging
names = ("_acquireLock", "_releaseLock")
importlib.util.find_spec("conda")  # asked about, not imported
before = [getattr(logging, name, None) for name in names]
import conda
after = [getattr(logging, name) for name in names]
after[0](); after[1]()
if sys.version_info >= (3, 13):
    assert before == [None, None]
else:
    assert before == after
print("good")
"""
    assert in_site(code) == "good"


@pytest.mark.usefixtures("copy")
def test_an_imported_plugin_of_conda_lock_is_kept(
    site: Path, in_site: Callable[[str], str]
) -> None:
    write(site / "conda_lock" / "__init__.py", "")
    write(site / "conda_lock" / "plugin.py", "real = True\n")
    code = "import conda_lock.plugin, conda; print(sys.modules['conda_lock.plugin'].real)"
    assert in_site(code) == "True"
