"""Probe whether mirrors answer and have a file, by one request for the first bytes of each.

Requests use conda's own session, with its proxies, certificates and credentials. Each is a GET for
a few bytes, because a HEAD reveals neither a block page nor a web page in place of a file. None is
repeated, and all of them together end by a deadline.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from conda.base.context import context
from conda.gateways.connection.download import disable_ssl_verify_warning

from ..exceptions.causes import PAGE, read_page
from ..index.fetch import run_within, session_without_retries, user_agent
from ..mirrors.urls import host_of, is_loopback, with_login_of
from ..text.sanitize import safe
from .answers import (
    Answer,
    compare_size,
    content_code,
    http_time,
    refusal,
    whole_number,
    whole_size,
)
from .failures import network_code

#: Concurrent requests, to all mirrors together.
PARALLEL = 8
#: Bytes of a file to request.
FIRST = 16
#: Characters that are shown at most of an address without a host.
SHOWN = 60
#: Conda gives up after 30 redirects (requests' own limit); a mirror needs one or two.
HOPS = 8


class ProbeTarget(NamedTuple):
    """A file to probe. `size` is in bytes, None if unknown; `hashed` says that its hash is known,
    so that it may come from any host."""

    url: str
    size: int | None = None
    hashed: bool = False


def ask(
    targets: Sequence[ProbeTarget],
    *,
    hosts: frozenset[str] = frozenset(),
    deadline: float | None = None,
    parallel: int = PARALLEL,
) -> dict[str, Answer]:
    """Probe all targets concurrently and return the answers by URL.

    `deadline` bounds the whole call, in seconds, by default conda's connect timeout; targets that
    have not answered by then are a `timeout`. An index may be redirected only to `hosts`. URLs that
    are not http are assumed to exist. `parallel` may be raised if each mirror gets one request.
    """
    if not context.ssl_verify:
        disable_ssl_verify_warning()
    limit = float(context.remote_connect_timeout_secs) if deadline is None else deadline
    found: dict[str, Answer] = {}
    waiting: list[tuple[str, Callable[[], Answer]]] = []
    for target in {target.url: target for target in targets}.values():
        if urlsplit(target.url).scheme in ("http", "https"):
            session = session_without_retries(target.url)
            waiting.append((target.url, partial(_ask, session, target, hosts, limit)))
        else:
            found[target.url] = Answer(safe(target.url), "ok", at=time.time())
    lost = partial(Answer, code="timeout", seconds=limit, at=time.time())
    for url, answer in run_within(waiting, limit, parallel).items():
        found[url] = answer or lost(safe(url), host=host_of(url))
    return found


def fetch_small(urls: Iterable[str], *, most: int, deadline: float) -> dict[str, bytes]:
    """Fetch small files concurrently, and return their content by URL, without those larger than
    `most` bytes, redirected or missing. `deadline`, in seconds, is for all of them."""
    waiting = [
        (url, partial(_fetch, session_without_retries(url), url, most, deadline)) for url in urls
    ]
    return {url: body for url, body in run_within(waiting, deadline, PARALLEL).items() if body}


def _fetch(session: Any, url: str, most: int, limit: float) -> bytes | None:
    # Not compressed, because a server could send a few bytes that unpack to any size.
    headers = {"User-Agent": user_agent(), "Accept-Encoding": "identity"}
    try:
        response = session.get(
            url, headers=headers, stream=True, allow_redirects=False, timeout=limit
        )
        with closing(response):
            if response.status_code != 200:
                return None
            body: bytes = response.raw.read(most + 1, decode_content=False)
            return body if len(body) <= most else None
    except Exception:  # such a file is optional
        return None


def _ask(session: Any, target: ProbeTarget, hosts: frozenset[str], limit: float) -> Answer:
    started = time.monotonic()
    asked = Answer(safe(target.url), "ok", host=host_of(target.url), at=time.time())
    found = _follow(session, target, hosts, limit, asked)
    return found._replace(seconds=time.monotonic() - started)


def _follow(
    session: Any, target: ProbeTarget, hosts: frozenset[str], limit: float, asked: Answer
) -> Answer:
    """Send one request, following redirects by hand so that each can be refused."""
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
                    return asked._replace(host=host_of(url), **_read(response, target))
                onward = with_login_of(urljoin(url, response.headers["Location"]), url)
                _drain(response)
            refused = _refused_redirect(onward, target, hosts | {asked.host})
        except Exception as error:  # whatever it is, the file is not available here
            code, detail = network_code(error)
            return asked._replace(code=code, detail=detail).failed_at(url)
        if onward in seen or len(seen) > HOPS:
            refused = "redirect_loop"
        if refused is not None:
            status, host = response.status_code, host_of(onward) or safe(onward)[:SHOWN]
            return asked._replace(code=refused, status=status, host=host)
        seen.append(onward)
        url = onward


def _refused_redirect(url: str, target: ProbeTarget, hosts: frozenset[str]) -> str | None:
    """Why a redirect to this URL is not followed, or None."""
    parts, asked = urlsplit(url), urlsplit(target.url)
    loopback = is_loopback(parts.hostname or "")
    # A mirror that the user has allowed to use plain http may redirect to plain http.
    plain = loopback or (asked.scheme == "http" and not is_loopback(asked.hostname or ""))
    if parts.scheme != "https" and not (parts.scheme == "http" and plain):
        return "insecure"
    if not target.hashed and not loopback and host_of(url) not in hosts:
        return "foreign"
    return None


def _drain(response: Any) -> None:
    """Read the rest of a short response, so that the connection can be reused."""
    length = whole_number(response.headers.get("Content-Length"))
    if length is not None and length <= PAGE:
        response.raw.read(length)


def _read(response: Any, target: ProbeTarget) -> dict[str, Any]:
    """The fields of an Answer for a response."""
    status, headers = response.status_code, response.headers
    facts = {"status": status, "modified": http_time(headers.get("Last-Modified"))}
    if status not in (200, 206):
        return {**facts, **refusal(status, headers, read_page(response))}
    facts["size"] = size = whole_size(status, headers)
    if code := content_code(response.raw.read(FIRST), headers, target.url):
        return {**facts, "code": code, "detail": safe(headers.get("Content-Type", ""))[:80]}
    return {**facts, **compare_size(size, target.size)}
