"""`conda export` with the official URLs of packages that came from a mirror.

Formats that name packages or channels by URL (explicit, requirements, the lock files) would carry
the mirror to whoever reads them. New conda lets plugins change the records that it reads from an
environment, so for an export they get the URL of the official channel. The redirect leaves exports
alone: with it, conda would write the mirror as the channel's URL. The official channel has the same
files with the same hashes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from conda.models.channel import Channel

from ..mirrors import addresses
from ..mirrors.urls import UPSTREAM, upstream_url
from ..redirect import policy, settings


def name_origins(prefix: Any, records: dict[str, Any]) -> dict[str, Any]:
    """Put official URLs into `records`, as a prefix data loader of conda's.

    Returns an empty dict, because it adds no records. Does nothing where the automatic redirect is
    turned off. For exports only: a solver must see the records as they were installed.
    """
    try:
        chosen = settings.read()
        if not chosen.auto:
            return {}
        config = policy.UserConfig(chosen)
        book = addresses.address_book(config.known_mirrors)
        own = {mirror.name: {*mirror.channels} for mirror in config.own_mirrors}
    except Exception:  # the redirect reports unusable settings
        return {}
    for record in records.values():
        url = origin(record.url or "", book, own)
        if url is not None:
            record.url = url
            record.channel = Channel(url.rpartition("/")[0])
    return {}


def origin(
    url: str, book: addresses.AddressBook, own: Mapping[str, Collection[str]] | None = None
) -> str | None:
    """Return the official URL of a package file at a mirror, None for any other URL.

    `own` are the listed channels of mirrors of one's own: any other there may be private.
    """
    found = addresses.split(url, book)
    if found is None or found.identified.mirror == UPSTREAM or not found.identified.subdir:
        return None
    listed = (own or {}).get(found.identified.mirror)
    if listed is not None and found.identified.channel.partition("/label/")[0] not in listed:
        return None
    return f"{upstream_url(found.identified.channel)}/{found.identified.subdir}{found.rest}"
