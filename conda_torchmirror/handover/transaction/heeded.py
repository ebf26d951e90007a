"""What the solver takes is what was chosen and pinned, else nothing is installed.

A solver may leave a pin out: where a package is asked for, the classic one drops a pin that no
build of it meets. That may be because another pin is combined with ours, or because it looks into
`current_repodata.json` first, which has only new builds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from conda import CondaError
from conda.base.constants import REPODATA_FN
from conda.base.context import context
from conda.exceptions import UnsatisfiableError
from conda.models.match_spec import MatchSpec

from ...exceptions.choice import DefaultPackage, NotAsChosen
from ...selection.specs import package_name
from ...text.sanitize import safe
from .pins import handed_over
from .solved import listening

#: The result of a command.
_Done = TypeVar("_Done")
#: Conda's option for the file of an index.
_INDEX = "--repodata-fn"
#: A word that is the spec of one build.
_EXACT = r"[A-Za-z0-9_][\w.-]*=[^=\s]+=[\w.]+"


class Unheeded(UnsatisfiableError):
    """The solver takes a package that `spec`, a pin or an exact build of the run, does not admit.

    `whole` says that it had the whole index. Conda does not try again by itself.
    """

    allow_retry = False

    def __init__(self, spec: str, package: str, *, whole: bool) -> None:
        self.spec, self.package, self.whole = spec, package, whole
        CondaError.__init__(self, f"{package}: {spec}")


def refusal(found: Unheeded, where: str | None) -> DefaultPackage | NotAsChosen:
    """The error for what the solver took. `where` are the words that name a new environment, to
    which conda's configuration may add packages, None for one that is there."""
    needed, package = safe(found.spec), safe(found.package)
    if where is not None:
        added = by_default({package_name(found.spec)}, needed, where, package=package)
        if added is not None:
            return added
    return NotAsChosen(package=package, needed=needed, solver=safe(str(context.solver)))


def by_default(
    names: Container[str], needed: str, where: str, *, package: str | None = None
) -> DefaultPackage | None:
    """The error for one of these packages that conda's configuration adds to every new environment,
    if it does. `needed` excludes it; `package` is what the solver took, if that is known."""
    for spec in context.create_default_packages:
        if package_name(spec) in names:
            said = safe(spec)
            return DefaultPackage(package=package or said, needed=needed, spec=said, where=where)
    return None


def demanded(command: Sequence[str], variables: Mapping[str, str]) -> dict[str, list[Any]]:
    """The pins in the `variables` of a hand-over and the exact builds in its command, by name."""
    found: dict[str, list[Any]] = {}
    for word in (
        *handed_over(variables),
        *(word for word in command if re.fullmatch(_EXACT, word)),
    ):
        with suppress(CondaError):
            spec = MatchSpec(word)
            found.setdefault(spec.name, []).append((word, spec))
    return found


def with_whole_index(run: Callable[[Sequence[str]], _Done], command: Sequence[str]) -> _Done:
    """Run a command; again with the whole index where a part of it does not have what was demanded.

    Raises: what `run` raises, Unheeded among it.
    """
    try:
        return run(command)
    except Unheeded as error:
        if error.whole or _INDEX in command:
            raise
    return run([*command, _INDEX, REPODATA_FN])


@contextmanager
def checked(command: Sequence[str], variables: Mapping[str, str]) -> Iterator[None]:
    """Within the block, a solve that ends with another package than was demanded is refused before
    anything is downloaded or changed. Raises there: Unheeded."""
    specs = demanded(command, variables)

    def solved(index: str, _unlink: Any, link: Any) -> None:
        for record in link:
            for word, spec in specs.get(record.name, ()):
                if not spec.match(record):
                    package = f"{record.name} {record.version}"
                    raise Unheeded(word, package, whole=index == REPODATA_FN)

    if not specs:
        yield
        return
    with listening(solved):
        yield
