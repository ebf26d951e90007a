"""Write the built-in lists of wheels: `conda_torchmirror/data/wheels/SUBDIR.json`.

    python tools/build-index/wheel_list.py ../shared

A wheel is `listed` if its name is in `wheels/wheel_listing.tsv` of the material folder, and
`derived` if `compat/releases.yaml` has the release, its partner, the directory and the Python, the
release is newer than the listing, and a rule below gives the name. `index/wheels/builtin.py`
explains the fields. The same input gives the same bytes. Needs ruamel.yaml.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from material import read_releases, read_rows
from rules import number
from wheel_facts import pairings, variants

OUT = Path(__file__).parents[2] / "conda_torchmirror" / "data" / "wheels"
SCHEMA = 1
EVIDENCE = ("listed", "derived")
PROJECTS = ("torch", "torchvision", "torchaudio", "torchtext")
#: The beginning and end of the platform tags of a subdir.
PLATFORMS = {
    "linux-64": ("linux", "x86_64"),
    "linux-aarch64": ("linux", "aarch64"),
    "win-64": ("win", "amd64"),
    "osx-64": ("macosx", "x86_64"),
    "osx-arm64": ("macosx", "arm64"),
}
#: Directories to choose from; the listing has others, such as `cu121_full`.
VARIANT = re.compile(r"cpu|cu\d{2,3}|rocm\d[\d.]*|xpu|")
#: The last releases for which the listing is complete: a wheel that it lacks does not exist.
COMPLETE = {"torch": "2.7.1", "torchvision": "0.16.0", "torchaudio": "2.1.0", "torchtext": "99"}
#: The first torch from which a platform's names follow the rule, in every directory.
DERIVED_SINCE = {"linux-64": "2.1.0", "win-64": "2.1.0", "linux-aarch64": "2.10.0"}
#: Where `cpu` has PyPI's own wheels, by the same names: of what the listing has there, from torch
#: 1.8.0 on, all but three old files are on PyPI as well (311).
PLAIN_IS_CPU = ("osx-64", "osx-arm64")
#: Up to torch 2.6.0 the names of partners in directories had another platform (naming.md).
OLD_LINUX, SINCE_NEWEST = "linux_x86_64", "2.7.0"
#: Wheels that the rule would derive but no source mentions.
NEVER = {("torchaudio", "2.11.0", "cu132"), ("torchaudio", "2.11.0", "cu129")}
NEWEST = {"linux-64": "manylinux_2_28_x86_64", "linux-aarch64": "manylinux_2_28_aarch64"}


class Wheel(NamedTuple):
    """A wheel for any Python: `tags` has `*` in place of the Python."""

    project: str
    version: str
    variant: str
    local: str
    build: str
    tags: str


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for subdir in PLATFORMS:
        document = rendered(subdir, collect(args.shared, subdir))
        (args.out / f"{subdir}.json").write_text(document, encoding="utf-8")


def collect(shared: Path, subdir: str) -> dict[Wheel, dict[str, tuple[str, int]]]:
    """The wheels of a platform, each with the evidence and the size in bytes (0 if unknown) by
    Python."""
    found: dict[Wheel, dict[str, tuple[str, int]]] = defaultdict(dict)
    for wheel, python, size in listed(shared, subdir):
        found[wheel][python] = ("listed", size)
    there = {
        (wheel.project, wheel.version, wheel.variant, python)
        for wheel, pythons in found.items()
        for python in pythons
    }
    for wheel, python in derived(shared, subdir):
        if (wheel.project, wheel.version, wheel.variant, python) not in there:
            found[wheel][python] = ("derived", 0)
    return found


def listed(shared: Path, subdir: str) -> Iterator[tuple[Wheel, str, int]]:
    """The wheels of the family in the listing, from torch 1.8.0 on."""
    begins, ends = PLATFORMS[subdir]
    paired = {
        (name, version)
        for row in pairings(shared)[0].values()
        for name, versions in row.items()
        for version in versions
    }
    inferred = pairings(shared)[1]
    paired |= {(n, v) for row in inferred.values() for n, vs in row.items() for v in vs}
    for row in read_rows(shared / "wheels" / "wheel_listing.tsv"):
        project, (version, _, local) = row["package"], row["version"].partition("+")
        platforms = row["platform"].split(".")
        here = any(begins in p and p.endswith(ends) for p in platforms) or platforms == ["any"]
        variant = "" if row["variant"] in ("pypi", "root") else row["variant"]
        if project not in PROJECTS or not here or not VARIANT.fullmatch(variant):
            continue
        if row["platform"] == "macosx_11_1_arm64":  # installers accept no minor of macOS 11
            continue
        if local.replace(".", "") not in ("", variant.replace(".", "")):
            continue
        if not re.fullmatch(r"[\d.]+", version):  # `.post4` are releases before 1.8.0
            continue
        if project == "torch" and number(version) < (1, 8):
            continue
        if project != "torch" and (project, version) not in paired:
            continue
        python, abi = row["python"], row["abi"]
        if not abi_is_known(python, abi):
            continue
        tags = f"{starred(python)}-{starred(abi)}-{row['platform']}"
        wheel = Wheel(project, version, variant, local, row["build"], tags)
        # A free-threaded Python is known by its ABI, `313t`.
        said = (abi if abi == f"{python}t" else python).removeprefix("cp") if "*" in tags else ""
        yield wheel, said, int(row["size"] or 0)


def abi_is_known(python: str, abi: str) -> bool:
    """Whether a wheel is for CPython 3 with one of its own ABIs, the free-threaded one included."""
    if python == "py3":
        return abi == "none"
    own = (python, f"{python}m", f"{python}t", "none")
    return bool(re.fullmatch(r"cp3\d+", python)) and abi in own


def starred(tag: str) -> str:
    """A tag with `*` in place of the Python, without the `m` in the ABI of 3.7 and older and the
    `t` of free-threaded builds."""
    return "cp*" if re.fullmatch(r"cp3\d+[mt]?", tag) else tag


def derived(shared: Path, subdir: str) -> Iterator[tuple[Wheel, str]]:
    """The wheels of releases newer than the listing, by the build matrix."""
    stated = pairings(shared)[0]
    if subdir in PLAIN_IS_CPU:
        released = {
            (project, version)
            for torch, row in read_releases(shared).items()
            if row["wheels"] is not None
            for project, versions in {"torch": [torch], **stated.get(torch, {})}.items()
            for version in versions
            if number(version) > number(COMPLETE[project])
        }
        for wheel, python, _ in listed(shared, subdir):
            # Whether files with a build number, which PyPI got later, are there is not known.
            plain = wheel.variant == wheel.build == ""
            if plain and (wheel.project, wheel.version) in released:
                yield wheel._replace(variant="cpu"), python
    if subdir not in DERIVED_SINCE:
        return
    directories = variants(shared)
    for torch, row in read_releases(shared).items():
        if row["wheels"] is None or number(torch) < number(DERIVED_SINCE[subdir]):
            continue
        for variant in ("cpu", *directories.get(torch, {}).get(subdir, ())):
            versions = {"torch": torch, **{n: v[0] for n, v in stated.get(torch, {}).items()}}
            for project, version in versions.items():
                if number(version) <= number(COMPLETE[project]):
                    continue
                if (project, version, variant) in NEVER:
                    continue
                platform = NEWEST.get(subdir, "win_amd64")
                if subdir == "linux-64" and number(torch) < number(SINCE_NEWEST):
                    platform = OLD_LINUX
                tags = f"cp*-cp*-{platform}"
                for python in row["python_wheel"]:
                    wheel = Wheel(project, version, variant, variant, "", tags)
                    yield wheel, python.replace(".", "")


def rendered(subdir: str, found: Mapping[Wheel, Mapping[str, tuple[str, int]]]) -> str:
    """The text of the document: one row for all Pythons that share the evidence."""
    tags = sorted({wheel.tags for wheel in found})
    rows: list[list[Any]] = []
    for wheel in sorted(found, key=_order):
        for evidence in EVIDENCE:
            pythons = {p: size for p, (known, size) in found[wheel].items() if known == evidence}
            if pythons:
                rows.append(_row(wheel, tags, pythons, evidence))
    head = {
        "schema": SCHEMA,
        "subdir": subdir,
        "date": "2026-11-25",
        "evidence": EVIDENCE,
        "tags": tags,
    }
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    start = json.dumps(head, separators=(",", ":"), indent=0)[:-2]
    return f'{start},\n"wheels":[\n{lines}\n]\n}}\n'


def _row(wheel: Wheel, tags: list[str], pythons: Mapping[str, int], evidence: str) -> list[Any]:
    names = sorted(pythons, key=lambda p: (len(p), p))
    row: list[Any] = [wheel.project, wheel.version, wheel.variant, tags.index(wheel.tags)]
    row += [" ".join(names), EVIDENCE.index(evidence)]
    sizes = _sizes(pythons.values())
    # Trailing fields are written only if they differ from the default.
    tail: list[Any] = [sizes, int(bool(wheel.local)), wheel.build]
    plain = [0, int(bool(wheel.variant)), ""]
    while tail and tail[-1] == plain[len(tail) - 1]:
        tail.pop()
    return row + tail


def _sizes(sizes: Iterable[int]) -> int:
    """The largest size in bytes, 0 if any is unknown."""
    sizes = list(sizes)
    return max(sizes) if all(sizes) else 0


def _order(wheel: Wheel) -> tuple[Any, ...]:
    return PROJECTS.index(wheel.project), number(wheel.version), wheel[2:]


if __name__ == "__main__":
    main()
