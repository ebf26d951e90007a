"""Write `data/conda_forge.json`: which releases conda-forge has, for which Python and CUDA.

    python tools/build-index/conda_forge.py MATERIAL/compat/conda_forge.yaml

The table was compiled from the history of the feedstocks, whose commits and dates it names. It
serves advice alone: nothing is chosen from it.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

OUT = Path(__file__).parents[2] / "conda_torchmirror" / "data" / "conda_forge.json"
PLATFORMS = ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")
#: Built for one machine alone (Jetson), or never on a platform.
SPECIAL = re.compile(r"tegra")
NO_TORCHAUDIO = ("win-64",)


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def platform(builds: dict[int, dict[str, Any]], subdir: str) -> dict[str, list[str]] | None:
    """The Pythons and CUDAs of a release on one platform, over all its builds."""
    pythons: set[str] = set()
    cudas: set[str] = set()
    for build in builds.values():
        found = build.get(subdir)
        if isinstance(found, dict):
            pythons |= set(found["python"])
            names = [name for name in found["variants"] if not SPECIAL.search(name)]
            digits = [m[1] for name in names if (m := re.match(r"cuda(\d+)", name))]
            cudas |= {f"{text[:-1]}.{text[-1]}" for text in digits}
    if not pythons:
        return None
    return {"python": sorted(pythons, key=_number), "cuda": sorted(cudas, key=_number)}


def partners(entries: list[str]) -> list[str]:
    """Versions without the numbers of their builds."""
    return sorted({entry.split(" ")[0] for entry in entries}, key=_number)


def main(path: str) -> None:
    """Read the table and write the reduced one."""
    table = YAML(typ="safe").load(Path(path).read_text(encoding="utf-8"))
    releases = [
        {
            "torch": version,
            "torchvision": partners(row["torchvision"]),
            "torchaudio": partners(row["torchaudio"]),
            "platforms": {
                subdir: found
                for subdir in PLATFORMS
                if (found := platform(row["builds"], subdir)) is not None
            },
        }
        for version, row in table["releases"].items()
    ]
    document = {
        "schema": 1,
        "about": "conda-forge's releases of PyTorch from 2.0 on, newest first: the Pythons and the"
        " CUDAs of their builds by platform, and the partners built for them. For advice alone.",
        "source": ["https://github.com/conda-forge/pytorch-cpu-feedstock"]
        + [f"https://github.com/conda-forge/{name}-feedstock" for name in ("torchvision",)]
        + ["https://github.com/conda-forge/torchaudio-feedstock"],
        "as_of": {
            name: str(table["as_of"][name]) for name in ("pytorch", "torchvision", "torchaudio")
        },
        "no_torchaudio": list(NO_TORCHAUDIO),
        "releases": releases,
    }
    rows = ",\n  ".join(json.dumps(row) for row in releases)
    head = json.dumps({k: v for k, v in document.items() if k != "releases"}, indent=1)
    OUT.write_text(f'{head[:-2]},\n "releases": [\n  {rows}\n ]\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
