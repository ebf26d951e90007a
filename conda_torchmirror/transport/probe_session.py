"""What was asked of mirrors in one run, and what the answers say: at most one request a file.

Owns which files of a source are asked for, what is remembered from former runs, and the verdicts
that need more than one answer: which form of the index to read, where a mirror sends on to, and
which mirror is the quickest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..mirrors import registry
from ..models import Notice, Route
from ..text.layout import safe
from . import probe as probing
from .probe import Answer, Target
from .probe_cache import ProbeCache
from .routes import OWN, private

#: By how many seconds a compressed index may be older than the plain one of the same sync.
ZST_LAG = 3600.0

#: A file, and the source that it is to come from.
Wanted = tuple[Route, Target]


class Asker:
    """The answers of one run. `hosts` are those that an index may be redirected to."""

    def __init__(self, subdir: str, hosts: frozenset[str]) -> None:
        self.subdir, self.hosts = subdir, hosts
        self.memory = ProbeCache()
        self.answers: dict[str, Answer] = {}

    def indexes(self, source: Route) -> list[Wanted]:
        """The index of a channel in both forms, and that of noarch; [] where conda is not led
        elsewhere by us: the official channels, and the user's own server."""
        if source.mirror == registry.UPSTREAM or private(source):
            return []
        return [(source, Target(url)) for url in self._urls(source)]

    def _urls(self, source: Route) -> tuple[str, str, str]:
        plain = f"{source.url}/{self.subdir}/repodata.json"
        return plain, f"{plain}.zst", f"{source.url}/noarch/repodata.json"

    def ask(self, wanted: Iterable[Wanted], last: frozenset[str]) -> list[tuple[Route, Answer]]:
        """Ask for what is not known yet, and return what failed, the gravest first.

        Of the channels in `last`, which have no other source, no failure is taken from memory.
        """
        rows = list(wanted)
        new = []
        for source, target in rows:
            known = self.memory.get(safe(target.url))
            if target.url in self.answers:
                continue
            if known is not None and (known.ok or source.name not in last):
                self.answers[target.url] = probing.judged_again(known, target)
            else:
                new.append(target)
        self._ask(new)
        failed = [
            (source, probe)
            for source, target in rows
            # Conda does without the compressed form.
            if not (probe := self.answers[target.url]).ok and not target.url.endswith(".zst")
        ]
        # What is of the whole site explains the rest.
        return sorted(failed, key=lambda pair: not pair[1].of_site)

    def _ask(self, targets: Sequence[Target]) -> None:
        if targets:
            found = probing.ask(targets, hosts=self.hosts)
            self.answers |= found
            self.memory.keep(found.values())

    def keep(self, probe: Answer) -> None:
        """Add what conda found out."""
        self.answers[probe.url] = probe
        self.memory.keep([probe])

    def bad_zst(self, source: Route) -> str | None:
        """The code of what is wrong with the compressed index, where the plain one is sound."""
        plain, packed = (self.answers.get(url) for url in self._urls(source)[:2])
        if plain is None or packed is None or not plain.ok:
            return None
        if not packed.ok:
            return None if packed.code == "not_found" else "index_zst_broken"
        dated = plain.modified is not None and packed.modified is not None
        if dated and (packed.modified or 0) < (plain.modified or 0) - ZST_LAG:
            return "index_zst_old"
        return None

    def sent_on(self, source: Route) -> Notice | None:
        """Where a mirror redirects to, if it does."""
        hosts = {
            probe.moved_to
            for url, probe in self.answers.items()
            if url.startswith(f"{source.url}/") and probe.ok and probe.moved_to
        }
        if not hosts:
            return None
        where = ", ".join(sorted(str(host) for host in hosts))
        facts = {"mirror": source.mirror, "channel": source.name, "host": where}
        return Notice("mirror_sends_on", facts)

    def quickest_first(self, chain: Sequence[Route]) -> dict[str, int]:
        """The mirrors of a chain by name, each with its rank; all are asked at once."""
        first = {
            s.mirror: self._urls(s)[0] for s in chain if s.mirror not in (registry.UPSTREAM, OWN)
        }
        known = {url: p for url in first.values() if (p := self.memory.get(safe(url))) is not None}
        self.answers |= known
        self._ask([Target(url) for url in first.values() if url not in known])

        def slowness(name: str) -> tuple[bool, float]:
            probe = self.answers[first[name]]
            return not probe.ok, probe.seconds

        return {name: rank for rank, name in enumerate(sorted(first, key=slowness))}
