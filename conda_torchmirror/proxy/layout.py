"""Which channels a cache carries, and from which sites it takes each, in order. Pure.

    http://CACHE/anaconda/cloud/<channel>, http://CACHE/anaconda/pkgs/<name>   the first way
    http://CACHE/anaconda/pypi/simple/<project>/                               for pip
    http://CACHE/anaconda/whl/<variant>/<project>/                             wheels of PyTorch
    http://CACHE/next/anaconda/...                                             the other one
    http://CACHE/official/anaconda/...         indexes of channels, from the official site alone

The other way asks the same sites in another order and keeps what it gets apart: where the first one
has kept a file that is wrong, or breaks off, a client goes on there. The official site alone is for
the second opinion on hashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..mirrors.registry import (
    Mirror,
    below_root,
    channels_for,
    official_wheel_hosts,
    parts_of_defaults,
)
from ..mirrors.urls import UPSTREAM, WHEELS, host_of, upstream_url

#: Where everything stands below the address of a cache, on each way.
ROOT, NEXT = "/anaconda", "/next"

#: What stands before it where the official site alone is asked.
OFFICIAL = "/official"

#: Where the trees for pip stand below `ROOT`: an index of projects, and of variants of PyTorch.
PYPI, WHL = "/pypi", "/whl"

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
    """A channel behind the cache, or a tree for pip, whose name and path are `PYPI` or `WHL`.

    `path` is its place below `ROOT`, `places` are in order.
    """

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
        """The channels by name, without their labels and what is for pip."""
        return tuple(
            c.name
            for c in self.channels
            if not (c.path.endswith("/label") or c.path in (PYPI, WHL))
        )

    def has(self, path: str) -> bool:
        """Whether a tree for pip, `PYPI` or `WHL`, is behind the cache."""
        return any(c.path == path for c in self.channels)

    @property
    def has_official(self) -> bool:
        """Whether the official site is behind the cache, for channels."""
        sites = {place.site for c in self.channels if c.path != WHL for place in c.places}
        return UPSTREAM in sites

    def has_labels(self, name: str) -> bool:
        """Whether the labels of a channel are behind the cache."""
        return any(c.name == name and c.path.endswith("/label") for c in self.channels)


def arrange(
    mirrors: Sequence[Mirror],
    more: Iterable[str] = (),
    *,
    upstream: bool = True,
    spare: Sequence[Mirror] = (),
) -> Layout:
    """What is behind a cache: every channel that one of these mirrors has, all of `defaults`, those
    that are listed for `enable`, and `more`; their wheels and their mirrors of PyPI, or where none
    has any those of `spare`. The official site comes last, unless it is not wanted; that of PyPI
    has no address here. What cannot be behind it is left out by name: a site whose address cannot
    stand in a configuration, or whose wheels are flat listings.
    """
    carried = (n for mirror in mirrors for n, there in mirror.channels.items() if there.has(None))
    parts = (part for subdir in ("linux-64", "win-64") for part in parts_of_defaults(subdir))
    listed = dict.fromkeys((*parts, *channels_for("enabled"), *more, *carried))
    names = [name for name in listed if name != "defaults" and "/label/" not in name]
    channels: list[Channel] = []
    left_out: list[str] = []
    unfit: dict[str, None] = {}

    def add(name: str, path: str, places: Iterable[Origin]) -> bool:
        fit = {place: is_address(place.url) for place in places}
        unfit.update((place.site, None) for place, good in fit.items() if not good)
        usable = tuple(place for place, good in fit.items() if good)
        if usable:
            channels.append(Channel(name, path, usable))
        return bool(usable)

    for name in names:
        below = _places(f"{name}/label/x", mirrors, upstream=upstream)
        labels = [Origin(place.site, place.url.removesuffix("/x")) for place in below]
        add(name, f"{below_root(name)}/label", labels)
        if not add(name, below_root(name), _places(name, mirrors, upstream=upstream)):
            left_out.append(name)
    if not add(PYPI, PYPI, _indexes(mirrors) or _indexes(spare)):
        left_out.append("PyPI")
    elif upstream:
        left_out.append("PyPI's own site")
    wheels = _wheels(mirrors) or _wheels(spare)
    if not add(WHL, WHL, (*wheels, *([Origin(UPSTREAM, WHEELS)] if upstream else ()))):
        left_out.append("wheels of PyTorch")
    flat = (m.name for m in mirrors if m.wheels is not None and m.wheels.layout == "flat")
    left_out += (f"the wheels of {name} (flat listings)" for name in flat)
    left_out += (f"{site} (a password or an odd character is in its address)" for site in unfit)
    hosts = {mirror.name: mirror.redirects_to for mirror in (*spare, *mirrors)}
    hosts[UPSTREAM] = tuple(sorted(official_wheel_hosts()))
    return Layout(tuple(channels), hosts, tuple(left_out))


def _indexes(mirrors: Sequence[Mirror]) -> tuple[Origin, ...]:
    """What is above `simple/` at the mirrors of PyPI, since the files stand beside it."""
    found = ((m.name, url) for m in mirrors for url in m.pypi[:1])
    return tuple(Origin(n, u.removesuffix("/simple")) for n, u in found if u.endswith("/simple"))


def _wheels(mirrors: Sequence[Mirror]) -> tuple[Origin, ...]:
    """The mirrors of wheels with a page for each project, as the official site has them."""
    found = ((m.name, m.wheels) for m in mirrors if m.wheels is not None)
    return tuple(Origin(name, there.url) for name, there in found if there.layout == "index")


def _places(name: str, mirrors: Sequence[Mirror], *, upstream: bool) -> tuple[Origin, ...]:
    found = {mirror.name: url for mirror in mirrors if (url := mirror.url_of(name)) is not None}
    if upstream:
        found[UPSTREAM] = upstream_url(name)
    return tuple(Origin(site, url) for site, url in found.items())


def needs_names(layout: Layout) -> bool:
    """Whether a host has to be looked up: whether one is no address."""
    hosts = {host_of(place.url) for channel in layout.channels for place in channel.places}
    return any(not re.fullmatch(r"[0-9.]+(:[0-9]+)?|\[.*", host) for host in hosts)
