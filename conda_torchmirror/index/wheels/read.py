"""Reading pages of links through conda's own session: its proxies, certificates, credentials, and
its word on offline work. Bounded in bytes, hops and time, whatever a server sends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from conda.base.context import context

from ...mirrors.urls import host_of, is_loopback
from ..fetch import bounded_pages, read_page, run_within, session_without_retries, user_agent
from .pages import JSON

#: Bytes of a page, unpacked: that of PyTorch's own for torch has 700,000.
BYTES = 32_000_000
#: Seconds for all pages of a call, and redirects of one.
SECONDS, HOPS = 60.0, 5
#: Requests under way at one time, all to one mirror.
PARALLEL = 4

_ACCEPT = f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1, */*;q=0.01"


class PageTooLarge(ValueError):
    """A server sends more than any page of links has."""


class ForeignPage(ValueError):
    """A page is redirected to where nothing vouches for it: `host`."""

    def __init__(self, host: str, *, insecure: bool) -> None:
        """Keep the host, and whether it is refused because it would be read without TLS."""
        super().__init__(host)
        self.host, self.insecure = host, insecure


class BadStatus(Exception):
    """A status other than 200. `page` is the beginning of what came with it."""

    def __init__(self, status: int, headers: Mapping[str, str], page: bytes) -> None:
        """Keep the answer."""
        super().__init__(f"HTTP {status}")
        self.status, self.headers, self.page = status, headers, page


class Body(NamedTuple):
    """What a server sent for a page; `url` is where it came from in the end."""

    url: str
    content: bytes
    media_type: str


def read_pages(
    urls: Iterable[str], hosts: frozenset[str] = frozenset(), seconds: float = SECONDS
) -> dict[str, Body | Exception]:
    """The pages by their addresses, or what went wrong with each: BadStatus, PageTooLarge,
    ForeignPage, TimeoutError, or what the session raises. `hosts` may be redirected to."""
    end = time.monotonic() + seconds
    jobs = [(url, partial(_read_or_error, url, hosts, end)) for url in dict.fromkeys(urls)]
    with bounded_pages():
        found = run_within(jobs, seconds, PARALLEL)
    return {url: body or TimeoutError(url) for url, body in found.items()}


def _read_or_error(url: str, hosts: frozenset[str], end: float) -> Body | Exception:
    try:
        return _read(url, hosts, end)
    except Exception as error:
        return error


def _read(url: str, hosts: frozenset[str], end: float) -> Body:
    asked = url
    for _ in range(HOPS + 1):
        response = session_without_retries(url).get(
            url,
            headers={"Accept": _ACCEPT, "User-Agent": user_agent()},
            stream=True,
            allow_redirects=False,
            timeout=(context.remote_connect_timeout_secs, context.remote_read_timeout_secs),
        )
        with closing(response):
            if not response.is_redirect:
                return _body(url, response, end)
            onward = urljoin(url, response.headers["Location"])
        _check_redirect(asked, onward, hosts)
        url = onward
    raise ForeignPage(host_of(url), insecure=False)


def _body(url: str, response: Any, end: float) -> Body:
    if response.status_code != 200:
        raise BadStatus(response.status_code, response.headers, read_page(response))
    blocks: list[bytes] = []
    size = 0
    stream: Callable[..., Any] = response.raw.stream
    for block in stream(65536, decode_content=True):
        size += len(block)
        if size > BYTES:
            raise PageTooLarge(size)
        if time.monotonic() > end:
            raise TimeoutError(url)
        blocks.append(block)
    return Body(url, b"".join(blocks), response.headers.get("Content-Type", ""))


def _check_redirect(asked: str, onward: str, hosts: frozenset[str]) -> None:
    """Raises: ForeignPage, ValueError for what is no address."""
    parts = urlsplit(onward)
    loopback = is_loopback(parts.hostname or "")
    plain = loopback or urlsplit(asked).scheme == "http"
    if parts.scheme != "https" and not (parts.scheme == "http" and plain):
        raise ForeignPage(host_of(onward), insecure=True)
    if not loopback and host_of(onward) not in hosts | {host_of(asked)}:
        raise ForeignPage(host_of(onward), insecure=False)
