"""The known mirrors, what they carry, and which of them a channel is read from.

The data are in `data/mirrors.json`, with sources and dates; users add entries with the same fields.
The automatic redirect loads this module, so entries are parsed only when first used, and the
classes are plain ones with slots, the cheapest to define (0.04 ms; a named tuple takes 0.7 ms).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from .urls import (
    UPSTREAM,
    MirrorError,
    UnknownMirror,
    check_url,
    host_of,
    names_of_urls,
    upstream_url,
)

if TYPE_CHECKING:
    from .addresses import AddressBook, Identified, Split

FILE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "mirrors.json")


#: The default preference list: a channel is read from the first that carries it. `tuna` has what
#: the torch channels need; `nju`, which syncs from upstream itself, has the parts of `defaults`
#: that `tuna` lost in August 2026 (pkgs/r, pkgs/msys2). Neither has `nvidia`. Sources and dates:
#: data/mirrors.json.
DEFAULT_MIRRORS = ("tuna", "nju")

#: The `mirror` of a route that the user's own configuration sets: the key that does.
OWN, OWN_ALIAS = "custom_channels", "channel_alias"
OWNS = (OWN, OWN_ALIAS)

#: The preference that means every mirror usable without being named, in the registry's order.
AUTO = "auto"

#: What stands for a channel in the route to an index of PyPI.
INDEX = "index"


class Route:
    """Where a channel is read from: the channel's name, its URL there, and the mirror's name."""

    __slots__ = ("channel", "mirror", "url")

    def __init__(self, channel: str, url: str, mirror: str) -> None:
        self.channel = channel
        self.url = url
        self.mirror = mirror

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Route) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Route{self._key()!r}"

    @property
    def place(self) -> str:
        """The mirror's name for display; its host where the user's own configuration chose it."""
        return host_of(self.url) if self.mirror in OWNS else self.mirror

    @property
    def by_mirror(self) -> bool:
        """Whether it leads to a mirror: not the official place, nor one that the user's own
        configuration chose."""
        return self.mirror not in (UPSTREAM, *OWNS)

    def _key(self) -> tuple[str, str, str]:
        return self.channel, self.url, self.mirror


class Carried:
    """One channel at a mirror.

    `status` is yes, redirect, campus, unknown or no; only yes counts when choosing. `subdirs` is
    None where the mirror's list of platforms is unknown, which counts as all of them. `labels` says
    whether `<channel>/label/<x>` is there as well.
    """

    __slots__ = ("labels", "status", "subdirs", "url")

    def __init__(self, url: str, raw: Mapping[str, Any]) -> None:
        listed = raw.get("subdirs", "*")
        subdirs = listed.split() if isinstance(listed, str) else list(listed)
        self.url = url.rstrip("/")
        self.subdirs: frozenset[str] | None = None if subdirs == ["*"] else frozenset(subdirs)
        self.status: str = raw.get("status", "yes")
        self.labels = bool(raw.get("labels", False))

    def has(self, subdir: str | None) -> bool:
        """Whether this channel can be read here for `subdir`; None asks for any platform."""
        if self.status != "yes":
            return False
        return subdir is None or self.subdirs is None or subdir in self.subdirs


class Wheels:
    """A mirror of download.pytorch.org/whl.

    `layout` is "index" (PEP 503 pages, for --index-url) or "flat" (one listing for each
    directory, for --find-links only). `dirs` are the directories known to exist, None for all.
    `html` says whether `torch_stable.html` is served. `also` are other addresses of the same tree.
    """

    __slots__ = ("also", "dirs", "html", "layout", "url")

    def __init__(self, raw: Mapping[str, Any]) -> None:
        dirs = raw.get("dirs")
        self.url: str = raw["url"].rstrip("/")
        self.layout: str = raw["layout"]
        self.dirs: frozenset[str] | None = None if dirs is None else frozenset(dirs.split())
        self.html = bool(raw.get("html", False))
        self.also = _urls(raw.get("also", ()))


class Mirror:
    """One mirror site. Kinds are conda, pypi and wheels; `confidence` is by kind.

    `chosen` are the kinds that the mirror may be used for unless the user names it. `roots` are the
    addresses above `cloud/` and `pkgs/`; `parents` are addresses right above channel names.
    `pypi` holds index URLs, the one to use first; `pypi_also` further ones, only recognised in
    files. `word` is what names the mirror in a preference list: its name, or the URL that was given
    there. `official` is the address above `cloud/` and `pkgs/` at which a cache serves the indexes
    of the official site, "" for none. `drops_tar_bz2` says that the site does not keep a .tar.bz2
    that also exists as .conda; `shards` that it is known to serve sharded indexes.
    """

    __slots__ = (
        *("_carried", "_channels", "as_of", "chosen", "confidence", "drops_tar_bz2", "home"),
        *("name", "note", "official", "parents", "pypi", "pypi_also", "redirects_to", "roots"),
        *("shards", "source", "support", "title", "title_zh", "wheels", "word"),
    )

    def __init__(self, name: str, entry: Mapping[str, Any], word: str = "") -> None:
        """Read a registry entry: one of the data file, or one that `schema` has checked."""
        self.name = name if word else name.lower()
        self.word = word or self.name
        self.title: str = entry.get("title", name)
        self.title_zh: str = entry.get("title_zh", "")
        self.home: str = entry.get("home", "")
        self.roots = _urls(entry.get("roots", ()))
        self.parents = _urls(entry.get("parents", ()))
        self._channels: Mapping[str, Mapping[str, Any]] = entry.get("channels", {})
        self._carried: dict[str, Carried] = {}
        self.pypi = _urls(entry.get("pypi", ()))
        self.pypi_also = _urls(entry.get("pypi_also", ()))
        self.wheels = Wheels(entry["wheels"]) if entry.get("wheels") is not None else None
        self.official: str = entry.get("official", "")
        self.redirects_to: tuple[str, ...] = tuple(entry.get("redirects_to", ()))
        self.drops_tar_bz2 = bool(entry.get("drops_tar_bz2", False))
        self.shards = bool(entry.get("shards", False))
        self.confidence: Mapping[str, str] = dict(entry.get("confidence", {}))
        self.chosen: tuple[str, ...] = tuple(entry.get("chosen", ()))
        self.support: str | None = entry.get("support")
        self.note: str = entry.get("note", "")
        self.as_of: str | None = entry.get("as_of")
        self.source: tuple[str, ...] = tuple(entry.get("source", ()))

    @property
    def channels(self) -> Mapping[str, Carried]:
        """The listed channels by name, including those that the site is known not to carry."""
        return {channel: self._channel(channel) for channel in self._channels}

    def _channel(self, name: str) -> Carried:
        if name not in self._carried:
            url = self._channels[name].get("url") or self.roots[0] + below_root(name)
            self._carried[name] = Carried(url, self._channels[name])
        return self._carried[name]

    def lacks(self, channel: str, subdir: str | None = None) -> bool:
        """Whether the site is known not to carry the channel (for `subdir`, if given). One that its
        list does not name is absent only if that is certain, and where nothing is sent on."""
        if channel in self._channels:
            carried = self._channel(channel)
            return carried.status == "no" or (carried.status == "yes" and not carried.has(subdir))
        whole = self.confidence.get("conda") == "certain" and "/label/" not in channel
        return whole and all(raw.get("status") != "redirect" for raw in self._channels.values())

    def may_have(self, channel: str, subdir: str | None = None) -> str | None:
        """The URL of a channel that is carried for `subdir`, or of which nothing is known but that
        this mirror was named by its URL; else None. Who asks there must be able to go on."""
        if "://" in self.word and channel in self._channels:
            there = self._channel(channel)
            if there.status == "unknown":
                return there.url
        return self.url_of(channel, subdir)

    def url_of(self, channel: str, subdir: str | None = None) -> str | None:
        """The URL of a channel that is carried for `subdir`, else None. Labels are kept."""
        base, slash, label = channel.partition("/label/")
        if channel in self._channels:
            carried, below = self._channel(channel), ""
        elif slash and base in self._channels and self._channel(base).labels:
            carried, below = self._channel(base), f"/label/{label}"
        else:
            return None
        return carried.url + below if carried.has(subdir) else None


class Registry(Mapping[str, Mirror]):
    """Mirrors by name, in order of preference. `own` are the names that a user's file added."""

    def __init__(self, entries: Mapping[str, Mapping[str, Any]], own: Sequence[str] = ()) -> None:
        self.entries = entries
        self.own = tuple(own)
        self._read: dict[str, Mirror] = {}
        self._book: AddressBook | None = None

    def __getitem__(self, name: str) -> Mirror:
        if name not in self._read:
            self._read[name] = Mirror(name, self.entries[name])
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def chosen_for(self, kind: str = "conda") -> tuple[str, ...]:
        """The names of mirrors usable for `kind` (conda, pypi, wheels) without being asked for."""
        return tuple(name for name in self if kind in self.entries[name].get("chosen", ()))

    def named(self, word: str) -> str | None:
        """The mirror that a word names; see `words`."""
        from . import words

        return words.named(word, self.entries)

    def at(self, address: str) -> Mirror | None:
        """The mirror whose address a URL is (see `words.at`), read from there."""
        from . import words

        found = words.at(address.rstrip("/"), self)
        return found and Mirror(found[0], {**self.entries[found[0]], **found[1]}, word=found[2])

    def resolve(self, preference: Sequence[str], *, allow_http: bool = False) -> tuple[Mirror, ...]:
        """Return the mirrors that a preference list names, up to "upstream", which ends it.

        An item is a name or a URL. Raises UnknownMirror, InsecureMirror or BadMirrorUrl.
        """
        found: dict[str, Mirror | None] = {}
        for item in preference:
            if "://" in item:
                known = self.at(address := check_url(item, allow_http=allow_http))
                found[known.name if known else address] = known
            elif item.lower() == UPSTREAM:
                break
            elif item.lower() in self:
                found[item.lower()] = self[item.lower()]
            else:
                from . import words

                raise UnknownMirror(
                    item, words.worth_naming(self.entries), words.by_word(self.entries)
                )
        names = names_of_urls(found)
        return tuple(m or self._unlisted(word, names[word]) for word, m in found.items())

    def _unlisted(self, address: str, name: str) -> Mirror:
        from . import words

        return Mirror(name, words.entry_of(address), word=address)

    def locate(self, channel: str, subdir: str | None, preference: Sequence[str]) -> Route:
        """Find where to read a channel, as the function `locate` does. Raises as `resolve` does."""
        return locate(channel, subdir, self.resolve(preference))

    def identify(self, url: str) -> Identified | None:
        """Identify the channel that a URL names at one of these mirrors; see `addresses`."""
        from .addresses import identify  # the automatic redirect rarely needs it

        return identify(url, self.book)

    def split(self, url: str) -> Split | None:
        """Like `identify`, for URLs with more behind the channel."""
        from .addresses import split

        return split(url, self.book)

    @property
    def book(self) -> AddressBook:
        """The addresses of these mirrors and upstream, for `addresses.split`."""
        if self._book is None:
            from .addresses import address_book

            self._book = address_book(self.values())
        return self._book


