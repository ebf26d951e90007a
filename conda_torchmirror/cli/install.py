"""`conda torch-install`: its parser, the reading of its command line, and its run.

Conda's parser helpers add the options that conda has too; their actions are kept, so that those
which the user gave can be passed on to conda's `install` and `create`.
"""

from __future__ import annotations

import atexit
import gc
import os
import re
import sys
from argparse import (
    SUPPRESS,
    ArgumentParser,
    Namespace,
    _AppendAction,
)
from argparse import Action as ParserAction
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any, NoReturn

from conda.base.context import context
from conda.cli import helpers
from conda.common.constants import NULL
from conda.exceptions import NoWritablePkgsDirError

from ..exceptions.environment import NobodyAnswers
from ..exceptions.mirror import CannotWrite
from ..exceptions.plan import PlanTakesNoChoice
from ..exceptions.usage import (
    ListAlone,
    OnlyForWheels,
    PrintAlone,
    SolveAlone,
    UrlsFormat,
    WithPackagesAlone,
)
from ..index.sources import AUTO, SOURCES, WHEELS
from ..install.run import execute
from ..models import Notice
from ..options import EXPLICIT, TOOLS, Action, InstallOptions, is_wheel_file
from ..selection.facts.names import FAMILY, PIP_NAMES
from ..selection.plan import typed
from ..selection.specs import package_name
from ..text.messages import text
from . import install_output
from .deferred import HelpFormatter

#: Options of conda's helpers that we handle ourselves; all others are passed on to conda.
OURS = frozenset(("name", "prefix", "channel", "subdir", "dry_run", "help", "json"))

#: The options that decide what is installed, which `--plan` excludes: by attribute, with the value
#: of an option that was not given.
CHOICE: Mapping[str, Any] = {
    "specs": [],
    "file": None,
    "cuda": "auto",
    "cuda_compat": "minor",
    "python": None,
    "machine": None,
    "source": None,
    "mirror": None,
    "allow_cpu": False,
    "save_plan": None,
    "print": None,
    "wheel_dir": None,
    "list": False,
    "explain": False,
    "solve": False,
}

#: Options that do something with a choice, which `--list` does not make.
_FETCHING = ("--urls", "--save-plan", "--download-only")


def configure_install(parser: ArgumentParser) -> None:
    """Add the options of `conda torch-install`."""
    parser.epilog = text("help.install_examples")
    parser.formatter_class = HelpFormatter
    # Our own options come first in the help. In groups, because argparse formats the usage for
    # every argument that is added to the parser itself.
    add = parser.add_argument_group(text("help.choice")).add_argument
    add("specs", nargs="*", metavar="SPEC", help=text("help.specs"))
    # A shell leaves the ~ of `--file=~/FILE` as it is.
    home = os.path.expanduser
    add("-f", "--file", action="append", type=home, help=text("help.file"))
    add("--cuda", default="auto", help=text("help.cuda"))
    add(
        "--cuda-compat",
        choices=("minor", "strict"),
        default="minor",
        help=text("help.cuda_compat"),
    )
    add("--python", help=text("help.python"))
    add("--machine", nargs="+", action="extend", metavar="FILE", help=text("help.machine"))
    sources = (AUTO, *(source.name for source in SOURCES), WHEELS)
    add("--source", choices=sources, help=text("help.source"))
    add("--mirror", action="append", help=text("help.install_mirror"))
    add("--no-fallback", action="store_true", help=text("help.no_fallback"))
    add("--check-upstream", action="store_true", help=text("help.check_upstream"))
    add("--allow-cpu", action="store_true", help=text("help.allow_cpu"))
    add("--solve", action="store_true", help=text("help.solve"))
    add("--explain", action="store_true", help=text("help.explain"))
    add("--list", action="store_true", help=text("help.list"))
    add = parser.add_argument_group(text("help.plans")).add_argument
    add(
        "--urls",
        action="store_const",
        const="plain",
        help=text("help.urls"),
    )
    # Two options instead of one with a value: an optional value would swallow the spec after it.
    add("--urls=plain", dest="urls", action="store_const", const="plain", help=SUPPRESS)
    add(
        "--urls=aria2",
        dest="urls",
        action="store_const",
        const="aria2",
        help=text("help.urls_aria2"),
    )
    add("--print", choices=TOOLS, metavar="TOOL", help=text("help.print"))
    add("--save-plan", metavar="DIR", type=home, help=text("help.save_plan"))
    add("--with-packages", action="store_true", help=text("help.with_packages"))
    add("--plan", metavar="DIR", type=home, help=text("help.plan"))
    add("--wheel-dir", metavar="DIR", type=home, help=text("help.wheel_dir"))
    add("--download-only", action="store_true", help=text("help.download_only"))
    add("--no-check", action="store_true", help=text("help.no_check"))
    own = len(parser._actions)
    helpers.add_parser_prefix(parser)
    helpers.add_parser_platform(helpers.add_parser_channels(parser))
    solver = helpers.add_parser_solver_mode(parser)
    helpers.add_parser_update_modifiers(solver)
    helpers.add_parser_solver(solver)
    solver.add_argument("--force-reinstall", action="store_true", help=text("help.force_reinstall"))
    solver.add_argument("--copy", action="store_true", help=text("help.copy"))
    if hasattr(helpers, "add_parser_frozen_env"):
        helpers.add_parser_frozen_env(parser)
    helpers.add_parser_networking(parser)
    helpers.add_output_and_prompt_options(parser)
    parser.set_defaults(conda_actions=tuple(parser._actions[own:]))


