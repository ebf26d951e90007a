"""`conda torch-mirror rewrite` and `upstream` on files: one result for each, errors included.

Owns reading, deciding, writing, the diff and the exit code. What is edited is in `envfile`, how a
file is replaced in `filewrite`. Rendering is the caller's: every result is data, and `sentence`
gives the text of a notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from . import filewrite
from .entries import Direction, Router
from .envfile import Rewritten, rewrite_with
from .filewrite import FileTrouble, Update
from .mirrors import Mirror
from .models import Notice
from .recognise import Kind
from .textedit import Edit, decode, unified_diff

#: The sentence for each code. Facts are filled in with `str.format`.
TEXT: dict[str, str] = {
    # A file that was left whole.
    "missing": "there is no such file",
    "dangling_link": "it is a link to a file that is not there",
    "folder": "it is a folder; name the files in it",
    "not_a_file": "it is not a regular file",
    "too_large": "it has {size} bytes, and no environment file has more than {limit}",
    "unreadable": "it cannot be read: {problem}",
    "read_only": "it is read-only; `chmod u+w` it, or use `--diff` to only look",
    "folder_read_only": "the folder {folder} is read-only, so nothing can be put beside the file",
    "backup_is_folder": "the backup would be {backup}, which is a folder; use `--no-backup`",
    "write_failed": "it could not be written and is as it was: {problem}",
    "locked": "another run has been working in {folder} for half a minute; try again",
    "changes_all_the_time": "another program keeps writing it; try again when that is done",
    "binary": "it is not a text file",
    "utf16_without_bom": "it seems to be UTF-16 without a byte order mark, which conda cannot read"
    " either; save it as UTF-8",
    "not_unicode": "it is neither UTF-8 nor UTF-16, and conda reads nothing else; save it as UTF-8",
    "foreign_lock": "it is a lock file of {tool}, whose checks an edit would break; change its"
    " input and make it anew: `{command}`",
    "manifest": "it is a TOML file; name its channels there by hand",
    "conda_configuration": "it is conda's own configuration; `conda torch-mirror enable` sets"
    " mirrors there",
    "not_environment": "it is neither an environment file (it has no `channels` and no"
    " `dependencies`), nor an explicit list, nor pip requirements",
    "not_yaml": "line {line} is no valid YAML ({problem}), and its channel list is not plain enough"
    " to be edited without reading the rest; mend that line first",
    "unsafe_edit": "the edited file would not read the same in other places; please report it",
    # What stayed as it is, and why.
    "not_carried": "{channel} stays: {mirrors} does not carry it",
    "defaults_left": "`defaults` stays: it is a list of your own configuration, which"
    " `conda torch-mirror enable` points at mirrors",
    "named_spec_stays": "`{channel}::` in a dependency stays a name, which conda reads from"
    " upstream unless `conda torch-mirror enable` is in force",
    "unusual_url": "{entry} stays: it is spelled in a way that could not be restored",
    "plain_http_left": "{entry} stays: this mirror's address cannot keep in mind that it was http",
    "secret_left": "{entry} stays: it carries a password or token",
    "alias_left": "the alias *{entry} stays: its anchor is no channel entry",
    "shared_left": "{entry} stays: an alias repeats it in another place",
    "escaped_left": "{entry} stays: it is written with escapes or over several lines",
    "not_text_left": "an entry that is a list or a mapping stays",
    "merge_left": "what `<<` merges in stays",
    "pip_left": "the pip options stay; `--pip` includes them",
    "specs_name_no_channels": "a list of specs names no channel, so there is nothing to do",
    "no_pypi_mirror": "{option} stays: {mirrors} has no PyPI mirror",
    "no_wheel_mirror": "{option} {url} stays: {mirrors} has no wheels of PyTorch",
    "wheel_layout": "{option} {url} stays: {mirrors} has no counterpart that this option can read",
    "wheels_elsewhere": "{option} {url} stays: mirrors carry releases for one CUDA version only",
    # What to know about what was done.
    "same_channel": "lines {lines} now name the same channel, {channel}; all are kept, the first"
    " one counts",
    "duplicate_key": "the key `{key}` stands more than once, which conda does not read; every one"
    " was edited",
    "several_documents": "the file has {documents} documents, and conda reads files with one only;"
    " every one was edited",
    "edited_by_lines": "line {line} is no valid YAML ({problem}); only the channel list, which is"
    " plain, was edited",
    "read_by_lines": "line {line} is no valid YAML ({problem}); only the channel list was read",
    "tar_bz2_may_be_gone": "of the .tar.bz2 packages ({packages}) some may be missing: {mirrors}"
    " keeps such a file only where there is no .conda of the same build",
}

Status = Literal["changed", "would_change", "unchanged", "failed"]

#: The name that stands for standard input and output.
STDIN = "-"


@dataclass(frozen=True)
class Options:
    """What the command line says. `check` and `diff` write nothing."""

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
    """What became of one file. `data` is set for standard input, `diff` where it was asked for."""

    path: str
    status: Status
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
    """The text of a notice or error, after the file's name and, where known, the line."""
    return TEXT[notice.code].format_map(notice.facts)


