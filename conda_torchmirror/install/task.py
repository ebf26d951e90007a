"""The task of a run: its options, target, request, machine and source, before any reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..index.sources import Source
from ..machine.survey import Survey
from ..models import Machine, Request
from ..options import InstallOptions

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


class Task(NamedTuple):
    """The task of a run for one source.

    `configured` are the names of the channels of conda's configuration, of the files and of
    `--channel`. They are read once, because conda collects its whole configuration anew each time
    it is asked for them.
    """

    options: InstallOptions
    files: FileRequest | None
    target: Target
    request: Request
    survey: Survey
    source: Source
    configured: tuple[str, ...]

    @property
    def machine(self) -> Machine:
        """The machine to choose for."""
        return self.survey.machine
