"""The fixtures of `lab`. A test module says `pytest_plugins = ("support.lab_fixtures",)`."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from conda_torchmirror.redirect import in_process

from .channels import write_channel
from .lab import entry, record


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Path:
    """Channels of one package each: `from-pytorch` and so on, and a label of two of them."""
    root = tmp_path_factory.mktemp("small")
    for name in (
        *("pytorch", "conda-forge", "nvidia", "bioconda", "pkgs/main", "pkgs/r"),
        *("nvidia/label/cuda-12.4.0", "pytorch/label/rc"),
    ):
        package = "from-" + re.sub(r"\W+", "-", name)
        write_channel(root / name, "linux-64", {})
        write_channel(root / name, "noarch", {f"{package}-1.0-0.tar.bz2": record(package)})
    return root


@pytest.fixture
def lab(small, make_mirror):
    """A mirror that carries everything of `small` but the label of pytorch."""
    cloud = dict.fromkeys(("pytorch", "conda-forge", "nvidia", "bioconda"), "anaconda/cloud")
    return make_mirror(small, {**cloud, "pkgs/main": "anaconda", "pkgs/r": "anaconda"})


@pytest.fixture
def at_lab(condarc, lab):
    """`at_lab(**settings)`: an rc file with the mirror as the registry, and what is given."""

    # Until conda is there, an rc file that is written is not read.
    importlib.import_module("conda.base.context")

    def write(plugins: dict[str, Any] | None = None, **more: Any):
        own = {"torchmirror_registry": entry(lab), **(plugins or {})}
        return condarc(plugins=own, **more)

    write()
    yield write
    in_process.undo()


@pytest.fixture
def installed(at_lab, lab, run_conda, sandbox):
    """An environment with one package of pytorch, installed through the mirror."""
    prefix = sandbox.envs / "have"
    done = run_conda("create", "-y", "-q", "-p", prefix, "-c", "pytorch", "from-pytorch").ok()
    assert lab.asked("*from-pytorch-1.0-0.tar.bz2")
    assert "lab" not in done.stderr
    return prefix
