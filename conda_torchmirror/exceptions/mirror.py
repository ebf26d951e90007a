"""Mirrors: their registry, the file of `torch-mirror enable`, their test."""

from __future__ import annotations

from .base import TorchMirrorError


class UnknownConda(TorchMirrorError):
    """This conda lacks a name that redirecting in process needs."""

    code = "unknown_conda"
    hints = ("newer_plugin", "persist")


class BadRegistry(TorchMirrorError):
    """The setting `torchmirror_registry`, or another of ours, cannot be used."""

    code = "bad_registry"


class ForeignFile(TorchMirrorError):
    """The file that we would write or remove is somebody else's."""

    code = "foreign_file"
    hints = ("move_file",)


class CannotWrite(TorchMirrorError):
    """The file of `torch-mirror enable` cannot be written or removed."""

    code = "cannot_write"


class NothingToEnable(TorchMirrorError):
    """No preferred mirror carries any of the channels."""

    code = "nothing_to_enable"
    hints = ("see_mirrors",)


class OfflineTest(TorchMirrorError):
    """`torch-mirror test` with conda offline."""

    code = "test_offline"
    hints = ("go_online",)
