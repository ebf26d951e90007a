"""When nothing fits: what would. Pure; asks the same choice again with one thing changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ..models import Admits, Build, Choice, Machine, NoChoice, Notice, Rejection, Request
from . import rules
from .choose import choose, offers
from .cuda import CudaTables
from .facts import PARTNERS, TORCH
from .specs import number


def find(
    failed: NoChoice,
    machine: Machine,
    request: Request,
    builds: Sequence[Build],
    admits: Admits,
    tables: CudaTables,
) -> tuple[Notice, ...]:
    """The ways out, each with the facts that make it one, the nearest first."""
    codes = {rejection.code for rejection in failed.rejected}
    found = list(machine.remarks)

    def fits(on: Machine, of: Request) -> Choice | None:
        result = choose(on, of, builds, admits, tables)
        return result if isinstance(result, Choice) else None

    if "pinned" in codes:
        pins = {
            f"{r.machine.facts['spec']} ({r.machine.facts['source']})"
            for r in failed.rejected
            if r.code == "pinned"
        }
        found.append(Notice("change_pins", {"pins": ", ".join(sorted(pins))}))
    if "minor_version_only" in codes and (
        choice := fits(machine, request._replace(compat="minor"))
    ):
        found.append(Notice("use_minor", {"cuda": choice.cuda}))
    if "python_mismatch" in codes:
        found_for_any = offers(machine._replace(python=None), request, builds, admits, tables)
        pythons = sorted({offer.python for offer in found_for_any if offer.fits}, key=number)
        if pythons and machine.python not in pythons:
            found.append(Notice("use_python", {"pythons": ", ".join(pythons)}))
    found += rules.elsewhere(request.specs.get(TORCH, ()), machine.subdir, admits)
    found += _opened(machine, request, fits)
    if "partner_missing" in codes:
        without = {k: v for k, v in request.specs.items() if k not in PARTNERS}
        if fits(machine, request._replace(specs=without)):
            names = ", ".join(name for name in request.specs if name in PARTNERS)
            found.append(Notice("drop_partner", {"names": names}))
    if "driver_unusable" in codes:
        found.append(Notice("name_cuda"))
    if wanted := _lowest_cuda(failed.rejected):
        enough = tables.toolkit_driver if request.compat == "strict" else tables.driver_floor
        if floor := enough(wanted, machine.driver_os):
            found.append(Notice("upgrade_driver", {"cuda": wanted, "driver": floor}))
    if "arch_missing" in codes and machine.cuda_arch:
        found += elsewhere(machine, tables)
    on_cpu = request._replace(cuda="cpu")
    if request.cuda != "cpu" and machine.has_gpu and fits(machine, on_cpu):
        found.append(Notice("use_cpu"))
    return tuple(found)


def _opened(
    machine: Machine, request: Request, fits: Callable[[Machine, Request], Choice | None]
) -> Iterator[Notice]:
    """Which specs to leave open: that of the release if it is enough, else all of the family."""
    named = [name for name, specs in request.specs.items() if any(spec != name for spec in specs)]
    for code, opened in (("older_release", [TORCH]), ("open_versions", named)):
        if set(opened) <= set(named) and opened:
            specs = {**request.specs, **dict.fromkeys(opened, ())}
            if choice := fits(machine, request._replace(specs=specs)):
                yield Notice(code, {"torch": f"{TORCH} {choice.torch.version}"})
                return


def _lowest_cuda(rejected: Iterable[Rejection]) -> str | None:
    """The lowest CUDA that a driver was too old for."""
    short = ("cuda_too_new", "driver_too_old", "minor_version_only")
    found = {r.needs.facts["cuda"] for r in rejected if r.code in short}
    return min(found, key=number) if found else None


def elsewhere(machine: Machine, tables: CudaTables) -> list[Notice]:
    """Where builds for this GPU and driver are to be had, if not in this channel."""
    found = []
    for code, source in (("use_conda_forge", "conda_forge"), ("use_wheels", "wheels")):
        row = tables.elsewhere(source, machine.cuda_arch or "", machine.cuda, machine.subdir)
        if row:
            tag = "cu" + row.cuda.replace(".", "")
            facts = {"since": row.since, "torch": row.until, "cuda": row.cuda, "tag": tag}
            found.append(Notice(code, facts))
    return found
