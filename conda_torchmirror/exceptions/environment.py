"""Environments that the command cannot or must not touch."""

from __future__ import annotations

from ..text.messages import N_
from .base import TorchMirrorError


class NoEnvironment(TorchMirrorError):
    """No environment is named, and none is active other than base."""

    code = "no_environment"
    message = N_("no environment is named, and none but base is active")
    cause = N_("base holds conda itself and is only touched when it is named")
    hints = ("name_environment", "preview_first")


class EnvironmentMissing(TorchMirrorError):
    """The environment to look at does not exist. The raise adds the way to make it if it is named,
    else the way to name one."""

    code = "environment_missing"
    message = N_("there is no conda environment at {prefix}")
    facts = ("prefix",)
    hints = ("see_environments",)


class HalfMade(TorchMirrorError):
    """The folder is what the creation of an environment leaves that was killed."""

    code = "half_made"
    message = N_("{prefix} is an environment that was not made to its end")
    cause = N_(
        "it has the folder conda-meta and no history, as where the creation was killed; conda "
        "neither installs into it nor creates it again"
    )
    facts = ("prefix",)
    hints = ("delete_half_made", "fresh_environment")


class ForeignPlatform(TorchMirrorError):
    """`--platform` differs from the platform of the existing environment."""

    code = "foreign_platform"
    message = N_("`--platform {subdir}` is for previews and new environments")
    cause = N_("{prefix} exists and holds packages for {native}")
    facts = ("subdir", "prefix", "native")
    hints = ("preview_platform",)


class OtherPlatform(TorchMirrorError):
    """The Python of the environment is of another platform than this run chooses for, as in one
    that was made with `CONDA_SUBDIR`."""

    code = "other_platform"
    message = N_("{prefix} has a Python for {there}, and this run is for {subdir}")
    cause = N_("packages of two platforms do not work in one environment")
    facts = ("prefix", "there", "subdir")
    hints = ("with_subdir", "fresh_environment")


class UndescribedPlatform(TorchMirrorError):
    """Conda is set to a platform whose facts no `--machine` reads. The raise adds the way to undo
    that if something sets it."""

    code = "undescribed_platform"
    message = N_("no facts can be written for {subdir}")
    cause = N_("`--machine` reads those of machines with Linux, Windows or macOS")
    facts = ("subdir",)


class OtherRun(TorchMirrorError):
    """Another process is changing the environment."""

    code = "other_run"
    message = N_("another torch-install is changing {prefix}")
    cause = N_("two at once would undo each other's work, and leave an environment that is broken")
    facts = ("prefix",)
    hints = ("after_other_run", "fresh_environment")


class PipTorch(TorchMirrorError):
    """Pip installed torch into the environment, and conda would unpack its own over it."""

    code = "pip_torch"
    message = N_("pip has put {packages} into {prefix}")
    cause = N_("conda would unpack its own files over pip's, and neither would work")
    facts = ("packages", "prefix", "python", "names")
    hints = ("pip_uninstall", "fresh_environment")


class ChannelChange(TorchMirrorError):
    """The request needs PyTorch from another channel, and nobody is there to confirm the change."""

    code = "channel_change"
    message = N_("this environment has {there} of the channel `{of}`, not of `{channel}`")
    cause = N_(
        "to take it out and to install that of another channel is to be confirmed: by an answer, "
        "or by `--source`"
    )
    facts = ("there", "of", "channel", "command", "new")
    hints = ("confirm_change", "new_with_request")


class NoSpace(TorchMirrorError):
    """The disk has less free space than the lower bound of what the packages take."""

    code = "no_space"
    message = N_("too little space in {folder}: at least {need} needed, {free} free")
    cause = N_("nothing was downloaded; {detail}")
    facts = ("folder", "need", "free", "detail")


class BrokenRecord(TorchMirrorError):
    """The record of an installed package is broken, and conda stops at it."""

    code = "broken_record"
    message = N_("conda's record {file} cannot be read")
    cause = N_("nothing is known of what is installed there, and conda stops at that file too")
    facts = ("file", "package", "where")
    hints = ("delete_record",)


class UnreadablePins(TorchMirrorError):
    """The environment's file of pins is not UTF-8 text, so conda cannot read it."""

    code = "unreadable_pins"
    message = N_("{file} is no UTF-8 text")
    cause = N_("neither conda nor torch-install can read the pins in it, and conda stops at it")
    facts = ("file",)
    hints = ("save_as_utf8",)


