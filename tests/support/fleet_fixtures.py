"""Fixtures of `fleet_channels`. A test module says
`pytest_plugins = ("support.fleet_fixtures",)`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from . import fleet_channels
from .mirror import Mirror


@pytest.fixture(scope="session")
def fleet_channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The channels of `fleet_channels`. Do not change them."""
    return fleet_channels.build(tmp_path_factory.mktemp("fleet"))


@pytest.fixture
def origin(
    fleet_channel: Path,
    make_mirror: Callable[..., Mirror],
    condarc: Callable[..., Path],
    from_pytorch: None,
) -> Mirror:
    """A server of them that the rc file of the test knows, and no other machine's."""
    served = make_mirror(fleet_channel, dict.fromkeys(("pytorch", "nvidia", "conda-forge"), "a"))
    condarc(custom_channels=served.custom_channels(), channels=["conda-forge"], default_channels=[])
    return served
