"""Write the facts on the wheels of PyTorch: `conda_torchmirror/data/wheels.json`.

    python tools/build-index/wheel_facts.py ../shared

Reads `compat/releases.yaml`, `compat/official_commands.tsv` and `wheels/requires.tsv` of the
material folder. Facts that the material gives in prose are below, with their sources. The same
input gives the same bytes. Needs ruamel.yaml.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from material import read_releases, read_rows
from rules import number

OUT = Path(__file__).parents[2] / "conda_torchmirror" / "data" / "wheels.json"
PARTNERS = ("torchvision", "torchaudio", "torchtext")
#: The sources that the material was compiled from, with dates.
SOURCES = {
    "releases": "pytorch/vision README, pytorch/audio docs installation.rst, pytorch/text README, "
    "version-compatibility.md of PyTorchKR/pytorch.kr",
    "commands": "pytorch/pytorch.github.io previous-versions.md and get-started data, and their "
    "copies in PyTorchKR/pytorch.kr",
    "matrix": "pytorch/test-infra tools/scripts/generate_binary_build_matrix.py and its release "
    "branches",
    "metadata": "METADATA of PyPI's wheels",
}
AS_OF = {"releases": "2026-07-27", "matrix": "2026-09", "metadata": "2026-11-25"}

#: Partners that go with every release of torch from one on. By `default` says whether such a pair
#: is enough for a request that names no release: PyTorch's page of commands leaves torchaudio out
#: since 2.12, and has nothing on 2.15, which came without a torchvision of its own.
OPEN = [
    {
        "project": "torchaudio",
        "default": True,
        "since": "2.11.0",
        "torch": "2.11.0",
        "source": "https://docs.pytorch.org/audio/2.11.0/installation.html: works with 2.11 and "
        "every later release",
        "as_of": "2026-11-25",
    },
    {
        "project": "torchvision",
        "default": False,
        "since": "0.29.1",
        "torch": "2.14.0",
        "source": "https://github.com/pytorch/vision/releases/tag/v0.29.2: compatible with 2.14 "
        "and later; METADATA of 0.29.1 and 0.29.2: torch>=2.14.0",
        "as_of": "2026-11-25",
    },
    {
        "project": "torchdata",
        "default": True,
        "since": "0.7.1",
        "torch": "2.0.0",
        "source": "METADATA of 0.7.1 and 0.8.0 on PyPI: torch>=2",
        "as_of": "2026-11-28",
    },
]
#: The releases of torchdata for exactly one torch; the material has none for wheels.
TORCHDATA = {
    "1.11.0": "0.3.0",
    "1.12.0": "0.4.0",
    "1.12.1": "0.4.1",
    "1.13.0": "0.5.0",
    "1.13.1": "0.5.1",
    "2.0.0": "0.6.0",
    "2.0.1": "0.6.1",
    "2.1.0": "0.7.0",
}
_BY_PIP = "`on_pypi` and `highest_python` by asking pip for the files on PyPI (2026-11-28)"
#: Partners whose wheels have no accelerator code, in any directory: by platform the first release
#: that PyPI has, and by release the highest Python that it has one for, up to the next.
NEUTRAL = [
    {
        "project": "torchaudio",
        "until": "0.9.1",
        "on_pypi": {
            "linux-64": "0.8.0",
            "osx-64": "0.8.0",
            "osx-arm64": "0.9.0",
            "win-64": "0.8.0",
        },
        "highest_python": {"0.8.0": "3.9"},
        "source": "https://docs.pytorch.org/audio/2.11.0/installation.html: CPU and CUDA "
        f"distributions start with 0.10; {_BY_PIP}",
        "as_of": "2026-11-25",
    },
    {
        "project": "torchtext",
        "until": "0.18.0",
        # For linux-aarch64 0.15.2 has one, 0.18.0 none.
        "on_pypi": {
            "linux-64": "0.9.0",
            "osx-64": "0.9.0",
            "osx-arm64": "0.11.2",
            "win-64": "0.9.0",
        },
        "highest_python": {"0.9.0": "3.9", "0.12.0": "3.10", "0.15.1": "3.11", "0.17.2": "3.12"},
        "source": f"pytorch/text packaging: one wheel for each Python and platform; {_BY_PIP}",
        "as_of": "2026-11-25",
    },
    {
        "project": "torchdata",
        "until": "0.7.0",
        # 0.3.0, and those from 0.6.0 on, have one for any platform and Python: as their torch.
        "on_pypi": {
            "linux-64": "0.3.0",
            "linux-aarch64": "0.6.0",
            "osx-64": "0.3.0",
            "osx-arm64": "0.3.0",
            "win-64": "0.3.0",
        },
        "highest_python": {"0.3.0": "3.10", "0.6.0": "3.11"},
        "source": "METADATA of 0.3.0 to 0.7.0 on PyPI: torch==, one release each; of 0.7.1 and "
        f"0.8.0: torch>=2; {_BY_PIP}",
        "as_of": "2026-11-28",
    },
]
#: The first release whose wheel on PyPI is a CUDA build, by platform.
PLAIN_CUDA = {
    "linux-64": {"since": "1.8.0", "source": "PyPI's Linux wheels hold the default CUDA"},
    "linux-aarch64": {
        "since": "2.11.0",
        "source": "METADATA: CUDA libraries for every Linux from 2.11.0 on, for x86_64 before",
    },
}
#: Vendors of the accelerators other than CUDA, by the word that their directories begin with.
NAMED_ONLY = {"xpu": "Intel", "rocm": "AMD"}
#: A lower bound for the cuDNN of wheels whose METADATA was not seen, by release.
CUDNN_SINCE = {
    "2.4.0": "9.1",
    "source": "METADATA from 2.4.0 on: nvidia-cudnn-cu12==9.1.0.70 and newer; pytorch/builder "
    "build_cuda.sh: the same cuDNN in every variant",
}
#: The GPU code of wheels for linux-aarch64, by CUDA; that of the other platforms is in cuda.json.
AARCH64 = {
    "source": "https://github.com/pytorch/pytorch/pull/182849, issues/172663",
    "as_of": "2026-08",
    "cuda": {
        "12.6": ["8.0", "9.0"],
        "12.8": ["8.0", "9.0", "10.0", "12.0"],
        "13.0": ["8.0", "9.0", "10.0", "11.0", "12.0+PTX"],
    },
}
PLATFORMS = {
    "linux_x86_64": "linux-64",
    "windows": "win-64",
    "linux_aarch64_cuda": "linux-aarch64",
    "linux_rocm": "linux-64",
}


def dotted(variant: str) -> str:
    """The CUDA of a directory: 12.6 of cu126."""
    return f"{variant[2:-1]}.{variant[-1]}"


def official_commands(shared: Path) -> Iterator[dict[str, str]]:
    """The official pip commands, but for those that are flagged as wrong."""
    for row in read_rows(shared / "compat" / "official_commands.tsv"):
        if row["manager"] == "pip" and not re.match("WRONG|NOT INSTALLABLE", row["note"]):
            yield row


@cache
def pairings(shared: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The partners of each release: those stated by an official source, the preferred ones first,
    and those that the material marks as inferred."""
    stated: dict[str, dict[str, list[str]]] = {}
    inferred: dict[str, dict[str, list[str]]] = {}
    for torch, row in read_releases(shared).items():
        for name in PARTNERS:
            if version := row[name]:
                table = inferred if version.endswith("?") else stated
                table.setdefault(torch, {})[name] = [version.rstrip("?")]
    for row in official_commands(shared):
        pins = dict(re.findall(r"\b(torch\w*)==([\d.]+)", row["command"]))
        for name in PARTNERS:
            known = stated[row["torch_version"]].setdefault(name, [])
            if name in pins and pins[name] not in known:
                known.append(pins[name])
    return {v: {n: p for n, p in row.items() if p} for v, row in stated.items()}, inferred


