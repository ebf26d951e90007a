"""Measure the cost of reading a dozen names out of a huge index, in four ways.

    python benchmarks/bench_index.py [--records 100000 300000 1000000] [--repeats 3]

Prints one table for each size: the median CPU time of several processes, in seconds, and in MB the
highest memory of one, and by how much that grew beyond the mapped file (Linux tells). Every way
starts in a fresh process with its imports done and the file in the page cache. "own, again" is a
second process that finds the places remembered. py-rattler's reader is measured where it can be
imported, or with `--rattler PYTHON`, another interpreter that has it; it goes by file names alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support import big_index, isolation  # noqa: E402

NAMES = tuple(big_index.FAMILY)


def own(path: Path) -> Callable[[], int]:
    """Our scan, or the places it remembers."""
    from conda_torchmirror.index.sparse import reader, scan

    def run() -> int:
        found = reader.read(path, NAMES)
        return sum(len(found[section]) for section in scan.SECTIONS)

    return run


def load(path: Path) -> Callable[[], int]:
    """The whole file through the json of the standard library."""

    def run() -> int:
        document = json.loads(path.read_text(encoding="utf-8"))
        wanted = frozenset(NAMES)
        sections = (document["packages"], document["packages.conda"])
        return sum(record["name"] in wanted for part in sections for record in part.values())

    return run


def query(path: Path) -> Callable[[], int]:
    """Conda's own query of a channel on this disk, by name."""
    from conda.base.context import context
    from conda.core.subdir_data import SubdirData

    context.__init__()
    channel = path.parent.parent.as_uri()

    def run() -> int:
        asked = (SubdirData.query_all(n, channels=[channel], subdirs=["linux-64"]) for n in NAMES)
        return sum(map(len, asked))

    return run


def rattler(path: Path) -> Callable[[], int]:
    """py-rattler's sparse reader."""
    from rattler import Channel
    from rattler.repo_data.sparse import PackageFormatSelection, SparseRepoData

    def run() -> int:
        index = SparseRepoData(Channel("conda-forge"), "linux-64", str(path))
        both = PackageFormatSelection.BOTH
        return sum(len(index.load_records(name, both)) for name in NAMES)

    return run


WAYS = {"own": own, "json": load, "query": query, "rattler": rattler}

#: Runs in the process that is measured; prints builds, CPU seconds, the most MB, growth in MB.
CHILD = """
import importlib.util, sys, time
from pathlib import Path
spec = importlib.util.spec_from_file_location("bench_index", sys.argv[1])
bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench)
try:
    run = bench.WAYS[sys.argv[2]](Path(sys.argv[3]))
except ImportError as error:
    sys.exit(f"cannot be imported: {error}")
before = bench.memory("VmHWM")
started = time.process_time()
builds = run()
seconds = time.process_time() - started
print(builds, seconds, bench.memory("VmHWM"), bench.memory("VmHWM") - before)
"""


def memory(field: str) -> float:
    """A figure of this process's memory in MB; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if field in line)


def measure(python: str, way: str, path: Path) -> list[float] | str:
    """The figures of one process, or why it failed."""
    done = subprocess.run(
        [python, "-c", CHILD, __file__, way, str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return done.stderr.strip().splitlines()[-1]
    return [float(word) for word in done.stdout.split()]


def table(records: int, repeats: int, python: str, folder: Path) -> None:
    """Measure all the ways on an index of so many records, and print what they cost."""
    path = folder / str(records) / "linux-64" / "repodata.json"
    path.parent.mkdir(parents=True)
    (path.parent.parent / "noarch").mkdir()
    (path.parent.parent / "noarch" / "repodata.json").write_text('{"packages":{}}')
    big_index.write(path, records)
    kept = path.with_suffix(".torchmirror")
    print(f"\n{records:,} records, {path.stat().st_size / 1e6:.0f} MB")
    print(f"{'':24}{'builds':>8}{'CPU s':>9}{'MB':>8}{'beyond':>8}{'of py-rattler':>15}")
    seconds: dict[str, float] = {}
    for title, way in (
        ("py-rattler", "rattler"),
        ("own, first", "own"),
        ("own, again", "own"),
        ("json.loads", "json"),
        ("conda's query", "query"),
    ):
        rows = []
        for _ in range(repeats if way in ("own", "rattler") else 1):
            if title == "own, first":
                kept.unlink(missing_ok=True)
            row = measure(python if way == "rattler" else sys.executable, way, path)
            if isinstance(row, str):
                print(f"{title:24}skipped: {row}")
                break
            rows.append(row)
        else:
            builds, cpu, whole, grown = map(statistics.median, zip(*rows, strict=True))
            mapped = path.stat().st_size / 2**20
            if way in ("own", "rattler") and grown > mapped:
                grown -= mapped
            seconds[title] = cpu
            reference = seconds.get("py-rattler")
            ratio = f"{cpu / reference:15.3f}" if reference else ""
            print(f"{title:24}{builds:8.0f}{cpu:9.3f}{whole:8.0f}{grown:8.1f}{ratio}")


def main() -> None:
    """Print the tables."""
    reader = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    sizes = [100_000, 300_000, 1_000_000]
    reader.add_argument("--records", type=int, nargs="+", default=sizes)
    reader.add_argument("--repeats", type=int, default=3)
    reader.add_argument("--rattler", metavar="PYTHON", default=sys.executable)
    words = reader.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sandbox = isolation.Sandbox(folder / "world").create()
        with isolation.environment(sandbox.variables()):
            for records in words.records:
                table(records, words.repeats, words.rattler, folder)


if __name__ == "__main__":
    main()
