"""The virtual package `__cuda_arch`, where neither conda nor another plugin offers it.

As CEP 46 defines it: the lowest compute capability of all devices, absent without `__cuda`. Conda
treats two providers of one name as an error, so ours first sees what the others offer. Source:
CEP 46, https://github.com/conda/ceps/blob/main/cep-0046.md (accepted, May 2026).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from conda.auxlib import NULL
from conda.plugins.types import CondaVirtualPackage

from ..machine.survey import cuda_arch

NAME = "cuda_arch"


def with_ours(others: Iterable[Iterable[Any]]) -> list[Iterator[Any]]:
    """Return the offers of every plugin, and last our own unless one of them has its name.

    Lazy: the plugins are only asked while conda iterates over the result, so that their errors
    surface where they would without us.
    """
    seen: set[str] = set()

    def watched(offers: Iterable[Any]) -> Iterator[Any]:
        for offer in offers:
            seen.add(str(getattr(offer, "name", "")).lower())
            yield offer

    def last() -> Iterator[Any]:
        if NAME not in seen:
            yield from _ours()

    return [*map(watched, others), last()]


def _ours() -> Iterator[CondaVirtualPackage]:
    if hasattr(CondaVirtualPackage, "to_virtual_package"):
        # Conda calls it when it makes a record, and not when it only lists what plugins offer.
        yield CondaVirtualPackage(name=NAME, version=_version, build=None)
        return
    if version := cuda_arch():
        yield CondaVirtualPackage(name=NAME, version=version, build=None)


def _version() -> Any:
    """The version, or NULL, which new conda takes for an absent package.

    Does not use conda's own handling of the override, which would offer the package even without
    `__cuda`.
    """
    return cuda_arch() or NULL
