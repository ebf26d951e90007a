"""The built-in index: what the channels hold, for a machine that was never online.

`pytorch` ended with 2.5.1, so a list of its builds stays useful. Of conda-forge, which goes on, it
holds the builds of which a full record was seen: real, but a sample, and old from its `date` on.
Owns the reading of `data/index/`, which `tools/build-index/build_index.py` makes: one document a
channel and subdir, since a preview needs one platform and pays for every byte. Standard library
only; nothing is read before the first call.

A document (`schema` 3): `strings` holds every match spec once, `lists` every list of them as
places in `strings`. `packages` has one entry a name and version with its builds, each

    [build, build_number, depends, constrains, evidence(, size, timestamp, md5, sha256)]

where `depends` and `constrains` are places in `lists`, `evidence` one in `evidence`, and the last
four are there where they are known. Where `kept` is a list, the specs are those on these packages
alone, as only they are read by a choice. `date` is the day of the newest record of all subdirs,
`extension` how the names of the files end.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..models import Build, Records

SCHEMA = 3
_FOLDER = Path(__file__).parents[1] / "data" / "index"


def platforms(channel: str) -> tuple[str, ...]:
    """The subdirs that the index of a channel covers, noarch aside."""
    found = sorted(path.stem for path in (_FOLDER / channel).glob("*.json"))
    return tuple(subdir for subdir in found if subdir != "noarch")


@cache
def _document(channel: str, subdir: str) -> Mapping[str, Any] | None:
    try:
        content = (_FOLDER / channel / f"{subdir}.json").read_bytes()
    except FileNotFoundError:
        return None
    document: dict[str, Any] = json.loads(content)
    if document["schema"] != SCHEMA:
        raise ValueError(f"{channel}/{subdir}.json has schema {document['schema']}, not {SCHEMA}")
    return document


def load(subdir: str, names: Collection[str] | None = None, *, channel: str) -> Records | None:
    """The known builds of `names` (all, where None) for `subdir`, with the noarch ones.

    None where the index knows nothing of that platform: linux-aarch64 has builds on the channel
    pytorch, but no record of one was found. `url` is empty, as it depends on the mirror. Builds
    come by name, oldest version first, the noarch ones last.
    """
    document = None if subdir == "noarch" else _document(channel, subdir)
    if document is None:
        return None
    shared = _document(channel, "noarch") or {}
    return Records(
        builds=(*_builds(document, names), *_builds(shared, names)),
        origin="built-in",
        date=document["date"],
    )


def _builds(document: Mapping[str, Any], names: Collection[str] | None) -> Iterator[Build]:
    if not document:
        return
    spec = document["strings"].__getitem__
    specs = [tuple(map(spec, places)) for places in document["lists"]]
    evidence, extension = document["evidence"], document["extension"]
    channel, subdir = document["channel"], document["subdir"]
    for name, version, rows in document["packages"]:
        if names is not None and name not in names:
            continue
        for build, number, depends, constrains, sure, *known in rows:
            size, timestamp, md5, sha256 = known or (None, 0, None, None)
            yield Build(
                name=name,
                version=version,
                build=build,
                build_number=number,
                subdir=subdir,
                channel=channel,
                fn=f"{name}-{version}-{build}{extension}",
                depends=specs[depends],
                constrains=specs[constrains],
                size=size,
                md5=md5,
                sha256=sha256,
                timestamp=timestamp,
                known_by=evidence[sure],
            )


def hashes(channel: str) -> dict[str, str]:
    """sha256 by `subdir/filename`, for the builds of which a real record was seen.

    A second opinion on what a mirror's index claims; what is only listed or derived has no say.
    Empty for a channel without an index.
    """
    return {
        f"{subdir}/{name}-{version}-{build}{document['extension']}": known[3]
        for subdir in (*platforms(channel), "noarch")
        if (document := _document(channel, subdir))
        for name, version, rows in document["packages"]
        for build, _, _, _, sure, *known in rows
        if document["evidence"][sure] == "record"
    }
