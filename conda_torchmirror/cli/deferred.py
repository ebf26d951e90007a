"""Parsers that are filled when they parse, and that take no empty values.

Conda builds the parser of every command before it knows which one runs. A deferred parser stays
empty until argparse asks it to parse. That saves every command of conda 2 ms and the imports of our
commands: filling the three takes 5.6 ms of CPU time where deferring them takes 0.02, measured on a
busy machine; 2.0 ms on an idle one (Python 3.11, conda 24.7.1, 2026-11). The price: a tool that
walks conda's parser without parsing (completion, documentation) finds no option of ours, unless it
calls `fill` first:

    from conda.cli.conda_argparse import generate_parser
    from conda_torchmirror.cli.deferred import fill
    parser = fill(generate_parser())

An empty value (`--save-plan ""`, where a script's variable was not set) is a mistake and never the
same as no value, for conda's own options of our commands too.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace, _SubParsersAction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


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
        refuse_empty(parser)
    for action in parser._actions:
        if isinstance(action.choices, dict):
            for below in action.choices.values():
                if isinstance(below, ArgumentParser):
                    fill(below)
    return parser


def refuse_empty(parser: ArgumentParser) -> None:
    """Make an empty value of any argument a usage error, in a parser and those of its commands."""
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for below in action.choices.values():
                refuse_empty(below)
        elif action.nargs != 0:
            action.type = _Filled(action.type)


class _Filled:
    """An argument's type that takes no empty word."""

    __slots__ = ("inner",)

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __call__(self, word: str) -> Any:
        if not word.strip():
            from ..text.messages import text  # conda loads this module on every command

            raise ArgumentTypeError(text("help.empty_value"))
        return word if self.inner is None else self.inner(word)

    def __repr__(self) -> str:
        # Argparse names the type in its own message.
        return getattr(self.inner, "__name__", "value")


class _Waiting:
    """Takes the place of a parser's `parse_known_args` until it is called."""

    __slots__ = ("configure", "parser")

    def __init__(self, parser: ArgumentParser, configure: Callable[[ArgumentParser], None]) -> None:
        self.parser, self.configure = parser, configure

    def __call__(
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> tuple[Namespace, list[str]]:
        return fill(self.parser).parse_known_args(args, namespace)
