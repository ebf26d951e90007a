"""Reading the records of one source: from its channel, or from the built-in index."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conda.exceptions import ChannelError as CondaChannelError

from ...exceptions.base import first_line
from ...exceptions.channel import ChannelError, NothingCached, NothingCachedToSolve
from ...exceptions.choice import UnknownPlatform
from ...index import builtin
from ...index.hidden import without_hidden
from ...index.sources import Source
from ...models import Notice, Records
from ...options import EXPLICIT
from ...selection.specs import package_name
from ..task import Task

if TYPE_CHECKING:
    from ...transport.routes import RecordReader

#: Errors after which another source may still be readable: no route to the channel is left, conda
#: is offline without its index, the platform is not covered, or the administrator forbids it.
UNREADABLE = (
    ChannelError,
    NothingCached,
    NothingCachedToSolve,
    UnknownPlatform,
    CondaChannelError,
)


class Unread(NamedTuple):
    """A source that could not be read, and why."""

    source: Source
    error: Exception

    @property
    def detail(self) -> str:
        """The first line of the error's message."""
        line = first_line(self.error)
        # Of conda's on a list: a list follows. Ours stays what can be said in another language.
        return line.rstrip(":") if line.endswith(":") else line

    @property
    def forbidden(self) -> bool:
        """Whether the administrator's configuration keeps the channel out."""
        return isinstance(self.error, CondaChannelError)


def records(task: Task, reader: RecordReader) -> Records:
    """The records that a choice needs; a preview uses the built-in index if nothing is cached.

    Raises: one of `UNREADABLE`, Moved.
    """
    options, source, subdir = task.options, task.source, task.machine.subdir
    try:
        names = {*source.packages, *map(package_name, task.request.others)}
        return without_hidden(reader.read(source.channel, names))
    except NothingCached as error:
        if not options.preview:
            raise
        if options.solve:
            way = "print_unsolved" if options.tool == EXPLICIT else "leave_solve_out"
            raise NothingCachedToSolve(
                channel=source.channel, subdir=subdir, ways=[Notice(way)]
            ) from error
    found = source.built_in(subdir)
    if found is None:
        covered = ", ".join(builtin.platforms(source.channel))
        raise UnknownPlatform(subdir=subdir, channel=source.channel, platforms=covered)
    return without_hidden(found)
