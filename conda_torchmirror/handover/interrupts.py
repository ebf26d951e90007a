"""Signals that end a process end a command of ours in order, as Ctrl-C does."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from ..text.output import clean_log

#: The signals that end a process which does not handle them, and that people or systems send: the
#: second comes at the end of a terminal or of a connection.
ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def orderly() -> Iterator[None]:
    """Within the block, a signal that ends the process acts as Ctrl-C, so that temporary files go,
    and a half-made environment. A second one ends the process at once. Standard streams that are
    closed lead nowhere. What is logged, and an error that leaves the block, holds no secret; one of
    a configuration that conda cannot read is told as that."""
    _open_streams()

    def end(number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(number, signal.SIG_DFL)
        leave_terminal(number)
        raise KeyboardInterrupt  # conda takes SystemExit for a plain end

    with handled(ENDING, end), clean_log():
        try:
            yield
        except Exception as error:
            from ..exceptions.causes import clean
            from ..exceptions.mirror import BadCondarc

            clean(error)
            if (found := BadCondarc.behind(error)) is not None:
                raise found from error
            raise


def _open_streams() -> None:
    """Open closed standard streams to the null device: conda writes to them, and the next file that
    is opened would have their number, by which another process would write into it."""
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


@contextmanager
def handled(numbers: Iterable[int], handler: Handler) -> Iterator[None]:
    """Within the block, these signals have this handler, but for those that are ignored (`nohup`).

    Only the main thread can set handlers; elsewhere, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in numbers}
    mine = {n: found for n, found in before.items() if found not in (signal.SIG_IGN, None)}
    for number in mine:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, found in mine.items():
            signal.signal(number, found)


def leave_terminal(number: int) -> None:
    """After the end of the terminal, have what is printed go nowhere: it would fail, and with it
    the undoing."""
    if number != getattr(signal, "SIGHUP", None):
        return
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        try:
            if os.isatty(stream):
                os.dup2(nowhere, stream)
        except OSError:
            continue
    os.close(nowhere)