def install(args: Namespace) -> int:
    """Run `conda torch-install`."""
    asked = options(args)
    # Python ends by searching all that is in memory for garbage, a seventh of a preview's time;
    # what is frozen by then is not searched. The process ends anyway.
    atexit.register(gc.freeze)
    # Conda's own objects stay for the whole run: looking through them for garbage, once more
    # records are read than the collector likes, takes 5 % of a preview.
    gc.freeze()
    try:
        report = install_output.reporter(explain=asked.explain, as_json=asked.as_json)
        with _questions_refused():
            result = execute(asked, report)
    except NoWritablePkgsDirError as error:
        raise CannotWrite.of_cache() from error
    except Exception as error:
        from ..handover.transaction import damaged

        if found := damaged.find(error):
            raise found from error
        raise
    finally:
        gc.unfreeze()
    return install_output.show(result, asked)


class _Closed(StringIO):
    """Standard input that nobody has opened."""

    def readline(self, *_: Any) -> NoReturn:
        raise NobodyAnswers()


@contextmanager
def _questions_refused() -> Iterator[None]:
    """Within the block, a question that nobody can answer is an error: conda fails at it."""
    if sys.stdin is not None:
        yield
        return
    sys.stdin = _Closed()
    try:
        yield
    finally:
        sys.stdin = None


def options(args: Namespace) -> InstallOptions:
    """Turn the parsed namespace into options, all that the stages below see of it.

    Raises: PrintAlone, ListAlone, SolveAlone, UrlsFormat, WithPackagesAlone, PlanTakesNoChoice,
    OnlyForWheels.
    """
    if args.print and (others := _endings(args)):
        raise PrintAlone(options=", ".join(others))
    if args.list and args.plan is None and (others := _endings(args, *_FETCHING)):
        raise ListAlone(options=", ".join(others))
    machines, behind = _split_machines(args.machine or ())
    args.specs = [*args.specs, *behind]
    if args.solve and not (args.dry_run or args.urls):
        raise SolveAlone()
    if args.urls and "aria2" in args.specs:
        raise UrlsFormat()
    if args.with_packages and args.save_plan is None:
        raise WithPackagesAlone()
    given = [name for name, nothing in CHOICE.items() if getattr(args, name) != nothing]
    if args.plan is not None and given:
        words = ["SPEC" if name == "specs" else f"--{name.replace('_', '-')}" for name in given]
        there = os.path.isfile(os.path.join(args.plan, "plan.json"))
        where = ("-n", args.name) if args.name else ("-p", args.prefix) if args.prefix else ()
        command = typed(["conda", "torch-install", *where, "--plan", args.plan])
        alone = (Notice("plan_alone", {"command": command}),) if there else ()
        raise PlanTakesNoChoice(options=", ".join(words), folder=args.plan, ways=alone)
    return InstallOptions(
        action=_action(args),
        dry_run=bool(args.dry_run),
        # Only a solve yields the list of all packages.
        solve=args.solve or args.print == EXPLICIT,
        specs=tuple(args.specs),
        files=tuple(args.file or ()),
        name=args.name,
        prefix=args.prefix,
        subdir=args.subdir or None,  # conda's own NULL where it is not given
        channels=tuple(args.channel or ()),
        override_channels=bool(args.override_channels),
        cuda=args.cuda,
        cuda_compat=args.cuda_compat,
        python=args.python,
        source=_source(args),
        allow_cpu=args.allow_cpu,
        mirrors=tuple(args.mirror or ()),
        fallback=not args.no_fallback,
        check_upstream=args.check_upstream,
        explain=args.explain,
        urls=args.urls,
        save=args.save_plan,
        with_packages=args.with_packages,
        plan=args.plan,
        wheel_dir=args.wheel_dir,
        download=args.download_only,
        tool=args.print,
        check=not args.no_check,
        as_json=bool(context.json),
        passed=passed(args.conda_actions, args),
        machines=machines,
    )


