"""Check a torch that pip installed statically: against the machine, its partners, and rules.

An installed wheel seldom records the directory that it came from. If its version names one, that
is used; for others the table of PyPI's wheels tells what they are built for, else nothing is said.
The address is known where the wheel cache has the file, and where pip was given it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..handover import wheel_origin
from ..machine.python import distributions
from ..machine.python.distributions import Distribution
from ..models import Build, Choice, Machine, Notice, Request
from ..selection import rules
from ..selection.facts.record import Clash
from ..selection.fit import OVERRIDDEN, Constraints
from ..selection.pip.bounds import admits
from ..selection.wheels.source import knowledge
from ..selection.wheels.tables import DIRECTORY, NAMED, PARTNERS, TORCH, tables
from ..selection.wheels.tags import WheelTarget, platforms
from ..text.messages import text

#: Codes for an installed build or wheel: a driver that does not run its CUDA, and a GPU that it has
#: no code for.
DRIVER_TOO_OLD = "driver_too_old"
NO_CODE = "no_kernel_image"
#: The code for an installed build or wheel, by the code of the clash in a choice.
CLASHES = {
    "cpu_build": "cpu_build",
    "cuda_too_new": DRIVER_TOO_OLD,
    "driver_too_old": DRIVER_TOO_OLD,
    "driver_unusable": "driver_unusable",
    "arch_missing": NO_CODE,
    "cudnn_too_new": NO_CODE,
}


def code_of(clash: Clash | None) -> str | None:
    """The code for what is installed, if there is a clash that says anything of it."""
    known = clash is not None and clash.machine.code != OVERRIDDEN
    return CLASHES.get(clash.code) if clash and known else None


def torch_of_pip(there: Mapping[str, Distribution]) -> Distribution | None:
    """The torch of an environment that pip installed, if it did."""
    found = there.get(TORCH)
    return found if found and found.owner is None else None


def address(prefix: str, found: Distribution) -> str | None:
    """The URL that a distribution which pip installed came from, if that is known."""
    folder = distributions.info_folder(prefix, found)
    return wheel_origin.address(folder, found.name, found.version) if folder else None


def inspect(prefix: str, machine: Machine) -> tuple[Build | None, tuple[Notice, ...]]:
    """The torch that pip installed, with pip's version string, and notices on its faults."""
    there = distributions.installed(prefix)
    found = torch_of_pip(there)
    if found is None:
        return None, ()
    shown = Build(TORCH, found.version, "pip", 0, machine.subdir)
    build = _build(found.version, machine)
    if build is None or NAMED.fullmatch(build.channel):
        return shown, ()
    notices = (*_against_machine(build, machine), *_against_partners(found, there))
    return shown, (*notices, *_against_rules(build, found.version, there))


def of_wheel(variant: str, version: str, machine: Machine) -> Iterator[Notice]:
    """Yield why a wheel of torch from this directory would not be chosen for the machine today."""
    public = version.partition("+")[0]
    cuda = tables().home(TORCH, public, variant, machine.subdir).cuda
    if cuda and (build := _build(f"{public}+cu{cuda.replace('.', '')}", machine)):
        yield from _against_machine(build, machine)


def _build(version: str, machine: Machine) -> Build | None:
    """The wheel as a build to judge; None if its version does not tell what it is for."""
    public, _, local = version.partition("+")
    if not (DIRECTORY.fullmatch(local) and machine.python and platforms(machine.subdir)):
        return None
    tag = f"cp{machine.python.replace('.', '')}"
    name = f"{TORCH}-{version}-{tag}-{tag}-{platforms(machine.subdir)[-1]}.whl"
    return Build(
        name=TORCH,
        version=public,
        build=local,
        build_number=0,
        subdir=machine.subdir,
        channel=local,
        fn=name,
        depends=(machine.python,),
    )


def _against_machine(torch: Build, machine: Machine) -> Iterator[Notice]:
    """Yield why the wheel would not be chosen for this machine today."""
    target = WheelTarget(machine.subdir, [str(machine.python)])
    known = knowledge(machine.subdir, tables(), target, named=True)
    today = machine._replace(pins=(), history=(), installed=())
    read = known.source.read(torch)
    clash = Constraints(today, Request({}), known).check(torch, read).clash
    code = code_of(clash)
    if code is not None and not (code == "cpu_build" and machine.subdir.startswith("osx-")):
        yield Notice(code, {"cuda": read.cuda, "arch": machine.cuda_arch})


def _against_partners(torch: Distribution, there: Mapping[str, Distribution]) -> Iterator[Notice]:
    """Yield notices on partners for another torch or from another directory."""
    public, _, local = torch.version.partition("+")
    for name in PARTNERS:
        found = there.get(name)
        if found is None or found.owner is not None:
            continue
        version, _, own = found.version.partition("+")
        stated = tables().torch_of(name, version)
        fits = not stated or public in stated or tables().open_since(name, version) is not None
        facts = {"partner": f"{name} {found.version}", "torch": f"{TORCH} {torch.version}"}
        if not fits:
            yield Notice("set_mismatch", {**facts, "spec": f"{TORCH}=={stated[0]}"})
        elif local != own and all(map(_names_directory, (local, own))):
            yield Notice("set_mismatch", {**facts, "spec": f"{TORCH}=={public}+{own}"})


def _names_directory(local: str) -> bool:
    return local != "" and DIRECTORY.fullmatch(local) is not None


def _against_rules(
    torch: Build, version: str, there: Mapping[str, Distribution]
) -> Iterator[Notice]:
    for rule in rules.applying(Choice((torch,), torch.depends[0]), admits):
        found = there.get(rule.name)
        if found and not admits(rule.pin, rule.name, found.version):
            facts = {"pin": rule.pin, "why": text(rule.why), "torch": f"{TORCH} {version}"}
            facts["installed"] = f"{rule.name} {found.version}"
            # Conda's own numpy is conda's to replace.
            yield Notice("rule_broken" if found.owner else "rule_broken_pip", facts)
