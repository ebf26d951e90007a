"""The probes of one run: at most one request per file, with the answers of the last minutes.

Owns which files of a route are probed, and the findings that need several answers: which form of
the index to read, where a mirror redirects to, which mirror is the fastest, and how all of them
compare (`conda torch-mirror test`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..mirrors.registry import Route
from ..mirrors.urls import UPSTREAM
from ..models import Build, Notice
from ..text.sanitize import safe
from . import probe
from .answers import LOGIN, Answer
from .probe import ProbeTarget
from .probe_cache import ProbeCache
from .routes import hosts, is_private

#: By how many seconds a compressed index may be older than the plain one of the same sync.
ZST_LAG = 3600.0

#: In a comparison: the share of its time for the first request to each mirror, and how many of
#: these requests are sent concurrently.
FIRST_SHARE, AT_ONCE = 0.6, 16
#: The seconds by which the clock of a site may be ahead of this computer's.
DAY = 86400.0
#: Bytes of a tunasync.json; a site with 200 mirrors needs 60 kB.
SYNC_SIZE = 1_000_000

#: A route and the file to fetch by it.
Wanted = tuple[Route, ProbeTarget]


class ProbeSession:
    """The probes and answers of one run. An index may be redirected to `hosts` only."""

    def __init__(self, subdir: str, hosts: frozenset[str]) -> None:
        self.subdir, self.hosts = subdir, hosts
        self.cache = ProbeCache()
        self.answers: dict[str, Answer] = {}

    def indexes(self, route: Route, *, official: bool = False) -> list[Wanted]:
        """The index of a channel in both forms, and that of noarch; [] for routes that are not ours
        to check: the user's own server, and the official channels. With `official` the plain index
        of these too."""
        if is_private(route) or (route.mirror == UPSTREAM and not official):
            return []
        urls = self._urls(route)
        return [(route, ProbeTarget(url)) for url in urls[: 1 if route.mirror == UPSTREAM else 3]]

    def _urls(self, route: Route) -> tuple[str, str, str]:
        plain = f"{route.url}/{self.subdir}/repodata.json"
        return plain, f"{plain}.zst", f"{route.url}/noarch/repodata.json"

    def ask(self, wanted: Iterable[Wanted], last: frozenset[str]) -> list[tuple[Route, Answer]]:
        """Probe what is not known yet, and return the failures, the gravest first.

        For channels in `last`, which have no other route, cached failures are ignored.
        """
        rows = list(wanted)
        new = []
        for route, target in rows:
            known = self.cache.get(safe(target.url))
            if target.url in self.answers:
                continue
            if known is not None and (known.ok or route.channel not in last):
                self.answers[target.url] = known.compared(target.size)
            else:
                new.append(target)
        self._ask(new)
        failed = [
            (route, answer)
            for route, target in rows
            # Conda does without the compressed form, and asks what to tell a proxy by itself.
            if not (answer := self.answers[target.url]).ok
            and not target.url.endswith(".zst")
            and answer.status != LOGIN
        ]
        # Failures of a whole site come first: they explain the others.
        return sorted(failed, key=lambda pair: not pair[1].of_site)

    def _ask(self, targets: Sequence[ProbeTarget]) -> None:
        if targets:
            found = probe.ask(targets, hosts=self.hosts)
            self.answers |= found
            self.cache.keep(found.values())

    def ask_again(self, url: str) -> Answer:
        """Probe a file again because its answer is expected to have changed."""
        self._ask([ProbeTarget(url)])
        return self.answers[url]

    def keep(self, answer: Answer) -> None:
        """Add an answer that conda received."""
        self.answers[answer.url] = answer
        self.cache.keep([answer])

    def zst_fault(self, route: Route) -> str | None:
        """The fault code of a compressed index whose plain form is sound; None if it has none."""
        plain, packed = (self.answers.get(url) for url in self._urls(route)[:2])
        if plain is None or packed is None or not plain.ok:
            return None
        if not packed.ok:
            return None if packed.code == "not_found" else "index_zst_broken"
        dated = plain.modified is not None and packed.modified is not None
        if dated and (packed.modified or 0) < (plain.modified or 0) - ZST_LAG:
            return "index_zst_old"
        return None

    def redirect_notice(self, route: Route) -> Notice | None:
        """The notice on where a mirror redirects to, if it does."""
        found = {
            answer.moved_to
            for url, answer in self.answers.items()
            if url.startswith(f"{route.url}/") and answer.ok and answer.moved_to
        }
        if not found:
            return None
        where = ", ".join(sorted(str(host) for host in found))
        facts = {"mirror": route.mirror, "channel": route.channel, "host": where}
        return Notice("mirror_sends_on", facts)

    def rank(self, chain: Sequence[Route]) -> dict[str, int]:
        """Probe the mirrors of a chain concurrently, and rank them, by name, by how soon they
        answer."""
        first = {r.mirror: self._urls(r)[0] for r in chain if r.by_mirror}
        known = {url: a for url in first.values() if (a := self.cache.get(safe(url))) is not None}
        self.answers |= known
        self._ask([ProbeTarget(url) for url in first.values() if url not in known])

        def slowness(name: str) -> tuple[bool, float]:
            answer = self.answers[first[name]]
            return not answer.ok, answer.seconds

        return {name: rank for rank, name in enumerate(sorted(first, key=slowness))}


@dataclass
class Trial:
    """The answers of one mirror in a comparison; `word` is what names it after `--mirror`.

    `channels` maps each carried channel to the answer for its index, `files` each chosen file to
    its answer; `sync` is the mirror's report on its last sync (`status`, `updated` in seconds since
    1970).
    """

    name: str
    title: str
    routes: dict[str, Route]
    word: str
    first: Answer | None = None
    channels: dict[str, Answer] = field(default_factory=dict)
    files: dict[str, Answer] = field(default_factory=dict)
    sync: Mapping[str, Any] | None = None

    @property
    def ok(self) -> bool:
        """Whether the mirror answered with an index."""
        return self.first is not None and self.first.ok

    @property
    def modified(self) -> float | None:
        """The date of its newest index, in seconds since 1970; None if unknown."""
        dates = (answer.modified for answer in self.channels.values() if answer.ok)
        return max((date for date in dates if date), default=None)


def compare(trials: Sequence[Trial], subdir: str, chosen: Sequence[Build], seconds: float) -> None:
    """Probe the mirrors and fill in the trials, within `seconds` seconds.

    Each mirror first gets one request, all concurrently; only those that answer are asked for the
    rest: the index of each channel, the chosen files, and the state of their last sync if they
    publish it (`static/tunasync.json`).
    """
    end = time.monotonic() + seconds
    known = hosts([list(trial.routes.values()) for trial in trials])
    cache = ProbeCache(fresh=True)

    def index(route: Route) -> str:
        return f"{route.url}/{subdir}/repodata.json"

    firsts = {t.name: index(next(iter(t.routes.values()))) for t in trials if t.routes}
    found = probe.ask(
        [ProbeTarget(url) for url in firsts.values()],
        hosts=known,
        deadline=seconds * FIRST_SHARE,
        parallel=AT_ONCE,
    )
    for trial in trials:
        trial.first = found.get(firsts.get(trial.name, ""))
    there = [trial for trial in trials if trial.ok]
    targets: dict[str, ProbeTarget] = {}
    for trial in there:
        targets |= {index(route): ProbeTarget(index(route)) for route in trial.routes.values()}
        targets |= {target.url: target for target in _files(trial, chosen).values()}
    rest = [target for url, target in targets.items() if url not in found]
    found |= probe.ask(rest, hosts=known, deadline=max(0.1, end - time.monotonic()))
    for trial in there:
        trial.channels = {name: found[index(route)] for name, route in trial.routes.items()}
        trial.files = {fn: found[target.url] for fn, target in _files(trial, chosen).items()}
    _add_sync(there, max(0.1, end - time.monotonic()))
    cache.keep(found.values())
    cache.save()


def _files(trial: Trial, chosen: Sequence[Build]) -> dict[str, ProbeTarget]:
    """The chosen files at a mirror. Their hashes are known, but sizes only from full records."""
    return {
        build.fn: ProbeTarget(f"{route.url}/{build.subdir}/{build.fn}", build.size, hashed=True)
        for build in chosen
        if build.known_by != "derived" and (route := trial.routes.get(build.channel))
    }


def _add_sync(trials: Sequence[Trial], seconds: float) -> None:
    """Add the mirrors' reports on their last sync, if they publish them."""
    pages = {}
    for trial in trials:
        if trial.name != UPSTREAM and trial.routes:
            parts = urlsplit(next(iter(trial.routes.values())).url)
            pages[trial.name] = f"{parts.scheme}://{parts.netloc}/static/tunasync.json"
    bodies = probe.fetch_small(set(pages.values()), most=SYNC_SIZE, deadline=seconds)
    for trial in trials:
        if body := bodies.get(pages.get(trial.name, "")):
            trial.sync = _sync_job(body, trial)


def _moment(said: Any) -> float | None:
    """A time in seconds since 1970 that may have been; None for anything else."""
    moment = float(said or 0)
    return moment if 0 < moment < time.time() + DAY else None


def _sync_job(body: bytes, trial: Trial) -> Mapping[str, Any] | None:
    """The entry for the folder that the channels are in, such as `anaconda`."""
    folders = {urlsplit(r.url).path.strip("/").partition("/")[0] for r in trial.routes.values()}
    try:
        jobs = json.loads(body)
        entry = next(job for job in jobs if job["name"] in folders)
        return {
            "status": safe(str(entry["status"]))[:40],
            "updated": _moment(entry.get("last_update_ts")),
        }
    except Exception:  # the page is malformed, and it is optional
        return None
