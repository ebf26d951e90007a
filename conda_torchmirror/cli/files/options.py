"""The options of `rewrite` and `upstream`, apart from what runs them: every command of
`conda torch-mirror` asks for them. Imports no conda, as for `python -m conda_torchmirror`.
"""

from __future__ import annotations

from argparse import ArgumentParser

from ...text.messages import text


def add_options(parser: ArgumentParser) -> None:
    """Add the arguments of `rewrite` and `upstream`."""
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE", help=text("help.files"))
    add("--pip", action="store_true", help=text("help.pip"))
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--diff", action="store_true", help=text("help.diff"))
    only.add_argument("--check", action="store_true", help=text("help.check"))
    add("--no-backup", action="store_true", help=text("help.no_backup"))
    add("--mirror", action="append", help=text("help.mirror"))
