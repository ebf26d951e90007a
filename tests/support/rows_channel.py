"""Both sources on loopback for the decision table of `auto`: what it chooses among, and leaves.

conda-forge has the builds of `forge_stubs` of some releases, the channel pytorch those that the
built-in index knows. Whatever else these ask for is a leaf of the first version that will do.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from conda_torchmirror.index import match
from conda_torchmirror.index.sources import SOURCES, named
from conda_torchmirror.models import Build

from . import forge_stubs
from .channels import file_name, write_channel
from .forge_channel import LEAVES, as_record
from .leaves import leaf_records

CHANNELS = ("conda-forge", "pytorch", "nvidia")
#: Of which pytorch the builds are there, by source: those of the table, and older ones.
RELEASES = {
    "conda-forge": ("2.13.0", "2.12.1", "2.10.0", "2.7.1", "2.4.0"),
    "pytorch": ("2.5.1", "2.4.1", "2.3.1"),
}
#: And of their partners, by the first part of their version.
PARTNERS = {
    "conda-forge": ("0.28.", "0.27.", "0.25.", "0.22.", "0.19.", "2.10.", "2.7."),
    "pytorch": ("0.20.1", "0.19.1", "0.18.1", "2.5.1", "2.4.1", "2.3.1"),
}
#: name, version, build, depends: newer ones than the lowest that a build asks for.
_MORE = (
    *LEAVES,
    ("libcudnn", "9.10.2.21", "h0_0", ("cuda-version >=12,<13", "__glibc >=2.28,<3.0.a0")),
    ("libcudnn", "9.23.1.3", "h0_0", ("cuda-version >=12,<14", "__glibc >=2.28,<3.0.a0")),
    ("mkl", "2026.1.0", "h0_0", ()),
    ("python", "3.14.0", "stub_0_cp314", ()),
    ("python_abi", "3.14", "5_cp314", ("python 3.14.*",)),
)
_VERSION = re.compile(r"\d[\w.]*")
#: The package of which each kind of the channel pytorch's builds has its own.
_MUTEX = tuple(("pytorch-mutex", "1.0", build, ()) for build in ("cpu", "cuda"))


def build(root: Path, subdir: str) -> Path:
    """Write the channels for one platform to `root`; returns it."""
    every: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for channel, record in leaf_records():
        if channel in CHANNELS and record["subdir"] in (subdir, "noarch"):
            every[channel, record["subdir"]].setdefault(file_name(record), record)
    for leaf in _MORE:
        _add(every["conda-forge", subdir], _leaf(*leaf, subdir=subdir))
    for leaf in _MUTEX:
        _add(every["pytorch", subdir], _leaf(*leaf, subdir=subdir))
    for source in SOURCES:
        for one in _builds(source.name, subdir):
            every[source.channel, one.subdir][one.fn or f"{one.spec}.conda"] = as_record(one)
    for channel, needing in (("conda-forge", "conda-forge"), ("pytorch", "pytorch")):
        for spec, name in list(_lacking(every, needing, subdir)):
            of = "nvidia" if name == "pytorch-cuda" else channel
            _add(every[of, subdir], _satisfying(spec, subdir))
    for channel in CHANNELS:
        for part in (subdir, "noarch"):
            write_channel(root / channel, part, every[channel, part])
    return root


def _builds(source: str, subdir: str) -> Iterator[Build]:
    known = named(source).built_in(subdir)
    found: Iterable[Build] = known.builds if known else ()
    if source == "conda-forge":
        found = forge_stubs.builds(subdir)
    for one in found:
        if one.name in ("pytorch", "libtorch"):
            wanted = one.version in RELEASES[source]
        else:
            wanted = one.version.startswith(PARTNERS[source])
        if wanted or one.name in ("cuda-version", "pytorch-cuda"):
            yield one


def _lacking(
    every: dict[tuple[str, str], dict[str, Any]], channel: str, subdir: str
) -> Iterator[tuple[str, str]]:
    """The specs that no package of any channel meets, with the name of what asks for them."""
    there: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for records in every.values():
        for record in records.values():
            there[record["name"]].append((record["version"], record["build"]))
    seen = set()
    for part in (subdir, "noarch"):
        for record in every[channel, part].values():
            for spec in record["depends"]:
                name = spec.partition(" ")[0]
                if spec in seen or name.startswith("__"):
                    continue
                seen.add(spec)
                if not any(match.admits(spec, name, *one) for one in there[name]):
                    yield spec, record["name"]


def _satisfying(spec: str, subdir: str) -> dict[str, Any]:
    """A leaf that meets a spec: of the first version that is named in it, and its build."""
    name, _, rest = spec.partition(" ")
    found = _VERSION.search(rest)
    build = rest.partition(" ")[2].replace("*", "") or "stub_0"
    return _leaf(name, found[0].rstrip(".") if found else "1.0", build, (), subdir=subdir)


def _leaf(
    name: str, version: str, build: str, depends: tuple[str, ...], *, subdir: str
) -> dict[str, Any]:
    on_linux = subdir.startswith("linux-")
    needed = [spec for spec in depends if on_linux or not spec.startswith("__glibc")]
    found = {"name": name, "version": version, "build": build, "depends": needed}
    return {**found, "build_number": 0, "subdir": subdir}


def _add(records: dict[str, Any], record: dict[str, Any]) -> None:
    records.setdefault(file_name(record), record)
