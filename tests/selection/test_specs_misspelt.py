"""Words that go to the solver: a name that is nearly one that is chosen here, a version alone."""

from __future__ import annotations

import pytest

from conda_torchmirror.selection.facts.names import FAMILY, RUNTIMES
from conda_torchmirror.selection.specs import misspelt, version_alone


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("torchvison", "torchvision"),
        ("pytroch", "pytorch"),
        ("pytorhc", "pytorch"),
        ("torchaudo", "torchaudio"),
        ("pytorch-cude", "pytorch-cuda"),
        ("cudatoolkti", "cudatoolkit"),
        ("ppytorch", "pytorch"),
        ("torhc", "torch"),
        ("trochvision", "torchvision"),
        ("torch", None),
        ("torchx", None),
        ("gpytorch", None),
        ("pytorch3d", None),
        ("pytorch", None),
        ("torchdata", None),
        ("torchmetrics", None),
        ("pytorch-lightning", None),
        ("numpy", None),
    ],
)
def test_the_name_that_was_likely_meant(name: str, meant: str | None) -> None:
    assert misspelt(name, (*FAMILY, *RUNTIMES, "cpuonly", "torch")) == meant


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("2.5.1", "pytorch=2.5.1"),
        ("1.13", "pytorch=1.13"),
        ("3.12", "--python 3.12"),
        ("3.12.4", "--python 3.12.4"),
        ("2", None),
        ("7zip", None),
        ("cu121", "--cuda 12.1"),
        ("cu92", "--cuda 9.2"),
        ("cuda12.4", "--cuda 12.4"),
        ("cuda-11.8", "--cuda 11.8"),
        ("cpu", "--cuda cpu"),
        ("cuda", None),
        ("cupy", None),
        ("2.5.1a", None),
        ("numpy", None),
    ],
)
def test_what_a_version_alone_was_likely_meant_for(word: str, meant: str | None) -> None:
    assert version_alone(word) == meant
