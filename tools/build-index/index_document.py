"""The entries of the built-in index, and the document of one channel and subdir.

`conda_torchmirror/index/builtin.py` explains the fields of a document. Pure.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple

import rules

SCHEMA = 3
EVIDENCE = ("record", "listed", "derived")

Key = tuple[str, str, str, str]


@dataclass
class Entry:
    """One build of the index: its identity, its evidence, and the fields of its record."""

    key: Key
    evidence: str
    build_number: int = 0
    depends: tuple[str, ...] = ()
    constrains: tuple[str, ...] = ()
    size: int | None = None
    timestamp: int = 0
    md5: str | None = None
    sha256: str | None = None


class Index(NamedTuple):
    """The index of one channel.

    `names` are its packages in order, `extension` is that of their files, `kept` are the names of
    packages whose specs are kept, None for all; `sources` describe its origin.
    """

    channel: str
    subdirs: Sequence[str]
    names: Sequence[str]
    extension: str
    kept: Collection[str] | None
    sources: Sequence[str]
    entries: Mapping[Key, Entry]

    @property
    def date(self) -> str:
        """The day of the newest record."""
        newest = max(entry.timestamp for entry in self.entries.values())
        return datetime.fromtimestamp(newest / 1000, timezone.utc).date().isoformat()


@dataclass
class Interned:
    """The distinct values so far, each with its index in the table of the document."""

    places: dict[Any, int] = field(default_factory=dict)

    def place(self, value: Any) -> int:
        """The index of `value`, which is added if new."""
        return self.places.setdefault(value, len(self.places))

    @property
    def table(self) -> list[Any]:
        """The values in the order of their indexes."""
        return list(self.places)


def key_of(record: Mapping[str, str], subdir: str) -> Key:
    """The key that identifies a build in a channel."""
    return (record["name"], record["version"], subdir, record["build"])


def entry_of(key: Key, record: Mapping[str, Any]) -> Entry:
    """The entry of a build whose full record was seen."""
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


def documents(index: Index) -> dict[str, str]:
    """The text of every document of an index, by subdir."""
    return {subdir: _rendered(_document(index, subdir)) for subdir in index.subdirs}


def _document(index: Index, subdir: str) -> dict[str, Any]:
    strings, lists = Interned(), Interned()

    def interned(specs: Iterable[str]) -> int:
        return lists.place(tuple(strings.place(spec) for spec in specs))

    def order(key: Key) -> tuple[Any, ...]:
        name, version, _, build = key
        return (index.names.index(name), rules.number(version), build)

    groups: dict[tuple[str, str], list[list[Any]]] = defaultdict(list)
    for key in sorted((key for key in index.entries if key[2] == subdir), key=order):
        entry = index.entries[key]
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
        "channel": index.channel,
        "subdir": subdir,
        "date": index.date,
        "extension": index.extension,
        "kept": None if index.kept is None else sorted(index.kept),
        "generated_from": list(index.sources),
        "evidence": list(EVIDENCE),
        "strings": strings.table,
        "lists": lists.table,
        "packages": [[*group, rows] for group, rows in groups.items()],
    }


def _rendered(data: Mapping[str, Any]) -> str:
    """JSON with one group of packages per line, for readable diffs."""

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
