"""The conda that tools/conda-from-pypi provides; skipped where another conda, or none, is found."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from support import running
from support.mirror import Mirror
from support.started import python, write

#: The tool acts when an interpreter starts, so each command gets one of its own.
run_conda = partial(running.run_conda, fresh=True)

TOOL = Path(__file__).resolve().parents[2] / "tools" / "conda-from-pypi"


def _why_not() -> str:
    try:
        importlib.metadata.version("conda-from-pypi")
    except importlib.metadata.PackageNotFoundError:
        return "tools/conda-from-pypi is not installed here"
    spec = importlib.util.find_spec("conda")
    if spec is None or "conda_lock" not in Path(str(spec.origin)).parts:
        return "the conda that is installed here is not the one of tools/conda-from-pypi"
    return ""


WHY_NOT = _why_not()
provided = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[str]:
    """The URL of a channel on loopback that offers one package, `tiny`."""
    record = {"name": "tiny", "version": "1.0", "build": "0", "build_number": 0, "depends": []}
    for subdir, packages in {
        "noarch": {"tiny-1.0-0.tar.bz2": {**record, "subdir": "noarch"}},
        "linux-64": {},
    }.items():
        repodata = {"info": {"subdir": subdir}, "packages": packages, "packages.conda": {}}
        write(tmp_path / "channel" / subdir / "repodata.json", json.dumps(repodata))
    with Mirror({"tiny": tmp_path / "channel"}) as mirror:
        yield f"{mirror.url}/tiny"


@provided
def test_conda_is_the_version_that_the_tool_is_named_after() -> None:
    result = run_conda("--version").ok()
    assert result.stdout.split() == ["conda", "24.7.1"]
    assert importlib.metadata.version("conda-from-pypi").startswith("24.7.1.post")


@provided
def test_a_conda_earlier_on_the_path_wins(tmp_path: Path) -> None:
    write(tmp_path / "conda" / "__init__.py", "__version__ = 'real'\n")
    code = "import sys, conda; print(conda.__version__, '_conda_from_pypi.vendored' in sys.modules)"
    assert python("-c", code, path=tmp_path) == "real False"


@provided
def test_no_command_is_installed_that_could_replace_a_real_one() -> None:
    tool = importlib.metadata.distribution("conda-from-pypi")
    assert not tool.entry_points
    assert {Path(str(file)).parts[0] for file in tool.files or ()} == {
        "_conda_from_pypi",
        "conda_from_pypi.pth",
        f"conda_from_pypi-{tool.version}.dist-info",
    }


@provided
@pytest.mark.skipif(
    importlib.util.find_spec("conda_libmamba_solver") is not None,
    reason="libmamba is installed, so it is the default",
)
@pytest.mark.parametrize(
    ("rc", "variable", "flags", "solver"),
    [
        pytest.param(None, None, [], "classic", id="nothing set"),
        pytest.param(None, None, ["--no-plugins"], "classic", id="nothing set, no plugins"),
        pytest.param("libmamba", None, [], "libmamba", id="condarc"),
        pytest.param(None, "libmamba", [], "libmamba", id="CONDA_SOLVER"),
        pytest.param("libmamba", "classic", [], "classic", id="CONDA_SOLVER over condarc"),
    ],
)
def test_classic_is_a_default_and_no_more(
    rc: str | None,
    variable: str | None,
    flags: list[str],
    solver: str,
    condarc: Callable[..., Path],
) -> None:
    condarc(solver=rc)
    result = run_conda(
        *flags, "config", "--show", "solver", "--json", env={"CONDA_SOLVER": variable}
    )
    assert result.ok().json() == {"solver": solver}
    if rc is None and variable is None:
        sources = run_conda("config", "--show-sources", "--json").ok().json()
        assert not [source for source, values in sources.items() if "solver" in values]


@provided
def test_the_solver_flag_wins(condarc: Callable[..., Path]) -> None:
    condarc(solver=None)
    code = """
