"""Whether a saved plan is for this platform, and for a system as old as this one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from conda.base.context import context

from ..exceptions.plan import PlanNewerSystem, PlanOtherPlatform
from ..index.sources import AUTO
from ..mirrors.addresses import name_of
from ..models import Build, Machine, Notice
from ..options import InstallOptions
from ..selection.facts.names import DEFAULT, FAMILY, PIP_FAMILY, PIP_NAMES, TORCH
from ..selection.plan import offered
from ..selection.specs import number, package_name
from ..selection.wheels import tables
from ..selection.wheels.link import triple_of
from ..selection.wheels.tags import WheelTarget
from ..text.sanitize import safe
from ..verify import static, static_wheels
from .saved_plan import SavedPlan

#: A lower bound in a dependency such as `__glibc >=2.17,<3.0.a0`.
_BOUND = re.compile(r">=\s*(\d{1,4}(?:\.\d{1,4}){0,3})")
#: Most packages to name.
_NAMED = 5


def refuse_older(plan: SavedPlan, on: Machine, options: InstallOptions) -> None:
    """Refuse a plan whose packages are made for a newer glibc or macOS than this machine has: conda
    takes them from an explicit list as they are, and pip finds out after conda's part. The step is
    for the environment that the `options` name.

    Raises: PlanNewerSystem.
    """
    again = _any_release(_asked(plan))._replace(name=options.name, prefix=options.prefix)
    for virtual, system, here in (("__glibc", "glibc", on.glibc), ("__osx", "macOS", on.osx)):
        if here is None:
            continue
        newer = {
            name: bound
            for name, bound in _bounds(plan, virtual)
            if number(bound) > (*number(here), *(0,) * (bound.count(".") - here.count(".")))
        }
        if newer:
            names = sorted(newer)
            raise PlanNewerSystem(
                system=system,
                needed=max(newer.values(), key=number),
                here=here,
                names=", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else ""),
                command=safe(offered(again)),
            )


def of_machine(plan: SavedPlan, on: Machine) -> tuple[Notice, ...]:
    """The notice if this machine has no driver for the plan's CUDA or one that is too old, or a GPU
    that the plan's PyTorch has no code for."""
    cuda = plan.decision.get("selected", {}).get("cuda")
    if not cuda:
        return ()
    if on.cuda is None:
        return (Notice("plan_no_driver", {"cuda": cuda}),)
    driver = number(on.cuda)
    codes = {found.code for found in _faults(plan, on)}
    # Below CUDA 11 a driver runs no newer minor version either, which the check knows.
    newer = static_wheels.DRIVER_TOO_OLD in codes and number(cuda)[: len(driver)] > driver
    if newer or driver[:1] < number(cuda)[:1]:
        return (Notice("plan_driver", {"cuda": cuda, "driver": on.cuda}),)
    if codes.isdisjoint((static_wheels.NO_CODE, static.CUDNN_TOO_NEW)):
        return ()
    return (Notice("plan_gpu", {"cuda": cuda, "arch": on.cuda_arch}),)


def _faults(plan: SavedPlan, on: Machine) -> Iterator[Notice]:
    """What a check of the environment would say of its PyTorch on this machine."""
    if plan.wheels is not None:
        for file in plan.wheels.files:
            if file.project == tables.TORCH:
                here = on._replace(python=plan.wheels.python)
                yield from static_wheels.of_wheel(file.link.variant, file.version, here)
        return
    source = plan.decision.get("selected", {}).get("source")
    records = {
        str(package["name"]): Build(
            name=str(package["name"]),
            version=str(package.get("version", "")),
            build=str(package.get("build", "")),
            build_number=int(package.get("build_number", 0)),
            subdir=str(package.get("subdir", plan.subdir)),
            channel=str(source or name_of(str(package.get("channel", "")))),
            depends=tuple(map(str, package.get("depends", ()))),
            constrains=tuple(map(str, package.get("constrains", ()))),
        )
        for package in plan.packages
    }
    if torch := records.get(TORCH):
        yield from static.against_machine(torch, records, on)


def _any_release(asked: InstallOptions) -> InstallOptions:
    """The options without the versions of PyTorch, which an old system may have no build of."""
    names = ((package_name(word), word) for word in asked.specs)
    words = (name if name in (*FAMILY, *PIP_FAMILY) else word for name, word in names)
    return asked._replace(specs=tuple(dict.fromkeys(words)))


def _bounds(plan: SavedPlan, virtual: str) -> Iterator[tuple[str, str]]:
    """Yield the packages of a plan with the version of glibc or macOS that they need."""
    for package in plan.packages:
        for spec in package.get("depends", ()):
            if package_name(str(spec)) == virtual and (found := _BOUND.search(str(spec))):
                yield str(package["name"]), found[1]
    part = plan.wheels
    if part is None:
        return
    targets = [WheelTarget(plan.subdir, [part.python], free) for free in (None, part.python)]
    for file in (*part.files, *(part.rest or ())):
        fits = (target.fit(triple_of(file.link.filename)) for target in targets)
        fit = next(filter(None, fits), None)
        bound = fit and (fit.glibc if virtual == "__glibc" else fit.osx)
        if bound:
            yield file.project, bound


def other_platform(plan: SavedPlan) -> PlanOtherPlatform:
    """The error for a plan that is not for this platform, with the command that saves one for
    it."""
    facts = {"subdir": plan.subdir, "here": context.subdir, "folder": str(plan.folder)}
    command = offered(_asked(plan)._replace(subdir=context.subdir))
    return PlanOtherPlatform(**facts, command=safe(command))


def _asked(plan: SavedPlan) -> InstallOptions:
    """The options that save a plan of what this one was asked for."""
    found = plan.decision.get("request")
    asked = found if isinstance(found, Mapping) else {}
    listed = [asked.get(key) for key in ("specs", "others")]
    words = [word for part in listed if isinstance(part, list) for word in part]
    words = [] if tuple(words) in (DEFAULT, PIP_NAMES) else words
    cuda, compat, source = (asked.get(key) for key in ("cuda", "cuda_compat", "source"))
    about = plan.decision.get("machine")
    on = about if isinstance(about, Mapping) else {}
    python = on.get("python") if on.get("python_from") == "--python" else None
    return InstallOptions(
        action="save",
        specs=tuple(word for word in words if isinstance(word, str)),
        cuda=cuda if isinstance(cuda, str) else "auto",
        cuda_compat="strict" if compat == "strict" else "minor",
        python=python if isinstance(python, str) else None,
        source=source if isinstance(source, str) and source != AUTO else "",
        save="DIR",
    )
