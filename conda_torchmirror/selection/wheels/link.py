"""A wheel as a page of links offers it. Whoever reads pages makes these; nothing is judged yet."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from packaging.utils import canonicalize_name

from ...models import Evidence


class Link(NamedTuple):
    """One link to a wheel.

    `filename` is the name of the file, unescaped; `url` is absolute. `variant` is the directory
    under the root of the wheels that the page belongs to ("cu126", "cpu", "rocm6.4", "xpu"), "" for
    a plain index such as PyPI. `sha256` is the hash in hexadecimal and `size` in bytes, each None
    where the page does not say. `requires_python` is what the page copies of it from the wheel.
    `metadata` says whether the wheel's METADATA is served beside it (PEP 658), by its sha256 where
    the page gives that. `known_by` is how sure it is that the file exists: a link on a page is a
    record, the built-in list knows others by less.
    """

    filename: str
    url: str
    variant: str = ""
    sha256: str | None = None
    size: int | None = None
    requires_python: str | None = None
    yanked: bool = False
    metadata: bool | str = False
    known_by: Evidence = "record"

    @property
    def project(self) -> str:
        """The project that the name begins with, normalised (PEP 503)."""
        return project_of(self.filename)

    @property
    def with_hash(self) -> str:
        """The address as pip checks it: with the hash behind it, where that is known."""
        return f"{self.url}#sha256={self.sha256}" if self.sha256 else self.url


def project_of(filename: str) -> str:
    """The project that the name of a wheel begins with, normalised (PEP 503)."""
    return _normalised(filename.partition("-")[0])


#: Thousands of wheels are of a dozen projects.
_normalised = lru_cache(maxsize=256)(canonicalize_name)


def triple_of(filename: str) -> str:
    """The three tags at the end of a wheel's name, joined as there."""
    return "-".join(filename.removesuffix(".whl").rsplit("-", 3)[1:])
