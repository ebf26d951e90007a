"""Handing a plan to conda: its own solver, prompt, progress, history and errors.

The only module here that changes an environment. Conda's command line is the most stable of its
interfaces, so the hand-over is `main_subshell("install", ...)` with plain words.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from functools import cache
from io import StringIO
from types import MappingProxyType
from typing import Any, NamedTuple

from conda.base.constants import ChannelPriority
from conda.base.context import context
from conda.cli.conda_argparse import generate_parser
from conda.cli.main import main_subshell
from conda.core.envs_manager import unregister_env
from conda.exceptions import DryRunExit, UnsatisfiableError

from ..exceptions.causes import flatten
from ..exceptions.channel import ChannelError, NothingCached
from ..exceptions.environment import BrokenRecord, PipTorch, UnreadablePins
from ..index.sources import of_channel
from ..machine.environment import option_of, python_path
from ..mirrors.registry import Route
from ..models import Decision, Installed, Machine, Plan
from ..redirect.configuration import environment, inner_command
from ..selection.facts.names import FAMILY, PIP_NAMES, RUNTIMES
from ..selection.plan import ALONE, FLEXIBLE
from ..selection.specs import package_name
from ..text.sanitize import safe

_PRIORITY = frozenset(("--strict-channel-priority", "--no-channel-priority"))


class Finished(NamedTuple):
    """How one of conda's commands ended: its exit code, and its JSON document under `--json`."""

    code: int
    document: Mapping[str, Any]


class Outcome(NamedTuple):
    """What became of a run that changed something: conda's exit code, or that of the check.

    `about` is the value of `torchmirror` in the JSON document, `document` the keys beside it, which
    are those of conda's own. `downloaded` says that only the package cache was filled.
    """

    code: int
    about: Mapping[str, Any]
    document: Mapping[str, Any] = MappingProxyType({})
    downloaded: bool = False


def taken(passed: Sequence[Sequence[str]], verb: str) -> list[str]:
    """Of the options that conda's own parser read, those that its `verb` knows, as words."""
    known = accepted(verb)
    return [word for option in passed if option[0] in known for word in option]


@cache
def accepted(verb: str) -> frozenset[str]:
    """The options that this conda's `verb` knows: they differ by verb and version."""
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
    if plan.conda.alone and ALONE not in options:
        found.append(ALONE)
    return [*found, *options, *plan.specs]


def run(command: Sequence[str], variables: Mapping[str, str], extra: Mapping[str, Any]) -> Finished:
    """Run one conda command in this process.

    Conda prints its JSON document at once; here it is held back and returned. An error gets
    `extra` for its own document, and goes on to conda's handler. So does the end of a dry run,
    which is an exception too, but under `--json` that is a result.
    """
    held = StringIO() if "--json" in command else None
    try:
        with (
            inner_command(),
            environment(variables),
            redirect_stdout(held) if held is not None else nullcontext(),
        ):
            code = _subshell(command)
    except DryRunExit:
        if held is None:
            raise
        code = 0
    except Exception as error:
        _clean(error)
        _attach(error, extra)
        raise
    return Finished(code, _document(held.getvalue()) if held is not None else {})


def confirm(*, as_json: bool) -> None:
    """Ask as conda does, which means not at all under `--json`. Raises: conda's own no."""
    if as_json:
        return
    try:
        from conda.reporters import confirm_yn
    except ImportError:  # conda 24.7
        from conda.cli.common import confirm_yn
    confirm_yn()


def solves(command: Sequence[str], variables: Mapping[str, str]) -> bool:
    """Whether a command that failed has a solution under these variables. Changes nothing."""
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


@contextmanager
def unmade(prefix: str, *, filled: bool = False) -> Iterator[None]:
    """Where the block fails, remove an environment whose folder was not there before it, and the
    line on it in conda's list of environments.

    Conda leaves a history behind where creating one is interrupted or fails, and then asks before
    it uses the folder again. Whatever else is in there keeps it, unless `filled` says that one with
    packages goes too.
    """
    there = os.path.lexists(prefix)
    try:
        yield
    except BaseException:
        history = os.path.join(prefix, "conda-meta", "history")
        held = [os.path.join(root, name) for root, _, names in os.walk(prefix) for name in names]
        if not there and (filled or not set(held) - {history}):
            shutil.rmtree(prefix, ignore_errors=True)
            unregister_env(prefix)
        raise


def refuse_unreadable(on: Machine, prefix: str | None) -> None:
    """Stop before conda meets a file of the environment that neither of us can read.

    Raises: BrokenRecord, UnreadablePins.
    """
    for remark in on.remarks:
        if remark.code == "machine.record_broken":
            raise BrokenRecord(where=option_of(str(prefix)), **remark.facts)
        if remark.code == "machine.pins_unreadable":
            raise UnreadablePins(**remark.facts)


def refuse_pip_torch(installed: Iterable[Installed], prefix: str) -> None:
    """Conda would unpack over the files of a PyTorch that pip installed. Raises: PipTorch."""
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
    """The packages that a strict channel priority hides, where it is why nothing was found.

    That it is, only another solve shows. Of the packages that the set needs, those are named that
    all of `routes` carry, as far as these can be read; else the text is empty.
    """
    if not (strict_priority() and unsatisfiable(error)):
        return ""
    if not solves(command, {**variables, **FLEXIBLE}):
        return ""
    own = {*FAMILY, *RUNTIMES}
    names = {package_name(spec) for b in decision.choice.builds for spec in b.depends} - own
    subdir = decision.machine.subdir
    try:
        read = [of_channel(route.channel).read(route, subdir, names) for route in routes]
        held = [{build.name for build in found.builds} for found in read]
    except (ChannelError, NothingCached):  # what the solver said is then the better error
        return ""
    return ", ".join(sorted(set.intersection(*held)))


def strict_priority() -> bool:
    """Whether conda's channel priority is strict."""
    return bool(context.channel_priority == ChannelPriority.STRICT)


def unsatisfiable(error: Exception) -> bool:
    """Whether this is a solver's word that nothing fits; each has a class of its own."""
    return isinstance(error, UnsatisfiableError) or "nsatisfiable" in type(error).__name__


def _subshell(command: Sequence[str]) -> int:
    return int(main_subshell(*command) or 0)


def _document(output: str) -> dict[str, Any]:
    """The JSON document in conda's output, without the NUL-separated progress before it."""
    last = output.rpartition("\0")[2].strip()
    try:
        found = json.loads(last)
    except ValueError:
        return {"success": True, "message": last}
    return found if isinstance(found, dict) else {"success": True, "result": found}


def _clean(error: BaseException) -> None:
    """Let what conda will show of an error pass `safe`: solvers cite an index as it is."""
    for part in flatten(error):
        for name, value in [*vars(part).items()]:
            if isinstance(value, str):
                setattr(part, name, safe(value))
        part.args = tuple(safe(arg) if isinstance(arg, str) else arg for arg in part.args)


def _attach(error: BaseException, extra: Mapping[str, Any]) -> None:
    """Put our key into conda's JSON error; conda prints every public attribute of an error."""
    # After an interrupted transaction one of the errors is an empty tuple: conda had none to show.
    for part in (error, *getattr(error, "errors", ())):
        if isinstance(part, BaseException):
            for name, value in extra.items():
                setattr(part, name, value)
