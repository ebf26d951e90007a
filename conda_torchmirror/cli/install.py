"""`conda torch-install`: its parser, what its command line says, and its run.

What conda has, conda's own parser helpers add; their actions are kept, so that what the user gave
can be passed on to conda's `install` and `create`.
"""

from __future__ import annotations

from argparse import Action as ParserAction
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter, _AppendAction
from collections.abc import Mapping, Sequence
from typing import Any

from conda.base.context import context
from conda.cli import helpers
from conda.common.constants import NULL

from ..exceptions.plan import PlanTakesNoChoice
from ..exceptions.usage import SolveAlone
from ..install.run import execute
from ..models import Action, InstallOptions
from . import install_output

#: What we say to conda ourselves; everything else that its own helpers read is passed on.
OURS = frozenset(("name", "prefix", "channel", "subdir", "dry_run", "help", "json"))

#: What a saved plan leaves no room for: the options that decide what is installed, by attribute,
#: with the value that says nothing.
CHOICE: Mapping[str, Any] = {
    "specs": [],
    "file": None,
    "cuda": "auto",
    "cuda_compat": "minor",
    "python": None,
    "source": "auto",
    "mirror": None,
    "allow_cpu": False,
    "save_plan": None,
    "list": False,
    "explain": False,
    "solve": False,
}

EXAMPLES = """\
examples:
  conda torch-install -n new --python 3.11
  conda torch-install pytorch=2.3 torchvision --cuda 12.1
  conda torch-install --dry-run --platform win-64 --cuda 12.4 --python 3.12
  conda torch-install -f environment.yml
  conda torch-install --list --cuda 11.8
"""


def configure_install(parser: ArgumentParser) -> None:
    """Add the options of `conda torch-install`."""
    parser.epilog = EXAMPLES
    parser.formatter_class = RawDescriptionHelpFormatter
    helpers.add_parser_prefix(parser)
    helpers.add_parser_platform(helpers.add_parser_channels(parser))
    solver = helpers.add_parser_solver_mode(parser)
    helpers.add_parser_update_modifiers(solver)
    helpers.add_parser_solver(solver)
    solver.add_argument("--force-reinstall", action="store_true", help="Reinstall the packages.")
    solver.add_argument("--copy", action="store_true", help="Copy files instead of linking them.")
    if hasattr(helpers, "add_parser_frozen_env"):
        helpers.add_parser_frozen_env(parser)
    helpers.add_parser_networking(parser)
    helpers.add_output_and_prompt_options(parser)
    parser.set_defaults(conda_actions=tuple(parser._actions))
    # In a group, because a parser formats each argument that is added to itself.
    add = parser.add_argument_group("Choice of the build").add_argument
    add("specs", nargs="*", metavar="SPEC", help="Default: pytorch torchvision torchaudio.")
    add(
        "-f",
        "--file",
        action="append",
        help="An environment.yml (no list of specs), whose PyTorch is chosen; may be repeated.",
    )
    add("--cuda", default="auto", help="auto, cpu, or what the driver runs: 12.4 or cu124.")
    add(
        "--cuda-compat",
        choices=("minor", "strict"),
        default="minor",
        help="strict: no CUDA newer than the driver's, even of the same major version.",
    )
    add("--python", help="Python of a new environment, or a change of it, such as 3.11.")
    add("--source", choices=("auto", "pytorch"), default="auto", help="Where builds come from.")
    add("--mirror", action="append", help="tuna (default), upstream, another name, or a URL.")
    add("--no-fallback", action="store_true", help="Stop where the first mirror fails.")
    add(
        "--check-upstream",
        action="store_true",
        help="Compare the hashes of the chosen builds with the official channel's own.",
    )
    add("--allow-cpu", action="store_true", help="Take a CPU build where no CUDA build fits.")
    add("--solve", action="store_true", help="With --dry-run: go on to conda's solver.")
    add("--explain", action="store_true", help="Say why newer releases fell away.")
    add("--list", action="store_true", help="Show what this platform can have, and stop.")
    add = parser.add_argument_group("Plans and downloads").add_argument
    add(
        "--urls",
        nargs="?",
        const="plain",
        choices=("plain", "aria2"),
        help="Print URLs with hashes instead of installing; with --solve those of all packages.",
    )
    add("--save-plan", metavar="DIR", help="Solve, and save the result instead of installing it.")
    add("--plan", metavar="DIR", help="Install what --save-plan saved, here or elsewhere.")
    add("--download-only", action="store_true", help="Only fill conda's package cache.")
    add("--no-check", action="store_true", help="Do not try PyTorch after it is installed.")


def install(args: Namespace) -> int:
    """Run `conda torch-install`."""
    asked = options(args)
    result = execute(asked, install_output.reporter(explain=asked.explain, as_json=asked.as_json))
    return install_output.show(result, asked)


def options(args: Namespace) -> InstallOptions:
    """What the command line says; nothing below this module sees the namespace.

    Raises: SolveAlone, PlanTakesNoChoice.
    """
    if args.solve and not (args.dry_run or args.urls):
        raise SolveAlone()
    given = [name for name, nothing in CHOICE.items() if getattr(args, name) != nothing]
    if args.plan and given:
        words = ["SPEC" if name == "specs" else f"--{name.replace('_', '-')}" for name in given]
        raise PlanTakesNoChoice(options=", ".join(words))
    return InstallOptions(
        action=_action(args),
        dry_run=bool(args.dry_run),
        solve=args.solve,
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
        source=args.source,
        allow_cpu=args.allow_cpu,
        mirrors=tuple(args.mirror or ()),
        fallback=not args.no_fallback,
        check_upstream=args.check_upstream,
        explain=args.explain,
        urls=args.urls,
        save=args.save_plan,
        plan=args.plan,
        download=args.download_only,
        check=not args.no_check,
        as_json=bool(context.json),
        passed=passed(args.conda_actions, args),
    )


def _action(args: Namespace) -> Action:
    """The one thing to end in. Of several it is the one that does least."""
    if args.plan:
        return "replay"
    if args.list:
        return "list"
    if args.save_plan:
        return "save"
    if args.urls:
        return "urls"
    return "download" if args.download_only else "install"


def passed(actions: Sequence[ParserAction], args: Namespace) -> tuple[tuple[str, ...], ...]:
    """The options of conda's own helpers that the user gave, each as command-line words again."""
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
    """The option string that gives this value, or None where another action does."""
    if action.nargs == 0 and action.const is not None and action.const != value:
        return None
    long = [option for option in action.option_strings if option.startswith("--")]
    if value is False:
        long = [option for option in long if option.startswith("--no-")]
    return (long or action.option_strings)[0]
