"""`conda torch-mirror`: its parser, and the functions that run its commands.

The parser is only filled when the command runs. A handler's module is imported when the handler is
called.
"""

from __future__ import annotations

from argparse import (
    ArgumentParser,
    ArgumentTypeError,
    Namespace,
)
from collections.abc import Callable
from typing import NamedTuple

from conda.base.context import context
from conda.cli import helpers
from conda.common.constants import NULL

from ..mirrors.urls import MirrorError
from ..redirect import settings
from ..text.messages import text
from ..text.output import say
from .deferred import HelpFormatter
from .files.options import add_options

#: Upper limit of `torch-mirror test --timeout`, in seconds.
LONGEST = 600


class Command(NamedTuple):
    """A subcommand of `torch-mirror`: the functions that add its options and that run it."""

    name: str
    configure: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]

    @property
    def summary(self) -> str:
        """What the command does, in one sentence."""
        return text(f"help.mirror_{self.name}")


def configure(parser: ArgumentParser) -> None:
    """Add the commands of `conda torch-mirror`."""
    parser.epilog = text("help.mirror_examples")
    parser.formatter_class = HelpFormatter
    commands = parser.add_subparsers(dest="torch_mirror", metavar="COMMAND")
    for command in COMMANDS:
        below = commands.add_parser(
            command.name,
            help=command.summary,
            description=command.summary,
            formatter_class=HelpFormatter,
            add_help=False,
        )
        helpers.add_parser_help(below)
        command.configure(below)


def run(args: Namespace) -> int:
    """Run the subcommand and return its exit code; without one, show the help."""
    for command in COMMANDS:
        if command.name == args.torch_mirror:
            return command.run(args)
    parser = ArgumentParser(prog="conda torch-mirror")
    configure(parser)
    say(parser.format_help().rstrip())
    return 0


def _list(parser: ArgumentParser) -> None:
    helpers.add_parser_json(parser)


def _status(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("channels", nargs="*", metavar="CHANNEL", help=text("help.status_channels"))
    helpers.add_parser_json(parser)


def _test(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("mirrors", nargs="*", metavar="MIRROR", help=text("help.test_mirrors"))
    add("--spec", action="append", help=text("help.test_spec"))
    add("--timeout", type=_seconds, metavar="SECONDS", help=text("help.test_timeout"))
    helpers.add_parser_platform(parser)
    helpers.add_parser_networking(parser)
    helpers.add_parser_json(parser)


def _seconds(word: str) -> float:
    """Parse a duration in seconds, above 0 and at most `LONGEST`. Raises: ArgumentTypeError."""
    try:
        seconds = float(word)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= LONGEST:  # false for NaN too
        raise ArgumentTypeError(text("help.bad_seconds", {"most": LONGEST}))
    return seconds


def _enable(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("channels", nargs="*", metavar="CHANNEL", help=text("help.enable_channels"))
    add("--mirror", action="append", help=text("help.mirror"))
    add("--hook-only", action="store_true", help=text("help.hook_only"))
    _disable(parser)


def _disable(parser: ArgumentParser) -> None:
    parser.add_argument("--system", action="store_true", help=text("help.system"))
    helpers.add_output_and_prompt_options(parser)


def _files(parser: ArgumentParser) -> None:
    add_options(parser)
    helpers.add_parser_json(parser)


def _cache(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("channels", nargs="*", metavar="CHANNEL", help=text("help.cache_channels"))
    add("--print", choices=("nginx", "registry", "condarc", "pip"), help=text("help.cache_print"))
    add("--check", metavar="DIR", help=text("help.cache_check"))
    add("--mirror", action="append", help=text("help.mirror"))
    add("--dir", help=text("help.cache_dir"))
    add("--port", type=int, default=8080, help=text("help.cache_port"))
    add("--url", help=text("help.cache_url"))
    add("-d", "--dry-run", action="store_true", default=NULL, help=text("help.cache_dry_run"))
    helpers.add_parser_json(parser)


def _run_list(args: Namespace) -> int:
    from .mirror_status import show_list

    return show_list(args)


def _run_status(args: Namespace) -> int:
    from .mirror_status import show_status

    return show_status(args)


def _run_test(args: Namespace) -> int:
    from .mirror_trial import execute

    return execute(args)


def _run_enable(args: Namespace) -> int:
    from .mirror_enable import enable

    return enable(args)


def _run_disable(args: Namespace) -> int:
    from .mirror_enable import disable

    return disable(args)


def _run_cache(args: Namespace) -> int:
    from .fleet.cache import execute

    return execute(args)


def _run_files(args: Namespace) -> int:
    """Run `rewrite` or `upstream`. Raises: BadMirror, BadRegistry."""
    from .files.rewrite import execute

    try:
        return execute(
            args,
            args.torch_mirror,
            settings.read(),
            subdir=context.subdir,
            as_json=bool(context.json),
            quiet=bool(context.quiet),
        )
    except MirrorError as error:
        raise settings.unusable(error, args.mirror or ()) from error


#: In the order in which the help shows them.
COMMANDS = (
    Command("list", _list, _run_list),
    Command("status", _status, _run_status),
    Command("test", _test, _run_test),
    Command("enable", _enable, _run_enable),
    Command("disable", _disable, _run_disable),
    Command("cache", _cache, _run_cache),
    Command("rewrite", _files, _run_files),
    Command("upstream", _files, _run_files),
)
