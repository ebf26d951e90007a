"""What may be imported, when and by whom: the plugin is loaded on every conda command."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.imports import imported

import conda_torchmirror

PACKAGE = Path(conda_torchmirror.__file__).parent
#: What loading the plugin and building its parsers may bring into the process.
LIGHT = {
    "conda_torchmirror",
    "conda_torchmirror.plugin",
}
#: Modules that decide, and therefore touch nothing: no conda, no HTTP, no subprocess.
PURE = (
    "envfiles/channel_entry",
    "envfiles/kind",
    "envfiles/pip_options",
    "envfiles/rewrite",
    "envfiles/source_text",
    "envfiles/yaml_outline",
    "index/builtin",
    "mirrors/addresses",
    "mirrors/urls",
    "mirrors/preference",
    "mirrors/schema",
    "mirrors/registry",
    "models",
    "selection/alternatives",
    "selection/choose",
    "selection/cuda",
    "selection/facts/names",
    "selection/facts/pytorch",
    "selection/facts/record",
    "selection/fit",
    "selection/plan",
    "selection/rules",
    "selection/specs",
    "text/layout",
    "text/messages",
)
FORBIDDEN = {"conda", "requests", "urllib3", "subprocess", "socket", "http", "ctypes"}

SCRIPT = """
import json, sys
from conda.base.context import context
from conda.cli.conda_argparse import generate_parser
context.__init__()
context.plugin_manager  # loads every plugin
before = set(sys.modules)
generate_parser()
ours = sorted(name for name in sys.modules if name.split(".")[0] == "conda_torchmirror")
print(json.dumps([ours, sorted(set(sys.modules) - before)]))
"""


def test_every_command_loads_the_hooks_and_the_parsers_alone(sandbox):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    ours, added = json.loads(done.stdout)
    assert set(ours) <= LIGHT
    assert not [name for name in added if name.split(".")[0] in ("packaging", "ruamel", "ctypes")]


@pytest.mark.parametrize("command", [("list",), ("info", "--json"), ("config", "--show-sources")])
def test_other_commands_do_not_reach_the_stages(sandbox, run_conda, tmp_path, command):
    log = tmp_path / "modules"
    # Beside the tests' own, which keeps the command on loopback and in its sandbox.
    guard = os.environ["PYTHONPATH"].split(os.pathsep)[0]
    hook = tmp_path / "sitecustomize.py"
    hook.write_text(
        "import atexit, runpy, sys\n"
        f"atexit.register(lambda: open({str(log)!r}, 'w').write('\\n'.join(sys.modules)))\n"
        f"runpy.run_path({os.path.join(guard, 'sitecustomize.py')!r})\n"
    )
    if command == ("list",):
        (tmp_path / "env" / "conda-meta").mkdir(parents=True)
        (tmp_path / "env" / "conda-meta" / "history").touch()
        command = ("list", "-p", tmp_path / "env")
    run_conda(*command, env={"PYTHONPATH": str(tmp_path)}).ok()
    loaded = set(log.read_text().splitlines())
    assert "conda_torchmirror.plugin" in loaded
    assert not loaded & {
        f"conda_torchmirror.{name}" for name in ("install", "selection.choose", "index")
    }


@pytest.mark.parametrize("name", PURE)
def test_what_decides_touches_nothing(name):
    assert not imported(PACKAGE / f"{name}.py") & FORBIDDEN


def test_no_dependency_that_a_conda_base_lacks():
    allowed = {*sys.stdlib_module_names, "conda", "packaging", "ruamel", "requests", "urllib3"}
    for path in PACKAGE.rglob("*.py"):
        if path.name != "check_torch.py":
            assert imported(path) <= allowed, path


def test_every_module_says_what_it_owns():
    for path in PACKAGE.rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path
