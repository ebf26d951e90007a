"""Which of the user's channels conda looks at beside those of a set."""

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


def check(typed: Sequence[str] = (), of_files: Sequence[str] = (), file: str = "") -> None:
    """Read every channel of this run as conda will: those `typed`, those `of_files` in `file`, and
    the configured ones. Conda's own commands end in a report of an unexpected error.

    Raises: BadChannel.
    """
    for word in dict.fromkeys((*typed, *of_files, *context.channels)):
        try:
            Channel(word).base_urls  # noqa: B018  # parses
        except ValueError as error:
            source = file if word in of_files else str(settings.source_of("channels", word))
            source = text("command_line") if word in typed else source
            raise BadChannel(channel=safe(word), source=source, detail=safe(str(error))) from error


def kept(
    configured: Sequence[str], source: Source, subdir: str, *, exists: bool
) -> tuple[str, ...] | None:
    """The user's channels behind that of the source, where others have to be left out of the run;
    None where all of them stay.

    Channels of other sources bring builds that the set does not go with. An environment that does
    not exist yet is not made of `defaults` beside a channel that has everything itself. Where the
    administrator forbids to pass over configured channels, all of them stay.
    """
    out = set(foreign(source))
    if source.channel == source.base_channel and not exists:
        out |= {"defaults", *parts_of_defaults(subdir)}
    if out.isdisjoint(configured) or not context.override_channels_enabled:
        return None
    return tuple(name for name in configured if name not in out and name != source.channel)