class UnreadablePin(TorchMirrorError):
    """A line of the environment's file of pins is no match spec, so that conda stops at it."""

    code = "unreadable_pin"
    message = N_("`{spec}` in {file} is no match spec")
    cause = N_("conda reads this file for every installation, and stops at that line")
    facts = ("spec", "file")
    hints = ("correct_line",)


class UnreadableHistory(TorchMirrorError):
    """The environment's history is not UTF-8 text, so conda cannot read it."""

    code = "unreadable_history"
    message = N_("{file} is no UTF-8 text")
    cause = N_("conda reads from it what was asked for, and stops at it")
    facts = ("file",)
    hints = ("save_as_utf8",)


class DamagedHistory(TorchMirrorError):
    """A line of the environment's history is cut off, or is not as conda writes it."""

    code = "damaged_history"
    message = N_("conda cannot read line {line} of {file}")
    cause = N_("conda reads from that file what was asked for, and stops at this line")
    facts = ("line", "file")
    hints = ("correct_line",)


class PackageDamaged(TorchMirrorError):
    """What conda unpacked of a package is damaged, as after a power cut, or was so in its channel.

    `folder` is where it is unpacked, in the package cache.
    """

    code = "package_damaged"
    message = N_("{package} is damaged in conda's package cache")
    cause = N_("conda cannot read all of it: {detail}")
    facts = ("package", "folder", "detail")
    hints = ("delete_unpacked",)


class CacheInUse(TorchMirrorError):
    """A package was not whole while conda read it, and is whole now: another run unpacked it."""

    code = "cache_in_use"
    message = N_("{package} was just being unpacked in conda's package cache")
    cause = N_("another run of conda that shares the cache unpacks there")
    facts = ("package",)
    hints = ("run_anew",)


class PackageBroken(TorchMirrorError):
    """The archive of a package has the right hash and holds no metadata that conda can read."""

    code = "package_broken"
    message = N_("{package} is broken as its channel has it")
    cause = N_("it was downloaded whole, and conda cannot read what it says of itself: {file}")
    facts = ("package", "file")
    hints = ("other_build",)


class CacheListDamaged(TorchMirrorError):
    """The list of downloaded URLs in a package cache is not UTF-8 text, so conda cannot read it."""

    code = "cache_list_damaged"
    message = N_("{file} is no UTF-8 text")
    cause = N_("conda keeps in it where its packages came from, and stops at it")
    facts = ("file",)
    hints = ("delete_list",)


class NobodyAnswers(TorchMirrorError):
    """A question has to be asked, and standard input is closed."""

    code = "nobody_answers"
    message = N_("nobody can answer: standard input is closed")
    hints = ("answer_yes",)


class CondaTorch(TorchMirrorError):
    """Conda installed torch into the environment, and pip would unpack its own over it. The raise
    adds the way to a new environment, as with the next three."""

    code = "conda_torch"
    message = N_("conda has put {packages} into {prefix}")
    cause = N_("pip would unpack its own files over conda's, and neither would know of the other")
    facts = ("packages", "prefix", "where", "names")
    hints = ("remove_for_wheels",)


class WheelPython(TorchMirrorError):
    """The environment has another Python than the one that is asked for."""

    code = "wheel_python"
    message = N_("this environment has Python {there}, and wheels for {python} are asked for")
    cause = N_(
        "its own pip installs them, and what pip has put there for one Python is not found by "
        "another"
    )
    facts = ("there", "python", "where")
    hints = ("python_first",)


class CondaOwned(TorchMirrorError):
    """The wheels need another version of a package of conda's, which pip would replace."""

    code = "conda_owned"
    message = N_("conda's {packages} would be replaced by pip")
    cause = N_("{by} wants {needed}, and conda would go on listing what is no longer there")
    facts = ("packages", "by", "needed", "command")
    hints = ("make_room",)


class ExternallyManaged(TorchMirrorError):
    """The environment is marked as one that pip must not change (PEP 668)."""

    code = "externally_managed"
    message = N_("pip must not change {prefix}")
    cause = N_("{file} says so")
    facts = ("file", "prefix")


class PipFailed(TorchMirrorError):
    """Pip or uv failed; `said` is its last error line, `code` its exit code."""

    code = "pip_failed"
    message = N_("{tool} could not install the wheels (exit code {code})")
    cause = N_("{detail}: {said}")
    facts = ("tool", "code", "detail", "said", "command")
