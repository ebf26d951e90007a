"""Parsers that are filled when they parse, and `fill` for tools that walk conda's parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest
from conda.base.context import context
from conda.cli.conda_argparse import generate_parser

from conda_torchmirror.cli.deferred import fill
from conda_torchmirror.plugin import _deferred

#: Options that a reader of the help must find, by command.
OPTIONS = {
    ("torch-install",): {"--cuda", "--mirror", "--dry-run", "--name", "--save-plan", "--json"},
    ("torch-verify",): {"--require-gpu", "--report", "--prefix", "--json"},
    ("torch-mirror", "list"): {"--json"},
    ("torch-mirror", "status"): {"--json"},
    ("torch-mirror", "test"): {"--spec", "--timeout", "--platform", "--offline", "--json"},
    ("torch-mirror", "enable"): {"--mirror", "--hook-only", "--system", "--dry-run", "--json"},
    ("torch-mirror", "disable"): {"--system", "--dry-run", "--json"},
    ("torch-mirror", "rewrite"): {"--pip", "--diff", "--check", "--no-backup", "--mirror"},
    ("torch-mirror", "cache"): {"--print", "--check", "--json"},
    ("torch-mirror", "upstream"): {"--pip", "--diff", "--check", "--no-backup", "--mirror"},
}


def below(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The commands of a parser, as completion and documentation tools find them."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def options(parser: argparse.ArgumentParser) -> set[str]:
    return {word for action in parser._actions for word in action.option_strings}


@pytest.fixture
def conda_parser(sandbox) -> argparse.ArgumentParser:
    context.__init__()
    return generate_parser()


@pytest.mark.parametrize("words", OPTIONS, ids=" ".join)
def test_a_filled_parser_shows_every_option(conda_parser, words):
    parser = fill(conda_parser)
    for word in words:
        parser = dict(below(parser))[word]
    assert OPTIONS[words] <= options(parser)
    assert parser.format_help()


def test_every_command_is_in_the_table(conda_parser):
    ours = {name: parser for name, parser in below(fill(conda_parser)) if name.startswith("torch-")}
    commands = {(name,) for name in ours if name != "torch-mirror"}
    commands |= {("torch-mirror", name) for name, _ in below(ours["torch-mirror"])}
    assert commands == OPTIONS.keys()


def test_parsers_wait_until_they_parse(conda_parser):
    waiting = dict(below(conda_parser))["torch-install"]
    assert "--cuda" not in options(waiting)
    assert conda_parser.parse_args(["torch-install", "--cuda", "12.4"]).cuda == "12.4"
    assert "--cuda" in options(waiting)
    assert "--report" not in options(dict(below(conda_parser))["torch-verify"])


def test_a_parser_is_filled_once():
    filled = []

    def configure(parser: argparse.ArgumentParser) -> None:
        filled.append(parser)
        parser.add_argument("--given", action="store_true")

    root = argparse.ArgumentParser()
    commands = root.add_subparsers()
    ours, other = commands.add_parser("ours"), commands.add_parser("other")
    _deferred(configure)(ours)
    assert root.parse_args(["other"]) == argparse.Namespace()
    assert filled == []
    for _ in range(2):
        assert root.parse_args(["ours", "--given"]).given
    assert fill(root) is root
    assert filled == [ours]
    assert other.format_help()
