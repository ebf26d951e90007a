"""`conda torch-verify`: its parser and its run.

Exit codes: 0 fine, 3 no usable GPU though one is expected, 1 broken. A GPU is expected where this
machine has one and the build turns out to be for it, or with `--require-gpu`. With `--collect` they
cover all machines: 0 all are fine, 3 all work but some not on the GPU, 1 anything else.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path

from conda.base.context import context
from conda.cli import helpers

from ..envfiles.file_io import write_file
from ..exceptions.environment import EnvironmentMissing, UndescribedPlatform
from ..exceptions.mirror import CannotWrite
from ..exceptions.usage import Contradiction
from ..machine import facts
from ..machine.environment import option_of
from ..machine.survey import inspect
from ..models import Notice
from ..redirect import settings
from ..text.messages import text
from ..text.output import emit, say
from ..text.sanitize import safe
from ..verify import collection_report
from ..verify.collection import collect
from ..verify.report import lines, report
from ..verify.run import expects_gpu, hiding, verify
from ..verify.static import inspect_records, with_records
from .deferred import HelpFormatter


def configure(parser: ArgumentParser) -> None:
    """Add the options of `conda torch-verify`."""
    parser.epilog = text("help.verify_examples")
    parser.formatter_class = HelpFormatter
    add = parser.add_argument_group(text("help.verify")).add_argument
    add("--require-gpu", action="store_true", help=text("help.require_gpu"))
    add("--report", metavar="FILE", type=os.path.expanduser, help=text("help.report"))
    add("--facts", action="store_true", help=text("help.facts"))
    add("--collect", metavar="DIR", type=os.path.expanduser, help=text("help.collect"))
    helpers.add_parser_prefix(parser)
    helpers.add_parser_json(parser)


def run(args: Namespace) -> int:
    """Run `conda torch-verify`.

    Raises: EnvironmentMissing, CannotWrite, Contradiction, NoReports.
    """
    if args.collect is not None:
        return _show_collection(args)
    if args.facts:
        return _show_facts(args)
    prefix = _existing(args)
    records = inspect_records(prefix)
    expect_gpu = True if args.require_gpu else expects_gpu(records.machine)
    hidden_by = hiding(records.machine)
    check = with_records(verify(prefix, expect_gpu=expect_gpu, hidden_by=hidden_by), records)
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


def _existing(args: Namespace) -> str:
    """The prefix of the environment to look at. Raises: EnvironmentMissing."""
    prefix: str = context.target_prefix
    if os.path.isdir(os.path.join(prefix, "conda-meta")):
        return prefix
    free = bool(args.name or args.prefix) and _is_free(prefix)
    way = Notice("make_environment", {"where": option_of(prefix)}) if free else None
    raise EnvironmentMissing(prefix=safe(prefix), ways=[way or Notice("name_to_verify")])


def _is_free(prefix: str) -> bool:
    """Whether an environment can be made there: a folder with something in it, such as a virtual
    environment of Python's or a project, is not one to install into, nor one that is closed."""
    try:
        return not os.listdir(prefix)
    except FileNotFoundError:
        return not os.path.lexists(prefix)
    except OSError:
        return False


def _show_facts(args: Namespace) -> int:
    """Print the facts of this machine, with the Python of the environment if one is named.

    The output is the same with and without `--json`: a document to save as a file for `--machine`.

    Raises: UndescribedPlatform, EnvironmentMissing, Contradiction.
    """
    _refuse_beside("--facts", args, ("require_gpu", "report"))
    prefix = None
    if args.name or args.prefix:
        prefix = _existing(args)
    if not facts.describes(context.subdir):
        source = settings.source_of("subdir")
        ways = [Notice("mend_subdir", {"file": source})] if source else []
        raise UndescribedPlatform(subdir=safe(context.subdir), ways=ways)
    say(facts.dump(inspect(subdir=context.subdir, prefix=prefix)))
    return 0


def _show_collection(args: Namespace) -> int:
    """Print the reports of a folder as one table."""
    _refuse_beside("--collect", args, ("facts", "require_gpu", "report", "name", "prefix"))
    found = collect(args.collect)
    if context.json:
        emit({"collection": collection_report.document(found)}, success=found.exit_code == 0)
    else:
        say(collection_report.lines(found))
    return found.exit_code


def _refuse_beside(option: str, args: Namespace, others: Iterable[str]) -> None:
    """Refuse other options beside `option`. Raises: Contradiction."""
    for other in others:
        if getattr(args, other):
            raise Contradiction.of_options(option, f"--{other.replace('_', '-')}")
