"""Packages that conda has cached from one mirror, made known as those of the channel they are of.

Conda knows a cached package by its channel's name, which it works out from the URL that the package
came from; where that is a mirror which is not the present one, the name is the URL itself and the
package would be downloaded again. Only this process's picture of the cache changes; what is on disk
stays, and conda still compares size and md5 with the index before it uses a package.
"""

from __future__ import annotations

from collections.abc import Iterable
from logging import getLogger

from ..mirrors import addresses
from ..models import Route

log = getLogger(__name__)


def alias_mirrored(sources: Iterable[Route]) -> int:
    """Read conda's package caches anew, and add a record under the channel's name for every package
    that came from one of the sources or from a known mirror. Returns how many were added."""
    from conda.base.context import context
    from conda.core.package_cache_data import PackageCacheData
    from conda.models.channel import Channel
    from conda.models.records import PackageCacheRecord

    known = {f"{source.url.rstrip('/')}/": source.name for source in sources}
    count = 0
    for folder in context.pkgs_dirs:
        try:
            cache = PackageCacheData(folder).reload()
            for record in tuple(cache.values()):
                name = _channel(str(record.get("url") or ""), known)
                if name is not None and record.channel.canonical_name != name:
                    twin = PackageCacheRecord.from_objects(record, channel=Channel(name))
                    cache._package_cache_records.setdefault(twin, twin)
                    count += 1
        except Exception as error:  # it only saves a download
            log.debug("packages of %s not adopted: %r", folder, error)
    return count


def _channel(url: str, known: dict[str, str]) -> str | None:
    for prefix, name in known.items():
        if url.startswith(prefix):
            return name
    found = addresses.split(url)
    return found.identified.channel if found is not None else None
