"""A link to a wheel, as read from a page; nothing is parsed or judged yet."""

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
    if the page does not tell. `requires_python` is the wheel's Requires-Python as the page has it.
    `metadata` says whether the wheel's METADATA is served beside it (PEP 658), by its sha256 if the
    page gives that. `known_by` is the evidence that the file exists: a link on a page is a record;
    the built-in list has weaker kinds.
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
        """The URL with the hash as its fragment, if known, for pip to check."""
        return f"{self.url}#sha256={self.sha256}" if self.sha256 else self.url


def project_of(filename: str) -> str:
    """The project that the name of a wheel begins with, normalised (PEP 503)."""
    return _normalised(filename.partition("-")[0])


#: Cached: thousands of wheels belong to a dozen projects.
_normalised = lru_cache(maxsize=256)(canonicalize_name)


def triple_of(filename: str) -> str:
    """The three tags at the end of a wheel's name, joined as there."""
    return "-".join(filename.removesuffix(".whl").rsplit("-", 3)[1:])
