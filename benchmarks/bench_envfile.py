"""Measure how fast existing files are rewritten: files per second, and a large explicit file.

    python benchmarks/bench_envfile.py

Prints one table. The small files are the size of real ones: 20 to 400 dependencies. The last column
is the rate with the YAML parser for every file, which is otherwise used only for files that the
quick reader of plain YAML declines. Times are CPU time of this process, the best of several runs;
memory is the peak beyond the input itself.
"""

from __future__ import annotations

import time
import tracemalloc

from conda_torchmirror.envfiles import yaml_events
from conda_torchmirror.envfiles.channel_entry import EntryRewriter
from conda_torchmirror.envfiles.rewrite import Rewritten, rewrite

CHANNELS = "channels:\n  - pytorch\n  - nvidia\n  - conda-forge # community\n  - defaults\n"
PACKAGE = "https://conda.anaconda.org/{}/linux-64/package{}-1.26.4-py312_{}.conda#{:032x}\n"


def environment(dependencies: int) -> bytes:
    """An environment.yml as `conda env export` writes it."""
    lines = "".join(f"  - package{n}=1.2.{n}=py312h06a4308_0\n" for n in range(dependencies))
    return f"name: bench\n{CHANNELS}dependencies:\n{lines}prefix: /envs/bench\n".encode()


def explicit(size: int) -> bytes:
    """An explicit file of about `size` bytes, from two channels in turn."""
    channels = ("pytorch", "conda-forge")
    count = size // len(PACKAGE.format(channels[1], 10000, 10000, 0))
    lines = (PACKAGE.format(channels[n % 2], n, n, n) for n in range(count))
    return "".join(["# platform: linux-64\n@EXPLICIT\n", *lines]).encode()


def best(data: bytes, rewriter: EntryRewriter, runs: int) -> tuple[float, Rewritten]:
    """CPU seconds of the fastest run, and what it made."""
    times = []
    for _ in range(runs):
        started = time.process_time()
        result = rewrite(data, rewriter)
        times.append(time.process_time() - started)
    return min(times), result


def best_by_parser(data: bytes, rewriter: EntryRewriter, runs: int) -> float:
    """CPU seconds of the fastest run without the quick reader."""
    quick = yaml_events.plain
    yaml_events.plain = lambda *_: None
    try:
        return best(data, rewriter, runs)[0]
    finally:
        yaml_events.plain = quick


def peak(data: bytes, rewriter: EntryRewriter) -> int:
    """Peak memory in bytes, beyond what was in use before."""
    tracemalloc.start()
    rewrite(data, rewriter)
    _, high = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return high


def main() -> None:
    """Measure and print."""
    rewriter = EntryRewriter("rewrite", ("tuna",))
    print(
        f"{'file':<28}{'size':>10}{'time':>12}{'files/s':>10}{'MB/s':>8}{'peak':>12}"
        f"{'parser files/s':>16}"
    )
    rows = [(f"environment, {n} specs", environment(n), 20) for n in (20, 100, 400)]
    rows += [(f"explicit, {mb} MB", explicit(int(mb * 1e6)), 3) for mb in (1.25, 2.5, 5.0)]
    for name, data, runs in rows:
        seconds, result = best(data, rewriter, runs)
        if not result.edits:
            raise SystemExit(f"{name}: nothing was edited")
        parser = 1 / best_by_parser(data, rewriter, 5) if name.startswith("env") else 0
        print(
            f"{name:<28}{len(data):>10}{seconds * 1e3:>9.1f} ms{1 / seconds:>10.1f}"
            f"{len(data) / seconds / 1e6:>8.2f}{peak(data, rewriter) / 1e6:>9.1f} MB"
            + (f"{parser:>16.1f}" if parser else "")
        )


if __name__ == "__main__":
    main()
