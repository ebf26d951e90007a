"""The GPU code in builds of the channel `pytorch` and of conda-forge. Pure.

Compute capabilities are "8.6" for machine code, "8.6+PTX" if its PTX is included, "9.0a" for code
that runs on 9.0 alone. What the tables do not know is None, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from ...models import Notice
from ..specs import minor, number


class GpuCode(Protocol):
    """Which compute capabilities the builds of one source have code for.

    `ptx_since` is the lowest PTX that is counted on, None where none is.
    """

    ptx_since: tuple[int, ...] | None

    def carried(
        self, torch: str, cuda: str, subdir: str, build: int, variant: str | None
    ) -> tuple[str, ...] | None:
        """The code in a build; `build` and `variant` matter if a release has several lists."""

    def bound(self, torch: str, cuda: str, arch: str) -> Notice | None:
        """Why a release whose code is not known cannot have code for a GPU; None if it may."""


class ChannelCode:
    """The builds of the channel `pytorch`, which ended: from `architectures` of `cuda.json`."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._builds, self._bounds = data["builds"], data["bounds"]
        self.ptx_since = _ptx(data)

    def carried(
        self, torch: str, cuda: str, subdir: str, build: int = 0, variant: str | None = None
    ) -> tuple[str, ...] | None:
        """The code in a release; one list holds for all its builds of a CUDA and a system."""
        within = number(minor(torch))
        for block in self._builds:
            if number(block["since"]) <= within <= number(block["until"]) and block["cuda"] == cuda:
                found = block.get("windows" if subdir.startswith("win-") else "linux")
                return tuple(found) if found else None
        return None

    def bound(self, torch: str, cuda: str, arch: str) -> Notice | None:
        """Judge by the first release that had each GPU generation, and by the lowest generation."""
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


class ForgeCode:
    """The builds of conda-forge: from `code` of `conda_forge.json`, by release and build number."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._rows: Sequence[Mapping[str, Any]] = data["builds"]
        self.ptx_since = _ptx(data)

    def carried(
        self, torch: str, cuda: str, subdir: str, build: int = 0, variant: str | None = None
    ) -> tuple[str, ...] | None:
        """The code of a build. `build` is its number without what stands for the variant (N of
        300 + N), `variant` the ARM platform that it is for, tegra or sbsa."""
        for row in self._rows:
            first, last = row.get("numbers", (0, None))
            if (
                row["cuda"] == cuda
                and torch in row["torch"]
                and subdir in row["subdirs"]
                and row.get("variant") == (variant if variant != "sbsa" else None)
                and first <= build
                and (last is None or build <= last)
            ):
                return tuple(row["carried"])
        return None

    def bound(self, torch: str, cuda: str, arch: str) -> Notice | None:
        """Judge by the CUDA of the known builds.

        Toolkits of one major drop no GPU generation, and a generation needs the toolkit that
        introduced it. A newer release may have code for one that no known build has.
        """
        device, made_for = number(arch), number(cuda)
        lowest = min((a for c, _, a in self._known() if c[0] == made_for[0]), default=None)
        if lowest and device < lowest:
            return Notice("code_from", {"arch": _dotted(lowest)})
        first = min(((c, t) for c, t, a in self._known() if a[0] == device[0]), default=None)
        if first and made_for < first[0]:
            facts = {"torch": _dotted(first[1]), "cuda": _dotted(first[0])}
            return Notice("code_first", {"major": str(device[0]), **facts})
        return None

    def _known(self) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]:
        """CUDA, release and compute capability of all code that is not for one board alone."""
        for row in self._rows:
            if "variant" not in row:
                for torch in row["torch"]:
                    for item in row["carried"]:
                        arch = item.partition("+")[0]
                        yield number(row["cuda"]), number(torch), number(arch)


def _ptx(data: Mapping[str, Any]) -> tuple[int, ...] | None:
    since = data["ptx"]["since"]
    return number(since) if since else None


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
