"""The choice of wheels: torch and its partners, by the same rules as builds of conda. Pure.

The rules are those of `selection.choose`; what is particular to wheels is in `source`. This module
selects the links before the choice and adds the notices after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ...models import Build, Choice, Compat, Machine, NoChoice, Notice, Offer, Rejection, Request
from .. import choose as rules
from ..facts.names import PIP_DATA
from ..facts.record import Knowledge
from ..specs import cuda_version, number, package_name, release
from .link import Link
from .name import Page, Refused, Wheel, read
from .request import Asked, admits, understand
from .source import Pool, knowledge, pool
from .tables import FAMILY, NAMED, PLAIN, TORCH, WheelTables, tables
from .tags import WheelTarget, named_pythons

#: Needs of a torch whose partner is not there, though it is known which one that is.
_NO_WHEEL = ("no_wheel", "no_wheel_python")


class WheelSet(NamedTuple):
    """Torch and its partners as wheels that go together and run on the machine.

    `wheels` starts with torch. `variant` is the directory that they come from, "" for PyPI; a
    partner with no accelerator code may be elsewhere. `choice` is the set as builds, with the
    rejections and notices. `left_out` are optional partners that the release lacks, `refused` are
    links whose names are not those of wheels.
    """

    wheels: tuple[Wheel, ...]
    variant: str
    choice: Choice
    left_out: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()

    @property
    def torch(self) -> Wheel:
        """The wheel of torch."""
        return self.wheels[0]

    @property
    def cuda(self) -> str | None:
        """The CUDA, major.minor; None for a CPU, ROCm or XPU build."""
        return self.choice.cuda

    @property
    def python(self) -> str:
        """The Python, major.minor."""
        return self.choice.python

    @property
    def compat(self) -> Compat:
        """How the CUDA fits the driver."""
        return self.choice.compat

    @property
    def rejected(self) -> tuple[Rejection, ...]:
        """The rejected wheels."""
        return self.choice.rejected

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The notices on the set."""
        return self.choice.notices


class WheelCase(NamedTuple):
    """The input of one choice: the links read for a machine, and what they are judged by. `yanked`
    says that yanked wheels are among those to choose from."""

    machine: Machine
    request: Request
    page: Page
    pool: Pool
    knowledge: Knowledge
    tables: WheelTables
    target: WheelTarget
    yanked: bool = False

    @property
    def named(self) -> str | None:
        """The accelerator that is chosen by name only, such as rocm6.4."""
        return self.request.cuda if NAMED.fullmatch(self.request.cuda) else None

    def judged(self) -> tuple[Machine, Request]:
        """Machine and request in the form for the rules, which know only CUDA and CPU."""
        # Pins and history bind conda alone, which takes the Python of a new environment, and pip
        # does not manage what conda installed.
        made = self.machine.python_from != "prefix"
        pins = (p for p in self.machine.pins if made and package_name(p.spec) == "python")
        there = tuple(p for p in self.machine.installed if p.channel == "pypi")
        machine = self.machine._replace(
            pins=tuple(pins), history=(), installed=tuple(p._replace(channel=TORCH) for p in there)
        )
        return machine, self.request._replace(cuda="cpu") if self.named else self.request

    def choose(
        self, machine: Machine | None = None, request: Request | None = None
    ) -> Choice | NoChoice:
        """Make the choice, if given with another machine or request."""
        case = self._replace(machine=machine or self.machine, request=request or self.request)
        return rules.choose(*case.judged(), case.of_accelerator(), self.knowledge)

    def of_accelerator(self) -> list[Build]:
        """The builds for the accelerator that is named, else for CUDA and the CPU."""
        if self.named:
            return [
                build
                for build in self.pool.builds
                if build.channel == self.named or (not build.channel and build.name != TORCH)
            ]
        return [build for build in self.pool.builds if not NAMED.fullmatch(build.channel)]


def choose(
    request: Request, machine: Machine, links: Iterable[Link], table: WheelTables | None = None
) -> WheelSet | NoChoice:
    """Choose the best set of wheels for a machine, or say why there is none.

    `links` are those of every page read, in any order. The newest release with a complete set wins;
    within it a CUDA that the driver runs outright, then the highest CUDA, then the newest Python.
    """
    case = prepare(request, machine, links, table)
    found = case.choose()
    if isinstance(found, NoChoice):
        return found._replace(rejected=tuple(shown(item, case) for item in found.rejected))
    return _set(found, case)


