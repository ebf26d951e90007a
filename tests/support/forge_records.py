"""The records of conda-forge that ship with the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from conda_torchmirror.index import builtin
from conda_torchmirror.models import Build
from conda_torchmirror.selection.facts import cuda

ROOT = Path(__file__).resolve().parents[2]
PLATFORMS = ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")
FAMILY = ("pytorch", "torchvision", "torchaudio", "pytorch-gpu", "pytorch-cpu")
TABLES = cuda.conda_forge_tables()


@cache
def builds(subdir: str) -> tuple[Build, ...]:
    records = builtin.load(subdir, channel="conda-forge")
    assert records is not None
    return records.builds


def find_build(subdir: str, name: str, version: str, build: str) -> Build:
    return next(
        found
        for found in builds(subdir)
        if (found.name, found.version, found.build) == (name, version, build)
    )
