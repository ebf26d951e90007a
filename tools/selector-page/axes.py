"""What can be asked on the page: systems, sources, releases, drivers, GPUs, Pythons, mirrors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from answer import CPU, Cell, load_wheels

from conda_torchmirror.index import builtin
from conda_torchmirror.index.sources import AUTO, SOURCES, WHEELS
from conda_torchmirror.selection.facts.cuda import data
from conda_torchmirror.selection.specs import minor, number
from conda_torchmirror.selection.wheels.tables import TORCH as WHEEL

HERE = Path(__file__).parent
SYSTEMS = ("linux-64", "win-64", "linux-aarch64", "osx-arm64", "osx-64")
CHOICES = (AUTO, *(source.name for source in SOURCES), WHEELS)
#: The oldest CUDA of a driver, release and Python that can be asked for.
_CUDA, _RELEASE, _PYTHON = "11.0", "2.0", "3.10"
#: The number of releases of a source on the page; the command knows older ones too.
RELEASES = 8
#: A CUDA that `nvidia-smi` shows and for which no toolkit is in the tables.
_UNLISTED = "12.7"
#: Compute capabilities of boards with an integrated GPU, all of them linux-aarch64.
_BOARDS = frozenset(data("cuda.json")["architectures"]["integrated"]["archs"])


def gpus() -> dict[str, Any]:
    """The names of GPUs by compute capability, with their source."""
    document: dict[str, Any] = json.loads((HERE / "gpus.json").read_text(encoding="utf-8"))
    return document


class Axes(NamedTuple):
    """The values of a system. `releases` are by source, as major.minor, newest first; "" for the
    newest that runs stands before them."""

    system: str
    releases: dict[str, tuple[str, ...]]
    cudas: tuple[str, ...]
    archs: tuple[str, ...]
    pythons: tuple[str, ...]

    @property
    def cells(self) -> Iterable[Cell]:
        """Every cell of the system."""
        for source in CHOICES:
            for release in ("", *self.releases[source]):
                for python in ("", *self.pythons):
                    yield Cell(self.system, source, release, CPU, "", python)
                    for cuda in self.cudas:
                        for arch in ("", *self.archs):
                            yield Cell(self.system, source, release, cuda, arch, python)


def axes(system: str) -> Axes:
    """The axes of a system."""
    known: dict[str, set[str]] = {}
    for source in SOURCES:
        found = builtin.load(system, ("pytorch",), channel=source.channel)
        known[source.name] = {minor(build.version) for build in found.builds} if found else set()
    recipes = data("conda_forge.json")["releases"]
    known["conda-forge"] |= {minor(r["torch"]) for r in recipes if system in r["platforms"]}
    wheels = load_wheels(system)
    # Those that are on PyPI alone (variant "") are in no directory of a mirror.
    names = [link.filename for link in wheels.links if link.variant] if wheels else []
    torch = [name.split("-") for name in names if name.startswith(f"{WHEEL}-")]
    known[WHEELS] = {minor(re.split(r"[+]", version)[0]) for _, version, *_ in torch}
    pythons = {f"3.{m[1]}" for row in torch if (m := re.search(r"-cp3(\d+)", f"-{row[2]}"))}
    pythons |= {p for r in recipes for p in r["platforms"].get(system, {}).get("python", ())}
    macs = system.startswith("osx-")
    listed = [c for c in data("cuda.json")["drivers"]["versions"] if number(c) >= number(_CUDA)]
    boards = system == "linux-aarch64"
    archs = {row["arch"] for row in gpus()["gpus"]}
    releases = {
        source: _sorted((v for v in found if number(v) >= number(_RELEASE)), newest=True)[:RELEASES]
        for source, found in known.items()
    }
    releases[AUTO] = _sorted({v for s in SOURCES for v in releases[s.name]}, newest=True)
    return Axes(
        system,
        releases,
        () if macs else _sorted({*listed, _UNLISTED}),
        () if macs else _sorted(arch for arch in archs if boards or arch not in _BOARDS),
        _sorted(python for python in pythons if number(_PYTHON) <= number(python)),
    )


def _sorted(values: Iterable[str], *, newest: bool = False) -> tuple[str, ...]:
    return tuple(sorted(values, key=number, reverse=newest))


def driver_of(cuda: str, system: str) -> str | None:
    """The first driver with which `nvidia-smi` shows this CUDA; None if no table tells."""
    kind = "windows" if system == "win-64" else "linux"
    row = data("cuda.json")["drivers"]["versions"].get(cuda, {})
    found: str | None = row.get(f"toolkit_{kind}")
    return found


def names(found: Sequence[str]) -> str:
    """Names as one phrase."""
    return ", ".join(found)
