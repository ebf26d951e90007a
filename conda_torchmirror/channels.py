"""Pointing conda at mirrors, in this process only. Nothing is written.

Conda reads its configuration from the files of `conda.base.context.SEARCH_PATH`. For each channel
that a mirror serves, one small file of ours (`data/redirect/`) joins that list; it maps the
channel's name to the URL in an environment variable. Names thereby stay names: `pytorch::` specs,
full upstream URLs, exports and priorities go on working, and switching mirrors reinstalls nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .models import Located

if TYPE_CHECKING:
    from argparse import Namespace

REDIRECTS = Path(__file__).parent / "data" / "redirect"


def redirectable(name: str) -> bool:
    """Whether there is a redirect file for this channel."""
    return _file(name).is_file()


def _file(name: str) -> Path:
    return REDIRECTS / f"{name}.yml"


def variable(name: str) -> str:
    """The environment variable that the channel's redirect file reads its parent URL from."""
    return "TORCHMIRROR_PARENT_OF_" + name.upper().replace("-", "_")


def configured() -> dict[str, str]:
    """The channels that the user's own configuration maps, by name, with their parent URL."""
    from conda.base.context import context

    # The public `custom_channels` also holds the parts of multichannels and the built-in entry.
    return dict(getattr(context, "_custom_channels", {}))


@contextmanager
def redirected(located: Sequence[Located], args: Namespace, *, override: bool) -> Iterator[None]:
    """Let conda find the located channels at their mirrors until the block ends.

    Channels that are at upstream, or that the user's configuration maps already, are left alone;
    with `override` ours come last in conda's search path and thereby win over the user's.
    """
    from conda.base import context as conda_context

    own = configured()
    ours = [
        channel
        for channel in located
        if channel.mirror not in ("upstream", "custom_channels")
        and redirectable(channel.name)
        and (override or channel.name not in own)
    ]
    if not ours:
        yield
        return
    before = conda_context.SEARCH_PATH
    files = tuple(_file(channel.name) for channel in ours)
    variables = {variable(c.name): c.url.rpartition("/")[0] for c in ours}
    try:
        os.environ.update(variables)
        # First is lowest in conda's order, last is highest.
        conda_context.SEARCH_PATH = (*before, *files) if override else (*files, *before)
        reload(args)
        yield
    finally:
        conda_context.SEARCH_PATH = before
        for name in variables:
            os.environ.pop(name, None)
        reload(args)


def reload(args: Namespace) -> None:
    """Read conda's configuration anew, and forget what was computed from the former one."""
    from conda.base.context import context
    from conda.models import match_spec
    from conda.models.channel import Channel

    context.__init__(argparse_args=args)
    Channel._reset_state()
    # Conda parses command-line specs before plugins run, and keeps their channels by name.
    match_spec._PARSE_CACHE.clear()
    matchers = match_spec.MatchSpec._MATCHER_CACHE
    for key in [key for key in matchers if key[0] == "channel"]:
        del matchers[key]
