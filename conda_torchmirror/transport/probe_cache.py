"""What mirrors answered in the last minutes, kept on disk so that a next run need not ask again.

One small JSON file in the folder of conda's own cached indexes: `conda clean --index-cache` makes
us forget. Nothing that goes wrong with it is worth an error.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..envfiles.file_io import write_file
from ..mirrors.registry import host_of
from .probe import Answer

NAME = "torchmirror-probes.json"
SCHEMA = 1

#: How long an answer holds, in seconds. A network that was shut out stays so for hours; asking
#: again is what mirrors ask not to do.
FOUND, FAILED, BLOCKED = 600.0, 300.0, 1800.0
MOST = 300


class ProbeCache:
    """Probes by URL. `keep` adds to what is known, `save` writes it."""

    def __init__(self, *, fresh: bool = False) -> None:
        self._file = _place()
        self._known: dict[str, Answer] = {} if fresh else _load(self._file)
        self._new: list[Answer] = []

    def get(self, url: str) -> Answer | None:
        """What is known of this URL, or of the whole site that it is at."""
        about = [p for p in self._known.values() if p.url == url or _same_site(p, url)]
        return max(about, key=lambda probe: probe.at, default=None)

    def site(self, url: str) -> Answer | None:
        """The failure that keeps the whole site of this URL from being asked, if there is one."""
        of_it = [p for p in self._known.values() if host_of(p.url) == host_of(url)]
        newest = max(of_it, key=lambda probe: probe.at, default=None)
        return newest if newest is not None and newest.of_site else None

    def keep(self, probes: Iterable[Answer]) -> None:
        """Add answers, to be written by `save`; later ones of this run see them at once."""
        for probe in probes:
            self._known[probe.url] = probe
            self._new.append(probe)

    def save(self) -> None:
        """Write what was added. Nothing is, unless a mirror answered well: where all fail, the
        fault is likely on this side, and may be over in a moment."""
        if self._file is None or not any(probe.ok for probe in self._new):
            return
        merged = {**_load(self._file), **{probe.url: probe for probe in self._new}}
        newest = sorted(merged.values(), key=lambda probe: probe.at)[-MOST:]
        found = {"schema": SCHEMA, "probes": [asdict(probe) for probe in newest]}
        with suppress(OSError):
            write_file(self._file, json.dumps(found))


def _same_site(probe: Answer, url: str) -> bool:
    return probe.of_site and host_of(probe.url) == host_of(url)


def _place() -> Path | None:
    from conda.core.subdir_data import create_cache_dir
    from conda.exceptions import CondaError

    try:
        return Path(create_cache_dir()) / NAME
    except (CondaError, OSError):
        return None


def _load(file: Path | None) -> dict[str, Answer]:
    """The probes in the file that still hold; {} for a file that cannot be read."""
    if file is None:
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["schema"] != SCHEMA:
            return {}
        probes = [_probe(entry) for entry in found["probes"]]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
    now = time.time()
    return {probe.url: probe for probe in probes if 0 <= now - probe.at < _holds(probe)}


def _probe(entry: dict[str, Any]) -> Answer:
    probe = Answer(**entry)
    if not isinstance(probe.url, str) or not isinstance(probe.code, str):
        raise TypeError("no probe")
    return replace(probe, at=float(probe.at), remembered=True)


def _holds(probe: Answer) -> float:
    if probe.ok:
        return FOUND
    if probe.code == "blocked":
        return BLOCKED
    return max(FAILED, min(probe.retry_after or 0.0, BLOCKED))
