"""Signals in the middle of a command."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping


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
        time.sleep(0.05)
    child.send_signal(by)
    said = child.communicate(timeout=60)[0]
    assert child.returncode != 0
    return said
