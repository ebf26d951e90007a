"""Limits in size and time for what conda downloads in a run of ours.

Conda reads an index of any size for as long as bytes arrive; here its own fetch is bounded. Conda
also reads the page of an HTTP error to its end before it reports the error
(`CondaHTTPError.__init__`, 24.7 to 26.7), and such a page may never end; here its sessions read
only the beginning. An index that conda's solver fetches itself is bounded too.

Not bounded: the unpacked size of a single block of a compressed index (16 kB of zstd: some hundred
MB at worst); a package that is longer than its record says, which conda writes to the disk until
the server stops; a response that never gets to its status line or has endless informational
responses before it, where conda's solver or a package download waits for it; and the sessions of
conda's own commands, which we leave alone.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
from logging import ERROR, getLogger
from pathlib import Path
from threading import Lock, Thread
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from conda.base.context import context
from conda.exceptions import UnavailableInvalidChannel
from conda.gateways.connection.session import CondaSession, get_session
from conda.gateways.repodata import cache_fn_url, create_cache_dir
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from .. import __version__
from ..exceptions.causes import read_page
from ..text.messages import text
from .cache import unexpired

_T = TypeVar("_T")

#: Most bytes of an index, both as sent and as unpacked, unless the caller gives another limit.
MOST_BYTES = 2**30
#: Most seconds to wait for a block of this many bytes, and for the whole index.
_BLOCK, PATIENCE, TOTAL = 2**14, 60.0, 900.0
#: The loggers by which urllib3 reports retries, and unreadable headers with a traceback.
_LOGS = ("urllib3.connectionpool", "urllib3.connection")


class IndexTooLarge(ValueError):
    """An index is larger than the limit, and so than that of any real channel."""


class ForeignScheme(ValueError):
    """A server redirects to a URL that is neither http nor https."""


class IndexTooSlow(TimeoutError):
    """A server keeps the connection open but sends too little or nothing."""


def fetch_latest(fetch: Any, most_bytes: int | None = None) -> tuple[Any, Any]:
    """The parsed index and its state, as conda's `RepodataFetch.fetch_latest_parsed` gives them.

    Raises: what conda raises; UnavailableInvalidChannel also for those 403s and 404s that conda
    treats as an empty platform; IndexTooLarge above `most_bytes` (default MOST_BYTES);
    IndexTooSlow.
    """
    return _fetch(fetch, fetch.fetch_latest_parsed, most_bytes)


def fetch_latest_path(fetch: Any, most_bytes: int | None = None) -> tuple[Path, Any]:
    """Update the index in conda's cache, and return its path and state without reading it.

    If conda has to download it, conda itself reads the new file once, and 26.7 parses it. There is
    no file if conda is offline and has none. Raises: what `fetch_latest` raises.
    """
    cached = unexpired(fetch)
    if cached and not fetch.url_w_subdir.startswith("file:"):
        # Without the session, the thread and the imports of a download.
        return Path(cached.cache_path_json), cached.state

    def read_cache() -> tuple[str, Any]:
        # Conda's own method would read the whole file.
        cache = fetch.repo_cache
        cache.load_state()
        return "", cache.state

    fetch.read_cache = read_cache
    path, state = _fetch(fetch, fetch.fetch_latest_path, most_bytes)
    return Path(path), state


def fetch_shards(fetch: Any, names: Collection[str]) -> dict[str, Any] | None:
    """The records of these names from a sharded index (CEP 16), in the form of a plain index.

    None if this conda cannot read shards (before 26), is configured not to, or the channel has
    none, which conda remembers for a week. Conda leaves out a .tar.bz2 that exists as .conda too.

    Raises: what conda raises; IndexTooSlow.
    """
    if not getattr(context, "repodata_use_shards", False):
        return None
    try:
        from conda.gateways.shards import build_repodata_subset
    except ImportError:
        return None
    if "depth" not in signature(build_repodata_subset).parameters:
        return None  # this version would also fetch everything that these packages depend on
    cached = unexpired(fetch)
    if cached and not cached.cache_path_shards.exists():
        # If it asked for shards in vain, conda (26.7) would forget the plain index's ETag.
        return None
    url = fetch.url_w_credentials

    def subset() -> Any:
        return build_repodata_subset(sorted(names), {url: fetch.channel}, depth=0)

    # Conda fetches shards through other sessions, whose bytes are not counted: shards are small.
    found = _run(subset, _Progress(fetch.cache_path_json, MOST_BYTES, patience=TOTAL))
    if found is None:
        return None
    index: dict[str, Any] = {"packages": {}, "packages.conda": {}}
    for shards in found.values():
        for (fn, section), record in shards.iter_records_v3():
            if section in index and record.get("name") in names:
                index[section][fn] = {
                    key: value.hex() if isinstance(value, bytes) else value
                    for key, value in record.items()
                }
    return index


def _fetch(fetch: Any, job: Callable[[], Any], most_bytes: int | None) -> Any:
    """Run `job`, one of conda's methods to fetch an index, within the limits."""
    refused: list[UnavailableInvalidChannel] = []
    fetch.repo_interface_cls = _noting(fetch.repo_interface_cls, refused)
    progress = _Progress(fetch.cache_path_json, most_bytes or MOST_BYTES, patience=PATIENCE)
    with _counted(fetch.url_w_credentials, progress), quiet_pool():
        found = _run(job, progress)
    optional = context.allow_non_channel_urls and fetch.url_w_subdir.endswith("/noarch")
    if refused and not optional:
        raise refused[0]
    return found


