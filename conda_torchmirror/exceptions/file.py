"""Files that `torch-install` is given: those of `-f`, and those of `--machine`."""

from __future__ import annotations

from ..text.messages import N_
from .base import TorchMirrorError, UsageError


class FileNotReadable(TorchMirrorError):
    """Conda cannot read a file of `-f`."""

    code = "file_not_readable"
    message = N_("{file} cannot be read as an environment file")
    cause = N_("{detail}")
    facts = ("file", "detail")


class EnvironmentFileNotFound(TorchMirrorError):
    """A file of `-f` is not there; named as conda's own error, which is in English alone."""

    code = "file_not_found"
    message = N_("{file} cannot be read as an environment file")
    cause = N_("{detail}")
    facts = ("file", "detail")


class FileAsSpec(UsageError):
    """A file that is given as a word, without `-f`."""

    code = "file_as_spec"
    message = N_("{file} is a file; without `-f` it is read as the name of a package")
    facts = ("file",)


class NotEnvironmentFile(TorchMirrorError):
    """A file of `-f` is of another kind; `ways` name commands that do take it."""

    code = "not_environment_file"
    message = N_("{file} is {what}, not an environment file")
    cause = N_("`torch-install -f` takes an environment.yml")
    facts = ("file", "what")


class FileSection(TorchMirrorError):
    """A file has a section that conda has no installer for."""

    code = "file_section"
    message = N_("{file} has a section `{section}`, which conda cannot install")
    facts = ("file", "section")
    hints = ("file_remove_section",)


class FilesDisagree(UsageError):
    """Files of `-f` name different environments."""

    code = "files_disagree"
    message = N_("the files name different environments: {names}")
    cause = N_("one run has one environment")
    facts = ("names",)
    hints = ("name_one",)


class NoTorchInFile(TorchMirrorError):
    """The files name no package of the torch family."""

    code = "no_torch_in_file"
    message = N_("{file} asks for none of pytorch, torchvision, torchaudio and torchtext")
    cause = N_("{detail}")
    facts = ("file", "detail", "path")


class FileOtherChannel(TorchMirrorError):
    """A file takes a package of the torch family from another channel."""

    code = "file_other_channel"
    message = N_("{file} takes `{spec}` from the channel `{channel}`")
    cause = N_("here torch-install chooses exact builds of {channels}")
    facts = ("file", "spec", "channel", "channels", "path")


class FileElsewhere(TorchMirrorError):
    """A file names a package that needs conda-forge's pytorch."""

    code = "file_elsewhere"
    message = N_("{file} asks for `{spec}`")
    cause = N_(
        "it is a package of conda-forge that needs conda-forge's own pytorch; torch-install "
        "chooses from the channel `pytorch`"
    )
    facts = ("file", "spec", "path", "source")
    hints = ("choose_from", "file_remove_spec")


class FileMirrorNoChannel(TorchMirrorError):
    """A file with the name of a mirror among its channels. The raise adds the way."""

    code = "file_mirror_no_channel"
    message = N_("`{word}` among the channels of {file} names a mirror, and no channel")
    cause = N_("conda would look for a channel of that name, which {mirror} is not")
    facts = ("file", "word", "mirror")


class FileSelectors(TorchMirrorError):
    """A file has lines for several systems, told apart by selectors that conda does not read."""

    code = "file_selectors"
    message = N_("{file} names `{name}` more than once, with selectors such as `# [linux]`")
    cause = N_(
        "conda-build reads them in a recipe; in an environment file they are comments, and every "
        "line counts"
    )
    facts = ("file", "name")
    hints = ("file_keep_lines",)


class SectionFailed(TorchMirrorError):
    """The pip section of a file could not be installed; conda's part is done."""

    code = "section_failed"
    message = N_("the {section} section of {file} could not be installed")
    cause = N_(
        "{detail}; the conda packages are installed in {prefix}, and the variables of the file "
        "are not set yet"
    )
    facts = ("section", "file", "detail", "prefix")
    hints = ("run_again",)


class BadMachineFile(TorchMirrorError):
    """A file of `--machine` does not hold the facts of a machine."""

    code = "bad_machine_file"
    message = N_("{file} cannot be read as the facts of a machine")
    cause = N_("{detail}")
    facts = ("file", "detail")
    hints = ("print_facts",)


class NoReports(TorchMirrorError):
    """The folder of `--collect` holds no reports, or is not a folder."""

    code = "no_reports"
    message = N_("{folder} is no folder with reports of machines")
    cause = N_("{detail}")
    facts = ("folder", "detail")
    hints = ("write_reports",)


class MachineFileTooNew(TorchMirrorError):
    """A file of `--machine` has a format of a later version."""

    code = "machine_file_too_new"
    message = N_("{file} was written by a newer version")
    cause = N_("its format is {schema}, which this version does not know")
    facts = ("file", "schema")
    hints = ("newer_version",)
