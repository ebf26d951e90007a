"""Find the further dependencies of a set of wheels, on the pages of an index or among the files on
this disk, before anything is fetched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from ...handover import wheel_cache
from ...index.wheels import pages
from ...index.wheels.pages import Address, NoIndex
from ...index.wheels.read import Body, read_pages
from ...mirrors.registry import Route
from ...mirrors.urls import host_of
from ...selection.pip import rest
from ...selection.pip.metadata import Metadata
from ...selection.pip.plan import WheelFile
from ...selection.pip.rest import Need, RestTarget
from ...selection.wheels.link import Link
from ...selection.wheels.name import Wheel
from .. import probe
from ..probe import ProbeTarget
from . import metadata

#: Upper limits: rounds of resolving, which is the depth of the dependencies; and projects.
ROUNDS, MOST = 20, 200


class RestQuery(NamedTuple):
    """The input: the METADATA of the set by project, further requirements, the installed versions
    by project, and the target."""

    said: Mapping[str, Metadata]
    words: tuple[str, ...]
    there: Mapping[str, str]
    on: RestTarget


class OnDisk(NamedTuple):
    """Files on this disk to choose from instead of an index, and the name of their place."""

    mirror: str
    links: Sequence[Link]


class Rest(NamedTuple):
    """All further dependencies of a set: the files, and their METADATA."""

    files: tuple[WheelFile, ...] = ()
    said: Mapping[str, Metadata] = {}


def find(asked: RestQuery, index: Route | OnDisk) -> Rest | str | None:
    """Find the dependencies on the pages of an index, or among the files on this disk.

    Return the name of a project instead if there is no fitting wheel of it with a hash, and None if
    the set is incomplete for another reason, such as a conflict of the newest versions. PyPI's own
    index has no address here, and is not searched.
    """
    if isinstance(index, Route) and not index.url:
        return None
    read = _Pages(index) if isinstance(index, Route) else partial(_of, index.links)
    settled = {name: said.version for name, said in asked.said.items()}
    links: dict[str, tuple[Link, ...]] = {}
    known: dict[Link, Metadata] = {}
    sizes: dict[Link, int | None] = {}
    chosen: dict[str, Wheel] = {}
    for _ in range(ROUNDS):
        said = {name: known[wheel.link] for name, wheel in chosen.items()}
        needed = rest.needs(asked.said.values(), asked.words, said, asked.on)
        if needed is None or len(needed) > MOST or rest.unmet(needed, settled):
            return None
        wanted = {
            name: need
            for name, need in needed.items()
            if name not in settled and not rest.kept(need, asked.there.get(name))
        }
        links |= read([name for name in wanted if name not in links])
        found = _picked(wanted, links, asked.on)
        if isinstance(found, str):
            return found
        if found == chosen:
            files = tuple(_file(wheel, sizes[wheel.link], index.mirror) for wheel in found.values())
            return Rest(files, said)
        new = [wheel.link for wheel in found.values() if wheel.link not in known]
        sizes |= _sizes(new)
        known |= _said(new, sizes)
        if any(wheel.link not in known for wheel in found.values()):
            return None
        chosen = {}
        for name, wheel in found.items():
            # The pages of some indexes do not say for which Pythons a file is.
            bound = known[wheel.link].requires_python
            if rest.takes(bound, asked.on.python):
                chosen[name] = wheel
            else:
                links[name] = tuple(
                    link._replace(requires_python=bound) if link == wheel.link else link
                    for link in links[name]
                )
    return None


def same(link: Link, index: Route) -> Link | None:
    """The same file as an index lists it; None if it does not."""
    if not index.url:
        return None
    (listed,) = _Pages(index)([link.project]).values()
    return next((o for o in listed if (o.filename, o.sha256) == (link.filename, link.sha256)), None)


def _picked(
    wanted: Mapping[str, Need], links: Mapping[str, Sequence[Link]], on: RestTarget
) -> dict[str, Wheel] | str:
    found = {}
    for name, need in wanted.items():
        wheel = rest.pick(links[name], name, need, on)
        if wheel is None:
            return name
        found[name] = wheel
    return found


def _file(wheel: Wheel, size: int | None, mirror: str) -> WheelFile:
    link = wheel.link._replace(variant="", size=size)
    cached = wheel_cache.find(link, quickly=True)
    return WheelFile(wheel.project, wheel.full_version, link, mirror, cached)


class _Pages:
    """The pages of an index."""

    def __init__(self, index: Route) -> None:
        self._url = index.url.rstrip("/")
        self._hosts = frozenset({host_of(index.url)})

    def __call__(self, names: Iterable[str]) -> dict[str, tuple[Link, ...]]:
        urls = {f"{self._url}/{name}/": name for name in names}
        found = read_pages(urls, self._hosts)
        return {name: self._links(found[url], name) for url, name in urls.items()}

    def _links(self, body: Body | Exception, name: str) -> tuple[Link, ...]:
        if isinstance(body, Exception):
            return ()
        try:
            found = pages.parse(body.content, Address(body.url), body.media_type)
        except NoIndex:
            return ()
        return tuple(link for link in found if link.project == name)


def _of(held: Sequence[Link], names: Iterable[str]) -> dict[str, tuple[Link, ...]]:
    found: dict[str, list[Link]] = {name: [] for name in names}
    for link in held:
        if link.project in found:
            found[link.project].append(link)
    return {name: tuple(links) for name, links in found.items()}


def _sizes(links: Iterable[Link]) -> dict[Link, int | None]:
    """The sizes of files in bytes, by their pages or their servers."""
    found = {link: link.size for link in links}
    targets = [ProbeTarget(link.url, None, True) for link, size in found.items() if size is None]
    answers = probe.ask(targets) if targets else {}
    return {link: answers[link.url].size if size is None else size for link, size in found.items()}


def _said(links: Sequence[Link], sizes: Mapping[Link, int | None]) -> dict[Link, Metadata]:
    """The METADATA of files, without requests for those on this disk."""
    found: dict[Link, Metadata] = {}
    away = {}
    for link in links:
        sized = link._replace(variant="", size=sizes[link])
        path = wheel_cache.find(sized, quickly=True)
        said = metadata.of_file(path) if path else None
        if said is not None and said.name == link.project:
            found[link] = said
        else:
            away[sized] = link
    return found | {away[sized]: said for sized, said in metadata.read(list(away)).items()}
