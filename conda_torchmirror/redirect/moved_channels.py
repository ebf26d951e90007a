"""A channel that has moved to a mirror is one channel, wherever it was read from.

A spec `pytorch::x` in an environment's history is satisfied by the package that another mirror
brought: otherwise conda installs it a second time when the mirror changes. And since 26.7 conda
tells channels outside its `channel_alias` by their URL: it writes `pytorch::x` into the history
with the mirror's URL, and a later command looks for it at that mirror only. So channels in
`migrated_custom_channels` are compared, and written into histories, by their names.

Conda has nothing documented for this. Where a conda lacks a name that is replaced here, it does as
it does without us. conda-rattler-solver compares for itself, and installs such a package anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import settings

if TYPE_CHECKING:
    from ..mirrors.registry import Registry

#: The function by which conda 26.7 decides whether it tells a channel by its URL.
_BY_URL = "_is_non_alias_url_channel"


class _Names:
    """The replacements, and what they replace."""

    def __init__(self) -> None:
        self.replaced: list[tuple[Any, str, Any]] = []

    @cached_property
    def mirrors(self) -> Registry:
        return settings.registry(settings.read())

    def start(self) -> None:
        from conda.models import match_spec

        kind = getattr(match_spec, "ChannelMatch", None)
        if (match := getattr(kind, "match", None)) is not None:
            self._replace(
                kind, "match", lambda spec, other: match(spec, other) or self._is_same(spec, other)
            )
        by_url = getattr(match_spec, _BY_URL, None)
        if by_url is None:
            return
        from conda.history import History

        if (write := getattr(History, "write_specs", None)) is None:
            return

        def write_specs(history: Any, *specs: Iterable[Any], **named: Iterable[Any]) -> None:
            # Only here: conda-rattler-solver finds a channel by the URL in the text of a spec.
            setattr(match_spec, _BY_URL, lambda one: by_url(one) and not _moved(one))
            try:
                write(
                    history,
                    *map(self._by_names, specs),
                    **{which: self._by_names(some) for which, some in named.items()},
                )
            finally:
                setattr(match_spec, _BY_URL, by_url)

        self._replace(History, "write_specs", write_specs)

    def _replace(self, owner: Any, name: str, new: Any) -> None:
        self.replaced.append((owner, name, getattr(owner, name)))
        setattr(owner, name, new)

    def stop(self) -> None:
        while self.replaced:
            setattr(*self.replaced.pop())

    def _is_same(self, spec: Any, other: Any) -> bool:
        """Whether the spec names a moved channel, and `other` is that channel at a known mirror."""
        from conda.models.channel import Channel

        asked, found = spec.exact_value, Channel(getattr(other, "_raw_value", other))
        if not isinstance(asked, Channel) or found.base_url is None:
            return False
        names = [part.name for part in getattr(asked, "_channels", (asked,)) if _moved(part)]
        by_path = _is_named_by_path(asked, found.base_url)
        there = self.mirrors.identify(found.base_url) if names or by_path else None
        return there is not None and (
            there.channel in names or (by_path and _is_moved(there.channel))
        )

    def _by_names(self, specs: Iterable[Any]) -> list[str]:
        return [self._by_name(str(spec)) for spec in specs]

    def _by_name(self, spec: str) -> str:
        """The text of a spec, with the name of a channel in place of its URL at a known mirror."""
        channel, sep, rest = spec.partition("::")
        there = self.mirrors.identify(channel) if sep and "://" in channel else None
        if there is None:
            return spec
        return f"{'/'.join(filter(None, (there.channel, there.subdir)))}::{rest}"


_names: _Names | None = None


def keep_names() -> None:
    """Let conda know moved channels by their names, until `release`."""
    global _names
    if _names is None:
        _names = _Names()
        _names.start()


def release() -> None:
    """Undo `keep_names`. Without effect where nothing is in force."""
    global _names
    if _names is not None:
        ended, _names = _names, None
        ended.stop()


def _is_named_by_path(asked: Any, url: str) -> bool:
    """Whether a channel is named by the path of this URL.

    An old conda that knows nothing of a mirror writes `anaconda/cloud/pytorch::x` for a package of
    it that is named by URL: into the history of a clone, and of what a list of URLs installed.
    """
    from conda.base.context import context

    path = url.partition("://")[2].partition("/")[2]
    by_name = asked.location == getattr(context.channel_alias, "location", None)
    return bool(path) and by_name and asked.name == path


def _is_moved(name: str) -> bool:
    from conda.base.context import context

    return name in context.migrated_custom_channels


def _moved(channel: Any) -> bool:
    """Whether a channel is at the place that the configuration moved its name to."""
    from conda.base.context import context
    from conda.models.channel import Channel

    own = channel.name or ""
    return any(
        (own == name or own.startswith(f"{name}/")) and Channel(own).location == channel.location
        for name in context.migrated_custom_channels
    )
