"""Running an installer so that it never outlives the run of ours that started it.

If this process is told to stop, as by a batch system or `docker stop`, the installer would go on
changing the environment by itself, without the lock of the run. `interrupts.orderly` makes that an
interrupt.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

#: Seconds to wait for an installer to end by itself, and after it was told. It may have to put back
#: what it was replacing.
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
    too. If this process is interrupted, the program is ended first.

    Raises: OSError if it cannot be started; KeyboardInterrupt.
    """
    with subprocess.Popen(  # noqa: S603
        words,
        env={**variables, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), folder)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
    ) as child:
        try:
            out, said = child.communicate()
        except BaseException:
            _end(child)
            raise
    return subprocess.CompletedProcess(words, child.returncode, out, said)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a program so that it can tidy up, and by force if it does not. A terminal sends Ctrl-C to
    it too, and a second one would interrupt the tidying."""
    try:
        if not _ended(child, _HEARD) and os.name != "nt":
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
