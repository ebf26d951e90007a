"""Downloading the files of a set before anything in the environment changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from conda.base.context import context

from ...exceptions import causes
from ...exceptions.channel import WheelDamaged, WheelNowhere, WheelUnlike
from ...exceptions.mirror import CannotWrite
from ...handover import disk_space, wheel_cache
from ...handover.disk_space import Footprint
from ...index.repodata import spinner
from ...mirrors.registry import Route
from ...models import Notice
from ...selection.pip import against, bounds
from ...selection.pip.plan import WheelFile
from ...selection.wheels.link import Link
from ...text.layout import file_size
from ...text.messages import text
from ...text.sanitize import safe
from ...transport import failures
from ...transport.answers import are_lasting
from ...transport.wheels import metadata, rest
from ...transport.wheels.reader import Located, WheelReader
from ...transport.wheels.rest import OnDisk, Rest
from .decide import Decided
from .task import WheelTask


def space(files: Sequence[WheelFile], to: str | None) -> Footprint:
    """The disk space that the files take in the cache and, unpacked or copied, at `to`, as far as
    their sizes are known."""
    sizes = [file.link.size or 0 for file in files]
    lacking = [file.link.size or 0 for file in files if file.cached is None]
    return disk_space.measure_files(sizes, lacking, wheel_cache.folders()[0], to)


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

    def of_set(file: WheelFile) -> WheelFile:
        place = Located(file.link, mirrors[file.mirror])

        def next_link(error: Exception) -> Link:
            nonlocal place
            told = len(reader.notices)
            found = reader.after(place, error)
            if found is None:
                raise error
            for notice in reader.notices[told:]:
                report(notice)
            place = found
            return place.link

        return _downloaded(file, next_link, quiet=quiet)

    return tuple(map(of_set, files))


def _downloaded(
    file: WheelFile, next_link: Callable[[Exception], Link], *, quiet: bool
) -> WheelFile:
    """The file with its path, downloaded unless it is cached. `next_link` returns the link to try
    after one that failed, or raises."""
    link = file.link
    while True:
        if path := wheel_cache.find(link):
            break
        _refuse_damaged(link)
        to = _prepared(link)
        try:
            path = wheel_cache.fetch(link, to, file.project, file.version, quiet=quiet)
            break
        except Exception as error:
            _refuse_disk(error)
            link = next_link(error)
    return file._replace(link=link, cached=path)


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
    if task.brought is not None and (decided.held or anew or not task.options.download):
        return None if anew else decided.held
    decision, said = decided.decision, decided.said
    if any(file.project not in said for file in decision.files):
        return None
    asked = task.rest_of(said, decision.others, decision.chosen.python, anew=anew)
    if context.offline:
        with spinner(text("reading_wheels", {"mirror": text("wheel.cached")})):
            found = rest.find(asked, OnDisk("cache", tuple(wheel_cache.links())))
        return found if isinstance(found, Rest) else None
    left: tuple[Route, str] | None = None
    for index in (decision.rest, *decided.rest):
        with spinner(text("reading_wheels", {"mirror": index.mirror})):
            found = rest.find(asked, index)
        if isinstance(found, Rest):
            if left:
                facts = {"index": left[0].mirror, "what": left[1], "instead": index.mirror}
                report(Notice("index_left", facts))
            return found
        if isinstance(found, str):
            left = index, found
    return None


def read_here(
    decided: Decided, files: Sequence[WheelFile], report: Callable[[Notice], None]
) -> Decided:
    """Add the METADATA of files that are here by now, where no server gave it before, and the
    bounds on what they need.

    Raises: WheelUnlike, if a file does not go with the set.
    """
    here = {
        file.project: found
        for file in files
        if file.project not in decided.said and (found := metadata.of_file(str(file.cached)))
    }
    if not here:
        return decided
    decision = decided.decision
    python, asked = decision.chosen.python, decision.request.others
    for wrong in against.found(decision.chosen, here, decision.machine.subdir):
        raise WheelUnlike(wheel=wrong.wheel, needs=wrong.needs)
    said = {**decided.said, **here}
    limits = bounds.of_set(decision.chosen.choice, said, (), asked, python)
    for word, notice in zip(limits.words, limits.of_words, strict=True):
        if word not in decision.others:
            decision = decision._replace(others=(*decision.others, word))
            report(notice._replace(facts={**notice.facts, "why": text(str(notice.facts["why"]))}))
    return decided._replace(decision=decision, said=said)


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
    return tuple(_from_any(file, indexes, report, quiet=quiet) for file in files)


def _from_any(
    file: WheelFile,
    indexes: Sequence[Route],
    report: Callable[[Notice], None],
    *,
    quiet: bool,
) -> WheelFile:
    if file.cached and wheel_cache.is_file_of(file.cached, file.link):
        return file
    places = iter([index for index in indexes if index.mirror != file.mirror])
    route = Route(file.link.filename, file.link.url, file.mirror)
    tried = []

    def next_link(error: Exception) -> Link:
        nonlocal route
        failure = failures.of_file(error, route, route.url)
        if failure is None:
            raise error
        tried.append(failure)
        for index in places:
            if (found := rest.same(file.link, index)) is not None:
                route = Route(found.filename, found.url, index.mirror)
                for notice in failures.left(failure, [route]):
                    report(notice)
                return found._replace(variant="", size=file.link.size)
        lasting = are_lasting(failure.reason for failure in tried)
        ways = [Notice("other_place_listed" if lasting else "plan_again")]
        raise failures.no_route_left(tried, ways, WheelNowhere)

    # Only the path is new: what is saved and told of the file is its own link.
    return file._replace(cached=_downloaded(file, next_link, quiet=quiet).cached)
