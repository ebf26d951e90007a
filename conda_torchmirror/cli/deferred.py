"""Parsers that are filled when they parse, and that accept no empty values.

`plugin` hands conda parsers that stay empty until argparse asks them to parse; its docstring has
the cost and the benefit. A tool that walks conda's parser without parsing (completion,
documentation) has to fill them first:

    from conda.cli.conda_argparse import generate_parser
    from conda_torchmirror.cli.deferred import fill
    parser = fill(generate_parser())

An empty value (`--save-plan ""`, from an unset variable in a script) is an error and never the same
as no value. That includes the options of conda's own that our commands have. What is wrong with a
command line is said in a sentence, with the nearest word, where argparse prints every option.
"""

from __future__ import annotations

import re
from argparse import (
    SUPPRESS,
    ArgumentParser,
    ArgumentTypeError,
    RawDescriptionHelpFormatter,
    _SubParsersAction,
)
from collections.abc import Sequence
from typing import Any, NoReturn

from ..text.layout import bullet, wrapped
from ..text.messages import fill as translated
from ..text.messages import text
from ..text.output import warn
from ..text.sanitize import safe

#: Argparse's messages by the code of our sentence; `of` is an argument, its names with slashes.
_MESSAGES = {
    "usage_choice": r"argument (?P<of>.+?): invalid choice: (?P<value>.+) "
    r"\(choose from (?P<all>.*)\)",
    "usage_no_value": r"argument (?P<of>.+?): expected (?:one|at least one|\d+) arguments?",
    "usage_missing": r"the following arguments are required: (?P<of>.+)",
    "usage_beside": r"argument (?P<of>.+?): not allowed with argument (?P<other>.+)",
    "usage_ambiguous": r"ambiguous option: (?P<value>.+) could match (?P<all>.+)",
    "usage_number": r"argument (?P<of>.+?): invalid (?:int|float) value: (?P<value>.+)",
    "usage_takes_none": r"argument (?P<of>.+?): ignored explicit argument (?P<value>.+)",
    "usage_of": r"argument (?P<of>.+?): (?P<said>.+)",
}

#: Options that `torch-install` does not have, with the value of `--cuda` that they mean.
_KINDS = {
    **dict.fromkeys(("--cpu", "--cpu-only", "--cpuonly", "--no-cuda", "--no-gpu"), "cpu"),
    **dict.fromkeys(("--gpu", "--use-cuda"), "auto"),
}
#: Words for what is another word here, none of which is near to it.
_SAME = {
    **{"pip": "wheels", "pypi": "wheels", "show": "status"},
    **dict.fromkeys(("use", "set", "on"), "enable"),
    **dict.fromkeys(("off", "unset", "remove", "restore"), "disable"),
}


class HelpFormatter(RawDescriptionHelpFormatter):
    """Argparse's formatter with line breaks that suit Chinese too, which has no spaces and whose
    characters take two columns, and with breaks between the alternatives of a usage, which argparse
    keeps on one line."""

    def _format_usage(self, *args: Any) -> str:
        lines = []
        for line in super()._format_usage(*args).split("\n"):
            below = " " * (len(line) - len(line.lstrip()) + 1)
            while (
                len(line) > self._width and (at := line.rfind(" | ", len(below), self._width)) > 0
            ):
                lines.append(line[: at + 2])
                line = below + line[at + 3 :]
            lines.append(line)
        return "\n".join(lines)

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
        say_what_is_wrong(parser)
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


