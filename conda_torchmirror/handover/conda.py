"""Handing a plan to conda: its own solver, prompt, progress, history and errors.

The only module here that changes an environment. Conda's command line is the most stable of its
interfaces, so the hand-over is `main_subshell("install", ...)` with plain words.
"""

from __future__ import annotations

import json
import os
from argparse import Action, Namespace, _AppendAction
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from io import StringIO
from typing import Any

from ..models import Installed, Plan
from ..redirect.in_process import reload
from ..text import output

_PRIORITY = frozenset(("--strict-channel-priority", "--no-channel-priority"))
_ONLY_LOOKING = frozenset(("--dry-run", "--download-only"))

#: What is done after conda's command; it may add to the JSON document.
Then = Callable[[dict[str, Any]], None]

#: What we say ourselves; everything else that conda's own helpers read is passed on.
OURS = frozenset(("name", "prefix", "channel", "subdir", "dry_run", "help", "json"))


def words(actions: Sequence[Action], args: Namespace, known: Container[str]) -> list[str]:
    """The options of conda's own helpers that the user gave, as command-line words again.

    `known` are the options that the inner command takes; others have no meaning for it.
    """
    from conda.common.constants import NULL

    found: list[str] = []
    for action in actions:
        value = getattr(args, action.dest, NULL)
        if action.dest in OURS or not action.option_strings:
            continue
        if value is NULL or value is None or value == action.default:
            continue
        option = _option(action, value)
        if option is None or option in found or option not in known:
            continue
        if isinstance(action, _AppendAction):
            for item in value:
                found += [option, str(item)]
        elif action.nargs != 0:  # conda has actions of its own that take a value
            found += [option, str(value)]
        elif isinstance(value, int) and not isinstance(value, bool):
            found += [option] * value
        else:
            found.append(option)
    return found


def _option(action: Action, value: Any) -> str | None:
    """The option string that gives this value, or None where another action does."""
    if action.nargs == 0 and action.const is not None and action.const != value:
        return None
    long = [option for option in action.option_strings if option.startswith("--")]
    if value is False:
        long = [option for option in long if option.startswith("--no-")]
    return (long or action.option_strings)[0]


def accepted(verb: str) -> frozenset[str]:
    """The options that this conda's `verb` knows: they differ by verb and version."""
    from conda.cli.conda_argparse import generate_parser

    parser = generate_parser(add_help=True)
    for action in parser._actions:
        if isinstance(action.choices, Mapping) and verb in action.choices:
            return frozenset(action.choices[verb]._option_string_actions)
    return frozenset()


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables until the block ends. Pins join those that are set already."""
    before = {name: os.environ.get(name) for name in variables}
    try:
        for name, value in variables.items():
            if name == "CONDA_PINNED_PACKAGES" and before[name]:
                value = f"{before[name]}&{value}"
            os.environ[name] = value
        yield
    finally:
        for name, old in before.items():
            if old is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = old


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
    args: Namespace,
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
        with environment(variables):
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
    finally:
        reload(args)
    document = _document(held.getvalue()) if as_json else {}
    if done and then is not None:
        then(document)
    if as_json:
        found = {**document, **extra}
        output.emit(found.pop("torchmirror", {}), **found)
    return code


def solves(command: Sequence[str], args: Namespace, variables: Mapping[str, str]) -> bool:
    """Whether a command that failed has a solution under these variables. Changes nothing."""
    from conda.exceptions import DryRunExit

    words = [word for word in command if word not in _PRIORITY]
    # Nobody sees what it would ask or show.
    words += [word for word in ("--dry-run", "--yes", "--quiet") if word not in words]
    try:
        with environment(variables), redirect_stdout(StringIO()):
            return _subshell(words) == 0
    except DryRunExit:
        return True
    except Exception:
        return False
    finally:
        reload(args)


def replacing(
    leftover: Installed | None,
    prefix: str,
    command: Sequence[str],
    args: Namespace,
    variables: Mapping[str, str],
    extra: Mapping[str, Any],
    then: Then | None = None,
) -> int:
    """Run the command after a package that stands in its way was removed.

    The removal asks by itself. If the command then fails or is declined, what was removed is put
    back from conda's package cache, so that the environment is as before. `then` is as for `run`.
    """
    if leftover is None:
        return run(command, args, variables, extra, then)
    options = [word for word in command if word in ("--yes", "--quiet", "--json", "--offline")]
    with redirect_stdout(StringIO()) if "--json" in options else nullcontext():
        try:
            _subshell(["remove", "--prefix", prefix, *options, leftover.name])
        finally:
            reload(args)
    changed = False

    def after(document: dict[str, Any]) -> None:
        nonlocal changed
        changed = True
        if then is not None:
            then(document)

    try:
        return run(command, args, variables, extra, after)
    except BaseException:
        if changed:
            raise
        spec = f"{leftover.name}={leftover.version}={leftover.build}"
        back = ["install", "--prefix", prefix, "--yes", "--quiet", "--use-index-cache"]
        with redirect_stdout(StringIO()):
            try:
                _subshell([*back, "--freeze-installed", "--channel", "pytorch", spec])
            finally:
                reload(args)
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
