"""A mirror on loopback: static files as nginx serves them, a log of requests, faults on request.

`Mirror` serves folders under URL prefixes and ends with its `with` block. What can go wrong on
its side is in `support.faults`; `mirror.fail("*/noarch/*", "stall")` switches one on.
"""

from __future__ import annotations

import contextlib
import hashlib
import mimetypes
import selectors
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from fnmatch import fnmatchcase
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

Fault = Callable[..., None]
#: The type of a mirror in its `with` block.
_Served = TypeVar("_Served", bound="Mirror")


@dataclass
class Request:
    """One request as it arrived. `status` is 0 when the connection was cut before an answer."""

    method: str
    path: str
    headers: dict[str, str]
    status: int = 0


@dataclass
class _Rule:
    glob: str
    fault: Fault
    options: dict[str, Any]
    left: int | None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    mirror: Mirror

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._ended, self._end = socket.socketpair()

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Answer requests until `shutdown`, which wakes this thread. The standard library's looks
        for its end from time to time: a test waited for four servers, each of which had looked
        many times a second."""
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.register(self._ended, selectors.EVENT_READ)
            while self._ended not in {key.fileobj for key, _ in selector.select()}:
                self._handle_request_noblock()

    def shutdown(self) -> None:
        """Let `serve_forever` return."""
        self._end.close()

    def server_close(self) -> None:
        super().server_close()
        self._ended.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of these tests; say nothing."""


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer. Faults get this object and answer with its methods."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "mirror", ""
    timeout = 30  # seconds an idle connection is kept
    disable_nagle_algorithm = True  # header and body are two writes; no 40 ms between them
    server: _Server
    record: Request

    def setup(self) -> None:
        """Remember the connection, so that stopping the server ends it."""
        super().setup()
        self.server.mirror.connections.add(self.connection)

    def finish(self) -> None:
        """Forget the connection."""
        self.server.mirror.connections.discard(self.connection)
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def do_GET(self) -> None:
        """Log, then a fault or the file."""
        mirror = self.server.mirror
        path = unquote(urlsplit(self.path).path)
        self.record = Request(self.command, path, dict(self.headers.items()))
        mirror.requests.append(self.record)
        rule = mirror.rule_for(path)
        if rule is None:
            self.serve()
        else:
            rule.fault(self, **rule.options)

    do_HEAD = do_GET

    @property
    def mirror(self) -> Mirror:
        """The mirror that is asked."""
        return self.server.mirror

    def file(self) -> Path | None:
        """The file that is asked for, or None."""
        return self.mirror.file(self.record.path)

    def content(self) -> bytes | None:
        """Its content, or None where there is no such file."""
        path = self.file()
        return None if path is None else path.read_bytes()

    def serve(self) -> None:
        """Answer as a healthy mirror: 200, 206, 304, 404 or 416."""
        path = self.file()
        if path is None:
            self.send(404, b"<html><h1>404 Not Found</h1></html>\n", {"Content-Type": "text/html"})
            return
        modified = int(path.stat().st_mtime)
        self.send_content(path.read_bytes(), modified=modified)

    def send_content(self, content: bytes, modified: int = 0) -> None:
        """`content` with validators; honours conditions and one byte range.

        `modified` is in seconds since 1970.
        """
        etag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
        name = self.record.path
        if name.endswith("/"):  # a page stands for its folder
            name = str(self.file() or name)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        headers = {
            "Content-Type": kind,
            "Accept-Ranges": "bytes",
            "ETag": etag,
            "Last-Modified": formatdate(modified, usegmt=True),
        }
        if self._unchanged(etag, modified):
            self.send(304, b"", headers)
            return
        wanted = self.headers.get("Range")
        if wanted is None or self.headers.get("If-Range", etag) != etag:
            self.send(200, content, headers)
            return
        span = _byte_range(wanted, len(content))
        if span is None:
            self.send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        first, last = span
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        self.send(206, content[first : last + 1], headers)

    def _unchanged(self, etag: str, modified: int) -> bool:
        known = self.headers.get("If-None-Match")
        if known is not None:  # wins over the date, RFC 9110 section 13.2.2
            return known == "*" or etag in [
                tag.strip().removeprefix("W/") for tag in known.split(",")
            ]
        since = self.headers.get("If-Modified-Since")
        if since is None:
            return False
        try:
            return modified <= parsedate_to_datetime(since).timestamp()
        except ValueError:
            return False

    def send(
        self,
        status: int,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        """One whole answer; `length` bytes are announced instead of the body's own."""
        self.record.status = status
        self.send_response(status, HTTPStatus(status).phrase)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            self.wfile.write(body)
        self.wfile.flush()

    def cut(self) -> None:
        """End the connection with a reset, as a middlebox or a dying server does."""
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.rfile.close()
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on standard error; `mirror.requests` is the log."""


def _byte_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte of the one range that `header` asks for; None if it cannot be had."""
    unit, _, span = header.partition("=")
    first, dash, last = span.strip().partition("-")
    if unit.strip() != "bytes" or not dash or "," in span:
        return None
    try:
        if not first:
            begin, end = max(size - int(last), 0), size - 1
        else:
            begin, end = int(first), min(int(last) if last else size - 1, size - 1)
    except ValueError:
        return None
    return (begin, end) if begin <= end else None


class Mirror:
    """A web server on 127.0.0.1 that serves `mounts` (URL prefix -> folder).

    `channels` says under which prefix each channel is, for `custom_channels`.
    """

    def __init__(self, mounts: Mapping[str, Path], channels: Mapping[str, str] | None = None):
        self.mounts = {f"/{prefix.strip('/')}/": folder for prefix, folder in mounts.items()}
        self.channels = dict(channels or {})
        self.requests: list[Request] = []
        self.connections: set[socket.socket] = set()
        self.stopped = threading.Event()
        self._rules: list[_Rule] = []
        self._lock = threading.RLock()
        self._server = _Server(("127.0.0.1", 0), Exchange)
        self._server.mirror = self
        self.port: int = self._server.server_address[1]
        self._closed_port: socket.socket | None = None
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def __enter__(self: _Served) -> _Served:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def https_url(self) -> str:
        """The same port addressed with TLS, which it does not speak."""
        return f"https://127.0.0.1:{self.port}"

    def channel_url(self, channel: str) -> str:
        """The URL of one channel, without subdir."""
        return f"{self.url}/{self.channels[channel].strip('/')}".rstrip("/") + f"/{channel}"

    def custom_channels(self, *channels: str) -> dict[str, str]:
        """What condarc's `custom_channels` takes: channel -> URL of its parent. All by default."""
        return {
            name: f"{self.url}/{self.channels[name].strip('/')}".rstrip("/")
            for name in channels or self.channels
        }

    def file(self, path: str) -> Path | None:
        """The file that the URL path `path` stands for, or None."""
        for prefix in sorted(self.mounts, key=len, reverse=True):
            if path.startswith(prefix):
                root = self.mounts[prefix]
                found = (root / path[len(prefix) :]).resolve()
                inside = found.is_relative_to(root.resolve())
                return found if inside and found.is_file() else None
        return None

    def fail(
        self, glob: str, fault: str | Fault, *, times: int | None = None, **options: Any
    ) -> None:
        """From now on, requests whose path matches `glob` (with `*` across slashes) meet `fault`.

        A name from `faults.FAULTS`, or a function of an Exchange; `options` are handed to it.
        `times` limits it to so many requests. The latest matching rule wins. KeyError for an
        unknown name.
        """
        from .faults import FAULTS

        function = FAULTS[fault] if isinstance(fault, str) else fault
        with self._lock:
            self._rules.insert(0, _Rule(glob, function, options, times))
        if glob == "*" and fault == "refused":
            self.refuse()

    def heal(self) -> None:
        """Drop all faults (a closed port stays closed)."""
        with self._lock:
            self._rules.clear()

    def rule_for(self, path: str) -> _Rule | None:
        """The rule that this request meets; counts down `times`."""
        with self._lock:
            for rule in self._rules:
                if fnmatchcase(path, rule.glob) and rule.left != 0:
                    rule.left = None if rule.left is None else rule.left - 1
                    return rule
        return None

    def asked(self, glob: str = "*", method: str | None = None) -> list[str]:
        """The paths asked for so far that match, in order."""
        return [
            request.path
            for request in list(self.requests)
            if fnmatchcase(request.path, glob) and method in (None, request.method)
        ]

    def refuse(self) -> None:
        """Close the port for good: connections are refused, and no other program gets it."""
        with self._lock:
            self._shut()
            if self._closed_port is None:
                self._closed_port = socket.socket()
                self._closed_port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self._closed_port.bind(("127.0.0.1", self.port))  # bound and not listening

    def stop(self) -> None:
        """End the server and every connection."""
        self._shut()
        if self._closed_port is not None:
            self._closed_port.close()

    def _shut(self) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def prefixes(parent: str, channels: Iterable[str], root: Path) -> dict[str, Path]:
    """Mounts for `channels` (folders of `root`) below the URL path `parent`."""
    return {f"{parent}/{channel}": root / channel for channel in channels}
