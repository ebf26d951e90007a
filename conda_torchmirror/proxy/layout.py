"""Which channels a cache carries, and from which sites it takes each, in order. Pure.

    http://CACHE/anaconda/cloud/<channel>, http://CACHE/anaconda/pkgs/<name>   the first way
    http://CACHE/next/anaconda/...                                             the other one

The other way asks the same sites in another order and keeps what it gets apart: where the first one
has kept a file that is wrong, or breaks off, a client goes on there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..mirrors.registry import Mirror, below_root, channels_for, parts_of_defaults
from ..mirrors.urls import UPSTREAM, host_of, upstream_url

#: Where channels stand below the address of a cache, on each way.
ROOT, NEXT = "/anaconda", "/next"

#: What a configuration can hold as it is: no quote, dollar sign, semicolon, brace, space, password.
_ADDRESS = re.compile(
    r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[-\w.~!+,=@%]*)*", re.ASCII
)
_NAME = re.compile(r"(?:pkgs/)?[A-Za-z0-9][\w.-]*", re.ASCII)


def is_address(url: str) -> bool:
    """Whether a URL can stand in a configuration."""
    return _ADDRESS.fullmatch(url) is not None


def is_name(channel: str) -> bool:
    """Whether a word is the name of a channel."""
    return _NAME.fullmatch(channel) is not None


class Origin(NamedTuple):
    """A site that has a channel, and its URL there."""

    site: str
    url: str


class Channel(NamedTuple):
    """A channel behind the cache. `path` is its place below `ROOT`, `places` are in order."""

    name: str
    path: str
    places: tuple[Origin, ...]

    @property
    def sites(self) -> tuple[str, ...]:
        """The names of the sites."""
        return tuple(place.site for place in self.places)

    @property
    def sites_next(self) -> tuple[str, ...]:
        """The same for the other way: the first one comes last."""
        return (*self.sites[1:], *self.sites[:1])


class Layout(NamedTuple):
    """Everything behind a cache. `hosts` are those that a site may redirect to, by site; `left_out`
    is what is not behind it, by name."""

    channels: tuple[Channel, ...]
    hosts: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The channels by name, without their labels."""
        return tuple(c.name for c in self.channels if not c.path.endswith("/label"))

    def has_labels(self, name: str) -> bool:
        """Whether the labels of a channel are behind the cache."""
        return any(c.name == name and c.path.endswith("/label") for c in self.channels)


def arrange(
    mirrors: Sequence[Mirror], more: Iterable[str] = (), *, upstream: bool = True
) -> Layout:
    """What is behind a cache: every channel that one of these mirrors has, all of `defaults`, those
    that are listed for `enable`, and `more`. The official site comes last, unless it is not wanted.
    A site whose address cannot stand in a configuration is left out for that channel, by name.
    """
    carried = (n for mirror in mirrors for n, there in mirror.channels.items() if there.has(None))
    parts = (part for subdir in ("linux-64", "win-64") for part in parts_of_defaults(subdir))
    listed = dict.fromkeys((*parts, *channels_for("enabled"), *more, *carried))
    names = [name for name in listed if name != "defaults" and "/label/" not in name]
    channels: list[Channel] = []
    without: list[str] = []
    unfit: dict[str, None] = {}
    for name in names:
        below = _places(f"{name}/label/x", mirrors, upstream=upstream)
        there = _places(name, mirrors, upstream=upstream)
        unfit.update((p.site, None) for p in (*below, *there) if not is_address(p.url))
        labels = tuple(Origin(p.site, p.url.removesuffix("/x")) for p in below if is_address(p.url))
        places = tuple(place for place in there if is_address(place.url))
        if labels:
            channels.append(Channel(name, f"{below_root(name)}/label", labels))
        if places:
            channels.append(Channel(name, below_root(name), places))
        else:
            without.append(name)
    odd = (f"{site} (a password or an odd character is in its address)" for site in unfit)
    left_out = (*without, *odd, "PyPI", "wheels of PyTorch")
    hosts = {mirror.name: mirror.redirects_to for mirror in mirrors}
    return Layout(tuple(channels), hosts, left_out)


def _places(name: str, mirrors: Sequence[Mirror], *, upstream: bool) -> tuple[Origin, ...]:
    found = {mirror.name: url for mirror in mirrors if (url := mirror.url_of(name)) is not None}
    if upstream:
        found[UPSTREAM] = upstream_url(name)
    return tuple(Origin(site, url) for site, url in found.items())


def needs_names(layout: Layout) -> bool:
    """Whether a host has to be looked up: whether one is no address."""
    hosts = {host_of(place.url) for channel in layout.channels for place in channel.places}
    return any(not re.fullmatch(r"[0-9.]+(:[0-9]+)?|\[.*", host) for host in hosts)
