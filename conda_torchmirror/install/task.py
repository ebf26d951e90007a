"""The task of a run: its options, target, request, machine and source, before any reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from conda.base.context import context

from ..exceptions.environment import OtherPlatform
from ..index.sources import Source, channel_of_torch
from ..machine.environment import platform_of
from ..machine.survey import Survey, survey
from ..mirrors.addresses import name_of
from ..mirrors.urls import MirrorError
from ..models import Machine, Request
from ..options import InstallOptions
from ..redirect import settings
from ..selection.facts.names import TORCH

if TYPE_CHECKING:
    from .files.request import FileRequest


class Target(NamedTuple):
    """The target environment: its path, and the options that name it in a command."""

    prefix: str | None
    words: tuple[str, ...] = ()
    exists: bool = False

    @property
    def to_be_made(self) -> bool:
        """Whether conda has to create it: it is named and does not exist."""
        return bool(self.words) and not self.exists

    def is_fresh(self, options: InstallOptions) -> bool:
        """Whether nothing is there yet that the run would change: a step needs no new one."""
        nowhere = self.prefix is None and options.action in ("list", "urls", "print")
        return self.to_be_made or nowhere


def words_for_conda(options: InstallOptions, verb: str) -> tuple[str, ...]:
    """The words of the options that conda's own command takes over."""
    passed = options.for_conda
    if not passed:
        return ()
    from ..handover.conda import taken

    return tuple(taken(passed, verb))


class Task(NamedTuple):
    """The task of a run for one source.

    `configured` are the names of the channels of conda's configuration, of the files and of
    `--channel`. They are read once, because conda collects its whole configuration anew each time
    it is asked for them. `asked` are the options as they were typed, None if that is `options`.
    """

    options: InstallOptions
    files: FileRequest | None
    target: Target
    request: Request
    survey: Survey
    source: Source
    configured: tuple[str, ...]
    asked: InstallOptions | None = None

    @property
    def typed(self) -> InstallOptions:
        """The options as they were typed."""
        return self.asked or self.options

    @property
    def fresh(self) -> bool:
        """Whether a step may use another Python in the environment of the run."""
        return self.target.is_fresh(self.options)

    @property
    def machine(self) -> Machine:
        """The machine to choose for."""
        return self.survey.machine


def channel_names() -> Callable[[str], str]:
    """What names the channel that a package was installed from, as `name_of` does; by a mirror of
    the user's own registry too, such as a cache in the lab."""
    try:
        known = settings.registry(settings.read())
    except MirrorError:  # told where a channel is read
        return name_of

    def name(channel: str) -> str:
        at = known.identify(channel) if "://" in channel else None
        return at.channel if at else name_of(channel)

    return name


def survey_here(**asked: Any) -> Survey:
    """Do what `machine.survey` does, with the channels as `channel_names` has them, and a torch of
    another address as one of the channel whose builds are named so."""
    found, name = survey(**asked), channel_names()
    installed = []
    for package in found.machine.installed:
        channel = name(package.channel)
        if package.name == TORCH:
            channel = channel_of_torch(f"{TORCH}={package.version}={package.build}", channel)
        installed.append(package._replace(channel=channel))
    return found._replace(machine=found.machine._replace(installed=tuple(installed)))


def without_cuda(options: InstallOptions, target: Target, on: Machine) -> Machine | None:
    """The machine `on` as it is without the CUDA that `--cuda` names; None where files say what is
    asked for."""
    if on.cuda_from != "--cuda" or options.files:
        return None
    prefix = target.prefix if target.exists else None
    python = on.python if on.python_from == "--python" else None
    return survey_here(
        subdir=on.subdir, prefix=prefix, cuda="auto", python=python, facts=options.facts
    ).machine


def of_this_platform(target: Target, options: InstallOptions) -> Target:
    """The environment, if its Python is of the platform that the run is for. A preview for another
    platform, and the facts of another machine, are of no environment here. Raises: OtherPlatform.
    """
    prefix, subdir = str(target.prefix), context.subdir
    if not target.exists or options.subdir or options.facts or options.machines:
        return target
    if (there := platform_of(prefix)) not in (None, subdir):
        raise OtherPlatform(prefix=prefix, there=there, subdir=subdir)
    return target
