"""Command-line arguments that cannot be used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..models import Notice
from ..selection.specs import likely_python
from ..text.messages import N_
from .base import UsageError


class BadCuda(UsageError):
    """The value of `--cuda` is none of auto, cpu, a version, or a variant of wheels."""

    code = "bad_cuda"
    message = N_("`--cuda {value}` is not understood")
    cause = N_(
        "it takes auto, cpu, or a CUDA version such as 12.4 or cu124; for wheels rocm6.4 and "
        "xpu too"
    )
    facts = ("value",)
    hints = ("list_releases",)

    @classmethod
    def of(cls, value: str, likely: str | None) -> BadCuda:
        """The error for a value, with the one that it was likely meant for."""
        ways = [Notice("spec_meant", {"specs": f"--cuda {likely}"})] if likely else []
        return cls(value=value, ways=ways)


class NoCondaVariant(UsageError):
    """`--cuda` names ROCm or XPU, for which only wheels exist."""

    code = "no_conda_variant"
    message = N_("no conda build of PyTorch is for {variant}")
    cause = N_("conda packages are built for CUDA and for the CPU, wheels for ROCm and XPU too")
    facts = ("variant",)


class BadPython(UsageError):
    """`--python` is not a version."""

    code = "bad_python"
    message = N_("`--python {value}` is not understood")
    cause = N_("it takes a version such as 3.11")
    facts = ("value",)
    hints = ("list_releases",)

    @classmethod
    def of(cls, value: str) -> BadPython:
        """The error for a value, with the one that it was likely meant for."""
        likely = likely_python(value)
        ways = [Notice("spec_meant", {"specs": f"--python {likely}"})] if likely else []
        return cls(value=value, ways=ways)


class BadPythonSpec(UsageError):
    """A spec for python that does not fix one minor version."""

    code = "bad_python_spec"
    message = N_("`{spec}` does not name one version of Python")
    cause = N_("builds are for one minor version each: `python=3.11`")
    facts = ("spec",)
    hints = ("list_releases",)


class Contradiction(UsageError):
    """Two command-line arguments that contradict each other."""

    code = "contradiction"
    message = N_("{first_said} and {second_said} contradict each other")
    cause = N_("{detail}")
    facts = ("first", "second", "first_said", "second_said", "detail")

    @classmethod
    def of(
        cls,
        first: str,
        second: str,
        said: tuple[Sequence[str], Sequence[str]] | None = None,
        ways: Sequence[Notice] = (),
        detail: str = "",
    ) -> Contradiction:
        """The error for two sides, `said` in these words where they are several, with the reason
        in `detail` where the words alone do not show it."""
        shown = map(quoted, said or ((first,), (second,)))
        facts = dict(zip(cls.facts, (first, second, *shown, detail), strict=True))
        return cls(**facts, ways=ways)

    @classmethod
    def of_options(cls, first: str, second: str) -> Contradiction:
        """The error for options of which either may be left out, whatever else is asked."""
        shown = {"first": quoted((first,)), "second": quoted((second,))}
        return cls.of(first, second, ways=(Notice("leave_one_out", shown),))

    @property
    def sides(self) -> tuple[str, str]:
        """The words on either side."""
        return str(self._facts["first"]), str(self._facts["second"])

    @property
    def detail(self) -> str:
        """The reason, or "" where the words show it."""
        return str(self._facts["detail"])


def quoted(words: Iterable[str]) -> str:
    """Words as they are typed, each by itself."""
    return " ".join(f"`{word}`" for word in words)


class SolveAlone(UsageError):
    """`--solve` without `--dry-run` or `--urls`."""

    code = "solve_alone"
    message = N_("`--solve` goes with `--dry-run`")
    cause = N_("it takes a preview on to conda's solver; an installation always solves")
    hints = ("solve_preview",)


class PrintAlone(UsageError):
    """`--print` beside an option that asks for another kind of output."""

    code = "print_alone"
    message = N_("`--print` does not go with {options}")
    cause = N_("it prints the choice in the words of another tool, and does nothing else")
    facts = ("options",)
    hints = ("leave_print_or",)


class ListAlone(UsageError):
    """`--list` beside an option that asks for something else to be done."""

    code = "list_alone"
    message = N_("`--list` does not go with {options}")
    cause = N_("it shows what there is, and chooses nothing that could be saved or fetched")
    facts = ("options",)
    hints = ("leave_list_or",)


class PrintNeedsWheels(UsageError):
    """`--print` for a tool that installs wheels only, with a conda source. The raise adds the
    ways."""

    code = "print_needs_wheels"
    message = N_("`--print {tool}` cannot say a choice of `--source {source}`")
    cause = N_("{tool} installs wheels, and there the choice is among conda packages")
    facts = ("tool", "source")


class PrintNotWheels(UsageError):
    """`--print explicit`, which lists conda packages only, with `--source wheels`."""

    code = "print_not_wheels"
    message = N_("`--print {tool}` cannot say a choice of `--source wheels`")
    cause = N_("an explicit file lists conda packages alone")
    facts = ("tool",)
    hints = ("print_urls", "print_pip")


class PrintLinuxOnly(UsageError):
    """`--print dockerfile` for a platform other than Linux."""

    code = "print_linux_only"
    message = N_("`--print {tool}` cannot say a choice for {subdir}")
    cause = N_("the images are of Linux")
    facts = ("tool", "subdir")
    hints = ("print_linux",)


class PrintFileParts(UsageError):
    """`--print` of an environment file that has more than conda packages."""

    code = "print_file_parts"
    message = N_("`--print {tool}` cannot say all of {file}")
    cause = N_("beside conda packages it has {parts}")
    facts = ("tool", "file", "parts")
    hints = ("print_file",)


class WithPackagesAlone(UsageError):
    """`--with-packages` without `--save-plan`."""

    code = "with_packages_alone"
    message = N_("`--with-packages` goes with `--save-plan DIR`")
    cause = N_("the packages are put into the folder of the plan")
    hints = ("save_beside",)


class UrlsFormat(UsageError):
    """The format of `--urls` is separated by a space, where it reads as a spec."""

    code = "urls_format"
    message = N_("`--urls aria2` is not understood")
    cause = N_("the format is joined by an equals sign, so that specs can follow: `--urls=aria2`")
    hints = ("urls_joined",)


class SeveralMachines(UsageError):
    """Several `--machine` files, with an action that takes one machine only."""

    code = "several_machines"
    message = N_("`--machine` with {count} files goes with `--dry-run`, `--save-plan` or `--urls`")
    cause = N_("everything else is for one machine")
    facts = ("count",)
    hints = ("machines_preview", "machines_one")


class CacheWithoutAction(UsageError):
    """`torch-mirror cache` with neither `--print` nor `--check`."""

    code = "cache_without_action"
    message = N_("`torch-mirror cache` is not told what to do")
    cause = N_(
        "it takes `--print nginx`, `--print registry`, `--print condarc`, `--print pip` or "
        "`--check DIR`"
    )
    hints = ("cache_help",)


class BadCacheOption(UsageError):
    """An unusable argument of `torch-mirror cache`."""

    code = "bad_cache_option"
    message = N_("`{option}` cannot be used")
    cause = N_("{detail}")
    facts = ("option", "detail")
    hints = ("cache_help",)


class BadSpec(UsageError):
    """A match spec that conda cannot read."""

    code = "bad_spec"
    message = N_("`{spec}` is not a match spec that conda can read")
    cause = N_("{detail}")
    facts = ("spec", "detail")
    hints = ("spec_form",)


class OtherChannelSpec(UsageError):
    """A spec of the torch family that names another channel."""

    code = "other_channel"
    message = N_("`{spec}` names the channel `{channel}`")
    cause = N_("here torch-install chooses exact builds of {channels}")
    facts = ("spec", "channel", "channels")


class MirrorNoChannel(UsageError):
    """`-c` with the name of a mirror."""

    code = "mirror_no_channel"
    message = N_("`-c {word}` names a mirror, and no channel")
    cause = N_("conda would look for a channel of that name, which {mirror} is not")
    facts = ("word", "mirror")


class BadWheelWord(UsageError):
    """An argument that is not a requirement that pip would take."""

    code = "bad_wheel_word"
    message = N_("`{word}` cannot be asked of wheels")
    cause = N_("{detail}")
    facts = ("word", "detail")
    hints = ("wheel_word_form",)


class NotForWheels(UsageError):
    """Options that `--source wheels` does not take."""

    code = "not_for_wheels"
    message = N_("`--source wheels` does not take {options}")
    cause = N_("{detail}")
    facts = ("options", "detail")
    hints = ("leave_options",)


class NotForWheelSetting(UsageError):
    """Options that wheels do not take, where the setting `torchmirror_source` says wheels."""

    code = "not_for_wheels_setting"
    message = N_("the setting `torchmirror_source: wheels` does not go with {options}")
    cause = N_("it is set in {file}, and holds where the command line names no source")
    facts = ("options", "file")
    hints = ("source_auto",)


class BadWheelFile(UsageError):
    """A wheel file or folder on the command line that cannot be used. The raise adds the ways."""

    code = "bad_wheel_file"
    message = N_("{file} cannot be installed from")
    cause = N_("{detail}")
    facts = ("file", "detail")


class OnlyForWheels(UsageError):
    """Wheel files on the command line, with a `--source` other than wheels."""

    code = "only_for_wheels"
    message = N_("`--source {source}` does not go with {options}")
    cause = N_("files of wheels are for pip alone")
    facts = ("options", "source")
    hints = ("leave_source_out",)


class BadMirror(UsageError):
    """A mirror that is given by neither a known name nor a usable URL."""

    code = "bad_mirror"
    message = N_("`{value}` cannot be used as a mirror")
    cause = N_("{detail}")
    facts = ("value", "detail")
    hints = ("see_mirrors",)


class BadChannel(UsageError):
    """A channel in conda's configuration, in `-c` or in a file that is neither a name nor a URL."""

    code = "bad_channel"
    message = N_("`{channel}` is not the name or the address of a channel")
    cause = N_("it stands in {source}: {detail}")
    facts = ("channel", "source", "detail")
    hints = ("mend_channel",)
