"""Bounds on the conda packages of a file that is completed with wheels: those of `data/rules.json`.

Conda makes the environment of such a file by itself, without a pin of ours, and before pip.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...index.match import admits
from ...models import Notice, Pin
from ...selection import rules
from ...selection.pip import bounds
from ...selection.pip.plan import WheelDecision
from ...selection.specs import package_name
from ...text.messages import text

#: What brings no package that a rule is about.
_BASE = frozenset(("python", "pip", "setuptools", "wheel"))


class Bounded(NamedTuple):
    """Lines for the conda packages of a file, and the notices on them and on what is left as it
    is; `against` are bounds that the file's own specs contradict."""

    lines: tuple[str, ...]
    notices: tuple[Notice, ...]
    against: tuple[str, ...]

    def applied(self, decision: WheelDecision) -> WheelDecision:
        """The decision with the notices, and with nothing asked of pip that the file's own specs
        contradict: it would take conda's package away."""
        told = [n for n in decision.notices if n.facts.get("pin") not in self.against]
        others = tuple(word for word in decision.others if word not in self.against)
        return decision._replace(notices=(*told, *self.notices), others=others)


def of_file(name: str, specs: Sequence[str], decision: WheelDecision) -> Bounded:
    """The bounds for the specs that stay in a file; `name` is that of the file, to be shown."""
    lines: list[str] = []
    notices: list[Notice] = []
    against: list[str] = []
    beside = {package_name(spec) for spec in specs} - _BASE
    for rule in rules.applying(decision.chosen.choice, bounds.admits):
        facts = {"file": name, "pin": rule.pin, "why": text(rule.why)}
        if pin := rules.conflict(rule, [Pin(spec, "") for spec in specs], admits):
            against.append(rule.pin)
            notices.append(Notice("file_against_rule", {**facts, "spec": pin.spec}, rule.source))
        elif beside and not any(_is_within(spec, rule) for spec in specs):
            lines.append(rule.pin)
            notices.append(Notice("file_bound", facts, rule.source))
    return Bounded(tuple(lines), tuple(notices), tuple(against))


def _is_within(spec: str, rule: rules.Rule) -> bool:
    """Whether a spec on the package of a rule admits nothing of what the rule keeps out, which is
    all from one version on."""
    if package_name(spec) != rule.name:
        return False
    first = rule.pin.partition("<")[2]
    return not any(admits(spec, rule.name, version, "") for version in (first, "9999"))
