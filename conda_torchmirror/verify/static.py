"""What is wrong with an environment's PyTorch, by looking: installed records against the machine.

The part of a check that `conda doctor` can do. Nothing of the environment is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from conda.base.context import context
from conda.core.prefix_data import PrefixData

from ..index.match import admits
from ..index.sources import of_channel
from ..machine.environment import NAMES
from ..machine.survey import has_device, inspect
from ..models import Build, Choice, Machine, Notice, Request
from ..selection import rules
from ..selection.facts.names import CPU_ONLY, TORCH
from ..selection.fit import Constraints
from ..selection.specs import package_name
from ..text.messages import text
from .verdict import Check, unique


class StaticReport(NamedTuple):
    """This machine, conda's record of the environment's pytorch if it has one, what is wrong."""

    machine: Machine
    torch: Build | None = None
    notices: tuple[Notice, ...] = ()


#: Remarks about the machine that are about the environment.
ENVIRONMENT = frozenset(
    ("machine.record_broken", "machine.pins_unreadable", "machine.pin_unreadable")
)


def inspect_records(prefix: str) -> StaticReport:
    """Look at an environment's PyTorch without running it: records, machine, and each other."""
    machine = inspect(subdir=context.subdir, prefix=prefix)
    environment = [notice for notice in machine.remarks if notice.code in ENVIRONMENT]
    broken = any(notice.code == "machine.record_broken" for notice in environment)
    records = {} if broken else _builds(prefix, NAMES)
    torch = records.get(TORCH)
    pip = [p for p in machine.installed if p.channel == "pypi" and p.name == "torch"]
    notices: list[Notice] = []
    if torch and pip:
        facts = {"pip": f"torch {pip[0].version}", "conda": f"{TORCH} {torch.version}"}
        notices.append(Notice("torch_twice", facts))
    if torch:
        notices += _against_machine(torch, machine, CPU_ONLY in records)
        notices += _against_each_other(torch, records, machine)
    return StaticReport(machine, torch, unique([*environment, *notices]))


def with_records(check: Check, report: StaticReport) -> Check:
    """Add to a check what only the records tell. Where a GPU works, nobody needs tables."""
    known = {notice.code for notice in check.notices}
    if check.expect_gpu or any(device.ok for device in check.devices):
        known |= MACHINE
    more = [notice for notice in report.notices if notice.code not in known]
    if check.torch and not check.expect_gpu and has_device(report.machine):
        # Where pip installed torch, there is no record that could tell.
        told = known & MACHINE or any(notice.code not in ENVIRONMENT for notice in more)
        more += [] if told else [Notice("cpu_build")]
    if check.status == "no_gpu":
        more += [notice for notice in report.machine.remarks if notice not in more]
    return replace(check, notices=(*check.notices, *more))


def _builds(prefix: str, names: Sequence[str]) -> dict[str, Build]:
    data = PrefixData(prefix)
    records = {name: data.get(name, None) for name in names}
    return {
        name: Build(
            name=name,
            version=record.version,
            build=record.build,
            build_number=record.build_number,
            subdir=record.subdir,
            channel=record.channel.canonical_name,
            depends=tuple(record.depends or ()),
            constrains=tuple(record.constrains or ()),
        )
        for name, record in records.items()
        if record is not None
    }


#: What is wrong between a build and the machine; the rest is wrong in the environment itself.
MACHINE = frozenset(
    ("cpu_build", "cpuonly_left", "driver_too_old", "driver_unusable", "no_kernel_image")
)
#: What a clash of the choice means for a build that is there already.
_CLASHES = {
    "cpu_build": "cpu_build",
    "cuda_too_new": "driver_too_old",
    "driver_too_old": "driver_too_old",
    "driver_unusable": "driver_unusable",
    "arch_missing": "no_kernel_image",
    "cudnn_too_new": "no_kernel_image",
}


def _against_machine(torch: Build, machine: Machine, cpuonly: bool) -> Iterator[Notice]:
    """Yield why the build would not be chosen for this machine today; pins are not asked."""
    knowledge = of_channel(torch.channel).knowledge
    read = knowledge.source.read(torch)
    today = Constraints(machine._replace(pins=()), Request({}), knowledge)
    clash = today.check(torch, read).clash
    code = _CLASHES.get(clash.code) if clash else None
    if code is None or (code == "cpu_build" and machine.subdir.startswith("osx-")):
        return
    if code == "cpu_build" and cpuonly:
        code = "cpuonly_left"
    arch = f" (compute capability {machine.cuda_arch})" if machine.cuda_arch else ""
    yield Notice(code, {"cuda": read.cuda, "of_arch": arch})


def _against_each_other(
    torch: Build, records: Mapping[str, Build], machine: Machine
) -> Iterator[Notice]:
    name = f"{TORCH} {torch.version}"
    source = of_channel(torch.channel).facts
    for partner in filter(None, map(records.get, source.partners)):
        for spec in source.torch_specs(partner):
            if admits(spec, TORCH, torch.version, torch.build):
                continue
            facts = {"partner": f"{partner.name} {partner.version}", "spec": spec, "torch": name}
            yield Notice("set_mismatch", facts)
    pinned = {package_name(pin.spec) for pin in machine.pins}
    for rule in rules.applying(Choice((torch,), machine.python or ""), admits):
        facts = {"pin": rule.pin, "why": text(rule.why), "torch": name}
        if package := rules.contradicted(rule, machine.installed, admits):
            yield Notice("rule_broken", {**facts, "installed": f"{package.name} {package.version}"})
        elif rule.name in records and rule.name not in pinned:
            yield Notice("pin_missing", facts)
