"""Handing a plan to conda: its own solver, prompt, progress, history and errors.

Conda's command line is the most stable of its interfaces, so the hand-over is
`main_subshell("install", ...)` with plain command-line arguments.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from functools import cache
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from conda.base.constants import ChannelPriority
from conda.base.context import context
from conda.cli.conda_argparse import generate_parser
from conda.cli.main import main_subshell
from conda.core.envs_manager import unregister_env
from conda.exceptions import DryRunExit, UnsatisfiableError

from ..envfiles.disk.windows import remove_tree
from ..exceptions.causes import clean
from ..exceptions.channel import ChannelError, NothingCached
from ..exceptions.environment import (
    BrokenRecord,
    HalfMade,
    PipTorch,
    UnreadablePin,
    UnreadablePins,
)
from ..index.sources import of_channel
from ..machine.dependents import requested
from ..machine.environment import is_environment, option_of, python_path
from ..mirrors.registry import Route
from ..models import Decision, Installed, Machine, Plan
from ..options import ALONE
from ..redirect.configuration import environment, inner_command
from ..selection.facts.names import FAMILY, PIP_NAMES, RUNTIMES
from ..selection.plan import FLEXIBLE
from ..selection.specs import package_name
from . import package_cache
from .solve import with_credentials
from .transaction import asked, damaged, heeded, pins
from .transaction.undoing import undone_whole

_PRIORITY = frozenset(("--strict-channel-priority", "--no-channel-priority"))


class Finished(NamedTuple):
    """How one of conda's commands ended: its exit code, and its JSON document under `--json`."""

    code: int
    document: Mapping[str, Any]


class Outcome(NamedTuple):
    """The result of a run that changed something: `code` is conda's exit code, or the check's.

    `about` is the value of `torchmirror` in the JSON document, `document` has conda's own keys
    beside it. `downloaded` says that only the package cache was filled.
    """

    code: int
    about: Mapping[str, Any]
    document: Mapping[str, Any] = MappingProxyType({})
    downloaded: bool = False


def taken(passed: Sequence[Sequence[str]], verb: str) -> list[str]:
    """The words of those options in `passed` that conda's subcommand `verb` accepts."""
    # Building conda's parser takes as long as a tenth of a command.
    known = accepted(verb) if passed else frozenset()
    return [word for option in passed if option[0] in known for word in option]


@cache
def accepted(verb: str) -> frozenset[str]:
    """The option strings that the subcommand `verb` of this conda accepts."""
    parser = generate_parser(add_help=True)
    for action in parser._actions:
        if isinstance(action.choices, Mapping) and verb in action.choices:
            return frozenset(action.choices[verb]._option_string_actions)
    return frozenset()


def arguments(plan: Plan, prefix: str, options: Sequence[str], *, subdir: str | None) -> list[str]:
    """The command-line arguments of the inner conda command. `subdir` is only for a new
    environment."""
    step = plan.conda
    found = [step.verb, "--prefix", prefix]
    for channel in step.passed:
        found += ["--channel", channel]
    if subdir and step.verb == "create":
        found += ["--subdir", subdir]
    if step.alone and ALONE not in options:
        found.append(ALONE)
    return [*found, *options, *step.specs]


def run(command: Sequence[str], variables: Mapping[str, str], extra: Mapping[str, Any]) -> Finished:
    """Run one conda command in this process.

    With `--json`, the document that conda prints is captured and returned. `extra` is added to the
    JSON document of an error.

    Raises: Unheeded; what conda raises; without `--json` also DryRunExit, by which conda ends a dry
    run.
    """
    return heeded.with_whole_index(lambda words: _run(words, variables, extra), command)


def _run(
    command: Sequence[str], variables: Mapping[str, str], extra: Mapping[str, Any]
) -> Finished:
    held = StringIO() if "--json" in command else None
    try:
        with (
            inner_command(),
            environment(variables),
            asked.by_name(),
            pins.all_applied(command, variables),
            heeded.checked(command, variables),
            with_credentials(),
            undone_whole(),
            damaged.told(),
            redirect_stdout(held) if held is not None else nullcontext(),
        ):
            code = _subshell(command)
    except DryRunExit:
        if held is None:
            raise
        code = 0
    except Exception as error:
        clean(error)
        shown = damaged.find(error) or package_cache.lacking(error, command) or error
        _attach(shown, extra)
        if shown is not error:
            raise shown from error
        raise
    return Finished(code, _document(held.getvalue()) if held is not None else {})


def confirm(*, as_json: bool) -> None:
    """Ask as conda does, so not under `--json`. Raises: what conda raises when the answer is no."""
    if as_json:
        return
    try:
        from conda.reporters import confirm_yn
    except ImportError:  # conda 24.7
        from conda.cli.common import confirm_yn
    confirm_yn()


def solves(command: Sequence[str], variables: Mapping[str, str]) -> bool:
    """Whether a command has a solution under these environment variables, as `run` would take it.
    A dry run."""
    # The output is discarded, so it must not wait for an answer.
    more = [word for word in ("--dry-run", "--yes", "--quiet") if word not in command]
    try:
        with redirect_stdout(StringIO()):
            return run([*command, *more], variables, {}).code == 0
    except DryRunExit:
        return True
    except Exception:
        return False


