"""Measure the plugin's cost to conda's other commands: loading, parsers, automatic redirect.

    python benchmarks/bench_hook.py

Prints one table, in milliseconds: the median of several processes, each with all of conda loaded
as it is when a command begins. "first" is what a command pays, "again" the same in a process that
has paid for the imports. CPU time, so that a busy machine does not count. With `-C` no mirror is
asked whether it answers, so that the redirect waits for nothing. `~/.condarc` is a plain one with a
list of channels.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

RUNS = 7

COMMANDS = {
    "nothing to redirect": ("install", "-C", "-c", "mine", "--override-channels", "x"),
    "pytorch": ("install", "-C", "-c", "pytorch", "--override-channels", "x"),
    "defaults": ("install", "-C", "-c", "defaults", "--override-channels", "x"),
    "pytorch, conda-forge, defaults": (
        *("install", "-C", "-c", "pytorch", "-c", "conda-forge", "-c", "defaults"),
        *("--override-channels", "x"),
    ),
    "list, 300 packages of two channels": ("list",),
}


def one(words: list[str]) -> None:
    """In a child: run conda up to the hook, time it, and stop."""
    import conda.plugins.manager as manager

    def timed(self: manager.CondaPluginManager, command: str) -> None:
        action = next(
            hook.action
            for hook in self.get_hook_results("pre_commands")
            if hook.name == "torchmirror" and command in hook.run_for
        )
        gc.collect()  # 14 ms with all of conda loaded, in whose turn it falls by chance
        times = [time.thread_time()]
        for _ in range(2):
            action(command)
            times.append(time.thread_time())
        print(json.dumps([(b - a) * 1000 for a, b in pairwise(times)]))
        sys.stdout.flush()
        os._exit(0)

    manager.CondaPluginManager.invoke_pre_commands = timed
    from conda.cli.main import main_subshell

    main_subshell(*words)


def load() -> None:
    """In a child: time the plugin's import, and the hooks that conda calls on every command."""
    from argparse import ArgumentParser

    from conda.base.context import context
    from conda.cli.conda_argparse import generate_parser
    from conda.plugins.manager import CondaPluginManager

    CondaPluginManager.load_entrypoints = lambda *_: 0
    context.__init__()
    generate_parser()
    times = []
    for _ in range(2):
        empty = [ArgumentParser() for _ in range(3)]
        started = time.thread_time()
        from conda_torchmirror import plugin

        for command, parser in zip(plugin.conda_subcommands(), empty, strict=True):
            command.configure_parser(parser)
        assert [*plugin.conda_pre_commands(), *plugin.conda_post_commands()]
        times.append((time.thread_time() - started) * 1000)
    print(json.dumps(times))


def child(home: Path, *words: str) -> list[float]:
    """Run one child and return the milliseconds that it reports."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CONDA_", "PYTHONDONT"))}
    done = subprocess.run(
        [sys.executable, __file__, *words],
        env={**kept, "HOME": str(home), "USERPROFILE": str(home), "CONDA_SOLVER": "classic"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print the table."""
    import conda

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / ".condarc").write_text("channels: [conda-forge]\nshow_channel_urls: true\n")
        prefix = home / "env"
        (prefix / "conda-meta").mkdir(parents=True)
        lines = [f"+{c}/noarch::x{n}-1-0\n" for n in range(150) for c in ("defaults", "pytorch")]
        (prefix / "conda-meta" / "history").write_text("".join(lines))
        print(f"conda {conda.__version__}, Python {sys.version.split()[0]}")
        print(f"{'':38}{'first':>8}{'again':>8}")
        rows: dict[str, tuple[str, ...]] = {"every command: plugin, parsers, hooks": ("--load",)}
        rows |= {
            f"hook: {name}": ("--one", words[0], "-p", str(prefix), *words[1:])
            if words[0] == "list"
            else ("--one", words[0], "-p", str(home / "none"), *words[1:])
            for name, words in COMMANDS.items()
        }
        for name, words in rows.items():
            child(home, *words)
            times = [child(home, *words) for _ in range(RUNS)]
            first, again = (statistics.median(column) for column in zip(*times, strict=True))
            print(f"{name:38}{first:8.2f}{again:8.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2:])
    elif sys.argv[1:2] == ["--load"]:
        load()
    else:
        main()
