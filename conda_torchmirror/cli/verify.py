"""`conda torch-verify`: its parser, its run, and the same check at the end of an installation.

Exit codes: 0 fine, 3 no usable GPU though one is expected, 1 broken. A GPU is expected where this
machine has one and the build turns out to be for it, or with `--require-gpu`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any

    from ..models import Decision, Machine
    from ..verify.static import StaticReport
    from ..verify.verdict import Check

#: Installed, and the check after it failed, for whatever reason.
FAILED = 3
EXAMPLES = """\
examples:
  conda torch-verify -n new
  conda torch-verify -n new --require-gpu --report check.txt
"""


def configure(parser: ArgumentParser) -> None:
    """Add the options of `conda torch-verify`."""
    from argparse import RawDescriptionHelpFormatter

    from conda.cli import helpers

    parser.epilog, parser.formatter_class = EXAMPLES, RawDescriptionHelpFormatter
    helpers.add_parser_prefix(parser)
    helpers.add_parser_json(parser)
    add = parser.add_argument_group("Check").add_argument
    add("--require-gpu", action="store_true", help="No usable GPU is a failure (exit code 3).")
    add("--report", metavar="FILE", help="Write the result to FILE as well, to be handed in.")


def run(args: Namespace) -> int:
    """Run `conda torch-verify`.

    Raises: conda's EnvironmentLocationNotFound, CannotWrite.
    """
    import os

    from conda.base.context import context
    from conda.exceptions import EnvironmentLocationNotFound

    from ..text.output import emit, say
    from ..verify.report import lines, report
    from ..verify.run import verify
    from ..verify.static import inspect_records

    prefix = context.target_prefix
    if not os.path.isdir(os.path.join(prefix, "conda-meta")):
        raise EnvironmentLocationNotFound(prefix)
    found = inspect_records(prefix)
    check = verify(prefix, expect_gpu=True if args.require_gpu else _expected(found.machine))
    check = _with_static(check, found)
    if args.report:
        _write(args.report, report(check, prefix=prefix))
    if context.json:
        emit({"check": check.document()}, success=check.status == "fine", prefix=prefix)
    else:
        say("\n".join(lines(check)))
    return check.exit_code


def verify_after(prefix: str, decision: Decision, summary: dict[str, Any]) -> int:
    """Try what an installation left in `prefix`: 0, or 3 where PyTorch or its GPU does not work.

    The result is put under `check` of `summary`, the JSON value of the run, and shown as text
    otherwise; it stays None where the build is for another platform.
    """
    from conda.base.context import context

    from ..machine.survey import native_subdir
    from ..text.messages import text
    from ..text.output import say
    from ..verify.report import lines
    from ..verify.run import verify

    if decision.machine.subdir != native_subdir():
        return 0
    check = verify(prefix, expect_gpu=_expected(decision.machine))
    summary["check"] = check.document()
    failed = check.status != "fine"
    if not context.json and (failed or not context.quiet):
        intro = [text("check.installed_but")] if failed else []
        say("\n".join(["", *intro, *lines(check)]))
    return FAILED if failed else 0


def _expected(machine: Machine) -> bool | None:
    """Whether a GPU has to be found: no without one, None leaves it to what the build is for."""
    from ..machine.survey import has_device

    return None if has_device(machine) else False


def _with_static(check: Check, found: StaticReport) -> Check:
    """Add what only the records tell. Where a GPU works, nobody needs tables."""
    from dataclasses import replace

    from ..machine.survey import has_device
    from ..models import Notice
    from ..verify.static import MACHINE

    known = {notice.code for notice in check.notices}
    if check.expect_gpu or any(device.ok for device in check.devices):
        known |= MACHINE
    more = [notice for notice in found.notices if notice.code not in known]
    if check.torch and not check.expect_gpu and has_device(found.machine):
        # Where pip installed torch, there is no record that could tell.
        more += [] if known & MACHINE or more else [Notice("cpu_build")]
    if check.status == "no_gpu":
        more += found.machine.remarks
    return replace(check, notices=(*check.notices, *more))


def _write(name: str, content: str) -> None:
    from pathlib import Path

    from ..envfiles.file_io import write_file
    from ..exceptions.mirror import CannotWrite

    try:
        write_file(Path(name), content)
    except OSError as error:
        raise CannotWrite(file=name, detail=str(error)) from error
