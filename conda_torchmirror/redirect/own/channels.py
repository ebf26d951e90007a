"""Where the user's own configuration leads a channel, checked against the registry.

`status`, the automatic redirect, torch-install and `conda doctor` share this, so that they agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...mirrors import urls
from ...mirrors.registry import Registry
from ...mirrors.urls import UPSTREAM
from .. import configuration

#: Faults of an entry that cannot work by the registry: the mirror does not have the channel (for
#: this platform), or the URL is not the one above the channel's name.
LACKING, MISPLACED = "lacking", "misplaced"

#: A channel to try a `channel_alias` with.
SAMPLE = "conda-forge"


class OwnChannel:
    """Where conda finds a channel by the user's `custom_channels` or `channel_alias`.

    `mirror` is the registry's name of the place, "upstream" for an official host, None for a server
    that the registry does not know. `fault` is LACKING, MISPLACED, or None if none is known.
    """

    __slots__ = ("fault", "mirror", "name", "url")

    def __init__(self, name: str, url: str, mirror: str | None, fault: str | None) -> None:
        self.name = name
        self.url = url
        self.mirror = mirror
        self.fault = fault


def by_entry(
    name: str, configured: Mapping[str, str], registry: Registry, subdir: str
) -> OwnChannel | None:
    """Where `custom_channels` leads a channel; None if it does not map it."""
    if name not in configured:
        return None
    return _held(name, configured[name], registry, subdir)


def by_alias(name: str, alias: str | None, registry: Registry, subdir: str) -> OwnChannel | None:
    """Where `channel_alias` leads a channel; None without an alias, and for parts of `defaults`,
    which an alias does not affect."""
    if alias is None or name.startswith("pkgs/"):
        return None
    return _held(name, alias, registry, subdir)


def alias_in_force() -> str | None:
    """The user's `channel_alias` as a URL, with its credentials; None for conda's own."""
    from conda.base.context import context

    alias = context.channel_alias
    if not alias.location or alias.location == urls.UPSTREAM_CLOUD.partition("://")[2]:
        return None
    user = f"{alias.auth}@" if alias.auth else ""
    token = f"/t/{alias.token}" if alias.token else ""
    return f"{alias.scheme}://{user}{alias.location}{token}"


def faults(registry: Registry, subdir: str) -> list[OwnChannel]:
    """The entries of the user's `custom_channels` that cannot work, by the registry."""
    entries = configuration.configured()
    found = [_held(name, parent, registry, subdir) for name, parent in entries.items()]
    return [one for one in found if one.fault]


def misplaced_alias(registry: Registry) -> OwnChannel | None:
    """The user's `channel_alias`, if no channel can be below it by the registry."""
    alias = alias_in_force()
    held = None if alias is None else _held(SAMPLE, alias, registry, "noarch")
    return held if held is not None and held.fault == MISPLACED else None


def _held(name: str, parent: str, registry: Registry, subdir: str) -> OwnChannel:
    url = f"{parent.rstrip('/')}/{name}"
    plain = re.sub(r"(?<=://)[^/@]*@|/t/[^/]+", "", url)
    found = registry.split(plain)
    if found is None:
        above = plain.rpartition(f"/{name}")[0]
        # At a root itself are `cloud/` and `pkgs/`, and no channel.
        of_root = next((m.name for m in registry.values() if above in m.roots), None)
        return OwnChannel(name, url, of_root, MISPLACED if of_root else None)
    there = found.identified
    fault = None
    if there.channel != name or found.rest.strip("/"):
        fault = MISPLACED
    elif there.mirror != UPSTREAM and registry[there.mirror].lacks(name, subdir):
        fault = LACKING
    # A place with credentials is the user's own, but what is not there is not there.
    return OwnChannel(name, url, there.mirror if fault or plain == url else None, fault)
