"""Environments whose torch came by an address that no registry has: a company's mirror, a cache
that is gone, a file on disk. It is of the channel whose builds are named so."""

from __future__ import annotations

import json

import pytest
from support.change_fixtures import FORGE_ENV, OFFICIAL_ENV

from conda_torchmirror.index.sources import channel_of_torch

pytest_plugins = ("support.change_fixtures",)

COMPANY = "https://nexus.company.test/repository/proxy"


def move(prefix, channel, url=COMPANY):
    """Let every package of an environment have come from there."""
    for path in (prefix / "conda-meta").glob("*.json"):
        record = json.loads(path.read_text())
        where = f"/{record['subdir']}" if "://" in channel else ""
        record |= {
            "channel": f"{channel}{where}",
            "url": f"{url}/{record['subdir']}/{record['fn']}",
        }
        path.write_text(json.dumps(record))


@pytest.mark.parametrize("channel", [COMPANY, "<unknown>"])
@pytest.mark.parametrize(
    ("environment", "spec", "driver", "removed"),
    [
        (FORGE_ENV, "pytorch=2.5.1", "12.4", {"libtorch", "pytorch", "torchvision"}),
        (OFFICIAL_ENV, "pytorch=2.8", "12.9", {"pytorch", "pytorch-cuda", "torchvision"}),
    ],
)
def test_a_torch_of_another_channel_gives_way(
    env_with, conda_in_process, monkeypatch, channel, environment, spec, driver, removed
):
    """The partner that is there was a spec beside the one that is chosen: a traceback of conda."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", driver)
    prefix = env_with(*environment)
    move(prefix, channel)
    words = ("torch-install", "-p", prefix, spec, "--dry-run", "--solve", "--json")
    found = conda_in_process(*words).ok().json()["torchmirror"]
    assert "channel_changes" in {warning["code"] for warning in found["warnings"]}
    assert removed <= set(found["removed"])


def test_with_a_mirror_of_ones_own_a_preview_counts_what_leaves(
    env_with, at_server, server, conda_in_process, monkeypatch
):
    """Channels that a preview does not read were not known at it: one package left, not twenty."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.9")
    prefix = env_with(*OFFICIAL_ENV)
    own = {"roots": [f"{server.url}/anaconda"], "channels": {name: {} for name in server.channels}}
    at_server(custom_channels=None, plugins={"torchmirror_registry": json.dumps({"own": own})})
    words = ("torch-install", "-p", prefix, "--source", "conda-forge", "--dry-run", "--json")
    preview = conda_in_process(*words, "pytorch", "torchvision").ok().json()["torchmirror"]
    solved = (
        conda_in_process(*words, "--solve", "pytorch", "torchvision").ok().json()["torchmirror"]
    )
    assert preview["removed"] == solved["removed"]
    assert "cuda-cudart" in preview["removed"]


@pytest.mark.parametrize(
    ("spec", "channel"),
    [
        ("pytorch=2.8.0=cuda129_mkl_py312_had1c889_302", "conda-forge"),
        ("pytorch=2.0.0=cpu_generic_py310hb5a9f8e_0", "conda-forge"),
        ("pytorch=2.5.1=py3.12_cuda12.4_cudnn9.1.0_0", "pytorch"),
        ("pytorch=2.5.1=py3.12_cuda12.4_cudnn9_0", "pytorch"),
        ("pytorch=2.5.1=py3.12_cpu_0", "pytorch"),
        # Of defaults, and of nobody.
        ("pytorch=2.0.1=gpu_cuda118py311h7799f5a_100", COMPANY),
        ("pytorch=2.3.0=cpu_py312h06982b2_0", COMPANY),
        ("pytorch=2.3.1=0", COMPANY),
    ],
)
def test_a_build_is_of_the_channel_that_names_its_builds_so(spec, channel):
    assert channel_of_torch(spec, COMPANY) == channel
    assert channel_of_torch(spec, "pkgs/main") == "pkgs/main"
