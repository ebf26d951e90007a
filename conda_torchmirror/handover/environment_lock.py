"""A lock, so that only one run at a time changes an environment.

Conda does not lock environments: of two concurrent transactions, the one that fails removes files
of the other, whose records stay (tried on 24.7 and 26.7). The lock is one byte of a file in the
package cache, so that nothing is left in the environment; the system releases it when the process
ends in any way.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO
from zlib import crc32

from conda.base.context import context

from ..exceptions.environment import OtherRun

#: The file, beside conda's cached indexes.
NAME = "torchmirror_locks"

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    def _take(file: IO[bytes], byte: int) -> None:
        file.seek(byte)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]

else:

    def _take(file: IO[bytes], byte: int) -> None:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)


@contextmanager
def held(prefix: str) -> Iterator[None]:
    """Keep other runs from an environment until the block ends.

    Goes on without a lock where none is possible (a read-only cache, a file system without locks)
    or wanted (`--no-lock`).

    Raises: OtherRun, if another run holds the lock.
    """
    file = None if context.no_lock else _opened()
    if file is None:
        yield
        return
    with file:
        try:
            _take(file, crc32(os.fsencode(os.path.normcase(os.path.realpath(prefix)))) >> 1)
        except (BlockingIOError, PermissionError) as error:
            raise OtherRun(prefix=prefix) from error
        except OSError:
            pass
        yield


def _opened() -> IO[bytes] | None:
    for folder in context.pkgs_dirs:
        try:
            os.makedirs(os.path.join(folder, "cache"), exist_ok=True)
            return open(os.path.join(folder, "cache", NAME), "ab+")
        except OSError:
            continue
    return None
