"""The selector page for tests: made beforehand, as that takes minutes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .selector_page import Page

#: Read before a test's private world leaves it out.
PAGE = os.environ.get("TORCHMIRROR_SELECTOR_PAGE", "")


@pytest.fixture(scope="session")
def selector_page() -> Page:
    """The page that TORCHMIRROR_SELECTOR_PAGE names; `.ci/run` makes it. Skips where none is."""
    if not Path(PAGE).is_file():
        pytest.skip(
            "TORCHMIRROR_SELECTOR_PAGE names no page: `python tools/selector-page OUT.html`"
        )
    return Page(Path(PAGE))
