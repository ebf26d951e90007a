"""Every release, variant, driver and GPU: nothing is chosen that cannot run, nobody is refused.

What runs is read from the tables here once more, and without the code under test: driver floors
from `data/cuda.json`, GPU code from the scan of the packages (`compute_capability.tsv`) on Linux
and from `data/cuda.json` on Windows, which was never scanned.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.choosing import CAPABILITIES, DATA, KNOWLEDGE, known

from conda_torchmirror.install import request
from conda_torchmirror.models import Build, Choice, Machine, NoChoice
from conda_torchmirror.selection import choose as selection
from conda_torchmirror.selection.facts import cuda as compat

TABLES = json.loads((Path(compat.__file__).parents[2] / "data" / "cuda.json").read_text("utf-8"))
DRIVERS = TABLES["drivers"]["versions"]

SYSTEMS = {"linux-64": "linux", "win-64": "windows"}
#: Jetson's; their machine code and that of desktop GPUs do not run on each other (NVIDIA CUDA C++
#: Programming Guide, Binary Compatibility).
INTEGRATED = frozenset(("5.3", "6.2", "7.2", "8.7"))


class Driver(NamedTuple):
    """What `__cuda` says, and the driver's own version where that is known."""

    cuda: str
    version: str | None = None


Pair = tuple[int, int]


def pair(version: str) -> Pair:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


@cache
def variants(subdir: str) -> dict[str, dict[str, Build]]:
    """One build for each release and CUDA of the channel; of which Python does not matter here."""
    found: dict[str, dict[str, Build]] = defaultdict(dict)
    for build in known(subdir):
        cuda = re.search(r"_cuda(\d+\.\d)_", build.build)
        if build.name == "pytorch" and pair(build.version) >= (1, 8) and cuda:
            found[build.version].setdefault(cuda[1], build)
    return dict(found)


@cache
def scanned() -> dict[tuple[str, str], frozenset[str]]:
    """GPU code by release and CUDA. 3.5 is in bundled libraries alone; a scan may have gaps."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for line in (DATA / "compute_capability.tsv").read_text("utf-8").splitlines()[1:]:
        version, build, archs = line.split("\t")
        if cuda := re.search(r"_cuda(\d+\.\d)_", build):
            names = re.findall(r"sm_(\d+)(\d)(a?)", archs)
            found[version, cuda[1]] |= {f"{major}.{minor}{a}" for major, minor, a in names}
    return {key: frozenset(archs - {"3.5"}) for key, archs in found.items()}


@cache
def code(version: str, cuda: str, subdir: str) -> frozenset[str]:
    if subdir == "linux-64":
        return scanned()[version, cuda]
    [block] = [
        block
        for block in TABLES["architectures"]["builds"]
        if block["cuda"] == cuda and pair(block["since"]) <= pair(version) <= pair(block["until"])
    ]
    return frozenset(arch.removesuffix("+PTX") for arch in block["windows"])


def runs_on_gpu(archs: frozenset[str], capability: str) -> bool:
    """Machine code runs on its own architecture and on higher minors, on integrated GPUs on its own
    alone. The channel's only PTX is of 3.7, which nothing shows to be enough for a newer GPU's
    libraries."""
    major, minor = pair(capability)
    return any(
        arch.removesuffix("a") == capability
        if arch.endswith("a") or INTEGRATED & {arch, capability}
        else pair(arch)[0] == major and pair(arch)[1] <= minor
        for arch in archs
    )


def runs_on_driver(cuda: str, driver: Driver, system: str) -> str | None:
    """How a build of this CUDA runs: strict, minor, or None where it does not."""
    if pair(cuda) <= pair(driver.cuda):
        return "strict"
    if pair(cuda)[0] != pair(driver.cuda)[0] or pair(cuda)[0] < 11:
        return None
    floor = DRIVERS[cuda][system]
    enough = driver.version is None or parts(driver.version) >= parts(floor)
    return "minor" if enough else None


def steps(system: str, *, versions: bool) -> Iterator[Driver]:
    """The driver steps; with versions the driver of each toolkit, and one just below a floor."""
    for cuda, row in DRIVERS.items():
        if not versions:
            yield Driver(cuda)
        elif own := row[f"toolkit_{system}"]:
            yield Driver(cuda, own)
            major, *rest = parts(row[system])
            below = [major, rest[0] - 1] if rest and rest[0] else [major - 1, 99]
            yield Driver(cuda, ".".join(map(str, below)))


@cache
def how(version: str, cuda: str, subdir: str, driver: Driver, capability: str) -> str | None:
    """How one variant runs on a machine: strict, minor, or None."""
    if not runs_on_gpu(code(version, cuda, subdir), capability):
        return None
    # cuDNN 9 starts at 5.0 (NVIDIA's support matrix of 9.0.0).
    if "_cudnn9" in variants(subdir)[version][cuda].build and pair(capability) < (5, 0):
        return None
    return runs_on_driver(cuda, driver, SYSTEMS[subdir])


def choose(
    subdir: str, driver: Driver, capability: str, builds: tuple[Build, ...]
) -> Choice | NoChoice:
    on = Machine(
        subdir,
        cuda=driver.cuda,
        cuda_from="libcuda",
        driver=driver.version,
        cuda_arch=capability,
    )
    return selection.choose(on, ASKED, builds, KNOWLEDGE)


ASKED = request.make(("pytorch",), cuda_word="auto", compat="minor", allow_cpu=False)
TABLE = compat.tables()


def sweep(subdir: str, drivers: Iterable[Driver]) -> int:
    """Ask for each release on each machine; returns the number of combinations."""
    count = 0
    for (driver, capability), version in product(product(drivers, CAPABILITIES), variants(subdir)):
        builds = variants(subdir)[version]
        fitting = {
            cuda: way for cuda in builds if (way := how(version, cuda, subdir, driver, capability))
        }
        best = max(fitting, key=lambda cuda: (fitting[cuda] == "strict", pair(cuda)), default=None)
        found = choose(subdir, driver, capability, tuple(builds.values()))
        where = (subdir, driver, capability, version)
        if best is None:
            assert isinstance(found, NoChoice), where
        else:
            assert isinstance(found, Choice), where
            assert (found.cuda, found.compat) == (best, fitting[best]), where
        turned_down = {rejection.build for rejection in found.rejected}
        assert turned_down == {builds[cuda].build for cuda in builds.keys() - fitting}, where
        count += len(builds)
    return count


def told(count: int, what: str, record_property: Callable[..., None], capsys: Any) -> None:
    record_property("combinations", count)
    with capsys.disabled():
        print(f"\n{what}: {count} combinations of release, CUDA, driver and GPU", flush=True)


@pytest.mark.parametrize("subdir", SYSTEMS)
def test_every_release_on_every_machine(
    subdir: str, record_property: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    count = sweep(subdir, steps(SYSTEMS[subdir], versions=False))
    told(count, subdir, record_property, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("subdir", SYSTEMS)
def test_every_release_on_every_machine_whose_driver_version_is_known(
    subdir: str, record_property: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    count = sweep(subdir, steps(SYSTEMS[subdir], versions=True))
    told(count, f"{subdir}, with driver versions", record_property, capsys)


def floors() -> list[tuple[str, Driver]]:
    """Each platform's drivers around the floors of minor-version compatibility."""
    return [
        (subdir, driver)
        for subdir, system in SYSTEMS.items()
        for driver in steps(system, versions=True)
        if driver.cuda in ("11.0", "11.4", "12.0", "12.2", "13.0")
    ]


