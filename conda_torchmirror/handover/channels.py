"""The user's own channels in a run: checking them, and leaving some out of a solve."""

from __future__ import annotations

from collections.abc import Sequence

from conda.base.context import context
from conda.models.channel import Channel

from ..exceptions.usage import BadChannel
from ..index.sources import Source, foreign
from ..mirrors.registry import parts_of_defaults
from ..redirect import settings
from ..text.messages import text
from ..text.sanitize import safe


def check(
    typed: Sequence[str] = (), of_files: Sequence[str] = (), file: str = ""
) -> tuple[str, ...]:
    """Parse every channel of this run as conda will: those `typed`, those `of_files` in `file`, and
    the configured ones, which are returned. At a bad one conda's own commands end with an
    unexpected-error report.

    Raises: BadChannel.
    """
    configured: tuple[str, ...]
    unread: ValueError | None = None
    try:
        configured = context.channels
    except ValueError as error:  # conda 26.7 parses them here
        configured, unread = tuple(context._channels), error
    for word in dict.fromkeys((*typed, *of_files, *configured)):
        try:
            Channel(word).base_urls  # noqa: B018  # parses
        except ValueError as error:
            source = file if word in of_files else str(settings.source_of("channels", word))
            source = text("command_line") if word in typed else source
            raise BadChannel(channel=safe(word), source=source, detail=safe(str(error))) from error
    if unread is not None:
        raise unread
    return configured


def kept(
    configured: Sequence[str], source: Source, subdir: str, *, exists: bool
) -> tuple[str, ...] | None:
    """The configured channels to keep after the source's own, if any have to be left out of the
    run; None if all of them stay.

    Channels of other sources have builds that do not work with the set. A new environment does not
    use `defaults` beside a channel that has everything itself. What Anaconda kept beside `defaults`
    (pkgs/free) goes with them: by that name conda finds it nowhere. All of them stay if the
    administrator forbids overriding the configured channels.
    """
    out, parts = set(foreign(source)), parts_of_defaults(subdir)
    if source.channel == source.base_channel and not exists:
        out |= {name for name in configured if name == "defaults" or name.startswith("pkgs/")}
    if out.isdisjoint(configured) or not context.override_channels_enabled:
        return None
    out |= {name for name in configured if name.startswith("pkgs/") and name not in parts}
    return tuple(name for name in configured if name not in out and name != source.channel)
