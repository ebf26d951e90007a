"""The script that runs in the environment, on every Python that is here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.torches import TORCH

from conda_torchmirror.verify import run as trying

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the environments here are POSIX venvs")


def old_pythons() -> list[str]:
    """Interpreters of other versions on this machine: torch 1.8 came for 3.6 and newer."""
    root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    return sorted(map(str, root.glob("versions/3.*/bin/python")))


@pytest.mark.parametrize(
    "python", old_pythons() or [sys.executable], ids=lambda p: p.split("/")[-3]
)
def test_the_script_runs_on_other_pythons(python: str, tmp_path: Path) -> None:
    script = Path(trying.__file__).with_name("check_torch.py")
    (tmp_path / "torch.py").write_text(TORCH.format(knobs={"cuda": "12.1"}), encoding="utf-8")
    done = subprocess.run(
        [python, str(script), str(tmp_path / "out")],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line) for line in (tmp_path / "out").read_text("utf-8").splitlines()]
    assert steps[-1]["step"] == "end"
