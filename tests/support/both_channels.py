"""Indexes of both sources on loopback, for every platform and without packages: for previews.

conda-forge's are its real records and the stubs of its matrices (`forge_stubs`), those of the
channel `pytorch` the built-in index. Of the runtime's channel nothing is there but an empty index.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from conda_torchmirror.index.sources import named
from conda_torchmirror.models import Build

from . import forge_stubs

SUBDIRS = ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")


def build(root: Path) -> Path:
    """Write both channels to `root`; returns it."""
    for subdir in SUBDIRS:
        known = named("pytorch").built_in(subdir)
        _write(root / "pytorch", subdir, known.builds if known else ())
        _write(root / "conda-forge", subdir, forge_stubs.builds(subdir))
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
