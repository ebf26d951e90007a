"""Make the built-in indexes, `conda_torchmirror/data/index/*/*.json`, from the material folder.

    python tools/build-index/build_index.py ../shared

The folder holds `channels/pytorch` and `channels/conda-forge` (records), `channels/listing.tsv`
(names seen) and `compat/releases.yaml` (what exists). This module makes the index of `pytorch`,
`forge_index.py` that of conda-forge. The same input gives the same bytes. Needs ruamel.yaml.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import forge_index
import rules
from index_document import Entry, Index, Key, documents, entry_of, key_of
from material import read_releases, read_rows

FAMILY = ("pytorch", "torchvision", "torchaudio", "torchtext")
#: torchdata and pytorch-cuda are known only from records: no rule gives their builds' names.
NAMES = (*FAMILY, "torchdata", "pytorch-cuda")
SUBDIRS = (*rules.PLATFORMS, "noarch")
SOURCES = (
    "channels/pytorch",
    "channels/listing.tsv",
    "compat/releases.yaml",
    "tools/build-index/rules.py",
    "tools/build-index/depends.tsv",
    "see tests/data/SOURCES.md",
)
TARGET = Path(__file__).resolve().parents[2] / "conda_torchmirror" / "data" / "index"


def read_records(shared: Path, subdir: str, file: str = "repodata.json") -> list[dict[str, Any]]:
    """The channel's records of one subdir that concern the index, in the order of the file."""
    path = shared / "channels" / "pytorch" / subdir / file
    if not path.exists():
        return []
    packages = json.loads(path.read_text(encoding="utf-8"))["packages"]
    return [record for record in packages.values() if record["name"] in NAMES]


def build_number(build: str, name: str) -> int:
    """The number at the end of a build string; partners have none there and are always 0."""
    tail = build.rpartition("_")[2]
    return int(tail) if name in ("pytorch", "pytorch-cuda") and tail.isdigit() else 0


def collect(shared: Path) -> dict[Key, Entry]:
    """Collect all builds, each with its strongest evidence."""
    releases = read_releases(shared)
    named = {
        build.key: build
        for torch in rules.covered(releases)
        for build in rules.expected(releases, torch)
    }
    entries: dict[Key, Entry] = {}
    for subdir in SUBDIRS:
        for record in read_records(shared, subdir):
            key = key_of(record, subdir)
            if _in_scope(key, named):
                entries[key] = entry_of(key, record)
    _check_complete(named, entries)

    listed = _listed(shared, named)
    locked = {
        key_of(record, subdir): record
        for subdir in SUBDIRS
        for record in read_records(shared, subdir, "repodata_from_conda_lock.json")
    }
    for key in sorted((named.keys() | listed) - entries.keys()):
        evidence = "listed" if key in listed or key in locked else "derived"
        entries[key] = Entry(key, evidence, build_number(key[3], key[0]))
        if key in named:
            found = rules.requirements(named[key])
            entries[key].depends, entries[key].constrains = found["depends"], found["constrains"]
        else:
            entries[key].depends = _runtime_depends(key, entries)
        if key in locked:
            entries[key].size = locked[key].get("size")
            entries[key].timestamp = locked[key].get("timestamp", 0)
            entries[key].md5 = locked[key].get("md5")
            entries[key].sha256 = locked[key].get("sha256")
    return entries


def _in_scope(key: Key, named: Mapping[Key, rules.Named]) -> bool:
    """Whether a build belongs to a covered release. Raises if the rules do not name it."""
    if key[0] not in FAMILY or key in named:
        return True
    oldest = min(
        (build.version for build in named.values() if build.name == key[0]), key=rules.number
    )
    if rules.number(key[1]) >= rules.number(oldest):
        raise SystemExit(f"{key} exists, but the naming rule does not give it: mend rules.py")
    return False


def _check_complete(named: Mapping[Key, rules.Named], entries: Mapping[Key, Entry]) -> None:
    """Check that no build is derived where the records are complete but lack it."""
    for key, build in named.items():
        last = rules.COMPLETE.get(build.subdir)
        if last and rules.number(build.torch) <= rules.number(last) and key not in entries:
            raise SystemExit(f"{key} is derived, but the complete records lack it: mend rules.py")


def _listed(shared: Path, named: Mapping[Key, rules.Named]) -> set[Key]:
    """The builds whose names were seen, with or without a record."""
    rows = [
        (row["name"], row["version"], row["subdir"], row["build"])
        for row in read_rows(shared / "channels" / "listing.tsv")
        if row["channel"] == "pytorch" and row["name"] in NAMES and row["subdir"] in SUBDIRS
    ]
    # A version such as 1.2.0+cu92 is a private build, not one of the channel's.
    return {key for key in rows if "+" not in key[1] and _in_scope(key, named)}


def _runtime_depends(key: Key, entries: Mapping[Key, Entry]) -> tuple[str, ...]:
    """The dependencies of a pytorch-cuda without a record.

    Those in the record of the same version and platform (builds differ only by number), else those
    for linux-64 in their Windows form; for the early noarch builds those of the recipe.
    """
    name, version, subdir, build = key
    if subdir == "noarch":
        return rules.requirements(
            rules.Named(name, version, subdir, build, 0, "", version, "cuda", "")
        )["depends"]
    same = [
        entry
        for other, entry in sorted(entries.items())
        if other[:2] == (name, version) and entry.evidence == "record"
    ]
    for entry in same:
        if entry.key[2] == subdir:
            return entry.depends
    return rules.windows_runtime(same[0].depends)


def index(shared: Path) -> Index:
    """The index of the channel `pytorch`."""
    return Index("pytorch", SUBDIRS, NAMES, ".tar.bz2", None, SOURCES, collect(shared))


def main() -> None:
    """Write the index and print what it holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("shared", type=Path, help="the folder with channels/ and compat/")
    parser.add_argument("--out", type=Path, default=TARGET, help="where to write (%(default)s)")
    options = parser.parse_args()
    total = 0
    for made in (index(options.shared), forge_index.index(options.shared)):
        folder = options.out / made.channel
        folder.mkdir(parents=True, exist_ok=True)
        size = 0
        for subdir, text in documents(made).items():
            (folder / f"{subdir}.json").write_bytes(text.encode())
            size += len(text.encode())
        counts = Counter(f"{key[2]} {entry.evidence}" for key, entry in made.entries.items())
        print(f"{made.channel}: {len(made.entries)} builds, {size} bytes, {made.date}")
        for what in sorted(counts):
            print(f"  {what}: {counts[what]}")
        total += size
    print(f"together: {total} bytes")


if __name__ == "__main__":
    main()