def _split_machines(words: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Split the words of `--machine` into files and the specs after them, which it swallows.

    A word that exists as a file is a file. Of the others, the specs begin with the first one that
    names a package of the torch family or has a comparison operator.
    """
    files: list[str] = []
    specs: list[str] = []
    for word in words:
        named = package_name(word) in (*FAMILY, *PIP_NAMES) or re.search("[=<>]", word)
        is_spec = not os.path.exists(word) and (named or specs)
        (specs if is_spec else files).append(word)
    return tuple(files), specs


def _endings(args: Namespace, *names: str) -> list[str]:
    """The given options, of these names, which exclude `--print` or `--list`, because they ask for
    another kind of output."""
    given = {
        "--list": args.list,
        "--urls": args.urls,
        "--save-plan": args.save_plan is not None,
        "--download-only": args.download_only,
        "--solve": args.solve and args.print != EXPLICIT,
        "--explain": args.explain,
    }
    asked = [option for option, is_given in given.items() if is_given]
    return [option for option in asked if option in names or not names]


def _source(args: Namespace) -> str:
    """The value of `--source`, "" without one; wheels if wheel files are given.

    Raises: OnlyForWheels.
    """
    files = [word for word in args.specs if is_wheel_file(word)]
    given = files if args.wheel_dir is None else ["--wheel-dir", *files]
    if given and args.source not in (None, WHEELS):
        raise OnlyForWheels(options=", ".join(given), source=args.source)
    return WHEELS if given else args.source or ""


def _action(args: Namespace) -> Action:
    """The action that the options ask for; of several, the one that does least."""
    if args.plan is not None:
        return "replay"
    if args.list:
        return "list"
    if args.save_plan is not None:
        return "save"
    if args.urls:
        return "urls"
    if args.print:
        return "print"
    return "download" if args.download_only else "install"


def passed(actions: Sequence[ParserAction], args: Namespace) -> tuple[tuple[str, ...], ...]:
    """The options of conda's helpers that the user gave, each turned back into words."""
    found: dict[str, tuple[str, ...]] = {}
    for action in actions:
        value = getattr(args, action.dest, NULL)
        if action.dest in OURS or not action.option_strings:
            continue
        if value is NULL or value is None or value == action.default:
            continue
        option = _option(action, value)
        if option is None or option in found:
            continue
        if isinstance(action, _AppendAction):
            found[option] = tuple(word for item in value for word in (option, str(item)))
        elif action.nargs != 0:  # conda has actions of its own that take a value
            found[option] = (option, str(value))
        elif isinstance(value, int) and not isinstance(value, bool):
            found[option] = (option,) * value
        else:
            found[option] = (option,)
    return tuple(found.values())


def _option(action: ParserAction, value: Any) -> str | None:
    """The option string of `action` that gives this value; None where it gives another one."""
    if action.nargs == 0 and action.const is not None and action.const != value:
        return None
    long = [option for option in action.option_strings if option.startswith("--")]
    if value is False:
        long = [option for option in long if option.startswith("--no-")] or long
    return (long or action.option_strings)[0]
