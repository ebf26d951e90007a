"""Removing packages in the same transaction that installs others.

Conda's command line can do either, not both. Here its solver sees the environment without the
packages to remove, while the transaction is made against the environment as it is: one plan, one
question, and conda rolls back all of it if any part fails. When conda installs from a list of files
there is no solver, and the removals are added to its transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from conda import misc
from conda.base.context import context
from conda.core.prefix_data import PrefixData
from conda.core.solve import Solver
from conda.models.match_spec import MatchSpec
from conda.models.prefix_graph import PrefixGraph


@contextmanager
def removing(names: Collection[str], hidden: Collection[str]) -> Iterator[None]:
    """Remove the packages of these names in every transaction that is solved for in the block.

    `hidden` are the packages that the solver does not see in the environment; it may add them
    again.
    """
    if not hidden:
        yield
        return
    manager: Any = context.plugin_manager
    kept = manager.get_cached_solver_backend

    @cache
    def backend(name: str | None = None) -> type[Solver]:
        return _removing(manager.get_solver_backend(name), frozenset(names), frozenset(hidden))

    manager.get_cached_solver_backend = backend
    try:
        yield
    finally:
        manager.get_cached_solver_backend = kept


@contextmanager
def removing_beside_files(names: Collection[str]) -> Iterator[None]:
    """Remove the packages of these names in the transaction that conda makes of a list of files.

    Conda makes that with `PrefixSetup` in `conda.misc` (24.7 to 26.7); by itself it only removes
    packages that one of the files replaces.
    """
    if not names:
        yield
        return
    kept: Any = misc.PrefixSetup

    def setup(
        prefix: str, unlink: Any, link: Any, remove_specs: Any, update_specs: Any, *rest: Any
    ) -> Any:
        comes = {record.name for record in (*unlink, *link)}
        found = (PrefixData(prefix).get(name, None) for name in {*names} - comes)
        leaving = [record for record in found if record is not None]
        # Dependents are unlinked before what they need.
        unlink = tuple(reversed(PrefixGraph((*unlink, *leaving)).graph))
        # Recorded in the environment's history, so that a later solve does not bring them back.
        specs = tuple(MatchSpec(record.name) for record in leaving)
        return kept(prefix, unlink, link, (*remove_specs, *specs), update_specs, *rest)

    misc.PrefixSetup = setup
    try:
        yield
    finally:
        misc.PrefixSetup = kept


def _removing(backend: type[Solver], names: frozenset[str], hidden: frozenset[str]) -> type[Solver]:
    """A subclass of the solver class that does not see the hidden packages in the environment."""

    class Removing(backend):
        def solve_final_state(self, *args: Any, **kwargs: Any) -> Any:
            with _hiding(hidden):
                return super().solve_final_state(*args, **kwargs)

        def solve_for_diff(self, *args: Any, **kwargs: Any) -> Any:
            found = super().solve_for_diff(*args, **kwargs)
            # Set after the solve, for the environment's history: no solver accepts specs to add and
            # to remove at once. The second name is that of new conda.
            self.specs_to_remove = frozenset(map(MatchSpec, names))
            self.unmerged_specs_to_remove = self.specs_to_remove
            return found

    return Removing


@contextmanager
def _hiding(names: frozenset[str]) -> Iterator[None]:
    """Hide the packages of these names from every reader of an environment's records."""
    every = PrefixData._prefix_records

    def rest(self: PrefixData) -> dict[str, Any]:
        found = every.fget(self)
        return {name: record for name, record in found.items() if name not in names}

    PrefixData._prefix_records = property(rest)
    try:
        yield
    finally:
        PrefixData._prefix_records = every
