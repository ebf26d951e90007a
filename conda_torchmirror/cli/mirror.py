"""`conda torch-mirror`: its parser, and what carries each of its commands out.

Filled only when the command is on the command line. Each row of `COMMANDS` names the module that
has the handler; nothing is imported before that handler is to run.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

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
    """A command of `torch-mirror`: what adds its options, and `module.function` that runs it."""

    name: str
    summary: str
    configure: Callable[[ArgumentParser], None]
    run: str


def configure(parser: ArgumentParser) -> None:
    """Add the commands of `conda torch-mirror`."""
    from argparse import RawDescriptionHelpFormatter

    from conda.cli import helpers

    parser.epilog, parser.formatter_class = EXAMPLES, RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="torch_mirror", metavar="COMMAND", required=True)
    for command in COMMANDS:
        below = commands.add_parser(
            command.name, help=command.summary, description=command.summary, add_help=False
        )
        helpers.add_parser_help(below)
        command.configure(below)


def run(args: Namespace) -> int:
    """Run the command that was given."""
    command = next(row for row in COMMANDS if row.name == args.torch_mirror)
    module, _, function = command.run.partition(".")
    code: int = getattr(import_module(f"{__package__}.{module}"), function)(args)
    return code


def _list(parser: ArgumentParser) -> None:
    from conda.cli import helpers

    helpers.add_parser_json(parser)


def _status(parser: ArgumentParser) -> None:
    from conda.cli import helpers

    parser.add_argument("channels", nargs="*", metavar="CHANNEL", help="More channels to show.")
    helpers.add_parser_json(parser)


def _test(parser: ArgumentParser) -> None:
    from conda.cli import helpers

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
    from conda.cli import helpers

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
    from conda.cli import helpers

    _system(parser)
    helpers.add_output_and_prompt_options(parser)


def _files(parser: ArgumentParser) -> None:
    from conda.cli import helpers

    file_options(parser)
    helpers.add_parser_json(parser)


def file_options(parser: ArgumentParser) -> None:
    """Add what `rewrite` and `upstream` take, also where there is no conda."""
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="environment.yml, an explicit list or, with --pip, requirements.txt; - is a filter.",
    )
    parser.add_argument(
        "--pip",
        action="store_true",
        help="Include pip's index options: PyPI, and the wheels of PyTorch.",
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--diff", action="store_true", help="Show what would change, and stop.")
    only.add_argument(
        "--check", action="store_true", help="Exit with 1 if anything would change, and stop."
    )
    parser.add_argument("--no-backup", action="store_true", help="Keep no FILE.bak.")
    parser.add_argument(
        "--mirror", action="append", help="A name, auto for all, or a URL; may be repeated."
    )


def _system(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--system",
        action="store_true",
        help="For everybody who uses this conda: in condarc.d of the base environment.",
    )


#: In the order in which the help shows them.
COMMANDS = (
    Command(
        "list",
        "Show the mirrors that are known, and what they carry.",
        _list,
        "mirror_status.show_list",
    ),
    Command(
        "status",
        "Show where channels are read from now, and why.",
        _status,
        "mirror_status.show_status",
    ),
    Command(
        "test",
        "Ask the mirrors: which answer, how soon, and what they hold.",
        _test,
        "mirror_trial.execute",
    ),
    Command(
        "enable",
        "Let other tools (mamba, conda-lock) read channels from mirrors too, by a condarc file.",
        _enable,
        "mirror_enable.enable",
    ),
    Command(
        "disable",
        "Turn mirrors off: remove that file, and redirect no command of conda's.",
        _disable,
        "mirror_enable.disable",
    ),
    Command(
        "rewrite",
        "Point the channels in files at mirrors, and change nothing else in them.",
        _files,
        "rewrite.rewrite",
    ),
    Command(
        "upstream",
        "Point them back at the official channels, so that a file can be shared.",
        _files,
        "rewrite.upstream",
    ),
)
