"""Errors about saved plans."""

from __future__ import annotations

from ..text.messages import N_
from .base import TorchMirrorError, UsageError


class PlanTakesNoChoice(UsageError):
    """`--plan` together with options that decide what is installed. The raise adds the way
    `plan_alone` where the folder holds a plan."""

    code = "plan_takes_no_choice"
    message = N_("`--plan` does not go with {options}")
    cause = N_("what is installed was decided when the plan was saved")
    facts = ("options", "folder")
    hints = ("plan_another",)


class PlanFolderTaken(TorchMirrorError):
    """`--save-plan` names a folder that holds something else."""

    code = "plan_folder_taken"
    message = N_("{folder} is not overwritten")
    cause = N_("{detail}, so it is no saved plan")
    facts = ("folder", "detail")
    hints = ("other_folder",)


class PlanMissing(TorchMirrorError):
    """`--plan` names a folder without a plan. The raise adds the way to the plans that are in
    folders of it."""

    code = "plan_missing"
    message = N_("there is no saved plan in {folder}")
    cause = N_("{file} is not there")
    facts = ("folder", "file")
    hints = ("save_first",)


class PlanAltered(TorchMirrorError):
    """A file of a saved plan was changed or damaged."""

    code = "plan_altered"
    message = N_("the plan in {folder} is not as it was saved")
    cause = N_("{detail}")
    facts = ("folder", "detail")
    hints = ("save_again",)


class PlanTooNew(TorchMirrorError):
    """A saved plan has a format of a later version."""

    code = "plan_too_new"
    message = N_("the plan in {folder} was saved by a newer version")
    cause = N_("its format is {schema}, which this version does not know")
    facts = ("folder", "schema")
    hints = ("newer_version",)


class PlanOtherPlatform(TorchMirrorError):
    """A saved plan is for another platform."""

    code = "plan_other_platform"
    message = N_("the plan is for {subdir}, and this is {here}")
    cause = N_("packages of another platform do not run here")
    facts = ("subdir", "here", "folder", "command")
    hints = ("plan_for_here",)


class PlanNewerSystem(TorchMirrorError):
    """Packages of a saved plan are made for a newer glibc or macOS than this machine has."""

    code = "plan_newer_system"
    message = N_("the plan needs {system} {needed} or newer, and here is {system} {here}")
    cause = N_("made for newer systems: {names}")
    facts = ("system", "needed", "here", "names", "command")
    hints = ("plan_for_system",)


class PlanOtherPython(TorchMirrorError):
    """The wheels of a plan are for another Python than the environment has. The raise adds the way
    to an environment with that one."""

    code = "plan_other_python"
    message = N_("the plan is for Python {python}, and the environment has {here}")
    cause = N_("wheels of one Python do not run on another")
    facts = ("python", "here", "folder")


class PlanWithoutPip(TorchMirrorError):
    """The environment has no pip for the wheels of a plan, or one that is too old for them."""

    code = "plan_without_pip"
    message = N_("the environment's own pip installs the wheels of the plan: {detail}")
    facts = ("detail", "command")
    hints = ("plan_bring_pip",)


class PlanNotCached(TorchMirrorError):
    """Offline, and files of a saved plan are not in conda's package cache."""

    code = "plan_not_cached"
    message = (
        N_("{count} of the plan's {total} packages ({size}) is not in the package cache"),
        N_("{count} of the plan's {total} packages ({size}) are not in the package cache"),
    )
    cause = N_("conda is offline, so it cannot download {names}")
    facts = ("count", "total", "size", "names", "folder")
    hints = ("plan_download_only", "plan_urls")


class PlanInTheWay(TorchMirrorError):
    """The environment holds packages outside the plan that need what the plan takes away."""

    code = "plan_in_the_way"
    message = N_("{prefix} holds packages that do not go with the plan: {names}")
    cause = N_("they need {needed}, which the plan removes or replaces by another build")
    facts = ("prefix", "names", "needed")
    hints = ("remove_names", "fresh_environment")


class PlanWithoutAddress(TorchMirrorError):
    """A package has no URL, so it cannot be saved in a plan: one that is installed already, or a
    wheel of this disk. The raise adds the way."""

    code = "plan_without_address"
    message = N_("{names} cannot be part of a plan")
    cause = N_("{prefix} does not say where it came from")
    facts = ("names", "prefix")


class PlanOnlyNames(TorchMirrorError):
    """A requirement for pip that is more than a name with versions. `command` is the run without
    it."""

    code = "plan_only_names"
    message = N_("{names} cannot be part of a plan")
    cause = N_("for pip a plan holds files, and names with versions, but no URL, path or marker")
    facts = ("names", "command")
    hints = ("plan_names_after",)


class PlanBadRecord(TorchMirrorError):
    """A package's record has an invalid field or no hash, so it cannot be saved in a plan."""

    code = "plan_bad_record"
    message = N_("{name} cannot be part of a plan")
    cause = N_("what its channel says of it cannot be used: {field}")
    facts = ("name", "field")
    hints = ("other_mirror",)
