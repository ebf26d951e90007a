"""Measure the cost of a large index of conda-forge to a whole command, as ratios from one run.

    python benchmarks/bench_conda_forge.py [--records 1000000] [--solve 30000] [--repeats 7]

The index is generated, with conda-forge's torch and what it needs in small among it, and served on
loopback. "preview" is `torch-install --dry-run` from conda's cached copy, as a whole process beside
`conda list`; "solve" is the dry run of an installation, of exact builds, beside that of the loose
words `pytorch-gpu torchvision`. Medians of interleaved runs, CPU time, and for a solve memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench_install import conda, interleaved, peak_memory
from support import big_index, forge_channel, isolation
from support.mirror import Mirror

SUBDIR = forge_channel.SUBDIR
CUDA = {"CONDA_OVERRIDE_CUDA": "12.9", "CONDA_OVERRIDE_CUDA_ARCH": "8.9"}
OURS = ("torch-install", "-n", "new", "--source", "conda-forge", "pytorch", "torchvision")
PREVIEW = (*OURS, "--dry-run", "--offline")
EXACT = (*OURS, "--dry-run", "--solve")
#: What conda-forge's pages say; of the releases there the newest with both.
LOOSE = (
    *("create", "-n", "new", "--dry-run", "-c", "conda-forge", "--override-channels"),
    *("pytorch-gpu", "torchvision"),
)


def write(folder: Path, records: int) -> Path:
    """Write the channels, conda-forge with so many records more; returns its index."""
    path = forge_channel.build(folder) / "conda-forge" / SUBDIR / "repodata.json"
    path.with_suffix(".json.zst").unlink()
    own = json.loads(path.read_text())
    members = {**own["packages"], **own["packages.conda"]}
    torch = ",".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in members.items())
    big_index.write(path, records, family=False)
    beginning = b'"packages.conda":{'
    content = path.read_bytes().replace(beginning, beginning + torch.encode() + b",", 1)
    path.write_bytes(content)
    return path


@contextmanager
def world(folder: Path, records: int) -> Iterator[int]:
    """Set up a private home, channels on loopback and an environment; yield the index's bytes."""
    index = write(folder / "channels", records)
    sandbox = isolation.Sandbox(folder / "world").create()
    names = {"conda-forge": ""}
    mounts = {name: folder / "channels" / name for name in names}
    with isolation.environment(sandbox.variables()), Mirror(mounts, names) as mirror:
        os.environ.update(CUDA)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        sandbox.write_condarc(
            {
                "custom_channels": mirror.custom_channels(),
                "channels": ["conda-forge"],
                # Conda would fall back to this file anyway if current_repodata.json is missing.
                "repodata_fns": ["repodata.json"],
                "remote_read_timeout_secs": 300,
            }
        )
        yield index.stat().st_size


def preview(records: int, repeats: int, folder: Path) -> list[tuple[str, str, str]]:
    """The rows of a preview."""
    with world(folder, records) as size:
        # The first run brings the index into conda's cache.
        conda(*OURS, "--dry-run")()
        conda("create", "-y", "-q", "-n", "there", "--offline")()
        listing, first, again = interleaved(
            repeats, conda("list", "-n", "there"), _forgotten(folder), conda(*PREVIEW)
        )
    base = statistics.median(listing)
    head = f"{records:,} records, {size / 1e6:.0f} MB"
    return [
        (f"{head}: preview / conda list", f"{statistics.median(again) / base:.2f}", "at most 1.3"),
        ("the same, index not read before", f"{statistics.median(first) / base:.2f}", ""),
        ("conda list", f"{base * 1e3:.0f} ms", ""),
    ]


def _forgotten(folder: Path):  # type: ignore[no-untyped-def]
    """A preview that has to scan the index, because the remembered places are removed."""
    command = conda(*PREVIEW)

    def run() -> float:
        for kept in (folder / "world").rglob("*.torchmirror"):
            kept.unlink()
        return command()

    return run


def solve(records: int, repeats: int, folder: Path) -> list[tuple[str, str, str]]:
    """The rows of a solve."""
    with world(folder, records):
        conda(*EXACT)()
        exact, loose = interleaved(repeats, conda(*EXACT), conda(*LOOSE))
        ratio = statistics.median(exact) / statistics.median(loose)
        memory = peak_memory(EXACT) / peak_memory(LOOSE)
    seconds = f"{statistics.median(exact):.1f} s and {statistics.median(loose):.1f} s"
    return [
        (
            f"{records:,} records: --solve / the loose request",
            f"{ratio:.2f} ({seconds}), peak memory {memory:.2f}",
            "",
        )
    ]


def main() -> None:
    """Measure and print."""
    reader = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    reader.add_argument("--records", type=int, default=1_000_000)
    reader.add_argument("--solve", type=int, default=30_000)
    reader.add_argument("--repeats", type=int, default=7)
    words = reader.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        rows += preview(words.records, words.repeats, Path(folder) / "preview")
        rows += solve(words.solve, max(3, words.repeats // 2), Path(folder) / "solve")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
