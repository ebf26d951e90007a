"""The built-in index: the builds of the channels, for a machine that was never online.

The channel `pytorch` ended with 2.5.1, so the list of its builds is final. Of conda-forge the index
has the builds of which a full record was seen: real builds, but a sample, and outdated after its
`date`. This module reads `data/index/`, which `tools/build-index/build_index.py` makes: one
document per channel and subdir, because a preview needs one platform. Reads nothing before the
first call.

A document (`schema` 3): `strings` has every match spec once, `lists` every list of specs as indexes
into `strings`. `packages` has an entry for each name and version with its builds, each

    [build, build_number, depends, constrains, evidence(, size, timestamp, md5, sha256)]

where `depends` and `constrains` are indexes into `lists`, `evidence` is one into `evidence`, and
the last four are present if known. If `kept` is a list, only specs on the packages in it were kept,
since a choice reads no others. `date` is the day of the newest record of all subdirs, `extension`
the ending of the file names.
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
    """The known builds of `names` (None for all) for `subdir`, and the noarch ones after them. If
    `names` is a mapping, the one version that it has for each name.

    None if the index has nothing for the platform: linux-aarch64 has builds on the channel pytorch,
    but no record of one was found. `url` is empty, as it depends on the mirror. Builds are sorted
    by name, oldest version first.
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
        if isinstance(names, Mapping) and names[name] != version:
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

    Used to double-check a mirror's index; builds that are only listed or derived are left out.
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
