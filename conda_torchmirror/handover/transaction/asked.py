"""What an environment's history says was asked for, where conda installs from a list of files.

Conda takes each file of such a list, or of an environment that is cloned, for an explicit request,
down to its build: its classic solver then keeps to all of them, and the environment takes no other
release of anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from conda import misc
from conda.history import History
from conda.models.match_spec import MatchSpec

from ...machine.dependents import is_file


@contextmanager
def asking(specs: Iterable[object]) -> Iterator[None]:
    """Record these specs, as a solve for them would, and not the files that they led to.

    A spec that none of the files meets does not count; where none counts, conda's own stay.
    """
    read = [spec for spec in map(_read, specs) if spec is not None]
    kept: Any = getattr(misc, "PrefixSetup", None)
    if kept is None:  # a conda that records otherwise does so as it likes
        yield
        return

    def setup(
        prefix: str, unlink: Any, link: Any, remove_specs: Any, update_specs: Any, *rest: Any
    ) -> Any:
        asked = tuple(spec for spec in read if any(map(_bare(spec).match, link)))
        return kept(prefix, unlink, link, remove_specs, asked or update_specs, *rest)

    misc.PrefixSetup = setup
    try:
        yield
    finally:
        misc.PrefixSetup = kept


@contextmanager
def by_name() -> Iterator[None]:
    """Let the files of such a list be asked for by their names alone, as conda itself does with a
    spec that it gives up ("neutered"): they stay, in whatever release goes with what is asked."""
    kept = History.get_requested_specs_map

    def names(self: History) -> dict[str, MatchSpec]:
        found = kept(self)
        return {n: MatchSpec(n) if is_file(spec) else spec for n, spec in found.items()}

    History.get_requested_specs_map = names
    try:
        yield
    finally:
        History.get_requested_specs_map = kept


def _bare(spec: MatchSpec) -> MatchSpec:
    """What a spec says of the package itself: a plan's files may be under a mirror's own name."""
    return MatchSpec(**{k: v for k in ("name", "version", "build") if (v := spec.get(k))})


def _read(spec: object) -> MatchSpec | None:
    """A spec of a plan; None for one without a name of its own, or that conda does not read."""
    try:
        read = MatchSpec(spec) if isinstance(spec, str) else None
    except Exception:  # conda's reader refuses specs in many ways, not only by InvalidSpec
        return None
    return read if read is not None and read.name != "*" else None
