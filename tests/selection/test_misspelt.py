"""A package that goes to the solver and has nearly the name of one that is chosen here."""

from __future__ import annotations

import pytest

from conda_torchmirror.selection.facts.names import FAMILY, RUNTIMES
from conda_torchmirror.selection.specs import misspelt


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("torchvison", "torchvision"),
        ("pytroch", "pytorch"),
        ("pytorhc", "pytorch"),
        ("torchaudo", "torchaudio"),
        ("pytorch-cude", "pytorch-cuda"),
        ("cudatoolkti", "cudatoolkit"),
        ("pytorch3d", None),
        ("pytorch", None),
        ("torchdata", None),
        ("torchmetrics", None),
        ("pytorch-lightning", None),
        ("numpy", None),
    ],
)
def test_the_name_that_was_likely_meant(name: str, meant: str | None) -> None:
    assert misspelt(name, (*FAMILY, *RUNTIMES, "cpuonly")) == meant
