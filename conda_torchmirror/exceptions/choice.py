"""No build fits, or the one that fits contradicts what the environment asks for."""

from __future__ import annotations

from typing import ClassVar

from ..text.messages import N_
from .base import TorchMirrorError


class NoFittingBuild(TorchMirrorError):
    """No build fits machine and request."""

    code = "no_fitting_build"
    message = N_("no build of the channel `{channel}` fits: {request}")
    cause = N_("{detail}")
    facts = ("channel", "request", "detail")

    _settled = False

    @property
    def settled(self) -> bool:
        """Whether conda certainly has nothing that fits: every source was read, and every index
        was current and complete."""
        return self._settled

    @settled.setter
    def settled(self, settled: bool) -> None:
        # Private, because conda puts every public attribute of an error into its JSON.
        self._settled = settled


class NoFittingSource(NoFittingBuild):
    """No build of any source under consideration fits machine and request."""

    code = "no_fitting_source"
    message = N_("no build of the channels {channels} fits: {request}")
    facts = ("channels", "request", "detail")


class NoFittingWheel(TorchMirrorError):
    """No set of wheels fits machine and request."""

    code = "no_fitting_wheel"
    message = N_("no set of wheels fits: {request}")
    cause = N_("{detail}")
    facts = ("request", "detail")


class UnknownPlatform(TorchMirrorError):
    """Offline, and neither a cached index nor the built-in one covers the platform."""

    code = "unknown_platform"
    message = N_("nothing is known about {subdir} without the network")
    cause = N_(
        "conda has no cached index of `{channel}` for {subdir}, and the built-in one does not "
        "cover it"
    )
    facts = ("subdir", "channel", "platforms")
    hints = ("known_platforms", "look_online")


class PinConflict(TorchMirrorError):
    """A pin of the environment contradicts one that the chosen release needs."""

    code = "pin_conflict"
    message = N_("the pin `{pin}` ({source}) contradicts `{needed}`")
    cause = N_("PyTorch {torch} needs `{needed}`: {why}")
    facts = ("pin", "source", "needed", "torch", "why")


class HistoryConflict(TorchMirrorError):
    """A spec in the environment's history contradicts one that the chosen release needs."""

    code = "history_conflict"
    message = N_("`{spec}`, which was asked for in this environment, contradicts `{needed}`")
    cause = N_("PyTorch {torch} needs `{needed}`: {why}")
    facts = ("spec", "needed", "torch", "why")


class PinDropped(TorchMirrorError):
    """The solver dropped a pin of the environment, and with it ours on the same package."""

    code = "pin_dropped"
    message = N_("conda would install {package}, which `{needed}` excludes")
    cause = N_(
        "no build that is asked for meets the pin `{pin}` ({source}), so that conda drops it, and "
        "`{needed}` with it"
    )
    facts = ("package", "needed", "pin", "source")


class DefaultPackage(TorchMirrorError):
    """Conda adds a package to each new environment that the choice excludes."""

    code = "default_package"
    message = N_("conda would install {package}, which `{needed}` excludes")
    cause = N_(
        "`create_default_packages` in conda's configuration adds `{spec}` to every new environment"
    )
    facts = ("package", "needed", "spec", "where")
    hints = ("make_without_defaults",)


class NotAsChosen(TorchMirrorError):
    """The solver takes another package than was chosen or pinned."""

    code = "not_as_chosen"
    message = N_("conda would install {package}, which `{needed}` excludes")
    cause = N_("the solver `{solver}` does not keep to what was chosen")
    facts = ("package", "needed", "solver")


class Shadowed(TorchMirrorError):
    """Strict channel priority, which the user kept, hides a package that the set needs. The raise
    says how it is lifted."""

    code = "shadowed"
    message = N_("strict channel priority hides a package that this set needs")
    cause = N_(
        "the channel `{channel}` comes first and carries `{package}`, so that newer ones of "
        "other channels are not considered"
    )
    facts: ClassVar[tuple[str, ...]] = ("channel", "package")


class ShadowedBehind(Shadowed):
    """The same, where the set is of one channel, and what it hides are packages of others."""

    code = "shadowed_behind"
    cause = N_(
        "of the packages that the channel `{channel}` has, none of another channel is considered; "
        "without that there is a solution"
    )
    facts = ("channel",)


class ChannelUnread(TorchMirrorError):
    """A solve fails without a channel of the environment's packages, and not with it."""

    code = "channel_unread"
    message = N_("conda finds no solution without the channel `{channel}`")
    cause = N_(
        "packages of the environment are from there ({packages}), and what the channels of this "
        "run have does not go with them"
    )
    facts = ("channel", "packages")


class InstalledFrozen(TorchMirrorError):
    """A solve fails that may change no installed package, and not one that may. The raise adds the
    step."""

    code = "installed_frozen"
    message = N_("conda finds no solution that leaves every installed package as it is")
    cause = N_("`{option}` was given; without it there is a solution")
    facts = ("option",)


class PartnerConflict(TorchMirrorError):
    """Another requested package needs a different set than the chosen one."""

    code = "partner_conflict"
    message = N_("`{package}` does not go with this set")
    cause = N_("its newest build wants {wanted}, and the set has {held}")
    facts: ClassVar[tuple[str, ...]] = ("package", "wanted", "held")
    hints: ClassVar[tuple[str, ...]] = ("leave_partner_out",)


class PartnerThere(PartnerConflict):
    """The same of a package that is not named: it was asked for in this environment before."""

    code = "partner_there"
    message = N_("`{package}` of this environment does not go with this set")
    facts = ("package", "wanted", "held", "where", "name")
    hints = ("remove_partner", "fresh_environment")


class SolverSilent(TorchMirrorError):
    """Conda's solver ended without calling the hook that tells what it found."""

    code = "solver_silent"
    message = N_("the solver `{solver}` ended without telling what it found")
    cause = N_(
        "plans and previews with `--solve` are told by conda's hook for the end of a solve, which "
        "it did not call"
    )
    facts = ("solver",)
    hints = ("classic_solver",)
