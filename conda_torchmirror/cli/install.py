"""Parsers and dispatch. Parsers are built on every conda command: no import of ours in here.

What conda has, conda's own parser helpers add; their actions are kept, so that what the user gave
can be passed on to conda's `install` and `create`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

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
    from argparse import RawDescriptionHelpFormatter

    from conda.cli import helpers

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
    from ..install.run import execute

    return execute(args, args.conda_actions)