def offers(
    request: Request, machine: Machine, links: Iterable[Link], table: WheelTables | None = None
) -> list[Offer]:
    """List every complete set in the links, best first: one per release, CUDA and Python.

    The words of the request narrow the list; the machine only decides which sets fit. The sets are
    for the accelerator that the request names, else for CUDA and the CPU.
    """
    case = prepare(request, machine, links, table, any_python=True)
    found = rules.offers(*case.judged(), case.of_accelerator(), case.knowledge)
    return [
        offer._replace(
            builds=tuple(
                build._replace(version=case.pool.wheel(build).full_version)
                for build in offer.builds
            ),
            rejection=shown(offer.rejection, case) if offer.rejection else None,
        )
        for offer in found
    ]


def prepare(
    request: Request,
    machine: Machine,
    links: Iterable[Link],
    table: WheelTables | None = None,
    *,
    any_python: bool = False,
) -> WheelCase:
    """Read the links for a machine. `any_python` keeps wheels for other Pythons than its own."""
    table = table or tables()
    links = tuple(links)
    python = None if any_python else machine.python
    pythons = [python] if python else _pythons(links)
    target = WheelTarget(machine.subdir, pythons, machine.free_threaded)
    page = read(links, FAMILY, target)
    asked = [
        word
        for found in request.specs.values()
        for spec in found
        if isinstance(word := understand(spec), Asked)
    ]
    yanked = any(word.exact for word in asked)
    builds = pool(
        page.wheels,
        target,
        machine.subdir,
        yanked=yanked,
        prereleases=any(word.prerelease for word in asked),
    )
    named = any(len(word.specifier) for word in asked)
    data = PIP_DATA in request.specs
    known = knowledge(machine.subdir, table, target, named=named, data=data)
    return WheelCase(machine, request, page, builds, known, table, target, yanked)


def to_ask(
    request: Request, machine: Machine, links: Iterable[Link], table: WheelTables | None = None
) -> tuple[Link, ...]:
    """Links to partners too new for the table, whose METADATA would tell which release of torch
    they go with (`WheelTables.extended`).

    One link per release of a partner, because all of its wheels require the same torch.
    """
    links = tuple(links)
    if not any(link.metadata for link in links):
        return ()
    known = table or tables()
    newest = max((_order(torch) for torch in known.stated), default=_order("0"))

    def is_news(version: str) -> bool:
        return _order(version) > newest and not known.knows(version)

    # By the names alone: most pages have no news, and reading them takes longer.
    names = (link.filename.partition("-")[2] for link in links if link.project == TORCH)
    if not any(map(is_news, {re.split("[-+]", name, maxsplit=1)[0] for name in names})):
        return ()
    case = prepare(request, machine, links, table)
    if not any(is_news(build.version) for build in case.pool.builds if build.name == TORCH):
        return ()
    found: dict[tuple[str, str], Link] = {}
    for wheel in sorted(case.page.wheels, key=lambda wheel: wheel.link):
        stated = case.tables.torch_of(wheel.project, wheel.version)
        asked = wheel.project != TORCH and wheel.project in request.specs and wheel.link.metadata
        if asked and not stated and _is_last(wheel, case):
            found.setdefault((wheel.project, wheel.version), wheel.link)
    return tuple(found.values())


def _is_last(wheel: Wheel, case: WheelCase) -> bool:
    """Whether a partner is newer than every one that the table states."""
    stated = [
        version for row in case.tables.stated.values() for version in row.get(wheel.project, ())
    ]
    return all(_order(wheel.version) > _order(version) for version in stated)


def _pythons(links: Sequence[Link]) -> list[str]:
    """The Pythons that wheels of torch are named for, newest first."""
    triples = {
        link.filename.rsplit("-", 3)[-3]
        for link in links
        if link.filename.startswith("torch-") and link.filename.count("-") >= 4
    }
    found = {python for tag in triples for python in named_pythons(f"{tag}-")}
    return sorted(found, key=number, reverse=True)


def _set(choice: Choice, case: WheelCase) -> WheelSet:
    wheels = tuple(case.pool.wheel(build) for build in choice.builds)
    there = {
        package.name: package.version
        for package in case.machine.installed
        if package.channel == "pypi" and package.name not in case.request.specs
    }
    # A partner that pip installed before and that fits the new torch needs no new file.
    kept = [w.project for w in wheels if there.get(w.project) == w.full_version]
    wheels = tuple(wheel for wheel in wheels if wheel.project not in kept)
    names = {build.name for build in choice.builds}
    left_out = tuple(name for name in case.request.wishes if name not in names)
    by_file = {(b.fn, b.url, b.channel): case.pool.wheel(b) for b in choice.builds}
    builds = tuple(
        build._replace(version=by_file[build.fn, build.url, build.channel].full_version)
        for build in choice.builds
        if build.name not in kept
    )
    rejected = tuple(shown(item, case) for item in choice.rejected)
    told = [
        _renamed(notice)
        for notice in choice.notices
        if not (notice.code == "partner_along" and _is_kept(notice, kept))
    ]
    told += _passed_over(choice, case)
    return WheelSet(
        wheels=wheels,
        variant=choice.torch.channel,
        choice=choice._replace(builds=builds, rejected=rejected, notices=tuple(told)),
        left_out=left_out,
        refused=case.page.refused,
    )


