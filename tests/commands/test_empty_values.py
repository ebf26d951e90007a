"""An empty value, as a script passes where its variable was not set, is a usage error."""

from __future__ import annotations

import argparse

import pytest

from conda_torchmirror import __main__
from conda_torchmirror.cli import deferred


def valued() -> list[tuple[str, ...]]:
    """Every argument with a value of every command of ours, as the words that leave it empty."""
    from conda.cli.conda_argparse import generate_parser

    found: list[tuple[str, ...]] = []

    def collect(parser: argparse.ArgumentParser, words: tuple[str, ...]) -> None:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, below in action.choices.items():
                    collect(below, (*words, name))
            elif action.nargs != 0:
                found.append((*words, *action.option_strings[-1:], ""))

    root = deferred.fill(generate_parser())
    (commands,) = (a for a in root._actions if isinstance(a, argparse._SubParsersAction))
    for name in ("torch-install", "torch-mirror", "torch-verify"):
        collect(commands.choices[name], (name,))
    return found


def test_no_argument_of_ours_takes_an_empty_value(conda_in_process, capsys):
    conda_in_process("info", "--json").ok()  # loads the solvers that the parser names
    from conda.cli.conda_argparse import generate_parser

    words = valued()
    assert len(words) > 20
    parser = deferred.fill(generate_parser())
    for each in words:
        with pytest.raises(SystemExit) as end:
            parser.parse_args(each)
        assert end.value.code == 2, each
    assert "Traceback" not in capsys.readouterr().err


OPTIONS = ["--save-plan", "--plan", "--mirror", "--python", "--cuda", "-n", "-p", "-c"]


@pytest.mark.parametrize("option", OPTIONS)
def test_nothing_is_installed(mirrored, mirror, conda_in_process, option):
    result = conda_in_process("torch-install", "-y", option, "")
    assert result.rc == 2
    assert "its value is empty" in result.stderr
    assert not mirror.requests


@pytest.mark.parametrize("words", [("",), ("--mirror", "", "x.yml"), ("--mirror", " ", "x.yml")])
def test_without_conda_too(words, capsys):
    with pytest.raises(SystemExit) as end:
        __main__.main(["rewrite", *words])
    assert end.value.code == 2
    assert "its value is empty" in capsys.readouterr().err
