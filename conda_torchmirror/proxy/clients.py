"""What clients of a cache are told: a registry for conda-torchmirror, a condarc for others."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ..mirrors.registry import parts_of_defaults
from .layout import NEXT, ROOT, Layout

#: The names of the two ways as mirrors.
FIRST, OTHER = "cache", "cache-next"


def registry(layout: Layout, url: str) -> str:
    """The file for the setting `torchmirror_registry`: both ways, each a mirror of its own."""
    return "\n".join(_registry(layout, url.rstrip("/"))) + "\n"


def _registry(layout: Layout, url: str) -> Iterator[str]:
    yield "# The mirrors behind a cache, for conda-torchmirror. In a .condarc of each client:"
    yield "#   plugins:"
    yield "#     torchmirror_registry: THIS_FILE"
    yield f"#     torchmirror_mirrors: [{FIRST}, {OTHER}]"
    if url.startswith("http://"):
        yield "#     torchmirror_http: true"
    else:
        yield "# and, where the cache has a certificate of your own: ssl_verify: CA_FILE"
    yield f"# Not behind it: {', '.join(layout.left_out)}."
    for name, way in ((FIRST, ""), (OTHER, NEXT)):
        yield f"{name}:"
        yield f"  title: {_text('Cache' + (', the other way' if way else ''))}"
        yield f"  roots: [{_text(url + way + ROOT)}]"
        yield "  channels:"
        for channel in layout.names:
            labels = ", labels: true" if layout.has_labels(channel) else ""
            yield f"    {_text(channel)}: {{subdirs: '*'{labels}}}"


def condarc(layout: Layout, url: str, subdir: str) -> str:
    """A .condarc by which conda alone, mamba and others go through the cache."""
    return "\n".join(_condarc(layout, url.rstrip("/"), subdir)) + "\n"


def _condarc(layout: Layout, url: str, subdir: str) -> Iterator[str]:
    yield "# Channels by name, and all of `defaults`, through a cache. For conda, mamba and"
    yield f"# micromamba; where a file is wrong there, {url}{NEXT}{ROOT} is the other way."
    yield f"channel_alias: {_text(f'{url}{ROOT}/cloud')}"
    yield "default_channels:"
    for part in parts_of_defaults(subdir):
        if part in layout.names:
            yield f"  - {_text(f'{url}{ROOT}/{part}')}"


def _text(value: str) -> str:
    """A YAML scalar that is a text, whatever it looks like."""
    return json.dumps(value)
