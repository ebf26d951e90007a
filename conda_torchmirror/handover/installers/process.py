"""Running an installer, with clean variables, so that it never outlives the run that started it.

If this process is told to stop, as by a batch system or `docker stop`, the installer would go on
changing the environment by itself, without the lock of the run. `interrupts.orderly` makes that an
interrupt.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ...envfiles.file_io import write_file

#: Seconds to wait for an installer to end by itself, and after it was told. It may have to put back
#: what it was replacing.
_HEARD, _TOLD = 2.0, 30.0


class Workplace(NamedTuple):
    """Where an installer runs: the variables of the activated environment, and a folder for its own
    files that is gone afterwards."""

    variables: Mapping[str, str]
    folder: str


def links_of(words: Sequence[str]) -> str:
    """The path that `--find-links` has in a command line."""
    return words[words.index("--find-links") + 1]


def write_page(path: str, text: str) -> None:
    """Write a file that a command line names, such as the page of links."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    write_file(Path(path), text)


def without_credentials(
    words: Sequence[str], variables: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """The command line without addresses that have credentials, and the environment variables that
    have them instead, which other users cannot see. `variables` are those of the options."""
    kept: list[str] = []
    hidden: dict[str, str] = {}
    following = iter(words)
    for word in following:
        value = next(following, None) if word in variables else None
        if value is not None and "@" in value:
            hidden[variables[word]] = value
        else:
            kept += [word] if value is None else [word, value]
    return kept, hidden


def clean(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables without those that configure pip or Python, and pip's configuration off."""
    kept = {
        name: value
        for name, value in variables.items()
        if not name.upper().startswith(("PIP_", "PYTHON"))
    }
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PYTHONIOENCODING": "utf-8"}


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
    with _not_deaf() as alone:
        child = subprocess.Popen(  # noqa: S603
            words,
            env={**variables, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), folder)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=alone,
        )
    with child:
        try:
            out, said = child.communicate()
        except BaseException:
            _end(child)
            raise
    return subprocess.CompletedProcess(words, child.returncode, out, said)


@contextmanager
def _not_deaf() -> Iterator[bool]:
    """A program that is started within the block hears SIGINT, by which it is told to end, also
    where that is ignored: shells do so for `&` in a script, and programs inherit it, but no handler
    of ours. Yields whether it is to be kept from the terminal, whose Ctrl-C stays ignored.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or os.name == "nt" or signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        yield False
        return
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield True
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


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
