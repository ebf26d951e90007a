"""The result of `--print`: the text for a tool, and the notices on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from ...exceptions.usage import PrintFileParts, PrintLinuxOnly, PrintNeedsWheels, PrintNotWheels
from ...index.sources import WHEELS, named
from ...models import Decision, Notice
from ...options import EXPLICIT, OF_LINUX, OF_WHEELS, InstallOptions
from ...selection.pip.plan import WheelDecision
from ...text.decision import summary
from ...text.language import in_english
from ...text.output import writes_utf8
from ...text.tools.recipe import Recipe
from ...text.tools.render import NAMING, render
from ...text.wheels import decision as wheels
from ..task import Target, Task
from . import by_pip, recipe

if TYPE_CHECKING:
    from ..files.request import FileRequest

#: Notices on this computer (pip's configuration, a file of pins), while the text is for any.
_HERE = frozenset(("pip_config_carried", "pip_config_left", "rule_keep", "rule_keep_all"))


class Printed(NamedTuple):
    """A decision in the format of a tool. `about` is the value of `torchmirror` in the JSON."""

    tool: str
    text: str
    about: Mapping[str, Any]
    notices: tuple[Notice, ...]
    prefix: str | None


def check(options: InstallOptions, subdir: str, asked: InstallOptions) -> None:
    """Refuse options that the tool's format cannot express, before anything is read. `asked` are
    those that were typed.

    Raises: PrintNeedsWheels, PrintNotWheels, PrintLinuxOnly.
    """
    tool = options.tool
    if tool in OF_WHEELS and options.source != WHEELS:
        ways = (*by_pip.way(asked), Notice("print_conda"))
        raise PrintNeedsWheels(tool=tool, source=options.source, ways=ways)
    if tool == EXPLICIT and options.source == WHEELS:
        raise PrintNotWheels(tool=tool)
    if tool == OF_LINUX and not subdir.startswith("linux-"):
        raise PrintLinuxOnly(tool=tool, subdir=subdir)


def check_files(options: InstallOptions, files: FileRequest) -> None:
    """Refuse files with sections or variables, which the tool's format would lose.

    Raises: PrintFileParts.
    """
    for file in files.files:
        parts = [*(name for name, lines in file.sections.items() if lines)]
        parts += ["variables"] if file.variables else []
        if parts:
            raise PrintFileParts(tool=options.tool, file=file.path, parts=", ".join(parts))


def of_channels(task: Task, decision: Decision) -> Printed:
    """Print a choice among conda builds."""
    options = task.options
    with language(options):
        flexible = named(decision.source).flexible
        said = recipe.of_channels(decision, options, task.target, flexible=flexible)
        found = render(str(options.tool), said)
    decision = decision._replace(notices=(*decision.notices, *_left_out(options, said)))
    return _printed(options, found, summary(decision), decision.notices, decision.prefix)


def of_wheels(options: InstallOptions, target: Target, decision: WheelDecision) -> Printed:
    """Print a choice among wheels."""
    with language(options):
        said = recipe.of_wheels(decision, options, target)
        found = render(str(options.tool), said)
    decision = decision._replace(notices=(*decision.notices, *_left_out(options, said)))
    return _printed(options, found, wheels.summary(decision), decision.notices, decision.prefix)


def of_text(options: InstallOptions, decision: WheelDecision, found: str) -> Printed:
    """Print a file that was made of a choice among wheels."""
    return _printed(options, found, wheels.summary(decision), decision.notices, None)


def _left_out(options: InstallOptions, said: Recipe) -> Iterator[Notice]:
    """Notices on what the text lacks: credentials, an environment name the tool refuses, options
    that it does not have, and on Windows, whose commands have no comments, the Python that pip
    needs."""
    lost = [words[0] for words in options.for_conda if words[0] not in said.options]
    if lost and options.tool != "conda":  # which itself leaves out what a subcommand lacks
        yield Notice("print_options_left", {"options": ", ".join(lost)})
    if said.hidden:
        yield Notice("print_credentials", {"channels": ", ".join(said.hidden)})
    if said.unnamed and options.tool in NAMING:
        yield Notice("print_renamed", {"asked": said.unnamed, "name": said.name})
    if options.tool == "pip" and said.on_windows:
        yield Notice("print_pip_python", {"python": said.python})


def explicit(
    options: InstallOptions, decision: Decision, found: str, notices: Sequence[Notice]
) -> Printed:
    """Print the explicit list of everything that conda's solver found, with its notices."""
    of_plan = {"plan_credentials": "print_credentials"}
    renamed = (each._replace(code=of_plan.get(each.code, each.code)) for each in notices)
    decision = decision._replace(notices=(*decision.notices, *renamed))
    return _printed(options, found, summary(decision), decision.notices, decision.prefix)


def language(options: InstallOptions) -> Any:
    """The language of the text's comments: English within a JSON document, and in a file that would
    not be UTF-8, as with cmd of a Chinese Windows, since conda and others read nothing else."""
    return in_english() if options.as_json or not writes_utf8() else nullcontext()


def _printed(
    options: InstallOptions,
    found: str,
    about: Mapping[str, Any],
    notices: Sequence[Notice],
    prefix: str | None,
) -> Printed:
    tool = str(options.tool)
    about = {**about, "print": {"tool": tool, "text": found.rstrip("\n") + "\n"}}
    told = tuple(notice for notice in notices if notice.code not in _HERE)
    if re.search('^set "', found, re.MULTILINE):
        told = (*told, Notice("of_cmd"))
    return Printed(tool, found.rstrip("\n"), about, told, prefix)
