"""The task of a run with wheels: options, machine, environment, and pip's configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ...exceptions.usage import BadCuda, BadWheelWord, Contradiction
from ...machine import survey as machine_
from ...machine.python import distributions, pip_config
from ...machine.python.distributions import Distribution
from ...models import Machine, Notice, Request
from ...options import InstallOptions
from ...selection import rules
from ...selection.facts.names import TORCH as CONDA_TORCH
from ...selection.pip import against, bounds
from ...selection.pip.against import Against, Known
from ...selection.pip.metadata import Metadata
from ...selection.pip.rest import RestTarget
from ...selection.rules import installed
from ...selection.specs import (
    excluding,
    likely_cuda,
    misspelt,
    number,
    version_alone,
    wheel_variant,
)
from ...selection.wheels import partners
from ...selection.wheels import request as wheel_request
from ...selection.wheels.choose import WheelSet
from ...selection.wheels.partners import ForPartners
from ...selection.wheels.request import BadWord
from ...selection.wheels.tables import FAMILY, NAMED, TORCH, tables
from ...text.messages import text
from ...transport.wheels.rest import RestQuery
from .. import request as words
from ..task import Target, without_cuda
from . import steps
from .own import brought
from .own.brought import Brought
from .python_pins import for_wheels

#: Most wheels to pass over for what their METADATA says.
_MOST = 30


class WheelTask(NamedTuple):
    """The task of a run, before any page is read. `uv` is its path if it is used instead of pip,
    `notices` are about that. `asked` is as in `task.Task`, `fresh` is the step to a new
    environment, `kept` is what `for_partners` made the request from."""

    options: InstallOptions
    target: Target
    request: Request
    survey: machine_.Survey
    config: pip_config.PipConfig
    there: Mapping[str, Distribution]
    brought: Brought | None = None
    uv: str | None = None
    notices: tuple[Notice, ...] = ()
    asked: InstallOptions | None = None
    known: Known = MappingProxyType({})
    fresh: Notice = Notice("new_for_wheels")
    kept: ForPartners | None = None

    @property
    def typed(self) -> InstallOptions:
        """The options as they were typed."""
        return self.asked or self.options

    @property
    def machine(self) -> Machine:
        """The machine to choose for."""
        return self.survey.machine

    @property
    def pip(self) -> str | None:
        """The version of the environment's pip."""
        found = self.there.get("pip")
        return found.version if found else None

    @property
    def python(self) -> str | None:
        """The version of the environment's Python."""
        found = installed(self.machine, "python")
        return found.version if found else None

    @property
    def by_release(self) -> WheelTask | None:
        """The task with the installed torch's release in any variant, where the very torch that is
        there was to stay; else None."""
        specs = self.request.specs
        kept = tuple(spec.partition("+")[0] for spec in specs[TORCH])
        if not self.request.keeps_torch or kept == specs[TORCH]:
            return None
        return self._replace(request=self.request._replace(specs={**specs, TORCH: kept}))

    @property
    def projects(self) -> tuple[str, ...]:
        """The projects whose pages to read: the requested ones, and those of the family that pip
        installed before, which have to work with the new torch or be replaced."""
        there = {package.name for package in self.machine.installed if package.channel == "pypi"}
        wanted = there.union(self.request.specs)
        return (TORCH, *(name for name in FAMILY if name in wanted and name != TORCH))

    @property
    def for_partners(self) -> WheelTask | None:
        """The task with torch kept to what partners go with that pip takes; else None."""
        if self.brought:
            return None
        found = partners.kept_to_partners(self.request, self.machine, tables())
        return self._replace(request=found.request, kept=found) if found else None

    def again(self, found: WheelSet, wrong: Sequence[Against]) -> WheelTask | None:
        """The task to choose anew after a set was found: without wheels that METADATA is against,
        or for a Python that PyPI has the partners of its torch for. None where the set stays."""
        if wrong and len(self.known) < _MOST:
            return self._replace(known=against.added(self.known, wrong))
        if self.kept is None:
            return None
        torch = found.torch.version.partition("+")[0]
        kept = self.kept.bounded(torch, self.machine.subdir, tables())
        # Each bound is below the one before, so that this ends.
        if not number(kept.highest) < min(number(self.kept.highest), number(found.python)):
            return None
        return self._replace(request=kept.request, kept=kept)

    def settled(self, torch: str) -> WheelTask:
        """The task with the partners for pip that go with the torch that was chosen."""
        if self.kept is None:
            return self
        request, words = self.kept.settled(torch.partition("+")[0], tables())
        notices = (*self.notices, *self.kept.told, *_by_pip(words))
        return self._replace(request=request, notices=notices)

    @property
    def without_cuda(self) -> Machine | None:
        """The machine without the CUDA that `--cuda` names, None where no such option was typed, or
        where the installed torch would say it."""
        keeps = self.request.keeps_torch
        found = None if keeps else without_cuda(self.typed, self.target, self.machine)
        return for_wheels(found) if found else None

    def rest_of(
        self, said: Mapping[str, Metadata], others: tuple[str, ...], python: str, *, anew: bool
    ) -> RestQuery:
        """The query for the other packages that a set for `python` (major.minor) needs; `anew`
        ignores installed packages."""
        there = {} if anew else {one.name: one.version for one in self.there.values()}
        return RestQuery(said, others, there, RestTarget(self.machine, self.python or python))


