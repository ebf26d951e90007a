"""Atomic writing of files: at any moment a path has either the old or the new content.

`update` changes an existing file, `write_file` and `write_folder` put new content at a path.
Content is written beside the target, flushed to the disk and renamed over it. Mode, extended
attributes and (if allowed) the owner are kept; a symbolic link stays a link and its target changes.
Runs that write in one folder wait for each other, so that none works on a file that another is
about to replace, and the next run removes what a killed one left behind. Of a file with several
hard links only this name gets the new content, as with any rename.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ..text.messages import of_os_error
from .disk.lock import locked
from .disk.windows import LEFTOVER, patiently, remove_tree

#: Most bytes of a file to read; no environment file is larger.
MAX_SIZE = 20_000_000

BACKUP_SUFFIX = ".bak"
_ATTEMPTS = 5


class FileTrouble(Exception):
    """A file that cannot be read or changed: the code of a sentence, and its facts."""

    def __init__(self, code: str, **facts: Any) -> None:
        """Keep both; the caller has the sentence."""
        self.code = code
        self.facts = facts
        super().__init__(code)


class Update(NamedTuple):
    """What `update` did: whether it wrote, which file, and where the old content is."""

    written: bool
    path: Path
    backup: Path | None = None


def read(path: Path, most: int | None = None) -> bytes:
    """The content of a regular file of at most `most` bytes, or `MAX_SIZE`. Raises FileTrouble."""
    return _read(path, MAX_SIZE if most is None else most)[0]


def write_file(path: Path, content: str | bytes, *, mode: int | None = None) -> None:
    """Put `content` at `path`, completely or not at all; a str as UTF-8 with unchanged line ends.

    `mode` is the mode of the file afterwards; None keeps that of an existing file, and applies the
    umask to a new one. Anything but a regular file, such as `/dev/stdout`, is written to directly.
    Raises OSError: PermissionError for a read-only file or folder, TimeoutError if another run
    keeps writing in this folder.
    """
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    target = Path(os.path.realpath(path))
    try:
        status = target.stat()
    except FileNotFoundError:
        status = None
    if status is not None and not stat.S_ISREG(status.st_mode):
        target.write_bytes(data)
        return
    if status is not None and not _is_writable(target, status):
        # The rename below would succeed all the same, as it needs no permission on the file.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    with locked(target.parent) as alone:
        if alone:
            _clear_leftovers(target)
        new = _written(target, data, status)
        try:
            if mode is not None or status is None:
                os.chmod(new, mode if mode is not None else 0o666 & ~_umask())
            patiently(lambda: os.replace(new, target))
        finally:
            new.unlink(missing_ok=True)
        _sync_folder(target.parent)


def remove_file(path: Path) -> bool:
    """Remove a file, and leftovers of killed writers of it; return False if it was missing.

    Removes a link itself, not its target. Raises OSError.
    """
    with locked(path.parent) as alone:
        if alone:
            _clear_leftovers(path)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
    return True


def write_folder(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Put a folder with exactly these files at `folder`, completely or not at all.

    A folder that was there is replaced. Creates parents. Raises OSError, as `write_file` does.
    """
    folder = Path(os.path.realpath(folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.parent) as alone:
        if alone:
            _clear_leftovers(folder)
        beside = Path(tempfile.mkdtemp(LEFTOVER, _prefix(folder), folder.parent))
        new, old = beside / "new", beside / "old" / folder.name
        try:
            new.mkdir()
            old.parent.mkdir()
            for name, content in files.items():
                write_file(new / name, content)
            if folder.exists():
                patiently(lambda: folder.rename(old))
            try:
                patiently(lambda: new.rename(folder))
            except OSError:
                with suppress(FileNotFoundError):
                    old.rename(folder)
                raise
        finally:
            remove_tree(beside)
        _sync_folder(folder.parent)


def move_files(source: Path, target: Path, names: Iterable[str]) -> None:
    """Rename files of one folder into another of the same file system, in this order.

    Raises OSError.
    """
    for name in names:
        patiently(partial(os.replace, source / name, target / name))
    _sync_folder(target)


def update(path: Path, change: Callable[[bytes], bytes | None], *, backup: bool = True) -> Update:
    """Replace the content of a file by the result of `change`.

    Writes nothing if that is None or the same content. `change` is called again if another program
    has changed the file meanwhile. Raises FileTrouble, and what `change` raises; the file is then
    unchanged.
    """
    target = _target(path)
    with _locked_for_update(target.parent) as alone:
        for _ in range(_ATTEMPTS):
            before, status = _read(target, MAX_SIZE)
            after = change(before)
            if after is None or after == before:
                return Update(False, target)
            _check_writable(target, status)
            if alone:
                _clear_leftovers(target)
            kept = _backup_path(target) if backup else None
            try:
                if _replace(target, before, after, status, kept):
                    return Update(True, target, kept)
            except OSError as error:
                raise FileTrouble("write_failed", problem=of_os_error(error)) from error
    raise FileTrouble("changes_all_the_time")


def _target(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except FileNotFoundError as error:
        raise FileTrouble("dangling_link" if path.is_symlink() else "missing") from error
    except (OSError, RuntimeError) as error:
        # A loop of links is a RuntimeError up to Python 3.12.
        raise FileTrouble("unreadable", problem=of_os_error(error)) from error


def _read(path: Path, most: int) -> tuple[bytes, os.stat_result]:
    try:
        # A pipe would block the opening itself.
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise FileTrouble("folder")
        if not stat.S_ISREG(status.st_mode):
            raise FileTrouble("not_a_file")
        if status.st_size > most:
            raise FileTrouble("too_large", size=status.st_size, limit=most)
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            data = stream.read(most + 1)
    except FileNotFoundError as error:
        raise FileTrouble("dangling_link" if path.is_symlink() else "missing") from error
    except OSError as error:
        raise FileTrouble("unreadable", problem=of_os_error(error)) from error
    if len(data) > most:
        raise FileTrouble("too_large", size=len(data), limit=most)
    return data, status


def _check_writable(target: Path, status: os.stat_result) -> None:
    # A rename needs no permission on the file itself, so it would ignore a read-only mode.
    if not _is_writable(target, status):
        raise FileTrouble("read_only")
    if not os.access(target.parent, os.W_OK):
        raise FileTrouble("folder_read_only", folder=str(target.parent))


def _is_writable(target: Path, status: os.stat_result) -> bool:
    return bool(status.st_mode & 0o222) and os.access(target, os.W_OK)


def _backup_path(target: Path) -> Path:
    kept = target.with_name(target.name + BACKUP_SUFFIX)
    if kept.is_dir():
        raise FileTrouble("backup_is_folder", backup=str(kept))
    return kept


def _replace(
    target: Path, before: bytes, after: bytes, status: os.stat_result, kept: Path | None
) -> bool:
    """Write and rename; return False if the file has changed since it was read."""
    if kept is not None:
        old = _written(target, before, status)
        shutil.copystat(target, old)
        patiently(lambda: os.replace(old, kept))
    new = _written(target, after, status)
    try:
        now = target.stat()
        if (now.st_ino, now.st_mtime_ns, now.st_size) != (
            status.st_ino,
            status.st_mtime_ns,
            status.st_size,
        ):
            return False
        patiently(lambda: os.replace(new, target))
    finally:
        with suppress(FileNotFoundError):
            new.unlink()
    _sync_folder(target.parent)
    return True


def _written(target: Path, data: bytes, status: os.stat_result | None) -> Path:
    """Write a temporary file beside the target, flush it to the disk, and return its path.

    It gets mode, owner and extended attributes of an existing target. Until then only its owner can
    read it.
    """
    handle, name = tempfile.mkstemp(LEFTOVER, _prefix(target), target.parent)
    path = Path(name)
    try:
        with open(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if status is not None:
            if hasattr(os, "chown"):
                with suppress(OSError):
                    os.chown(path, status.st_uid, status.st_gid)
            shutil.copystat(target, path)
            os.utime(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _prefix(target: Path) -> str:
    """The prefix of temporary names for a target; cut, as file systems limit a name's length."""
    return f".{target.name[:40]}."


def _umask() -> int:
    """The umask of this process, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _clear_leftovers(target: Path) -> None:
    """Remove what a killed run left behind. Requires the lock, so that no other run is using it.

    Restores the old content of a folder that was being replaced.
    """
    prefix = _prefix(target)
    with suppress(OSError):
        for entry in os.scandir(target.parent):
            if not (entry.name.startswith(prefix) and entry.name.endswith(LEFTOVER)):
                continue
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                continue
            for old in Path(entry.path, "old").glob("*"):
                if not os.path.lexists(target.with_name(old.name)):
                    old.rename(target.with_name(old.name))
            remove_tree(entry.path)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable across a power failure, if the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _locked_for_update(folder: Path) -> Iterator[bool]:
    """`locked`, with its errors turned into FileTrouble."""
    with ExitStack() as stack:
        try:
            alone = stack.enter_context(locked(folder))
        except TimeoutError as error:
            raise FileTrouble("locked", folder=str(folder)) from error
        except OSError as error:
            refused = os.name == "nt" and isinstance(error, PermissionError)
            if refused or not os.access(folder, os.W_OK):
                raise FileTrouble("folder_read_only", folder=str(folder)) from error
            raise FileTrouble("unreadable", problem=of_os_error(error)) from error
        yield alone


def copy_whole(source: str, target: str | Path) -> None:
    """Copy a file; no part of it stays at the target if that fails. Raises: OSError."""
    try:
        shutil.copyfile(source, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(target)
        raise
