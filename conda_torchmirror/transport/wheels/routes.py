"""The places to read wheels from, and the indexes for everything else, in order.

A preference list names mirrors for everything; here only those with wheels or a mirror of PyPI
count. If none has any, the registry's own order is used. PyPI's own index has no address here: it
is what pip uses if it is given none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...mirrors.registry import INDEX, Mirror, Registry, Route, official_wheel_hosts
from ...mirrors.urls import UPSTREAM, WHEELS, MirrorError, check_url, host_of, names_of_urls
from ...models import Notice
from ...options import InstallOptions
from ...redirect import settings
from ...text.sanitize import safe

#: The index for everything else if conda is offline: none.
NO_INDEX = Route(INDEX, "", "none")

#: The name in results of an index of the user's own.
OWN = "pip.conf"


class WheelMirror(NamedTuple):
    """A place of wheels: `url` is the parent of the directories of the variants.

    `layouts` are those to try, in order: "index" has a page for each project of a variant, "flat"
    one for each variant. `dirs` are the variants that exist, None if unknown. `by_url` says that
    the place was given as a URL and is not in the registry.
    """

    name: str
    url: str
    layouts: tuple[str, ...]
    dirs: frozenset[str] | None = None
    by_url: bool = False

    def page(self, layout: str, variant: str, project: str) -> str:
        """The address of the page that has the wheels of a project."""
        folder = f"{self.url}/{variant}" if variant else self.url
        return f"{folder}/" if layout == "flat" else f"{folder}/{project}/"

    def route(self, what: str) -> Route:
        """The place as a route for `what`, for use in failures."""
        return Route(what, self.url, self.name)


_UPSTREAM = WheelMirror(UPSTREAM, WHEELS, ("index",))


class Chains(NamedTuple):
    """The places of wheels and the indexes for the rest, each in order, with notices. The URL of
    PyPI's own index is "". `held_back` says that `--no-fallback` excludes other places.
    """

    wheels: tuple[WheelMirror, ...]
    indexes: tuple[Route, ...]
    notices: tuple[Notice, ...] = ()
    held_back: bool = False


def chains(options: InstallOptions, pip: Mapping[str, str]) -> Chains:
    """The places for a run. `pip` is pip's own configuration: an index that is named there is the
    user's, and comes before any mirror unless `--mirror` names one with an index.

    Raises: BadMirror, BadRegistry.
    """
    words, values = options.mirrors, settings.read()
    try:
        known = settings.registry(values)
        preference = settings.preference(words, values, known)
        chosen = _resolved(known, preference, allow_http=values.http)
    except MirrorError as error:
        raise settings.unusable(error, words) from error
    only = values.only
    ends = any(item.lower() == UPSTREAM for item in preference)
    notices: list[Notice] = []
    wheels = [place for item in chosen if (place := _wheels(item)) is not None]
    if not (wheels or ends):
        wheels = [
            place
            for name in known.chosen_for("wheels")
            if (not only or name in only) and (place := _wheels(known[name])) is not None
        ]
        if words and wheels:
            facts = {"mirrors": safe(" ".join(words)), "instead": wheels[0].name}
            notices.append(Notice("wheel_mirror_instead", facts))
    indexes = [_index(item) for item in chosen if isinstance(item, Mirror) and item.pypi]
    own = pip.get("index-url")
    if mine := own is not None and not (words and indexes):
        indexes = [Route(INDEX, str(own), OWN)]
    elif not (indexes or ends):
        indexes = [
            _index(known[name])
            for name in known.chosen_for("pypi")
            if known[name].pypi and (not only or name in only)
        ]
    on = values.fallback and options.fallback
    if not mine:
        indexes.append(Route(INDEX, "", UPSTREAM))
    wheels.append(_UPSTREAM)
    return Chains(
        tuple(wheels if on else wheels[:1]),
        tuple(indexes if on else indexes[:1]),
        tuple(notices),
        held_back=len(wheels) > 1 and values.fallback and not options.fallback,
    )


def hosts(found: Sequence[WheelMirror]) -> frozenset[str]:
    """The hosts that a page may be redirected to: those of all known mirrors of wheels."""
    known = settings.registry(settings.read()).values()
    listed = {host_of(url) for m in known if m.wheels for url in (m.wheels.url, *m.wheels.also)}
    sent_on = {host.lower() for m in known for host in m.redirects_to}
    return official_wheel_hosts() | listed | sent_on | {host_of(place.url) for place in found}


def _resolved(
    known: Registry, preference: Sequence[str], *, allow_http: bool
) -> list[Mirror | WheelMirror]:
    """The mirrors of a preference list up to "upstream"; a URL is a place of wheels.

    Raises: MirrorError.
    """
    found: dict[str, Mirror | WheelMirror | None] = {}
    for item in preference:
        if item.lower() == UPSTREAM:
            break
        if "://" in item:
            url = check_url(item, allow_http=allow_http)
            found[url] = _known_place(known, url)
        else:
            found |= {one.name: one for one in known.resolve([item], allow_http=allow_http)}
    names = names_of_urls(found)
    return [
        place or WheelMirror(names[word], word, _BOTH, by_url=True) for word, place in found.items()
    ]


_BOTH = ("index", "flat")


def _known_place(known: Registry, url: str) -> WheelMirror | None:
    for mirror in known.values():
        if mirror.wheels and url in (mirror.wheels.url, *mirror.wheels.also):
            place = _wheels(mirror)
            return place._replace(url=url) if place else None
    return None


def _wheels(item: Mirror | WheelMirror) -> WheelMirror | None:
    if isinstance(item, WheelMirror):
        return item
    held = item.wheels
    return WheelMirror(item.name, held.url, (held.layout,), held.dirs) if held else None


def _index(mirror: Mirror) -> Route:
    return Route(INDEX, mirror.pypi[0], mirror.name)
