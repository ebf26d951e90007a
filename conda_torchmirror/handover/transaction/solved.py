"""What a solver found, from the hook that conda calls at the end of a solve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from conda.base.context import context
from conda.plugins import hookimpl
from conda.plugins.types import CondaPostSolve

_PLUGIN = "conda-torchmirror-transaction"


@contextmanager
def listening(solved: Callable[[Any, Any], None]) -> Iterator[None]:
    """Call `solved` after every solve in this process, through a conda plugin, within the block.

    `solved` gets the records to unlink and those to link.
    """

    def heard(repodata_fn: str, unlink: Any, link: Any) -> None:
        solved(unlink, link)

    class Listener:
        @hookimpl
        def conda_post_solves(self) -> Iterator[CondaPostSolve]:
            yield CondaPostSolve(name=_PLUGIN, action=heard)

    manager, listener = context.plugin_manager, Listener()
    manager.register(listener, name=_PLUGIN)
    try:
        yield
    finally:
        manager.unregister(listener)
