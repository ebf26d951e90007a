"""Changing a file in place, so that at any moment either the old or the new one is there whole.

The new content is written beside the file, flushed to the disk and renamed over it. Mode, extended
attributes and (where allowed) the owner stay; a symbolic link stays a link and its target changes.
Runs that change files of one folder wait for each other, so that none works on what another is
about to replace, and what a killed run left behind is cleared by the next one. A file with several
hard links gets only this name's content replaced, as any rename does.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Larger files are no environment files; reading them would only take time.
MAX_SIZE = 20_000_000

BACKUP_SUFFIX = ".bak"

_LEFTOVER = ".torchmirror-tmp"
_ATTEMPTS = 5
_LOCK_SECONDS = 30.0


class FileTrouble(Exception):
    """A file that cannot be read or changed: a code and facts for the sentence."""

    def __init__(self, code: str, **facts: Any) -> None:
        """Keep both; the caller has the sentence."""
        self.code = code
        self.facts = facts
        super().__init__(code)


@dataclass(frozen=True)
class Update:
    """What `update` did: whether it wrote, which file, and where the old content is."""

    written: bool
    path: Path
    backup: Path | None = None


def read(path: Path) -> bytes:
    """The content of a regular file of at most `MAX_SIZE` bytes. Raises FileTrouble."""
    return _read(path)[0]


def update(path: Path, change: Callable[[bytes], bytes | None], *, backup: bool = True) -> Update:
    """Replace a file by what `change` makes of its content.

    None or the same content writes nothing. `change` may be called again when another program
    wrote the file meanwhile. Raises FileTrouble, and what `change` raises; the file is then as it
    was.
    """
    target = _target(path)
    with _locked(target.parent) as alone:
        for _ in range(_ATTEMPTS):
            before, status = _read(target)
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
                raise FileTrouble("write_failed", problem=_problem(error)) from error
    raise FileTrouble("changes_all_the_time")


def _target(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except FileNotFoundError as error:
        raise FileTrouble("dangling_link" if path.is_symlink() else "missing") from error
    except (OSError, RuntimeError) as error:
        # A loop of links is a RuntimeError up to Python 3.12.
        raise FileTrouble("unreadable", problem=_problem(error)) from error


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    try:
        # A pipe would block the opening itself.
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise FileTrouble("folder")
        if not stat.S_ISREG(status.st_mode):
            raise FileTrouble("not_a_file")
        if status.st_size > MAX_SIZE:
            raise FileTrouble("too_large", size=status.st_size, limit=MAX_SIZE)
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            data = stream.read(MAX_SIZE + 1)
    except FileNotFoundError as error:
        raise FileTrouble("dangling_link" if path.is_symlink() else "missing") from error
    except OSError as error:
        raise FileTrouble("unreadable", problem=_problem(error)) from error
    if len(data) > MAX_SIZE:
        raise FileTrouble("too_large", size=len(data), limit=MAX_SIZE)
    return data, status


def _check_writable(target: Path, status: os.stat_result) -> None:
    # A rename needs no right to the file itself, so that its own mode would go unheeded.
    if not status.st_mode & 0o222 or not os.access(target, os.W_OK):
        raise FileTrouble("read_only")
    if not os.access(target.parent, os.W_OK):
        raise FileTrouble("folder_read_only", folder=str(target.parent))


def _backup_path(target: Path) -> Path:
    kept = target.with_name(target.name + BACKUP_SUFFIX)
    if kept.is_dir():
        raise FileTrouble("backup_is_folder", backup=str(kept))
    return kept


def _replace(
    target: Path, before: bytes, after: bytes, status: os.stat_result, kept: Path | None
) -> bool:
    """Write and rename. False if the file is not the one any more that was read."""
    if kept is not None:
        old = _written(target, before, status)
        shutil.copystat(target, old)
        os.replace(old, kept)
    new = _written(target, after, status)
    try:
        now = target.stat()
        if (now.st_ino, now.st_mtime_ns, now.st_size) != (
            status.st_ino,
            status.st_mtime_ns,
            status.st_size,
        ):
            return False
        os.replace(new, target)
    finally:
        with suppress(FileNotFoundError):
            new.unlink()
    _sync_folder(target.parent)
    return True


def _written(target: Path, data: bytes, status: os.stat_result) -> Path:
    """A synced file beside the target, with its mode, owner and extended attributes."""
    handle, name = tempfile.mkstemp(_LEFTOVER, f".{target.name}.", target.parent)
    path = Path(name)
    try:
        with open(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if hasattr(os, "chown"):
            with suppress(OSError):
                os.chown(path, status.st_uid, status.st_gid)
        shutil.copystat(target, path)
        os.utime(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _clear_leftovers(target: Path) -> None:
    """Remove what a killed run left. Only under the lock: nobody else is writing them then."""
    prefix = f".{target.name}."
    with suppress(OSError):
        for entry in os.scandir(target.parent):
            if entry.name.startswith(prefix) and entry.name.endswith(_LEFTOVER):
                os.unlink(entry.path)


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _problem(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


try:
    import fcntl
except ImportError:  # Windows

    @contextmanager
    def _locked(folder: Path) -> Iterator[bool]:
        """Hold a lock file that the system removes with its last handle, also after a kill."""
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_TEMPORARY", 0)
        path = folder / ".torchmirror-lock"
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                handle = os.open(path, flags)
                break
            except (FileExistsError, PermissionError) as error:
                if isinstance(error, PermissionError) and not os.access(folder, os.W_OK):
                    raise FileTrouble("folder_read_only", folder=str(folder)) from error
                if time.monotonic() > deadline:
                    raise FileTrouble("locked", folder=str(folder)) from error
                time.sleep(0.05)
        try:
            yield True
        finally:
            os.close(handle)

else:

    @contextmanager
    def _locked(folder: Path) -> Iterator[bool]:
        """Hold an advisory lock on the folder itself, which leaves nothing behind; True if held.

        A network file system may know no such locks; the work then goes on without, and the check
        before the rename still notices a change.
        """
        try:
            handle = os.open(folder, os.O_RDONLY)
        except OSError as error:
            raise FileTrouble("unreadable", problem=_problem(error)) from error
        try:
            yield _wait_for(handle, folder)
        finally:
            os.close(handle)

    def _wait_for(handle: int, folder: Path) -> bool:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise FileTrouble("locked", folder=str(folder)) from error
                time.sleep(0.01)
            except OSError:
                return False