def say_what_is_wrong(parser: ArgumentParser) -> None:
    """Have a parser and its subcommands say in a sentence, and in the reader's language, what is
    wrong with a command line, and end with exit code 2 as argparse does."""
    parse = parser.parse_known_args

    def parse_known_args(args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        for word in args or ():
            if word == "--":
                break
            # Argparse would read this option of pip as `--prefix`.
            if word == "--pre" and word not in parser._option_string_actions:
                _refuse(parser, *_unknown(parser, word, args))
            # And `-cuda` as a channel `uda`, `-python` as a folder `ython`.
            if word[:2] != "--" and f"-{word.partition('=')[0]}" in _long(parser):
                _refuse(parser, *_unknown(parser, word, args))
        if "--source" in parser._option_string_actions and (said := _pasted(args or ())):
            _refuse(parser, *said)
        found, rest = parse(args, namespace)
        if rest:
            _refuse(parser, *_unknown(parser, next(filter(_is_option, rest), rest[0]), args))
        return found, rest

    def error(message: str) -> NoReturn:
        said, meant = _explained(message)
        meant = meant or _with_value(parser, message)
        _refuse(parser, said, _meant(meant) if meant else None)

    vars(parser).update(parse_known_args=parse_known_args, error=error)
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for below in action.choices.values():
                say_what_is_wrong(below)


def _long(parser: ArgumentParser) -> list[str]:
    return [option for option in parser._option_string_actions if option.startswith("--")]


def _is_option(word: str) -> bool:
    return word.startswith("-")


def _meant(nearest: str) -> str:
    return text("help.usage_meant", {"nearest": nearest})


def _refuse(parser: ArgumentParser, said: str, step: str | None) -> NoReturn:
    # `python -m conda` calls itself by its file.
    command = re.sub(r"^\S+(?= torch-)", "conda", parser.prog.strip())
    steps = [step] if step else []
    steps.append(text("help.usage_help", {"command": command}))
    lines = [*wrapped(said, f"{command}: "), "", text("show.next_steps")]
    warn(safe("\n".join([*lines, *(line for step in steps for line in bullet(step))])))
    raise SystemExit(2)


def _pasted(words: Sequence[str]) -> tuple[str, str] | None:
    """The sentence on another installer's command among the words, and the step to ours."""
    # Only `-f`, and words such as `install`, make it worth while to look.
    if not {"-f", "install", "create", "add"} & {*words}:
        return None
    from . import pasted

    if other := pasted.other_command(words):
        value, rest = other
        here = pasted.command(rest)
        step = "other_command" if here else "other_left_out"
        said = text("help.usage_other", {"value": value})
        return said, text(f"help.{step}", {"value": value, "command": here})
    if page := pasted.page_of_wheels(words):
        here = pasted.command(words)
        step = "pip_index_command" if here else "pip_index"
        return text("help.usage_page", {"value": page}), text(f"help.{step}", {"command": here})
    return None


def _unknown(
    parser: ArgumentParser, word: str, words: Sequence[str] | None = None
) -> tuple[str, str | None]:
    """The sentence on a word that the parser has no use for, and the step to what is meant, by all
    the words of the command line."""
    name = word.partition("=")[0]
    options = parser._option_string_actions
    if not _is_option(word):
        step = None
        if any(not action.option_strings for action in parser._actions):
            # Argparse takes one run of words.
            step = text("help.usage_together")
        elif "-n" in options and re.fullmatch(r"\w[\w.-]*", word):
            # To `torch-verify`, which takes no words, the name of an environment is given as one.
            step = _meant(f"-n {word}")
        return text("help.usage_word", {"value": word}), step
    said = text("help.usage_option", {"value": name})
    if "--source" in options:
        from . import pasted

        if code := pasted.PIP_STEPS.get(name):
            code = pasted.step(words or (), code)
            here = pasted.command(words or ()) if code == "pip_index" else None
            if here is not None:
                return said, text("help.pip_index_command", {"command": here})
            return said, text(f"help.{code}")
    if "--cuda" in options and name in _KINDS:
        return said, _meant(f"--cuda {_KINDS[name]}")
    # Without the hyphens, which all of them have in common.
    long = {option[2:]: option for option in _long(parser)}
    nearest = _nearest(name.lstrip("-"), list(long), 0.7)
    return said, _meant(long[nearest]) if nearest else None


def _explained(message: str) -> tuple[str, str | None]:
    """The sentence for an error message of argparse, and the word likely meant.

    Its messages are all that every Python from 3.9 on hands over; an unknown one is shown itself.
    """
    for code, pattern in _MESSAGES.items():
        if found := re.fullmatch(pattern, message, re.DOTALL):
            facts = {key: value.rpartition("/")[2] for key, value in found.groupdict().items()}
            value, every = found.groupdict().get("value"), found.groupdict().get("all")
            words = re.findall(r"[^\s,']+", every or "")
            if every is not None:
                facts["all"] = ", ".join(words)
            if value is not None:
                facts["value"] = value.strip("'\"")
            meant = None
            if code == "usage_choice":
                said = _SAME.get(facts["value"].lower())
                meant = said if said in words else _nearest(facts["value"], words)
            return text(f"help.{code}", facts), meant
    return message, None


def _with_value(parser: ArgumentParser, message: str) -> str | None:
    """The form with a value of an option that takes no other, such as `--urls=aria2`."""
    found = re.fullmatch(_MESSAGES["usage_takes_none"], message, re.DOTALL)
    shown = (action for action in parser._actions if action.help != SUPPRESS)
    options = (option for action in shown for option in action.option_strings)
    return next((one for one in options if found and one.startswith(f"{found['of']}=")), None)


def _nearest(word: str, known: Sequence[str], likeness: float = 0.6) -> str | None:
    import difflib  # only a wrong command line needs it

    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=likeness)), None)


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
