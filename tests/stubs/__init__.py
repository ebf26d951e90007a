"""Stand-ins of NVIDIA's driver libraries and of nvidia-smi, for processes that tests start.

`build` compiles the libraries once; `variables` is the environment in which they are found and
say what a test wants. Nothing here replaces a Python object: the real `ctypes` loads real
libraries, in processes of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent
LIBRARIES = ("libcuda", "libnvidia-ml")

needs_compiler = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("gcc") is None,
    reason="the stand-ins need Linux and gcc",
)


class Card(NamedTuple):
    """One device. `cc` is the compute capability without the dot; `mig` None: cannot be sliced."""

    name: str = "NVIDIA Stub"
    cc: int = 86
    mig: int | None = None


def build(folder: Path, libraries: Sequence[str] = LIBRARIES, *options: str) -> Path:
    """Compile stand-ins into `folder`, under the driver's own names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in libraries:
        target, source = folder / f"{name}.so.1", HERE / f"{name}.c"
        command = ["gcc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", str(target), str(source)]
        subprocess.run([*command, *options], check=True, capture_output=True)
    return folder


def variables(
    folder: Path | None,
    cards: Sequence[Card] = (),
    *,
    cuda: int = 12040,
    driver: str = "550.54.14",
    **answers: object,
) -> dict[str, str]:
    """Return the variables for a machine with these cards.

    `answers` are by call: `nvmlInit_v2=9`, `cuInit="hang"`; or LOST, ORDER, LOG of `stub.h`.
    """
    env = {"STUB_CUDA": str(cuda), "STUB_DRIVER": driver, "STUB_COUNT": str(len(cards))}
    if folder is not None:
        env["LD_LIBRARY_PATH"] = str(folder)
    for index, card in enumerate(cards):
        env[f"STUB_NAME_{index}"] = card.name
        env[f"STUB_CC_{index}"] = str(card.cc)
        env[f"STUB_UUID_{index}"] = str(index + 1)
        if card.mig is not None:
            env[f"STUB_MIG_{index}"] = str(card.mig)
    return {**env, **{f"STUB_{name}": str(value) for name, value in answers.items()}}


def smi(folder: Path, body: str) -> Path:
    """Write a program named nvidia-smi: a shell script with this body."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(0o755)
    return folder


@contextmanager
def asked_afresh() -> Iterator[None]:
    """What this process remembers of a driver is forgotten, before and after."""
    _forget()
    try:
        yield
    finally:
        _forget()


def _forget() -> None:
    from conda.plugins.virtual_packages.cuda import cached_cuda_version

    from conda_torchmirror.machine import survey

    cached_cuda_version.cache_clear()
    survey._probe.cache_clear()


def path_with(folder: Path) -> str:
    """Return PATH with `folder` first."""
    return os.pathsep.join((str(folder), os.environ["PATH"]))
