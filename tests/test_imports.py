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

#: What every command of conda loads of ours.
EVERY = {"", "plugin"}
#: What a command loads whose channels have no mirror.
LOOKED = EVERY | {"redirect", "redirect.named_channels"}
#: What a command loads whose channels are redirected.
REDIRECTED = LOOKED | {
    *("hooks", "hooks.redirect"),
    *("mirrors", "mirrors.registry", "mirrors.urls"),
    *("redirect.configuration", "redirect.in_process", "redirect.moved_channels"),
    *("redirect.policy", "redirect.settings"),
}
#: What reading an index adds: emptied ones are looked for.
READ = {"index", "index.emptied"}
#: What one line on standard error adds.
TOLD = {
    *("text", "text.language", "text.messages", "text.output", "text.sanitize"),
    *("text.tables", "text.tables.mirrors"),
}

#: conda's words, and exactly what of ours they load until the command itself begins. With `-C` no
#: index is fetched, so that no mirror is asked before.
CASES = {
    ("config", "--show"): EVERY,
    ("run", "-n", "env", "x"): EVERY,
    ("list", "-n", "env"): LOOKED,
    ("install", "-n", "env", "-c", "mine", "--override-channels", "x"): LOOKED,
    ("list", "-n", "of-pytorch"): REDIRECTED,
    ("install", "-n", "env", "-C", "-c", "pytorch", "x"): REDIRECTED | READ | TOLD,
    ("info",): REDIRECTED | TOLD,
}

#: As conda does it up to the command; without our plugin where the first word says so.
SCRIPT = """
import json, sys
from conda.base.context import context
from conda.cli.conda_argparse import generate_parser
if sys.argv[1] == "without":
    sys.modules["conda_torchmirror.plugin"] = None  # conda goes on without a plugin that fails
words = sys.argv[2:]
context.__init__()
context.__init__(argparse_args=generate_parser().parse_args(words))
context.plugin_manager.invoke_pre_commands(words[0])
print(json.dumps(sorted(sys.modules)))
"""