def without_priority(command: Sequence[str]) -> list[str]:
    """The command without conda's options on the priority of channels."""
    return [word for word in command if word not in _PRIORITY]


@contextmanager
def unmade(prefix: str, *, filled: bool = False) -> Iterator[None]:
    """If the block fails, remove the environment that it began to create, and its line in conda's
    list of environments.

    When creation fails or is interrupted, conda leaves a history file, and records of packages that
    it has taken out again, which a later run would take for installed (tried on 24.7 and 26.7). A
    folder that existed before is kept, without these, and so is one with any other file, unless
    `filled` is true.
    """
    there, records = os.path.lexists(prefix), os.path.join(prefix, "conda-meta")
    recorded = os.path.lexists(records)
    try:
        yield
    except BaseException:
        if not there:
            held = {root for root, _, names in os.walk(prefix) if names}
            if filled or not held - {records}:
                remove_tree(prefix)
                _unregister(prefix)
        elif not recorded and os.path.isdir(records) and not _has_packages(prefix):
            remove_tree(records)
            _unregister(prefix)
        raise


def _unregister(prefix: str) -> None:
    with suppress(OSError, ValueError):  # conda's list may be anything; it is told of another error
        unregister_env(prefix)


def _has_packages(prefix: str) -> bool:
    """Whether any file of the packages that are recorded in an environment is there, or may be."""
    for record in Path(prefix, "conda-meta").glob("*.json"):
        try:
            files = json.loads(record.read_text(encoding="utf-8"))["files"]
            if any(os.path.lexists(os.path.join(prefix, file)) for file in files):
                return True
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return True
    return False


def refuse_half_made(prefix: str) -> None:
    """Stop before conda, which advises to create what it then does not create. Raises: HalfMade."""
    if os.path.isdir(os.path.join(prefix, "conda-meta")) and not is_environment(prefix):
        raise HalfMade(prefix=prefix)


def refuse_unreadable(on: Machine, prefix: str | None, *, solving: bool = True) -> None:
    """Stop before conda fails on an unreadable record, history or file of pins in the environment.
    Only a solver (`solving`) parses the lines of that file.

    Raises: BrokenRecord, UnreadableHistory, DamagedHistory, UnreadablePin, UnreadablePins.
    """
    for remark in on.remarks:
        if remark.code == "machine.record_broken":
            raise BrokenRecord(where=option_of(str(prefix)), **remark.facts)
        if remark.code == "machine.pins_unreadable":
            raise UnreadablePins(**remark.facts)
        if remark.code == "machine.pin_unreadable" and solving:
            raise UnreadablePin(**remark.facts)
    if prefix and is_environment(prefix):
        requested(prefix)


def refuse_pip_torch(installed: Iterable[Installed], prefix: str) -> None:
    """Stop before conda unpacks files over a PyTorch that pip installed. Raises: PipTorch."""
    found = [one for one in installed if one.channel == "pypi" and one.name in PIP_NAMES]
    if found:
        raise PipTorch(
            packages=", ".join(f"{one.name} {one.version}" for one in found),
            prefix=prefix,
            names=" ".join(one.name for one in found),
            python=python_path(prefix),
        )


def hidden_by_priority(
    error: Exception,
    command: Sequence[str],
    variables: Mapping[str, str],
    decision: Decision,
    routes: Sequence[Route],
) -> str:
    """The names of packages hidden by strict channel priority, if that is why the solve failed.

    Another solve without strict priority tells whether it is. Returns, joined by commas, the
    packages that the set needs and that all of `routes` carry; "" if priority is not the reason or
    a channel cannot be read.
    """
    if not (strict_priority() and unsatisfiable(error)):
        return ""
    if not solves(without_priority(command), {**variables, **FLEXIBLE}):
        return ""
    own = {*FAMILY, *RUNTIMES}
    names = {package_name(spec) for b in decision.choice.builds for spec in b.depends} - own
    subdir = decision.machine.subdir
    try:
        read = [of_channel(route.channel).read(route, subdir, names) for route in routes]
        held = [{build.name for build in found.builds} for found in read]
    except (ChannelError, NothingCached):  # the solver's own error is then more helpful
        return ""
    return ", ".join(sorted(set.intersection(*held)))


def strict_priority() -> bool:
    """Whether conda's channel priority is strict."""
    return bool(context.channel_priority == ChannelPriority.STRICT)


def unsatisfiable(error: Exception) -> bool:
    """Whether an error says that a solve has no solution; each solver has its own error class."""
    return isinstance(error, UnsatisfiableError) or "nsatisfiable" in type(error).__name__


def _subshell(command: Sequence[str]) -> int:
    return int(main_subshell(*command) or 0)


def _document(output: str) -> dict[str, Any]:
    """The JSON document in conda's output, after the NUL-separated progress reports."""
    last = output.rpartition("\0")[2].strip()
    try:
        found = json.loads(last)
    except ValueError:
        return {"success": True, "message": last}
    return found if isinstance(found, dict) else {"success": True, "result": found}


def _attach(error: BaseException, extra: Mapping[str, Any]) -> None:
    """Add our keys to conda's JSON error, which includes every public attribute of an error."""
    # After an interrupted transaction, conda has an empty tuple among the errors.
    for part in (error, *getattr(error, "errors", ())):
        if isinstance(part, BaseException):
            for name, value in extra.items():
                setattr(part, name, value)
