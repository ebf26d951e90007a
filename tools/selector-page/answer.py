"""One cell of the page, decided by the stages of the command itself.

This module has no rules of its own: `torch-install` calls the same functions for the same words, on
a computer like that of the cell which has never been online.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Set
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from conda.base.context import Context, context, reset_context

from conda_torchmirror.exceptions.base import TorchMirrorError
from conda_torchmirror.exceptions.channel import NoWheels
from conda_torchmirror.exceptions.choice import NoFittingWheel
from conda_torchmirror.index import sources as sources_
from conda_torchmirror.index.match import admits
from conda_torchmirror.index.sources import AUTO, WHEELS
from conda_torchmirror.index.wheels import builtin as wheels_builtin
from conda_torchmirror.install import request as requests
from conda_torchmirror.install.decide import decide
from conda_torchmirror.install.sources import answer as answers
from conda_torchmirror.install.sources import refusal, wheels
from conda_torchmirror.install.task import Target, Task
from conda_torchmirror.install.wheels import decide as by_wheels
from conda_torchmirror.install.wheels.task import WheelTask
from conda_torchmirror.machine.python.pip_config import PipConfig
from conda_torchmirror.machine.survey import Survey
from conda_torchmirror.mirrors.addresses import name_of
from conda_torchmirror.models import Build, Decision, Machine, Records, Request
from conda_torchmirror.options import InstallOptions
from conda_torchmirror.selection import alternatives
from conda_torchmirror.selection.facts.record import SourceFacts
from conda_torchmirror.selection.pip.plan import WheelDecision
from conda_torchmirror.selection.refused import causes as causes_of
from conda_torchmirror.selection.sources import forge_tables
from conda_torchmirror.selection.specs import minor
from conda_torchmirror.selection.wheels import request as wheel_requests
from conda_torchmirror.selection.wheels.link import Link
from conda_torchmirror.selection.wheels.tables import tables
from conda_torchmirror.text.messages import clauses, text
from conda_torchmirror.transport.routes import OfflineRouter

#: The environment that every command of the page makes.
NAME = "torch"
#: The value instead of a CUDA if there is no driver, or none is to be used.
CPU = "cpu"
#: The variable for the language of sentences.
LANGUAGE = "CONDA_TORCHMIRROR_LANG"
#: The source of which the built-in index is a sample.
CONDA_FORGE = "conda-forge"


class Cell(NamedTuple):
    """One question. `cuda` is the driver's CUDA, or `CPU`; `arch` is the GPU's compute capability.
    Release, GPU and Python are "" if left open."""

    system: str
    source: str
    release: str = ""
    cuda: str = CPU
    arch: str = ""
    python: str = ""

    @property
    def mac(self) -> bool:
        """Whether no driver is ever there."""
        return self.system.startswith("osx-")


class Matrix(NamedTuple):
    """A set that the recipes of conda-forge have: a release, its CUDA ("" for the CPU), and the
    partners that exist for it."""

    release: str
    cuda: str
    partners: tuple[str, ...]


class Answer(NamedTuple):
    """The result of the command, a decision or an error, and the command's words."""

    words: tuple[str, ...]
    found: Decision | WheelDecision | TorchMirrorError


@contextmanager
def on_computer(system: str, **variables: str) -> Iterator[None]:
    """Configure conda as on an offline computer of this platform with one configured channel."""
    native = Context._native_subdir
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(("CONDA_", "MAMBA_"))]:
        if name != LANGUAGE:
            del os.environ[name]
    os.environ.update(
        CONDA_SUBDIR=system, CONDA_OFFLINE="1", CONDA_CHANNELS="conda-forge", **variables
    )
    Context._native_subdir = lambda self: system
    try:
        reset_context(())
        yield
    finally:
        Context._native_subdir = native
        os.environ.clear()
        os.environ.update(before)
        reset_context(())


def words(cell: Cell, names: tuple[str, ...]) -> tuple[str, ...]:
    """The words after `conda torch-install` for a cell. `names` are the packages to name with a
    release; without a release the command's own default is used."""
    found = ["-n", NAME]
    found += ["--python", cell.python] if cell.python else []
    found += [f"pytorch={cell.release}", *names] if cell.release else []
    found += ["--cuda", CPU] if cell.cuda == CPU and not cell.mac else []
    found += ["--source", cell.source] if cell.source != AUTO else []
    return tuple(found)