@cache
def _data() -> Mapping[str, Any]:
    with open(FILE, encoding="utf-8") as file:
        data: Mapping[str, Any] = json.load(file)
    return data


@cache
def built_in() -> Registry:
    """The mirrors that ship with the package."""
    return Registry(_data()["mirrors"])


@cache
def chinese_names() -> Mapping[str, str]:
    """Chinese titles of mirrors, by name and by English title."""
    entries = _data()["mirrors"].items()
    return {
        word: entry["title_zh"]
        for name, entry in entries
        if "title_zh" in entry
        for word in (name, entry["title"])
    }


def channels_for(use: str) -> tuple[str, ...]:
    """The channels that the data list for a use, a key of `lists` there, such as status."""
    return tuple(_data()["lists"][use])


def official_wheel_hosts() -> frozenset[str]:
    """The hosts of PyTorch's own wheels."""
    return frozenset(_data()["wheel_hosts"]["hosts"])


def locate(channel: str, subdir: str | None, mirrors: Sequence[Mirror]) -> Route:
    """Find where to read a channel: the first mirror that has it for `subdir`, else upstream.

    `channel` is a name such as `pytorch`, `pkgs/main` or `nvidia/label/cuda-12.4.0`, never a URL
    and never `defaults` (see `parts_of_defaults`). `subdir` None asks for any platform.
    """
    for mirror in mirrors:
        url = mirror.url_of(channel, subdir)
        if url is not None:
            return Route(channel, url, mirror.name)
    return Route(channel, upstream_url(channel), UPSTREAM)


