"""The private world of one test: its environment variables, its folders, and conda's own caches.

Owns what a test may see of this machine (next to nothing) and the undoing of what conda remembers
between two commands of one process. Works on conda 24.7 and 26.7; where one of them lacks a cache,
there is nothing to clear.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from .quicker_conda import quicken

GUARD = Path(__file__).parent / "guard"

#: What never reaches a test: settings of conda and its relatives, of pip, of HTTP clients, of
#: terminals and of languages.
_UNWANTED = re.compile(
    r"(_?CONDA|_CE|MAMBA|PIXI|PIP|CUDA|NVIDIA|TORCH|TORCHMIRROR|XDG|LC)_.*"
    r"|(HTTPS?|FTP|ALL|NO)_PROXY"
    r"|CONDARC|NETRC|(REQUESTS|CURL)_CA_BUNDLE|SSL_CERT_(FILE|DIR)"
    r"|LANG|LANGUAGE|(NO|FORCE|CLICOLOR)_?(COLOR|FORCE)|CLICOLOR|COLUMNS|LINES|VIRTUAL_ENV"
    r"|PYTHONWARNINGS|PYTHONHOME|PYTHONSTARTUP"
    # NVIDIA's container images set it, and a check that fails says so.
    r"|LD_LIBRARY_PATH",
    re.IGNORECASE,
)


@cache
def _is_unwanted(variable: str) -> bool:
    return bool(_UNWANTED.fullmatch(variable))


#: The rc file every test starts with. `condarc()` lays a test's own settings over it. `solver`: the
#: only one that both condas have, unless a run is told to try another. `subdir`, so that the
#: answers are the same on every machine. No retries and short timeouts, so that a fault costs a
#: fraction of a second; no notices, so that the servers' logs hold only what the test asked for.
CONDARC: Mapping[str, Any] = {
    "solver": os.environ.get("TORCHMIRROR_TEST_SOLVER", "classic"),
    "subdir": "linux-64",
    "remote_max_retries": 0,
    "remote_backoff_factor": 0,
    "remote_connect_timeout_secs": 3,
    "remote_read_timeout_secs": 5,
    "number_channel_notices": 0,
    "notify_outdated_conda": False,
    "report_errors": False,
    "auto_update_conda": False,
}

#: No GPU unless a test says so; an empty value hides `__cuda` on both condas and spares them the
#: look for a driver (200 ms). Figures as on a common machine, not as on this one.
_VIRTUAL_PACKAGES = {
    "CONDA_OVERRIDE_CUDA": "",
    "CONDA_OVERRIDE_GLIBC": "2.35",
    "CONDA_OVERRIDE_ARCHSPEC": "x86_64_v3",
}


@dataclass(frozen=True)
class Sandbox:
    """Where the files of one test are. `system` stands for `/etc/conda` (`etc/`), `/var/lib/conda`
    (`var/`) and the base prefix (`root/`) where rc files are concerned."""

    root: Path

    @property
    def home(self) -> Path:
        """The private home; its `.condarc` is the user's."""
        return self.root / "home"

    @property
    def condarc(self) -> Path:
        """The user's rc file, which `condarc()` writes."""
        return self.home / ".condarc"

    @property
    def system(self) -> Path:
        """The folder of machine-wide rc files; empty unless a test fills it."""
        return self.root / "system"

    @property
    def pkgs(self) -> Path:
        """The package cache."""
        return self.root / "pkgs"

    @property
    def envs(self) -> Path:
        """Where `-n NAME` goes."""
        return self.root / "envs"

    @property
    def blocked(self) -> Path:
        """The guard's record of refused hosts; missing when there were none."""
        return self.root / "blocked"

    def variables(self) -> dict[str, str]:
        """The whole environment of a test, made of this machine's minus what could leak."""
        kept = {key: value for key, value in os.environ.items() if not _is_unwanted(key)}
        inherited = [p for p in kept.get("PYTHONPATH", "").split(os.pathsep) if p]
        paths = [str(GUARD), *(p for p in inherited if p != str(GUARD))]
        home = str(self.home)
        return {
            **kept,
            **_VIRTUAL_PACKAGES,
            # The packages here are stubs, with other hashes than the real ones in the built-in
            # index: their mirrors would be doubted, and the official channel asked.
            "CONDA_PLUGINS_TORCHMIRROR_CHECK_HASHES": "false",
            "HOME": home,
            "USERPROFILE": home,
            "APPDATA": str(self.home / "AppData" / "Roaming"),
            "LOCALAPPDATA": str(self.home / "AppData" / "Local"),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "XDG_DATA_HOME": str(self.home / ".local" / "share"),
            "CONDA_PKGS_DIRS": str(self.pkgs),
            "CONDA_ENVS_PATH": str(self.envs),
            "TORCHMIRROR_TEST_SYSTEM": str(self.system),
            "TORCHMIRROR_TEST_BLOCKED": str(self.blocked),
            "PYTHONPATH": os.pathsep.join(paths),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "80",
            "TERM": "dumb",
        }

    def create(self) -> Sandbox:
        """Make the folders and the starting rc file."""
        self.home.mkdir(parents=True)
        self.write_condarc({})
        return self

    def write_condarc(self, settings: Mapping[str, Any]) -> Path:
        """Write the user's rc file: `CONDARC` with `settings` over it; None takes a key away."""
        merged = {key: value for key, value in {**CONDARC, **settings}.items() if value is not None}
        self.condarc.write_text(json.dumps(merged, indent=2), encoding="utf-8")  # JSON is YAML
        return self.condarc

    def take_blocked(self) -> list[str]:
        """The hosts that were refused so far; forgets them."""
        if not self.blocked.exists():
            return []
        lines = self.blocked.read_text(encoding="utf-8").splitlines()
        self.blocked.unlink()
        return lines


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """`os.environ` is exactly `variables` within, and what it was before afterwards."""
    before = dict(os.environ)
    try:
        _change(before, variables)
        yield
    finally:
        _change(dict(os.environ), before)


