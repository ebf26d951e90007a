"""The records of one source for a task: the channel's own, or those of the built-in index."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conda.exceptions import ChannelError as CondaChannelError

from ...exceptions.channel import ChannelError, NothingCached, NothingCachedToSolve
from ...exceptions.choice import UnknownPlatform
from ...index.exclude_newer import without_newer
from ...index.sources import Source
from ...models import Records
from ...selection.specs import package_name
from ..task import Task

if TYPE_CHECKING:
    from ...transport.routes import RecordReader

#: Why a source may not be had, while another may: no route to it is left, conda is offline and has
#: no index of it, its builds for this platform are not known, or the administrator forbids it.
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
        """Why, in one sentence; one of ours keeps its English, for documents."""
        said = getattr(self.error, "message", self.error)
        if isinstance(said, str) and len(said.splitlines()) == 1:
            return said
        return str(said).splitlines()[0]


def records(task: Task, reader: RecordReader) -> Records:
    """The family's records; a preview falls back to the built-in index where nothing is cached.

    Raises: one of `UNREADABLE`, Moved.
    """
    options, source, subdir = task.options, task.source, task.machine.subdir
    try:
        names = {*source.packages, *map(package_name, task.request.others)}
        return without_newer(reader.read(source.channel, names))
    except NothingCached as error:
        if not options.preview:
            raise
        if options.solve:
            raise NothingCachedToSolve(channel=source.channel, subdir=subdir) from error
    found = source.built_in(subdir)
    if found is None:
        raise UnknownPlatform(subdir=subdir, channel=source.channel)
    return without_newer(found)
