"""The words by which people name a mirror: its name in the registry, its host, whose it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .registry import channels_for
from .urls import host_of, without_secrets

if TYPE_CHECKING:
    from .registry import Registry

#: The ends of host names, which do not tell whose they are.
_SUFFIXES = frozenset(("edu", "com", "org", "cn"))

#: The ends of the URLs that name one channel as a mirror.
_CHANNELS = tuple(f"/{channel}" for channel in channels_for("channel"))

_Entries = Mapping[str, Mapping[str, Any]]


def worth_naming(entries: _Entries) -> tuple[str, ...]:
    """The names useful after `--mirror`; other entries only help to recognise URLs in files."""
    return tuple(
        name
        for name, entry in entries.items()
        if any(entry.get(kind) for kind in ("channels", "parents", "pypi", "wheels"))
    )


def by_word(entries: _Entries) -> dict[str, str]:
    """Mirror names by a host name and a part of it that only one mirror has, tsinghua for tuna,
    and by their Chinese names."""
    found: dict[str, set[str]] = {}
    for name, entry in entries.items():
        if chinese := str(entry.get("title_zh", "")).partition(" ")[0]:
            found.setdefault(chinese, set()).add(name)
        for host in _hosts(entry):
            for part in (host, *host.split(".")):
                found.setdefault(part, set()).add(name)
    return {part: names.pop() for part, names in found.items() if len(names) == 1}


def named(word: str, entries: _Entries) -> str | None:
    """The mirror that a word names: by its name in the registry, by its host, by whose it is by
    that, as in tsinghua, or in Chinese. None for any other word."""
    if word in worth_naming(entries):
        return word
    if (found := by_word(entries).get(word)) is None:
        return None
    hosts = list(_hosts(entries[found]))
    # What else stands in a host may be the name of a channel: cloud, mirrors.
    labels = [[part for part in host.split(".") if part not in _SUFFIXES] for host in hosts]
    whole = (*hosts, *(parts[-1] for parts in labels if parts))
    return found if word in whole or not word.isascii() else None


def at(address: str, known: Registry) -> tuple[str, dict[str, list[str]], str] | None:
    """The mirror whose address a URL is: that of its site, a root, with or without `/cloud`, or a
    channel there, but for one that a URL alone may name (`registry.channels_for`).

    Its name; for a root that is not its first one, what its entry has instead, and the word that
    names it in a preference list.
    """
    for name, mirror in known.items():
        for n, root in enumerate(mirror.roots):
            if address in (root, f"{root}/cloud"):
                return (name, {"roots": [root]}, address) if n else (name, {}, "")
        if address == mirror.home.rstrip("/"):
            return name, {}, ""
    there = None if address.endswith(_CHANNELS) else known.identify(address)
    return (there.mirror, {}, "") if there is not None and there.mirror in known else None


def entry_of(address: str) -> dict[str, Any]:
    """The entry of a mirror of which only this URL is known: one channel if that ends in its name,
    else the folder above several, some of which are only perhaps there: their status is unknown."""
    last, shown = address.rpartition("/")[2], without_secrets(address)
    entry = {"title": shown, "home": shown}
    if last in (*channels_for("channel"), *channels_for("perhaps")):
        return {**entry, "channels": {last: {"url": address}}}
    listed = {"yes": channels_for("parent"), "unknown": channels_for("perhaps")}
    channels = {
        name: {"url": f"{address}/{name}", "status": status}
        for status, names in listed.items()
        for name in names
    }
    return {**entry, "channels": channels, "parents": [address]}


def _hosts(entry: Mapping[str, Any]) -> Iterator[str]:
    return map(host_of, entry.get("roots", ()))
