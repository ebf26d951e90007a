"""Parsers that are filled when they parse.

Conda builds the parser of every command before it knows which one runs. A deferred parser stays
empty until argparse asks it to parse. Its price: a tool that walks conda's parser without parsing
(completion, documentation) finds no option of ours, unless it calls `fill` first:

    from conda.cli.conda_argparse import generate_parser
    from conda_torchmirror.cli.deferred import fill
    parser = fill(generate_parser())
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def deferred(configure: Callable[[ArgumentParser], None]) -> Callable[[ArgumentParser], None]:
    """Return a `configure_parser` for conda that has `configure` wait until the parser parses."""

    def configure_later(parser: ArgumentParser) -> None:
        parser.parse_known_args = _Waiting(parser, configure)  # type: ignore[assignment]

    return configure_later


def fill(parser: ArgumentParser) -> ArgumentParser:
    """Fill a parser and all parsers of its commands; return it. Those that are full stay as is."""
    waiting = vars(parser).get("parse_known_args")
    if isinstance(waiting, _Waiting):
        del parser.parse_known_args
        waiting.configure(parser)
    for action in parser._actions:
        if isinstance(action.choices, dict):
            for below in action.choices.values():
                if isinstance(below, ArgumentParser):
                    fill(below)
    return parser


class _Waiting:
    """Takes the place of a parser's `parse_known_args` until it is called."""

    __slots__ = ("configure", "parser")

    def __init__(self, parser: ArgumentParser, configure: Callable[[ArgumentParser], None]) -> None:
        self.parser, self.configure = parser, configure

    def __call__(
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> tuple[Namespace, list[str]]:
        return fill(self.parser).parse_known_args(args, namespace)
