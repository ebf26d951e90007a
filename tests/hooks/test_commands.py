"""The table of conda's commands, and what the hook costs those with nothing to redirect."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from conda.plugins import hookimpl

from conda_torchmirror.plugin import PLAIN, REDIRECTED

#: Shell functions, which no hook is called for.
SHELL = {"activate", "deactivate"}


def test_every_command_of_this_conda_is_in_the_table():
    from argparse import _SubParsersAction

    from conda.cli.conda_argparse import generate_parser

    found: set[str] = set()

    def collect(parser: Any) -> None:
        name = parser.get_default("func")
        plugin = parser.get_default("_plugin_subcommand")
        if plugin is not None:
            # Which others there are is not conda's to say; those that we know are in the table.
            if plugin.action.__module__.startswith("conda."):
                found.add(plugin.name)
        elif isinstance(name, str):
            found.add(name.split(".")[-2].replace("main_", ""))
        for action in parser._actions:
            if isinstance(action, _SubParsersAction):
                for below in action.choices.values():
                    collect(below)

    collect(generate_parser())
    ours = {*REDIRECTED, *PLAIN}
    assert {name.removeprefix("mock_") for name in found} - ours - SHELL <= {"env"}
    assert not set(REDIRECTED) & PLAIN
    assert {"run", "config", "clean"} <= PLAIN


def test_a_plugin_that_the_table_does_not_know_is_nothing_to_it(monkeypatch):
    from conda.base.context import context
    from conda.plugins.types import CondaSubcommand

    class Plugin:
        @hookimpl
        def conda_subcommands(self):
            yield CondaSubcommand(name="unheard-of", summary="", action=print)

    manager = context.plugin_manager
    manager.register(Plugin(), name="unheard-of")
    try:
        test_every_command_of_this_conda_is_in_the_table()
    finally:
        manager.unregister(name="unheard-of")


@pytest.mark.parametrize("name", ["check", "exec", "global", "workspace", "ws", "pypi"])
def test_plugins_that_call_the_solver_directly_are_in_it(name):
    assert name in REDIRECTED


def test_nothing_to_redirect_imports_next_to_nothing(sandbox):
    script = (
        "import sys, json\n"
        "from conda.cli.main import main_subshell\n"
        "main_subshell('list', '-p', sys.argv[1])\n"
        "print(json.dumps([n for n in sys.modules if n.startswith('conda_torchmirror')]))\n"
    )
    prefix = sandbox.envs / "empty"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta" / "history").touch()
    env = {**os.environ, "CONDA_CHANNELS": "mine"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(prefix)],
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    light = (
        "plugin",
        "hooks",
        "hooks.redirect",
        "redirect",
        "redirect.named_channels",
    )
    assert loaded <= {"conda_torchmirror", *(f"conda_torchmirror.{name}" for name in light)}


def test_redirecting_imports_no_more_than_it_can_afford(sandbox, condarc):
    script = (
        "import sys, json\n"
        "from conda.base.context import context\n"
        "from conda.models.channel import Channel\n"
        "from conda_torchmirror.plugin import _before\n"
        "context.__init__()\n"
        "_before('info')\n"
        "print(json.dumps([Channel('pytorch').base_url, *sys.modules]))\n"
    )
    condarc(channels=["pytorch", "defaults"])
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    url, *modules = json.loads(done.stdout)
    assert url == "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch"
    assert done.stderr.startswith("torchmirror: pytorch from tuna; defaults from tuna, nju (")
    ours = {name.partition(".")[2] for name in modules if name.startswith("conda_torchmirror.")}
    assert ours == {
        *("plugin", "hooks", "hooks.redirect"),
        *("redirect", "redirect.named_channels", "redirect.settings", "redirect.policy"),
        "redirect.configuration",
        "redirect.own_channels",
        *("redirect.in_process", "mirrors", "mirrors.preference", "mirrors.registry"),
        *("mirrors.urls", "text", "text.messages"),
        *("text.layout", "text.output", "text.tables", "text.tables.mirrors"),
    }
