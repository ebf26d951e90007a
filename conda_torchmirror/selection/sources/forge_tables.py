"""What the tables know of conda-forge: its releases that serve a request. Pure.

Nothing is chosen from them; the figures are in `data/conda_forge.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from ...models import Admits, Machine, Request
from ..facts.conda_forge import libraries_glibc
from ..facts.cuda import conda_forge_tables, data, runs_on
from ..facts.names import CUDA_NAMES, PARTNERS, TORCH
from ..specs import number, package_name
from .wanted import Wanted

#: The lowest cuDNN that CUDA builds of conda-forge accept, in the records of 2.1.2 and later.
_OLDEST_CUDNN = "8.9"
#: The days of a release's first and last builds, in its row.
_SPAN = ("first", "last")
#: From this CUDA on, the builds of pytorch for it name their BLAS (some for 12.0 do as well).
_NAMES_BLAS = (12, 6)


def days() -> frozenset[str]:
    """The days that the tables know: those of the first and the last builds of a release."""
    return frozenset(row[at] for row in data("conda_forge.json")["releases"] for at in _SPAN)


def newest_of_conda_forge(machine: Machine, request: Request, admits: Admits) -> str | None:
    """The newest release on conda-forge that serves a request, by the tables."""
    found = best_of_conda_forge(machine, request, admits)
    return found[0] if found else None


def best_of_conda_forge(
    machine: Machine, request: Request, admits: Admits
) -> tuple[str, str] | None:
    """The newest release on conda-forge that serves a request, and its CUDA ("" for the CPU)."""
    wanted = Wanted(machine, request, admits, conda_forge_tables())
    return next(on_conda_forge(wanted), None)


def has_python(torch: str, machine: Machine) -> bool:
    """Whether a release has builds for the machine's Python on its platform."""
    return machine.free_threaded is None and any(
        machine.python in row["platforms"].get(machine.subdir, {}).get("python", ())
        for row in data("conda_forge.json")["releases"]
        if row["torch"] == torch
    )


def known_pythons(machine: Machine) -> list[str]:
    """The Pythons that any release has builds for on this platform, the newest first."""
    rows = (row["platforms"].get(machine.subdir) for row in data("conda_forge.json")["releases"])
    return sorted({p for row in rows if row for p in row["python"]}, key=number, reverse=True)


def pythons_of(machine: Machine, request: Request, admits: Admits) -> list[str]:
    """The Pythons of the releases that a request names, the newest first."""
    wanted = Wanted(machine, request, admits, conda_forge_tables())
    rows = [r for r in data("conda_forge.json")["releases"] if wanted.release(TORCH, r["torch"])]
    there = (row["platforms"].get(machine.subdir) for row in rows)
    return sorted({p for row in there if row for p in row["python"]}, key=number, reverse=True)


def may_be_on_conda_forge(machine: Machine, request: Request, admits: Admits) -> bool:
    """Whether the full index of conda-forge may serve what a part of it cannot: by the tables, or
    because they do not cover the release or words that name builds."""
    wanted = Wanted(machine, request, admits, conda_forge_tables())
    rows = data("conda_forge.json")["releases"]
    known = [row["torch"] for row in rows]
    if wanted.of_the_channel:
        return True
    if not any(wanted.release(TORCH, torch) for torch in known):
        # Demands that single releases meet, but none all of them, contradict each other.
        single = (
            any(admits(spec, TORCH, torch, "") for torch in known) for spec in wanted.demands(TORCH)
        )
        return not all(single)
    # Of a release that is hidden in part, what is not hidden may serve.
    hidden = frozenset(row["last"] for row in rows if row["first"] in request.hidden_days)
    seen = wanted._replace(request=request._replace(hidden_days=hidden))
    return next(on_conda_forge(seen), None) is not None


def on_conda_forge(wanted: Wanted) -> Iterator[tuple[str, str]]:
    """The releases of conda-forge that serve the request, newest first, each with its CUDA: as in a
    choice with a CPU build, where that is allowed, only if nothing runs CUDA."""
    found = _of_kind(wanted)
    first = next(found, None)
    if first:
        yield first
        yield from found
    elif wanted.at_worst:
        yield from _of_kind(wanted.at_worst)


def _of_kind(wanted: Wanted) -> Iterator[tuple[str, str]]:
    """The releases with a build of the kind that is wanted, for CUDA or for the CPU."""
    subdir = wanted.machine.subdir
    for row in data("conda_forge.json")["releases"]:
        there = row["platforms"].get(subdir)
        if there is None or not wanted.release(TORCH, row["torch"]):
            continue
        # Which of a release's builds are the older ones is not known.
        if row["last"] in wanted.request.hidden_days:
            continue
        if not _has_macos(row["torch"], wanted.machine):
            continue
        pythons = [python for python in there["python"] if wanted.python(python)]
        for cuda in _cudas(row, there, wanted):
            if any(
                wanted.built(TORCH, row["torch"], _builds(TORCH, cuda, python, subdir))
                and _has_partners(row, python, cuda, wanted)
                for python in pythons
            ):
                yield row["torch"], cuda
                break


