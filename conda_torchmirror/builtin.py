"""The built-in index: what the `pytorch` channel holds, for a machine that was never online.

The channel ended with 2.5.1, so a list of its builds stays useful. Owns the reading of
`data/index.json`, which `tools/build-index/build_index.py` makes. Standard library only; nothing
is read before the first call.

The document (`schema` 1): `strings` holds every match spec once, `lists` every list of them as
places in `strings`. `packages` has one entry a name, version and subdir with its builds, each

    [build, build_number, depends, constrains, evidence(, size, timestamp, md5, sha256)]

where `depends` and `constrains` are places in `lists`, `evidence` one in `evidence`, and the last
four are there where they are known. `date` is the day of its newest record.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from .models import Build, Records

SCHEMA = 1
_FILE = Path(__file__).with_name("data") / "index.json"
#: The channel never moved to the newer .conda format.
_EXTENSION = ".tar.bz2"


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_FILE.read_bytes())
    if document["schema"] != SCHEMA:
        raise ValueError(f"{_FILE.name} has schema {document['schema']}, not {SCHEMA}")
    return document


def _filename(name: str, version: str, build: str) -> str:
    return f"{name}-{version}-{build}{_EXTENSION}"


def load(subdir: str, names: Collection[str] | None = None) -> Records | None:
    """The known builds of `names` (all, where None) for `subdir`, with the noarch ones.

    None where the index knows nothing of that platform: linux-aarch64 has builds on the channel,
    but no record of one was found. `url` is empty, as it depends on the mirror. Builds come oldest
    version first.
    """
    document = _document()
    if subdir not in document["subdirs"]:
        return None
    wanted = (subdir, "noarch")
    return Records(
        builds=tuple(_builds(document, wanted, names)), index="built-in", date=document["date"]
    )


def _builds(
    document: Mapping[str, Any], subdirs: tuple[str, ...], names: Collection[str] | None
) -> Iterator[Build]:
    spec = document["strings"].__getitem__
    specs = [tuple(map(spec, places)) for places in document["lists"]]
    evidence = document["evidence"]
    channel = document["channel"]
    for name, version, subdir, rows in document["packages"]:
        if subdir not in subdirs or (names is not None and name not in names):
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
                evidence=evidence[sure],
            )


def hashes() -> dict[str, str]:
    """sha256 by `subdir/filename`, for the builds of which a real record was seen.

    A second opinion on what a mirror's index claims; what is only listed or derived has no say.
    """
    document = _document()
    record = document["evidence"].index("record")
    return {
        f"{subdir}/{_filename(name, version, build)}": known[3]
        for name, version, subdir, rows in document["packages"]
        for build, _, _, _, sure, *known in rows
        if sure == record
    }
