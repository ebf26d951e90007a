"""A check as text: for a terminal of width 80, and as a report to hand in."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..exceptions.mirror import BadSetting
from ..mirrors.addresses import split
from ..mirrors.registry import built_in
from ..mirrors.urls import UPSTREAM, WHEELS, MirrorError
from ..models import Notice
from ..redirect import settings
from ..text.language import in_english
from ..text.layout import bullet, width, wrapped
from ..text.messages import text
from ..text.sanitize import safe
from .causes import sentence
from .verdict import UNTRIED, Check


def lines(check: Check) -> list[str]:
    """Return the check as lines: the verdict first, then facts, then causes and advice."""
    untried = check.status == "fine" and any(n.code in UNTRIED for n in check.notices)
    out = [text("check.fine_untried" if untried else f"check.{check.status}")]
    if rows := list(_facts(check)):
        out += ["", *_table(rows)]
    if check.notices:
        out += ["", *advice(check.notices, check.hint)]
    if check.error and check.status != "fine":
        out += ["", text("check.message")]
        out += [line for part in check.error.splitlines() for line in wrapped(part, "  ", "  ")]
    return [safe(line) for line in out]


def _table(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Names and values in two columns; a value that is too wide is wrapped below itself."""
    broad = max(width(name) for name, _ in rows)
    indent = " " * (broad + 4)
    return [line for name, value in rows for line in wrapped(value, _label(name, broad), indent)]


def _label(name: str, broad: int) -> str:
    return f"  {name}{' ' * (broad - width(name))}  "


def lines_after(check: Check) -> list[str]:
    """Return the check as lines that follow an installation."""
    intro = [] if check.status == "fine" else [text("check.installed_but")]
    return ["", *intro, *lines(check)]


def advice(notices: Sequence[Notice], hint: Callable[[Notice], str]) -> list[str]:
    """Return causes as items of a list, with what to do, which is their `hint`, below each."""
    out = []
    for notice in notices:
        out += bullet(sentence(notice))
        if found := hint(notice):
            out += wrapped(found, " " * 6, " " * 6)
    return out


def _facts(check: Check) -> Iterator[tuple[str, str]]:
    if check.torch:
        built = f"CUDA {check.cuda}" if check.cuda else "CPU"
        yield "torch", f"{check.torch} ({built}), Python {check.python}"
    if check.build:
        yield text("check.label_build"), check.build
    if check.url:
        yield text("check.label_from"), origin(check.url)
    for partner in check.partners:
        yield partner.name, partner.version or text("check.does_not_load")
    for device in check.devices:
        code = "check.device_fine" if device.ok else "check.device_fails"
        yield f"GPU {device.index}", f"{device.name} ({device.arch}): {text(code)}"
    if check.archs and check.status != "fine":
        yield text("check.label_code"), " ".join(check.archs)
    if check.mps is not None:
        yield "MPS", text("check.device_fine" if check.mps else "check.device_unused")
    if check.sample:
        row = "  ".join(f"{value:.4f}" for value in check.sample[0])
        yield "rand(5, 3)", f"{row}  ..."


def origin(url: str) -> str:
    """Return the channel, or the folder of wheels, that a URL belongs to, and the mirror's name."""
    if url.endswith(".whl"):
        folder, name = url.rpartition("/")[0], _wheel_mirror(url)
        return safe(f"{folder} ({name})" if name else folder)
    channel = url.rpartition("/")[0].rpartition("/")[0]
    found = split(url)
    return safe(f"{channel} ({found.identified.mirror})" if found else channel)


def _wheel_mirror(url: str) -> str | None:
    """The name of the mirror that has a wheel's URL, also of the user's own; None for others."""
    try:
        known = settings.registry(settings.read())
    except (MirrorError, BadSetting):
        known = built_in()
    if url.startswith(f"{WHEELS}/"):
        return UPSTREAM
    for name, mirror in known.items():
        wheels = (mirror.wheels.url, *mirror.wheels.also) if mirror.wheels else ()
        if any(url.startswith(f"{address.rstrip('/')}/") for address in wheels):
            return str(name)
    return None


@in_english()
def report(check: Check, *, prefix: str = "", system: str = "") -> str:
    """Return a short report to attach to an issue.

    It names no people or machines: the environment's path and the home folder are left out.
    """
    import platform

    out = [
        "conda torch-verify",
        f"date: {time.strftime('%Y-%m-%d %H:%M')}",
        f"system: {system or f'{platform.system()} {platform.machine()}'}",
        f"result: {check.status} (exit code {check.exit_code})",
        *(f"{name}: {value}" for name, value in _facts(check) if name != "rand(5, 3)"),
    ]
    if check.sample:
        out.append("torch.rand(5, 3):")
        out += ["  " + "  ".join(f"{value:.4f}" for value in row) for row in check.sample]
    out += [f"note: {sentence(n)}" for n in check.notices if n.code != "elsewhere"]
    if check.error and check.status != "fine":
        out.append(f"message: {check.error}")
    return "".join(f"{_private(safe(line), prefix)}\n" for line in out)


def _private(line: str, prefix: str) -> str:
    home = str(Path.home())
    for path, instead in ((prefix, "ENVIRONMENT"), (os.path.realpath(prefix), "ENVIRONMENT")):
        line = line.replace(path, instead) if prefix else line
    return line.replace(home, "~") if len(home) > 1 else line
