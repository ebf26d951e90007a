"""The version of macOS is conda's, which its solver holds builds against."""

from __future__ import annotations

import platform

import pytest
from conda.base.context import Context

from conda_torchmirror.machine import system
from conda_torchmirror.models import Notice


@pytest.mark.parametrize("subdir", ["osx-64", "osx-arm64"])
def test_macos_is_not_what_pythons_own_function_says_for_any_later_one(monkeypatch, subdir):
    """A Python that was built for macOS 10.15 or earlier says 10.16 on 11 to 26; new conda, which
    asks the system, installs builds with `__osx >=11.0` there."""
    monkeypatch.delenv("CONDA_OVERRIDE_OSX", raising=False)
    monkeypatch.setattr(platform, "mac_ver", lambda: ("10.16", ("", "", ""), "x86_64"))
    monkeypatch.setattr(
        Context, "os_distribution_name_version", property(lambda _: ("OSX", "14.5"))
    )
    found = next(iter(system.notices(subdir)))
    assert found == Notice("macos", {"version": "14.5", "source": "system"})
