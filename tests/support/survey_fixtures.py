"""Fixtures for the survey of a process of its own. A test module says
`pytest_plugins = ("support.survey_fixtures",)`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stubs import Card, build, smi

A100 = Card("NVIDIA A100-SXM4-80GB", 80)
K80 = Card("Tesla K80", 37)

#: Survey in a process of its own, as each conda command is one; counts the processes that we start.
CHILD = """
import json, sys
started = []
from conda.base.context import context
from conda.plugins.virtual_packages.cuda import cached_cuda_version
from conda_torchmirror.machine import survey as machine
cached_cuda_version()
sys.addaudithook(lambda event, args: started.append(1) if event == "subprocess.Popen" else None)
arguments = json.loads(sys.argv[1])
arguments.setdefault("subdir", machine.native_subdir())
result = machine.survey(prefix=None, **arguments)
count = len(started)
print(json.dumps({
    **{name: value for name, value in result.machine._asdict().items() if name != "remarks"},
    "gpus": [gpu._asdict() for gpu in result.machine.gpus],
    "codes": [notice.code for notice in result.evidence],
    "facts": {notice.code: dict(notice.facts) for notice in result.evidence},
    "told": [notice.code for notice in result.machine.remarks],
    "has_gpu": result.machine.has_gpu,
    "__cuda_arch": machine.cuda_arch(),
    "started": count,
    "started_in_all": len(started),
}))
"""

Look = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("driver"))


def last_line(script: str, *words: str, env: dict[str, str]) -> dict[str, Any]:
    """What a new process of a script prints last, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        env={**os.environ, **env},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Look:
    """`look(env, **arguments of survey)`: the facts as another process sees them."""
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA", raising=False)
    path = os.pathsep.join((str(smi(tmp_path / "none", "exit 9")), os.environ["PATH"]))

    def run(env: dict[str, str], **arguments: object) -> dict[str, Any]:
        return last_line(CHILD, json.dumps(arguments), env={"PATH": path, **env})

    return run
