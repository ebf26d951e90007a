"""The base of all our errors.

New conda (26.7) renders `guidance` itself; older ones %-format every message (which crashes on the
%2B of a wheel URL) and know no guidance. The base class serves both.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any, ClassVar

from conda import CondaError

from ..models import Notice
from ..text.layout import bullet, wrapped
from ..text.messages import Sentence, fill, text
from ..text.output import SCHEMA, clean
from ..text.sanitize import safe

#: What conda's parser of match specs raises: with some solvers an IndexError for `numpy[version]`.
SPEC_ERRORS = (CondaError, ValueError, LookupError, TypeError, AttributeError)


class TorchMirrorError(CondaError):
    """Base of all our errors: a class is one situation, and owns its words.

    `message` and `cause` are sentences whose fields are listed in `facts`; every raise supplies
    these facts, as plain JSON values. `hints` are codes of shared next steps that are filled with
    the same facts, `ways` are further next steps with facts of their own. Exit code 1 unless a
    subclass says otherwise.
    """

    code: ClassVar[str]
    message: ClassVar[Sentence]
    cause: ClassVar[Sentence] = ""
    hints: ClassVar[tuple[str, ...]] = ()
    facts: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, ways: Sequence[Notice] = (), **facts: Any) -> None:
        _check(type(self), facts)
        name = type(self).__name__
        cause = fill(self.cause, facts, f"{name}.cause") if self.cause else ""
        found = (*(Notice(code, facts) for code in self.hints), *ways)
        said = dict.fromkeys((h.code, _shortened(safe(text(h.code, h.facts)))) for h in found)
        self._hints = [{"hint_code": code, "text": words} for code, words in said]
        # Private, because conda puts every public attribute of an error into its JSON.
        self._cause = _shortened(safe(cause))
        self._facts = facts
        guidance = {"cause": self._cause or None, "hints": self._hints} if cause or found else None
        message = _shortened(safe(fill(type(self).message, facts, name)))
        super().__init__(message, guidance=guidance)

    def __str__(self) -> str:
        if hasattr(CondaError, "guidance"):
            return str(self.message)
        return "\n".join([str(self.message), *self._advice()])

    def __repr__(self) -> str:
        """The class name and the text, which old conda prints; wrapped to the terminal's width."""
        first, *rest = str(self).split("\n")
        return "\n".join([*wrapped(first, f"{type(self).__name__}: "), *rest])

    def _advice(self) -> list[str]:
        lines = ["", *wrapped(text("show.cause", {"cause": self._cause}))] if self._cause else []
        if self._hints:
            lines += ["", text("show.next_steps")]
            lines += [line for hint in self._hints for line in bullet(hint["text"])]
        return lines

    def dump_map(self) -> dict[str, Any]:
        """Conda's JSON error. The advice is under `guidance` only, not in the message as well."""
        result = super().dump_map()
        result["message"] = str(self.message)
        result["error"] = f"{type(self).__name__}: {self.message}"
        result.setdefault("guidance", {"cause": self._cause or None, "hints": self._hints})
        result["torchmirror"] = clean({"schema": SCHEMA, "error": self.code, "facts": self._facts})
        return result


def first_line(error: BaseException) -> str:
    """The first line of an error's message; the name of its class if there is none.

    A message of ours is returned itself, as it carries its English. Those of conda have their facts
    only as a string.
    """
    said = error.message if isinstance(error, TorchMirrorError) else str(error)
    if isinstance(said, str) and len(lines := said.splitlines()) <= 1:
        return said if lines else type(error).__name__
    return str(error).splitlines()[0]


#: A run without a space that is longer than any name, address or command. Any other script is
#: allowed more, because Chinese text has few spaces.
_LONG = re.compile(r"[!-~]{301,}|\S{1001,}")


def _shortened(words: str) -> str:
    """Cut absurdly long values down to their two ends. The facts in the JSON keep them whole."""
    if not _LONG.search(words):
        return words  # itself, as a sentence that has its English beside it
    return _LONG.sub(lambda found: f"{found[0][:40]}...{found[0][-20:]}", words)


def _check(kind: type[TorchMirrorError], facts: dict[str, Any]) -> None:
    """Check that a raise supplies exactly the facts that its class declares.

    Raises only where a developer sees it: in development mode (`python -X dev`) and in the tests.
    For a user, a missing fact must not replace the error to be shown; `fill` shows what is there.

    Raises: TypeError.
    """
    if facts.keys() != set(kind.facts) and (STRICT or sys.flags.dev_mode):
        raise TypeError(f"{kind.__name__} takes the facts {kind.facts}, not {tuple(facts)}")


#: Whether `_check` raises outside development mode too. Set by the tests.
STRICT = False


class UsageError(TorchMirrorError):
    """A command-line argument that cannot be used. Exit code 2, as for argparse's own errors."""

    return_code = 2
