"""Channels for a fleet: a Python that runs, and a torch for each of three kinds of machines.

An environment made of them can be checked; what stands in for torch is that of `torches`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import own_python
from .channels import Files, file_name, write_channel
from .torches import TORCH

#: The release, and the Python that it claims to be for: the one that runs is that of the tests.
RELEASE, MINOR = "2.5.1", "3.12"
PARTNERS = {"torchvision": "0.20.1", "torchaudio": "2.5.1"}
#: Builds by the CUDA that they are for, with what torch answers. On the second one, torch does not
#: find the GPU.
BUILDS: dict[str, tuple[str, dict[str, Any]]] = {
    "12.4": ("cuda12.4_cudnn9.1.0", {"cuda": "12.4", "gpus": [["NVIDIA L4", [8, 9]]]}),
    "11.8": ("cuda11.8_cudnn9.1.0", {"cuda": "11.8"}),
    "": ("cpu", {}),
}


def build(root: Path) -> Path:
    """Write the channels to `root`; returns it."""
    channels: dict[str, dict[str, Any]] = {"pytorch": {}, "nvidia": {}, "conda-forge": {}}
    contents: dict[str, Files] = {}

    def add(
        channel: str, name: str, version: str, build: str, *depends: str, files: Files | None = None
    ) -> None:
        record = {"name": name, "version": version, "build": build, "depends": list(depends)}
        record |= {"build_number": 0, "subdir": "linux-64", "constrains": []}
        channels[channel][file_name(record)] = {**record, "timestamp": 1720000000000}
        if files is not None:
            contents[file_name(record)] = files

    for cuda, (words, knobs) in BUILDS.items():
        text = TORCH.format(knobs={"version": RELEASE, **knobs})
        files = {f"{own_python.SITE_PACKAGES}/torch/__init__.py": (text.encode(), 0o644)}
        runtime = [f"pytorch-cuda {cuda}.*"] if cuda else []
        mutex = f"pytorch-mutex 1.0 {'cuda' if cuda else 'cpu'}"
        needs = [f"python >={MINOR},<3.13.0a0", *runtime, mutex]
        add("pytorch", "pytorch", RELEASE, f"py{MINOR}_{words}_0", *needs, files=files)
        for partner, version in PARTNERS.items():
            word = f"cu{cuda.replace('.', '')}" if cuda else "cpu"
            text = f"__version__ = {version!r}\n"
            files = {f"{own_python.SITE_PACKAGES}/{partner}/__init__.py": (text.encode(), 0o644)}
            needs = [needs[0], f"pytorch {RELEASE}"]
            add("pytorch", partner, version, f"py312_{word}", *needs, files=files)
        if cuda:
            add("pytorch", "pytorch-cuda", cuda, "h0_0", f"cuda-cudart {cuda}.*")
            add("nvidia", "cuda-cudart", f"{cuda}.89", "0")
    for mutex in ("cpu", "cuda"):
        add("pytorch", "pytorch-mutex", "1.0", mutex)
    python = own_python.interpreter(f"{MINOR}.7")
    add("conda-forge", "python", f"{MINOR}.7", "stub_0_cpython", files=python)
    add("conda-forge", "pip", "24.3.1", "stub_0", "python >=3.6")
    for channel, records in channels.items():
        write_channel(root / channel, "linux-64", records, contents)
        write_channel(root / channel, "noarch", {})
    return root
