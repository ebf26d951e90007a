"""The URLs that each mirror gives the texts to copy: of channels, wheels and the index."""

from __future__ import annotations

from typing import Any

from conda_torchmirror.index.sources import SOURCES
from conda_torchmirror.mirrors.registry import Registry
from conda_torchmirror.mirrors.urls import UPSTREAM
from conda_torchmirror.options import InstallOptions
from conda_torchmirror.redirect import settings
from conda_torchmirror.transport import routes
from conda_torchmirror.transport.wheels import routes as wheel_routes

#: The name of the command's own preference, for which `--mirror` is not given.
DEFAULT = ""


def mirrors(system: str) -> list[dict[str, Any]]:
    """The choices: the command's own preference, every mirror that may be chosen on its own for
    conda or for wheels, and the official hosts. With each where the command would read, first."""
    known = settings.registry(settings.read())
    names = [n for n in known if {"conda", "wheels"}.intersection(known[n].chosen)]
    return [_mirror(name, known, system) for name in (DEFAULT, *names, UPSTREAM)]


def _mirror(name: str, known: Registry, system: str) -> dict[str, Any]:
    words = (name,) if name else ()
    options = InstallOptions(mirrors=words)
    channels = tuple(dict.fromkeys(c for source in SOURCES for c in source.channels))
    chains = routes.chains(options, system, channels)
    wheels = wheel_routes.chains(options, {})
    entry = known.get(name)
    return {
        "name": name,
        "title": [entry.title, entry.title_zh or entry.title] if entry else [],
        "at": {
            channel: channel if chain[0].mirror == UPSTREAM else chain[0].url
            for channel, chain in chains.items()
        },
        "of": {channel: chain[0].mirror for channel, chain in chains.items()},
        "wheels": wheels.wheels[0].url,
        "wheels_of": wheels.wheels[0].name,
        "index": wheels.indexes[0].url,
    }
