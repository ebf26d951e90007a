"""No build fits, or what the environment asks for contradicts the one that does."""

from __future__ import annotations

from .base import TorchMirrorError


class NoFittingBuild(TorchMirrorError):
    """No build fits machine and request."""

    code = "no_fitting_build"


class UnknownPlatform(TorchMirrorError):
    """Neither a cached index nor the built-in one knows the platform."""

    code = "unknown_platform"
    hints = ("go_online",)


class PinConflict(TorchMirrorError):
    """A pin of the environment contradicts one that the chosen release needs."""

    code = "pin_conflict"
    hints = ("change_pin", "newer_release")


class HistoryConflict(TorchMirrorError):
    """What was asked for in the environment before contradicts what the chosen release needs."""

    code = "history_conflict"
    hints = ("change_spec", "newer_release", "repeat_spec")


class Shadowed(TorchMirrorError):
    """Strict channel priority was kept, and it hides a package that the set needs."""

    code = "shadowed"
    hints = ("allow_flexible",)