def _has_macos(torch: str, machine: Machine) -> bool:
    """Whether this macOS, if it is one, is new enough for a release."""
    floors = data("conda_forge.json")["floors"]["osx"].get(machine.subdir, ())
    since = [row for row in floors if number(row["since"]) <= number(torch)]
    return not (machine.osx and since) or number(machine.osx) >= number(since[-1]["osx"])


def _cudas(row: Mapping[str, Any], there: Mapping[str, Any], wanted: Wanted) -> list[str]:
    """The CUDAs of a release that run here, the best first; [""] if a CPU build is wanted.

    As in a choice, those that the driver has itself go before newer minors, and higher ones first.
    """
    if not wanted.has_mutex("cpu" if wanted.on_cpu else "cuda"):
        return []
    if wanted.on_cpu:  # a word that names a CUDA rules CPU builds out
        return [] if any(package_name(pin.spec) in CUDA_NAMES for pin in wanted.pins) else [""]
    if not wanted.cudnn(row["torch"]):
        return []
    arch, subdir = wanted.machine.cuda_arch, wanted.machine.subdir
    ceiling = wanted.tables.cudnn_ceiling(arch) if arch else None
    if ceiling and number(ceiling) <= number(_OLDEST_CUDNN):
        return []
    code = conda_forge_tables().architectures
    glibc, oldest = wanted.machine.glibc, data("conda_forge.json")["floors"]
    floors = there.get("glibc", {})
    of_libraries = partial(libraries_glibc, cudnn=None, torch=row["torch"])
    built: list[tuple[str, str | None, str]]
    built = [
        (cuda, None, floors.get(cuda) or of_libraries(cuda) or oldest["glibc"])
        for cuda in there["cuda"]
    ]
    if arch in wanted.tables.integrated:
        built += [(cuda, "tegra", oldest["tegra_glibc"]) for cuda in there.get("tegra", ())]
    fitting = {
        cuda: number(run) <= number(wanted.machine.cuda or "0")
        for cuda, board, floor in built
        if (run := wanted.run_with(cuda))
        and wanted.cuda(run)
        and wanted.runtime(cuda)
        and (glibc is None or number(glibc) >= number(floor))
        and (
            arch is None
            # No source says that the libraries bundled with these builds have PTX.
            or runs_on(
                arch, code(row["torch"], cuda, subdir, build=row["number"], variant=board) or ()
            )
        )
    }
    return sorted(fitting, key=lambda cuda: (fitting[cuda], number(cuda)), reverse=True)


def _has_partners(row: Mapping[str, Any], python: str, cuda: str, wanted: Wanted) -> bool:
    """Whether a release has every partner of the request for this Python and CUDA ("" for the CPU).

    In the default request torchaudio is optional.
    """
    specs, wishes = wanted.request.specs, wanted.request.wishes
    return all(
        any(
            wanted.release(name, version) and _is_built(name, version, which, python, cuda, wanted)
            for version, which in row.get(name, {}).items()
        )
        for name in PARTNERS
        if name in specs and name not in wishes
    )


def _is_built(name: str, version: str, which: int, python: str, cuda: str, wanted: Wanted) -> bool:
    """Whether a version of a partner, by its row in the table, is built for all of these, as specs
    on its build want it."""
    table, subdir = data("conda_forge.json"), wanted.machine.subdir
    of_major = table["partner_cuda"]["same"][name] == "major"
    return any(
        subdir in cell["subdirs"]
        and python in cell["python"]
        and any(
            wanted.built(name, version, _builds(name, other, python, subdir))
            for other in (cell["cuda"] if cuda else ("",))
            if other == cuda or (of_major and number(other)[0] == number(cuda)[0])
        )
        for cell in table["partners"]["builds"][which]
    )


def _builds(name: str, cuda: str, python: str, subdir: str) -> list[str]:
    """How a build for a CUDA ("" for the CPU) and a Python may be named, but for its hash."""
    kind, of = f"cuda{cuda.replace('.', '')}" if cuda else "cpu", f"py{python.replace('.', '')}"
    blas = data("conda_forge.json")["blas"]["platforms"][subdir].split()
    if name != TORCH or (cuda and number(cuda) < _NAMES_BLAS):
        blas = []
    return [*(f"{kind}_{each}_{of}_h_0" for each in blas), f"{kind}_{of}_h_0", f"{kind}_{of}h_0"]