@pytest.mark.parametrize(("subdir", "driver"), floors(), ids=str)
def test_the_newest_release_that_runs_is_found(subdir: str, driver: Driver) -> None:
    """Among all releases, with CPU builds beside them: never a CPU build in silence."""
    channel = variants(subdir)
    cpu = {build.version: build for build in known(subdir) if is_cpu(build)}
    everything = (*(b for builds in channel.values() for b in builds.values()), *cpu.values())
    for capability in ("3.5", "3.7", "6.1", "8.0", "8.9", "9.0", "12.0"):
        running = [
            pair_of_release(version)
            for version, builds in channel.items()
            if any(how(version, cuda, subdir, driver, capability) for cuda in builds)
        ]
        found = choose(subdir, driver, capability, everything)
        if not running:
            assert isinstance(found, NoChoice), capability
            assert "cpu_build" in {rejection.code for rejection in found.rejected}
        else:
            assert isinstance(found, Choice), capability
            assert found.cuda
            assert pair_of_release(found.torch.version) == max(running)


def is_cpu(build: Build) -> bool:
    return build.name == "pytorch" and "_cpu_" in build.build and pair(build.version) >= (1, 8)


def pair_of_release(version: str) -> tuple[int, ...]:
    return tuple(parts(version))


def test_the_sweep_covers_the_channel() -> None:
    """The releases and variants that the release table names, and a scan of each on Linux."""
    releases = json.loads((DATA / "releases.json").read_text("utf-8"))["releases"]
    for subdir in SYSTEMS:
        for version, release in releases.items():
            listed = (release["conda"] or {}).get(f"{subdir}_cuda", [])
            sure = {cuda for cuda in listed if not cuda.endswith("?")}
            on_channel = set(variants(subdir).get(version, ()))
            if version != "1.8.2":  # in the channel pytorch-lts alone
                assert sure <= on_channel <= {cuda.rstrip("?") for cuda in listed}, version
    linux = {(v, cuda) for v, builds in variants("linux-64").items() for cuda in builds}
    assert linux <= scanned().keys()
