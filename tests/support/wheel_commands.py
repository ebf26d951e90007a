"""Words of commands with `--source wheels`, and what came of them."""

from __future__ import annotations

from .wheel_lab import PYTHON

CUDA = ("--cuda", "12.6")
WHEELS = ("torch-install", "--source", "wheels")
SET = {"torch-2.7.1+cu126", "torchvision-0.22.1+cu126", "torchaudio-2.7.1+cu126"}
REST = {"filelock-3.19.1", "sympy-1.14.0", "numpy-2.2.6"}
FAMILY = ("torch", "torchvision", "torchaudio")


def names(files):
    return {"-".join(name.split("-")[:2]) for name in files}


def dists(prefix):
    folder = prefix / "lib" / f"python{PYTHON}" / "site-packages"
    return {path.name.removesuffix(".dist-info") for path in folder.glob("*.dist-info")}


def chosen(done):
    builds = done.ok().json()["torchmirror"]["selected"]["builds"]
    return {build["name"]: (build["version"], build["variant"]) for build in builds}
