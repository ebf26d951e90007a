"""The table of conda's commands that the hook runs for."""

from __future__ import annotations

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
