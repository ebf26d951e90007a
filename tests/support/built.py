"""The repository that the package is made from, and building it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: Says to the builder which version it is, whatever git says.
RELEASE = "SETUPTOOLS_SCM_PRETEND_VERSION"


def hatchling(folder: Path, *words: str | Path, env: Mapping[str, str] | None = None) -> str:
    """Standard output of the build backend's own command, run in `folder`."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", *map(str, words)],
        cwd=folder,
        env={**variables, **(env or {})},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def distribution(folder: Path, kind: str, out: Path, version: str) -> Path:
    """Build the `sdist` or `wheel` of a release from `folder` into `out`."""
    hatchling(folder, "build", "-t", kind, "-d", out, env={RELEASE: version})
    [found] = out.glob("*.tar.gz" if kind == "sdist" else "*.whl")
    return found


def unpacked(sdist: Path, folder: Path) -> Path:
    """The one folder that the sdist holds, below `folder`."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, **({"filter": "data"} if sys.version_info >= (3, 12) else {}))
    [found] = folder.iterdir()
    return found


def git(folder: Path, *words: str) -> str:
    """Standard output of a git command in `folder`; skips where there is no git."""
    if not shutil.which("git"):
        pytest.skip("there is no git here")
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")
    variables = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(
        ["git", *identity, *words],
        cwd=folder,
        env=variables,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, f"git {words}\n{done.stderr}"
    return done.stdout


def kept() -> set[str]:
    """Every file here that git keeps or would keep; skips where this is no repository."""
    if not (ROOT / ".git").exists():
        pytest.skip("these files are not in a git repository")
    # The repository may belong to another user than the one who tests.
    listed = git(
        *(ROOT, "-c", f"safe.directory={ROOT}", "ls-files", "-z"),
        *("--cached", "--others", "--exclude-standard"),
    )
    return {name for name in listed.split("\0") if name and (ROOT / name).exists()}
