"""Facts on wheels that their names do not tell, looked up in `data/wheels.json`. Pure.

The accelerator of a wheel follows from the directory that it is in; for wheels on PyPI, and for the
few without accelerator code, from the table. It follows neither from METADATA nor from a missing
`+`: CPU wheels name CUDA libraries behind markers, and not every CUDA wheel has a local version.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from ...models import Notice
from ..facts.cuda import CudaTables, data
from ..facts.gpu_code import ChannelCode
from ..facts.names import PIP_FAMILY, PIP_NAMES
from ..specs import minor, number, release

#: The distributions to install if none is named; the last one only if there is a wheel of it.
TORCH, _, AUDIO = DEFAULT = PIP_NAMES
#: Distributions that are chosen together with torch.
PARTNERS = PIP_FAMILY[1:]
FAMILY = PIP_FAMILY
#: The name to show for the index whose wheels are in no directory.
PLAIN = "PyPI"

#: A specifier that admits one version, in parentheses or not, whatever its local part.
_EXACT = re.compile(r"\(?={2,3}\s*(\d[\w.]*)(?:\+[\w.]+)?\)?", re.ASCII)
_CUDA = re.compile(r"cu(\d{1,2})(\d)", re.ASCII)
#: Directories that hold builds for an accelerator which is chosen by name only.
NAMED = re.compile(r"rocm\d+(?:\.\d+){1,2}|xpu", re.ASCII)
#: Directories that are chosen from; a mirror has others, such as `cu121_full`.
DIRECTORY = re.compile(rf"|cpu|{_CUDA.pattern}|{NAMED.pattern}", re.ASCII)


class Home(NamedTuple):
    """What a wheel is built for. `kind` is cuda, cpu, named (ROCm, XPU), neutral (no accelerator
    code) or unknown; `cuda` is major.minor."""

    kind: str
    cuda: str | None = None


class Open(NamedTuple):
    """A partner, from one of its releases on, that goes with every torch from one release on.
    `default` says whether such a pair is good enough for a request that names no release."""

    project: str
    since: str
    torch: str
    default: bool
    source: str


class WheelTables:
    """Look-ups; what the table does not know is None or empty, never a guess."""

    def __init__(
        self, table: Mapping[str, Any], said: frozenset[tuple[str, str]] = frozenset()
    ) -> None:
        self._table = table
        #: The partners, by project and version, that are in the table by their METADATA.
        self._said = said
        pairings = table["pairings"]
        self.stated: Mapping[str, Mapping[str, Sequence[str]]] = pairings["stated"]
        self.inferred: Mapping[str, Mapping[str, Sequence[str]]] = pairings["inferred"]
        #: The release of torch for each inferred partner, and all those for each stated one.
        self._torch: dict[tuple[str, str], list[str]] = defaultdict(list)
        for torch, partners in self.stated.items():
            for name, versions in partners.items():
                for version in versions:
                    self._torch[name, version].append(torch)
        self._open = [
            Open(row["project"], row["since"], row["torch"], row["default"], row["source"])
            for row in pairings["open"]
        ]
        self._neutral = {row["project"]: row for row in pairings["neutral"]}
        self._plain = table["plain"]
        self._cudnn = table["cudnn"]
        #: The directories of CUDA, ROCm and XPU by release and platform, by the build matrix.
        self.variants: Mapping[str, Mapping[str, Sequence[str]]] = table["variants"]

    def home(self, project: str, version: str, variant: str, subdir: str) -> Home:
        """What a wheel is built for, by the directory that it is in."""
        if self.is_neutral(project, version):
            return Home("neutral")
        if subdir.startswith("osx-"):
            return Home("cpu")
        if found := _CUDA.fullmatch(variant):
            return Home("cuda", f"{found[1]}.{found[2]}")
        if variant == "cpu":
            return Home("cpu")
        if NAMED.fullmatch(variant):
            return Home("named")
        return self._plain_home(project, version, subdir) if not variant else Home("unknown")

    def is_neutral(self, project: str, version: str) -> bool:
        """Whether a partner is one wheel for every accelerator."""
        row = self._neutral.get(project)
        return row is not None and _order(version) <= _order(row["until"])

    def highest_python(
        self, project: str, version: str, subdir: str, python: str | None
    ) -> str | None:
        """The highest Python for which PyPI has a partner that is one wheel for every accelerator.
        None for any other partner, where PyPI has none for the platform, and where the given Python
        is above it."""
        row = self._neutral.get(project, {"on_pypi": {}})
        first = row["on_pypi"].get(subdir)
        if not (first and self.is_neutral(project, version)) or _order(version) < _order(first):
            return None
        pythons: Mapping[str, str] = row["highest_python"]
        known = [since for since in pythons if _order(since) <= _order(version)]
        found = pythons[max(known, key=_order)]
        return found if number(python or found)[:2] <= number(found) else None

    def _plain_home(self, project: str, version: str, subdir: str) -> Home:
        """What a wheel of PyPI is built for: a partner for the CUDA of its torch."""
        since = self._plain["since"].get(subdir)
        if since is None:
            return Home("cpu")
        torch = [version] if project == TORCH else self.torch_of(project, version)
        cudas = {self._plain["cuda"][subdir].get(one) for one in torch}
        if torch and all(_order(one) < _order(since) for one in torch):
            # Older wheels for linux-64 have CUDA too, but no source says which.
            return Home("unknown" if subdir == "linux-64" else "cpu")
        found = cudas - {None}
        # torchaudio 2.11 goes with releases of two CUDAs, and was made for the first of them.
        return Home("cuda", min(filter(None, found), key=number)) if found else Home("unknown")

    def torch_of(self, project: str, version: str) -> list[str]:
        """The releases of torch that an official source states for a partner."""
        return self._torch.get((project, version), [])

    def knows(self, torch: str) -> bool:
        """Whether the table has anything on a release of torch."""
        return torch in self.stated or torch in self.inferred

    def extended(self, said: Mapping[tuple[str, str], str]) -> WheelTables:
        """A copy with partners newer than the table. `said` maps project and version to the
        specifier on torch in their METADATA, which counts if it is one exact version."""
        stated = {torch: dict(partners) for torch, partners in self.stated.items()}
        found = set()
        for (project, version), specifier in said.items():
            exact = _EXACT.fullmatch(specifier.strip())
            if exact and not self.knows(exact[1]):
                found.add((project, version))
                row = stated.setdefault(exact[1], {})
                row[project] = sorted({*row.get(project, ()), version}, key=_order, reverse=True)
        table = {**self._table, "pairings": {**self._table["pairings"], "stated": stated}}
        return WheelTables(table, self._said | found)

    def partner(self, project: str, torch: str) -> str | None:
        """The version of a partner that is stated for a release of torch, the preferred one."""
        return next(iter(self.stated.get(torch, {}).get(project, ())), None)

    def open_since(self, project: str, version: str) -> Open | None:
        """The entry for a partner that goes with every torch from one release on; else None. One
        whose METADATA names its torch is none."""
        if (project, version) in self._said:
            return None
        return next(
            (
                row
                for row in self._open
                if row.project == project and _order(row.since) <= _order(version)
            ),
            None,
        )

    def first_open(self, project: str) -> Open:
        """The entry for a partner of which there is one."""
        return next(row for row in self._open if row.project == project)

    def open_for(self, project: str, torch: str) -> str | None:
        """The first release of such a partner that goes with every torch, if with this one."""
        row = self.first_open(project)
        return row.since if _order(row.torch) <= _order(torch) else None

    def cudnn(self, torch: str, cuda: str) -> str | None:
        """The cuDNN of a CUDA build, or a lower bound for it; None if unknown."""
        known: str | None = self._cudnn["builds"].get(torch, {}).get(cuda)
        if known:
            return known
        since = {v: c for v, c in self._cudnn["since"].items() if v != "source"}
        return max((c for v, c in since.items() if _order(v) <= _order(torch)), default=None)


class WheelCode:
    """The GPU code of wheels for one platform.

    If no wheel of a release was inspected, the code of the channel `pytorch` stands in: up to 2.5
    the same recipes made both, except for 6.1 and 7.5, which run code of the same major.
    """

    #: No source says that the bundled libraries have PTX.
    ptx_since: tuple[int, ...] | None = None

    def __init__(self, tables: Mapping[str, Any], wheels: Mapping[str, Any], subdir: str) -> None:
        self._system = "windows" if subdir.startswith("win-") else "linux"
        self._arm: Mapping[str, Sequence[str]] | None = None
        if subdir == "linux-aarch64":
            self._arm = wheels["code"][subdir]["cuda"]
        self._builds = tables["ways_out"]["wheels"]["builds"]
        self._channel = ChannelCode(tables["architectures"])

    def carried(
        self, torch: str, cuda: str, subdir: str, build: int = 0, variant: str | None = None
    ) -> tuple[str, ...] | None:
        """The code of a release for a CUDA."""
        if self._arm is not None:
            known = self._arm.get(cuda)
            return tuple(known) if known else None
        within = number(minor(torch))
        for block in self._builds:
            if number(block["since"]) <= within <= number(block["until"]) and block["cuda"] == cuda:
                found = block.get(self._system)
                return tuple(found) if found else None
        return self._channel.carried(torch, cuda, subdir)

    def bound(self, torch: str, cuda: str, arch: str) -> Notice | None:
        """Judge by the CUDA of wheels of the same major.

        No wheel of a CUDA major has code for a GPU older than the known wheels of that major do,
        and a GPU generation needs the toolkit that introduced it.
        """
        device, made_for = number(arch), number(cuda)
        known = self._known()
        lowest = min((a for c, a in known if c[0] == made_for[0]), default=None)
        if lowest and device < lowest:
            return Notice("code_from", {"arch": ".".join(map(str, lowest))})
        first = min((c for c, a in known if a[0] == device[0]), default=None)
        if first and made_for < first:
            facts = {"major": str(device[0]), "cuda": ".".join(map(str, first))}
            return Notice("code_first_cuda", facts)
        return None

    def _known(self) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """CUDA and compute capability of all known code."""
        rows = (self._arm or {}).items() if self._arm is not None else self._rows()
        return [
            (number(cuda), number(item.partition("+")[0].rstrip("a")))
            for cuda, carried in rows
            for item in carried
        ]

    def _rows(self) -> list[tuple[str, Sequence[str]]]:
        return [(block["cuda"], block.get(self._system) or ()) for block in self._builds]


@cache
def tables() -> WheelTables:
    """The tables that ship with the package."""
    return WheelTables(data("wheels.json"))


@cache
def cuda_tables(subdir: str) -> CudaTables:
    """The tables of drivers and cuDNN, with the code of the wheels for a platform."""
    cuda = data("cuda.json")
    return CudaTables(cuda, WheelCode(cuda, data("wheels.json"), subdir))


def _order(version: str) -> Any:
    """The sort key of a version; those that cannot be ordered come first."""
    return release(version) or release("0")
