"""Files for clients of a cache: a registry for conda-torchmirror, a condarc, a pip.conf."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ..mirrors.registry import parts_of_defaults
from ..mirrors.urls import host_of
from .layout import NEXT, OFFICIAL, PYPI, ROOT, WHL, Layout

#: The names of a cache's two ways (see `layout`) in the registry.
FIRST, OTHER = "cache", "cache-next"


def registry(layout: Layout, url: str) -> str:
    """Render the file for the setting `torchmirror_registry`, with each way as a mirror."""
    return "\n".join(_registry(layout, url.rstrip("/"))) + "\n"


def _registry(layout: Layout, url: str) -> Iterator[str]:
    yield "# The mirrors behind a cache, for conda-torchmirror. In each client's .condarc:"
    yield "#   plugins:"
    yield "#     torchmirror_registry: THIS_FILE"
    yield f"#     torchmirror_mirrors: [{FIRST}, {OTHER}]"
    if url.startswith("http://"):
        yield "#     torchmirror_http: true"
    else:
        yield "# and, where the cache has a certificate of your own: ssl_verify: CA_FILE"
    yield from layout.comment
    for name, way in ((FIRST, ""), (OTHER, NEXT)):
        yield f"{name}:"
        yield f"  title: {_text('Cache' + (', the other way' if way else ''))}"
        yield f"  roots: [{_text(url + way + ROOT)}]"
        if layout.has_official:
            yield f"  official: {_text(url + OFFICIAL + ROOT)}"
        if layout.has(PYPI):
            yield f"  pypi: [{_text(f'{url}{way}{ROOT}{PYPI}/simple')}]"
        if layout.has(WHL):
            yield f"  wheels: {{url: {_text(url + way + ROOT + WHL)}, layout: index}}"
        if layout.names:
            yield "  channels:"
        for channel in layout.names:
            labels = ", labels: true" if layout.has_labels(channel) else ""
            yield f"    {_text(channel)}: {{subdirs: '*'{labels}}}"


def condarc(layout: Layout, url: str, subdir: str) -> str:
    """Render a .condarc for conda without this plugin, mamba and others to use the cache."""
    return "\n".join(_condarc(layout, url.rstrip("/"), subdir)) + "\n"


def _condarc(layout: Layout, url: str, subdir: str) -> Iterator[str]:
    yield "# Channels by name, and all of `defaults`, through a cache. For conda, mamba and"
    yield "# micromamba. Where a file is wrong there, this is the other way:"
    yield f"# {url}{NEXT}{ROOT}"
    yield f"channel_alias: {_text(f'{url}{ROOT}/cloud')}"
    yield "default_channels:"
    for part in parts_of_defaults(subdir):
        if part in layout.names:
            yield f"  - {_text(f'{url}{ROOT}/{part}')}"


def pip(layout: Layout, url: str) -> str:
    """Render a pip.conf for pip to use the cache; uv takes the same URLs."""
    return "\n".join(_pip(layout, url.rstrip("/"))) + "\n"


def _pip(layout: Layout, url: str) -> Iterator[str]:
    yield "# pip through a cache: ~/.config/pip/pip.conf, or /etc/pip.conf for everybody."
    yield from layout.comment
    yield "# Links of a page to a third host lead past it."
    if layout.has(WHL):
        yield "# PyTorch for CUDA 12.6, say:"
        yield f"#   pip install torch --extra-index-url {url}{ROOT}{WHL}/cu126"
        if layout.has(PYPI):
            yield f"#   uv pip install torch --index {url}{ROOT}{WHL}/cu126 \\"
            yield f"#     --default-index {url}{ROOT}{PYPI}/simple"
    yield "[global]"
    if layout.has(PYPI):
        yield f"index-url = {url}{ROOT}{PYPI}/simple"
    if url.startswith("http://"):
        yield f"trusted-host = {host_of(url)}"


def _text(value: str) -> str:
    """A YAML scalar that is read as a text, whatever it looks like."""
    return json.dumps(value)
