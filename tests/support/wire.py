"""Misbehaviour on the wire for `support.raw`, and what holds of a run that met it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

from .files import contents
from .prefixes import whole
from .raw import RawServer, head

#: More digits than a number has.
LONG = "9" * 5000

#: What a misbehaviour does: the connection, the file as it should be, the server.
Fault = Callable[[socket.socket, bytes, RawServer], None]


def sound(connection: socket.socket, content: bytes, server: RawServer) -> None:
    connection.sendall(head("200 OK", f"Content-Length: {len(content)}") + content)


def with_headers(*headers: str, status: str = "200 OK", length: bool = True) -> Fault:
    """The file, with these headers beside it."""

    def fault(connection: socket.socket, content: bytes, server: RawServer) -> None:
        own = (f"Content-Length: {len(content)}",) if length else ()
        connection.sendall(head(status, *own, *headers) + content)

    return fault


def bare(*headers: str, status: str, body: bytes = b"") -> Fault:
    """An answer without the file."""

    def fault(connection: socket.socket, content: bytes, server: RawServer) -> None:
        connection.sendall(head(status, *headers) + body)

    return fault


def raw(data: bytes) -> Fault:
    def fault(connection: socket.socket, content: bytes, server: RawServer) -> None:
        connection.sendall(data)

    return fault


def endless(start: bytes, block: bytes, pause: float = 0.01) -> Fault:
    """Something first, then the same again and again."""

    def fault(connection: socket.socket, content: bytes, server: RawServer) -> None:
        connection.sendall(start)
        while not server.stopped.wait(pause):
            connection.sendall(block)

    return fault


def reset(connection: socket.socket, content: bytes, server: RawServer) -> None:
    connection.sendall(head("200 OK", f"Content-Length: {len(content)}") + content[:40])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def chunked(body: bytes) -> Fault:
    return raw(head("200 OK", "Transfer-Encoding: chunked") + body)


def check(result, prefix, before) -> None:
    """What holds after any run of torch-install."""
    said = f"{result.stdout}\n{result.stderr}"
    assert "Traceback" not in said
    assert "unexpected error" not in said.lower()
    assert not any(sign in said for sign in "\x1b\x07\x00\x9b\u202e")
    if result.rc:
        assert contents(prefix) == before
        assert "first" in said
    else:
        assert whole(prefix)
