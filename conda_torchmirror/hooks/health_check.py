"""The health check of `conda doctor`: what the records tell about PyTorch without running it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from conda.base.context import context

from ..exceptions.mirror import BadSetting
from ..handover import conda
from ..machine.environment import option_of
from ..mirrors.urls import MirrorError
from ..redirect import settings
from ..redirect.own import channels as own_channels
from ..text.messages import of_gpus, text
from ..text.output import can_show, say
from ..verify.causes import asking
from ..verify.report import advice, origin
from ..verify.static import StaticReport, inspect_records

#: The marks that conda's own checks print; the supported versions share no constant for them.
FINE, WRONG = "✅", "❌"

#: Faults that `torch-install` in the environment repairs. For any other, something has to be
#: removed or repaired first, and the check names the command for that.
MENDED = frozenset(
    ("cpu_build", "driver_too_old", "no_kernel_image", "rule_broken", "set_mismatch")
)


#: Notices that are advice and no fault: an environment is healthy as `torch-install` leaves it.
ADVICE = frozenset(("pin_missing",))


def check(prefix: str, verbose: bool) -> None:
    """Print whether the environment's PyTorch fits this machine, and which of the user's channels
    lead nowhere; nothing where there is neither."""
    report = inspect_records(prefix)
    lost = _channels_lost()
    wrong = any(notice.code not in ADVICE for notice in report.notices)
    if report.torch:
        about = {"torch": f"PyTorch {report.torch.version}", "build": report.torch.build}
        said = text("check.static_wrong" if wrong else "check.static_fine", about)
    elif any(notice.code == "machine.record_broken" for notice in report.notices):
        said = text("check.static_unread")
    else:
        if lost:
            say("\n".join([*lost, ""]))
        return
    out = [f"{_mark(WRONG if wrong else FINE)} {said}"]
    if report.by_pip and report.torch:
        out += _about_wheel(report)
    if report.notices:
        hint = partial(report.hint, where=option_of(prefix))
        out += ["", *advice(report.notices, hint)]
    if verbose:
        machine = report.machine
        gpus = of_gpus(machine.gpus)
        facts = {"cuda": machine.cuda or "-", "driver": machine.driver or "-", "gpus": gpus or "-"}
        out += ["", text("check.static_machine", facts)]
    say("\n".join([*out, *lost, ""]))


def fix(prefix: str, confirm: Callable[[str], Any]) -> int:
    """Run `torch-install` in the environment if that repairs a fault; return its exit code.

    `confirm` is conda's; it raises in a dry run or after a no. After a yes, conda asks once more,
    when it knows what it would change.

    Raises: what `confirm` and `torch-install` raise.
    """
    report = inspect_records(prefix)
    found = {notice.code for notice in report.notices}
    if not found & MENDED:
        say(text("check.fix_nothing"))
        return 0
    words = ["--source", "wheels"] if report.by_pip else asking(report.there).split()
    same = [*words, *report.keep.split()]
    where = " ".join([option_of(prefix), *same])
    say(text("check.fix_command", {"where": where}))
    confirm(text("check.fix_question"))
    agreed = ["--yes"] if context.always_yes else []
    return conda.run(["torch-install", "--prefix", prefix, *same, *agreed], {}, {}).code


def _about_wheel(report: StaticReport) -> list[str]:
    """Lines on where a wheel came from, and on an export, which does not say so."""
    if report.url:
        return [text("check.wheel_from", {"place": origin(report.url)}), text("check.wheel_export")]
    named = report.torch is not None and "+" in report.torch.version
    return [text("check.wheel_export")] if named else []


def _channels_lost() -> list[str]:
    """Lines on channels that the user's own configuration sends to where they are not."""
    try:
        known = settings.registry(settings.read())
    except (MirrorError, BadSetting):  # `torch-mirror status` says what is wrong with them
        return []
    lost = own_channels.faults(known, str(context.subdir))
    lines = []
    if (alias := own_channels.misplaced_alias(known)) is not None:
        facts = {"mirror": alias.mirror, "source": settings.source_of("channel_alias")}
        lines.append(f"{_mark(WRONG)} {text('status.alias_misplaced', facts)}")
    for one in lost:
        source = settings.source_of("custom_channels", one.name)
        said = text(f"status.{one.fault}", {"mirror": one.mirror, "source": source})
        lines.append(f"{_mark(WRONG)} {one.name}: {said}")
    return lines


def _mark(mark: str) -> str:
    """The mark, or a word where the console cannot show it (a Chinese Windows console)."""
    if can_show(mark):
        return mark
    return "OK:" if mark == FINE else "X:"
