"""What `conda torch-install` costs, as ratios from one run. `python benchmarks/bench_install.py`.

Needs the test dependencies; conda solves and reads over loopback only. Prints the table of
docs/figures.md. Every time is CPU time, that of child processes included, and a median of
interleaved runs, so that a busy machine counts little and on both sides of a ratio alike; the noise
itself is printed as the spread of the reference command.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support import isolation  # noqa: E402
from support.channels import build_channels  # noqa: E402
from support.mirror import Mirror  # noqa: E402

from conda_torchmirror.models import Build  # noqa: E402

DRY_RUN = ("torch-install", "--cuda", "12.4", "--dry-run", "--offline")
#: The official command for the newest release with CUDA 12.1, and ours, into one environment.
LOOSE = (
    *("install", "-n", "there", "--dry-run"),
    *("pytorch", "torchvision", "torchaudio", "pytorch-cuda=12.1", "-c", "pytorch", "-c", "nvidia"),
)
EXACT = ("torch-install", "-n", "there", "--cuda", "12.1", "--dry-run", "--solve")
#: The same for a release with complete records in the tests' channels, into a new environment.
OLDER_LOOSE = (
    *("create", "-n", "new", "--dry-run", "python=3.11", "pytorch=2.1.0", "torchvision"),
    *("torchaudio", "pytorch-cuda=12.1", "-c", "pytorch", "-c", "nvidia"),
)
OLDER_EXACT = (
    *("torch-install", "-n", "new", "--cuda", "12.1", "--python", "3.11", "pytorch=2.1.0"),
    *("torchvision", "torchaudio", "--dry-run", "--solve"),
)


def interleaved(repeats: int, *commands: Callable[[], float]) -> list[list[float]]:
    """Time each command in seconds, once per round."""
    rounds = [[command() for command in commands] for _ in range(repeats)]
    return [list(column) for column in zip(*rounds, strict=True)]


def _of_children() -> float:
    """The CPU seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def conda(*words: str, **env: str) -> Callable[[], float]:
    """A function that runs a conda command as a process and returns its CPU time in seconds."""

    def run() -> float:
        start = _of_children()
        done = subprocess.run(
            [sys.executable, "-m", "conda", *words],
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = _of_children() - start
        if done.returncode:
            raise SystemExit(f"{' '.join(words)}\n{done.stdout}\n{done.stderr}")
        return seconds

    return run


def parsers(repeats: int) -> float:
    """Milliseconds to load our plugin and build its parsers, as conda does it on every command.

    The median CPU time over fresh imports in one process, in which conda and its own plugins are
    loaded. Conda makes the empty parsers, which are not counted: Python takes 0.3 ms for each.
    """
    script = f"""
import argparse, importlib.metadata as md, statistics, sys, time
from conda.base.context import context
from conda.cli.conda_argparse import generate_parser
context.__init__()
generate_parser()
point = next(p for p in md.entry_points(group="conda") if p.name == "conda-torchmirror")
times = []
for _ in range({repeats}):
    for name in [name for name in sys.modules if name.startswith("conda_torchmirror")]:
        del sys.modules[name]
    empty = [argparse.ArgumentParser() for _ in range(3)]
    start = time.thread_time()
    for command, parser in zip(point.load().conda_subcommands(), empty, strict=True):
        command.configure_parser(parser)
    times.append(time.thread_time() - start)
print(statistics.median(times) * 1e3)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def detection(repeats: int) -> float:
    """Milliseconds that conda's own detection of `__cuda` takes, which starts a process."""
    script = (
        "import resource\n"
        "from conda.plugins.virtual_packages import cuda\n"
        "def used():\n"
        "    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)\n"
        "    return sum(sum(resource.getrusage(who)[:2]) for who in whose)\n"
        "start = used()\n"
        "cuda.cached_cuda_version()\n"
        "print((used() - start) * 1e3)\n"
    )
    return _median_of(script, repeats)


def index_load(repeats: int) -> float:
    """Milliseconds to read the built-in index of a platform for the first time."""
    script = (
        "import time\n"
        "from conda_torchmirror.index import builtin\n"
        "start = time.process_time()\n"
        "assert builtin.load('linux-64', channel='pytorch')\n"
        "print((time.process_time() - start) * 1e3)\n"
    )
    return _median_of(script, repeats)


def _median_of(script: str, repeats: int) -> float:
    times = [
        float(
            subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
        )
        for _ in range(repeats)
    ]
    return statistics.median(times)


def _later(build: Build, n: int) -> Build:
    """A copy that belongs to a release of its own, as if the channel had continued."""
    if not n:
        return build
    depends = tuple(f"{d}.{n}" if re.fullmatch(r"pytorch [\d.]+", d) else d for d in build.depends)
    return build._replace(version=f"{build.version}.{n}", depends=depends)


def choose_once(name: str, factor: int) -> tuple[int, float]:
    """(records, milliseconds) of the first pure choice in this process for a source.

    The choice is among `factor` copies of the real records of the source's own channels, for all
    platforms, each under releases of its own, like a channel after years. Conda's match specs are
    loaded before, as they are when a command runs.
    """
    import conda.models.match_spec  # noqa: F401

    from conda_torchmirror.index import repodata as catalog
    from conda_torchmirror.index import sources
    from conda_torchmirror.install import request
    from conda_torchmirror.mirrors.registry import Route
    from conda_torchmirror.models import Machine
    from conda_torchmirror.selection import choose

    source = sources.named(name)
    builds: list[Build] = []
    for path in _indexes(source.channel, source.runtime_channel):
        repodata = json.loads(path.read_text(encoding="utf-8"))
        names = {
            r["name"]
            for key in ("packages", "packages.conda")
            for r in repodata.get(key, {}).values()
        }
        where = Route(path.parent.parent.name, "https://mirror.test", "test")
        builds += [b for b in catalog._builds(repodata, where, path.parent.name, names) if b]
    machine = Machine("linux-64", cuda="12.1", cuda_from="--cuda", python="3.11")
    asked = request.make([], cuda_word="12.1")
    knowledge = source.knowledge
    many = [_later(build, n) for n in range(factor) for build in builds]
    start = time.process_time()
    choose.choose(machine, asked, many, knowledge)
    return len(many), (time.process_time() - start) * 1e3


def _indexes(*channels: str | None) -> list[Path]:
    """The files with real records of these channels; none for a channel that is not at hand."""
    shared = Path(os.environ.get("TORCHMIRROR_SHARED", ROOT.parent / "shared")) / "channels"
    folder = shared if shared.is_dir() else ROOT / "tests" / "data" / "channels"
    return [
        path
        for name in channels
        if name
        for path in sorted((folder / name).rglob("repodata*.json"))
    ]


def choosing(name: str, factor: int) -> tuple[int, float]:
    """(records, milliseconds) of the pure choice, the median of several.

    Each choice runs in a process of its own, so that no cache is warm.
    """
    done = [
        subprocess.run(
            [sys.executable, __file__, "--choose-once", name, str(factor)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for _ in range(7 if factor < 100 else 3)
    ]
    return int(done[0][0]), statistics.median(float(milliseconds) for _, milliseconds in done)


def choices() -> Iterator[tuple[str, str, str]]:
    """The rows of the choice, for the channel `pytorch` up to 100 times its real records."""
    sizes = []
    for factor in (1, 10, 100):
        records, milliseconds = choosing("pytorch", factor)
        sizes.append(milliseconds)
        aim = "at most 20 ms" if factor == 1 else ""
        what = f"choosing among {records:,} records of `pytorch`"
        yield what, f"{milliseconds:.1f} ms", aim
    yield (
        "growth from the first to the last of these",
        f"{sizes[-1] / sizes[0]:.0f} times",
        "near 100",
    )
    if _indexes("conda-forge"):
        records, milliseconds = choosing("conda-forge", 1)
        yield f"choosing among {records:,} records of `conda-forge`", f"{milliseconds:.1f} ms", ""


def peak_memory(words: Sequence[str]) -> float:
    """Peak resident memory of a conda command, in MB, from a child of its own."""
    script = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'conda', *sys.argv[1:]], capture_output=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, text=True, check=True
    )
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return int(done.stdout) / unit


@contextmanager
def world(folder: Path) -> Iterator[None]:
    """A private home, loopback channels, and an environment to list."""
    sandbox = isolation.Sandbox(folder / "world").create()
    channels = build_channels(folder / "channels")
    names = {"pytorch": "", "nvidia": "", "conda-forge": "", "pkgs/main": ""}
    mounts = {name: channels / name for name in names}
    with isolation.environment(sandbox.variables()), Mirror(mounts, names) as mirror:
        sandbox.write_condarc(
            {
                "custom_channels": mirror.custom_channels(),
                "channels": ["defaults"],
                "default_channels": [mirror.channel_url("pkgs/main")],
            }
        )
        yield


def main() -> None:
    """Measure and print."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--repeats", type=int, default=15)
    reader.add_argument("--choose-once", nargs=2, help=argparse.SUPPRESS)
    words = reader.parse_args()
    if words.choose_once:
        name, factor = words.choose_once
        print(*choose_once(name, int(factor)))
        return
    repeats = words.repeats
    # Installed packages come compiled; a checkout should be measured like that.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    rows: list[tuple[str, str, str]] = []
    with tempfile.TemporaryDirectory() as folder, world(Path(folder)):
        rows.append(("plugin load and parsers", f"{parsers(50):.2f} ms", "at most 1 ms"))
        conda("create", "-y", "-q", "-n", "there", "python=3.11", "numpy")()
        listing, preview = interleaved(repeats, conda("list", "-n", "there"), conda(*DRY_RUN))
        spread = (max(listing) - min(listing)) / statistics.median(listing)
        ratio = statistics.median(preview) / statistics.median(listing)
        rows.append(("--dry-run --offline / conda list", f"{ratio:.2f}", "at most 1.10"))
        auto = [word for word in DRY_RUN if word not in ("--cuda", "12.4")]
        unset = {"CONDA_OVERRIDE_CUDA": ""}
        os.environ.pop("CONDA_OVERRIDE_CUDA")
        given, detected = interleaved(repeats, conda(*auto, **unset), conda(*auto))
        extra = statistics.median(detected) - statistics.median(given)
        rows.append(("--cuda auto beyond that", f"{extra * 1e3:.0f} ms", ""))
        rows.append(("of which conda's own detection", f"{detection(repeats):.0f} ms", "all"))
        rows.append(
            ("built-in index of linux-64", f"{index_load(repeats):.1f} ms", "at most 30 ms")
        )
        os.environ["CONDA_OVERRIDE_CUDA"] = ""
        rows += choices()
        for what, ours, official in (
            ("--dry-run --solve / the official command", EXACT, LOOSE),
            ("the same for 2.1.0 into a new environment", OLDER_EXACT, OLDER_LOOSE),
        ):
            conda(*ours)()
            exact, loose = interleaved(max(3, repeats // 4), conda(*ours), conda(*official))
            ratio = statistics.median(exact) / statistics.median(loose)
            memory = peak_memory(ours) / peak_memory(official)
            rows.append((what, f"{ratio:.2f}, peak memory {memory:.2f}", ""))
    version = importlib.metadata.version("conda-torchmirror")
    print(
        f"conda-torchmirror {version}, Python {platform.python_version()}, {os.cpu_count()} cores;"
    )
    print(f"spread of `conda list` in this run: {spread:.0%} of its median\n")
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for row in (("what", "measured", "aim"), ("---", "---", "---"), *rows):
        print("| " + " | ".join(cell.ljust(widths[i]) for i, cell in enumerate(row)) + " |")


if __name__ == "__main__":
    main()
