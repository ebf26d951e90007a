"""What rattler does with a recipe and a package, each as a process of its own.

Its functions hold the interpreter's lock while they wait for an answer, so a server in the same
process could not give one.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TIMEOUT = 240  # seconds


def build(recipe: Path, out: Path, channel: str, python_min: str, *, test: bool) -> Path:
    """Build the recipe's one package into the channel `out`, and run its tests if wanted.

    Returns its path.
    """
    strategy = "native" if test else "skip"
    said = _run("build", recipe, out, channel, python_min, strategy, cache=out.parent / "cache")
    [package] = json.loads(said.splitlines()[-1])
    return Path(package)


def install(prefix: Path, channels: list[str], cache: Path, spec: str) -> None:
    """Solve and link with py-rattler."""
    _run("install", prefix, spec, *channels, cache=cache)


def solve(
    channels: Sequence[str],
    specs: Sequence[str],
    cache: Path,
    *,
    cuda: str | None = None,
    flexible: bool = False,
) -> list[str]:
    """What py-rattler finds on linux-64, as name=version=build."""
    asked = {"channels": channels, "specs": specs, "cuda": cuda, "flexible": flexible}
    found: list[str] = json.loads(_run("solve", json.dumps(asked), cache=cache).splitlines()[-1])
    return found


def _run(*words: str | Path, cache: Path) -> str:
    # The builder runs each script with the variables that it sees, the guard's among them.
    done = subprocess.run(
        [sys.executable, __file__, *map(str, words)],
        env={**os.environ, "RATTLER_CACHE_DIR": str(cache)},
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
    )
    said = f"{words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, said
    return done.stdout


def _build(recipe: str, out: str, channel: str, python_min: str, strategy: str) -> None:
    from rattler_build import Stage0Recipe, ToolConfiguration, VariantConfig

    tools = ToolConfiguration(allow_insecure_host=["127.0.0.1"], test_strategy=strategy)
    [result] = Stage0Recipe.from_file(recipe).run_build(
        VariantConfig({"python_min": [python_min]}),
        tools,
        output_dir=out,
        channels=[channel],
        package_format="conda:1",  # compressed as little as can be, which takes a third of the time
    )
    print(json.dumps([str(package) for package in result.packages]))


def _install(prefix: str, spec: str, *channels: str) -> None:
    import rattler

    async def run() -> None:
        records = await rattler.solve(channels, [spec])
        await rattler.install(records, target_prefix=prefix, show_progress=False)

    asyncio.run(run())


def _solve(asked: str) -> None:
    import rattler

    told = json.loads(asked)
    priority = "Disabled" if told["flexible"] else "Strict"

    def package(name: str, version: str) -> rattler.GenericVirtualPackage:
        build = getattr(rattler, "BuildString", str)("0")  # a plain text before py-rattler 0.24
        return rattler.GenericVirtualPackage(
            rattler.PackageName(name), rattler.Version(version), build
        )

    virtual = [package("__glibc", "2.35"), package("__unix", "0"), package("__linux", "6.1")]
    virtual += [package("__cuda", told["cuda"])] if told["cuda"] else []

    async def run() -> list[rattler.RepoDataRecord]:
        return await rattler.solve(
            told["channels"],
            [rattler.MatchSpec(spec) for spec in told["specs"]],
            platforms=["linux-64", "noarch"],
            virtual_packages=virtual,
            channel_priority=getattr(rattler.ChannelPriority, priority),
        )

    records = asyncio.run(run())
    print(json.dumps([f"{r.name.normalized}={r.version}={r.build}" for r in records]))


if __name__ == "__main__":
    {"build": _build, "install": _install, "solve": _solve}[sys.argv[1]](*sys.argv[2:])
    # Its threads may outlive the interpreter, and have ended a finished process with a signal.
    sys.stdout.flush()
    os._exit(0)
