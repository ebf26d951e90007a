"""Wheels where no conda build fits: suggesting a command for them by the built-in list, or using
them instead, if the settings allow pip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conda.base.context import context

from ...exceptions.base import TorchMirrorError
from ...exceptions.channel import NoWheels
from ...exceptions.choice import NoFittingWheel
from ...exceptions.environment import CondaTorch
from ...exceptions.usage import BadWheelWord, NoCondaVariant, NotForWheels, PrintNotWheels
from ...index.match import read
from ...index.sources import SOURCES, WHEELS
from ...index.wheels import builtin
from ...machine import survey
from ...mirrors.addresses import name_of
from ...models import Machine, NoChoice, Notice, Request
from ...options import EXPLICIT, InstallOptions, listing
from ...selection.facts.names import PIP_DATA, PIP_NAMES
from ...selection.pip import variants
from ...selection.plan import offered
from ...selection.rules import new_environment
from ...selection.sources.compare import suits
from ...selection.sources.order import Order, Why
from ...selection.wheels import partners
from ...selection.wheels import request as wheel_request
from ...selection.wheels.choose import WheelSet, choose
from ...selection.wheels.tables import NAMED, PLAIN, tables
from .. import request as words
from ..task import Target
from ..wheels.python_pins import for_wheels

if TYPE_CHECKING:
    from ..run import Report, Result

#: Errors of a run with wheels that are less helpful than the reason why no conda build fits.
_NEITHER = (NoFittingWheel, NoWheels, NotForWheels, BadWheelWord, CondaTorch, PrintNotWheels)

#: The channels that torch and what it needs come from.
_OF_SOURCES = frozenset(("defaults", *(name for source in SOURCES for name in source.channels)))


def way(options: InstallOptions, target: Target, on: Machine) -> tuple[Notice, ...]:
    """The step to install wheels if the list has a set for the request: in a new environment, but
    for a free-threaded Python, which no other source may have builds for, in that of its own."""
    cuda = wheel_request.accelerator(options.cuda)
    if cuda is None or options.files or options.of_solver or options.tool == EXPLICIT:
        return ()
    request = wheel_request.read(
        options.specs,
        cuda=cuda,
        compat=options.cuda_compat,
        allow_cpu=options.allow_cpu,
        python=words.python(options.python)[0] if options.python else None,
    )
    if isinstance(request, wheel_request.BadWord):
        return ()
    if request.others and not _OF_SOURCES.issuperset(map(name_of, options.channels)):
        return ()  # packages of a channel are no distributions of pip
    stays = on.free_threaded is not None
    new = on if stays else new_environment(on)
    if not stays and new.python_from == "prefix":
        new = new._replace(python_from="--python")  # as which it is offered, so that pins bind it
    found = known_set(request, for_wheels(new))
    if found is None or not suits(found.choice):  # pip would have to build the rest, and may fail
        return ()
    asked = by_wheels(options if stays or target.is_fresh(options) else options.elsewhere())
    if not stays and on.python_from == "prefix":
        asked = asked._replace(python=options.python or on.python)
    if cuda == "auto" and any(words.says_cpu(read(word)) for word in options.specs):
        asked = asked._replace(cuda="cpu")  # with wheels, `+cpu` alone does not pass over a GPU
    facts = {"torch": found.torch.version, "variant": found.variant or PLAIN}
    return (Notice("use_wheel_set", {**facts, "command": offered(asked)}),)


def by_wheels(asked: InstallOptions) -> InstallOptions:
    """The options for wheels, without those that have no meaning for them."""
    return asked._replace(
        source=WHEELS, channels=(), override_channels=False, check_upstream=False, solve=False
    )


def known_set(request: Request, on: Machine) -> WheelSet | None:
    """The set for a request that the built-in list has, or None. The list has no torchdata, which
    pip takes: an older one keeps torch to what it goes with, as in a run."""
    known = builtin.load(on.subdir)
    if known is None:
        return None
    request = partners.with_data(request, tables())
    if PIP_DATA in request.specs:
        request, _ = partners.left_to_pip(request, on, tables())
        kept = partners.kept_to_partners(request, on, tables())
        request = kept.request if kept else request
    names = sum(variants.to_read(on, request, tables()), ())
    found = choose(request, on, [link for link in known.links if link.variant in names])
    return None if isinstance(found, NoChoice) else found


def refuse_variant(options: InstallOptions, target: Target, subdir: str) -> None:
    """Refuse a `--cuda` that only wheels are built for (ROCm, XPU). Raises: NoCondaVariant."""
    variant = options.cuda.strip().lower()
    if not NAMED.fullmatch(variant):
        return
    prefix = target.prefix if target.exists else None
    on = survey.survey(
        subdir=subdir, prefix=prefix, cuda="cpu", probe_gpus=False, facts=options.facts
    ).machine
    ways = way(options, target, on)
    known = builtin.load(on.subdir)
    if not ways and known and any(link.variant == variant for link in known.links):
        command = offered(listing(options._replace(source=WHEELS, cuda=variant)))
        ways = (Notice("see_list", {"command": command}),)
    raise NoCondaVariant(variant=variant, ways=ways)


def may_stand_in(options: InstallOptions, request: Request, order: Order) -> bool:
    """Whether nothing ties the request to conda: no file, channel or package of a single source,
    and no torch of conda's in the environment."""
    named = options.files or options.channels or options.override_channels or request.ties
    return not named and order.why != "bound" and options.action != "list"


def torch_by_pip(on: Machine) -> bool:
    """Whether the torch of the environment is one that pip installed."""
    return any(one.channel == "pypi" and one.name in PIP_NAMES for one in on.installed)


def instead(
    options: InstallOptions,
    target: Target,
    report: Report,
    why: Why,
    error: TorchMirrorError | None = None,
) -> Result:
    """Run with wheels instead, which the settings allow. `error` is that of the run with conda.

    Raises: `error`, if no wheels fit either; what a run with wheels raises.
    """
    from ..printing import printed
    from ..wheels.run import execute

    options = options._replace(source=WHEELS)
    try:
        printed.check(options, context.subdir, options)
        return execute(options, target, report, why=why)
    except _NEITHER as other:
        if error is None:
            raise
        report(Notice("wheels_neither", {"detail": other.message}))
        raise error from other
