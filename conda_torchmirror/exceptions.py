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
from .text import bullet, wrapped


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
        lines = ["", *wrapped(text("show.cause", {"cause": self._cause}))] if self._cause else []
        if self._hints:
            lines += ["", text("show.next_steps")]
            lines += [line for hint in self._hints for line in bullet(hint["text"])]
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


class BadPythonSpec(UsageError):
    """A spec on Python that does not name one version."""

    code = "bad_python_spec"


class Contradiction(UsageError):
    """Two words of the command line that cannot both hold."""

    code = "contradiction"


class SolveAlone(UsageError):
    """`--solve` without a preview to go on from."""

    code = "solve_alone"
    hints = ("solve_preview",)


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


class NothingCachedToSolve(TorchMirrorError):
    """The same for a preview that is to be solved."""

    code = "nothing_cached_to_solve"
    hints = ("go_online", "leave_solve_out")


class ChannelError(TorchMirrorError):
    """Base of everything that goes wrong while a channel's index is read."""

    hints: ClassVar[tuple[str, ...]] = ("other_mirror", "preview_offline")


class ChannelMissing(ChannelError):
    """The mirror does not have the channel for this platform."""

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


class HistoryConflict(TorchMirrorError):
    """What was asked for in the environment before contradicts what the chosen release needs."""

    code = "history_conflict"
    hints = ("change_spec", "newer_release", "repeat_spec")


class PipTorch(TorchMirrorError):
    """Pip put a torch into the environment; conda's would be unpacked over it."""

    code = "pip_torch"
    hints = ("pip_uninstall", "fresh_environment")


class Shadowed(TorchMirrorError):
    """Strict channel priority was kept, and it hides a package that the set needs."""

    code = "shadowed"
    hints = ("allow_flexible",)


class NoSource(ChannelError):
    """Every source of a channel failed; what each did stands in the cause."""

    code = "no_source"
    hints = ("test_mirrors",)


class HashConflict(TorchMirrorError):
    """A mirror's index names another hash for a chosen build than the official channel."""

    code = "hash_conflict"
    hints = ("tell_operators",)


class HashUnconfirmed(TorchMirrorError):
    """A hash differs from the one that is known, and the official channel cannot be asked."""

    code = "hash_unconfirmed"
    hints = ("check_network", "accept_hashes")


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


class LeftoverFirst(TorchMirrorError):
    """A package that a hand-over would remove first stands in the way of a plan."""

    code = "leftover_first"
    hints = ("remove_name", "fresh_environment")


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
