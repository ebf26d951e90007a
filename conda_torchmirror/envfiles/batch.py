"""`conda torch-mirror rewrite` and `upstream` on files: one result for each, errors included.

Reads and writes the files, makes the diff and the exit code. `rewrite` decides what is edited,
`file_io` replaces the file. The caller renders: every result is data, and `sentence` returns the
text of a notice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from ..mirrors.registry import Registry
from ..models import Notice
from ..text.messages import of_os_error, text
from ..text.sanitize import safe
from . import file_io
from .channel_entry import Direction, EntryRewriter
from .file_io import FileTrouble, Update
from .kind import Kind
from .rewrite import Rewritten, rewrite
from .source_text import Edit, decode, unified_diff

FileStatus = Literal["changed", "would_change", "unchanged", "failed"]

#: The file name that means standard input and output.
STDIN = "-"


@dataclass(frozen=True)
class Options:
    """The options of the command line. With `check` or `diff` nothing is written.

    `preference` are mirrors in order, None for the default; `subdir` is the platform that decides
    whether a mirror has a channel; `pip` includes pip's index options.
    """

    direction: Direction = "rewrite"
    preference: tuple[str, ...] | None = None
    subdir: str | None = None
    pip: bool = False
    check: bool = False
    diff: bool = False
    backup: bool = True
    allow_http: bool = False


@dataclass(frozen=True)
class FileResult:
    """The result of one file. `data` is the output for standard input, `diff` has lines if it was
    asked for."""

    path: str
    status: FileStatus
    kind: Kind | None = None
    edits: tuple[Edit, ...] = ()
    notices: tuple[Notice, ...] = ()
    error: Notice | None = None
    backup: str | None = None
    diff: tuple[str, ...] = ()
    data: bytes | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The result as plain JSON values."""
        shown: dict[str, Any] = {
            "path": self.path,
            "status": self.status,
            "kind": self.kind,
            "edits": [vars(edit) for edit in self.edits],
            "notices": [_told(notice) for notice in self.notices],
            "error": None if self.error is None else _told(self.error),
            "backup": self.backup,
        }
        if self.diff:
            shown["diff"] = list(self.diff)
        return shown


def sentence(notice: Notice) -> str:
    """The text of a notice or error, to show after the file's name and, if known, the line."""
    return text(f"file.{notice.code}", notice.facts)


def run(
    paths: Sequence[str],
    options: Options,
    *,
    mirrors: Registry | None = None,
    stdin: BinaryIO | None = None,
) -> tuple[FileResult, ...]:
    """Rewrite files independently: the failure of one does not affect the others.

    Raises MirrorError for an unusable preference, before any file is read.
    """
    rewriter = EntryRewriter(
        options.direction,
        options.preference,
        subdir=options.subdir,
        mirrors=mirrors,
        allow_http=options.allow_http,
    )
    return tuple(_one(path, options, rewriter, stdin) for path in paths)


def exit_code(results: Iterable[FileResult], options: Options) -> int:
    """1 if a file failed or, for `--check`, would change; else 0."""
    bad = {"failed", "would_change"} if options.check else {"failed"}
    return int(any(result.status in bad for result in results))


def _one(
    path: str, options: Options, rewriter: EntryRewriter, stdin: BinaryIO | None
) -> FileResult:
    done: list[Rewritten] = []
    sources: list[bytes] = []

    def change(data: bytes) -> bytes | None:
        rewritten = rewrite(data, rewriter, pip=options.pip)
        done[:], sources[:] = [rewritten], [data]
        return rewritten.data

    try:
        outcome = _carry_out(path, options, stdin, change)
    except FileTrouble as trouble:
        return FileResult(path, "failed", error=Notice(trouble.code, trouble.facts))
    rewritten = done[0]
    changed = bool(rewritten.edits)
    status: FileStatus = "unchanged"
    if rewritten.refused is not None:
        status = "failed"
    elif changed:
        status = "would_change" if options.check or options.diff else "changed"
    diff = _diff(path, sources[0], rewritten) if options.diff and changed else ()
    return FileResult(
        path,
        status,
        rewritten.kind,
        rewritten.edits,
        (*rewritten.notices, *(_about_diff(sources[0], diff) if diff else ())),
        rewritten.refused,
        str(outcome.backup) if outcome is not None and outcome.backup is not None else None,
        diff,
        rewritten.data if path == STDIN else None,
    )


def _carry_out(
    path: str,
    options: Options,
    stdin: BinaryIO | None,
    change: Callable[[bytes], bytes | None],
) -> Update | None:
    if path == STDIN:
        data = _read(stdin)
        if len(data) > file_io.MAX_SIZE:
            raise FileTrouble("too_large", size=len(data), limit=file_io.MAX_SIZE)
        change(data)
        return None
    if options.check or options.diff:
        change(file_io.read(Path(path)))
        return None
    return file_io.update(Path(path), change, backup=options.backup)


def _read(stdin: BinaryIO | None) -> bytes:
    """Read standard input, at most one byte more than the limit. Raises: FileTrouble."""
    if stdin is None:
        raise FileTrouble("closed")
    try:
        return stdin.read(file_io.MAX_SIZE + 1)
    except OSError as error:
        raise FileTrouble("unreadable", problem=of_os_error(error)) from error


def _diff(path: str, data: bytes, rewritten: Rewritten) -> tuple[str, ...]:
    before, after = decode(data), decode(rewritten.data)
    return tuple(unified_diff(before, after, rewritten.edits, path.replace(os.sep, "/")))


def _about_diff(data: bytes, diff: Sequence[str]) -> tuple[Notice, ...]:
    """A notice if a diff cannot be applied as it is shown, and why."""
    codec = decode(data).codec
    if codec != "utf-8":
        return (Notice("diff_of_utf16", {"codec": codec.upper()}),)
    if not is_exact(diff):
        return (Notice("diff_not_exact", {}),)
    return ()


def is_exact(diff: Sequence[str]) -> bool:
    """Whether a diff is shown unchanged, because it has no secrets and control characters."""
    bare = [line.removesuffix("\r").replace("\ufeff", "").replace("\t", " ") for line in diff]
    return all(safe(line) == line for line in bare)


def _told(notice: Notice) -> dict[str, Any]:
    return {"code": notice.code, "text": sentence(notice), "facts": dict(notice.facts)}
