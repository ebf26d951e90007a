"""The METADATA of remote wheels: by PEP 658, else by reading a few bytes of the archive.

It is optional: if a server supports neither, METADATA is read from the file once that is here.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from contextlib import closing
from functools import partial

from conda.base.context import context

from ...index.fetch import run_within, session_without_retries, user_agent
from ...selection.pip import metadata
from ...selection.pip.metadata import Metadata
from ...selection.wheels.link import Link
from .. import probe

#: Upper limits in bytes for METADATA, and for an archive's directory: that of torch has 1.5 MB.
MOST, DIRECTORY = 1_000_000, 16_000_000
#: Bytes to request at the end of an archive, and the limit of requests for one.
TAIL, REQUESTS = 262_144, 6
#: Seconds for all requests together.
SECONDS = 20.0


class _Gone(OSError):
    """The server does not serve ranges of files, or not these."""


def read(links: Sequence[Link]) -> dict[Link, Metadata]:
    """Read the METADATA of wheels, without those whose servers do not give it."""
    if context.offline:
        return {}
    served = {f"{link.url}.metadata": link for link in links if link.metadata}
    bodies = probe.fetch_small(served, most=MOST, deadline=SECONDS)
    found: dict[Link, Metadata] = {}
    for url, body in bodies.items():
        link = served[url]
        if isinstance(link.metadata, str) and hashlib.sha256(body).hexdigest() != link.metadata:
            continue
        if (said := _parsed(body, link)) is not None:
            found[link] = said
    rest = [link for link in links if link not in found and link.size]
    jobs = [(link.url, partial(_of_archive, link)) for link in rest]
    within = run_within(jobs, SECONDS, probe.PARALLEL)
    for link in rest:
        body_ = within[link.url]
        if body_ and (said := _parsed(body_, link)) is not None:
            found[link] = said
    return found


def of_file(path: str) -> Metadata | None:
    """Read the METADATA of a wheel on this disk; None if the file is not a wheel, or damaged."""
    try:
        with open(path, "rb") as file:
            return metadata.parse(_member(file).decode("utf-8", "replace"))
    except Exception:  # each of zipfile's compressions has errors of its own
        return None


def _parsed(body: bytes, link: Link) -> Metadata | None:
    """The metadata, if it belongs to this file; else None."""
    said = metadata.parse(body.decode("utf-8", "replace"))
    if said is None or said.name != link.project:
        return None
    return said


def _of_archive(link: Link) -> bytes | None:
    try:
        return _member(_Parts(link))
    except Exception:  # whatever happens, the file itself can be read later
        return None


def _member(file: io.RawIOBase | io.BufferedReader | _Parts) -> bytes:
    """The METADATA in an archive, bounded. Raises: ValueError, what zipfile raises."""
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            folder, _, name = info.filename.partition("/")
            if folder.endswith(".dist-info") and name == "METADATA":
                if info.file_size > MOST:
                    raise ValueError(info.file_size)
                with archive.open(info) as member:
                    return member.read(MOST)
    raise ValueError("METADATA")


class _Parts(io.RawIOBase):
    """A remote file that is read by ranges. Raises: _Gone."""

    def __init__(self, link: Link) -> None:
        self._url, self._size = link.url, link.size or 0
        self._at = 0
        self._left = REQUESTS
        self._start, self._held = self._size, b""
        self._load(max(0, self._size - TAIL), self._size)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._at + size, self._size)
        if not (self._start <= self._at and end <= self._start + len(self._held)):
            self._load(self._at, max(end, min(self._at + TAIL // 4, self._size)))
        part = self._held[self._at - self._start : end - self._start]
        self._at += len(part)
        return part

    def _load(self, first: int, end: int) -> None:
        if self._left <= 0 or end - first > DIRECTORY or end <= first:
            raise _Gone(self._url)
        self._left -= 1
        headers = {
            "User-Agent": user_agent(),
            "Range": f"bytes={first}-{end - 1}",
            "Accept-Encoding": "identity",
        }
        limits = context.remote_connect_timeout_secs, context.remote_read_timeout_secs
        session = session_without_retries(self._url)
        response = session.get(self._url, headers=headers, stream=True, timeout=limits)
        with closing(response):
            if response.status_code != 206:
                raise _Gone(self._url)
            body = response.raw.read(end - first, decode_content=False)
        if len(body) != end - first:
            raise _Gone(self._url)
        self._start, self._held = first, body
