"""Reading wheel pages from the mirrors in order, and finding a mirror for each file.

A mirror whose pages cannot be read is left for the next one; one that lacks a file on its pages is
left for this file alone. Each failure is reported with its reason, as for channels.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple
from urllib.parse import quote

from conda.base.context import context

from ...exceptions.channel import NoWheels, WheelNowhere
from ...index.repodata import spinner
from ...index.wheels import pages
from ...index.wheels.pages import Address, NoIndex
from ...index.wheels.read import BYTES, BadStatus, Body, ForeignPage, PageTooLarge, read_pages
from ...mirrors.registry import official_wheel_hosts
from ...mirrors.urls import host_of
from ...models import Notice
from ...selection.wheels.link import Link
from ...text.messages import text
from ...text.sanitize import safe
from .. import failures, probe
from ..answers import Answer, are_lasting, refusal
from ..failures import Failure
from ..probe import ProbeTarget
from .routes import Chains, WheelMirror, hosts

#: The name of a mirror's pages in failures.
WHEELS = "wheels"


#: Codes for a mirror that answers but lacks the directories, or (True) has nothing fitting there.
_LACKING = ("mirror_lacks_variants", "mirror_lacks_fitting")
_NETWORK = frozenset(("probe_dns", "probe_unreachable", "probe_timeout", "probe_refused"))


class Located(NamedTuple):
    """A file and its place: `link` has the URL to fetch, and the size if any server gave it;
    `mirror` is the name of the place."""

    link: Link
    mirror: WheelMirror


class WheelReader:
    """The pages and files of one run. `keep` tells by a file's name whether it matters.

    `origin` is where the pages come from, as for indexes of channels; `date` is the day of pages
    that are not read anew.
    """

    origin: Literal["live", "cache", "built-in"] = "live"
    date: str | None = None

    def __init__(
        self, chains: Chains, keep: Callable[[str], bool], ways: Sequence[Notice] = ()
    ) -> None:
        """`ways` are next steps to offer if no page can be read for lack of a network."""
        self._unread_ways = ways
        self.mirrors = chains.wheels
        self._held_back = chains.held_back
        self.notices: list[Notice] = list(chains.notices)
        self._keep = keep
        self._hosts = hosts(chains.wheels)
        self._failures: list[Failure] = []
        self._read: dict[str, tuple[Link, ...] | Answer] = {}
        #: The links read, by mirror, the preferred one first.
        self._shelves: dict[WheelMirror, tuple[Link, ...]] = {}
        self._gone: set[str] = set()
        #: The places of a file that failed while it was fetched, by its name.
        self._lost: dict[str, list[Failure]] = {}

    @property
    def answered(self) -> bool:
        """Whether the mirrors without a result did answer."""
        return all(failure.reason.code in _LACKING for failure in self._failures)

    @property
    def places(self) -> tuple[WheelMirror, ...]:
        """The mirrors whose pages were read."""
        return tuple(self._shelves)

    def read(self, variants: Sequence[str], projects: Sequence[str]) -> tuple[Link, ...]:
        """The wheels of these projects, at the first mirror that has pages for any of the variants.

        Raises: NoWheels.
        """
        # Mirrors that only lacked other directories are tried again.
        self._failures = [f for f in self._failures if f.reason.code not in _LACKING]
        if not self._shelves and not self._next(variants, projects):
            raise failures.no_route_left(self._failures, self._ways(), NoWheels)
        place = next(iter(self._shelves))
        self._shelves[place] = self._of(place, variants, projects)
        return self._union()

    def read_further(
        self, variants: Sequence[str], projects: Sequence[str]
    ) -> tuple[Link, ...] | None:
        """The wheels found so far and those of the next mirror that has any; None if none has."""
        return self._union() if self._next(variants, projects) else None

    def project(self, variant: str, project: str) -> tuple[Link, ...]:
        """The wheels of a further project, at the first mirror that lists any."""
        held = (self._of(mirror, [variant], [project]) for mirror in self._shelves)
        return next((links for links in held if links), ())

    def locate(self, wanted: Sequence[Link]) -> tuple[Located, ...]:
        """Find a place for each of these files, in their order.

        Raises: WheelNowhere.
        """
        places = {link: self._offers(link) for link in wanted}
        tried: dict[Link, list[Failure]] = {link: [] for link in wanted}
        found: dict[Link, Located] = {}
        while lacking := [link for link in wanted if link not in found]:
            offers = {link: next(places[link], None) for link in lacking}
            asked = self._ask([offer.link for offer in offers.values() if offer is not None])
            for link, offer in offers.items():
                if offer is None:
                    route = self.mirrors[0].route(link.filename)
                    facts = {"mirror": route.place}
                    gone = Failure(route, Notice("wheel_nowhere_else", facts))
                    lost = self._lost.get(link.filename, [])
                    every = [*lost, *tried[link]] or [gone]
                    lasting = are_lasting(failure.reason for failure in every)
                    ways = [Notice("allow_fallback")] if self._held_back else []
                    ways.append(Notice("other_place_listed" if lasting else "plan_again"))
                    raise failures.no_route_left(every, ways, WheelNowhere)
                answer, route = asked[offer.link.url], offer.mirror.route(link.filename)
                if not answer.ok:
                    tried[link].append(failures.from_answer(route, answer))
                    continue
                size = offer.link.size if answer.size is None else answer.size
                found[link] = offer._replace(link=offer.link._replace(size=size))
                # If a link led away from its mirror, which has the file itself, nothing failed.
                left = [one for one in tried[link] if one.route.mirror != route.mirror]
                for failure in left[-1:]:
                    self.notices += failures.left(failure, [route])
        return tuple(found[link] for link in wanted)

    def after(self, failed: Located, error: BaseException) -> Located | None:
        """The next place of a file that could not be fetched; None if no place is to blame.

        Raises: WheelNowhere.
        """
        route = failed.mirror.route(failed.link.filename)
        failure = failures.of_file(error, route, failed.link.url)
        if failure is None:
            return None
        self._gone.add(failed.link.url)
        self._lost.setdefault(failed.link.filename, []).append(failure)
        (found,) = self.locate([failed.link])
        self.notices += failures.left(failure, [found.mirror.route(failed.link.filename)])
        return found

    def _next(self, variants: Sequence[str], projects: Sequence[str]) -> bool:
        """Read the next mirror that has any of these pages; False if none is left."""
        gone = {failure.route.mirror for failure in self._failures}
        for mirror in self.mirrors:
            if mirror in self._shelves or mirror.name in gone:
                continue
            with spinner(text("reading_wheels", {"mirror": mirror.name})):
                found = self._of(mirror, variants, projects)
            if not found:
                self._failures.append(self._failure(mirror, variants, projects))
                continue
            if not self._shelves:
                for failure in self._failures:
                    self.notices += failures.left(failure, [mirror.route(WHEELS)])
            self._shelves[mirror] = found
            return True
        return False

    def _union(self) -> tuple[Link, ...]:
        """Each file once, with the link of the first mirror that lists it."""
        found: dict[tuple[str, str], Link] = {}
        for links in self._shelves.values():
            for link in links:
                found.setdefault((link.variant, link.filename), link)
        return tuple(found.values())

    def _of(
        self, mirror: WheelMirror, variants: Sequence[str], projects: Sequence[str]
    ) -> tuple[Link, ...]:
        """The links at one mirror; none if it does not answer."""
        there = [name for name in variants if mirror.dirs is None or name in mirror.dirs]
        first, *rest = projects
        for layout in mirror.layouts:
            held = self._load({mirror.page(layout, name, first): name for name in there})
            full = [name for name, links in zip(there, held, strict=True) if links]
            if layout == "index":
                held += self._load({mirror.page(layout, v, p): v for v in full for p in rest})
            if full:
                return tuple(link for links in held for link in links)
        return ()

    def _load(self, wanted: Mapping[str, str]) -> list[tuple[Link, ...]]:
        """The links of pages, given as variants by URL; each page is read once."""
        bodies = read_pages((url for url in wanted if url not in self._read), self._hosts)
        for url, body in bodies.items():
            self._read[url] = self._links(body, url, wanted[url])
        held = [self._read[url] for url in wanted]
        return [() if isinstance(links, Answer) else links for links in held]

    def _links(self, body: Body | Exception, url: str, variant: str) -> tuple[Link, ...] | Answer:
        answer = Answer(safe(url), "html", host=host_of(url), at=time.time())
        if isinstance(body, Exception):
            return answer_of(answer, body)
        try:
            at = Address(body.url, variant)
            return pages.parse(body.content, at, body.media_type, self._keep)
        except NoIndex:
            return answer if b"<" in body.content[:500] else answer._replace(code="no_links")

    def _failure(
        self, mirror: WheelMirror, variants: Sequence[str], projects: Sequence[str]
    ) -> Failure:
        """Why a mirror gave nothing: the failure of its site, else the answer for a page."""
        asked = [mirror.page(at, v, projects[0]) for at in mirror.layouts for v in variants]
        read = [self._read[url] for url in asked if url in self._read]
        answers = [found for found in read if isinstance(found, Answer)]
        # Lacking one directory of several is no failure.
        telling = [answer for answer in answers if answer.code != "not_found"]
        telling.sort(key=lambda answer: not answer.of_site)
        if telling:
            return failures.from_answer(mirror.route(WHEELS), telling[0])
        code = _LACKING[len(answers) < len(read)]
        shown = variants if len(variants) < 6 else (*variants[:3], "...", variants[-1])
        facts = {"variants": ", ".join(shown), "count": len(variants), "url": safe(mirror.url)}
        return Failure(mirror.route(WHEELS), Notice(code, facts))

    def _ways(self) -> list[Notice]:
        """Next steps if no mirror has any page."""
        ways = [Notice("allow_fallback")] if self._held_back else []
        if any(f.reason.code in _NETWORK for f in self._failures):
            ways += [Notice("check_network"), *self._unread_ways]
        lacking = {f.route.mirror for f in self._failures if f.reason.code == _LACKING[False]}
        if any(mirror.by_url and mirror.name in lacking for mirror in self.mirrors):
            ways.append(Notice("wheel_mirror_url"))
        return ways or [Notice("test_mirrors")]

    def _ask(self, links: Sequence[Link]) -> Mapping[str, Answer]:
        if context.offline:
            return {link.url: Answer(link.url, "ok") for link in links}
        targets = [ProbeTarget(link.url, link.size, bool(link.sha256)) for link in links]
        return probe.ask(targets, hosts=self._hosts)

    def _offers(self, link: Link) -> Iterator[Located]:
        """The places of a file: at the mirror that lists it, then at the others in order."""
        project = [link.project]
        listing = next(
            (m for m in self._shelves if link in self._of(m, [link.variant], project)), None
        )
        order = sorted(self.mirrors, key=lambda mirror: mirror != listing)
        for mirror in order:
            same = link if mirror == listing else self._same(mirror, link)
            if same is not None:
                yield from (p for p in _addresses(mirror, same) if p.link.url not in self._gone)

    def _same(self, mirror: WheelMirror, link: Link) -> Link | None:
        """The file as another mirror lists it; None if its hash differs or it is not listed."""
        for found in self._of(mirror, [link.variant], [link.project]):
            if (found.variant, found.filename) != (link.variant, link.filename):
                continue
            if link.sha256 and found.sha256 and found.sha256 != link.sha256:
                facts = {"mirror": mirror.name, "file": link.filename}
                self.notices.append(Notice("wheel_other_hash", facts))
                return None
            return found._replace(sha256=found.sha256 or link.sha256)
        return None


def _addresses(mirror: WheelMirror, link: Link) -> Iterator[Located]:
    """The places for a link. One that leads away from the mirror is tried at the mirror first; its
    own target is used only if the hash is known or it is on PyTorch's own servers."""
    if host_of(link.url) != host_of(mirror.url):
        folder = f"{mirror.url}/{link.variant}" if link.variant else mirror.url
        yield Located(link._replace(url=f"{folder}/{quote(link.filename)}"), mirror)
        if not (link.sha256 or host_of(link.url) in official_wheel_hosts()):
            return
    yield Located(link, mirror)


def answer_of(answer: Answer, error: Exception) -> Answer:
    """The answer for a page, with the code of what went wrong."""
    if isinstance(error, BadStatus):
        fields = refusal(error.status, error.headers, error.page)
        return answer._replace(status=error.status, **fields)
    if isinstance(error, ForeignPage):
        return answer._replace(code="insecure" if error.insecure else "foreign", host=error.host)
    if isinstance(error, PageTooLarge):
        return answer._replace(
            code="broken", detail=text("index_too_large", {"megabytes": BYTES // 1_000_000})
        )
    code, detail = failures.network_code(error)
    return answer._replace(code=code, detail=detail)
