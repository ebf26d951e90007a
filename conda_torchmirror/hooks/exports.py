"""`conda export` with the official URLs of packages that came from a mirror.

Formats that name packages or channels by URL (explicit, requirements, the lock files) would carry
the mirror to whoever reads them. New conda lets plugins change the records that it reads from an
environment, so for an export they get the URL of the official channel. The redirect leaves exports
alone: with it, conda would write the mirror as the channel's URL. The official channel has the same
files with the same hashes.
"""

from __future__ import annotations

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
        known = config.registry
        book = addresses.address_book([*config.mirrors, *(known[name] for name in known)])
    except Exception:  # the redirect reports unusable settings
        return {}
    for record in records.values():
        url = origin(record.url or "", book)
        if url is not None:
            record.url = url
            record.channel = Channel(url.rpartition("/")[0])
    return {}


def origin(url: str, book: addresses.AddressBook) -> str | None:
    """Return the official URL of a package file at a mirror, None for any other URL."""
    found = addresses.split(url, book)
    if found is None or found.identified.mirror == UPSTREAM or not found.identified.subdir:
        return None
    return f"{upstream_url(found.identified.channel)}/{found.identified.subdir}{found.rest}"