def _is_kept(notice: Notice, kept: Sequence[str]) -> bool:
    return str(notice.facts["installed"]).partition(" ")[0] in kept


def _renamed(notice: Notice) -> Notice:
    """A notice of the rules with its names replaced by those of wheels."""
    if notice.code.startswith("partner_left_out"):
        return notice._replace(facts={**notice.facts, "channel": notice.facts["channel"] or PLAIN})
    return notice


def shown(item: Rejection, case: WheelCase) -> Rejection:
    """A rejection with the wheel named as pip names it, and a missing partner by its version."""
    variant, _, _ = item.build.rpartition("/")
    public, needs = item.version, item.needs
    if needs.code in ("no_partner", "partner_unknown"):
        name = str(needs.facts["name"])
        facts = {"name": name, "torch": f"{TORCH} {public}", "variant": variant or PLAIN}
        partner, python = case.tables.partner(name, public), needs.facts.get("python")
        if name == PIP_DATA and (other := _other_data(item, case)):
            return other
        if partner and python:  # another Python may have one
            needs = Notice("no_wheel_python", {**facts, "version": partner, "python": python})
        elif partner:
            needs = Notice("no_wheel", {**facts, "version": partner})
        else:
            needs = Notice("no_pairing", facts)
    elif needs.code == "partner_is":
        needs = needs._replace(facts={**needs.facts, "torch": f"{TORCH} {public}"})
    return item._replace(needs=needs)


def _other_data(item: Rejection, case: WheelCase) -> Rejection | None:
    """The rejection for a torchdata that goes with a torch, where another one is asked for."""
    # The first of those for any torch stands for all: a word that leaves one of them is pip's.
    going = case.tables.partner(PIP_DATA, item.version)
    going = going or case.tables.open_for(PIP_DATA, item.version)
    asked = case.request.specs.get(PIP_DATA, ())
    if going is None or all(admits(spec, PIP_DATA, going, "") for spec in asked):
        return None
    facts = {"partner": f"{PIP_DATA} {going}", "torch": f"{TORCH} {item.version}"}
    told = Notice("spec_asked", {"spec": " ".join(asked)})
    return item._replace(machine=told, needs=Notice("partner_is", facts))


def _passed_over(choice: Choice, case: WheelCase) -> Iterator[Notice]:
    """Notices on what a reader might expect: a higher CUDA, a newer release, an untested pair."""
    torch, home = choice.torch, choice.torch.channel or PLAIN
    lacking = [
        item
        for found in choice.rejected
        if (item := shown(found, case)).needs.code in (*_NO_WHEEL, "no_pairing")
    ]
    same = [item for item in lacking if item.version == torch.version]
    if higher := [item.needs.facts for item in same if item.needs.facts["variant"] != home]:
        facts = {"torch": torch.version, "chosen": home}
        first = max(higher, key=lambda facts: number(cuda_version(str(facts["variant"])) or "0"))
        yield Notice("variant_incomplete", {k: first[k] for k in ("variant", "name")} | facts)
    newer = [item for item in lacking if _order(item.version) > _order(torch.version)]
    named = any(len(word.specifier) for s in case.request.specs[TORCH] if (word := _asked(s)))
    if newer and not named:
        last = max(newer, key=lambda item: _order(item.version))
        facts = {**last.needs.facts, "torch": last.version, "chosen": torch.version}
        stated = last.needs.code in _NO_WHEEL
        yield Notice("newer_without_wheel" if stated else "newer_incomplete", facts)
    for build in choice.builds[1:]:
        stated_for = case.tables.stated.get(torch.version, {}).get(build.name, ())
        found_open = case.tables.open_since(build.name, build.version)
        if found_open and build.version not in stated_for:
            facts = {"partner": f"{build.name} {build.version}", "torch": torch.version}
            yield Notice("partner_open", {**facts, "since": found_open.torch}, found_open.source)


def _asked(spec: str) -> Asked | None:
    found = understand(spec)
    return found if isinstance(found, Asked) else None


def _order(version: str) -> Any:
    return release(version) or release("0")
