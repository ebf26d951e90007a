"""Downloading the files of a set before anything in the environment changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from conda.base.context import context

from ...exceptions import causes
from ...exceptions.channel import WheelDamaged, WheelNowhere
from ...exceptions.mirror import CannotWrite
from ...handover import wheel_cache
from ...index.fetch import spinner
from ...mirrors.registry import Route
from ...models import Notice
from ...selection.pip.plan import WheelFile
from ...selection.pip.rest import RestTarget
from ...selection.wheels.link import Link
from ...text.layout import file_size
from ...text.messages import text
from ...text.sanitize import safe
from ...transport import failures
from ...transport.wheels import rest
from ...transport.wheels.reader import Located, WheelReader
from ...transport.wheels.rest import Rest, RestQuery
from .decide import Decided
from .task import WheelTask


def fetched(
    files: Sequence[WheelFile],
    reader: WheelReader,
    report: Callable[[Notice], None],
    *,
    quiet: bool,
) -> tuple[WheelFile, ...]:
    """Download the files that are not cached; return all of them with their paths.

    If a mirror fails, `reader` has other places to get the file from.

    Raises: WheelNowhere, WheelDamaged, CannotWrite, and what conda's download raises that no mirror
    is to blame for.
    """
    mirrors = {mirror.name: mirror for mirror in reader.mirrors}
    found = []
    for file in files:
        place: Located | None = Located(file.link, mirrors[file.mirror])
        while place is not None:
            path = wheel_cache.find(place.link)
            if path is None:
                _refuse_damaged(place.link)
            to = path or _prepared(place.link)
            try:
                if path is None:
                    name, version = file.project, file.version
                    path = wheel_cache.fetch(place.link, to, name, version, quiet=quiet)
            except Exception as error:
                _refuse_disk(error)
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


def _refuse_damaged(link: Link) -> None:
    """Raise WheelDamaged for a file of this disk: it is not what its link says, and no mirror has
    it."""
    if link.url.startswith("file:"):
        path = safe(wheel_cache.path_of(link))
        raise WheelDamaged(file=path, detail=text("wheel_hash_differs"))


def _refuse_disk(error: Exception) -> None:
    """Raise CannotWrite for a failed download that is this disk's fault, and no mirror's."""
    if full := causes.disk_error(error):
        raise CannotWrite.of(full, full.filename or wheel_cache.folders()[0]) from error


def _prepared(link: Link) -> str:
    """Where a file goes. What is refused here is this disk's, and no mirror's fault.

    Raises: CannotWrite, conda's NoWritablePkgsDirError.
    """
    try:
        return wheel_cache.prepared(link)
    except OSError as error:
        raise CannotWrite.of(error, error.filename or wheel_cache.expected()) from error


def find_rest(
    task: WheelTask, decided: Decided, report: Callable[[Notice], None], *, anew: bool = False
) -> Rest | None:
    """The other packages that the set needs, at the first index that has all of them, or in the
    cache if conda is offline; None if pip has to find them. `anew` ignores installed packages.
    """
    decision, said = decided.decision, decided.said
    if task.brought is not None or any(file.project not in said for file in decision.files):
        return None
    there = {} if anew else {one.name: one.version for one in task.there.values()}
    on = RestTarget(task.machine, task.python or decision.chosen.python)
    asked = RestQuery(said, decision.others, there, on)
    indexes = (None,) if context.offline else (decision.rest, *decided.rest)
    left: tuple[Route, str] | None = None
    for index in indexes:
        place = index.mirror if index else text("wheel.cached")
        with spinner(text("reading_wheels", {"mirror": place})):
            found = rest.find(asked, index)
        if isinstance(found, Rest):
            if left and index:
                facts = {"index": left[0].mirror, "what": left[1], "instead": index.mirror}
                report(Notice("index_left", facts))
            return found
        if isinstance(found, str) and index:
            left = index, found
    return None


def fetched_rest(
    files: Sequence[WheelFile],
    indexes: Sequence[Route],
    report: Callable[[Notice], None],
    *,
    quiet: bool,
) -> tuple[WheelFile, ...]:
    """Download the other packages that the set needs, like `fetched`. If an index fails, the same
    file may come from another one.

    Raises: WheelNowhere, WheelDamaged, CannotWrite, and what conda's download raises that no index
    is to blame for.
    """
    away = [file.link.size or 0 for file in files if file.cached is None]
    if away:
        facts = {"count": len(away), "size": file_size(sum(away)) if all(away) else "?"}
        report(Notice("rest_fetched", {**facts, "index": files[0].mirror}))
    return tuple(
        file._replace(cached=_from_any(file, indexes, report, quiet=quiet)) for file in files
    )


def _from_any(
    file: WheelFile,
    indexes: Sequence[Route],
    report: Callable[[Notice], None],
    *,
    quiet: bool,
) -> str:
    if file.cached and wheel_cache.is_file_of(file.cached, file.link):
        return file.cached
    if path := wheel_cache.find(file.link):
        return path
    _refuse_damaged(file.link)
    places = iter([index for index in indexes if index.mirror != file.mirror])
    link, route = file.link, Route(file.link.filename, file.link.url, file.mirror)
    tried = []
    while True:
        path = _prepared(link)
        try:
            return wheel_cache.fetch(link, path, file.project, file.version, quiet=quiet)
        except Exception as error:
            _refuse_disk(error)
            failure = failures.of_file(error, route, link.url)
            if failure is None:
                raise
            tried.append(failure)
        for index in places:
            if (found := rest.same(file.link, index)) is not None:
                link = found._replace(variant="", size=file.link.size)
                route = Route(link.filename, link.url, index.mirror)
                for notice in failures.left(tried[-1], [route]):
                    report(notice)
                break
        else:
            raise failures.no_route_left(tried, (), WheelNowhere)