def plain_cuda(shared: Path) -> dict[str, dict[str, str]]:
    """The CUDA of PyPI's wheels of torch, by platform and release."""
    by_release = {}
    for torch, row in read_releases(shared).items():
        default = row["pypi_linux_default"]
        if default and not default.endswith("?"):
            by_release[torch] = dotted(default)
    for row in read_rows(shared / "wheels" / "requires.tsv"):
        toolkit = re.search(r"cuda-toolkit\[[^]]*\]==(\d+\.\d+)", row["requires_dist"])
        if row["index"] == "pypi" and row["package"] == "torch" and toolkit:
            known = by_release.setdefault(row["version"], toolkit[1])
            if known != toolkit[1]:
                raise SystemExit(f"torch {row['version']}: {known} in one table, {toolkit[1]}")
    return {
        subdir: {
            torch: cuda
            for torch, cuda in sorted(by_release.items(), key=lambda row: number(row[0]))
            if number(torch) >= number(rule["since"])
        }
        for subdir, rule in PLAIN_CUDA.items()
    }


def cudnn(shared: Path) -> dict[str, dict[str, str]]:
    """The cuDNN that wheels of torch pin, by release and CUDA: the lowest seen."""
    seen: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    plain = plain_cuda(shared)["linux-64"]
    for row in read_rows(shared / "wheels" / "requires.tsv"):
        pin = re.search(r"nvidia-cudnn-cu\d+==(\d+\.\d+)[\d.]*", row["requires_dist"])
        public, _, local = row["version"].partition("+")
        if row["package"] != "torch" or not pin or (local and not local.startswith("cu")):
            continue
        # A row from a lock file has the resolved version, which may be newer than the pin.
        cuda = dotted(local) if local else plain.get(public)
        if cuda and (local or row["index"] == "pypi"):
            seen[public][cuda].add(pin[1])
    return {
        torch: {cuda: min(found, key=number) for cuda, found in sorted(by_cuda.items())}
        for torch, by_cuda in sorted(seen.items(), key=lambda row: number(row[0]))
    }


