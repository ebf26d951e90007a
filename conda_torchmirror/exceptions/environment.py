"""Environments that the command cannot or must not touch."""

from __future__ import annotations

from .base import TorchMirrorError


class NoEnvironment(TorchMirrorError):
    """No environment is named and none but base is active."""

    code = "no_environment"
    hints = ("name_environment", "preview_first")


class ForeignPlatform(TorchMirrorError):
    """`--platform` is another one than that of the existing environment."""

    code = "foreign_platform"
    hints = ("preview_platform",)


class PipTorch(TorchMirrorError):
    """Pip put a torch into the environment; conda's would be unpacked over it."""

    code = "pip_torch"
    hints = ("pip_uninstall", "fresh_environment")


class LeftoverFirst(TorchMirrorError):
    """A package that a hand-over would remove first stands in the way of a plan."""

    code = "leftover_first"
    hints = ("remove_name", "fresh_environment")
