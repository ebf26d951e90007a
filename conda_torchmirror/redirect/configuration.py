"""Conda's configuration in this process: read, reload, or change it for a block. Writes nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..mirrors.urls import upstream_url
from . import named_channels

DEFAULTS = "defaults"

_CUDA = "CONDA_OVERRIDE_CUDA"


def configured() -> dict[str, str]:
    """The user's own `custom_channels`: the parent URL of each channel, by name."""
    from conda.base.context import context

    # The public `custom_channels` also holds the parts of multichannels and the built-in entry.
    return dict(getattr(context, "_custom_channels", {}))


def keys(context: Any) -> frozenset[str]:
    """The configuration keys that some source sets; others need not be typed (0.2 ms each)."""
    return frozenset(name for raw in context.raw_data.values() for name in raw)


def with_handler(context: Any) -> frozenset[str]:
    """The channels, by name or URL, that a handler of the user's logs in to."""
    named = context.channel_settings if "channel_settings" in keys(context) else ()
    return frozenset(str(item.get("channel", "")) for item in named if "auth" in item)


def with_credentials(names: Iterable[str]) -> set[str]:
    """Those of the channels that torch-install reads from the official place with a token, a
    password, or a handler of the user's, none of which may reach a mirror."""
    try:
        secret = named_channels.of_this_command(words=named_channels.NAMING).secret
    except AttributeError:  # a later conda, whose channels we cannot look at
        secret = set()
    return holding_credentials(names, secret)


def holding_credentials(names: Iterable[str], secret: Collection[str]) -> set[str]:
    """Those of the channels whose URL is `secret`, or that a handler of the user's logs in to."""
    from conda.base.context import context

    held = with_handler(context)
    return {name for name in names if name in secret or {name, upstream_url(name)} & held}


class Lists:
    """The administrator's `allowlist_channels` and `denylist_channels`."""

    __slots__ = ("allowed", "denied")

    def __init__(self) -> None:
        from conda.base.context import context

        there = keys(context)
        self.allowed = _listed(context, there, "allowlist_channels", "whitelist_channels")
        self.denied = _listed(context, there, "denylist_channels")

    def permits(self, name: str, url: str) -> bool:
        """Whether the lists let this URL stand in for the channel."""
        return not self._denies(name, url) and self._allows(name, url)

    def refusal(self, name: str, url: str) -> Exception:
        """Conda's error for a channel at a URL that is not permitted."""
        from conda import exceptions
        from conda.models.channel import Channel

        denied = self._denies(name, url)
        kind = exceptions.ChannelDenied if denied else exceptions.ChannelNotAllowed
        error: Exception = kind(Channel(url))
        return error

    def _denies(self, name: str, url: str) -> bool:
        """A name means the channel wherever it is read from, as conda has it. So does the URL of
        upstream, which the channel has once it is redirected."""
        return bool({url, upstream_url(name), *_names(name)}.intersection(self.denied))

    def _allows(self, name: str, url: str) -> bool:
        """A name allows the channel wherever it is read from, a URL that place alone: that of
        upstream does not allow a mirror."""
        return not self.allowed or bool({url, *_names(name)}.intersection(self.allowed))


def _names(channel: str) -> set[str]:
    """The names by which a list may have a channel."""
    return {channel, DEFAULTS} if channel.startswith("pkgs/") else {channel}


def _listed(context: Any, there: frozenset[str], *names: str) -> tuple[str, ...]:
    known = any(names[0] in vars(kind) for kind in type(context).__mro__)  # no denylist on 24.7
    if not known or not there.intersection(names):
        return ()
    return tuple(str(item).rstrip("/") for item in getattr(context, names[0]))


def arguments(**changed: Any) -> Any:
    """Copy the parsed arguments of the command line, in conda's type (a dict whose items are
    attributes too), with those in `changed` replaced."""
    from conda.base.context import context

    kept = context._argparse_args
    return type(kept)({**kept, **changed})


def reload(**changed: Any) -> None:
    """Reload conda's configuration, and drop what conda computed from the old one.

    The arguments of the command line are kept, with those in `changed` replaced.
    """
    from conda.base.context import context

    context.__init__(argparse_args=arguments(**changed))
    forget()


@contextmanager
def inner_command() -> Iterator[None]:
    """Let a block run another conda command: clean what that logs, and restore the arguments and
    the configuration of this command when the block ends."""
    from conda.base.context import context

    from ..text.output import clean_log

    kept = arguments()
    try:
        with clean_log():
            yield
    finally:
        context._argparse_args = kept
        reload()


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables until the block ends. Pins are added to those already set."""
    before = {name: os.environ.get(name) for name in variables}
    if other_cuda := variables.get(_CUDA, before.get(_CUDA)) != before.get(_CUDA):
        _forget_cuda()
    try:
        for name, value in variables.items():
            if name == "CONDA_PINNED_PACKAGES" and before[name]:
                value = f"{before[name]}&{value}"
            os.environ[name] = value
        yield
    finally:
        for name, old in before.items():
            if old is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = old
        if other_cuda:
            _forget_cuda()


def _forget_cuda() -> None:
    """Make conda detect CUDA again: it caches what it found, an override included."""
    detection = sys.modules.get("conda.plugins.virtual_packages.cuda")
    clear = getattr(getattr(detection, "cached_cuda_version", None), "cache_clear", None)
    if clear is not None:
        clear()


def forget() -> None:
    """Clear what conda computed from a configuration that has changed since."""
    from conda.base.context import context
    from conda.models import match_spec
    from conda.models.channel import Channel

    Channel._reset_state()
    # Conda parses command-line specs before plugins run, and keeps their channels by name.
    match_spec._PARSE_CACHE.clear()
    matchers = match_spec.MatchSpec._MATCHER_CACHE
    for key in [key for key in matchers if key[0] == "channel"]:
        del matchers[key]
    # Conda chooses the solver by the setting for shards, and caches its choice.
    cached = getattr(context.plugin_manager, "get_cached_solver_backend", None)
    if (clear := getattr(cached, "cache_clear", None)) is not None:
        clear()
    # Records read by an earlier command of this process hold channels with their old names.
    prefixes = sys.modules.get("conda.core.prefix_data")
    getattr(getattr(prefixes, "PrefixData", None), "_cache_", {}).clear()
