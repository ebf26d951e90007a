"""`--urls`: direct URLs with their hashes, in the formats that download managers take."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ..index.record_schema import SIZE, fits, is_count
from ..models import Notice
from ..text.sanitize import public_url

_UNSAFE = re.compile(r"[\s/\\\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Download:
    """One file to download. `size` is in bytes; hashes are in lower-case hex, None if unknown."""

    url: str
    size: int | None = None
    md5: str | None = None
    sha256: str | None = None

    @property
    def file(self) -> str:
        """The file name to save as: the last part of the URL's path, percent-decoded."""
        # Encoded slashes and line breaks must not become folders and options.
        return _UNSAFE.sub("_", unquote(urlsplit(self.url).path.rpartition("/")[2]))

    @property
    def hash(self) -> tuple[str, str] | None:
        """The strongest known hash as (algorithm, hex digest); None if there is none."""
        if self.sha256:
            return "sha256", self.sha256
        return ("md5", self.md5) if self.md5 else None


class DownloadList(NamedTuple):
    """Files to download. `about` is the value of `torchmirror` in the JSON document of the run;
    `notices` are on the files, `on_choice` on the decision that they are of, which is not shown."""

    files: Sequence[Download]
    about: Mapping[str, Any]
    notices: tuple[Notice, ...] = ()
    on_choice: tuple[Notice, ...] = ()


def downloads(found: Iterable[Any]) -> list[Download]:
    """Make downloads of anything with `url`, `size`, `md5` and `sha256`: builds, conda's records.

    Conda's records have passed no schema, so a malformed size or hash counts as unknown.
    """
    return [
        Download(
            public_url(one.url),
            size=size if is_count(size := getattr(one, "size", None), SIZE) else None,
            md5=md5 if fits("md5", md5 := getattr(one, "md5", None)) else None,
            sha256=sha256 if fits("sha256", sha256 := getattr(one, "sha256", None)) else None,
        )
        for one in found
    ]


def plain(files: Iterable[Download]) -> list[str]:
    """Format as one URL a line, the hash as its fragment (`#sha256=...`), which no client sends."""
    lines = []
    for file in files:
        known = file.hash
        lines.append(f"{file.url}#{known[0]}={known[1]}" if known else file.url)
    return lines


def aria2(files: Iterable[Download]) -> list[str]:
    """Format as input for `aria2c -i`: each URL, then its options on indented lines.

    `split=1`, because mirrors block clients that fetch one file in several ranges at once (tuna
    answered 403 to a downloader with eight threads, user report of 2026-09-12).
    """
    lines = []
    for file in files:
        lines += [file.url, f"  out={file.file}", "  split=1"]
        if file.hash:
            name, value = file.hash
            lines.append(f"  checksum={name.replace('sha256', 'sha-256')}={value}")
    return lines


#: The values of `--urls`.
FORMATS: Mapping[str, Callable[[Iterable[Download]], list[str]]] = MappingProxyType(
    {"plain": plain, "aria2": aria2}
)


def total(files: Iterable[Download]) -> int:
    """The total size in bytes of the files whose size is known."""
    return sum(file.size or 0 for file in files)
