"""Pythons of their own, for what acts as an interpreter starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def python(*args: str, path: Path | None = None) -> str:
    """Standard output of a Python that ends well and says nothing on standard error.

    `path` goes in front of PYTHONPATH.
    """
    env = dict(os.environ)
    if path is not None:
        env["PYTHONPATH"] = os.pathsep.join((str(path), env["PYTHONPATH"]))
    done = subprocess.run(
        [sys.executable, *args], env=env, capture_output=True, encoding="utf-8", timeout=180
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.strip()


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
