"""CUDA facts from `data/cuda.json`: driver floors, and the GPU code that builds carry. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ..models import Notice
from .specs import minor, number


class Elsewhere(NamedTuple):
    """Builds of another source: the first and last minor release of torch, and the CUDA."""

    since: str
    until: str
    cuda: str


class CudaTables:
    """Look-ups in the tables; what they do not know is None, never a guess."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._drivers = data["drivers"]
        self._builds = data["architectures"]["builds"]
        self._bounds = data["architectures"]["bounds"]
        self._ways_out = data["ways_out"]
        self._cudnn = data["cudnn"]["floors"]
        compatibility = data["drivers"]["minor_version_compatibility"]
        #: The first CUDA major whose builds run on a driver of an older minor.
        self.compat_since: int = compatibility["since"]
        self.compat_source: str = compatibility["source"]
        #: The lowest PTX that is counted on.
        self.ptx_since = number(data["architectures"]["ptx"]["since"])

    def driver_floor(self, cuda: str, system: str) -> str | None:
        """The lowest driver that runs any build of this CUDA, on linux or windows."""
        row = self._drivers["versions"].get(cuda)
        row = row or self._drivers["families"].get(cuda.partition(".")[0], {})
        floor: str | None = row.get(system)
        return floor

    def toolkit_driver(self, cuda: str, system: str) -> str | None:
        """The driver of this CUDA's own toolkit, which says at least this CUDA itself."""
        found: str | None = self._drivers["versions"].get(cuda, {}).get(f"toolkit_{system}")
        return found

    def architectures(self, torch: str, cuda: str, subdir: str) -> tuple[str, ...] | None:
        """The compute capabilities that a build has code for, such as ("3.7+PTX", "5.0")."""
        within = number(minor(torch))
        for block in self._builds:
            if number(block["since"]) <= within <= number(block["until"]) and block["cuda"] == cuda:
                carried = block.get(_system(subdir))
                return tuple(carried) if carried else None
        return None

    def bound(self, torch: str, cuda: str, arch: str) -> Notice | None:
        """Why a release that `architectures` does not know cannot have code for a GPU.

        The fact of the release, or None where nothing is known against it.
        """
        release, device = number(minor(torch)), number(arch)
        lowest = self._bounds["lowest"]
        if device < number(lowest["arch"]) and release >= number(lowest["since"]):
            return Notice("code_from", {"arch": lowest["arch"]})
        major = str(device[0])
        first = self._bounds["first"].get(major)
        if device[0] > max(map(int, self._bounds["first"])):
            return Notice("code_never", {"major": major})
        if first and (release < number(first["torch"]) or number(cuda) < number(first["cuda"])):
            return Notice("code_first", {"major": major, **first})
        return None

    def cudnn_floor(self, cudnn: str) -> str | None:
        """The lowest compute capability that this cuDNN runs on, as far as it is known."""
        found = [row["arch"] for row in self._cudnn if number(row["since"]) <= (*number(cudnn), 0)]
        return max(found, key=number, default=None)

    def blocks_elsewhere(self, source: str, arch: str, subdir: str) -> list[Elsewhere]:
        """What `source` (conda_forge or wheels) has with code for a GPU, by CUDA and releases."""
        # No source says that the bundled libraries of these builds run by PTX.
        return [
            Elsewhere(block["since"], block["until"], block["cuda"])
            for block in self._ways_out[source]["builds"]
            if runs_on(arch, block.get(_system(subdir)) or ())
        ]

    def built_elsewhere(self, source: str, torch: str, cuda: str, subdir: str) -> Sequence[str]:
        """The compute capabilities that a release of `source` has code for; none is not known."""
        within = number(minor(torch))
        for block in self._ways_out[source]["builds"]:
            if number(block["since"]) <= within <= number(block["until"]) and block["cuda"] == cuda:
                found: Sequence[str] = block.get(_system(subdir)) or ()
                return found
        return ()

    @property
    def wheel_pythons(self) -> tuple[str, str]:
        """The first and the last Python that every such wheel is made for."""
        first, last = self._ways_out["wheels"]["pythons"]
        return first, last


def _system(subdir: str) -> str:
    return "windows" if subdir.startswith("win-") else "linux"


@lru_cache(maxsize=1)
def tables() -> CudaTables:
    """The tables that ship with the package, read once."""
    path = Path(__file__).parents[1] / "data" / "cuda.json"
    return CudaTables(json.loads(path.read_text(encoding="utf-8")))


def runs_on(
    device: str, carried: Sequence[str], *, ptx_since: tuple[int, ...] | None = None
) -> bool:
    """Whether code for these architectures runs on a device of this compute capability.

    A cubin runs on its own architecture and on higher minors of the same major. PTX is compiled by
    the driver for anything newer, if the driver is not older than the toolkit: `ptx_since` is the
    lowest that counts then, None where none does.
    """
    major, minor = number(device)[:2]
    for item in carried:
        plain, _, suffix = item.partition("+")
        built = number(plain.rstrip("a"))
        # "9.0a" is architecture-specific code, for exactly that device.
        if plain.endswith("a"):
            if built == (major, minor):
                return True
        elif built[0] == major and built[1] <= minor:
            return True
        if ptx_since and suffix == "PTX" and ptx_since <= built <= (major, minor):
            return True
    return False
