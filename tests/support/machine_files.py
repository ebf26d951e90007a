"""Files with the facts of machines, as other machines would have written them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conda_torchmirror.machine.facts import document
from conda_torchmirror.models import Machine

#: Lab machines of three generations, and a login node: changes to the facts of `MACHINE`.
MACHINE = Machine("linux-64", cuda="12.4", cuda_from="libcuda", driver="550.54.14", glibc="2.35")
LAB: dict[str, dict[str, Any]] = {
    "ampere": {"cuda": "12.4", "cuda_arch": "8.6", "gpus": [{"name": "RTX 3090", "arch": "8.6"}]},
    "ada": {"cuda": "12.4", "cuda_arch": "8.9", "gpus": [{"name": "L4", "arch": "8.9"}]},
    "kepler": {
        **{"cuda": "11.4", "driver": "470.256.02", "cuda_arch": "3.7", "glibc": "2.31"},
        "gpus": [{"name": "Tesla K80", "arch": "3.7"}],
    },
    "login": {"cuda": None, "cuda_from": "none", "driver": None},
}


def facts(name: str = "ampere", **more: Any) -> dict[str, Any]:
    """The document of a machine."""
    return {**document(MACHINE), **LAB[name], **more}


def write(folder: Path, name: str, **more: Any) -> Path:
    """The file of a machine."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(facts(name, **more)), encoding="utf-8")
    return path
