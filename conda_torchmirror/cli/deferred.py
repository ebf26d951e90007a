"""Parsers that are filled when they parse, and that accept no empty values.

`plugin` hands conda parsers that stay empty until argparse asks them to parse; its docstring has
the cost and the benefit. A tool that walks conda's parser without parsing (completion,
documentation) has to fill them first:

    from conda.cli.conda_argparse import generate_parser
    from conda_torchmirror.cli.deferred import fill
    parser = fill(generate_parser())

An empty value (`--save-plan ""`, from an unset variable in a script) is an error and never the same
as no value. That includes the options of conda's own that our commands have.
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
    """Argparse's formatter with line breaks that suit Chinese too, which has no spaces and whose
    characters take two columns."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrapped(text, most=width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = (wrapped(line, indent, indent, most=width) for line in text.splitlines())
        return "\n".join("\n".join(line) for line in lines)


def fill(parser: ArgumentParser) -> ArgumentParser:
    """Fill a parser and those of its subcommands, unless already filled; return the parser."""
    configure = vars(parser).pop("configure_later", None)
    if configure is not None:
        del parser.parse_known_args
        if parser.description:  # `plugin` sets it in English, before the language is known
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
    """Make an empty value of any argument a usage error, in a parser and its subcommands."""
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for below in action.choices.values():
                refuse_empty(below)
        elif action.nargs != 0:
            action.type = _Filled(action.type)


class _Filled:
    """An argparse type that refuses an empty word, and else applies the `inner` type."""

    __slots__ = ("inner",)

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __call__(self, word: str) -> Any:
        if not word.strip():
            raise ArgumentTypeError(text("help.empty_value"))
        return word if self.inner is None else self.inner(word)

    def __repr__(self) -> str:
        # Argparse shows the type's name in its error message.
        return getattr(self.inner, "__name__", "value")
