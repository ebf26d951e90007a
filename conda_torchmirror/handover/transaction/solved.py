"""What a solver found, from the hook that conda calls at the end of a solve."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from conda.base.context import context
from conda.plugins import hookimpl
from conda.plugins.types import CondaPostSolve

_PLUGIN = "conda-torchmirror-transaction"
_listeners = itertools.count()


@contextmanager
def listening(solved: Callable[[str, Any, Any], None]) -> Iterator[None]:
    """Call `solved` after every solve in this process, through a conda plugin, within the block.

    `solved` gets the name of the index, the records to unlink and those to link.
    """
    plugin = f"{_PLUGIN}-{next(_listeners)}"  # conda refuses two of one name

    class Listener:
        @hookimpl
        def conda_post_solves(self) -> Iterator[CondaPostSolve]:
            yield CondaPostSolve(name=plugin, action=solved)

    manager, listener = context.plugin_manager, Listener()
    manager.register(listener, name=plugin)
    try:
        yield
    finally:
        manager.unregister(listener)
