"""Make the built-in index, `conda_torchmirror/data/index/pytorch/*.json`, from the material folder.

    python tools/build-index/build_index.py ../shared

The folder holds `channels/pytorch` (records), `channels/listing.tsv` (names seen) and
`compat/releases.yaml` (what exists). The same input gives the same bytes. Needs ruamel.yaml.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import rules
from ruamel.yaml import YAML

SCHEMA = 2
FAMILY = ("pytorch", "torchvision", "torchaudio", "torchtext")
#: torchdata and the runtime are known by record alone: no rule names their builds.
NAMES = (*FAMILY, "torchdata", "pytorch-cuda")
SUBDIRS = (*rules.PLATFORMS, "noarch")
EVIDENCE = ("record", "listed", "derived")
SOURCES = (
    "channels/pytorch",
    "channels/listing.tsv",
    "compat/releases.yaml",
    "tools/build-index/rules.py",
    "tools/build-index/depends.tsv",
    "see tests/data/SOURCES.md",
)
TARGET = Path(__file__).resolve().parents[2] / "conda_torchmirror" / "data" / "index" / "pytorch"

Key = tuple[str, str, str, str]


@dataclass
class Entry:
    """One build of the index: what it is, how sure it is, and what a record says of it."""

    key: Key
    evidence: str
    build_number: int = 0
    depends: tuple[str, ...] = ()
    constrains: tuple[str, ...] = ()
    size: int | None = None
    timestamp: int = 0
    md5: str | None = None
    sha256: str | None = None


@dataclass
class Interned:
    """Values met so far, each with its place in the table of the document."""

    places: dict[Any, int] = field(default_factory=dict)

    def place(self, value: Any) -> int:
        """The place of `value`, new or known."""
        return self.places.setdefault(value, len(self.places))

    @property
    def table(self) -> list[Any]:
        """The values in the order of their places."""
        return list(self.places)


def read_releases(shared: Path) -> dict[str, Any]:
    """The releases table as plain data."""
    text = (shared / "compat" / "releases.yaml").read_text(encoding="utf-8")
    releases: dict[str, Any] = YAML(typ="safe").load(text)["releases"]
    return releases


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
    """All builds with their evidence, the surer one kept where a build is known twice."""
    releases = read_releases(shared)
    named = {
        build.key: build
        for torch in rules.covered(releases)
        for build in rules.expected(releases, torch)
    }
    entries: dict[Key, Entry] = {}
    for subdir in SUBDIRS:
        for record in read_records(shared, subdir):
            key = _key(record, subdir)
            if _in_scope(key, named):
                entries[key] = _from_record(key, record)
    _check_complete(named, entries)

    listed = _listed(shared, named)
    locked = {
        _key(record, subdir): record
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


def _key(record: Mapping[str, str], subdir: str) -> Key:
    return (record["name"], record["version"], subdir, record["build"])


def _in_scope(key: Key, named: Mapping[Key, rules.Named]) -> bool:
    """Whether a build belongs to a covered release; one that the rules do not name is an error."""
    if key[0] not in FAMILY or key in named:
        return True
    oldest = min(
        (build.version for build in named.values() if build.name == key[0]), key=rules.number
    )
    if rules.number(key[1]) >= rules.number(oldest):
        raise SystemExit(f"{key} exists, but the naming rule does not give it: mend rules.py")
    return False


def _from_record(key: Key, record: Mapping[str, Any]) -> Entry:
    return Entry(
        key,
        "record",
        record["build_number"],
        tuple(record["depends"]),
        tuple(record.get("constrains", ())),
        record["size"],
        record["timestamp"],
        record["md5"],
        record["sha256"],
    )


def _check_complete(named: Mapping[Key, rules.Named], entries: Mapping[Key, Entry]) -> None:
    """Where the records are the whole channel, a derived build without a record does not exist."""
    for key, build in named.items():
        last = rules.COMPLETE.get(build.subdir)
        if last and rules.number(build.torch) <= rules.number(last) and key not in entries:
            raise SystemExit(f"{key} is derived, but the complete records lack it: mend rules.py")


def _listed(shared: Path, named: Mapping[Key, rules.Named]) -> set[Key]:
    """The builds whose name was seen, whether or not with a record."""
    with (shared / "channels" / "listing.tsv").open(encoding="utf-8", newline="") as lines:
        rows = [
            (row["name"], row["version"], row["subdir"], row["build"])
            for row in csv.DictReader(lines, delimiter="\t")
            if row["channel"] == "pytorch" and row["name"] in NAMES and row["subdir"] in SUBDIRS
        ]
    # A version such as 1.2.0+cu92 is one person's own build, none of the channel's.
    return {key for key in rows if "+" not in key[1] and _in_scope(key, named)}


def _runtime_depends(key: Key, entries: Mapping[Key, Entry]) -> tuple[str, ...]:
    """What a pytorch-cuda without a record depends on.

    As the record of the same version for the same platform (the builds differ by number alone);
    else as the one for linux-64 in its Windows form; the early noarch builds by their recipe.
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


