"""What can go wrong, one class per situation. Each takes facts; the sentences are in `messages`.

New conda (26.7) renders `guidance` itself; older ones %-format every message (which crashes on the
%2B of a wheel URL) and know no guidance. The base class serves both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from conda import CondaError

from .messages import text
from .models import Notice


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
        lines = ["", f"Cause: {self._cause}"] if self._cause else []
        if self._hints:
            lines += ["", "Next steps:", *(f"  - {hint['text']}" for hint in self._hints)]
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


class BadCuda(UsageError):
    """`--cuda` is neither auto, cpu nor a version."""

    code = "bad_cuda"


class BadPython(UsageError):
    """`--python` is not a version."""

    code = "bad_python"


class BadSpec(UsageError):
    """A match spec that conda cannot read."""

    code = "bad_spec"


class OtherChannelSpec(UsageError):
    """A spec of the torch family that names another channel."""

    code = "other_channel"


class BadMirror(UsageError):
    """`--mirror` names no known mirror and no usable URL."""

    code = "bad_mirror"


class NoEnvironment(TorchMirrorError):
    """No environment is named and none but base is active."""

    code = "no_environment"
    hints = ("name_environment", "preview_first")


class ForeignPlatform(TorchMirrorError):
    """`--platform` is another one than that of the existing environment."""

    code = "foreign_platform"
    hints = ("preview_platform",)


class NoFittingBuild(TorchMirrorError):
    """No build fits machine and request."""

    code = "no_fitting_build"


class UnknownPlatform(TorchMirrorError):
    """Neither a cached index nor the built-in one knows the platform."""

    code = "unknown_platform"
    hints = ("go_online",)


class NothingCached(TorchMirrorError):
    """Offline, and the channel's index is not in conda's cache."""

    code = "nothing_cached"
    hints = ("go_online", "preview_offline")


class ChannelError(TorchMirrorError):
    """Base of everything that goes wrong while a channel's index is read."""

    hints: ClassVar[tuple[str, ...]] = ("other_mirror", "preview_offline")


class ChannelMissing(ChannelError):
    """The mirror answers 404 for the channel."""

    code = "channel_missing"


class ChannelForbidden(ChannelError):
    """The mirror answers 403."""

    code = "channel_forbidden"
    hints = ("do_not_retry", "other_mirror", "preview_offline")


class ChannelUnreachable(ChannelError):
    """Refused, not found by DNS, timed out, or cut off."""

    code = "channel_unreachable"
    hints = ("check_network", "other_mirror", "preview_offline")


class ChannelTls(ChannelError):
    """The TLS connection failed."""

    code = "channel_tls"
    hints = ("check_certificates", "other_mirror", "preview_offline")


class ChannelBroken(ChannelError):
    """What the mirror sent is no index: HTML, truncated, or not JSON."""

    code = "channel_broken"
    hints = ("clean_index", "other_mirror", "preview_offline")


class PinConflict(TorchMirrorError):
    """A pin of the environment contradicts one that the chosen release needs."""

    code = "pin_conflict"
    hints = ("change_pin", "newer_release")


class PipTorch(TorchMirrorError):
    """Pip put a torch into the environment; conda's would be unpacked over it."""

    code = "pip_torch"
    hints = ("pip_uninstall", "fresh_environment")


class Shadowed(TorchMirrorError):
    """Strict channel priority was kept, and it hides a package that the set needs."""

    code = "shadowed"
    hints = ("allow_flexible",)
