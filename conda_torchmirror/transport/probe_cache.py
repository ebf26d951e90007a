"""The answers of mirrors in this run and the last minutes, so that none is asked twice.

`redirect.answer_log` owns the file; this adds to it. It is separate from `probe_session`, because a
command that only looks up answers need not import the code that probes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from conda.base.context import context

from ..envfiles.file_io import write_file
from ..mirrors.urls import host_of
from ..redirect import answer_log
from .answers import Answer

#: Upper limit for the number of answers in the file.
MOST = 300


class ProbeCache:
    """Answers by URL. `keep` adds answers, `save` writes them to disk."""

    def __init__(self, *, fresh: bool = False) -> None:
        self._known: dict[str, Answer] = {} if fresh else _load()
        self._new: list[Answer] = []

    def get(self, url: str) -> Answer | None:
        """The answer for this URL or a failure of its whole site; None if neither is known."""
        about = [a for a in self._known.values() if a.url == url or _of_same_site(a, url)]
        return max(about, key=lambda answer: answer.at, default=None)

    def site_failure(self, url: str) -> Answer | None:
        """The failure of the whole site of this URL, if one is known."""
        of_it = [a for a in self._known.values() if host_of(a.url) == host_of(url)]
        newest = max(of_it, key=lambda answer: answer.at, default=None)
        return newest if newest is not None and newest.of_site else None

    def keep(self, answers: Iterable[Answer]) -> None:
        """Add answers, which this run can look up at once and `save` writes, without secrets."""
        for answer in answers:
            answer = answer._replace(url=answer_log.shown(answer.url))
            self._known[answer.url] = answer
            self._new.append(answer)

    def save(self, *, certain: bool = False) -> None:
        """Write the added answers, but only if a mirror answered well or the fault is `certain` to
        be the mirror's: if all fail, the cause is likely on this side, and may be gone in a moment.
        """
        if not self._new or not (certain or any(answer.ok for answer in self._new)):
            return
        file = _place()
        if file is None:
            return
        merged = {**_load(), **{answer.url: answer for answer in self._new}}
        newest = sorted(merged.values(), key=lambda answer: answer.at)[-MOST:]
        found = {"schema": answer_log.SCHEMA, "probes": [answer._asdict() for answer in newest]}
        with suppress(OSError):
            write_file(file, json.dumps(found))


def _of_same_site(answer: Answer, url: str) -> bool:
    return answer.of_site and host_of(answer.url) == host_of(url)


def _place() -> Path | None:
    """The path to write the file to, in conda's first writable package cache."""
    from conda.core.subdir_data import create_cache_dir
    from conda.exceptions import CondaError

    try:
        return Path(create_cache_dir()) / answer_log.NAME
    except (CondaError, OSError):
        return None


def _load() -> dict[str, Answer]:
    """The stored answers that are still valid."""
    entries = answer_log.read(answer_log.files(context.pkgs_dirs))
    return {url: Answer(**entry, remembered=True) for url, entry in entries.items()}
