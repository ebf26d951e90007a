"""Rewriting one channel entry of a file to a mirror and back. Pure string work.

The way back must restore the original entry to the byte, although a name and several spellings of a
URL all lead to the same mirror. The mirror URL therefore encodes the spelling, in ways that readers
of channels ignore (conda strips trailing slashes before anything else):

    pytorch                          <->  MIRROR/pytorch
    https://conda.anaconda.org/pytorch    <->  MIRROR/pytorch/
    https://conda.anaconda.org/pytorch/   <->  MIRROR/pytorch//
    http://conda.anaconda.org/pytorch     <->  MIRROR:443/pytorch

Where an entry is usually a URL (parts of defaults, with a platform, in `URL::spec`, in explicit
files), a URL keeps its slashes, and a name gets two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from ..mirrors.addresses import SUBDIRS, address_book, split
from ..mirrors.registry import DEFAULT_MIRRORS, Registry, built_in, locate
from ..mirrors.urls import UPSTREAM, MirrorError, upstream_url
from ..text.sanitize import safe

Direction = Literal["rewrite", "upstream"]

_NAME = re.compile(
    r"(?P<channel>(?:pkgs/)?[A-Za-z0-9][A-Za-z0-9._-]*(?:/label/[^/\s\[\]{},:#]+)?)"
    r"(?:/(?P<subdir>[a-z0-9-]+))?"
)
_HTTPS_PORT = re.compile(r"(?<=^https://)([^/:@\s]+):443(?=/)")
_SECRET = re.compile(r"https?://(?:[^/\s]*@|[^/\s]+/t/)")

#: A URL that is not at an official host.
_UNKNOWN = re.compile(r"https?://(?!(?:conda\.anaconda\.org|repo\.anaconda\.com)[:/])[^/\s]")

#: Most characters of a channel entry; anything longer is left alone.
MAX_ENTRY = 2000

#: The number of parsed entries to cache, since files repeat the same few.
_KEPT = 1024

#: The number of slashes that stand for a name, where URLs are the rule.
_NAME_SLASHES = 2


class SecretInMirror(MirrorError):
    """A mirror URL with a password or token, which must not be written into a file."""


@dataclass(frozen=True)
class Entry:
    """A parsed channel entry. `origin` is a mirror's name or "upstream".

    `named` says that the entry is a bare name, `marked` that its URL spells out port 443, `https`
    is false for http, `slashes` is the number of trailing slashes.
    """

    origin: str
    channel: str
    subdir: str | None = None
    named: bool = False
    https: bool = True
    marked: bool = False
    slashes: int = 0

    def by_name(self, url_first: bool) -> bool:
        """Whether such an entry is usually written as a name."""
        return not (url_first or self.subdir or self.channel.startswith("pkgs/"))


@dataclass(frozen=True)
class EntryResult:
    """The result for an entry: the new text, or None if it stays, with a code if the user should
    know why."""

    new: str | None = None
    code: str | None = None
    facts: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Identity:
    """The channel that an entry refers to. Entries with equal identities are the same to conda."""

    origin: str
    channel: str
    subdir: str | None


class EntryRewriter:
    """Rewrites entries in one direction, to the first of `chosen` mirrors that has the channel for
    `subdir`."""

    def __init__(
        self,
        direction: Direction,
        preference: Sequence[str] | None = None,
        *,
        subdir: str | None = None,
        mirrors: Registry | None = None,
        allow_http: bool = False,
    ) -> None:
        """Resolve the preference. Raises MirrorError for an item that cannot be used, and its
        subclass SecretInMirror for a URL with credentials."""
        known = built_in() if mirrors is None else mirrors
        items = DEFAULT_MIRRORS if preference is None else tuple(preference)
        self.direction = direction
        self.subdir = subdir
        self.mirrors = known
        self.chosen = known.resolve(items, allow_http=allow_http)
        self.book = address_book((*self.chosen, *known.values()))
        #: Parse a text as an entry; None for a path, an unknown URL or anything else.
        self.read = lru_cache(_KEPT)(self._read)
        # The other direction writes official addresses alone.
        for mirror in self.chosen if direction == "rewrite" else ():
            for carried in mirror.channels.values():
                if _SECRET.match(carried.url):
                    raise SecretInMirror(
                        "The mirror {url} carries a password or token, which must "
                        "not be written into a file. Give its address without it, and put the "
                        "secret into .netrc or conda's token store.",
                        url=safe(carried.url),
                    )

    def _read(self, text: str) -> Entry | None:
        if "://" not in text:
            match = _NAME.fullmatch(text)
            if match is None or (match["subdir"] and match["subdir"] not in SUBDIRS):
                return None
            return Entry(UPSTREAM, match["channel"], match["subdir"], named=True)
        found = split(text, self.book)
        marked = False
        if found is None:
            bare, count = _HTTPS_PORT.subn(r"\1", text)
            found = split(bare, self.book) if count else None
            marked = True
        if found is None or found.rest.strip("/"):
            return None
        origin, channel, subdir = found.identified
        https = text.startswith("https:")
        return Entry(origin, channel, subdir, False, https, marked, len(found.rest))

    def identity(self, text: str) -> Identity | None:
        """The channel that an entry refers to, however it is spelled; None if it is not known."""
        entry = self.read(text)
        return None if entry is None else Identity(entry.origin, entry.channel, entry.subdir)

    def rewrite(self, text: str, *, url_first: bool = False) -> EntryResult:
        """Rewrite one channel entry. `url_first` says that entries there are usually URLs."""
        if text == "defaults":
            return EntryResult(code="defaults_left" if self.direction == "rewrite" else None)
        if text == "nodefaults" or len(text) > MAX_ENTRY:
            return EntryResult()
        entry = self.read(text)
        if entry is None:
            known = _SECRET.match(text) and self.read(re.sub(r"[^/]*@|/t/[^/]+", "", text))
            code = "secret_left" if known else None
            if code is None and self.direction == "upstream" and _UNKNOWN.match(text):
                code = "unknown_host"
            return EntryResult(code=code, facts={"entry": safe(text)})
        if self.direction == "upstream":
            if entry.origin == UPSTREAM:
                return EntryResult()
            return _unless_same(text, _spelled(_as_upstream(entry, url_first)))
        return self._to_mirror(text, entry, url_first)

    def _to_mirror(self, text: str, entry: Entry, url_first: bool) -> EntryResult:
        found = locate(entry.channel, entry.subdir or self.subdir, self.chosen)
        if found.mirror == UPSTREAM:
            return EntryResult(code="not_carried", facts=self._lacks(entry))
        if found.mirror == entry.origin and entry.https:
            return EntryResult()
        source = entry if entry.origin == UPSTREAM else _as_upstream(entry, url_first)
        new = _at_mirror(source, found.url, url_first)
        if new is None:
            return EntryResult(code="plain_http_left", facts={"entry": text})
        if entry.origin == UPSTREAM:
            # Try the way back now, so that an unusual spelling is left alone rather than lost.
            back = self.read(new)
            if back is None or _spelled(_as_upstream(back, url_first)) != text:
                return EntryResult(code="unusual_url", facts={"entry": text})
        return _unless_same(text, new)

    def _lacks(self, entry: Entry) -> dict[str, Any]:
        others = [
            name
            for name, mirror in self.mirrors.items()
            if mirror.url_of(entry.channel, entry.subdir or self.subdir) is not None
        ]
        return {
            "channel": entry.channel,
            "mirrors": ", ".join(mirror.name for mirror in self.chosen) or UPSTREAM,
            "preference": [mirror.word for mirror in self.chosen],
            "at": entry.origin,
            "others": others,
        }


def _unless_same(text: str, new: str) -> EntryResult:
    return EntryResult(None if new == text else new)


def _at_mirror(source: Entry, channel_url: str, url_first: bool) -> str | None:
    """The mirror URL for an upstream entry; None if it cannot encode that the entry was http."""
    url = channel_url if source.subdir is None else f"{channel_url}/{source.subdir}"
    if not source.https:
        marked = re.sub(r"^(https://[^/:]+)(?=/)", r"\1:443", url)
        return None if marked == url else marked + "/" * source.slashes
    if source.by_name(url_first):
        return url + "/" * (0 if source.named else source.slashes + 1)
    return url + "/" * (_NAME_SLASHES if source.named else source.slashes)


def _as_upstream(entry: Entry, url_first: bool) -> Entry:
    """The upstream entry that a mirror's entry encodes (see the table at the top)."""
    back = replace(entry, origin=UPSTREAM, marked=False, https=not entry.marked)
    if entry.marked:
        return back
    if entry.by_name(url_first):
        if entry.slashes == 0:
            return replace(back, named=True)
        return replace(back, slashes=entry.slashes - 1)
    if entry.slashes == _NAME_SLASHES and not url_first:
        return replace(back, named=True, slashes=0)
    return back


def _spelled(entry: Entry) -> str:
    at = f"/{entry.subdir}" if entry.subdir else ""
    if entry.named:
        return entry.channel + at
    url = upstream_url(entry.channel)
    scheme = "https" if entry.https else "http"
    return f"{scheme}://{url.partition('://')[2]}{at}" + "/" * entry.slashes