@cache
def variants(shared: Path) -> dict[str, dict[str, list[str]]]:
    """The directories beside `cpu` that a release has on each platform, by the build matrix."""
    found: dict[str, dict[str, list[str]]] = {}
    for torch, row in read_releases(shared).items():
        for key, subdir in PLATFORMS.items():
            names = [v for v in (row["wheels"] or {}).get(key, ()) if not v.endswith("?")]
            if names:
                found.setdefault(torch, {}).setdefault(subdir, []).extend(names)
    return found


def facts(shared: Path) -> dict[str, Any]:
    """The content of the file."""
    stated, inferred = pairings(shared)
    data = {torch: {"torchdata": [version]} for torch, version in TORCHDATA.items()}
    stated = {torch: row | data.get(torch, {}) for torch, row in stated.items()}
    return {
        "schema": 1,
        "about": "Wheels of PyTorch. Made by tools/build-index/wheel_facts.py.",
        "sources": SOURCES,
        "as_of": AS_OF,
        "pairings": {
            "about": "By release of torch, the partners that an official source states, the "
            "preferred one first. inferred: by no official source. open: from one release of a "
            "partner on, with every release of torch from one on. neutral: partners that hold "
            "nothing for an accelerator.",
            "stated": stated,
            "inferred": inferred,
            "open": OPEN,
            "neutral": NEUTRAL,
        },
        "plain": {
            "about": "The CUDA of wheels on PyPI, which say nothing of it in their name. Where a "
            "platform is missing, or a release below the first, they are CPU builds.",
            "since": {subdir: rule["since"] for subdir, rule in PLAIN_CUDA.items()},
            "sources": {subdir: rule["source"] for subdir, rule in PLAIN_CUDA.items()},
            "cuda": plain_cuda(shared),
        },
        "cudnn": {
            "about": "The cuDNN of a wheel by release and CUDA, as its METADATA pins it, and what "
            "those have at least that were not seen.",
            "since": CUDNN_SINCE,
            "builds": cudnn(shared),
        },
        "code": {"linux-aarch64": AARCH64},
        "variants": variants(shared),
        "named_only": NAMED_ONLY,
    }


def rendered(value: Any, indent: str = "") -> str:
    """JSON in which values that fit are on one line, for readable diffs."""
    short = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or len(indent) + len(short) <= 96:
        return short
    inner = indent + " "
    if isinstance(value, list):
        rows = [inner + rendered(item, inner) for item in value]
        return "[\n" + ",\n".join(rows) + f"\n{indent}]"
    rows = [f"{inner}{json.dumps(key)}: {rendered(item, inner)}" for key, item in value.items()]
    return "{\n" + ",\n".join(rows) + f"\n{indent}}}"


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    args.out.write_text(rendered(facts(args.shared)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
