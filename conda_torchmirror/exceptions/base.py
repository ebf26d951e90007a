"""The base of all our errors.

New conda (26.7) renders `guidance` itself; older ones %-format every message (which crashes on the
%2B of a wheel URL) and know no guidance. The base class serves both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from conda import CondaError

from ..models import Notice
from ..text.layout import bullet, wrapped
from ..text.messages import text


class TorchMirrorError(CondaError):
    """Base of all our errors: `code` finds message, cause and hints in `messages`.

    Facts must be plain JSON values. `ways` are further hints, with facts of their own. Exit code 1
    unless a subclass says otherwise.
    """

    code: ClassVar[str]
    hints: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, ways: Sequence[Notice] = (), **facts: Any) -> None:
        cause = text(f"{self.code}.cause", facts, default="")
        hints = (*(Notice(code, facts) for code in self.hints), *ways)
        self._hints = [{"hint_code": h.code, "text": text(h.code, h.facts)} for h in hints]
        # Private, because conda puts every public attribute of an error into its JSON.
        self._cause = cause
        self._facts = facts
        guidance = {"cause": cause or None, "hints": self._hints} if cause or hints else None
        super().__init__(text(self.code, facts), guidance=guidance)

    def __str__(self) -> str:
        if hasattr(CondaError, "guidance"):
            return str(self.message)
        return "\n".join([str(self.message), *self._advice()])

    def _advice(self) -> list[str]:
        lines = ["", *wrapped(text("show.cause", {"cause": self._cause}))] if self._cause else []
        if self._hints:
            lines += ["", text("show.next_steps")]
            lines += [line for hint in self._hints for line in bullet(hint["text"])]
        return lines

    def dump_map(self) -> dict[str, Any]:
        """Conda's JSON error, with the message free of the advice that stands under `guidance`."""
        result = super().dump_map()
        result["message"] = str(self.message)
        result["error"] = f"{type(self).__name__}: {self.message}"
        result.setdefault("guidance", {"cause": self._cause or None, "hints": self._hints})
        if self._facts:
            result["torchmirror"] = {"schema": 1, "error": self.code, "facts": self._facts}
        return result


class UsageError(TorchMirrorError):
    """A word of the command line cannot be used. Exit code 2, as for argparse's own."""

    return_code = 2
