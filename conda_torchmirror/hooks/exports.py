"""`conda export` with the official URLs of packages that came from a mirror.

Formats that name packages or channels by URL (explicit, requirements, the lock files) would carry
the mirror to whoever reads them. New conda lets a plugin take part in reading an environment, so
there the records of an export are given the URL of the official channel, and the redirect leaves
exports alone: through it, conda would write the mirror as the channel's URL. The files are the same
everywhere, and so are their hashes.
"""

from __future__ import annotations

from typing import Any

from conda.models.channel import Channel

from ..mirrors import addresses
from ..mirrors.urls import UPSTREAM, upstream_url
from ..redirect import policy, settings


def name_origins(prefix: Any, records: dict[str, Any]) -> dict[str, Any]:
    """A prefix data loader: put official URLs into `records`; adds none, so it returns none.

    Does nothing where the automatic redirect is turned off. For exports only: what a solver reads
    must be as it was installed.
    """
    try:
        chosen = settings.read()
        if not chosen.auto:
            return {}
        config = policy.UserConfig(chosen)
        known = config.registry
        book = addresses.address_book([*config.mirrors, *(known[name] for name in known)])
    except Exception:  # a setting that cannot be used is told by the redirect
        return {}
    for record in records.values():
        url = origin(record.url or "", book)
        if url is not None:
            record.url = url
            record.channel = Channel(url.rpartition("/")[0])
    return {}


def origin(url: str, book: addresses.AddressBook) -> str | None:
    """The official URL of a package file at a mirror; None for any other URL."""
    found = addresses.split(url, book)
    if found is None or found.identified.mirror == UPSTREAM or not found.identified.subdir:
        return None
    return f"{upstream_url(found.identified.channel)}/{found.identified.subdir}{found.rest}"
