"""Owns how conda-lock's copy of conda is found, loaded as `conda`, and made to work.

Loaded only when that copy is really going to be `conda`, so none of these adjustments can reach
an interpreter that has a conda of its own. They are:

* on Python 3.13 and later, what conda 24.7.1 expects of older ones: the functions
  `logging._acquireLock` and `_releaseLock`, and a `functools.partial` that is not a method;
* the `classic` solver as the default, as libmamba is not on PyPI;
* `pysat` as the default `sat_solver` below it, where `pycosat`, which has no wheels, is missing;
* one copy of conda in the process, and conda-lock itself not imported.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

# Vendoring rewrote some imports in conda-lock's copy to the copy's own name
# (conda/cli/main_env_list.py, conda/gateways/repodata/jlap/fetch.py). The first is imported by
# every command: it would import conda-lock, and with it a second conda, to get these two modules.
SHARED = ("deprecations", "common.url")


def spec() -> ModuleSpec | None:
    """Return a spec that loads conda-lock's copy as `conda`, or None where there is no such copy.

    conda-lock is located, not imported: that would cost most of a second.
    """
    conda_lock = find_spec("conda_lock")
    for folder in (conda_lock and conda_lock.submodule_search_locations) or ():
        package = Path(folder, "_vendor", "conda")
        init = package / "__init__.py"
        if init.is_file():
            return spec_from_file_location(
                "conda",
                init,
                loader=VendoredCondaLoader("conda", str(init)),
                submodule_search_locations=[str(package)],
            )
    return None


class VendoredCondaLoader(SourceFileLoader):
    """Loads `conda` from conda-lock's copy and adjusts it; submodules load in the usual way."""

    def exec_module(self, module: ModuleType) -> None:
        """Run `conda/__init__.py` and the adjustments. Raises whatever importing conda raises."""
        supply_logging_lock()
        super().exec_module(module)
        keep_partial_static()
        default_to_classic_solver()
        keep_conda_lock_out()
        default_to_pysat()


def supply_logging_lock() -> None:
    """Give `logging` back the two functions that conda 24.7.1 needs, where they are missing."""
    if not hasattr(logging, "_acquireLock"):
        logging._acquireLock = logging._lock.acquire  # type: ignore[attr-defined]
        logging._releaseLock = logging._lock.release  # type: ignore[attr-defined]


def keep_partial_static() -> None:
    """Spare every command on Python 3.13 a FutureWarning, and Python 3.14 a wrong call.

    conda's log filter keeps a `functools.partial` as a class attribute and calls it through the
    instance. Python 3.13 warns that it will be bound like a function; 3.14 binds it.
    """
    if sys.version_info >= (3, 13):
        log_filter = import_module("conda.gateways.logging").TokenURLFilter
        log_filter.TOKEN_REPLACE = staticmethod(vars(log_filter)["TOKEN_REPLACE"])


def default_to_classic_solver() -> None:
    """Make `classic` conda's default where libmamba, its real default, cannot be had.

    The constant is changed before `conda.base.context` copies it into the setting's definition.
    So it is a default in every respect: `--solver`, `CONDA_SOLVER` and any condarc win over it,
    `conda config --show-sources` stays silent about it, and it holds without plugins too. An
    environment variable would beat the user's condarc; a plugin would come too late for the
    definition, be dropped by `--no-plugins`, and be loaded by a real conda as well.
    """
    if find_spec("conda_libmamba_solver") is None:
        constants = import_module("conda.base.constants")
        constants.DEFAULT_SOLVER = constants.CLASSIC_SOLVER  # type: ignore[attr-defined]


def keep_conda_lock_out() -> None:
    """Answer conda's imports from conda-lock without importing conda-lock.

    An entry in `sys.modules` is found before any parent package is imported. The alternative for
    the plugin, replacing conda's entry point loader, would have to follow the plugin manager,
    which `import conda` does not load. A process that has imported conda-lock already keeps what
    it has, and conda-lock's own command never comes here, as it does not import `conda`.
    """
    for name in SHARED:
        sys.modules.setdefault(f"conda_lock._vendor.conda.{name}", import_module(f"conda.{name}"))
    plugin = module_from_spec(ModuleSpec("conda_lock.plugin", loader=None))
    plugin.__doc__ = "Stands in for conda-lock's conda plugin; put here by conda-from-pypi."
    sys.modules.setdefault(plugin.__name__, plugin)


def default_to_pysat() -> None:
    """Make `pysat` the default of `sat_solver` where `pycosat`, conda's own, cannot be imported.

    Conda would find `pysat` by itself, with a warning on every solve. Called last: it loads conda's
    settings, which copy what the other adjustments change.
    """
    if find_spec("pycosat") is None and find_spec("pysat") is not None:
        choices = import_module("conda.base.constants").SatSolverChoice
        loader = vars(import_module("conda.base.context").Context)["sat_solver"]
        loader.type._default = choices.PYSAT