def loaded(which: str, words: tuple[str, ...]) -> set[str]:
    """The modules that are loaded when a command begins, with or without our plugin."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, which, *words], capture_output=True, text=True, check=True
    )
    assert "torchmirror: not" not in done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("words", CASES, ids=" ".join)
def test_a_command_loads_what_it_needs_and_nothing_else(sandbox, condarc, words):
    condarc(channels=["pytorch", "mine"] if words == ("info",) else ["mine"])
    for name, line in {"env": "mine/noarch::x-1-0", "of-pytorch": "pytorch/noarch::x-1-0"}.items():
        meta = sandbox.envs / name / "conda-meta"
        meta.mkdir(parents=True)
        (meta / "history").write_text(f"+{line}\n")
    with_ours = loaded("with", words)
    ours = {name for name in with_ours if name.split(".")[0] == "conda_torchmirror"}
    assert {name.partition(".")[2] for name in ours} == CASES[words]
    # Of the standard library, of conda and of others: nothing that conda has not loaded.
    assert with_ours - ours - loaded("without", words) == set()


def test_what_rewrites_files_is_loaded_for_that_alone(sandbox, condarc):
    """Every command of torch-mirror has the options of `rewrite` in its parser."""
    there = loaded("with", ("torch-mirror", "list"))
    assert "conda_torchmirror.cli.files.options" in there
    assert [name for name in there if name.startswith("conda_torchmirror.envfiles")] == []


@pytest.mark.parametrize("name", sorted(REDIRECTED | READ | TOLD))
def test_what_the_redirect_loads_compiles_no_pattern(name):
    """One took 5 ms of a command's 15: `re` compiles those that are used when they are used."""
    path = PACKAGE.joinpath(*name.split("."))
    tree = ast.parse(
        (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
    )
    top = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    called = [node for one in top for node in ast.walk(one) if isinstance(node, ast.Call)]
    assert not [call for call in called if ast.unparse(call.func) in ("re.compile", "compile")]


#: Exactly what of ours a preview by the built-in index loads, from the first line to the last.
PREVIEW = EVERY | {
    *("cli", "cli.deferred", "cli.install", "cli.install_output"),
    *("exceptions", "exceptions.base", "exceptions.channel", "exceptions.choice"),
    *("exceptions.environment", "exceptions.mirror", "exceptions.plan", "exceptions.usage"),
    *("handover", "handover.channels", "handover.interrupts"),
    *("index", "index.builtin", "index.cache", "index.hidden", "index.match"),
    "index.sources",
    *("install", "install.attempt", "install.decide", "install.departures", "install.notices"),
    *("install.request", "install.run", "install.sources", "install.sources.answer"),
    "install.sources.given",
    *("install.sources.reading", "install.sources.told", "install.sources.words", "install.task"),
    *("machine", "machine.accelerators", "machine.dependents", "machine.driver_calls"),
    "machine.environment",
    "machine.evidence",
    *("machine.nvidia", "machine.survey", "machine.system"),
    *("mirrors", "mirrors.addresses", "mirrors.registry", "mirrors.urls"),
    "models",
    "options",
    *("redirect", "redirect.configuration", "redirect.in_process", "redirect.moved_channels"),
    "redirect.named_channels",
    *("redirect.own", "redirect.own.channels", "redirect.settings"),
    *("selection", "selection.catalog", "selection.choose", "selection.facts"),
    *("selection.facts.conda_forge", "selection.facts.cuda", "selection.facts.gpu_code"),
    *("selection.facts.names", "selection.facts.pytorch", "selection.facts.record"),
    *("selection.fit", "selection.plan", "selection.rules", "selection.shell"),
    "selection.sources",
    *("selection.sources.compare", "selection.sources.forge_tables", "selection.sources.order"),
    "selection.sources.wanted",
    "selection.specs",
    *("text", "text.decision", "text.language", "text.layout", "text.messages"),
    *("text.output", "text.reasons", "text.sanitize", "text.tables"),
    *("text.tables.decision", "text.tables.hints", "text.tables.mirrors"),
    "text.tables.options",
    *("transport", "transport.routes"),
}

#: As conda does it to the end of the command.
WHOLE = """
import contextlib, json, sys
from conda.cli.main import main_subshell
with contextlib.redirect_stdout(sys.stderr):
    assert main_subshell(*sys.argv[1:]) == 0
print(json.dumps(sorted(sys.modules)))
"""


def loaded_by(*words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", WHOLE, *words], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_a_preview_loads_what_it_shows_and_nothing_else(sandbox, condarc):
    condarc(channels=["defaults"])
    (sandbox.envs / "env" / "conda-meta").mkdir(parents=True)
    (sandbox.envs / "env" / "conda-meta" / "history").touch()
    found = loaded_by("torch-install", "--cuda", "12.4", "--dry-run", "--offline")
    ours = {name for name in found if name.split(".")[0] == "conda_torchmirror"}
    assert {name.partition(".")[2] for name in ours} == PREVIEW
    # What conda loads of itself for match specs is conda's; of others there are only versions.
    others = {name.split(".")[0] for name in found - ours - loaded_by("list", "-n", "env")}
    assert others - sys.stdlib_module_names <= {"conda", "packaging"}
    assert others & sys.stdlib_module_names <= {"gc"}  # part of the interpreter


#: As conda does it, up to what the interpreter does after the command: handlers run last in, first
#: out, so this one sees what ours left.
ENDING = """
import atexit, gc, sys
atexit.register(lambda: print(gc.get_freeze_count(), file=sys.stderr))
from conda.cli.main import main
sys.exit(main(*sys.argv[1:]))
"""


def test_nothing_is_searched_for_garbage_as_our_command_ends(sandbox):
    def frozen(*words: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", ENDING, *words], capture_output=True, text=True, check=True
        )
        return int(done.stderr.splitlines()[-1])

    assert frozen("torch-install", "--cuda", "12.4", "--dry-run", "--offline") > 10_000
    # Some versions of Python freeze what they start with.
    plain = subprocess.run(
        [sys.executable, "-c", "import gc; print(gc.get_freeze_count())"],
        capture_output=True,
        check=True,
    )
    assert frozen("config", "--show", "channels") == int(plain.stdout)


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


def test_no_dependency_that_a_conda_base_lacks():
    allowed = {*sys.stdlib_module_names, "conda", "packaging", "ruamel", "requests", "urllib3"}
    for path in PACKAGE.rglob("*.py"):
        if path.name != "check_torch.py":
            assert imported(path) <= allowed, path


def test_every_module_says_what_it_owns():
    for path in PACKAGE.rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_importing_every_module_prints_and_writes_nothing(tmp_path):
    program = """
import importlib, pkgutil, sys, conda_torchmirror
for found in pkgutil.walk_packages(conda_torchmirror.__path__, "conda_torchmirror."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "argument"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr, os.listdir(tmp_path)) == (0, "", "", [])
