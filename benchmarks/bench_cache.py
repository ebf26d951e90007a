"""Bytes that a mirror sends for 1, 10 and 50 clients, with a cache in front of it and without.

    python benchmarks/bench_cache.py

Everything is on loopback: a mirror that sends 20 MB/s on each connection, nginx with the
configuration that `conda torch-mirror cache --print nginx` prints, and clients that ask for a
package of 64 MB and an index of 4 MB at the same moment. Needs nginx. Prints one table.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.mirror import Mirror
from support.nginx import PROGRAM, caching, site

PACKAGE, INDEX = "linux-64/torch-1-0.conda", "linux-64/repodata.json"
SIZES = {PACKAGE: 64 * 2**20, INDEX: 4 * 2**20}
SPEED = 20e6


def slow(sent: list[int]) -> Callable[..., None]:
    """Send at the speed of a line, and count what goes out."""

    def answer(exchange: Any) -> None:
        write = exchange.wfile.write
        began, gone = time.monotonic(), 0

        def paced(data: bytes) -> None:
            nonlocal gone
            for start in range(0, len(data), 2**18):
                block = data[start : start + 2**18]
                write(block)
                sent.append(len(block))
                gone += len(block)
                time.sleep(max(0.0, began + gone / SPEED - time.monotonic()))

        exchange.wfile.write = paced
        try:
            exchange.serve()
        finally:
            exchange.wfile.write = write

    return answer


def measure(folder: Path, clients: int, *, cached: bool) -> tuple[int, float, float]:
    """Bytes from the mirror, seconds until all clients are done, until all have a first byte."""
    sent: list[int] = []
    with Mirror({"cloud/pytorch": folder}, {"pytorch": "cloud"}) as origin:
        origin.fail("*", slow(sent))
        front = caching([site("origin", origin)]) if cached else nullcontext()
        with front as cache:
            base = f"{cache.url}/anaconda/cloud/pytorch" if cache else origin.channel_url("pytorch")
            barrier = threading.Barrier(clients)

            def ask(_: int) -> float:
                barrier.wait()
                began = time.monotonic()
                first = 0.0
                for name in (PACKAGE, INDEX):
                    with urlopen(f"{base}/{name}", timeout=600) as reply:
                        assert reply.read(1)
                        first = first or time.monotonic() - began
                        while reply.read(2**20):
                            pass
                return first

            began = time.monotonic()
            with ThreadPoolExecutor(clients) as pool:
                first = max(pool.map(ask, range(clients)))
            return sum(sent), time.monotonic() - began, first


def main() -> None:
    """Print the table."""
    if PROGRAM is None:
        sys.exit("there is no nginx")
    print("| clients | mirror sends, direct | with the cache | seconds | first byte |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, size in SIZES.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(bytes(range(256)) * (size // 256))
        for clients in (1, 10, 50):
            direct, _, _ = measure(folder, clients, cached=False)
            through, seconds, first = measure(folder, clients, cached=True)
            plain = f"{direct / 1e6:.0f} MB"
            row = (clients, plain, f"{through / 1e6:.0f} MB", f"{seconds:.1f}", f"{first:.1f} s")
            print(f"| {' | '.join(map(str, row))} |")


if __name__ == "__main__":
    main()
