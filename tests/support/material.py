"""The folder of real data that the tests compare with, which is no part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

#: Beside the checkout, or where the variable says.
FOLDER = Path(
    os.environ.get("TORCHMIRROR_SHARED") or Path(__file__).resolve().parents[3] / "shared"
)


def material(*parts: str) -> Path:
    """A file or folder of the material; skips the test where it is not."""
    path = FOLDER.joinpath(*parts)
    if not path.exists():
        pytest.skip("the material folder is not here: set TORCHMIRROR_SHARED to compare with it")
    return path
