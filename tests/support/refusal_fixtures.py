"""Both sources on loopback, and dry runs that are refused there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support import both_channels
from support.mirror import Mirror
from support.running import Result

FORGE, CHANNEL = "conda-forge", "pytorch"


@pytest.fixture(scope="module")
def indexes(tmp_path_factory):
    return both_channels.build(tmp_path_factory.mktemp("indexes"))


@pytest.fixture
def both(indexes, make_mirror, condarc) -> Mirror:
    server = make_mirror(indexes, dict.fromkeys((CHANNEL, FORGE, "nvidia"), "anaconda/cloud"))
    condarc(custom_channels=server.custom_channels(), channels=[FORGE])
    return server


Refused = Callable[..., Result]


@pytest.fixture
def preview(both, conda_in_process, monkeypatch) -> Refused:
    """`preview(*words, **variables)`: a dry run for a new environment."""

    def run(*words: str, **variables: str) -> Result:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        named = () if "-n" in words else ("-n", "new")
        return conda_in_process("torch-install", "-d", *named, *words)

    return run


def cuda(version: str, arch: str = "", **more: str) -> dict[str, str]:
    """The variables for a driver and a GPU. An empty `arch` hides this machine's own GPU."""
    return {"CONDA_OVERRIDE_CUDA": version, "CONDA_OVERRIDE_CUDA_ARCH": arch, **more}