def _noting(interface: Any, refused: list[UnavailableInvalidChannel]) -> Callable[..., Any]:
    """Wrap conda's repo interface class so that refusals of the server are added to `refused`."""

    def make(*args: Any, **kwargs: Any) -> Any:
        repo = interface(*args, **kwargs)
        name = "repodata_parsed" if hasattr(repo, "repodata_parsed") else "repodata"
        method = getattr(repo, name)

        def noting(state: Any) -> Any:
            try:
                return method(state)
            except UnavailableInvalidChannel as error:
                refused.append(error)
                raise

        setattr(repo, name, noting)
        return repo

    return make


class _Progress:
    """The size of an index so far, and the time at which its last block arrived."""

    def __init__(self, path: Path, most_bytes: int, *, patience: float) -> None:
        self._path, self._most, self.patience = path, most_bytes, patience
        self._begun = self._last = time.monotonic()
        self._size = self._counted = 0
        self.given_up = False

    def add(self, size: int, *, least: int = 0) -> None:
        """Count a block, or what has arrived of one of `least` bytes.

        Raises: IndexTooLarge, IndexTooSlow.
        """
        self._size += size
        if self.given_up or (least and self.too_slow()):
            raise IndexTooSlow(text("index_too_slow", {"seconds": round(self.patience)}))
        if self._size - self._counted >= least:
            self._counted, self._last = self._size, time.monotonic()
        if max(self._size, self._unpacked()) > self._most:
            raise IndexTooLarge(text("index_too_large", {"megabytes": self._most >> 20}))

    def too_slow(self) -> bool:
        """Whether a time limit has passed."""
        now = time.monotonic()
        return now - self._last > self.patience or now - self._begun > TOTAL

    def _unpacked(self) -> int:
        """Size in bytes of the file to which conda unpacks the index, `<name>.<random>.tmp`."""
        name = self._path.stem[:8]  # as of cache_fn_url; a mark for .tar.bz2 may follow
        try:
            return max(path.stat().st_size for path in self._path.parent.glob(f"{name}.*.tmp"))
        except (OSError, ValueError):
            return 0


class _CountedBody:
    """A wrapper around the body of a response that counts every block that is read."""

    def __init__(self, raw: Any, progress: _Progress) -> None:
        self._raw, self._progress = raw, progress
        raw.decode_content = True  # as conda (26) sets it before it reads

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amt: int = _BLOCK, decode_content: bool | None = None) -> Iterator[bytes]:
        """Yield the blocks, as urllib3's method of this name does."""
        for block in self._raw.stream(amt, decode_content=decode_content):
            self._progress.add(len(block))
            yield block

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        """Read bytes, as urllib3's method of this name does."""
        block: bytes = self._raw.read(*args, **kwargs)
        self._progress.add(len(block))
        return block


class _TimedBody(_CountedBody):
    """The same where only its reader sees the time, and so waits for no whole block (not with
    urllib3 1)."""

    def stream(self, amt: int = _BLOCK, decode_content: bool | None = None) -> Iterator[bytes]:
        if not hasattr(self._raw, "read1"):
            yield from super().stream(amt, decode_content)
        while block := self.read(amt, decode_content=decode_content):
            yield block

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        if not (args and args[0] and hasattr(self._raw, "read1")):
            return super().read(*args, **kwargs)
        block: bytes = self._raw.read1(*args, **kwargs)
        self._progress.add(len(block), least=_BLOCK)
        return block