def preferred(
    asked: Sequence[str],
    configured: Sequence[str],
    registry: Registry,
    *,
    only: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return the mirrors to try, as names and URLs in order: `asked` (`--mirror`), else
    `configured`, else the user's own mirrors followed by the defaults.

    `auto` is expanded to names. Mirrors that the administrator's list `only` lacks (empty for no
    limit) are dropped. Raises MirrorError if that leaves nothing of `asked`.
    """
    words: Sequence[str] = asked or configured or (*registry.own, *DEFAULT_MIRRORS)
    expanded = tuple(dict.fromkeys(_expanded(words, registry)))
    if not only:
        return expanded
    allowed = tuple(item for item in expanded if item in only or item == UPSTREAM)
    if asked and not allowed:
        raise MirrorError(
            "torchmirror_only allows no other mirrors than {names}.", names=", ".join(only)
        )
    return allowed or tuple(word for word in only if word in registry or "://" in word)


def _expanded(words: Iterable[str], registry: Registry) -> Iterator[str]:
    for word in words:
        if word.lower() == AUTO:
            yield from registry.chosen_for()
        elif "://" in word:
            yield known.word if (known := registry.at(word)) else word
        else:
            yield word.lower()


def parts_of_defaults(subdir: str) -> tuple[str, ...]:
    """The channels that conda's `defaults` stands for on a platform."""
    names = ("pkgs/main", "pkgs/r")
    return (*names, "pkgs/msys2") if subdir.startswith("win-") else names


def below_root(channel: str) -> str:
    """The path of a channel under a root."""
    return f"/{channel}" if channel.startswith("pkgs/") else f"/cloud/{channel}"


def _urls(listed: Sequence[str]) -> tuple[str, ...]:
    return tuple(url.rstrip("/") for url in listed)
