"""Every sentence that a person reads, by its stable code.

The sentences are in `tables`, by subject; those of errors are on their classes. A table is loaded
when the first of its sentences is shown. Never translated: codes, JSON keys, commands, log
messages.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from . import language
from .sanitize import safe

if TYPE_CHECKING:
    from ..mirrors.urls import MirrorError
    from ..models import Gpu

#: A sentence with fields in braces, or a pair: the singular and the plural by the fact `count`.
Sentence: TypeAlias = "str | tuple[str, str]"
Table: TypeAlias = "Mapping[str, Sentence]"

#: Shown in place of a missing fact.
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
    return fill(found, facts or {}, code)


def plural(code: str, n: int, facts: Mapping[str, Any] | None = None) -> str:
    """The sentence for a code in the form for `n`, which is its fact `count`."""
    return text(code, {**(facts or {}), "count": n})


def listed(parts: Iterable[str]) -> str:
    """Join phrases as a list, such as the parts of a request."""
    return _joined("list.phrases", parts)


def counted(names: Iterable[str]) -> str:
    """Join names by commas, equal ones as one with their number: `8 x NVIDIA H20`."""
    found = Counter(names).items()
    return ", ".join(name if count == 1 else f"{count} x {name}" for name, count in found)


def of_gpus(gpus: Iterable[Gpu]) -> str:
    """GPUs with their compute capabilities, equal ones once: `8 x NVIDIA H20 (9.0)`."""
    return counted(f"{gpu.name} ({gpu.arch or '?'})" for gpu in gpus)


def clauses(parts: Iterable[str]) -> str:
    """Join sentences to one, as clauses."""
    return _joined("list.clauses", parts)


def sentences(parts: Iterable[str]) -> str:
    """Join sentences, which stay sentences."""
    return _joined("list.sentences", parts)


def _joined(code: str, parts: Iterable[str]) -> str:
    return reduce(lambda first, rest: text(code, {"first": first, "rest": rest}), parts)


def fill(sentence: Sentence, facts: Mapping[str, Any], context: str) -> str:
    """Translate a sentence into the reader's language and fill in its facts.

    `context` is the code of the sentence, or the name of the class that owns it. A fact becomes one
    line of clean text; a missing one becomes a question mark, because an incomplete message is more
    useful than an error about it.
    """
    if language.current() == language.ENGLISH:
        return filled(sentence, facts)
    from .translation import translate

    return translate(sentence, facts, context)


def filled(sentence: Sentence, facts: Mapping[str, Any]) -> str:
    """The English sentence, in the form for its fact `count`, with its facts."""
    english = sentence if isinstance(sentence, str) else sentence[facts.get("count") != 1]
    return with_facts(english, CleanFacts(facts))


def with_facts(sentence: str, facts: CleanFacts) -> str:
    """Fill facts into a sentence; in the commands that it offers, paths are quoted for a shell."""
    parts = sentence.split("`")
    for number, part in enumerate(parts):
        if "{" in part:
            # Between backticks, words with a space between them are a command.
            facts.in_command = number % 2 == 1 and " " in part
            parts[number] = part.format_map(facts)
    return "`".join(parts)


#: The facts that are paths.
_PATHS = frozenset(("file", "folder", "path", "prefix", "python"))


class CleanFacts(dict[str, Any]):
    """The facts of a sentence, cleaned when they are filled in."""

    in_command = False

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if isinstance(value, (int, float)):
            return value
        word = self._word(value)
        if self.in_command and name in _PATHS:
            from ..selection.shell import quoted

            return quoted(word, windows=os.name == "nt")
        return word

    def __missing__(self, name: str) -> str:
        return UNKNOWN

    def _word(self, value: Any) -> str:
        return " ".join(safe(str(getattr(value, "english", value))).split("\n"))


def of_error(error: MirrorError) -> str:
    """The message, in the reader's language, of an error raised below this package."""
    return fill(error.sentence, error.facts, "MirrorError")


#: Codes of `tables.files` for errors of the file system, by errno.
REFUSALS: Mapping[int | None, str] = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "quota_used_up",
    errno.EROFS: "disk_read_only",
    errno.EACCES: "not_permitted",
    errno.EPERM: "not_permitted",
    errno.ENOENT: "not_there",
    errno.ENOTDIR: "no_folder",
    errno.EEXIST: "no_folder",  # of the making of one
    errno.EISDIR: "is_folder",
    errno.ENAMETOOLONG: "name_too_long",
    errno.EIO: "disk_failing",
    errno.EFBIG: "file_too_large",
    errno.EMFILE: "too_many_open",
    errno.ENFILE: "too_many_open",
    errno.ETIMEDOUT: "other_run",
}


def of_os_error(error: BaseException) -> str:
    """The reason of a file system's error, in the reader's language."""
    code = REFUSALS.get(getattr(error, "errno", None))
    if code is not None:
        return text(f"file.{code}")
    return safe(str(getattr(error, "strerror", None) or error))


def _sentence(code: str) -> Sentence | None:
    """Look up the sentence of a code; None if there is none."""
    subject, dot, rest = code.partition(".")
    if dot:
        return _section(subject).get(rest)
    return next((table[code] for table in _plain() if code in table), None)


def _section(subject: str) -> Table:
    """The table of the codes that begin with `subject.`."""
    if subject in ("show", "clash", "rule", "origin", "source"):
        from .tables import decision

        return {
            "show": decision.SHOW,
            "clash": decision.CLASH,
            "rule": decision.RULE,
            "origin": decision.ORIGIN,
            "source": decision.SOURCE,
        }[subject]
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
    if subject == "print":
        from .tables.tools import comments

        return comments.SHOW
    if subject == "wheel":
        from .tables.wheels import run

        return run.SHOW
    return {}


def _plain() -> Iterator[Table]:
    """The tables of codes without a subject, each loaded only if those before lack the code; first
    that of the automatic redirect, which every command may need."""
    from .tables import mirrors

    yield mirrors.TEXT
    from .tables import decision

    yield decision.NOTICES
    yield decision.CAUSE
    from .tables import hints

    yield hints.TEXT
    from .tables import transport

    yield transport.TEXT
    from .tables import options

    yield options.SPEC
    from .tables import plans

    yield plans.TEXT
    from .tables import files

    yield files.INPUT
    from .tables.wheels import run

    yield run.TEXT
