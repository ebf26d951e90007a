"""Partners of torch that are one wheel for every accelerator, and are left to pip: torchtext, older
releases of torchdata and of torchaudio. torch is kept to what they go with. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from packaging.version import Version

from ...models import Machine, Notice, Request
from ..facts.names import PIP_DATA
from ..specs import number, release
from .request import Asked, for_pip, requested_name, understand
from .tables import TORCH, WheelTables

#: A patch release that no minor version of Python gets to.
_LAST_PATCH = 99


def with_data(request: Request, tables: WheelTables) -> Request:
    """The request with words on torchdata among those for the choice, where they or those on torch
    leave only its releases that are for one torch each. Newer ones, pip takes with any torch 2.
    """
    words = [word for word in request.others if requested_name(word) == PIP_DATA]
    if not words or not _are_for_one_torch(words, request, tables):
        return request
    others = tuple(word for word in request.others if word not in words)
    specs = {**request.specs, PIP_DATA: tuple("".join(word.split()) for word in words)}
    typed = tuple(
        (word, PIP_DATA if requested_name(str(for_pip(word))) == PIP_DATA else name)
        for word, name in request.typed
    )
    return request._replace(specs=specs, others=others, typed=typed)


def _are_for_one_torch(words: Iterable[str], request: Request, tables: WheelTables) -> bool:
    """Whether words on torchdata, or those on torch, leave only releases for one torch each."""
    releases = _releases(request, tables)
    stated = (tables.partner(PIP_DATA, torch) for torch in tables.stated)
    if not releases or not any(version and _take(words, version) for version in stated):
        return False
    free = tables.first_open(PIP_DATA)
    newer = any(Version(torch) >= Version(free.torch) for torch in releases)
    return not newer or any(_ends_before(free.since, word) for word in words)


def _ends_before(since: str, word: str) -> bool:
    """Whether an upper bound leaves no release from one on. To exclude that one leaves the next."""
    asked = understand(word)
    return isinstance(asked, Asked) and any(
        one.operator in ("<", "<=")
        or (
            one.operator in ("==", "===", "~=")
            and (release(one.version.removesuffix(".*")) or Version("0")) < Version(since)
        )
        for one in asked.specifier
        if not one.contains(since)
    )


def left_to_pip(
    request: Request, on: Machine, tables: WheelTables
) -> tuple[Request, tuple[str, ...]]:
    """The request without the partners of which there is one wheel for every accelerator, such as
    torchaudio 0.9, and their words for pip: PyPI has them, and a directory for a CUDA need not.
    Only where all releases of torch that are asked for go with one release of the partner, and PyPI
    has that for the platform and the given Python. Where none is given, the partner bounds it.
    """
    releases = _releases(request, tables)
    specs, words, pythons = dict(request.specs), [], dict(request.pythons)
    for name in request.specs.keys() - {TORCH, *request.wishes}:
        versions = {tables.partner(name, torch) for torch in releases}
        version = versions.pop() if len(versions) == 1 else None
        if version is None or not _take(request.specs[name], version):
            continue
        if highest := tables.highest_python(name, version, on.subdir, on.python):
            del specs[name]
            words.append(word := f"{name}=={version}")
            pythons[word] = _up_to(highest)
    words.sort()
    others = (*request.others, *words)
    return request._replace(specs=specs, others=others, pythons=pythons), tuple(words)


class ForPartners(NamedTuple):
    """A request in which torch is kept to the releases that partners go with which pip takes, and
    which are no part of it but for the Python. `told` are the notices on that; `highest` is the
    Python that the request is bounded by."""

    request: Request
    partners: tuple[str, ...]
    told: tuple[Notice, ...]
    highest: str = ""

    def settled(self, torch: str, tables: WheelTables) -> tuple[Request, tuple[str, ...]]:
        """The request with the words for pip that go with the torch that was chosen."""
        words = tuple(f"{name}=={tables.partner(name, torch)}" for name in self.partners)
        others = (word for word in self.request.others if word not in self.partners)
        return self.request._replace(others=(*others, *words)), words

    def bounded(self, torch: str, subdir: str, tables: WheelTables) -> ForPartners:
        """The same with the Python bounded by the partners that go with a release of torch."""
        found = {
            name: highest
            for name in self.partners
            if (version := tables.partner(name, torch))
            and (highest := tables.highest_python(name, version, subdir, None))
        }
        bounds = {name: _up_to(highest) for name, highest in found.items()}
        request = self.request._replace(pythons={**self.request.pythons, **bounds})
        lowest = min(found.values(), key=number, default=self.highest)
        return self._replace(request=request, highest=lowest)


def kept_to_partners(request: Request, on: Machine, tables: WheelTables) -> ForPartners | None:
    """Keep torch to what partners go with of which only releases count that are one wheel for every
    accelerator: torchtext, which ended with torch 2.3. The Python is bounded by those of the newest
    release. None without any.
    """
    releases = _releases(request, tables)
    partners, told = [], []
    for name in sorted(request.specs.keys() - {TORCH, *request.wishes}):
        going = {
            torch: version
            for torch in releases
            if (version := tables.partner(name, torch)) and _take(request.specs[name], version)
        }
        if not all(tables.is_neutral(name, version) for version in going.values()):
            continue
        where = on.subdir, on.python
        having = [one for one in going if tables.highest_python(name, going[one], *where)]
        if not having:
            continue
        last = max(having, key=Version)
        if any(Version(torch) > Version(last) for torch in releases):
            facts = {"specs": " ".join(request.specs[name]), "torch": last}
            told.append(Notice("torch_for_partner", facts))
        releases = having
        partners.append(name)
    if not partners:
        return None
    specs = {name: found for name, found in request.specs.items() if name not in partners}
    specs[TORCH] = (*specs[TORCH], _only(releases, tables))
    kept = request._replace(specs=specs, others=(*request.others, *partners))
    found = ForPartners(kept, tuple(partners), tuple(told))
    return found.bounded(max(releases, key=Version), on.subdir, tables)


def _only(releases: Sequence[str], tables: WheelTables) -> str:
    """The word that asks for a torch of these releases, and for none in between."""
    first, last = min(map(Version, releases)), max(map(Version, releases))
    out = [one for one in tables.stated if one not in releases and first < Version(one) < last]
    return f"{TORCH}>={first},<={last}" + "".join(f",!={one}" for one in out)


def _releases(request: Request, tables: WheelTables) -> list[str]:
    """The releases of torch in the table that are asked for."""
    return [one for one in tables.stated if _take(request.specs[TORCH], one)]


def _up_to(python: str) -> frozenset[tuple[str, ...]]:
    """What is in `Request.pythons` for a package that there is up to a Python."""
    return frozenset(((f"python<={python}.{_LAST_PATCH}",),))


def _take(words: Iterable[str], version: str) -> bool:
    """Whether words on a project all take a version."""
    return all(
        isinstance(asked, Asked) and asked.specifier.contains(version)
        for asked in map(understand, words)
    )
