"""The index of conda-forge: the builds of the family whose full records were seen.

No builds are derived here: build strings contain a hash, which no rule gives, and a variant in the
feedstocks' matrices may have failed in CI and never been uploaded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from index_document import Index, entry_of, key_of

CHANNEL = "conda-forge"
PLATFORMS = ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")
SUBDIRS = (*PLATFORMS, "noarch")
NAMES = (
    *("pytorch", "torchvision", "torchaudio", "pytorch-gpu", "pytorch-cpu"),
    *("cuda-version", "libtorch"),
)
#: The packages whose specs a choice reads; the thirty others of a record are only for the solver.
KEPT = frozenset(
    (
        *("python", "python_abi", "pytorch", "pytorch-gpu", "pytorch-cpu", "libtorch"),
        *("cuda-version", "cudatoolkit", "cudnn", "libcudnn", "arm-variant"),
        *("__cuda", "__cuda_arch", "__glibc", "__osx", "libblas", "mkl", "nomkl"),
    )
)
SECTIONS = ("packages", "packages.conda")
SOURCES = ("channels/conda-forge", "tools/build-index/forge_index.py")


def index(shared: Path) -> Index:
    """Read the records of conda-forge in the material folder."""
    entries = {}
    for subdir in SUBDIRS:
        for record in records(shared, subdir):
            if record["name"] in NAMES:
                key = key_of(record, subdir)
                entries[key] = entry_of(key, reduced(record))
    return Index(CHANNEL, SUBDIRS, NAMES, ".conda", KEPT, SOURCES, entries)


def records(shared: Path, subdir: str) -> Iterator[dict[str, Any]]:
    """Every full record of a subdir, in the order of the file."""
    path = shared / "channels" / CHANNEL / subdir / "repodata.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    for section in SECTIONS:
        yield from data.get(section, {}).values()


def reduced(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with the specs on the packages in `KEPT` alone, in their order."""
    return {
        **record,
        "depends": list(_kept(record["depends"])),
        "constrains": list(_kept(record.get("constrains", ()))),
    }


def _kept(specs: Iterable[str]) -> Iterator[str]:
    return (spec for spec in specs if spec.split()[0] in KEPT)
