"""Both sources of `--source auto` on loopback, and previews of them."""

from __future__ import annotations

from typing import Any

import pytest

from support import both_channels
from support.mirror import Mirror
from support.torches import record

FORGE, CHANNEL = "conda-forge", "pytorch"


@pytest.fixture(scope="module")
def auto_indexes(tmp_path_factory):
    return both_channels.build(tmp_path_factory.mktemp("indexes"))


@pytest.fixture
def auto_mirror(auto_indexes, make_mirror) -> Mirror:
    return make_mirror(auto_indexes, dict.fromkeys((CHANNEL, FORGE, "nvidia"), "anaconda/cloud"))


@pytest.fixture
def at_both(condarc, auto_mirror):
    """`at_both(**settings)`: an rc file that leads both sources to loopback."""

    def write(**settings: Any):
        return condarc(
            **{"custom_channels": auto_mirror.custom_channels(), "channels": [FORGE], **settings}
        )

    write()
    return write


def cuda(version: str, arch: str = "", **more: str) -> dict[str, str]:
    """The variables for a driver and a GPU. An empty `arch` hides this machine's own GPU."""
    return {"CONDA_OVERRIDE_CUDA": version, "CONDA_OVERRIDE_CUDA_ARCH": arch, **more}


def on(subdir: str, *words: str) -> tuple[str, ...]:
    return ("--platform", subdir, *words)


@pytest.fixture
def preview_auto(at_both, conda_in_process, monkeypatch):
    """`preview_auto(*words, **variables)`: the JSON of a dry run."""

    def run(*words: str, **variables: str) -> dict[str, Any]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        done = conda_in_process("torch-install", "-d", "--json", "-n", "new", *words).ok()
        found: dict[str, Any] = done.json()["torchmirror"]
        return found

    return run


def codes(found: dict[str, Any]) -> set[str]:
    return {warning["code"] for warning in found["warnings"]}


@pytest.fixture
def old_torch(sandbox):
    """An environment with the torch of the channel that ended."""
    meta = sandbox.envs / "new" / "conda-meta"
    meta.mkdir(parents=True)
    (meta / "history").touch()
    record(meta.parent, CHANNEL, "2.5.1", "py3.12_cuda12.4_cudnn9.1.0_0", channel=CHANNEL)
    record(meta.parent, "python", "3.12.4", "h0_0", channel=FORGE)
