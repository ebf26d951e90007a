"""Bringing the files of a set onto this disk before anything changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...exceptions import causes
from ...exceptions.channel import WheelDamaged
from ...exceptions.mirror import CannotWrite
from ...handover import wheel_cache
from ...models import Notice
from ...selection.pip.plan import WheelFile
from ...text.messages import text
from ...text.sanitize import safe
from ...transport.wheels.reader import Located, WheelReader


def fetched(
    files: Sequence[WheelFile],
    reader: WheelReader,
    report: Callable[[Notice], None],
    *,
    quiet: bool,
) -> tuple[WheelFile, ...]:
    """The files on this disk, each with its path; `reader` knows further places of each.

    Raises: WheelNowhere, CannotWrite, what conda's download raises and is nobody's fault.
    """
    mirrors = {mirror.name: mirror for mirror in reader.mirrors}
    found = []
    for file in files:
        place: Located | None = Located(file.link, mirrors[file.mirror])
        while place is not None:
            path = wheel_cache.find(place.link)
            if path is None and place.link.url.startswith("file:"):
                path = safe(wheel_cache.path_of(place.link))
                raise WheelDamaged(file=path, detail=text("wheel_hash_differs"))
            try:
                if path is None:
                    path = wheel_cache.fetch(place.link, file.project, file.version, quiet=quiet)
            except Exception as error:
                if full := causes.disk_error(error):
                    where = full.filename or wheel_cache.folders()[0]
                    raise CannotWrite.of(full, where) from error
                told = len(reader.notices)
                place = reader.after(place, error)
                if place is None:
                    raise
                for notice in reader.notices[told:]:
                    report(notice)
                continue
            found.append(file._replace(link=place.link, cached=path))
            break
    return tuple(found)
