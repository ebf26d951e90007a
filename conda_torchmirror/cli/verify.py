"""`conda torch-verify`: its parser and its run.

Exit codes: 0 fine, 3 no usable GPU though one is expected, 1 broken. A GPU is expected where this
machine has one and the build turns out to be for it, or with `--require-gpu`.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from conda.base.context import context
from conda.cli import helpers
from conda.exceptions import EnvironmentLocationNotFound

from ..envfiles.file_io import write_file
from ..exceptions.mirror import CannotWrite
from ..exceptions.usage import Contradiction
from ..machine import facts
from ..machine.survey import inspect
from ..text.messages import text
from ..text.output import emit, say
from ..verify.report import lines, report
from ..verify.run import expects_gpu, verify
from ..verify.static import inspect_records, with_records
from .deferred import HelpFormatter


def configure(parser: ArgumentParser) -> None:
    """Add the options of `conda torch-verify`."""
    parser.epilog = text("help.verify_examples")
    parser.formatter_class = HelpFormatter
    add = parser.add_argument_group(text("help.verify")).add_argument
    add("--require-gpu", action="store_true", help=text("help.require_gpu"))
    add("--report", metavar="FILE", help=text("help.report"))
    add("--facts", action="store_true", help=text("help.facts"))
    helpers.add_parser_prefix(parser)
    helpers.add_parser_json(parser)


def run(args: Namespace) -> int:
    """Run `conda torch-verify`.

    Raises: conda's EnvironmentLocationNotFound, CannotWrite, Contradiction.
    """
    if args.facts:
        return _show_facts(args)
    prefix = context.target_prefix
    if not os.path.isdir(os.path.join(prefix, "conda-meta")):
        raise EnvironmentLocationNotFound(prefix)
    records = inspect_records(prefix)
    expect_gpu = True if args.require_gpu else expects_gpu(records.machine)
    check = with_records(verify(prefix, expect_gpu=expect_gpu), records)
    if args.report:
        try:
            write_file(Path(args.report), report(check, prefix=prefix))
        except OSError as error:
            raise CannotWrite.of(error, args.report, "--report") from error
    if context.json:
        emit({"check": check.document()}, success=check.status == "fine", prefix=prefix)
    else:
        say(lines(check))
    return check.exit_code


def _show_facts(args: Namespace) -> int:
    """Print the facts of this machine, with the Python of an environment that is named.

    A document of its own, with or without `--json`: it goes to a file, and that to `--machine`.
    """
    for option in ("require_gpu", "report"):
        if getattr(args, option):
            raise Contradiction(first="--facts", second=f"--{option.replace('_', '-')}")
    prefix = None
    if args.name or args.prefix:
        prefix = context.target_prefix
        if not os.path.isdir(os.path.join(prefix, "conda-meta")):
            raise EnvironmentLocationNotFound(prefix)
    say(facts.dump(inspect(subdir=context.subdir, prefix=prefix)))
    return 0
