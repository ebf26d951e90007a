"""A real nginx in front of mirrors on loopback, in a folder and at ports of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from conda_torchmirror.mirrors.registry import Mirror
from conda_torchmirror.proxy import clients
from conda_torchmirror.proxy import layout as layouts
from conda_torchmirror.proxy import nginx as rendered

PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
needs_nginx = pytest.mark.skipif(PROGRAM is None, reason="there is no nginx: apt-get install nginx")

#: Seconds for what a busy machine does in a hundredth of it.
PATIENCE = 60.0


def site(name: str, *origins: Any, **more: Any) -> Mirror:
    """The registry entry of a mirror on loopback with these channels."""
    (origin,) = origins
    channels: dict[str, Any] = {
        channel: {"url": origin.channel_url(channel)} for channel in origin.channels
    }
    return Mirror(name, {"channels": channels, **more})


def free_ports(count: int) -> list[int]:
    """Ports that the system gives, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Cache:
    """nginx, with what it writes; `start` and `kill` at will."""

    def __init__(self, layout: layouts.Layout, folder: Path, **more: Any) -> None:
        self.layout, self.folder = layout, folder
        first, *others = free_ports(1 + rendered.ports_of(layout))
        self.url = f"http://127.0.0.1:{first}"
        on = rendered.Host(str(folder), f"127.0.0.1:{first}", others, **{"read": 3, **more})
        self.file = folder / "nginx.conf"
        self.file.write_text(rendered.render(layout, on), encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    def words(self, *more: str) -> list[str]:
        """nginx's command line."""
        assert PROGRAM is not None
        return [PROGRAM, "-c", str(self.file), "-p", f"{self.folder}/", *more]

    def test(self) -> subprocess.CompletedProcess[str]:
        """`nginx -t`."""
        return subprocess.run(self.words("-t"), capture_output=True, text=True, check=False)

    def start(self) -> None:
        """Start it, and wait until it answers. Another program may have got its port by then, which
        answers too for a moment."""
        self.process = subprocess.Popen(
            self.words("-g", "daemon off;"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with suppress(OSError):
                try:
                    urlopen(f"{self.url}/", timeout=PATIENCE)
                except HTTPError as error:
                    if error.headers.get("Server", "").startswith("nginx"):
                        return
            if self.process.poll() is not None:
                break
            time.sleep(0.005)
        raise AssertionError(self.test().stderr)

    def kill(self) -> None:
        """End it and its workers at once, as a power cut does."""
        if self.process is None:
            return
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        workers = [int(word) for word in children.read_text().split()] if children.exists() else []
        self.process.kill()
        self.process.wait()
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, 9)
        self.process = None

    def get(self, path: str, *, way: str = "", **headers: str) -> tuple[int, bytes]:
        """Status and body of a file below the root; a body that breaks off raises."""
        request = Request(f"{self.url}{way}{layouts.ROOT}/{path}", headers=headers)
        try:
            with urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            return error.code, error.read()


def registry_of(cache: Cache, folder: Path) -> dict[str, Any]:
    """The settings by which a client takes the mirrors of the cache, whose registry is written into
    the folder."""
    file = folder / "cache.yaml"
    file.write_text(clients.registry(cache.layout, cache.url), encoding="utf-8")
    return {"torchmirror_registry": str(file), "torchmirror_mirrors": ["cache", "cache-next"]}


@contextmanager
def caching(mirrors: Sequence[Mirror], **more: Any) -> Iterator[Cache]:
    """A cache that runs in front of these mirrors, and of nothing else."""
    # Where the worker of a server that root has started can reach it.
    folder = Path(mkdtemp(prefix="torch-cache-"))
    folder.chmod(0o755)
    cache = Cache(layouts.arrange(mirrors, upstream=False), folder, **more)
    try:
        try:
            cache.start()
        except AssertionError:  # with other ports, once
            cache.kill()
            cache = Cache(cache.layout, folder, **more)
            cache.start()
        yield cache
    finally:
        cache.kill()
        shutil.rmtree(folder, ignore_errors=True)
