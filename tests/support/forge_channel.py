"""A small conda-forge on loopback: its real torch of two releases, and packages that it needs.

The records of the torch family are those of the built-in index, with the specs that it keeps; the
rest are leaves as in `leaves`, cut down to the relations that a test is about.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from conda_torchmirror.index import builtin
from conda_torchmirror.models import Build

from .channels import all_records, file_name, write_channel

SUBDIR = "linux-64"
#: Of which pytorch the builds are there, with their partners and metapackages.
RELEASES = {
    "pytorch": ("2.8.0", "2.5.1"),
    "libtorch": ("2.8.0", "2.5.1"),
    "torchvision": ("0.24.0", "0.20.1"),
    "pytorch-gpu": ("2.8.0",),
    "pytorch-cpu": ("2.8.0",),
}
#: name, version, build, depends.
Leaf = tuple[str, str, str, tuple[str, ...]]
LEAVES: tuple[Leaf, ...] = (
    ("libtorch", "2.8.0", "cuda129_mkl_h0000000_301", ("cuda-version >=12.9,<13",)),
    ("cudnn", "9.10.2.21", "h0_0", ("cuda-version >=12,<13", "__glibc >=2.28,<3.0.a0")),
    ("cudnn", "9.13.1.26", "h0_0", ("cuda-version >=12,<13", "__glibc >=2.28,<3.0.a0")),
    ("cudnn", "8.9.7.29", "h0_0", ()),
    ("libblas", "3.9.0", "35_h0_mkl", ("mkl >=2024",)),
    ("libblas", "3.9.0", "35_h0_openblas", ()),
    ("mkl", "2024.2.2", "h0_0", ()),
    ("mkl", "2025.3.0", "h0_0", ()),
    ("nomkl", "1.0", "h0_0", ()),
)


def build(root: Path, *, beside: Iterable[str] = (), leaves: Iterable[Leaf] = ()) -> Path:
    """Write conda-forge, pkgs/main and the real channels `beside` to `root`; returns it. `leaves`
    are added to those of conda-forge."""
    beside = tuple(beside)
    every = all_records(real=beside)
    known = builtin.load(SUBDIR, channel="conda-forge")
    assert known is not None
    found = [b for b in known.builds if b.version in RELEASES.get(b.name, ())]
    found += [b for b in known.builds if b.name == "cuda-version"]
    for one in found:
        every["conda-forge", one.subdir][one.fn] = as_record(one)
    for name, version, word, depends in (*LEAVES, *leaves):
        leaf = {"name": name, "version": version, "build": word, "depends": list(depends)}
        leaf |= {"build_number": 0, "subdir": SUBDIR}
        every["conda-forge", SUBDIR][file_name(leaf)] = leaf
    for (channel, subdir), records in every.items():
        if channel in ("conda-forge", "pkgs/main", *beside) and subdir in (SUBDIR, "noarch"):
            write_channel(root / channel, subdir, records)
    return root


def as_record(build: Build) -> dict[str, Any]:
    """The record of a channel's index for a build."""
    found = {
        "name": build.name,
        "version": build.version,
        "build": build.build,
        "build_number": build.build_number,
        "depends": list(build.depends),
        "constrains": list(build.constrains),
        "subdir": build.subdir,
        "timestamp": build.timestamp,
    }
    return {**found, "noarch": "generic"} if build.subdir == "noarch" else found
