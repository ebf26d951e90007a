"""The table of conda's commands, and what the hook costs those with nothing to redirect."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from conda_torchmirror.hooks import commands

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
            found.add(plugin.name)
        elif isinstance(name, str):
            found.add(name.split(".")[-2].replace("main_", ""))
        for action in parser._actions:
            if isinstance(action, _SubParsersAction):
                for below in action.choices.values():
                    collect(below)

    collect(generate_parser())
    ours = {*commands.REDIRECTED, *commands.PLAIN}
    assert {name.removeprefix("mock_") for name in found} - ours - SHELL <= {"check", "env"}
    assert not set(commands.REDIRECTED) & commands.PLAIN
    assert {"run", "config", "clean"} <= commands.PLAIN


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
        "cli",
        "cli.deferred",
        "hooks",
        "hooks.commands",
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
        *("plugin", "cli", "cli.deferred", "hooks", "hooks.commands", "hooks.redirect"),
        *("redirect", "redirect.named_channels", "redirect.settings", "redirect.policy"),
        "redirect.configuration",
        *("redirect.in_process", "mirrors", "mirrors.preference", "mirrors.registry"),
        *("mirrors.urls", "text", "text.messages"),
        *("text.layout", "text.output", "text.tables", "text.tables.mirrors"),
    }
