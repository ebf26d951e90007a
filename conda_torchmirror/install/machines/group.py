"""Which machines need the same, and what tells their plans apart. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeAlias

from ...models import Decision, Machine
from ...selection.pip.plan import WheelDecision

#: What a preview for one machine ends in.
AnyDecision: TypeAlias = "Decision | WheelDecision"


def key(decision: AnyDecision) -> Hashable:
    """What is equal for machines that one plan serves."""
    on = decision.machine
    same = (on.subdir, on.driver_os, on.failing)
    if isinstance(decision, WheelDecision):
        links = tuple(file.link for file in decision.files)
        return (*same, decision.chosen.python, decision.pip.specs, links)
    step = decision.plan.conda
    return (*same, decision.choice.python, decision.source, step.specs, step.pins, step.passed)


def labels(decision: AnyDecision) -> Mapping[str, str]:
    """What a plan is, in words that a folder can be named by; the most telling come first."""
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
    """A name for each plan: what distinguishes it from the others, and its CUDA where nothing does.

    Plans that differ in nothing that is worth a name are numbered.
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
    """Machines without those that equal an earlier one, each with the positions of all of them."""
    found: list[tuple[Machine, list[int]]] = []
    for position, machine in enumerate(machines):
        for known, positions in found:
            if known == machine:  # facts of remarks cannot be hashed
                positions.append(position)
                break
        else:
            found.append((machine, [position]))
    return found
