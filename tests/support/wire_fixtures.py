"""The fixture of `support.wire`, for test modules that name this one in `pytest_plugins`."""

from __future__ import annotations

import json
import socket

import pytest

from .raw import RawServer, head
from .wire import Fault, sound

pytest_plugins = ("support.site_fixtures",)


@pytest.fixture
def first(sites, condarc, monkeypatch):
    """`first(fault, where)`: the first mirror is one that misbehaves where the path says so."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def make(fault: Fault, where: str = "", *, probed: bool = True, **plugins) -> RawServer:
            def answer(connection: socket.socket, path: str, ranged: bool) -> None:
                file = sites.first.file(path)
                hit = where in path and (probed or not ranged)
                if file is None:
                    connection.sendall(head("404 Not Found", "Content-Length: 0"))
                else:
                    (fault if hit else sound)(connection, file.read_bytes(), server)

            server = stack.enter_context(RawServer(answer))
            registry = sites.registry()
            registry["mirrors"]["first"]["roots"] = [f"{server.url}/anaconda"]
            settings = sites.settings()
            sites.file.write_text(json.dumps(registry))
            settings["plugins"].update(plugins)
            settings["remote_max_retries"] = 0
            condarc(**settings)
            return server

        yield make
