"""`python tools/sessions`: make the pictures of docs/images anew, from what the program says."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from picture import picture
from sessions import COMMANDS, LANGUAGES, file, folded, words

#: What a new account on a common machine says, whatever the one is that makes the pictures.
HOME = {"CONDA_OVERRIDE_GLIBC": "2.35", "CONDA_CHANNELS": "defaults", "COLUMNS": "80"}


def output(name: str, language: str) -> str:
    """What a command says on both streams, in an empty home."""
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
