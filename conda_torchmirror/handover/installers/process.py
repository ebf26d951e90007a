"""Running an installer so that it never outlives the run of ours that started it.

If this process is told to stop, as by a batch system or `docker stop`, the installer would go on
changing the environment by itself, without the lock of the run.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from conda.exceptions import CondaSignalInterrupt

#: Signals that ask a process to end. Ctrl-C has a handler of Python's.
_ENDING = ("SIGTERM", "SIGHUP", "SIGBREAK")
#: Seconds to wait for an installer to end by itself: after Ctrl-C, which a terminal sends to it
#: too, and after it was told. It may have to put back what it was replacing.
_HEARD, _TOLD = 2.0, 30.0


def run(
    words: Sequence[str],
    variables: Mapping[str, str],
    folder: str,
    *,
    stdout: int | None,
    stderr: int | None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program in a folder to its end, without input; its temporary files are in the folder
    too. If this process is interrupted or told to end, the program is ended first.

    Raises: OSError if it cannot be started; KeyboardInterrupt, CondaSignalInterrupt.
    """
    with (
        _heeding(),
        subprocess.Popen(  # noqa: S603
            words,
            env={**variables, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), folder)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        ) as child,
    ):
        try:
            out, said = child.communicate()
        except BaseException as error:
            _end(child, heard=isinstance(error, KeyboardInterrupt))
            raise
    return subprocess.CompletedProcess(words, child.returncode, out, said)


@contextmanager
def _heeding() -> Iterator[None]:
    """Raise CondaSignalInterrupt in the block for a signal that asks this process to end."""

    def interrupt(number: int, _frame: Any) -> None:
        raise CondaSignalInterrupt(number)

    before = {}
    for name in _ENDING:
        # Only in the main thread can handlers be set; one that is ignored (nohup) stays so.
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) not in (None, signal.SIG_IGN):
            with suppress(ValueError):
                before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(child: subprocess.Popen[bytes], *, heard: bool) -> None:
    """End a program so that it can tidy up, and by force if it does not; `heard` says that it may
    be ending already."""
    try:
        if heard and _ended(child, _HEARD):
            return
        if os.name != "nt":
            child.send_signal(signal.SIGINT)
            _ended(child, _TOLD)
    finally:
        child.kill()


def _ended(child: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