from conda.base.context import context
default = context.solver
context.__init__(argparse_args={"solver": "libmamba"})  # as a command does with its --solver
print(default, context.solver)
"""
    assert python("-c", code) == "classic libmamba"


@provided
def test_it_solves_with_nothing_set_and_refuses_a_solver_that_is_missing(
    channel: str, condarc: Callable[..., Path]
) -> None:
    condarc(solver=None)
    args = ("create", "--dry-run", "-n", "x", "--override-channels", "-c", channel, "tiny")
    assert run_conda(*args, "--json").ok().json()["success"]
    refused = run_conda(*args, env={"CONDA_SOLVER": "libmamba"})
    assert refused.rc == 1
    assert "solver backend (libmamba)" in refused.stderr
    assert "Warning" not in refused.stderr  # what is logged passes the filter that 3.13 warns about


@provided
def test_no_compiler_is_needed_to_solve(channel: str) -> None:
    """pycosat is source only; what takes its place is conda's own choice and says nothing."""
    assert '"pycosat' not in (TOOL / "pyproject.toml").read_text(encoding="utf-8")
    args = ("create", "--dry-run", "-n", "x", "--override-channels", "-c", channel, "tiny")
    done = run_conda(*args, "--json").ok()
    assert "SAT" not in done.stderr
    there = importlib.util.find_spec("pycosat") is not None
    shown = run_conda("config", "--show", "sat_solver", "--json").ok().json()
    assert shown == {"sat_solver": "pycosat" if there else "pysat"}


IN_PROCESS = """
import contextlib, io, sys
from conda.cli.main import main
with contextlib.redirect_stdout(io.StringIO()):
    status = main(*sys.argv[1:])
print(status, *sorted(name for name in sys.modules if name.split(".")[0] == "conda_lock"))
"""


@provided
@pytest.mark.parametrize("command", ["info", "env list", "create"])
def test_conda_lock_and_its_plugin_stay_out(command: str, channel: str) -> None:
    args = [*command.split(), "--json"]
    if command == "create":
        args += ["--dry-run", "-n", "x", "--override-channels", "-c", channel, "tiny"]
    assert python("-c", IN_PROCESS, *args).split() == [
        "0",
        "conda_lock._vendor.conda.common.url",
        "conda_lock._vendor.conda.deprecations",
        "conda_lock.plugin",
    ]


@provided
def test_the_modules_that_stand_in_are_condas_own() -> None:
    code = """
import sys, conda, conda.common.url, conda.deprecations
from conda.common.url import mask_anaconda_token
from conda.deprecations import deprecated
from conda.plugins.manager import get_plugin_manager
from conda_lock._vendor.conda.common import url
from conda_lock._vendor.conda.deprecations import deprecated as other
assert url.mask_anaconda_token is mask_anaconda_token and other is deprecated
plugin = get_plugin_manager().get_plugin("conda_lock.plugin")
print([name for name in vars(plugin) if name.startswith("conda_")])
"""
    assert python("-c", code) == "[]"


@provided
@pytest.mark.parametrize("first", ["", "import conda.cli.main; "], ids=["alone", "after conda"])
def test_conda_lock_still_works(first: str) -> None:
    code = "import sys; from conda_lock import main; sys.argv[1:] = ['--version']; main()"
    assert "4.0.3" in python("-c", first + code)


@provided
def test_the_conda_lock_command_still_works() -> None:
    script = shutil.which("conda-lock", path=sysconfig.get_path("scripts"))
    assert script is not None
    assert "4.0.3" in subprocess.run([script, "--version"], capture_output=True, text=True).stdout


@provided
def test_modules_have_their_own_names() -> None:
    code = """
import pickle
from conda.models.records import PackageRecord
record = PackageRecord(name="a", version="1", build="0", build_number=0)
data = pickle.dumps(record)
assert pickle.loads(data).name == "a" and b"conda_lock" not in data
print(PackageRecord.__module__)
"""
    assert python("-c", code) == "conda.models.records"


@provided
def test_info_runs_its_cuda_detection_in_a_child_without_a_complaint() -> None:
    env = {"CONDA_OVERRIDE_CUDA": None, "PYTHONWARNINGS": "always"}
    result = run_conda("info", "--json", env=env).ok()
    assert result.json()["conda_version"] == "24.7.1"
    for complaint in ("__spec__.parent", "freeze_support", "functools.partial", "Traceback"):
        assert complaint not in result.stderr
