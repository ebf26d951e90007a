"""`conda torch-mirror`: its parser, and the functions that run its commands.

Filled only when the command is on the command line. The module of a handler is imported when the
handler runs, so that a command loads nothing of the others.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable
from typing import NamedTuple

from conda.base.context import context
from conda.cli import helpers

from ..exceptions.mirror import BadRegistry
from ..exceptions.usage import BadMirror
from ..mirrors.urls import MirrorError
from ..redirect import settings
from ..text.layout import safe
from . import rewrite

EXAMPLES = """\
examples:
  conda torch-mirror list
  conda torch-mirror status
  conda torch-mirror test
  conda torch-mirror enable --mirror auto
  conda torch-mirror disable
  conda torch-mirror rewrite environment.yml
  conda torch-mirror upstream --check environment.yml
"""


class Command(NamedTuple):
    """A command of `torch-mirror`: what adds its options, and what runs it."""

    name: str
    summary: str
    configure: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]


def configure(parser: ArgumentParser) -> None:
    """Add the commands of `conda torch-mirror`."""
    parser.epilog, parser.formatter_class = EXAMPLES, RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="torch_mirror", metavar="COMMAND", required=True)
    for command in COMMANDS:
        below = commands.add_parser(
            command.name, help=command.summary, description=command.summary, add_help=False
        )
        helpers.add_parser_help(below)
        command.configure(below)
        below.set_defaults(run_torch_mirror=command.run)


def run(args: Namespace) -> int:
    """Run the command that was given."""
    code: int = args.run_torch_mirror(args)
    return code


def _list(parser: ArgumentParser) -> None:
    helpers.add_parser_json(parser)


def _status(parser: ArgumentParser) -> None:
    parser.add_argument("channels", nargs="*", metavar="CHANNEL", help="More channels to show.")
    helpers.add_parser_json(parser)


def _test(parser: ArgumentParser) -> None:
    parser.add_argument(
        "mirrors",
        nargs="*",
        metavar="MIRROR",
        help="Names or URLs, upstream for the official channels; default: those in question here.",
    )
    parser.add_argument(
        "--spec",
        action="append",
        help="Ask for the files of this release, such as pytorch=2.3; may be repeated.",
    )
    parser.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="For the whole test; default: 10."
    )
    helpers.add_parser_platform(parser)
    helpers.add_parser_networking(parser)
    helpers.add_parser_json(parser)


def _enable(parser: ArgumentParser) -> None:
    parser.add_argument(
        "channels",
        nargs="*",
        metavar="CHANNEL",
        help="Default: defaults, conda-forge, bioconda, and those of PyTorch and its relatives.",
    )
    parser.add_argument(
        "--mirror", action="append", help="A name, auto for all, or a URL; may be repeated."
    )
    parser.add_argument(
        "--hook-only",
        action="store_true",
        help="Remove the file, and redirect conda's own commands as they run.",
    )
    _system(parser)
    helpers.add_output_and_prompt_options(parser)


def _disable(parser: ArgumentParser) -> None:
    _system(parser)
    helpers.add_output_and_prompt_options(parser)


def _files(parser: ArgumentParser) -> None:
    rewrite.add_options(parser)
    helpers.add_parser_json(parser)


def _system(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--system",
        action="store_true",
        help="For everybody who uses this conda: in condarc.d of the base environment.",
    )


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


def _run_files(args: Namespace) -> int:
    """Run `rewrite` or `upstream`. Raises: BadMirror, BadRegistry."""
    try:
        return rewrite.execute(
            args,
            args.torch_mirror,
            settings.read(),
            subdir=context.subdir,
            as_json=bool(context.json),
            quiet=bool(context.quiet),
        )
    except MirrorError as error:
        if args.mirror:
            raise BadMirror(value=safe(" ".join(args.mirror)), detail=str(error)) from error
        raise BadRegistry(detail=str(error)) from error


#: In the order in which the help shows them.
COMMANDS = (
    Command(
        "list",
        "Show the mirrors that are known, and what they carry.",
        _list,
        _run_list,
    ),
    Command(
        "status",
        "Show where channels are read from now, and why.",
        _status,
        _run_status,
    ),
    Command(
        "test",
        "Ask the mirrors: which answer, how soon, and what they hold.",
        _test,
        _run_test,
    ),
    Command(
        "enable",
        "Let other tools (mamba, conda-lock) read channels from mirrors too, by a condarc file.",
        _enable,
        _run_enable,
    ),
    Command(
        "disable",
        "Turn mirrors off: remove that file, and redirect no command of conda's.",
        _disable,
        _run_disable,
    ),
    Command(
        "rewrite",
        rewrite.SUMMARIES["rewrite"],
        _files,
        _run_files,
    ),
    Command(
        "upstream",
        rewrite.SUMMARIES["upstream"],
        _files,
        _run_files,
    ),
)
