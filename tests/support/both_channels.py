"""Indexes of both sources on loopback, for every platform and without packages: for previews.

conda-forge's are its real records and the stubs of its matrices (`forge_stubs`), those of the
channel `pytorch` the built-in index. Of the runtime's channel nothing is there but an empty index.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from conda_torchmirror.index.sources import named
from conda_torchmirror.mirrors.registry import Route
from conda_torchmirror.models import Build, Records

from . import forge_stubs

SUBDIRS = ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")


@cache
def builds(source: str, subdir: str) -> tuple[Build, ...]:
    """The builds of a source."""
    if source == "conda-forge":
        return forge_stubs.builds(subdir)
    known = named(source).built_in(subdir)
    return known.builds if known else ()


class Reader:
    """Both channels, as if they had been read: stands for a reader of `index`. `order` shuffles
    the builds."""

    agreed = False

    def __init__(self, subdir: str, order: random.Random | None = None) -> None:
        self.subdir, self.order = subdir, order

    def __getitem__(self, name: str) -> Route:
        return Route(name, f"https://mirror.test/{name}", "test")

    def read(self, name: str, names: Collection[str]) -> Records:
        """The builds of a channel with these names."""
        found = [build for build in builds(name, self.subdir) if build.name in names]
        if self.order:
            self.order.shuffle(found)
        return Records(tuple(found), "live")

    def doubt(self, *_of: Any) -> None:
        """Nothing is old."""


def build(root: Path) -> Path:
    """Write both channels to `root`; returns it."""
    for subdir in SUBDIRS:
        for source in ("pytorch", "conda-forge"):
            _write(root / source, subdir, builds(source, subdir))
        _write(root / "nvidia", subdir, ())
    for channel in ("pytorch", "conda-forge", "nvidia"):
        _write(root / channel, "noarch", ())
    return root


def without_torch(root: Path, to: Path) -> None:
    """Copy the channels, without any build of conda-forge."""
    shutil.copytree(root, to)
    for subdir in SUBDIRS:
        (to / "conda-forge" / subdir / "repodata.json").unlink()
        _write(to / "conda-forge", subdir, ())


def _write(channel: Path, subdir: str, builds: Iterable[Build]) -> None:
    sections: dict[str, dict[str, object]] = {"packages": {}, "packages.conda": {}}
    for one in builds:
        section = "packages.conda" if one.fn.endswith(".conda") else "packages"
        sections[section][one.fn] = {
            "name": one.name,
            "version": one.version,
            "build": one.build,
            "build_number": one.build_number,
            "depends": list(one.depends),
            "constrains": list(one.constrains),
            "subdir": one.subdir,
            "timestamp": one.timestamp,
            "sha256": one.sha256 or "0" * 64,
            "size": one.size,
        }
    folder = channel / subdir
    folder.mkdir(parents=True, exist_ok=True)
    document = {"info": {"subdir": subdir}, **sections}
    (folder / "repodata.json").write_text(json.dumps(document), encoding="utf-8")