def run(
    paths: Sequence[str],
    options: Options,
    *,
    mirrors: Mapping[str, Mirror] | None = None,
    stdin: BinaryIO | None = None,
) -> tuple[FileResult, ...]:
    """Rewrite files, each on its own: one that fails does not keep the others from being done.

    Raises MirrorError for a preference that cannot be used, before any file is read.
    """
    router = Router(
        options.direction,
        options.preference,
        subdir=options.subdir,
        mirrors=mirrors,
        allow_http=options.allow_http,
    )
    return tuple(_one(path, options, router, stdin) for path in paths)


def exit_code(results: Iterable[FileResult], options: Options) -> int:
    """1 if a file failed or, for `--check`, would change; else 0."""
    bad = {"failed", "would_change"} if options.check else {"failed"}
    return int(any(result.status in bad for result in results))


def _one(path: str, options: Options, router: Router, stdin: BinaryIO | None) -> FileResult:
    done: list[Rewritten] = []
    sources: list[bytes] = []

    def change(data: bytes) -> bytes | None:
        rewritten = rewrite_with(data, router, pip=options.pip)
        done[:], sources[:] = [rewritten], [data]
        return rewritten.data

    try:
        outcome = _carry_out(path, options, stdin, change)
    except FileTrouble as trouble:
        return FileResult(path, "failed", error=Notice(trouble.code, trouble.facts))
    rewritten = done[0]
    changed = bool(rewritten.edits)
    status: Status = "unchanged"
    if rewritten.refused is not None:
        status = "failed"
    elif changed:
        status = "would_change" if options.check or options.diff else "changed"
    return FileResult(
        path,
        status,
        rewritten.kind,
        rewritten.edits,
        rewritten.notices,
        rewritten.refused,
        str(outcome.backup) if outcome is not None and outcome.backup is not None else None,
        _diff(path, sources[0], rewritten) if options.diff and changed else (),
        rewritten.data if path == STDIN else None,
    )


def _carry_out(
    path: str,
    options: Options,
    stdin: BinaryIO | None,
    change: Callable[[bytes], bytes | None],
) -> Update | None:
    if path == STDIN:
        data = b"" if stdin is None else stdin.read(filewrite.MAX_SIZE + 1)
        if len(data) > filewrite.MAX_SIZE:
            raise FileTrouble("too_large", size=len(data), limit=filewrite.MAX_SIZE)
        change(data)
        return None
    if options.check or options.diff:
        change(filewrite.read(Path(path)))
        return None
    return filewrite.update(Path(path), change, backup=options.backup)


def _diff(path: str, data: bytes, rewritten: Rewritten) -> tuple[str, ...]:
    before, after = decode(data), decode(rewritten.data)
    return tuple(unified_diff(before, after, rewritten.edits, path))


def _told(notice: Notice) -> dict[str, Any]:
    return {"code": notice.code, "text": sentence(notice), "facts": dict(notice.facts)}
