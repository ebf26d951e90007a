"""Fetching pages of links through conda's own session, with its proxies, certificates, credentials
and offline mode. Bounded in bytes, redirects and time, whatever a server sends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from conda.base.context import context

from ...exceptions.causes import read_page
from ...mirrors.urls import host_of, is_loopback, with_login_of
from ..fetch import bounded, run_within, session_without_retries, user_agent
from .pages import JSON

#: Most bytes of a page, unpacked; PyTorch's own page for torch has 700,000.
BYTES = 32_000_000
#: Most seconds for all pages of a call, and most redirects of one page.
SECONDS, HOPS = 60.0, 5
#: Most concurrent requests, all to one mirror.
PARALLEL = 4

_ACCEPT = f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1, */*;q=0.01"


class PageTooLarge(ValueError):
    """A page is larger than `BYTES`, and so than any real page of links."""


class ForeignPage(ValueError):
    """A page is redirected to an untrusted host, `host`."""

    def __init__(self, host: str, *, insecure: bool) -> None:
        """Keep the host, and whether it is refused because the page would come without TLS."""
        super().__init__(host)
        self.host, self.insecure = host, insecure


class BadStatus(Exception):
    """A status other than 200. `page` is the beginning of the response's body."""

    def __init__(self, status: int, headers: Mapping[str, str], page: bytes) -> None:
        """Keep the parts of the response."""
        super().__init__(f"HTTP {status}")
        self.status, self.headers, self.page = status, headers, page


class Body(NamedTuple):
    """The response for a page; `url` is the final one, after redirects."""

    url: str
    content: bytes
    media_type: str


def read_pages(
    urls: Iterable[str], hosts: frozenset[str] = frozenset(), seconds: float = SECONDS
) -> dict[str, Body | Exception]:
    """Fetch pages, within `seconds` in all. Returns, by URL, the page or what went wrong with it:
    BadStatus, PageTooLarge, ForeignPage, TimeoutError, or what the session raises. Redirects may
    lead to `hosts`, besides the page's own host."""
    end = time.monotonic() + seconds
    jobs = [(url, partial(_read_or_error, url, hosts, end)) for url in dict.fromkeys(urls)]
    with bounded():
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
            onward = with_login_of(urljoin(url, response.headers["Location"]), url)
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
    """Refuse a redirect to an untrusted host or from https to http.

    Raises: ForeignPage, ValueError for an invalid URL.
    """
    parts = urlsplit(onward)
    loopback = is_loopback(parts.hostname or "")
    plain = loopback or urlsplit(asked).scheme == "http"
    if parts.scheme != "https" and not (parts.scheme == "http" and plain):
        raise ForeignPage(host_of(onward), insecure=True)
    if not loopback and host_of(onward) not in hosts | {host_of(asked)}:
        raise ForeignPage(host_of(onward), insecure=False)
