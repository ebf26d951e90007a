"""Files of `torch-install -f`."""

from __future__ import annotations

from .base import TorchMirrorError, UsageError


class FileNotReadable(TorchMirrorError):
    """Conda cannot read a file of `-f`."""

    code = "file_not_readable"


class NotEnvironmentFile(TorchMirrorError):
    """A file of `-f` is of another kind; `ways` say what does work with it."""

    code = "not_environment_file"


class FileSection(TorchMirrorError):
    """A file has a section that conda has no installer for."""

    code = "file_section"
    hints = ("file_remove_section",)


class FilesDisagree(UsageError):
    """Files of `-f` name different environments."""

    code = "files_disagree"
    hints = ("name_one",)


class NoTorchInFile(TorchMirrorError):
    """The files name no package of the torch family."""

    code = "no_torch_in_file"
    hints = ("file_name_torch", "file_as_it_is")


class FileOtherChannel(TorchMirrorError):
    """A file takes a package of the torch family from another channel."""

    code = "file_other_channel"
    hints = ("file_as_it_is",)


class FileElsewhere(TorchMirrorError):
    """A file names a package that needs conda-forge's pytorch."""

    code = "file_elsewhere"
    hints = ("file_remove_spec", "file_as_it_is")


class SectionFailed(TorchMirrorError):
    """The pip section of a file could not be installed; conda's part is done."""

    code = "section_failed"
    hints = ("run_again",)
