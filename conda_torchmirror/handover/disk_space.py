"""What a transaction downloads and writes, whether there is room for it, and whether it may.

Conda's records know the size of the archive alone. What it unpacks to is at least that, so `need`
is a lower bound: where even that is not free, nothing is downloaded.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any, NamedTuple

from conda.base.context import context
from conda.core.package_cache_data import PackageCacheData

from ..exceptions.environment import NoSpace
from ..exceptions.mirror import CannotWrite
from ..models import Notice
from ..text.layout import file_size
from . import package_cache, solve


class Place(NamedTuple):
    """A folder that is written to, with what it takes at least and what is free, in bytes."""

    folder: str
    need: int
    free: int


class Footprint(NamedTuple):
    """The packages of a transaction, and where they go; sizes in bytes.

    `lacking` of them have to be downloaded, `download` bytes in all, as far as records know.
    """

    packages: int
    size: int
    lacking: int
    download: int
    places: tuple[Place, ...]


def refuse_unwritable(prefix: str, instead: str = "fresh_environment") -> None:
    """Stop before anything is downloaded for an environment that cannot be written.

    Conda tries that once it has all packages. `instead` is the hint on a new environment. Raises:
    CannotWrite.
    """
    there = os.path.isdir(prefix)
    places = (prefix, os.path.join(prefix, "conda-meta")) if there else (_existing(prefix),)
    for place in places:
        if place is None or not os.path.isdir(place):
            continue
        try:
            TemporaryFile(dir=place).close()
        except OSError as error:
            if there:
                raise CannotWrite.of(error, place, others=[Notice(instead)]) from error
            raise CannotWrite.of(error, prefix, "-p") from error


@contextmanager
def watched(prefix: str | None, report: Callable[[Footprint], None]) -> Iterator[None]:
    """Measure what conda solves within the block, before it shows its plan and asks.

    `prefix` is None where packages are downloaded only.

    Raises, from within conda: NoSpace.
    """

    def solved(removed: Sequence[Any], added: Sequence[Any]) -> None:
        if added:
            found = measure(added, prefix, removed)
            report(found)
            check(found)

    with solve.listening(solved):
        yield


def measure(added: Iterable[Any], prefix: str | None, removed: Iterable[Any] = ()) -> Footprint:
    """What these records take in the package cache, and in an environment that others leave."""
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
    """The same of files with these sizes in bytes, of which `lacking` have to be fetched into a
    folder; they are unpacked into an environment, where one is meant, and stay as archives."""
    needs = {cache: sum(lacking), **({prefix: sum(sizes)} if prefix else {})}
    return Footprint(len(sizes), sum(sizes), len(lacking), sum(lacking), tuple(_places(needs)))


def check(found: Footprint) -> None:
    """Raises: NoSpace."""
    for place in found.places:
        if place.need > place.free:
            raise NoSpace(
                folder=place.folder, need=file_size(place.need), free=file_size(place.free)
            )


def _places(needs: dict[str, int]) -> Iterator[Place]:
    """Folders on the same disk are one place, named by the first of them."""
    disks: dict[int, tuple[str, int]] = {}
    for folder, need in needs.items():
        there = _existing(folder)
        if there is not None:
            disk = os.stat(there).st_dev
            first, before = disks.get(disk, (folder, 0))
            disks[disk] = (first, before + need)
    for folder, need in disks.values():
        # Where nobody knows what is free, conda finds out.
        try:
            yield Place(folder, need, shutil.disk_usage(str(_existing(folder))).free)
        except OSError:
            continue


def _linked(cache: str, prefix: str) -> bool:
    """Whether files of the environment are those of the cache."""
    one, other = _existing(cache), _existing(prefix)
    if one is None or other is None:
        return True
    return not context.always_copy and os.stat(one).st_dev == os.stat(other).st_dev


def _existing(folder: str) -> str | None:
    """The folder, or the nearest above it that is there."""
    while not os.path.isdir(folder):
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return None
    return folder


def _size(record: Any) -> int:
    return int(record.get("size") or 0)
