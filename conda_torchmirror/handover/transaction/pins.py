"""The user's pins apply beside those of a hand-over and beside its specs, never in their place.

Of several pins on a package, conda's solvers keep the last, which is that of the environment's
file; and the classic solver puts a pin in the place of the spec that is asked for. So in
`conda-meta/pinned`, `numpy >=1.20` lifts the pin `numpy<2` of a hand-over, and `pytorch >=2` lets
any build in for the exact one that was chosen. In the same way the bare name of a package in
`aggressive_update_packages` takes the place of a pin on it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from logging import getLogger
from typing import Any

from conda.base.context import context
from conda.core import solve
from conda.exceptions import CondaError
from conda.models.match_spec import MatchSpec

from ...selection.plan import PINS
from ...selection.specs import package_name

log = getLogger(__name__)

_NAME = "get_pinned_specs"
_AGGRESSIVE = "aggressive_update_packages"
#: A word that is a spec with more than a name, which no option or its value is.
_SPEC = r"(?:[^\s/]+::)?[A-Za-z0-9_][\w.-]*(?:[\s=<>!~].*|\[.*\])"


def handed_over(variables: Mapping[str, str]) -> list[str]:
    """The pins in the `variables` of a hand-over, as match specs."""
    return [word for word in variables.get(PINS, "").split("&") if word]


@contextmanager
def all_applied(command: Sequence[str], variables: Mapping[str, str]) -> Iterator[None]:
    """Within the block, the pin that conda takes for a package is combined with the pin on it in
    the `variables` of a hand-over, and with the specs of the command on it. What these are about is
    not updated because conda's configuration says so."""
    ours = handed_over(variables)
    asked = [word for word in command if re.fullmatch(_SPEC, word)]
    with _chosen_here({name for word in (*ours, *asked) if (name := package_name(word))}):
        yield from _combining([*ours, *asked])


@contextmanager
def _chosen_here(names: Container[str]) -> Iterator[None]:
    """Within the block, conda's `aggressive_update_packages` has none of these names."""
    kind: Any = type(context)
    original = vars(kind).get(_AGGRESSIVE)
    if not isinstance(original, property) or original.fget is None:
        yield
        return
    read = original.fget
    kept = property(lambda of: tuple(spec for spec in read(of) if spec.name not in names))
    setattr(kind, _AGGRESSIVE, kept)
    try:
        yield
    finally:
        setattr(kind, _AGGRESSIVE, original)


def _combining(beside: Sequence[str]) -> Iterator[None]:
    """Yield once, and meanwhile let conda's pins be combined with these specs."""
    original: Any = getattr(solve, _NAME, None)
    if original is None:
        yield
        return
    inside = True

    def combined(*args: Any, **options: Any) -> tuple[Any, ...]:
        found = original(*args, **options)
        return _combined(found, beside) if inside else tuple(found)

    # Other solvers import the function, some of them only when they are asked to solve.
    modules = [vars(module) for module in [*sys.modules.values()] if hasattr(module, "__dict__")]
    holders = [names for names in modules if names.get(_NAME) is original]
    for names in holders:
        names[_NAME] = combined
    try:
        yield
    finally:
        inside = False
        for names in holders:
            names[_NAME] = original


def _combined(pins: Iterable[Any], beside: Iterable[str]) -> tuple[Any, ...]:
    """The pins, the last on each package together with the specs `beside` them on it. What conda
    cannot combine stays as it is."""
    specs: dict[str, list[Any]] = {}
    for word in beside:
        with suppress(CondaError):
            spec = MatchSpec(word, optional=True)
            specs.setdefault(spec.name, []).append(spec)
    last = {pin.name: pin for pin in pins}
    every = {name: dict.fromkeys((pin, *specs.get(name, ()))) for name, pin in last.items()}
    return tuple(_one(tuple(each)) if len(each) > 1 else last[name] for name, each in every.items())


def _one(specs: Sequence[Any]) -> Any:
    """The specs on one package as a single pin, the first of them if conda cannot combine them."""
    # What was chosen passes all pins, so that an exact build stands for all of them.
    exact = [spec for spec in specs if re.fullmatch(r"[\w.]+", spec.get_raw_value("build") or "")]
    try:
        (one,) = exact[-1:] or MatchSpec.merge(specs)
    except (CondaError, ValueError) as error:
        log.debug("specs that cannot be one pin: %s (%s)", specs, error)
        return specs[0]
    return one
