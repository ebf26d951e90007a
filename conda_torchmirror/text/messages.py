"""Every sentence that a person reads, by its stable code.

The sentences stand in `tables`, by subject; those of errors on their classes. A table is loaded
when the first of its sentences is shown. Never translated: codes, JSON keys, commands, what goes to
a log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from .sanitize import safe

#: A sentence with fields in braces, or two: for one and for any other number, which is the fact
#: `count`.
Sentence: TypeAlias = "str | tuple[str, str]"
Table: TypeAlias = "Mapping[str, Sentence]"

#: What stands for a fact that is not there.
UNKNOWN: Final = "?"


def N_(sentence: str) -> str:
    """Mark a sentence to be translated where it is shown."""
    return sentence


def text(code: str, facts: Mapping[str, Any] | None = None, *, default: str | None = None) -> str:
    """The sentence for a code, with its facts.

    Raises: KeyError for a code without a sentence, unless a default is given.
    """
    found = _sentence(code)
    if found is None:
        if default is None:
            raise KeyError(code)
        return default
    return fill(found, facts or {})


def plural(code: str, n: int, facts: Mapping[str, Any] | None = None) -> str:
    """The sentence for a code in the form for `n`, which is its fact `count`."""
    return text(code, {**(facts or {}), "count": n})


def fill(sentence: Sentence, facts: Mapping[str, Any]) -> str:
    """A sentence in the language of the reader, with its facts in their places.

    A fact is one line of clean text, and one that is missing is a question mark: an incomplete
    message is of more use than an error about it.
    """
    if not isinstance(sentence, str):
        sentence = sentence[facts.get("count") != 1]
    return sentence.format_map(_Facts(facts))


class _Facts(dict[str, Any]):
    """Facts on their way into a sentence."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        return value if isinstance(value, (int, float)) else " ".join(safe(str(value)).split("\n"))

    def __missing__(self, name: str) -> str:
        return UNKNOWN


def _sentence(code: str) -> Sentence | None:
    """The one look-up of sentences."""
    subject, dot, rest = code.partition(".")
    if dot:
        return _section(subject).get(rest)
    return next((table[code] for table in _plain() if code in table), None)


def _section(subject: str) -> Table:
    """The table of the codes that begin with `subject.`."""
    if subject in ("show", "clash", "rule"):
        from .tables import decision

        return {"show": decision.SHOW, "clash": decision.CLASH, "rule": decision.RULE}[subject]
    if subject in ("status", "list"):
        from .tables import mirrors

        return mirrors.STATUS if subject == "status" else mirrors.LIST
    if subject == "machine":
        from .tables import machine

        return machine.TEXT
    if subject == "check":
        from .tables import check

        return check.TEXT
    if subject == "file":
        from .tables import files

        return files.TEXT
    if subject == "help":
        from .tables import options

        return options.HELP
    if subject == "hint":
        from .tables import hints

        return hints.HINT
    return {}


def _plain() -> Iterator[Table]:
    """The tables of the codes without a subject, each loaded only if those before lack a code: the
    automatic redirect's first, which every command may need."""
    from .tables import mirrors

    yield mirrors.TEXT
    from .tables import decision

    yield decision.NOTICES
    yield decision.CAUSE
    yield decision.SPEC
    from .tables import hints

    yield hints.TEXT
    from .tables import transport

    yield transport.TEXT
    from .tables import plans

    yield plans.TEXT
    from .tables import files

    yield files.INPUT
