"""`python -m conda_torchmirror rewrite|upstream FILE...`: the file commands where no conda is.

For continuous integration and pre-commit, which make an environment of Python packages alone.
Everything else needs conda, and is one of its commands.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import nullcontext
from typing import get_args

from .cli.deferred import HelpFormatter, refuse_empty, say_what_is_wrong
from .cli.files.options import add_options
from .cli.files.rewrite import execute
from .envfiles.channel_entry import Direction
from .mirrors.urls import MirrorError
from .redirect.settings import Settings
from .text.language import in_english
from .text.layout import wrapped
from .text.messages import of_error, text
from .text.output import warn


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is returned: 2 for a mirror that cannot be used."""
    parser = ArgumentParser(prog="python -m conda_torchmirror")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in get_args(Direction):
        summary = text(f"help.mirror_{name}")
        below = commands.add_parser(
            name, help=summary, description=summary, formatter_class=HelpFormatter
        )
        add_options(below)
        below.add_argument("--json", action="store_true", help=text("help.json"))
        below.add_argument("-q", "--quiet", action="store_true", help=text("help.quiet"))
    refuse_empty(parser)
    say_what_is_wrong(parser)
    args = parser.parse_args(words)
    with in_english() if args.json else nullcontext():
        try:
            return execute(args, args.command, Settings(), as_json=args.json, quiet=args.quiet)
        except MirrorError as error:
            warn("\n".join(wrapped(of_error(error))))
            return 2


if __name__ == "__main__":
    sys.exit(main())
