"""Recognise the mirror and channel that a URL names, the inverse of `registry.locate`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .registry import Mirror, Registry, Route, below_root, built_in
from .urls import FORMER_PKGS, UPSTREAM, UPSTREAM_CLOUD, UPSTREAM_PKGS

#: conda.base.constants.KNOWN_SUBDIRS of conda 26.7, and names that old mirrors still have.
SUBDIRS = frozenset(
    (
        "emscripten-wasm32",
        "freebsd-64",
        "linux-32",
        "linux-64",
        "linux-aarch64",
        "linux-armv6l",
        "linux-armv7l",
        "linux-ppc64",
        "linux-ppc64le",
        "linux-riscv32",
        "linux-riscv64",
        "linux-s390x",
        "noarch",
        "osx-32",
        "osx-64",
        "osx-arm64",
        "wasi-wasm32",
        "win-32",
        "win-64",
        "win-arm64",
        "zos-z",
    )
)

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Identified(NamedTuple):
    """What a URL names. `channel` keeps its label; `mirror` is "upstream" for the origin."""

    mirror: str
    channel: str
    subdir: str | None


class Split(NamedTuple):
    """A URL in two parts: `identified`, and the `rest` behind channel and subdir, with slash."""

    identified: Identified
    rest: str


def identify(url: str, book: AddressBook | None = None) -> Identified | None:
    """Identify the channel that a URL names, at a known mirror or upstream; None for any other URL.

    Accepts http and https, trailing slashes, a subdir at the end, and labels. A channel below a
    known address counts even if the registry does not list it. Returns None for a URL with a user,
    a token, an unknown port, a query or a fragment, and for the URL of a file in a channel. `book`
    is as for `split`.
    """
    found = split(url, book)
    return found.identified if found is not None and not found.rest.strip("/") else None


def name_of(channel: str) -> str:
    """Return the name of a channel given as a name or a URL, without its platform."""
    if "://" in channel and (found := identify(channel)):
        return found.channel
    name, _, subdir = channel.rstrip("/").rpartition("/")
    return name if subdir in SUBDIRS else channel.rstrip("/")


def at_mirror(word: str, registry: Registry) -> Identified | None:
    """The mirror and the channel that a word names by URL; None for any other word."""
    found = registry.identify(word) if "://" in word else None
    return None if found is None or found.mirror == UPSTREAM else found


def name_among(word: str, registry: Registry, names: Iterable[str]) -> str:
    """The name of a channel among these where a word names it by the URL of a mirror, else the
    word."""
    found = at_mirror(word, registry)
    return found.channel if found is not None and found.channel in names else word


def routes_by_url(
    channel: str, words: Iterable[str], registry: Registry, subdir: str, only: Sequence[str] = ()
) -> list[Route]:
    """The routes to a channel at the mirrors that these words name it by the URL of, but for those
    that are known not to have it; `only` are the mirrors that an administrator allows."""
    found = []
    for word in words:
        named = at_mirror(word, registry)
        if named is None or named.channel != channel or (only and named.mirror not in only):
            continue
        mirror = registry[named.mirror]
        if mirror.lacks(channel, subdir):
            continue
        listed = mirror.channels.get(channel)
        url = listed.url if listed else word.rstrip("/").removesuffix(f"/{named.subdir}")
        if not any(root.startswith("http://") for root in mirror.roots):
            url = re.sub(r"^http://", "https://", url)
        found.append(Route(channel, url, mirror.name))
    return found


def split(url: str, book: AddressBook | None = None) -> Split | None:
    """Like `identify`, for URLs with more behind the channel, such as a package file.

    `book` holds the addresses of a registry; by default those of the built-in one.
    """
    scheme, sep, tail = url.partition("://")
    if not sep or scheme not in {"http", "https"} or "?" in tail or "#" in tail:
        return None
    host, slash, path = tail.partition("/")
    if not slash:
        return None
    known = built_in().book if book is None else book
    for address in known.get(host.lower(), ()):
        if not path.startswith(address.path):
            continue
        remainder = path[len(address.path) :]
        if address.channel is not None:
            if remainder and not remainder.startswith("/"):
                continue
            return _split_at(address, address.channel, remainder)
        name = _SEGMENT.match(remainder)
        if name is None or name[0] == "t":  # conda's token URLs are /t/<token>/<channel>
            return None
        behind = remainder[name.end() :]
        if behind and not behind.startswith("/"):
            return None
        return _split_at(address, address.prefix + name[0], behind)
    return None


class _Address(NamedTuple):
    """A path at a host (no leading slash): one channel, or the parent of channels."""

    path: str
    mirror: str
    prefix: str = ""
    channel: str | None = None


#: Addresses by host in lower case, the longest path first.
AddressBook = Mapping[str, tuple[_Address, ...]]


def _split_at(address: _Address, channel: str, behind: str) -> Split:
    if label := re.match(r"/label/([^/]+)(?=/|$)", behind):
        channel += label[0]
        behind = behind[label.end() :]
    subdir = None
    segment, _, _ = behind.removeprefix("/").partition("/")
    if segment in SUBDIRS:
        subdir = segment
        behind = behind[len(segment) + 1 :]
    return Split(Identified(address.mirror, channel, subdir), behind)


def address_book(mirrors: Iterable[Mirror]) -> AddressBook:
    """Collect the addresses of `mirrors` and of upstream, for `split`."""
    found: dict[str, list[_Address]] = {}

    def add(url: str, mirror: str, prefix: str = "", channel: str | None = None) -> None:
        host, _, path = url.partition("://")[2].partition("/")
        if channel is None:
            path = f"{path}/" if path else ""
        found.setdefault(host.lower(), []).append(_Address(path, mirror, prefix, channel))

    add(UPSTREAM_CLOUD, UPSTREAM)
    add(UPSTREAM_PKGS, UPSTREAM, "pkgs/")
    add(FORMER_PKGS, UPSTREAM, "pkgs/")
    for mirror in mirrors:
        for root in mirror.roots:
            add(f"{root}/cloud", mirror.name)
            add(f"{root}/pkgs", mirror.name, "pkgs/")
        for parent in mirror.parents:
            add(parent, mirror.name)
        for channel, carried in mirror.channels.items():
            implied = {root + below_root(channel) for root in mirror.roots}
            implied |= {f"{parent}/{channel}" for parent in mirror.parents}
            if carried.url not in implied:
                add(carried.url, mirror.name, channel=channel)
    return {
        host: tuple(sorted(rows, key=lambda row: len(row.path), reverse=True))
        for host, rows in found.items()
    }
