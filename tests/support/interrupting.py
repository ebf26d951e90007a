"""Signals in the middle of a command."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .running import conda_in_process


def interrupted(
    *words: object,
    when: Callable[[], object],
    otherwise: str,
    by: signal.Signals = signal.SIGINT,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run conda with these words, send it a signal (Ctrl-C) when something has happened, and return
    what it printed; `otherwise` says what did not happen within a minute."""
    command = [sys.executable, "-m", "conda", *map(str, words)]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
    )
    deadline = time.monotonic() + 60
    while not when():
        assert time.monotonic() < deadline, otherwise
        assert child.poll() is None, child.communicate()[0]
        time.sleep(0.01)
    child.send_signal(by)
    said = child.communicate(timeout=60)[0]
    assert child.returncode != 0
    return said


class Signalled(NamedTuple):
    """How a command ended that met signals: its exit status, what it printed, and the number of
    changes that it made or tried to make below the folder."""

    rc: int
    said: str
    changes: int


def signalled(
    words: Sequence[object],
    folder: Path,
    signals: Mapping[int, int],
    scratch: Path,
    *,
    failing: int = 0,
) -> Signalled:
    """Run conda with these words in a fork of this process, which gets each signal of `signals`
    right before it makes that change (counted from 1) below `folder`; `scratch` is a file. The disk
    refuses the change `failing`."""
    if "rattler" in sys.modules:
        pytest.skip("a fork has none of the threads of py-rattler, and its solver waits for them")
    pid = os.fork()
    if pid == 0:
        changes = [0]
        try:
            _send_at(folder, signals, changes, failing)
            done = conda_in_process(*map(str, words))
            text = json.dumps([done.rc, done.words, changes[0]])
        except BaseException as error:
            text = json.dumps([99, f"escaped: {error!r}", changes[0]])
        scratch.write_text(text)
        os._exit(0)
    os.waitpid(pid, 0)
    return Signalled(*json.loads(scratch.read_text()))


def _send_at(folder: Path, signals: Mapping[int, int], changes: list[int], failing: int) -> None:
    """An audit hook cannot be taken away, so this is for a process that ends."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            if not args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
        elif event not in ("os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir"):
            return
        path = os.fsdecode(args[event == "os.link"]) if not isinstance(args[0], int) else ""
        # Conda tries beforehand, with a file of this name, whether it can link.
        if path.startswith(str(folder)) and not os.path.basename(path).startswith(".tmp."):
            changes[0] += 1
            if changes[0] in signals:
                os.kill(os.getpid(), signals[changes[0]])
            if changes[0] == failing:
                raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    sys.addaudithook(hook)
