"""How much a transaction downloads and writes, whether it fits, and whether it may be written.

Conda's records have only the size of the archive. Its unpacked content is at least as large, so
`need` is a lower bound: if even that is not free, nothing is downloaded.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from conda.base.context import context
from conda.core.package_cache_data import PackageCacheData

from ..envfiles.disk.windows import try_writing
from ..exceptions.environment import NoSpace
from ..exceptions.mirror import CannotWrite
from ..models import Notice
from ..text.layout import file_size
from ..text.messages import text
from ..text.sanitize import safe
from . import package_cache
from .transaction.solved import listening


class Place(NamedTuple):
    """A folder that is written to, with the least space needed and the free space, in bytes.
    `keeps` says that packages are kept on its disk, and not in an environment alone."""

    folder: str
    need: int
    free: int
    keeps: bool = True


class Footprint(NamedTuple):
    """The size of a transaction, in bytes, as far as its records have sizes.

    `packages` is the number of packages, `lacking` the number of those to download, `download` the
    size of the latter. `places` are the folders that they are written to.
    """

    packages: int
    size: int
    lacking: int
    download: int
    places: tuple[Place, ...]


#: The step where an environment cannot be written.
_FRESH = Notice("fresh_environment")


def refuse_unwritable(prefix: str, instead: Notice = _FRESH) -> None:
    """Stop before anything is downloaded for an environment that cannot be written.

    Conda itself only finds out after the download. `instead` is the step to a new
    environment.

    Raises: CannotWrite.
    """
    there = os.path.isdir(prefix)
    places = (prefix, os.path.join(prefix, "conda-meta")) if there else (_existing(prefix),)
    for place in places:
        if place is None or not os.path.isdir(place):
            continue
        try:
            try_writing(place)
        except OSError as error:
            if there:
                raise CannotWrite.of(error, place, others=[instead]) from error
            raise CannotWrite.of(error, prefix, "-p") from error


def refuse_unwritable_folder(folder: str, option: str) -> None:
    """Stop before anything is downloaded for a folder that can neither be written nor replaced.

    Raises: CannotWrite.
    """
    places = (folder, os.path.dirname(folder)) if os.path.isdir(folder) else (_existing(folder),)
    errors = []
    for place in filter(None, places):
        try:
            try_writing(place)
            return
        except OSError as error:
            errors.append(error)
    if errors:
        raise CannotWrite.of(errors[0], folder, option)


@contextmanager
def watched(prefix: str | None, report: Callable[[Footprint], None]) -> Iterator[None]:
    """Measure each transaction that conda solves within the block, before conda shows it and asks.

    `prefix` is None where packages are only downloaded. Raises NoSpace, from within conda.
    """

    def solved(_index: str, removed: Sequence[Any], added: Sequence[Any]) -> None:
        if added:
            found = measure(added, prefix, removed)
            report(found)
            check(found)

    with listening(solved):
        yield


def measure(added: Iterable[Any], prefix: str | None, removed: Iterable[Any] = ()) -> Footprint:
    """Measure what adding and removing these records takes in the package cache and in `prefix`.

    A package cache that links into the environment takes no space there.
    """
    records = list(added)
    lacking, archives, contents = [], 0, 0
    for record in records:
        there = package_cache.cached(record)
        if there is None:
            lacking.append(record)
            archives += _size(record)
        if there is None or not there.is_extracted:
            contents += _size(record)
    cache = PackageCacheData.first_writable().pkgs_dir
    needs = {cache: archives + contents}
    if prefix is not None and not _linked(cache, prefix):
        needs[prefix] = max(0, sum(map(_size, records)) - sum(map(_size, removed)))
    return Footprint(
        packages=len(records),
        size=sum(map(_size, records)),
        lacking=len(lacking),
        download=sum(map(_size, lacking)),
        places=tuple(_places(needs)),
    )


def measure_files(
    sizes: Sequence[int], lacking: Sequence[int], cache: str, prefix: str | None
) -> Footprint:
    """Measure files of these sizes in bytes, unpacked into `prefix` if there is one.

    `lacking` are the sizes of the files to download, which are kept in the folder `cache`.
    """
    needs = {cache: sum(lacking), **({prefix: sum(sizes)} if prefix else {})}
    return Footprint(len(sizes), sum(sizes), len(lacking), sum(lacking), tuple(_places(needs)))


def measure_copies(sizes: Iterable[int], lacking: Iterable[int], folder: str) -> Footprint:
    """Measure copies, of these sizes in bytes, of packages in the folder of a plan, where they take
    the place of what is in it. `lacking` are the sizes of those that are not in the cache yet."""
    sizes, lacking = list(sizes), list(lacking)
    try:
        there = sum(entry.stat().st_size for entry in os.scandir(folder) if entry.is_file())
    except OSError:
        there = 0
    cache = PackageCacheData.first_writable().pkgs_dir
    needs = {cache: sum(lacking), folder: max(0, sum(sizes) - there)}
    return Footprint(len(sizes), sum(sizes), len(lacking), sum(lacking), tuple(_places(needs)))


def check(found: Footprint, *, copies: bool = False) -> None:
    """Refuse a transaction, or `copies`, without room on the disk. Raises: NoSpace."""
    for place in found.places:
        if place.need > place.free:
            raise NoSpace(
                folder=place.folder,
                need=file_size(place.need),
                free=file_size(place.free),
                detail=_use(place, copies=copies),
                ways=_ways(place, copies=copies),
            )


def _use(place: Place, *, copies: bool) -> str:
    if place.keeps:
        return text("file.space_kept")
    return text("file.space_copied" if copies else "file.space_unpacked")


def _ways(place: Place, *, copies: bool) -> tuple[Notice, ...]:
    """The steps that make room on the disk of a place, or take another disk."""
    if place.keeps:
        return Notice("free_space"), Notice("other_disk")
    room = Notice("make_room_at", {"folder": safe(place.folder)})
    if copies:
        return room, Notice("other_place", {"option": "--save-plan"})
    return room, Notice("environment_elsewhere")


def _places(needs: dict[str, int]) -> Iterator[Place]:
    """Yield a place for each disk, named by the first folder on it; the first is a cache."""
    disks: dict[int, tuple[str, int]] = {}
    for folder, need in needs.items():
        there = _existing(folder)
        if there is not None:
            disk = os.stat(there).st_dev
            first, before = disks.get(disk, (folder, 0))
            disks[disk] = (first, before + need)
    cache = next(iter(needs))
    for folder, need in disks.values():
        # Where the free space is unknown there is no check, and conda fails if it does not fit.
        try:
            free = shutil.disk_usage(str(_existing(folder))).free
        except OSError:
            continue
        yield Place(folder, need, free, keeps=folder == cache)


def _linked(cache: str, prefix: str) -> bool:
    """Whether conda can link files of the cache into the environment, which takes no space."""
    one, other = _existing(cache), _existing(prefix)
    if one is None or other is None:
        return True
    return not context.always_copy and os.stat(one).st_dev == os.stat(other).st_dev


def _existing(folder: str) -> str | None:
    """The folder, or its nearest parent that exists; None without any."""
    while not os.path.isdir(folder):
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return None
    return folder


def _size(record: Any) -> int:
    return int(record.get("size") or 0)


@contextmanager
def temporary_folder(prefix: str) -> Iterator[str]:
    """A folder that is gone after the block, but for what another process keeps open on Windows, as
    a virus scanner does. Raises: CannotWrite."""
    try:
        made = TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
    except OSError as error:
        raise CannotWrite.of_temporary() from error
    with made as folder:
        yield folder
