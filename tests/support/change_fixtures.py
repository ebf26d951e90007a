"""Environments with the torch of one channel, beside a server of every channel. A test module says
`pytest_plugins = ("support.change_fixtures",)`.
"""

from __future__ import annotations

import os
import shutil

import pytest

from . import forge_channel
from .channels import write_channel
from .lab import record

FORGE = ("torch-install", "--source", "conda-forge", "--cuda", "12.9")
OFFICIAL = ("torch-install", "--source", "pytorch", "--cuda", "12.4", "pytorch", "torchvision")
#: What conda-forge has for Python 3.12, and the channel `pytorch`.
OF_FORGE = {
    "pytorch": "2.8.0=cuda129_mkl_py312_had1c889_302",
    "torchvision": "0.24.0=cuda129_py312_h9f56bbf_2",
}
OF_PYTORCH = {
    "pytorch": "2.5.1=py3.12_cuda12.4_cudnn9.1.0_0",
    "torchvision": "0.20.1=py312_cu124",
    "pytorch-cuda": "12.4=hc786d27_7",
}
#: Packages of conda-forge that need a torch, of whatever channel and release, and one that does
#: not go with any but the one that is there.
BESIDE = (
    ("torchmetrics", "1.4.0", "h0_0", ("python", "pytorch >=1.10", "packaging")),
    ("lightning", "2.4.0", "h0_0", ("python", "torchmetrics >=0.7", "pytorch >=2.1")),
    ("packaging", "24.1", "h0_0", ("python",)),
    # What a pytorch for CUDA 11.8 needs.
    ("cudatoolkit", "11.8.0", "h0_13", ()),
    ("cupy", "13.0.0", "h0_0", ("python", "cudatoolkit 11.*")),
    ("cudnn", "9.3.0.75", "h1_0", ("cudatoolkit 11.*",)),
    ("picky", "1.0", "h0_0", ("python", "pytorch 2.5.1 py3.12_cuda12.4*")),
)
#: The words of an environment as the official command makes it, and of one of conda-forge.
OFFICIAL_ENV = (
    *("create", "-c", "pytorch", "-c", "nvidia"),
    *("python=3.12", "pytorch::pytorch=2.5.1", "pytorch::torchvision", "pytorch-cuda=12.4"),
)
CPU_ENV = ("create", "-c", "pytorch", "python=3.10", "pytorch::pytorch=2.1.0", "cpuonly")
FORGE_ENV = (*FORGE, "--python", "3.12", "--no-check")


@pytest.fixture(scope="module")
def every_channel(tmp_path_factory):
    root = tmp_path_factory.mktemp("both")
    return forge_channel.build(root, beside=("pytorch", "nvidia"), leaves=BESIDE)


@pytest.fixture
def server(every_channel, make_mirror):
    cloud = dict.fromkeys(("pytorch", "nvidia", "conda-forge"), "anaconda/cloud")
    return make_mirror(every_channel, {**cloud, "pkgs/main": "anaconda"})


@pytest.fixture
def at_server(condarc, server):
    def write(**settings):
        return condarc(
            **{
                "custom_channels": server.custom_channels(),
                "channels": ["conda-forge"],
                "default_channels": [server.channel_url("pkgs/main")],
                **settings,
            }
        )

    write()
    return write


@pytest.fixture(scope="module")
def made():
    """Environments that were made once: a copy, and the server that its records name, by words and
    driver."""
    return {}


@pytest.fixture
def env_with(at_server, server, made, conda_in_process, tmp_path, tmp_path_factory):
    """`env_with(*words)`: a fresh environment that these words of conda make."""

    def make(*words):
        prefix = tmp_path / "there"
        key = (*words, os.environ["CONDA_OVERRIDE_CUDA"])  # some solvers heed the driver
        if key not in made:
            conda_in_process(words[0], "-y", "-q", "-p", prefix, *words[1:]).ok()
            kept = tmp_path_factory.mktemp("made") / "env"
            made[key] = shutil.copytree(prefix, kept, symlinks=True), server.url
            return prefix
        kept, url = made[key]
        shutil.copytree(kept, prefix, symlinks=True)
        # Conda 26.7 has the channel's URL in the history as well.
        for path in (prefix / "conda-meta").iterdir():
            path.write_text(path.read_text().replace(url, server.url))
        return prefix

    return make


@pytest.fixture
def last_package(make_mirror, tmp_path):
    """`last_package(script)`: words for a package that is linked behind the set, with this
    post-link script."""

    def make(script):
        needs = {"depends": ["pytorch >=2.8"], "scripts": {"bin/.last-post-link.sh": script}}
        files = {"last-0-0.tar.bz2": record("last", "0", **needs)}
        write_channel(tmp_path / "more" / "mine", "noarch", files)
        write_channel(tmp_path / "more" / "mine", "linux-64", {})
        own = make_mirror(tmp_path / "more", {"mine": ""})
        return ("last", "-c", own.channel_url("mine"))

    return make


def tree(prefix):
    """Every file of an environment, with its content."""
    return {p.relative_to(prefix): p.read_bytes() for p in prefix.rglob("*") if p.is_file()}
