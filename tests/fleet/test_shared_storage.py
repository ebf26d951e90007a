"""What a lab puts on shared storage: a package cache and an environment that others may only read.

Where the tests run as root, those others lack the power to write everywhere.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import fleet_channels
from support.files import contents
from support.isolation import Sandbox
from support.mirror import Mirror
from support.running import Result, run_conda

pytest_plugins = ("support.fleet_fixtures",)

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="what it is about is Linux"
)

#: What root is to be started by, so that a folder's mode counts for it as for anybody.
_LIKE_OTHERS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner")
ASK = ("--source", "pytorch", "--python", fleet_channels.MINOR, "--cuda", "12.4", "pytorch")


class Lab:
    """`shared` is what everybody reads, `guest` the world of one who writes only to that."""

    def __init__(self, root: Path) -> None:
        self.shared = root / "shared"
        self.shared.mkdir()
        self.guest = Sandbox(root / "guest").create()
        self.pkgs, self.env = self.shared / "pkgs", self.shared / "torch"

    def close(self) -> None:
        """From now on `shared` is only read."""
        for path in (self.shared, *self.shared.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & 0o111 | 0o444)

    def open(self) -> None:
        """So that it can be removed."""
        for path in (self.shared, *self.shared.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)

    def run(self, *words: str | os.PathLike[str], **variables: str) -> Result:
        """conda as the guest."""
        command = [sys.executable, "-m", "conda", *map(str, words)]
        if os.geteuid() == 0:
            command = [*_LIKE_OTHERS, *command]
        done = subprocess.run(
            command,
            env={**self.guest.variables(), **variables},
            cwd=self.guest.home,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        return Result(tuple(map(str, words)), done.returncode, done.stdout, done.stderr, 0)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root may write everywhere, and there is no setpriv that keeps it from it")
    found = Lab(tmp_path)
    yield found
    found.open()


def test_a_package_cache_that_others_only_read(origin: Mirror, lab: Lab) -> None:
    plan = lab.shared / "plan"
    run_conda("torch-install", "--save-plan", plan, *ASK).ok()
    filling = {"CONDA_PKGS_DIRS": str(lab.pkgs)}
    run_conda("torch-install", "--plan", plan, "--download-only", env=filling).ok()
    lab.close()
    before = contents(lab.shared)
    origin.stop()
    # conda wants a folder of one's own besides, and puts nothing into it.
    words = ("torch-install", "-y", "--no-check", "--offline", "--plan", plan, "-n", "torch")
    refused = lab.run(*words, CONDA_PKGS_DIRS=str(lab.pkgs))
    assert refused.rc == 1
    assert f"{lab.pkgs} cannot be written" in refused.words
    assert "`conda config --prepend pkgs_dirs FOLDER`" in refused.words
    lab.run(*words, CONDA_PKGS_DIRS=f"{lab.guest.pkgs},{lab.pkgs}").ok()
    assert list((lab.guest.envs / "torch" / "conda-meta").glob("pytorch-2*.json"))
    assert not list(lab.guest.pkgs.glob("pytorch-2*"))
    assert contents(lab.shared) == before


def test_an_environment_that_others_only_read(origin: Mirror, lab: Lab) -> None:
    plan = lab.shared / "plan"
    run_conda("torch-install", "--save-plan", plan, *ASK).ok()
    run_conda("torch-install", "-y", "--plan", plan, "-p", lab.env).ok()
    lab.close()
    before = contents(lab.shared)
    origin.stop()
    done = lab.run("torch-verify", "-p", lab.env, "--json")
    assert json.loads(done.stdout)["torchmirror"]["check"]["torch"] == fleet_channels.RELEASE
    again = lab.run("torch-install", "-y", "--no-check", "--plan", plan, "-p", lab.env).ok()
    assert "as planned" in again.words
    assert contents(lab.shared) == before
