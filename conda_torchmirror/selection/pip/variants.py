"""Which directories of a wheel mirror to read for a request, and no others. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from packaging.version import Version

from ...models import Choice, Machine, Request
from ..specs import number
from ..wheels.request import Asked, understand
from ..wheels.tables import NAMED, TORCH, WheelTables

#: Upper limit for directories that are read only for advice.
_MOST = 6
#: Directories of builds for a CUDA, by its major.minor.
_CUDA = {
    f"cu{major}{minor}": (major, minor)
    for major, minors in {9: (2,), 10: (0, 1, 2), 11: (0, 1, 3, 5, 6, 7, 8)}.items()
    for minor in minors
}


def to_read(
    machine: Machine, request: Request, tables: WheelTables
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The directories to read, best first: those of CUDAs with the driver's major version, and
    those of lower majors, which are read if the first give no set or not surely the best (`also`).
    """
    words = [word for spec in request.specs.get(TORCH, ()) if (word := _asked(spec))]
    if named := named_by_words(request):
        return named, ()
    if machine.subdir.startswith("osx-") or request.cuda == "cpu":
        return ("cpu",), ()
    if NAMED.fullmatch(request.cuda):
        return (request.cuda,), ()
    if not machine.cuda:
        return ("cpu",), ()
    known = _known(machine.subdir, words, tables.variants)
    driver = number(machine.cuda)
    cudas = sorted(known, key=known.__getitem__, reverse=True)
    same = tuple(name for name in cudas if known[name][0] == driver[0])
    lower = tuple(name for name in cudas if known[name][0] < driver[0])
    on_cpu = ("cpu",) if request.allow_cpu else ()
    return (*same, *on_cpu), lower


def also(
    lower: Sequence[str], found: Choice, machine: Machine, request: Request, tables: WheelTables
) -> tuple[str, ...]:
    """Those of the directories of lower majors that may have a better set than the one `found` in
    those of the driver's major, by the releases that they are known to have: a newer one; the same
    one, if it is found for a CUDA that the driver runs by minor-version compatibility only; or any,
    if it is found for the CPU only."""
    if found.cuda is None:
        return tuple(lower)
    words = [word for spec in request.specs.get(TORCH, ()) if (word := _asked(spec))]
    # A release newer than the table is taken to be where the newest of the table is.
    public = found.torch.version.partition("+")[0]
    mine = min(Version(public), max(map(Version, tables.variants)))
    names: set[str] = set()
    for version, row in tables.variants.items():
        is_newer, is_same = Version(version) > mine, Version(version) == mine
        if (is_same and found.compat == "minor") or (
            is_newer and all(word.specifier.contains(version) for word in words)
        ):
            names.update(row.get(machine.subdir, ()))
    return tuple(name for name in lower if name in names)


def named_by_words(request: Request) -> tuple[str, ...]:
    """The directories that words such as `torch==2.7.1+cu126` name."""
    words = (_asked(spec) for spec in request.specs.get(TORCH, ()))
    return tuple(dict.fromkeys(word.variant for word in words if word and word.variant))


def of_release(
    machine: Machine, request: Request, tables: WheelTables, newest: int | None = None
) -> tuple[str, ...]:
    """The directories, best first, that are known for the releases that the words admit: for CUDA
    and CPU, or for accelerators chosen by name if the request names one.

    If no word narrows the releases, only the `newest` so many count.
    """
    if NAMED.fullmatch(request.cuda):
        rows = [row.get(machine.subdir, ()) for row in tables.variants.values()]
        named = (name for row in rows for name in row if NAMED.fullmatch(name))
        return tuple(dict.fromkeys((request.cuda, *named)))[:_MOST]
    words = _open_words(request)
    rows_ = tables.variants
    if newest is not None and not any(len(word.specifier) for word in words):
        rows_ = {name: rows_[name] for name in _releases(tables)[:newest]}
    known = _known(machine.subdir, words, rows_)
    return (*sorted(known, key=known.__getitem__, reverse=True), "cpu")


