"""The answers of `--source auto`, put together from those of the sources by the command's own rule.

`install.sources.answer.in_order` gives the sources for a request and their order,
`selection.sources.compare.newest` the one whose release wins. If none has a set, the command itself
gives the reason.
"""

from __future__ import annotations

from collections.abc import Mapping

from answer import CONDA_FORGE, Cell, Desk, machine, request_of, words
from shown import Shown, shown
from table import Asked, marked_cell

from conda_torchmirror.install.sources.answer import in_order
from conda_torchmirror.models import Build, Choice
from conda_torchmirror.selection.sources.compare import newest


def of_auto(cell: Cell, found: Mapping[str, Shown], desk: Desk) -> Shown:
    """The answer for an open source. `found` has the answers of the sources, by name."""
    order = in_order(desk.options, request_of(cell, words(cell, ())), machine(cell))
    there = {name: found[name] for name in order.sources if found[name].kind != "none"}
    if not there:
        return shown(Asked(cell, desk.answer(marked_cell(cell)), None), desk)
    choices = {name: _choice(each) for name, each in there.items()}
    return _named(there[newest(choices) if order.newest else next(iter(there))])


def _choice(found: Shown) -> Choice:
    build = Build("pytorch", found.release, "", 0, "")
    return Choice((build,), found.python, found.cuda or None)


def _named(found: Shown) -> Shown:
    """An answer whose command names no source."""
    for source in ("pytorch", CONDA_FORGE):
        found = found._replace(words=found.words.replace(f" --source {source}", ""))
    return found
