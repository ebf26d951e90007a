"""What of conda's errors is told as packages that the cache lacks."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from conda import CondaError, CondaMultiError

from conda_torchmirror.exceptions.channel import PackagesNotCached
from conda_torchmirror.handover import package_cache


class OfflineError(CondaError):
    """Conda's, which 24.7 does not have."""


class ChecksumMismatchError(CondaError):
    """Conda's, in short."""


AWAY = OfflineError("https://m.example/noarch/filelock-3.1-0.conda is not fetched.")


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ((AWAY,), True),
        ((AWAY, AWAY), True),
        ((AWAY, ChecksumMismatchError("damaged")), False),
        ((OSError(28, "No space left on device"), AWAY), False),
    ],
)
def test_another_error_beside_them_is_left_to_conda(monkeypatch, errors, told):
    """A damaged file or a full disk was not told."""
    monkeypatch.setattr(package_cache, "context", SimpleNamespace(offline=True, solver="classic"))
    found = package_cache.lacking(CondaMultiError(errors), ["install", "filelock"])
    assert isinstance(found, PackagesNotCached) is told
    if told:
        assert "filelock-3.1-0.conda" in str(found)
