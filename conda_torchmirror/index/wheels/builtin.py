"""The built-in list of the known wheels of each platform, for a preview without the network.

This module reads `data/wheels/`, which `tools/build-index/wheel_list.py` makes: one document per
platform. A document (`schema` 1) has a row for each group of wheels that differ only in the Python:

    [project, version, variant, tags, pythons, evidence(, size, local, build)]

`tags` is an index into the list `tags`, whose items have `*` for the Python; `pythons` are written
as in a tag, "39 310 313t", and empty if the tags have none; `evidence` is an index into `evidence`.
`size` is that of the largest wheel in bytes, 0 if unknown; `local` says whether the version ends in
`+variant`, by default whether there is a variant; `build` is a build tag.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ...selection.wheels.link import Link

SCHEMA = 1
_FOLDER = Path(__file__).parents[2] / "data" / "wheels"


@dataclass(frozen=True)
class Known:
    """The known wheels of a platform, as links without URLs, and the day of the list."""

    links: tuple[Link, ...]
    date: str

    @cached_property
    def by_variant(self) -> Mapping[str, Sequence[Link]]:
        """The links by variant, in their order."""
        found: dict[str, list[Link]] = {}
        for link in self.links:
            found.setdefault(link.variant, []).append(link)
        return found


def platforms() -> tuple[str, ...]:
    """The subdirs that have a list."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


@cache
def load(subdir: str) -> Known | None:
    """The known wheels of a platform, None for a platform without a list."""
    if subdir not in platforms():
        return None
    document = json.loads((_FOLDER / f"{subdir}.json").read_bytes())
    if document["schema"] != SCHEMA:
        raise ValueError(f"{subdir}.json has schema {document['schema']}, not {SCHEMA}")
    return Known(tuple(_links(document)), document["date"])


def _links(document: Mapping[str, Any]) -> Iterator[Link]:
    tags, evidence = document["tags"], document["evidence"]
    for project, version, variant, place, pythons, sure, *rest in document["wheels"]:
        size: int = rest[0] if rest else 0
        local: bool = bool(rest[1] if len(rest) > 1 else variant)
        build: str = rest[2] if len(rest) > 2 else ""
        full = f"{version}+{variant}" if local else version
        head = "-".join(filter(None, (project, full, build)))
        for python in pythons.split(" "):
            yield Link(
                filename=f"{head}-{_filled(tags[place], python)}.whl",
                url="",
                variant=variant,
                size=size or None,
                known_by=evidence[sure],
            )


def _filled(tags: str, python: str) -> str:
    """Fill a Python into tags. The ABI tag of 3.7 and older ends in `m`; the `t` of a free-threaded
    one is in that tag only."""
    interpreter, abi, platform = tags.split("-")
    of_abi = f"{python}m" if python in ("36", "37") else python
    return "-".join(
        (interpreter.replace("*", python.rstrip("t")), abi.replace("*", of_abi), platform)
    )
