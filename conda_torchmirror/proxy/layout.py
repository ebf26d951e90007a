"""Which channels a cache serves, and which sites it fetches each from, in order. Pure.

    http://CACHE/anaconda/cloud/<channel>, http://CACHE/anaconda/pkgs/<name>   the first way
    http://CACHE/anaconda/pypi/simple/<project>/                               for pip
    http://CACHE/anaconda/whl/<variant>/<project>/                             wheels of PyTorch
    http://CACHE/next/anaconda/...                                             the other way
    http://CACHE/official/anaconda/...         indexes of channels, from the official site alone

The other way asks the same sites in another order and caches separately: where the first way has
cached a wrong file or breaks off, a client continues there. The official site alone serves as the
second opinion on hashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import NamedTuple

from ..mirrors.registry import (
    Mirror,
    below_root,
    channels_for,
    official_wheel_hosts,
    parts_of_defaults,
)
from ..mirrors.urls import UPSTREAM, WHEELS, host_of, upstream_url

#: The path above everything on the first way, and what precedes it on the other.
ROOT, NEXT = "/anaconda", "/next"

#: What precedes `ROOT` where the official site alone is asked.
OFFICIAL = "/official"

#: The trees for pip below `ROOT`: an index of projects, and PyTorch's wheels by variant.
PYPI, WHL = "/pypi", "/whl"

#: URLs that need no quoting: without quote, dollar sign, semicolon, brace, space or password.
_ADDRESS = re.compile(
    r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[-\w.~!+,=@%]*)*", re.ASCII
)
_NAME = re.compile(r"(?:pkgs/)?[A-Za-z0-9][\w.-]*", re.ASCII)


def is_address(url: str) -> bool:
    """Whether a URL can stand in nginx's configuration as it is."""
    return _ADDRESS.fullmatch(url) is not None


def is_name(channel: str) -> bool:
    """Whether a word is the name of a channel."""
    return _NAME.fullmatch(channel) is not None


class Origin(NamedTuple):
    """A site that has a channel, and its URL there."""

    site: str
    url: str


class Channel(NamedTuple):
    """A channel behind the cache, its labels, or a tree for pip (name and path `PYPI` or `WHL`).

    `path` is relative to `ROOT`; `places` are in the order of the first way.
    """

    name: str
    path: str
    places: tuple[Origin, ...]

    @property
    def sites(self) -> tuple[str, ...]:
        """The names of the sites, in the order of the first way."""
        return tuple(place.site for place in self.places)

    @property
    def sites_next(self) -> tuple[str, ...]:
        """The order of the other way: the first site comes last."""
        return (*self.sites[1:], *self.sites[:1])


class Layout(NamedTuple):
    """Everything behind a cache. `hosts` are the hosts that each site may redirect to, by site;
    `left_out` names what is not behind the cache."""

    channels: tuple[Channel, ...]
    hosts: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...]

    @property
    def comment(self) -> list[str]:
        """The comment on what is not behind the cache, as lines; [] if everything is."""
        said = f"# Not behind it: {', '.join(self.left_out)}."
        lines = wrap(
            said, 80, subsequent_indent="# ", break_long_words=False, break_on_hyphens=False
        )
        return lines if self.left_out else []

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the channels, without the entries for labels and for pip."""
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
    """Lay out a cache in front of `mirrors`.

    It serves every channel that one of them carries, all of `defaults`, the channels listed for
    `enable`, and `more`; their wheels and their mirrors of PyPI, or if none has any, those of
    `spare`. The official site comes last if `upstream`; that of PyPI is never asked. Left out, by
    name, are sites whose address cannot stand in a configuration, and flat listings of wheels.
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
    """The URLs above `simple/` at the mirrors of PyPI, because the files are beside `simple/`."""
    found = ((m.name, url) for m in mirrors for url in m.pypi[:1])
    return tuple(Origin(n, u.removesuffix("/simple")) for n, u in found if u.endswith("/simple"))


def _wheels(mirrors: Sequence[Mirror]) -> tuple[Origin, ...]:
    """The mirrors of wheels that have a page for each project, as the official site does."""
    found = ((m.name, m.wheels) for m in mirrors if m.wheels is not None)
    return tuple(Origin(name, there.url) for name, there in found if there.layout == "index")


def _places(name: str, mirrors: Sequence[Mirror], *, upstream: bool) -> tuple[Origin, ...]:
    found = {mirror.name: url for mirror in mirrors if (url := mirror.url_of(name)) is not None}
    if upstream:
        found[UPSTREAM] = upstream_url(name)
    return tuple(Origin(site, url) for site, url in found.items())


def needs_names(layout: Layout) -> bool:
    """Whether nginx must resolve names: whether some host is not given as an IP address."""
    hosts = {host_of(place.url) for channel in layout.channels for place in channel.places}
    return any(not re.fullmatch(r"[0-9.]+(:[0-9]+)?|\[.*", host) for host in hosts)
