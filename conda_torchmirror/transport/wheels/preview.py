"""The built-in list of wheels instead of a mirror's pages, for a preview without the network.

Its URLs are where the mirror should have the files; none was requested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import quote

from conda.base.context import context

from ...index.wheels import builtin
from ...models import Notice
from ...selection.wheels.link import Link
from ...selection.wheels.tables import FAMILY
from .reader import WheelReader
from .routes import Chains

#: Cached: each file is on the pages of several mirrors.
_quoted = lru_cache(maxsize=4096)(quote)


class PreviewReader(WheelReader):
    """The pages of one run as the built-in list knows them."""

    origin = "built-in"

    def __init__(self, chains: Chains, keep: Callable[[str], bool], subdir: str) -> None:
        super().__init__(chains, keep)
        known = builtin.load(subdir)
        self._known: Mapping[str, Sequence[Link]] = known.by_variant if known else {}
        self.date = known.date if known else None
        if known:
            self.notices.append(Notice("built_in_wheels", {"date": known.date}))

    @property
    def answered(self) -> bool:
        """Whether the list covers this platform. If so, a directory that the list lacks has nothing
        for the platform."""
        return bool(self._known)

    def _load(self, wanted: Mapping[str, str]) -> list[tuple[Link, ...]]:
        return [self._page(url, variant) for url, variant in wanted.items()]

    def _page(self, url: str, variant: str) -> tuple[Link, ...]:
        folder, _, project = url.rstrip("/").rpartition("/")
        if project not in FAMILY:  # a flat page, which has all projects
            folder, project = url.rstrip("/"), ""
        return tuple(
            link._replace(url=f"{folder}/{_quoted(link.filename)}")
            for link in self._known.get(variant, ())
            if project in ("", link.project) and self._keep(link.filename)
        )


def reader(chains: Chains, keep: Callable[[str], bool], subdir: str, *, shown: bool) -> WheelReader:
    """The reader of a run: of mirrors, or of the built-in list where conda is offline. `shown` says
    that the choice is only shown, for which that list will do."""
    if context.offline:
        return PreviewReader(chains, keep, subdir)
    listed = shown and subdir in builtin.platforms()
    return WheelReader(chains, keep, [Notice("preview_offline")] if listed else [])
