"""Bounds on other packages that the set needs but no wheel states: `data/rules.json`. Pure.

For conda these are pins of one hand-over. Pip has no history, so a requirement of the run does the
same; one on a package that nothing in the run needs would only install it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from ...models import Choice, Notice, Pin
from .. import rules
from ..facts.names import AUDIO, PIP_NAMES
from ..rules import Rule
from ..specs import package_name
from .metadata import Metadata, requirements

#: Those of the set whose wheels need no package that a rule is about.
_ALONE = (PIP_NAMES[0], AUDIO)


class Bounds(NamedTuple):
    """Requirements besides the set; `why` is the code of the sentence that explains them."""

    words: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def of_words(self) -> tuple[Notice, ...]:
        """The notices on the words, in their order."""
        return tuple(notice for notice in self.notices if notice.code == "rule_pip")


def of_set(
    choice: Choice,
    said: Mapping[str, Metadata],
    there: Iterable[str],
    others: Iterable[str],
    python: str,
) -> Bounds:
    """The bounds of the rules that apply to a set.

    `said` is the METADATA of its wheels, `there` the projects of the environment, `others` the
    user's own requirements, which win over a rule; that is reported.
    """
    others = tuple(others)
    needed = {*_needed(said, choice.torch.subdir, python), *there}
    # A partner that is not read may need it, as another word may.
    unread = any(build.name not in (*said, *_ALONE) for build in choice.builds)
    words: list[str] = []
    notices: list[Notice] = []
    for rule in rules.applying(choice, admits):
        facts = {"pin": rule.pin, "why": rule.why}
        if word := _against(rule, others):
            notices.append(Notice("against_rule", {"spec": word, **facts}, rule.source))
        elif rule.name in needed or others or unread:
            words.append(rule.pin)
            notices.append(Notice("rule_pip", facts, rule.source))
    return Bounds(tuple(words), tuple(notices))


def _needed(said: Mapping[str, Metadata], subdir: str, python: str) -> Iterator[str]:
    for metadata in said.values():
        for one in requirements(metadata, subdir, python):
            yield canonicalize_name(one.name)


def _against(rule: Rule, words: Iterable[str]) -> str | None:
    found = rules.conflict(rule, (Pin(word, "") for word in words), admits)
    return found.spec if found else None


def admits(spec: str, name: str, version: str, _build: str = "") -> bool:
    """Whether a spec, written as in a rule or as for pip, admits a version of a package."""
    if package_name(spec) != name:
        return False
    versions = spec.strip()[len(name) :].strip().strip("()")
    try:
        return SpecifierSet("" if versions == "*" else versions).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True
