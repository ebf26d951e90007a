"""The built-in index: what the `pytorch` channel holds, for a machine that was never online.

The channel ended with 2.5.1, so a list of its builds stays useful. Owns the reading of
`data/index/`, which `tools/build-index/build_index.py` makes: one document a subdir, since a
preview needs one platform and pays for every byte. Standard library only; nothing is read before
the first call.

A document (`schema` 2): `strings` holds every match spec once, `lists` every list of them as
places in `strings`. `packages` has one entry a name and version with its builds, each

    [build, build_number, depends, constrains, evidence(, size, timestamp, md5, sha256)]

where `depends` and `constrains` are places in `lists`, `evidence` one in `evidence`, and the last
four are there where they are known. `date` is the day of the newest record of all subdirs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..models import Build, Records

SCHEMA = 2
_FOLDER = Path(__file__).parents[1] / "data" / "index" / "pytorch"
#: The channel never moved to the newer .conda format.
_EXTENSION = ".tar.bz2"


def platforms() -> tuple[str, ...]:
    """The subdirs that the index covers, noarch aside."""
    found = sorted(path.stem for path in _FOLDER.glob("*.json"))
    return tuple(subdir for subdir in found if subdir != "noarch")


@cache
def _document(subdir: str) -> Mapping[str, Any] | None:
    try:
        content = (_FOLDER / f"{subdir}.json").read_bytes()
    except FileNotFoundError:
        return None
    document: dict[str, Any] = json.loads(content)
    if document["schema"] != SCHEMA:
        raise ValueError(f"{subdir}.json has schema {document['schema']}, not {SCHEMA}")
    return document


def _filename(name: str, version: str, build: str) -> str:
    return f"{name}-{version}-{build}{_EXTENSION}"


def load(subdir: str, names: Collection[str] | None = None) -> Records | None:
    """The known builds of `names` (all, where None) for `subdir`, with the noarch ones.

    None where the index knows nothing of that platform: linux-aarch64 has builds on the channel,
    but no record of one was found. `url` is empty, as it depends on the mirror. Builds come by
    name, oldest version first, the noarch ones last.
    """
    document = None if subdir == "noarch" else _document(subdir)
    if document is None:
        return None
    shared = _document("noarch") or {}
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
    evidence = document["evidence"]
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
                fn=_filename(name, version, build),
                depends=specs[depends],
                constrains=specs[constrains],
                size=size,
                md5=md5,
                sha256=sha256,
                timestamp=timestamp,
                known_by=evidence[sure],
            )


def hashes() -> dict[str, str]:
    """sha256 by `subdir/filename`, for the builds of which a real record was seen.

    A second opinion on what a mirror's index claims; what is only listed or derived has no say.
    """
    return {
        f"{subdir}/{_filename(name, version, build)}": known[3]
        for subdir in (*platforms(), "noarch")
        if (document := _document(subdir))
        for name, version, rows in document["packages"]
        for build, _, _, _, sure, *known in rows
        if document["evidence"][sure] == "record"
    }
