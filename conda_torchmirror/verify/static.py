"""Check an environment's PyTorch statically: installed records against the machine.

`conda doctor` uses this part of a check. Nothing of the environment is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from conda.base.context import context
from conda.core.prefix_data import PrefixData

from ..index.match import admits
from ..index.sources import channel_of_torch, of_channel
from ..machine.environment import NAMES
from ..machine.python import distributions
from ..machine.survey import has_device, inspect
from ..mirrors.addresses import name_of
from ..models import Build, Choice, Machine, Notice, Request
from ..selection import rules
from ..selection.facts.cuda import CudaTables
from ..selection.facts.names import BLAS, CPU_ONLY, CUDA_NAMES, CUDNN, TORCH
from ..selection.facts.record import dependencies
from ..selection.fit import Constraints
from ..selection.specs import marks, number, package_name
from ..text.messages import text
from . import static_wheels
from .causes import keeping, naming, sentence
from .verdict import UNTRIED, Check, unique


class StaticReport(NamedTuple):
    """This machine, conda's record of the environment's pytorch if it has one, and the faults.

    With `by_pip`, pip installed the torch, and its build is "pip"; `url` is the address of its
    wheel, if that is known. `there` are the words that name what conda has installed.
    """

    machine: Machine
    torch: Build | None = None
    notices: tuple[Notice, ...] = ()
    by_pip: bool = False
    url: str | None = None
    there: str = ""

    def hint(self, notice: Notice, where: str) -> str:
        """What to do about a notice in the environment that these words name, "" if nothing."""
        words = {"where": where, "keep": self.keep, "there": self.there}
        return sentence(notice, ".hint", by_pip=self.by_pip, **words)

    @property
    def keep(self) -> str:
        """The words by which an installation stays with the CUDA of the build."""
        if self.torch is None:
            return ""
        build = self.torch.version if self.by_pip else self.torch.build
        known = self.machine.cuda is not None or has_device(self.machine)
        return keeping(marks(build).cuda, has_gpu=known)


#: Codes of the machine's remarks that concern the environment.
ENVIRONMENT = frozenset(
    ("machine.record_broken", "machine.pins_unreadable", "machine.pin_unreadable")
)


def inspect_records(prefix: str) -> StaticReport:
    """Check an environment's PyTorch without running it: records against machine and each other."""
    machine = inspect(subdir=context.subdir, prefix=prefix)
    environment = [notice for notice in machine.remarks if notice.code in ENVIRONMENT]
    broken = any(notice.code == "machine.record_broken" for notice in environment)
    records = {} if broken else _builds(prefix, NAMES)
    torch = records.get(TORCH)
    if torch:
        torch = torch._replace(channel=channel_of_torch(torch.spec, torch.channel))
    pip = [p for p in machine.installed if p.channel == "pypi" and p.name == "torch"]
    notices: list[Notice] = []
    if pip and not torch and not broken:
        wheel, told = static_wheels.inspect(prefix, machine)
        found = static_wheels.torch_of_pip(distributions.installed(prefix))
        url = static_wheels.address(prefix, found) if found else None
        return StaticReport(machine, wheel, unique([*environment, *told]), by_pip=True, url=url)
    if torch and pip:
        facts = {"pip": f"torch {pip[0].version}", "conda": f"{TORCH} {torch.version}"}
        notices.append(Notice("torch_twice", facts))
    if torch:
        notices += against_machine(torch, records, machine)
        notices += _against_each_other(torch, records, machine)
    there = naming({name: record.version for name, record in records.items()}) if torch else ""
    return StaticReport(machine, torch, unique([*environment, *notices]), there=there)


def with_records(check: Check, report: StaticReport) -> Check:
    """Add what only the records tell to a check; not `MACHINE` if a GPU is expected or works."""
    known = {notice.code for notice in check.notices}
    works = any(device.ok for device in check.devices)
    if check.expect_gpu or works:
        known |= MACHINE
    if works:
        known.add(CUDNN_TOO_NEW)
    more = [notice for notice in report.notices if notice.code not in known]
    untried = any(notice.code in UNTRIED for notice in check.notices)
    if check.torch and not check.expect_gpu and not untried and has_device(report.machine):
        # If pip installed torch, no record tells that it is for the CPU.
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
            # The channel's name, even if a mirror's URL was typed.
            channel=name_of(record.channel.canonical_name),
            depends=tuple(record.depends or ()),
            constrains=tuple(record.constrains or ()),
        )
        for name, record in records.items()
        if record is not None
    }


#: Codes of clashes between build and machine; other codes are faults of the environment itself.
MACHINE = frozenset(
    (
        *("cpu_build", "cpuonly_left", "driver_unusable"),
        *(static_wheels.DRIVER_TOO_OLD, static_wheels.NO_CODE),
    )
)
#: Reported unless a GPU works, even where `MACHINE` is not: a matrix product needs no cuDNN.
CUDNN_TOO_NEW = "cudnn_too_new"


def against_machine(
    torch: Build, records: Mapping[str, Build], machine: Machine
) -> Iterator[Notice]:
    """Yield why the build would not be chosen for this machine today; pins are ignored."""
    knowledge = of_channel(torch.channel).knowledge
    read = knowledge.source.read(torch)
    arch = machine.cuda_arch
    today = Constraints(machine._replace(pins=()), Request({}), knowledge)
    clash = today.check(torch, read).clash
    code = static_wheels.code_of(clash)
    if code is None and arch and read.cuda:
        yield from _cudnn(torch, records, arch, knowledge.tables)
    if code is None or (code == "cpu_build" and machine.subdir.startswith("osx-")):
        return
    if code == "cpu_build" and CPU_ONLY in records:
        code = "cpuonly_left"
    yield Notice(code, {"cuda": read.cuda, "arch": arch})


def _cudnn(
    torch: Build, records: Mapping[str, Build], arch: str, tables: CudaTables
) -> Iterator[Notice]:
    """Yield a notice if the installed cuDNN does not run on a GPU that the build itself runs on."""
    for name in CUDNN:
        # A pytorch that does not depend on cuDNN has it bundled.
        there = records.get(name) if dependencies(torch, name) else None
        floor = tables.cudnn_floor(there.version) if there else None
        if there and floor and number(arch) < number(floor):
            yield Notice(CUDNN_TOO_NEW, {"cudnn": there.version, "floor": floor, "arch": arch})
            return


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
    for other in (*source.libraries, *CUDA_NAMES[:1], *BLAS):
        there = records.get(other)
        for spec in dependencies(torch, other) if there else ():
            if there and not admits(spec, other, there.version, there.build):
                shown = f"{other} {there.version} ({there.build})"
                facts = {"partner": name, "spec": spec, "torch": shown}
                yield Notice("set_mismatch", facts)
    pinned = {package_name(pin.spec) for pin in machine.pins}
    for rule in rules.applying(Choice((torch,), machine.python or ""), admits):
        facts = {"pin": rule.pin, "why": text(rule.why), "torch": name}
        if package := rules.contradicted(rule, machine.installed, admits):
            yield Notice("rule_broken", {**facts, "installed": f"{package.name} {package.version}"})
        elif rule.name in records and rule.name not in pinned:
            yield Notice("pin_missing", facts)
