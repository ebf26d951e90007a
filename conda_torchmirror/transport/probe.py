"""Asking mirrors whether they are there and hold a file: one request for the first bytes of each.

Owns the requests (through conda's own session: its proxies, certificates and credentials), the
naming of everything that can come back (`Answer.code`), and what is remembered of it for minutes.
Every request is a GET for a few bytes: a HEAD shows neither a block page nor a web page that stands
in for a file. None is repeated, and all of them together end by a deadline.
"""

from __future__ import annotations

import copy
import errno
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from .. import __version__
from ..mirrors.registry import UPSTREAM_CLOUD, UPSTREAM_PKGS, Mirror, host_of, is_loopback
from ..models import Notice
from ..text.layout import safe
from .block_page import block_page

#: Requests that are under way at one time, to all mirrors together.
PARALLEL = 8
#: Bytes of a file that are asked for, and of a page that are read for what it says.
FIRST, PAGE = 16, 65536
#: Conda gives up after 30 redirects (requests' own limit); a mirror needs one or two.
HOPS = 8

#: What one answer, or the lack of one, says of the whole site and not of one file.
OF_THE_SITE = frozenset(("refused", "dns", "tls", "timeout", "unreachable", "blocked"))

_T = TypeVar("_T")
_MAGIC = {".bz2": b"BZh", ".conda": b"PK", ".zst": b"\x28\xb5\x2f\xfd"}


@dataclass(frozen=True)
class Target:
    """A file to ask for. `size` in bytes where known; `hashed` says that its hash is known, so
    that it may come from any host."""

    url: str
    size: int | None = None
    hashed: bool = False


@dataclass(frozen=True)
class Answer:
    """What came back for a file; nothing in it names a secret.

    `code` is "ok" or says what went wrong. `seconds` is the time until the first bytes, `modified`
    and `at` (when it was asked) are in seconds since 1970, `size` is the whole file's in bytes,
    `host` the one that answered in the end. `identifier` and `support` come from a block page.
    """

    url: str
    code: str
    seconds: float = 0.0
    status: int | None = None
    host: str = ""
    detail: str = ""
    modified: float | None = None
    size: int | None = None
    identifier: str | None = None
    support: str | None = None
    retry_after: float | None = None
    at: float = 0.0
    remembered: bool = False

    @property
    def ok(self) -> bool:
        """Whether the file is there."""
        return self.code == "ok"

    @property
    def of_site(self) -> bool:
        """Whether it says something of the whole site that was asked."""
        return self.code in OF_THE_SITE and self.moved_to is None

    @property
    def moved_to(self) -> str | None:
        """The host that answered, where it is another one than was asked."""
        return self.host if self.host and self.host != host_of(self.url) else None

    @property
    def reason(self) -> Notice:
        """What to say of it: a code of `messages`, and its facts."""
        facts = {
            "what": file_of(self.url),
            "host": self.host or host_of(self.url),
            "status": self.status or 0,
            "detail": self.detail,
            "seconds": f"{self.seconds:.3g}",
            "identifier": self.identifier or "not given",
            "support": self.support or "the mirror's operators",
            "minutes": max(1, round((time.time() - self.at) / 60)),
        }
        return Notice(f"probe_{self.code}", facts)


def now() -> float:
    """Seconds since 1970."""
    return time.time()


def file_of(url: str) -> str:
    """The name of the file, with its subdir where it is an index."""
    parts = urlsplit(url).path.split("/")
    return "/".join(parts[-2:] if "repodata" in parts[-1] else parts[-1:])


def known_hosts(mirrors: Iterable[Mirror]) -> frozenset[str]:
    """The hosts that an index may come from: those of the mirrors, of their own redirects, and of
    the official channels."""
    found = {host_of(UPSTREAM_CLOUD), host_of(UPSTREAM_PKGS)}
    for mirror in mirrors:
        found |= {host_of(url) for url in (*mirror.roots, *mirror.parents)}
        found |= {host_of(carried.url) for carried in mirror.channels.values()}
        found |= {host.lower() for host in mirror.redirects_to}
    return frozenset(found)


def ask(
    targets: Sequence[Target],
    *,
    hosts: frozenset[str] = frozenset(),
    deadline: float | None = None,
    parallel: int = PARALLEL,
) -> dict[str, Answer]:
    """Ask for all targets at once and return what came back by URL.

    `deadline` is in seconds and bounds the whole call, by default conda's connect timeout; what
    has not answered then is a `timeout`. URLs that are not http are taken to be there. `parallel`
    is for callers that ask each mirror for one file.
    """
    from conda.base.context import context

    if not context.ssl_verify:
        from conda.gateways.connection.download import disable_ssl_verify_warning

        disable_ssl_verify_warning()
    limit = float(context.remote_connect_timeout_secs) if deadline is None else deadline
    found: dict[str, Answer] = {}
    waiting: list[tuple[str, Callable[[], Answer]]] = []
    for target in {target.url: target for target in targets}.values():
        if urlsplit(target.url).scheme in ("http", "https"):
            session = _session(target.url)
            waiting.append((target.url, partial(_ask, session, target, hosts, limit)))
        else:
            found[target.url] = Answer(safe(target.url), "ok", at=time.time())
    lost = partial(Answer, code="timeout", seconds=limit, at=time.time())
    for url, probe in _within(waiting, limit, parallel).items():
        found[url] = probe or lost(safe(url), host=host_of(url))
    return found