def prepare(
    options: InstallOptions, target: Target, subdir: str, asked: InstallOptions | None = None
) -> WheelTask:
    """Read the arguments, the machine and the environment.

    Raises: BadWheelWord, BadWheelFile, BadCuda, BadPython, Contradiction.
    """
    cuda = wheel_request.accelerator(options.cuda)
    if cuda is None:
        raise BadCuda.of(options.cuda, likely_cuda(options.cuda))
    python = words.python(options.python)[0] if options.python else None
    own = brought.read(options)
    request = wheel_request.read(
        own.words if own else options.specs,
        cuda=cuda,
        compat=options.cuda_compat,
        allow_cpu=options.allow_cpu,
        python=python,
    )
    if isinstance(request, BadWord):
        raise BadWheelWord(word=request.word, detail=text(request.why.code, request.why.facts))
    if two := excluding(request.others, bounds.admits):
        raise Contradiction.of_options(*two)
    prefix = target.prefix if target.exists else None
    survey = machine_.survey(
        subdir=subdir,
        prefix=prefix,
        cuda=request.cuda if not cuda[:1].isalpha() or cuda in ("auto", "cpu") else "cpu",
        python=python,
        probe_gpus=cuda == "auto",
        facts=options.facts,
    )
    survey = survey._replace(machine=for_wheels(survey.machine))
    if own:
        request = own.applied(request)
        own.check(survey.machine)
    there = distributions.installed(prefix) if prefix else {}
    if own is None and options.facts is None:
        request, survey = _as_installed(request, survey, there, options)
    config, (uv, notices) = pip_config.read(prefix), steps.installer(prefix)
    notices = (*notices, *(own.passed_over if own else ()), *_slips(request))
    if own is None:
        request = partners.with_data(request, tables())
        request, aside = partners.left_to_pip(request, survey.machine, tables())
        notices = (*notices, *_by_pip(aside))
    return WheelTask(options, target, request, survey, config, there, own, uv, notices, asked)


def _slips(request: Request) -> Iterator[Notice]:
    """Warn about likely slips among words for pip, as `notices.slips` does for conda's solver: PyPI
    lets anybody take a name beside a known one."""
    known = (*FAMILY, CONDA_TORCH)
    alone = not any(project for _, project in request.typed)
    for word in request.others:
        meant = version_alone(word) or misspelt(wheel_request.requested_name(word) or "", known)
        if meant:
            code = "misspelt_pip_alone" if alone else "misspelt_pip"
            yield Notice(code, {"spec": word, "nearest": meant})


def _by_pip(words: Iterable[str]) -> Iterator[Notice]:
    return (Notice("partner_by_pip", {"spec": spec}) for spec in words)


def _as_installed(
    request: Request,
    survey: machine_.Survey,
    there: Mapping[str, Distribution],
    options: InstallOptions,
) -> tuple[Request, machine_.Survey]:
    """The request and the machine, by the torch that pip installed: only other packages being
    named, its release and variant stay, as with builds of conda; and where no driver was found, the
    choice is for its CUDA."""
    torch = there.get(TORCH)
    if torch is None or torch.owner is not None:
        return request, survey
    name, (public, _, variant) = f"{TORCH} {torch.version}", torch.version.partition("+")
    open_ = request.cuda == "auto" and not any(wheel_variant(w) for w, _ in request.typed)
    home = tables().home(TORCH, public, variant, survey.machine.subdir)
    if open_ and home.cuda and (on := rules.for_nodes(survey.machine, home.cuda, name)):
        request, survey = request._replace(cuda=home.cuda), survey._replace(machine=on)
    elif open_ and NAMED.fullmatch(variant) and not survey.machine.has_gpu:
        # Nothing else here tells of its GPU.
        told = Notice("machine.variant_kept", {"variant": variant, "torch": name})
        on = survey.machine._replace(remarks=(told, *survey.machine.remarks))
        request, survey = request._replace(cuda=variant), survey._replace(machine=on)
    if options.specs and not any(name == TORCH for _, name in request.typed):
        # One for the CPU has to give way where there is a GPU.
        spec = torch.version if open_ and home.cuda and variant else public
        request = request.keeping(TORCH, f"{TORCH}=={spec}")
    return request, survey
