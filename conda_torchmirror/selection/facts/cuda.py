"""CUDA facts from `data/cuda.json`: drivers, cuDNN, and whether GPU code runs on a device. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ...models import Notice
from ..specs import number
from .gpu_code import ChannelCode, ForgeCode, GpuCode

_DATA = Path(__file__).parents[2] / "data"


class Elsewhere(NamedTuple):
    """Builds of another source: its first and last minor release of torch, and their CUDA."""

    since: str
    until: str
    cuda: str


class CudaTables:
    """Look-ups in the tables; what they do not know is None, never a guess."""

    def __init__(self, data: Mapping[str, Any], code: GpuCode | None = None) -> None:
        self._drivers = data["drivers"]
        #: The code of the builds that are chosen from, those of the channel `pytorch` by default.
        self.code: GpuCode = code or ChannelCode(data["architectures"])
        self._ways_out = data["ways_out"]
        self._cudnn = data["cudnn"]["floors"]
        compatibility = data["drivers"]["minor_version_compatibility"]
        #: The first CUDA major whose builds run on a driver of an older minor.
        self.compat_since: int = compatibility["since"]
        self.compat_source: str = compatibility["source"]
        #: The devices inside a system on a chip, whose machine code is for them alone.
        self.integrated = frozenset(data["architectures"]["integrated"]["archs"])
        #: The lowest PTX that is counted on.
        self.ptx_since = self.code.ptx_since

    def driver_floor(self, cuda: str, system: str) -> str | None:
        """The lowest driver that runs any build of this CUDA, on linux or windows."""
        row = self._drivers["versions"].get(cuda)
        row = row or self._drivers["families"].get(cuda.partition(".")[0], {})
        floor: str | None = row.get(system)
        return floor

    def toolkit_driver(self, cuda: str, system: str) -> str | None:
        """The driver that this CUDA's toolkit came with, which reports at least this CUDA."""
        found: str | None = self._drivers["versions"].get(cuda, {}).get(f"toolkit_{system}")
        return found

    def driver_for(self, cuda: str, system: str, *, strict: bool) -> str | None:
        """The lowest driver that runs builds of this CUDA; if `strict`, without minor-version
        compatibility."""
        enough = self.toolkit_driver if strict else self.driver_floor
        return enough(cuda, system)

    def architectures(
        self, torch: str, cuda: str, subdir: str, *, build: int = 0, variant: str | None = None
    ) -> tuple[str, ...] | None:
        """The compute capabilities that a build has code for, such as ("3.7+PTX", "5.0")."""
        return self.code.carried(torch, cuda, subdir, build, variant)

    def bound(self, torch: str, cuda: str, arch: str) -> Notice | None:
        """The reason why a release unknown to `architectures` cannot have code for a GPU.

        None if nothing is known against it.
        """
        return self.code.bound(torch, cuda, arch)

    def cudnn_floor(self, cudnn: str) -> str | None:
        """The lowest compute capability that this cuDNN runs on; None if unknown."""
        found = [row["arch"] for row in self._cudnn if number(row["since"]) <= (*number(cudnn), 0)]
        return max(found, key=number, default=None)

    def cudnn_ceiling(self, arch: str) -> str | None:
        """The first cuDNN that no longer runs on a GPU; None if none is known."""
        floors = [row["since"] for row in self._cudnn if number(arch) < number(row["arch"])]
        return min(floors, key=number, default=None)

    def blocks_elsewhere(self, source: str, arch: str, subdir: str) -> list[Elsewhere]:
        """What `source` (wheels) has with code for a GPU, by CUDA and releases."""
        # No source says that the libraries bundled with these builds have PTX.
        return [
            Elsewhere(block["since"], block["until"], block["cuda"])
            for block in self._ways_out[source]["builds"]
            if runs_on(arch, block.get(_system(subdir)) or ())
        ]

    @property
    def wheel_pythons(self) -> tuple[str, str]:
        """The first and the last Python that all wheels of `blocks_elsewhere` are made for."""
        first, last = self._ways_out["wheels"]["pythons"]
        return first, last


def _system(subdir: str) -> str:
    return "windows" if subdir.startswith("win-") else "linux"


@cache
def data(name: str) -> Mapping[str, Any]:
    """A table that ships with the package, such as `cuda.json`; each is read once."""
    table: Mapping[str, Any] = json.loads((_DATA / name).read_text(encoding="utf-8"))
    return table


@cache
def tables() -> CudaTables:
    """The tables that ship with the package, with the code of the channel `pytorch`."""
    return CudaTables(data("cuda.json"))


@cache
def conda_forge_tables() -> CudaTables:
    """The same tables with the code of conda-forge's builds."""
    return CudaTables(data("cuda.json"), ForgeCode(data("conda_forge.json")["code"]))


def runs_on(
    device: str, carried: Sequence[str], *, ptx_since: tuple[int, ...] | None = None
) -> bool:
    """Whether code for these architectures runs on a device of this compute capability.

    A cubin runs on its own architecture and on higher minors of the same major, except that
    integrated devices and others cannot run each other's code. The driver compiles PTX for anything
    newer, if it is not older than the toolkit: `ptx_since` is the lowest PTX that counts, None for
    none.
    """
    major, minor = number(device)[:2]
    integrated = tables().integrated
    for item in carried:
        plain, _, suffix = item.partition("+")
        built = number(plain.rstrip("a"))
        # "9.0a" is architecture-specific code, for exactly that device.
        if plain.endswith("a") or device in integrated or plain in integrated:
            if built == (major, minor):
                return True
        elif built[0] == major and built[1] <= minor:
            return True
        if ptx_since and suffix == "PTX" and ptx_since <= built <= (major, minor):
            return True
    return False