@contextmanager
def _counted(url: str, progress: _Progress) -> Iterator[None]:
    """Count the bytes that conda's session for this URL receives, and refuse foreign redirects."""

    def count(response: Any, **_: Any) -> None:
        # Conda's session would follow a redirect from the web to a file of this machine.
        if response.is_redirect:
            onward = urljoin(response.url, response.headers["Location"])
            if urlsplit(onward).scheme not in ("http", "https"):
                raise ForeignScheme(
                    text("index_foreign_scheme", {"scheme": urlsplit(onward).scheme})
                )
        if hasattr(response.raw, "stream"):  # the response for a local file has none
            response.raw = _CountedBody(response.raw, progress)

    hooks = get_session(url).hooks.setdefault("response", [])
    hooks.append(count)
    try:
        yield
    finally:
        hooks.remove(count)


def _run(job: Callable[[], Any], progress: _Progress) -> Any:
    """Run the job in a thread that is abandoned when it is too slow, because a read that waits for
    the next byte cannot be interrupted."""
    results: list[Any] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(job())
        except BaseException as error:
            errors.append(error)

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.5)
            if thread.is_alive() and progress.too_slow():
                raise IndexTooSlow(text("index_too_slow", {"seconds": round(progress.patience)}))
    finally:
        progress.given_up = True
    if errors:
        raise errors[0]
    return results[0]


@contextmanager
def bounded() -> Iterator[None]:
    """Keep conda's sessions from reading the page of an HTTP error to its end, and an index beyond
    the limits, which the solver would, of the channels that only it reads."""
    send = CondaSession.send

    def send_bounded(self: Any, request: Any, **kwargs: Any) -> Any:
        if "repodata" in request.url.rpartition("/")[2] and "Range" not in request.headers:
            request.hooks["response"] = [*request.hooks.get("response", ()), _bound(request.url)]
        response = send(self, request, **kwargs)
        if response.status_code >= 400 and kwargs.get("stream"):
            response._content = read_page(response)
            response._content_consumed = True
            response.raw.close()
        return response

    CondaSession.send = send_bounded
    try:
        yield
    finally:
        CondaSession.send = send


def _bound(url: str) -> Callable[..., None]:
    """A hook that bounds the index at this URL, in time and in size, as sent and as unpacked."""
    path = Path(create_cache_dir(), cache_fn_url(*url.removesuffix(".zst").rsplit("/", 1)))

    def bound(response: Any, **_: Any) -> None:
        if hasattr(response.raw, "stream") and not isinstance(response.raw, _CountedBody):
            response.raw = _TimedBody(response.raw, _Progress(path, MOST_BYTES, patience=PATIENCE))

    return bound


@contextmanager
def quiet_pool() -> Iterator[None]:
    """Silence urllib3's warnings during the block: failures are reported once, in our words."""
    logs = [getLogger(name) for name in _LOGS]
    levels = [log.level for log in logs]
    if not context.verbosity:
        for log in logs:
            log.setLevel(ERROR)
    try:
        yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


def session_without_retries(url: str) -> Any:
    """Conda's session for this URL and its connections, without retries and questions for a log-in
    at a proxy, which several threads would ask at once."""

    def once(adapter: Any) -> Any:
        if not isinstance(adapter, HTTPAdapter):
            return adapter
        twin = object.__new__(type(adapter))
        twin.__dict__.update(adapter.__dict__)
        twin.max_retries = Retry(0, read=False, raise_on_status=False)
        return twin

    def unasked(request: Any) -> Any:
        made = asked(request) if callable(asked) else request
        made.hooks["response"] = []
        return made

    session = copy.copy(get_session(url))
    asked, session.auth = session.auth, unasked
    session.adapters = type(session.adapters)((k, once(v)) for k, v in session.adapters.items())
    return session


def user_agent() -> str:
    """The User-Agent header: this project, then conda's own value."""
    return f"conda-torchmirror/{__version__} {context.user_agent}"


def run_within(
    waiting: Sequence[tuple[str, Callable[[], _T]]], limit: float, parallel: int
) -> dict[str, _T | None]:
    """Run jobs in at most `parallel` threads; return the results by URL, None for each job that has
    not ended after `limit` seconds.

    Its thread is abandoned: a name lookup that hangs in the C library cannot be interrupted.
    """
    answers: dict[str, _T] = {}
    jobs, lock = iter(waiting), Lock()

    def work() -> None:
        while True:
            with lock:
                if (following := next(jobs, None)) is None:
                    return
            answers[following[0]] = following[1]()

    end = time.monotonic() + limit
    threads = [Thread(target=work, daemon=True) for _ in waiting[:parallel]]
    with quiet_pool():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
    return {url: answers.get(url) for url, _ in waiting}
