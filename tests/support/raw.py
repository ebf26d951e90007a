"""A server that writes whatever bytes it is told to, where `support.mirror` always speaks HTTP."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

#: Answers one request on a connection: its path, and whether only the first bytes are asked for.
Answer = Callable[[socket.socket, str, bool], None]

#: Bytes of a request that are read at most.
REQUEST = 65536


class RawServer:
    """Serves one request a connection with `answer`, until its `with` block ends.

    `paths` are those asked for so far; `stopped` ends answers that have no end of their own.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.paths: list[str] = []
        self.stopped = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listening.getsockname()[1]
        self._connections: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> RawServer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stopped.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            request = b""
            while b"\r\n\r\n" not in request and len(request) < REQUEST:
                block = connection.recv(4096)
                if not block:
                    return
                request += block
            path = request.split(b" ", 2)[1].decode("latin-1")
            self.paths.append(path)
            self.answer(connection, path, b"range: bytes=0-" in request.lower())
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        self._connections.discard(connection)


def head(status: str = "200 OK", *headers: str) -> bytes:
    """A status line and headers, with nothing checked."""
    lines = [f"HTTP/1.1 {status}", *headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1", "surrogateescape")
