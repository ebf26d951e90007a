"""Grouping machines that need the same plan, and naming the plans. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeAlias

from ...models import Decision, Machine
from ...selection.pip.plan import WheelDecision

#: The result of a preview for one machine.
AnyDecision: TypeAlias = "Decision | WheelDecision"


def key(decision: AnyDecision) -> Hashable:
    """The key by which decisions are grouped: it is equal for machines that can share a plan."""
    on = decision.machine
    same = (on.subdir, on.driver_os, on.failing)
    if isinstance(decision, WheelDecision):
        links = tuple(file.link for file in decision.files)
        return (*same, decision.chosen.python, decision.pip.specs, links)
    step = decision.plan.conda
    return (*same, decision.choice.python, decision.source, step.specs, step.pins, step.passed)


def labels(decision: AnyDecision) -> Mapping[str, str]:
    """The properties of a plan as parts of a folder name, the most distinctive first."""
    wheels = isinstance(decision, WheelDecision)
    choice = decision.chosen.choice if isinstance(decision, WheelDecision) else decision.choice
    return {
        "subdir": decision.machine.subdir,
        "cuda": f"cuda{choice.cuda}" if choice.cuda else "cpu",
        "torch": f"torch{choice.torch.version}",
        "python": f"py{choice.python}",
        "source": "wheels" if wheels else str(getattr(decision, "source", "")),
    }


def names(decisions: Sequence[AnyDecision]) -> list[str]:
    """A name for each plan, of the properties that distinguish the plans; of the CUDA if none do.

    Plans that would have the same name are numbered.
    """
    rows = [labels(decision) for decision in decisions]
    telling: list[str] = []
    apart = 1
    for label in rows[0]:
        differing = len({tuple(row[name] for name in (*telling, label)) for row in rows})
        if differing > apart:
            telling, apart = [*telling, label], differing
    found: list[str] = []
    for row in rows:
        name = "-".join(row[label] for label in telling or ("cuda",))
        others = sum(other == name or other.startswith(f"{name}-n") for other in found)
        found.append(f"{name}-n{others + 1}" if others else name)
    return found


def alike(machines: Iterable[Machine]) -> list[tuple[Machine, list[int]]]:
    """The distinct machines, each with the positions of all machines that are equal to it."""
    found: list[tuple[Machine, list[int]]] = []
    for position, machine in enumerate(machines):
        for known, positions in found:
            if known == machine:  # facts of remarks cannot be hashed
                positions.append(position)
                break
        else:
            found.append((machine, [position]))
    return found