def read(urls: Iterable[str], *, most: int, deadline: float) -> dict[str, bytes]:
    """The content of small files by URL, all asked for at once; what is larger than `most` bytes,
    redirected or not there is left out. `deadline` is in seconds, for all of them."""
    waiting = [(url, partial(_read, _session(url), url, most, deadline)) for url in urls]
    return {url: body for url, body in _within(waiting, deadline, PARALLEL).items() if body}


def _read(session: Any, url: str, most: int, limit: float) -> bytes | None:
    headers = {"User-Agent": user_agent()}
    try:
        response = session.get(
            url, headers=headers, stream=True, allow_redirects=False, timeout=limit
        )
        with closing(response):
            if response.status_code != 200:
                return None
            body: bytes = response.raw.read(most + 1, decode_content=True)
            return body if len(body) <= most else None
    except Exception:  # nobody depends on such a file
        return None


def _within(
    waiting: Sequence[tuple[str, Callable[[], _T]]], limit: float, parallel: int
) -> dict[str, _T | None]:
    """Run the jobs in threads that are left behind at the limit: a look-up that hangs in the C
    library cannot be ended, and must not hold up the end of the process."""
    answers: dict[str, _T] = {}
    jobs = iter(waiting)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                url, job = next(jobs, (None, None))
            if url is None or job is None:
                return
            answers[url] = job()

    end = time.monotonic() + limit
    count = min(parallel, len(waiting))
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return {url: answers.get(url) for url, _ in waiting}


def _session(url: str) -> Any:
    """Conda's session for this URL, sharing its connections, but without its retries."""
    from conda.gateways.connection.session import get_session
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    def once(adapter: Any) -> Any:
        if not isinstance(adapter, HTTPAdapter):
            return adapter
        twin = object.__new__(type(adapter))
        twin.__dict__.update(adapter.__dict__)
        twin.max_retries = Retry(0, read=False, raise_on_status=False)
        return twin

    session = copy.copy(get_session(url))
    session.adapters = type(session.adapters)(
        (prefix, once(adapter)) for prefix, adapter in session.adapters.items()
    )
    return session


def user_agent() -> str:
    """Who is asking: this project, then conda's own words."""
    from conda.base.context import context

    return f"conda-torchmirror/{__version__} {context.user_agent}"


def _ask(session: Any, target: Target, hosts: frozenset[str], limit: float) -> Answer:
    """One request, its redirects followed by hand so that each can be refused."""
    started, now = time.monotonic(), time.time()
    probe = Answer(safe(target.url), "ok", host=host_of(target.url), at=now)
    found = _follow(session, target, hosts, limit, probe)
    return replace(found, seconds=time.monotonic() - started)


def _follow(
    session: Any, target: Target, hosts: frozenset[str], limit: float, probe: Answer
) -> Answer:
    url, seen = target.url, [target.url]
    headers = {
        "User-Agent": user_agent(),
        "Range": f"bytes=0-{FIRST - 1}",
        "Accept-Encoding": "identity",
    }
    while True:
        try:
            response = session.get(
                url, headers=headers, stream=True, allow_redirects=False, timeout=limit
            )
            with closing(response):
                if not response.is_redirect:
                    return replace(probe, host=host_of(url), **_judged(response, target))
                onward = urljoin(url, response.headers["Location"])
                _drain(response)
        except Exception as error:  # whatever it is, the file is not to be had from here
            code, detail = failure(error)
            return elsewhere(replace(probe, code=code, detail=detail), url)
        refusal = _refused_redirect(onward, target, hosts | {probe.host})
        if onward in seen or len(seen) > HOPS:
            refusal = "redirect_loop"
        if refusal is not None:
            status, host = response.status_code, host_of(onward)
            return replace(probe, code=refusal, status=status, host=host)
        seen.append(onward)
        url = onward


def _refused_redirect(url: str, target: Target, hosts: frozenset[str]) -> str | None:
    """Why a redirect to this URL is not followed, or None."""
    parts, asked = urlsplit(url), urlsplit(target.url)
    loopback = is_loopback(parts.hostname or "")
    # A mirror that the user has allowed to be plain http may go on being so.
    plain = loopback or (asked.scheme == "http" and not is_loopback(asked.hostname or ""))
    if parts.scheme != "https" and not (parts.scheme == "http" and plain):
        return "insecure"
    if not target.hashed and not loopback and host_of(url) not in hosts:
        return "foreign"
    return None


def _drain(response: Any) -> None:
    """Read a short rest, so that the connection can be used again."""
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and int(length) <= PAGE:
        response.raw.read(int(length))