def document(entries: Mapping[Key, Entry], subdir: str, date: str) -> dict[str, Any]:
    """One subdir as plain data: see `conda_torchmirror/builtin.py` for the shape."""
    strings, lists = Interned(), Interned()

    def interned(specs: Iterable[str]) -> int:
        return lists.place(tuple(strings.place(spec) for spec in specs))

    groups: dict[tuple[str, str], list[list[Any]]] = defaultdict(list)
    for key in sorted((key for key in entries if key[2] == subdir), key=_order):
        entry = entries[key]
        row: list[Any] = [
            key[3],
            entry.build_number,
            interned(entry.depends),
            interned(entry.constrains),
            EVIDENCE.index(entry.evidence),
        ]
        if entry.md5:
            row += [entry.size, entry.timestamp, entry.md5, entry.sha256]
        groups[key[:2]].append(row)
    return {
        "schema": SCHEMA,
        "channel": "pytorch",
        "subdir": subdir,
        "date": date,
        "generated_from": list(SOURCES),
        "evidence": list(EVIDENCE),
        "strings": strings.table,
        "lists": lists.table,
        "packages": [[*group, rows] for group, rows in groups.items()],
    }


def _order(key: Key) -> tuple[Any, ...]:
    name, version, _, build = key
    return (NAMES.index(name), rules.number(version), build)


def rendered(data: Mapping[str, Any]) -> str:
    """JSON with one package group a line, so that a change shows in a diff where it is."""

    def short(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"))

    lines = []
    for name, value in data.items():
        if name == "packages":
            inner = ",\n".join(short(group) for group in value)
            lines.append(f'"packages":[\n{inner}\n]')
        else:
            lines.append(f'"{name}":{short(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    """Write the index and say what it holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("shared", type=Path, help="the folder with channels/ and compat/")
    parser.add_argument("--out", type=Path, default=TARGET, help="where to write (%(default)s)")
    options = parser.parse_args()
    entries = collect(options.shared)
    newest = max(entry.timestamp for entry in entries.values())
    date = datetime.fromtimestamp(newest / 1000, timezone.utc).date().isoformat()
    options.out.mkdir(parents=True, exist_ok=True)
    size = 0
    for subdir in SUBDIRS:
        content = rendered(document(entries, subdir, date)).encode()
        (options.out / f"{subdir}.json").write_bytes(content)
        size += len(content)
    counts: dict[str, int] = defaultdict(int)
    for key, entry in entries.items():
        counts[f"{key[2]} {entry.evidence}"] += 1
    print(f"{options.out.name}: {len(entries)} builds, {size} bytes")
    for what in sorted(counts):
        print(f"  {what}: {counts[what]}")


if __name__ == "__main__":
    main()
