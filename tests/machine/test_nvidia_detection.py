"""Conda's own detection of CUDA: asked only where a driver library is there, and once a command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stubs import build, needs_compiler, variables
from support.survey_fixtures import A100, last_line

from conda_torchmirror.machine import nvidia

pytest_plugins = ("support.survey_fixtures",)


#: The survey of a fresh process, in which conda has detected nothing yet.
AFRESH = """
import json, multiprocessing.process, sys
from conda.base.context import context
from conda.plugins.virtual_packages.cuda import cached_cuda_version
from conda_torchmirror.machine import survey as machine
found = [machine.survey(subdir=machine.native_subdir(), prefix=None) for _ in range(2)]
info = cached_cuda_version.cache_info()
print(json.dumps({
    "cuda": [one.machine.cuda for one in found],
    "codes": [notice.code for notice in found[0].evidence],
    "detections": info.misses,
    "processes": next(multiprocessing.process._process_counter) - 1,
}))
"""


@pytest.fixture
def afresh(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """`afresh(env)`: two surveys of a new process, and how often conda detected."""
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA", raising=False)

    def run(env: dict[str, str]) -> dict[str, Any]:
        return last_line(AFRESH, env=env)

    return run


@pytest.mark.skipif(nvidia.has_library(), reason="this machine has an NVIDIA driver")
def test_without_a_driver_library_conda_starts_no_process(afresh: Callable[..., Any]) -> None:
    found = afresh({})
    assert (found["detections"], found["processes"]) == (0, 0)
    assert found["cuda"] == [None, None]
    assert "cuda_not_detected" in found["codes"]


@needs_compiler
@pytest.mark.parametrize("way", ["LD_LIBRARY_PATH", "without a version", "known to the loader"])
def test_with_a_driver_library_conda_detects_once(
    afresh: Callable[..., Any], libraries: Path, tmp_path: Path, way: str
) -> None:
    env = variables(libraries, [A100])
    if way == "without a version":
        if nvidia.has_library():
            pytest.skip("this machine has an NVIDIA driver, whose library has a version")
        env["LD_LIBRARY_PATH"] = str(tmp_path)
        shutil.copy(libraries / "libcuda.so.1", tmp_path / "libcuda.so")
    elif way == "known to the loader":
        # Under its soname, as a place of ld.so.conf would be: in no folder that is looked at.
        named = build(tmp_path, ["libcuda"], "-Wl,-soname,libcuda.so.1") / "libcuda.so.1"
        del env["LD_LIBRARY_PATH"]
        env["LD_PRELOAD"] = str(named.rename(tmp_path / "elsewhere.so"))
    found = afresh(env)
    assert found["cuda"] == ["12.4", "12.4"]
    assert (found["detections"], found["processes"]) == (1, 1)


#: A whole preview, and a solved one: the solver wants `__cuda` too.
COMMAND = """
import multiprocessing.process, sys
from conda.cli.main import main
code = main("torch-install", *sys.argv[1:])
from conda.plugins.virtual_packages.cuda import cached_cuda_version
info = cached_cuda_version.cache_info()
started = next(multiprocessing.process._process_counter) - 1
print(f"code {code}, {info.misses} detections, {started} processes", file=sys.stderr)
"""


def _whole(*words: str, **env: str) -> str:
    """What a whole command says of its end and of conda's detection."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *words],
        env={**os.environ, **env},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.stderr.strip().rpartition("\n")[2] or done.stderr


@pytest.mark.skipif(nvidia.has_library(), reason="this machine has an NVIDIA driver")
@pytest.mark.parametrize("source", ["pytorch", "conda-forge"])
def test_a_whole_preview_without_a_driver_library_starts_no_process(
    monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA", raising=False)
    said = _whole("-d", "--offline", "--source", source)
    assert said == "code 0, 0 detections, 0 processes"


@needs_compiler
def test_a_whole_preview_with_a_driver_library_detects_once(
    libraries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA", raising=False)
    said = _whole("-d", "--offline", **variables(libraries, [A100]))
    assert said == "code 0, 1 detections, 1 processes"


@needs_compiler
def test_a_solved_preview_shares_the_detection(
    libraries: Path, mirrored: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA", raising=False)
    words = ("-d", "--solve", "-n", "new", "--python", "3.12", "pytorch=2.5.1")
    said = _whole(*words, **variables(libraries, [A100]))
    assert said == "code 0, 1 detections, 1 processes"
