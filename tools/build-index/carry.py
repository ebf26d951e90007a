"""Carry the records and facts that tests need into `tests/data`, from the material folder.

    python tools/build-index/carry.py ../shared

The tests pass without that folder, so what they use is kept in the repository. Records are copied
whole, fields and all; tables are reduced to the columns that are facts. Where each file comes from
is in `tests/data/SOURCES.md`. The same input gives the same bytes. Needs ruamel.yaml.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import build_index
import conda_forge
import rules
from material import read_releases, read_rows

TARGET = Path(__file__).resolve().parents[2] / "tests" / "data"
#: The packages carried from the pytorch channel: the torch family, those that its records refer to,
#: and the two that hide other channels' packages under strict channel priority.
TORCH_NAMES = frozenset(
    {
        *build_index.NAMES,
        "torchtriton",
        "torchdata",
        "pytorch-mutex",
        "cpuonly",
        "ffmpeg",
        "libjpeg-turbo",
    }
)
#: Runtime packages to start from; the other CUDA runtimes are reachable from pytorch-cuda.
RUNTIME_ROOTS = frozenset({"cudatoolkit"})
RUNTIME_CHANNELS = ("nvidia", "nvidia/label/cuda-12.4.0")
RUNTIME_SUBDIRS = ("linux-64", "win-64", "noarch")
SECTIONS = ("packages", "packages.conda")
OFFICIAL_COLUMNS = (
    *("torch", "os", "subdirs", "cuda", "torchvision", "torchaudio"),
    *("runtime", "channels", "flag"),
)
RELEASE_FACTS = ("date", "torchvision", "torchaudio", "torchtext", "python_conda", "conda")
SUBDIRS_OF = {"linux": ("linux-64",), "windows": ("win-64",), "macos": ("osx-64", "osx-arm64")}

Repodata = dict[str, Any]


def read(path: Path) -> Repodata | None:
    """Read a repodata file; None if there is none."""
    if not path.exists():
        return None
    data: Repodata = json.loads(path.read_text(encoding="utf-8"))
    return data


def only(data: Repodata, names: Iterable[str]) -> Repodata:
    """The same repodata with the records of these package names alone."""
    wanted = frozenset(names)
    kept = dict(data)
    for section in SECTIONS:
        records = data.get(section, {})
        kept[section] = {fn: records[fn] for fn in sorted(records) if records[fn]["name"] in wanted}
    return kept


def reachable(roots: Iterable[str], channels: Iterable[Repodata]) -> set[str]:
    """The names that the roots need, directly or through each other's records."""
    needs: dict[str, set[str]] = {}
    for data in channels:
        for section in SECTIONS:
            for record in data.get(section, {}).values():
                names = {spec.split()[0] for spec in record["depends"]}
                needs.setdefault(record["name"], set()).update(names)
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(needs.get(name, ()))
    return found


def rendered(data: Repodata) -> str:
    """Repodata as JSON with one record per line, for readable diffs."""
    lines = []
    for name in sorted(data):
        value = data[name]
        if name in SECTIONS and value:
            inner = ",\n".join(f'"{fn}":{_short(record)}' for fn, record in value.items())
            lines.append(f'"{name}":{{\n{inner}\n}}')
        else:
            lines.append(f'"{name}":{_short(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _short(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def channels(shared: Path) -> dict[str, str]:
    """The trimmed repodata files, by path under `tests/data`."""
    files: dict[str, str] = {}
    torch: list[Repodata] = []
    for subdir in build_index.SUBDIRS:
        for file in ("repodata.json", "repodata_from_conda_lock.json"):
            place = f"channels/pytorch/{subdir}/{file}"
            if data := read(shared / place):
                kept = only(data, TORCH_NAMES)
                files[place] = rendered(kept)
                torch.append(kept)
    runtime = {
        f"channels/{channel}/{subdir}/repodata.json": data
        for channel in RUNTIME_CHANNELS
        for subdir in RUNTIME_SUBDIRS
        if (data := read(shared / "channels" / channel / subdir / "repodata.json"))
    }
    roots = reachable({"pytorch-cuda"}, torch) | RUNTIME_ROOTS
    names = reachable(roots, runtime.values())
    return files | {place: rendered(only(data, names)) for place, data in runtime.items()}


def official(shared: Path, releases: Mapping[str, Any]) -> str:
    """The conda rows of the official install commands, reduced to what each requests.

    `flag` is no-such-build if the page requests a CUDA variant that was never built.
    """
    rows: list[list[str]] = [list(OFFICIAL_COLUMNS)]
    for row in read_rows(shared / "compat" / "official_commands.tsv"):
        if row["manager"] != "conda":
            continue
        words = row["command"].split()
        pins = dict(re.findall(r"(\S+?)==?(\S+)", row["command"]))
        runtime = [
            word for word in words if re.match(r"(pytorch-cuda|cudatoolkit)=|cpuonly$", word)
        ]
        sources = [after for word, after in pairwise(words) if word == "-c"]
        digits = row["cuda"].removeprefix("cu")
        built = releases[row["torch_version"]]["conda"]["cpu"]
        subdirs = [subdir for subdir in SUBDIRS_OF[row["os"]] if subdir in built]
        rows.append(
            [
                row["torch_version"],
                row["os"],
                ",".join(subdirs),
                row["cuda"] if row["cuda"] == "cpu" else f"{digits[:-1]}.{digits[-1]}",
                pins.get("torchvision", ""),
                pins.get("torchaudio", ""),
                *(runtime or [""]),
                ",".join(sources),
                "no-such-build" if row["note"].startswith("WRONG") else "",
            ]
        )
    return _table(rows)


def compute_capability(shared: Path) -> str:
    """The architectures of each CUDA build of the covered releases."""
    rows = [["version", "build", "architectures"]]
    for row in read_rows(shared / "channels" / "compute_capability.tsv"):
        version = row["version"].partition("+")[0]
        if row["package"] == "pytorch" and rules.number(version) >= rules.number(rules.FIRST):
            rows.append([row[name] for name in rows[0]])
    return _table(rows)


def release_facts(releases: Mapping[str, Any]) -> str:
    """The releases of the channel, one per line."""
    kept = {
        version: {name: facts[name] for name in RELEASE_FACTS}
        for version, facts in sorted(releases.items(), key=lambda item: rules.number(item[0]))
        if facts["conda"]
    }
    lines = ",\n".join(f'"{version}":{_short(facts)}' for version, facts in kept.items())
    return f'{{"schema":1,"releases":{{\n{lines}\n}}}}\n'


def _table(rows: Iterable[Iterable[str]]) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def carried(shared: Path) -> dict[str, str]:
    """Every file that this script makes, by path under `tests/data`."""
    releases = read_releases(shared)
    return channels(shared) | {
        "official_conda.tsv": official(shared, releases),
        "compute_capability.tsv": compute_capability(shared),
        "releases.json": release_facts(releases),
        "conda_forge_builds.json": conda_forge.builds(shared),
    }


def main() -> None:
    """Write the files and print their sizes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("shared", type=Path, help="the folder with channels/ and compat/")
    parser.add_argument("--out", type=Path, default=TARGET, help="where to write (%(default)s)")
    options = parser.parse_args()
    for place, text in carried(options.shared).items():
        path = options.out / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        print(f"{len(text.encode()):8} {place}")


if __name__ == "__main__":
    main()
