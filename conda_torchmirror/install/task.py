"""What a run has been asked for, and what it knows before it reads any records."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..index.sources import Source
from ..machine.survey import Survey
from ..models import Machine, Request
from ..options import InstallOptions

if TYPE_CHECKING:
    from .files.request import FileRequest


class Target(NamedTuple):
    """The environment that is meant, as a path, and the words that name it on a command line."""

    prefix: str | None
    words: tuple[str, ...] = ()
    exists: bool = False

    @property
    def to_be_made(self) -> bool:
        """Whether conda has to create it."""
        return bool(self.words) and not self.exists


class Task(NamedTuple):
    """What a run has been asked for, of one source."""

    options: InstallOptions
    files: FileRequest | None
    target: Target
    request: Request
    survey: Survey
    source: Source

    @property
    def machine(self) -> Machine:
        """The machine to choose for."""
        return self.survey.machine
