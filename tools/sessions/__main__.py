"""`python tools/sessions`: redraw the pictures of docs/images from the program's output."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from picture import picture
from sessions import COMMANDS, LANGUAGES, file, folded, words

#: The settings of a new account on a common machine, independent of the one that draws.
HOME = {"CONDA_OVERRIDE_GLIBC": "2.35", "CONDA_CHANNELS": "defaults", "COLUMNS": "80"}


def output(name: str, language: str) -> str:
    """The output of a command on both streams, run in an empty home."""
    with tempfile.TemporaryDirectory() as home:
        kept = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": home, "TERM": "dumb"}
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "conda", *words(name)],
            env={**kept, **HOME, "CONDA_TORCHMIRROR_LANG": language},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if name == "refusal" else subprocess.DEVNULL,
            encoding="utf-8",
            check=False,
        )
    return done.stdout.strip("\n")


if __name__ == "__main__":
    for name, command in COMMANDS.items():
        for language in LANGUAGES:
            path = file(name, language)
            path.parent.mkdir(exist_ok=True)
            path.write_text(picture(command, folded(output(name, language))), encoding="utf-8")
            print(path.name)