@contextmanager
def without_steps(*, causes: bool = True) -> Iterator[None]:
    """Skip the search for next steps, which takes a dozen further choices each and which the other
    cells answer; without `causes` also that for the cause, if the refusal is not shown."""
    find, others, way = alternatives.find, refusal._other_sources, wheels.way
    no_choice = by_wheels.no_choice
    none = None, frozenset[str]()
    alternatives.find = lambda case: alternatives.Advice(*(causes_of(case) if causes else none), ())
    refusal._other_sources = lambda *of: iter(())
    wheels.way = lambda *of: ()
    if not causes:
        by_wheels.no_choice = lambda *of: NoFittingWheel(request="", detail="", ways=())
    try:
        yield
    finally:
        alternatives.find, refusal._other_sources, wheels.way = find, others, way
        by_wheels.no_choice = no_choice


#: The partners to try with a named release, until there is a set: some releases lack torchaudio,
#: and some torchvision too.
BESIDE = (("torchvision", "torchaudio"), ("torchvision",))


#: The original function that loads the whole list of wheels. A desk replaces the command's
#: reference to it by its own narrowed list, for the rest of the process.
load_wheels = wheels_builtin.load


class Desk:
    """Answers the cells of one system, within `on_computer`. Records are read once."""

    def __init__(self, system: str) -> None:
        self.system = system
        self.options = InstallOptions(dry_run=True, name=NAME, subdir=system)
        self.configured = tuple(map(name_of, context.channels))
        channels = dict.fromkeys(c for source in sources_.SOURCES for c in source.channels)
        self.reader = BuiltIn(self.options, system, tuple(channels))
        self.records = dict(self.reader.records)
        self.wheels = load_wheels(system)
        self._wheels = self.wheels
        wheels_builtin.load = lambda subdir: self._wheels  # type: ignore[assignment]
        self._release = ""

    def narrow(self, release: str) -> None:
        """Restrict the records to one release, which is all that the answer for it needs. A source
        without that release keeps all, because its refusal names the releases that it has."""
        if release == self._release:
            return
        self._release = release
        for source in sources_.SOURCES:
            records = self.records[source.channel]
            if records is None:
                continue
            versions = {b.version for b in records.builds if b.name == source.facts.torch}
            near = {v for v in versions if not release or minor(v) == release}
            kept = [b for b in records.builds if not near or _belongs(b, source.facts, near)]
            self.reader.records[source.channel] = records._replace(builds=tuple(kept))
        if self.wheels:
            links = self.wheels.links
            torch = [k for k in links if k.project == "torch"]
            of_release = {k for k in torch if not release or minor(_version(k)) == release}
            releases = {_version(link) for link in of_release}
            left = [k for k in links if not of_release or k in of_release or _goes(k, releases)]
            self._wheels = replace(self.wheels, links=tuple(left))

    def answer(self, cell: Cell) -> Answer:
        """The answer for a cell."""
        ask = self._of_wheels if cell.source == WHEELS else self._of_channels
        found = ask(cell, words(cell, ()))
        if isinstance(found, TorchMirrorError) or not cell.release:
            return Answer(words(cell, ()), found)
        for names in BESIDE:
            with without_steps(causes=False):
                whole = ask(cell, words(cell, names))
            if not isinstance(whole, TorchMirrorError):
                return Answer(words(cell, names), whole)
        return Answer(words(cell, ()), found)

    def _of_channels(self, cell: Cell, said: tuple[str, ...]) -> Decision | TorchMirrorError:
        request = request_of(cell, said)
        source = "" if cell.source == AUTO else cell.source
        options = self.options._replace(source=source or AUTO, python=cell.python or None)
        options = options._replace(specs=specs_of(said), cuda=request.cuda)
        on = machine(cell)
        try:
            order = answers.in_order(options, request, on)
            first = sources_.named(order.sources[0])
            target = Target(None, ("-n", NAME))
            task = Task(options, None, target, request, Survey(on), first, self.configured)
            found = answers.find(task, order, self.reader)
            return decide(found.attempt, found.choice, self.reader)
        except TorchMirrorError as error:
            return error

    def _of_wheels(self, cell: Cell, said: tuple[str, ...]) -> WheelDecision | TorchMirrorError:
        options = self.options._replace(
            source=WHEELS, python=cell.python or None, specs=specs_of(said)
        )
        cuda = CPU if cell.cuda == CPU and not cell.mac else AUTO
        request = wheel_requests.read(options.specs, cuda=cuda, python=cell.python or None)
        assert isinstance(request, Request)
        target = Target(None, ("-n", NAME))
        task = WheelTask(options, target, request, Survey(machine(cell)), PipConfig({}, {}), {})
        try:
            return by_wheels.decide(task).decision
        except NoWheels as error:
            if self._wheels is self.wheels:
                return error
        except NoFittingWheel as error:
            if self._wheels is self.wheels or not _of_nothing(error, cell.system):
                return error
        except TorchMirrorError as error:
            return error
        # The pages read would have other releases only, so look at the whole list.
        narrowed, self._wheels = self._wheels, self.wheels
        try:
            return self._of_wheels(cell, said)
        finally:
            self._wheels = narrowed

    def matrix(self, cell: Cell) -> Matrix | None:
        """The set on conda-forge for a cell by the recipes, of whose builds the records are a
        sample."""
        if cell.source not in (AUTO, CONDA_FORGE):
            return None
        on = machine(cell)
        release = cell.release or str(self._newest_of_recipes(cell, on))
        for names in (*BESIDE, ()):
            request = request_of(cell, words(cell._replace(release=release), names))
            if found := forge_tables.best_of_conda_forge(on, request, admits):
                return Matrix(*found, names)
        return None

    def _newest_of_recipes(self, cell: Cell, on: Machine) -> str | None:
        return forge_tables.newest_of_conda_forge(on, request_of(cell, words(cell, ())), admits)


