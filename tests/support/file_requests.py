"""Environment files to install from, and what is read from the answers."""

from __future__ import annotations

from typing import Any

PYTORCH = "pytorch=2.5.1=py3.12_cuda12.4_cudnn9.1.0_0"
TORCHVISION = "torchvision=0.20.1=py312_cu124"
FILE = """\
name: lab  # of the lab
channels:
  - conda-forge
  - nvidia
  - pytorch
dependencies:
  - python=3.12
  - pytorch=2.5.1
  - torchvision
  - pytorch-cuda=12.4
  - tqdm
"""


def codes(found: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in found["warnings"]]


def channels_of(command: str) -> list[str]:
    words = command.split()
    return [words[at + 1] for at, word in enumerate(words) if word == "-c"]
