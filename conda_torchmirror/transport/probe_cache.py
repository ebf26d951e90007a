"""What mirrors answered in the last minutes, kept on disk so that a next run need not ask again.

One small JSON file in the folder of conda's own cached indexes: `conda clean --index-cache` makes
us forget. Nothing that goes wrong with it is worth an error. It is apart from `probe_session`,
because a command that only looks up what is remembered need not load the means to ask.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..envfiles.file_io import write_file
from ..mirrors.urls import host_of
from .answers import Answer

NAME = "torchmirror-probes.json"
SCHEMA = 1

#: How long an answer holds, in seconds. A network that was shut out stays so for hours; asking
#: again is what mirrors ask not to do.
FOUND, FAILED, BLOCKED = 600.0, 300.0, 1800.0
MOST = 300


class ProbeCache:
    """Answers by URL. `keep` adds to what is known, `save` writes it."""

    def __init__(self, *, fresh: bool = False) -> None:
        self._file = _place()
        self._known: dict[str, Answer] = {} if fresh else _load(self._file)
        self._new: list[Answer] = []

    def get(self, url: str) -> Answer | None:
        """What is known of this URL, or of the whole site that it is at."""
        about = [a for a in self._known.values() if a.url == url or _of_same_site(a, url)]
        return max(about, key=lambda answer: answer.at, default=None)

    def site_failure(self, url: str) -> Answer | None:
        """The failure that keeps the whole site of this URL from being asked, if there is one."""
        of_it = [a for a in self._known.values() if host_of(a.url) == host_of(url)]
        newest = max(of_it, key=lambda answer: answer.at, default=None)
        return newest if newest is not None and newest.of_site else None

    def keep(self, answers: Iterable[Answer]) -> None:
        """Add answers, to be written by `save`; later look-ups of this run see them at once."""
        for answer in answers:
            self._known[answer.url] = answer
            self._new.append(answer)

    def save(self) -> None:
        """Write what was added. Nothing is, unless a mirror answered well: where all fail, the
        fault is likely on this side, and may be over in a moment."""
        if self._file is None or not any(answer.ok for answer in self._new):
            return
        merged = {**_load(self._file), **{answer.url: answer for answer in self._new}}
        newest = sorted(merged.values(), key=lambda answer: answer.at)[-MOST:]
        found = {"schema": SCHEMA, "probes": [answer._asdict() for answer in newest]}
        with suppress(OSError):
            write_file(self._file, json.dumps(found))


def _of_same_site(answer: Answer, url: str) -> bool:
    return answer.of_site and host_of(answer.url) == host_of(url)


def _place() -> Path | None:
    from conda.core.subdir_data import create_cache_dir
    from conda.exceptions import CondaError

    try:
        return Path(create_cache_dir()) / NAME
    except (CondaError, OSError):
        return None


def _load(file: Path | None) -> dict[str, Answer]:
    """The answers in the file that still hold; {} for a file that cannot be read."""
    if file is None:
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["schema"] != SCHEMA:
            return {}
        answers = [_answer(entry) for entry in found["probes"]]
    except Exception:  # another program may have written anything there
        return {}
    now = time.time()
    return {answer.url: answer for answer in answers if 0 <= now - answer.at < _lifetime(answer)}


def _answer(entry: dict[str, Any]) -> Answer:
    answer = Answer(**entry)
    if not isinstance(answer.url, str) or not isinstance(answer.code, str):
        raise TypeError("no answer")
    return answer._replace(at=float(answer.at), remembered=True)


def _lifetime(answer: Answer) -> float:
    """For how many seconds it holds."""
    if answer.ok:
        return FOUND
    if answer.code == "blocked":
        return BLOCKED
    return max(FAILED, min(answer.retry_after or 0.0, BLOCKED))
