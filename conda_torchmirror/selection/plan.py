"""From a choice to what is handed over: specs, pins, channels, and the same as plain commands.

Pure: no conda, no HTTP, no subprocess.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from ..models import Choice, Plan, Request, Route

#: What lifts a strict channel priority for one command.
FLEXIBLE = MappingProxyType({"CONDA_CHANNEL_PRIORITY": "flexible"})


def specs(choice: Choice, others: Iterable[str] = ()) -> tuple[str, ...]:
    """The exact match specs, `name=version=build`, the CUDA runtime, then the user's other specs.

    The runtime is named with its build only where that build is among the chosen ones.
    """
    exact = [build.spec for build in choice.builds]
    if choice.runtime and not any(build.name == choice.runtime for build in choice.builds):
        exact.append(f"{choice.runtime}={choice.cuda}")
    return (*exact, *others)


def make(
    choice: Choice,
    request: Request,
    channels: Sequence[Route],
    *,
    verb: str,
    subdir: str,
    pins: Sequence[str] = (),
    flexible: bool = False,
    target: Sequence[str] = (),
    python: str | None = None,
    user_channels: Sequence[str] = (),
    behind: Sequence[Route] | None = None,
    leftover: str | None = None,
) -> Plan:
    """The plan for a choice.

    `target` are the words that name the environment (`-n NAME`, `--platform SUBDIR`), `python` a
    version where Python is to be named to the solver, `user_channels` those of `-c`. `behind` are
    the channels that come after these and are not among them; None puts all of ours before.
    `leftover` is a package that has to be removed first. `flexible` says that the user's channel
    priority is strict and must not be for this hand-over.
    """
    wanted = specs(choice, request.others)
    if python:
        wanted = (f"python={python}", *wanted)
    environment: dict[str, str] = {}
    if pins:
        environment["CONDA_PINNED_PACKAGES"] = "&".join(pins)
    if flexible:
        environment |= FLEXIBLE
    head = ["conda", verb, *target]
    ours = channels if behind is None else behind

    def ordered(shown: Mapping[str, str]) -> tuple[str, ...]:
        added = [shown[channel.name] for channel in ours]
        if behind is None:
            return (*added, *user_channels)
        return (*(shown.get(channel, channel) for channel in user_channels), *added)

    by_name = ordered({channel.name: channel.name for channel in channels})
    by_url = ordered({channel.name: _typed(channel, subdir) for channel in channels})
    return Plan(
        verb="create" if verb == "create" else "install",
        specs=wanted,
        pins=tuple(pins),
        channels=tuple(channels),
        environment=environment,
        command=_command([*head, *wanted], by_url),
        command_by_name=_command([*head, *wanted], by_name),
        passed=by_name,
        before=(_command(["conda", "remove", *target, leftover], ()),) if leftover else (),
    )


def _typed(channel: Route, subdir: str) -> str:
    """A channel as a person would type it: upstream by name, a mirror by URL and subdir."""
    if channel.mirror in ("upstream", "custom_channels"):
        return channel.name
    return f"{channel.url}/{subdir}"


def _command(head: Sequence[str], channels: Sequence[str]) -> str:
    words = list(head)
    for channel in channels:
        words += ["-c", channel]
    return typed(words)


def typed(words: Iterable[str]) -> str:
    """Words as a command line."""
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    """Quoted for every shell where it must be: cmd knows no single quotes."""
    return f'"{word}"' if shlex.quote(word) != word and "'" not in word else shlex.quote(word)


def shell_lines(environment: Mapping[str, str], subdir: str) -> tuple[str, ...]:
    """The lines that set the plan's environment variables in the platform's usual shell."""
    if subdir.startswith("win-"):
        return tuple(f'set "{name}={value}"' for name, value in environment.items())
    return tuple(f"export {name}={shlex.quote(value)}" for name, value in environment.items())