def _of_nothing(error: NoFittingWheel, system: str) -> bool:
    """Whether no wheel of torch was there to choose from."""
    nothing = clauses([text("no_wheel_at_all", {"subdir": system})])
    return str(error._facts["detail"]) == str(nothing)


def specs_of(said: tuple[str, ...]) -> tuple[str, ...]:
    """The match specs among the words of a command."""
    plain = said[: said.index("--source")] if "--source" in said else said
    return tuple(word for word in plain if word.partition("=")[0] in ("pytorch", *BESIDE[0]))


def request_of(cell: Cell, said: tuple[str, ...]) -> Request:
    """The request that the words make of the channels."""
    on_cpu = cell.cuda == CPU and not cell.mac
    return _request(specs_of(said), cell.source, CPU if on_cpu else AUTO, cell.python)


@lru_cache(maxsize=1024)
def _request(specs: tuple[str, ...], source: str, cuda: str, python: str) -> Request:
    return requests.make(
        specs,
        cuda_word=cuda,
        source=source,
        sources=sources_.allowed(source),
        python_word=python or None,
    )


def _belongs(build: Build, facts: SourceFacts, versions: Collection[str]) -> bool:
    """Whether a build belongs to one of these releases of pytorch, or may go with one."""
    if build.name == facts.torch:
        return build.version in versions
    specs = facts.torch_specs(build) if build.name in facts.partners else ()
    return not specs or any(
        all(admits(spec, facts.torch, version, "") for spec in specs if spec.count(" ") < 2)
        for version in versions
    )


def _goes(link: Link, releases: Set[str]) -> bool:
    """Whether a partner's wheel may go with one of these releases, by the tables."""
    stated = link.project != "torch" and tables().torch_of(link.project, _version(link))
    return link.project != "torch" and (not stated or not releases.isdisjoint(stated))


def _version(link: Link) -> str:
    return link.filename.split("-")[1].partition("+")[0]


class BuiltIn(OfflineRouter):
    """A router that reads the built-in index, once per channel."""

    def __init__(self, options: InstallOptions, subdir: str, names: tuple[str, ...]) -> None:
        super().__init__(options, subdir, names)
        self.records = {source.channel: source.built_in(subdir) for source in sources_.SOURCES}

    def read(self, name: str, names: Any) -> Records:
        """The records of the built-in index."""
        found = self.records.get(name)
        return found if found is not None else super().read(name, names)


def machine(cell: Cell) -> Machine:
    """The computer of a cell."""
    cuda = None if cell.cuda == CPU else cell.cuda
    return Machine(
        cell.system,
        cuda=cuda,
        cuda_from="libcuda" if cuda else "none",  # the page asks what the driver runs
        cuda_arch=cell.arch or None if cuda else None,
        python=cell.python or None,
        python_from="--python" if cell.python else "newest",
    )
