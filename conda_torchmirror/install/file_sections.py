"""After conda's transaction: the pip section and the variables of environment files.

Conda's own installers do it, the same that `conda env create` calls, in the folder of each file.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from io import StringIO
from typing import Any

from ..exceptions.file import SectionFailed
from ..text import output
from ..text.layout import safe
from ..text.messages import text
from .environment_file import EnvironmentFile, installer


def finish(files: Sequence[EnvironmentFile], prefix: str, document: dict[str, Any]) -> None:
    """Install the sections, set the variables, and enter what was done into conda's document.

    Raises: SectionFailed; what conda had to do is then done.
    """
    from conda import CondaError
    from conda.base.context import context
    from conda.core.prefix_data import PrefixData

    actions: dict[str, list[str]] = {}
    for file in files:
        # Conda looks here for the folder that paths in the section are relative to.
        words = Namespace(**{**context._argparse_args, "file": file.path})
        for name, lines in file.sections.items():
            try:
                with redirect_stdout(StringIO()) if context.json else nullcontext():
                    done = installer(name).install(prefix, list(lines), words, file)
            except CondaError as error:
                raise SectionFailed(
                    file=safe(file.path), section=name, prefix=prefix, detail=safe(str(error))
                ) from error
            if done:
                actions.setdefault(name.upper(), []).extend(done)
    variables = {name: value for file in files for name, value in file.variables.items()}
    if variables:
        PrefixData(prefix).set_environment_env_vars(variables)
        if not (context.json or context.quiet):
            output.say(text("file_variables_set", {"names": ", ".join(sorted(variables))}))
    if actions:
        document.setdefault("actions", {}).update(actions)
