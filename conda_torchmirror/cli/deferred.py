"""Parsers that are filled when they parse, and that take no empty values.

`plugin` hands conda parsers that stay empty until argparse asks them to parse; what that saves and
costs is said there. A tool that walks conda's parser without parsing (completion, documentation)
fills them first:

    from conda.cli.conda_argparse import generate_parser
    from conda_torchmirror.cli.deferred import fill
    parser = fill(generate_parser())

An empty value (`--save-plan ""`, where a script's variable was not set) is a mistake and never the
same as no value, for conda's own options of our commands too.
"""

from __future__ import annotations

from argparse import (
    ArgumentParser,
    ArgumentTypeError,
    RawDescriptionHelpFormatter,
    _SubParsersAction,
)
from typing import Any

from ..text.layout import wrapped
from ..text.messages import fill as translated
from ..text.messages import text


class HelpFormatter(RawDescriptionHelpFormatter):
    """Argparse's own, with lines that Chinese fits into too: it has no spaces, and is wider than
    it is long."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrapped(text, most=width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = (wrapped(line, indent, indent, most=width) for line in text.splitlines())
        return "\n".join("\n".join(line) for line in lines)


def fill(parser: ArgumentParser) -> ArgumentParser:
    """Fill a parser and all parsers of its commands; return it. Those that are full stay as is."""
    configure = vars(parser).pop("configure_later", None)
    if configure is not None:
        del parser.parse_known_args
        if parser.description:  # `plugin` names the command in English, before anybody reads
            parser.description = translated(parser.description, {}, parser.prog.split()[-1])
        configure(parser)
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
            raise ArgumentTypeError(text("help.empty_value"))
        return word if self.inner is None else self.inner(word)

    def __repr__(self) -> str:
        # Argparse names the type in its own message.
        return getattr(self.inner, "__name__", "value")