def _change(now: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Let `os.environ`, which is `now`, be what is wanted; a copy of it is quicker to ask."""
    for key in now.keys() - wanted.keys():
        del os.environ[key]
    for key, value in wanted.items():
        if now.get(key) != value:
            os.environ[key] = value


def share_bytecode(folder: Path) -> None:
    """Where this machine's Python keeps no bytecode, let the children keep it below `folder`, which
    all processes of a run share; each of them compiled the hundred modules of this project anew."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(folder / "bytecode"))


def install_guard() -> ModuleType:
    """Load `guard/sitecustomize.py` into this process, under a name of its own.

    Raises RuntimeError when conda is here already: its rc search path is copied into default
    arguments on import, too late to be made private.
    """
    if "conda.base.constants" in sys.modules:
        raise RuntimeError("conda was imported before tests/conftest.py; which plugin does that?")
    spec = importlib.util.spec_from_file_location("_torchmirror_guard", GUARD / "sitecustomize.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _loaded(name: str, *attributes: str) -> Any:
    """`name`'s attribute chain, if that module is loaded and has it; importing nothing."""
    found: Any = sys.modules.get(name)
    for attribute in attributes:
        found = getattr(found, attribute, None)
    return found


#: Module, attributes: dictionaries to empty and functions whose `cache_clear` is called.
_CACHES = (
    ("conda.common.configuration", "YamlRawParameter", "make_raw_parameters_from_file"),
    ("conda.core.package_cache_data", "PackageCacheData", "_cache_"),
    ("conda.core.prefix_data", "PrefixData", "_cache_"),
    ("conda.core.subdir_data", "SubdirData", "_cache_"),
    ("conda.gateways.connection.session", "CondaSession", "_thread_local", "sessions"),
    ("conda.gateways.connection.session", "get_session"),
    ("conda.models.match_spec", "MatchSpec", "_MATCHER_CACHE"),
    ("conda.models.match_spec", "_PARSE_CACHE"),
    ("conda.plugins.virtual_packages.cuda", "cached_cuda_version"),
    ("conda.reporters", "_get_render_func"),
)


def reset_conda() -> None:
    """Make this process's conda forget the last command and read the environment anew.

    Does nothing, and imports nothing, while conda is not loaded. What cannot be undone: external
    plugins switched off by `--no-plugins` stay off, so that flag is for `run_conda`.
    """
    if forget := _loaded("conda_torchmirror.text.language", "forget"):
        forget()
    constants = sys.modules.get("conda.base.constants")
    module = sys.modules.get("conda.base.context")
    if constants is None or module is None:
        return
    quicken()
    constants.SEARCH_PATH = constants.TEST_SEARCH_PATH  # type: ignore[attr-defined]
    module.SEARCH_PATH = constants.TEST_SEARCH_PATH  # type: ignore[attr-defined]
    module.user_rc_path = os.path.expanduser("~/.condarc")  # type: ignore[attr-defined]
    system = os.environ.get("TORCHMIRROR_TEST_SYSTEM")
    if system:
        module.sys_rc_path = os.path.join(system, "root", ".condarc")  # type: ignore[attr-defined]
    for name, *attributes in _CACHES:
        cache = _loaded(name, *attributes)
        if isinstance(cache, dict):
            cache.clear()
        elif hasattr(cache, "cache_clear"):
            cache.cache_clear()
    manager = _loaded("conda.plugins.manager", "get_plugin_manager")
    if manager is not None and manager.cache_info().currsize:
        # Conda keeps the solver that an earlier command of this process was set to.
        solver = getattr(manager(), "get_cached_solver_backend", None)
        if hasattr(solver, "cache_clear"):
            solver.cache_clear()
    module.context.__dict__.pop("plugins", None)  # a cached_property that __init__ leaves alone
    module.reset_context()
    channel = _loaded("conda.models.channel", "Channel", "_reset_state")
    if channel is not None:
        channel()