def _judged(response: Any, target: Target) -> dict[str, Any]:
    """The fields of a Answer that an answer gives."""
    status, headers = response.status_code, response.headers
    facts: dict[str, Any] = {"status": status, "modified": _time(headers.get("Last-Modified"))}
    if status not in (200, 206):
        return {**facts, **refusal(status, headers, response.raw.read(PAGE))}
    facts["size"] = size = _whole(status, headers)
    first = response.raw.read(FIRST)
    if code := _content(first, headers, urlsplit(target.url).path):
        return {**facts, "code": code, "detail": safe(headers.get("Content-Type", ""))[:80]}
    return {**facts, **_size(size, target)}


def _size(size: int | None, target: Target) -> dict[str, Any]:
    if target.size is None or size is None or size == target.size:
        return {"code": "ok", "detail": ""}
    return {"code": "wrong_size", "detail": f"{size} instead of {target.size} bytes"}


def judged_again(probe: Answer, target: Target) -> Answer:
    """A probe that is remembered, for a target whose size another index gives."""
    sized = probe.code in ("ok", "wrong_size")
    return replace(probe, **_size(probe.size, target)) if sized else probe


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The fields of a Answer that an HTTP status other than 200 gives.

    A 403 with a page that names an identifier or an address means that the mirror has shut out
    this network; it is read to the user, who else takes it for a matter of log-in.
    """
    codes = {401: "unauthorized", 404: "not_found", 410: "not_found", 429: "busy", 503: "busy"}
    if status == 403:
        identifier, support = block_page(body.decode("utf-8", "replace"))
        code = "blocked" if identifier or support else "forbidden"
        return {"code": code, "identifier": identifier, "support": support}
    code = codes.get(status, "server_error" if status >= 500 else "bad_status")
    return {"code": code, "retry_after": _delay(headers.get("Retry-After"))}


def _content(first: bytes, headers: Mapping[str, str], path: str) -> str | None:
    """What the first bytes are instead of the file, or None."""
    magic = next((magic for end, magic in _MAGIC.items() if path.endswith(end)), None)
    if path.endswith(".json"):
        magic = b"{"
        first = first.lstrip(b" \t\r\n\xef\xbb\xbf")
    if magic is None or first.startswith(magic):
        return None
    looks = first.lstrip().startswith(b"<") or "html" in headers.get("Content-Type", "")
    return "html" if looks else "not_the_file"


def _whole(status: int, headers: Mapping[str, str]) -> int | None:
    """The size of the whole file in bytes."""
    said = headers.get("Content-Length" if status == 200 else "Content-Range", "")
    number = said.rpartition("/")[2].strip()
    return int(number) if number.isdigit() else None


def _time(said: str | None) -> float | None:
    try:
        return parsedate_to_datetime(said or "").timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _delay(said: str | None) -> float | None:
    """The seconds of a Retry-After, which may also hold a date."""
    if said and said.strip().isdigit():
        return float(said)
    moment = _time(said)
    return None if moment is None else max(0.0, moment - time.time())


def elsewhere(probe: Answer, url: str) -> Answer:
    """The probe where the connection that failed was to `url`: after a redirect to another host
    the mirror itself is well."""
    host = host_of(url)
    if host == host_of(probe.url):
        return probe
    return replace(probe, code="redirect_dead", host=host)


def failure(error: BaseException) -> tuple[str, str]:
    """The code and the words for an exception of requests, urllib3 or the operating system."""
    from requests import exceptions as http
    from urllib3 import exceptions as lower

    chain = list(_chain(error))

    def holds(*kinds: type[BaseException]) -> bool:
        return any(isinstance(part, kinds) for part in chain)

    # In this order: urllib3 1 takes every connection that fails for one that timed out.
    kinds: dict[str, tuple[type[BaseException], ...]] = {
        "proxy": (http.ProxyError, lower.ProxyError),
        "dns": (socket.gaierror,),
        "tls": (http.SSLError, lower.SSLError),
        "redirect_loop": (http.TooManyRedirects,),
        "refused": (ConnectionRefusedError,),
        "reset": (ConnectionResetError, ConnectionAbortedError, BrokenPipeError),
        "timeout": (http.Timeout, lower.TimeoutError, TimeoutError),
        "cut": (ConnectionError, lower.ProtocolError, http.ChunkedEncodingError),
    }
    words = safe(_words(chain[-1]))
    away = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}
    if any(isinstance(part, OSError) and part.errno in away for part in chain):
        return "unreachable", words
    code = next((code for code, found in kinds.items() if holds(*found)), "unreachable")
    return "reset" if code == "cut" else code, words


def _chain(error: BaseException) -> Iterable[BaseException]:
    """An exception and what it wraps: urllib3 and requests keep the cause in an argument."""
    seen: list[BaseException] = []
    todo: list[Any] = [error]
    while todo and len(seen) < 20:
        part = todo.pop(0)
        if not isinstance(part, BaseException) or part in seen:
            continue
        seen.append(part)
        todo += [getattr(part, "reason", None), *part.args, part.__cause__, part.__context__]
    return seen


def _words(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:160]
