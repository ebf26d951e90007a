"""The virtual package `__cuda_arch`, where neither conda nor another plugin offers it.

As CEP 46 defines it: the lowest compute capability of all devices, absent without `__cuda`. Two
providers of one name are an error in conda, so the others are watched first. Source: CEP 46,
https://github.com/conda/ceps/blob/main/cep-0046.md (accepted, May 2026).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from conda.auxlib import NULL
from conda.plugins.types import CondaVirtualPackage

from ..machine.survey import cuda_arch

NAME = "cuda_arch"


def beside(others: Iterable[Iterable[Any]]) -> list[Iterator[Any]]:
    """Return what every plugin offers, and ours last where none of them has its name.

    Nothing is asked before conda goes through the result: other plugins keep their own errors.
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
        # Asked when a record is made, and not when conda only lists what plugins offer.
        yield CondaVirtualPackage(name=NAME, version=_version, build=None)
        return
    if version := cuda_arch():
        yield CondaVirtualPackage(name=NAME, version=version, build=None)


def _version() -> Any:
    """The version, or what new conda takes for "not here".

    Conda's own handling of the override is not used: it would show the package without `__cuda`.
    """
    return cuda_arch() or NULL
