"""Removing packages in the same transaction that installs others.

Conda's command line can do either, not both. Here its solver sees the environment without the
packages to remove, while the transaction is made against the environment as it is: one plan, one
question, and conda rolls back all of it if any part fails. When conda installs from a list of files
there is no solver, and the removals are added to its transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from conda import misc
from conda.base.context import context
from conda.core.prefix_data import PrefixData
from conda.core.solve import Solver
from conda.models.match_spec import MatchSpec
from conda.models.prefix_graph import PrefixGraph

from ...machine.dependents import closure, needs_of
from ...models import Departure


@contextmanager
def removing(leaving: Departure) -> Iterator[None]:
    """Remove what leaves the environment in every transaction that is solved for in the block. What
    the solver does not see there, it may add again."""
    if not (leaving.hidden or leaving.unneeded):
        yield
        return
    manager: Any = context.plugin_manager
    kept = manager.get_cached_solver_backend

    @cache
    def backend(name: str | None = None) -> type[Solver]:
        return _removing(manager.get_solver_backend(name), leaving)

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


def _removing(backend: type[Solver], leaving: Departure) -> type[Solver]:
    """A subclass of the solver class that does not see the hidden packages in the environment, and
    removes those that are not needed after it."""
    hidden = frozenset(leaving.hidden)

    class Removing(backend):
        def solve_final_state(self, *args: Any, **kwargs: Any) -> Any:
            with _hiding(hidden):
                return super().solve_final_state(*args, **kwargs)

        def solve_for_diff(self, *args: Any, **kwargs: Any) -> Any:
            unlink, link = super().solve_for_diff(*args, **kwargs)
            more = _unneeded(str(self.prefix), unlink, link, frozenset(leaving.unneeded))
            # Set after the solve, for the environment's history: no solver accepts specs to add and
            # to remove at once. The second name is that of new conda.
            names = (*leaving.named, *(record.name for record in more))
            self.specs_to_remove = frozenset(map(MatchSpec, names))
            self.unmerged_specs_to_remove = self.specs_to_remove
            if more:
                # Dependents are unlinked before what they need.
                unlink = tuple(reversed(PrefixGraph((*unlink, *more)).graph))
            return unlink, link

    return Removing


def _unneeded(
    prefix: str, unlink: Iterable[Any], link: Iterable[Any], names: frozenset[str]
) -> list[Any]:
    """The records of these names that a transaction leaves in an environment and nothing needs."""
    if not names:
        return []
    gone = {record.name for record in unlink}
    stays = {r.name: r for r in PrefixData(prefix).iter_records() if r.name not in gone}
    stays |= {record.name: record for record in link}
    needed = closure(stays.keys() - names, needs_of(stays))
    return [stays[name] for name in sorted((names & stays.keys()) - needed)]


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