def unread(
    machine: Machine, request: Request, tables: WheelTables, names: Iterable[str]
) -> tuple[str, ...]:
    """The releases, newest first, of which these directories, those of `of_release`, are not all
    that are known; none where words or options narrow what is asked for."""
    words = _open_words(request)
    narrowed = any(len(word.specifier) for word in words)
    if narrowed or named_by_words(request) or NAMED.fullmatch(request.cuda):
        return ()
    there, rows = {*names}, tables.variants
    known = ((name, _cudas(rows[name].get(machine.subdir, ()))) for name in _releases(tables))
    return tuple(name for name, found in known if not there.issuperset(v for v, _ in found))


def _open_words(request: Request) -> list[Asked]:
    """The words on torch, without the directories that they name."""
    found = map(_asked, request.specs.get(TORCH, ()))
    return [word._replace(variant=None) for word in found if word]


def _releases(tables: WheelTables) -> list[str]:
    """The releases of the table, newest first."""
    return sorted(tables.variants, key=number, reverse=True)


def for_advice(
    machine: Machine,
    request: Request,
    opened: Request,
    tables: WheelTables,
    here: Machine | None = None,
) -> tuple[str, ...]:
    """The directories to read for advice on a request without a set: those of the request itself,
    of `opened`, which names none, of a request that leaves the releases open, of `here`, the
    machine without the CUDA that was named, the highest CUDAs that are beyond the driver, and that
    of CPU builds."""
    first, lower = to_read(machine, request, tables)
    names = [*first, *_beyond(machine, request, tables), *lower]
    names += sum(to_read(machine, opened, tables), ())
    if opened != request or not names or NAMED.fullmatch(request.cuda):
        names += of_release(machine, opened, tables)
    free = request._replace(specs={name: (name,) for name in request.specs})
    names += sum(to_read(machine, free, tables), ())
    if here is not None:
        names += sum(to_read(here, free._replace(cuda="auto"), tables), ())
    on_cpu = () if NAMED.fullmatch(request.cuda) else ("cpu",)
    return tuple(dict.fromkeys((*names, *on_cpu)))


def _beyond(machine: Machine, request: Request, tables: WheelTables) -> tuple[str, ...]:
    """The highest CUDAs' directories that are beyond the driver, for the releases of the words."""
    on_mac = machine.subdir.startswith("osx-")
    if machine.cuda is None or on_mac or NAMED.fullmatch(request.cuda):
        return ()
    known = _known(machine.subdir, _open_words(request), tables.variants)
    driver = number(machine.cuda)
    found = [name for name in known if known[name][0] > driver[0]]
    return tuple(sorted(found, key=known.__getitem__, reverse=True)[:_MOST])


def _asked(spec: str) -> Asked | None:
    found = understand(spec)
    return found if isinstance(found, Asked) else None


def _known(
    subdir: str, words: Sequence[Asked], variants: Mapping[str, Mapping[str, Sequence[str]]]
) -> dict[str, tuple[int, ...]]:
    """The CUDA directories known for the releases that the words admit.

    A release that the table does not know may be in any directory, and may be newer than the table.
    """
    admitted = [
        row
        for version, row in variants.items()
        if all(word.specifier.contains(version) for word in words)
    ]
    exact = any(word.exact for word in words)
    rows = admitted if exact and admitted else list(variants.values())
    if words and not exact and admitted:
        newest = max(variants, key=number)
        if not all(word.specifier.contains(newest) for word in words):
            rows = admitted
    found = {name: cuda for row in rows for name, cuda in _cudas(row.get(subdir, ()))}
    return found or dict(_CUDA)


def _cudas(names: Sequence[str]) -> Iterator[tuple[str, tuple[int, ...]]]:
    for name in names:
        digits = name.removeprefix("cu")
        if name.startswith("cu") and digits.isdecimal():
            yield name, (int(digits[:-1]), int(digits[-1]))
