"""Saved plans."""

from __future__ import annotations

from .base import TorchMirrorError, UsageError


class PlanTakesNoChoice(UsageError):
    """`--plan` together with options that decide what is installed."""

    code = "plan_takes_no_choice"


class PlanFolderTaken(TorchMirrorError):
    """`--save-plan` names a folder that holds something else."""

    code = "plan_folder_taken"
    hints = ("other_folder",)


class PlanMissing(TorchMirrorError):
    """`--plan` names a folder without a plan."""

    code = "plan_missing"


class PlanAltered(TorchMirrorError):
    """A file of a saved plan was changed or damaged."""

    code = "plan_altered"
    hints = ("save_again",)


class PlanTooNew(TorchMirrorError):
    """A saved plan has a format of a later version."""

    code = "plan_too_new"
    hints = ("newer_version",)


class PlanOtherPlatform(TorchMirrorError):
    """A saved plan is for another platform."""

    code = "plan_other_platform"
    hints = ("plan_for_here",)


class PlanNotCached(TorchMirrorError):
    """Offline, and files of a saved plan are not in conda's package cache."""

    code = "plan_not_cached"
    hints = ("plan_download_only", "plan_urls")


class PlanInTheWay(TorchMirrorError):
    """The environment holds what the plan had to remove."""

    code = "plan_in_the_way"
    hints = ("remove_names", "fresh_environment")


class PlanWithoutAddress(TorchMirrorError):
    """An installed package has no URL, so that no plan can name it."""

    code = "plan_without_address"
    hints = ("fresh_environment",)
