"""Handing a plan to conda: its own solver, prompt, progress, history and errors.

The only module here that changes an environment. Conda's command line is the most stable of its
interfaces, so the hand-over is `main_subshell("install", ...)` with plain words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from io import StringIO
from typing import Any

from ..index.sources import PYTORCH
from ..models import Installed, Plan
from ..redirect.configuration import environment, inner_command
from ..text import output

_PRIORITY = frozenset(("--strict-channel-priority", "--no-channel-priority"))
_ONLY_LOOKING = frozenset(("--dry-run", "--download-only"))

#: What is done after conda's command; it may add to the JSON document.
Then = Callable[[dict[str, Any]], None]


def taken(passed: Sequence[Sequence[str]], verb: str) -> list[str]:
    """Of the options that conda's own parser read, those that its `verb` knows, as words."""
    known = accepted(verb)
    return [word for option in passed if option[0] in known for word in option]


def accepted(verb: str) -> frozenset[str]:
    """The options that this conda's `verb` knows: they differ by verb and version."""
    from conda.cli.conda_argparse import generate_parser

    parser = generate_parser(add_help=True)
    for action in parser._actions:
        if isinstance(action.choices, Mapping) and verb in action.choices:
            return frozenset(action.choices[verb]._option_string_actions)
    return frozenset()


def arguments(plan: Plan, prefix: str, options: Sequence[str], *, subdir: str | None) -> list[str]:
    """The words of the inner conda command."""
    found = [plan.verb, "--prefix", prefix]
    for channel in plan.passed:
        found += ["--channel", channel]
    if subdir and plan.verb == "create":
        found += ["--subdir", subdir]
    return [*found, *options, *plan.specs]


def run(
    command: Sequence[str],
    variables: Mapping[str, str],
    extra: Mapping[str, Any],
    then: Then | None = None,
) -> int:
    """Run one conda command in this process and return its exit code.

    Under `--json` conda prints its document at once; it is held back and printed again with
    `extra`, so that there is one document. Errors get `extra` as well and go on to conda's own
    handler. `then` is called with the document when the command has changed what it was to change;
    what it raises goes on to conda's handler too.
    """
    from conda.base.context import context

    as_json = bool(context.json)
    held = StringIO()
    done = False
    try:
        with inner_command(), environment(variables):
            if as_json:
                with redirect_stdout(held):
                    code = _subshell(command)
            else:
                code = _subshell(command)
        # A dry run without anything to do ends as if it were none.
        done = code == 0 and not _ONLY_LOOKING.intersection(command)
    except Exception as error:
        from conda.exceptions import DryRunExit

        if not isinstance(error, DryRunExit):
            _attach(error, extra)
            raise
        code = 0
        if not as_json:
            raise
    document = _document(held.getvalue()) if as_json else {}
    if done and then is not None:
        then(document)
    if as_json:
        found = {**document, **extra}
        output.emit(found.pop("torchmirror", {}), **found)
    return code


def solves(command: Sequence[str], variables: Mapping[str, str]) -> bool:
    """Whether a command that failed has a solution under these variables. Changes nothing."""
    from conda.exceptions import DryRunExit

    words = [word for word in command if word not in _PRIORITY]
    # Nobody sees what it would ask or show.
    words += [word for word in ("--dry-run", "--yes", "--quiet") if word not in words]
    try:
        with inner_command(), environment(variables), redirect_stdout(StringIO()):
            return _subshell(words) == 0
    except DryRunExit:
        return True
    except Exception:
        return False


def replacing(
    leftover: Installed | None,
    prefix: str,
    command: Sequence[str],
    variables: Mapping[str, str],
    extra: Mapping[str, Any],
    then: Then | None = None,
) -> int:
    """Run the command after a package that stands in its way was removed.

    The removal asks by itself. If the command then fails or is declined, what was removed is put
    back from conda's package cache, so that the environment is as before. `then` is as for `run`.
    """
    if leftover is None:
        return run(command, variables, extra, then)
    options = [word for word in command if word in ("--yes", "--quiet", "--json", "--offline")]
    silent = redirect_stdout(StringIO()) if "--json" in options else nullcontext()
    with inner_command(), silent:
        _subshell(["remove", "--prefix", prefix, *options, leftover.name])
    changed = False

    def after(document: dict[str, Any]) -> None:
        nonlocal changed
        changed = True
        if then is not None:
            then(document)

    try:
        return run(command, variables, extra, after)
    except BaseException:
        if changed:
            raise
        spec = f"{leftover.name}={leftover.version}={leftover.build}"
        back = ["install", "--prefix", prefix, "--yes", "--quiet", "--use-index-cache"]
        with inner_command(), redirect_stdout(StringIO()):
            _subshell([*back, "--freeze-installed", "--channel", PYTORCH.channel, spec])
        raise


def _subshell(command: Sequence[str]) -> int:
    from conda.cli.main import main_subshell

    return int(main_subshell(*command) or 0)


def _document(output: str) -> dict[str, Any]:
    """The JSON document in conda's output, without the NUL-separated progress before it."""
    last = output.rpartition("\0")[2].strip()
    try:
        found = json.loads(last)
    except ValueError:
        return {"success": True, "message": last}
    return found if isinstance(found, dict) else {"success": True, "result": found}


def _attach(error: BaseException, extra: Mapping[str, Any]) -> None:
    """Put our key into conda's JSON error; conda prints every public attribute of an error."""
    # After an interrupted transaction one of the errors is an empty tuple: conda had none to show.
    for part in (error, *getattr(error, "errors", ())):
        if isinstance(part, BaseException):
            for name, value in extra.items():
                setattr(part, name, value)
