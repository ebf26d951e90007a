"""What Windows refuses where other systems do not, done so that it works on all of them.

A file or folder that another process has open cannot be replaced, renamed or removed, and a virus
scanner opens each new one for a moment. A read-only file cannot be removed. And only trying tells
whether a folder can be written: `os.access` is always content there, for which the `tempfile` of
older Pythons goes on trying other names, nearly without end.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

#: The end of the name of a temporary file or folder, which a run that is killed leaves.
LEFTOVER = ".torchmirror-tmp"
#: Seconds to wait until another process has closed a file.
_PATIENCE = 2.0 if os.name == "nt" else 0.0
_PAUSE = 0.05
#: Flags of a new file that is gone when it is closed; where there is no such flag it is removed.
PASSING = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_TEMPORARY", 0)

_T = TypeVar("_T")


def patiently(act: Callable[[], _T]) -> _T:
    """Return what `act` returns. On Windows it is tried again for a moment where it is refused, as
    long as another process may have the file open. Raises: what `act` raises."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return act()
        except PermissionError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE)


def try_writing(folder: str | Path) -> None:
    """Create a file in a folder, and remove it. Raises: OSError."""
    path = os.path.join(folder, f".{uuid4().hex}{LEFTOVER}")
    close_passing(os.open(path, PASSING, 0o600), path)


def close_passing(handle: int, path: str | Path) -> None:
    """Close a file that was opened with the flags `PASSING`; it is gone then."""
    os.close(handle)
    if not hasattr(os, "O_TEMPORARY"):
        with suppress(OSError):
            os.unlink(path)


def remove_tree(path: str | Path) -> None:
    """Remove a folder with all that is in it, read-only files too, as far as that is possible."""

    def again(function: Any, name: str, _: Any) -> None:
        if function not in (os.unlink, os.rmdir) or os.path.islink(name):
            return
        with suppress(OSError):
            os.chmod(name, os.stat(name).st_mode | stat.S_IWRITE)
            patiently(lambda: function(name))

    # Python 3.12 has another name for it, and warns of the old one.
    handler: Any = {"onexc" if sys.version_info >= (3, 12) else "onerror": again}
    shutil.rmtree(path, **handler)
