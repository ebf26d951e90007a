"""`conda torch-install` end to end: real conda, real records, small real packages, loopback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

LINUX_124 = (
    "pytorch=2.5.1=py3.12_cuda12.4_cudnn9.1.0_0",
    "torchvision=0.20.1=py312_cu124",
)


def test_new_environment_gets_the_chosen_builds(mirrored, mirror, upstream, run_conda, tmp_path):
    prefix = tmp_path / "env"
    result = run_conda(
        "torch-install", "-y", "-p", prefix, "--cuda", "12.4", "--python", "3.12", "pytorch", "torchvision"
    )
    print(result.stdout, result.stderr)
    assert result.rc == 0
