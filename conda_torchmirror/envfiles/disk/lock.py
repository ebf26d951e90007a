"""A lock on a folder, so that only one run at a time writes files in it."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .windows import PASSING, close_passing, try_writing

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: The name of the lock file.
LOCK = ".torchmirror-lock"
_LOCK_SECONDS = 30.0


def _timeout(folder: Path) -> TimeoutError:
    return TimeoutError(errno.ETIMEDOUT, "another run is writing in this folder", str(folder))


@contextmanager
def by_file(folder: Path) -> Iterator[bool]:
    """Hold a lock file, which Windows removes when the process closes it or is killed.

    Raises: OSError if no file can be made in the folder, TimeoutError.
    """
    path = folder / LOCK
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            handle = os.open(path, PASSING)
            break
        except (FileExistsError, PermissionError) as error:
            # Windows refuses the name of a file that is about to go, and refuses a folder that may
            # not be written: then every name, for good.
            if isinstance(error, PermissionError):
                try_writing(folder)
            if time.monotonic() > deadline:
                raise _timeout(folder) from error
            time.sleep(0.05)
    try:
        yield True
    finally:
        close_passing(handle, path)


@contextmanager
def on_folder(folder: Path) -> Iterator[bool]:
    """Hold an advisory lock on the folder itself, which leaves no file; yield whether it is.

    A network file system may not support it. The work then goes on without a lock, and the
    check before the rename still detects a change.
    """
    handle = os.open(folder, os.O_RDONLY)
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
                raise _timeout(folder) from error
            time.sleep(0.01)
        except OSError:
            return False


locked = by_file if fcntl is None else on_folder
