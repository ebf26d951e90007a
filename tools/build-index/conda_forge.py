"""Write the facts on conda-forge's PyTorch, `data/conda_forge.json`, and the build matrices.

    python tools/build-index/conda_forge.py ../shared

The material was compiled from the history of the feedstocks, whose commits and dates it names.
`data/conda_forge.json` holds the facts that a choice and its advice use: GPU code, partners, which
release exists for which Python and CUDA. The matrices by build number go to `tests/data`
(`carry.py`): only tests make builds of them. The same input gives the same bytes. Needs
ruamel.yaml.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from forge_index import PLATFORMS
from material import read_releases, read_yaml
from rules import number

OUT = Path(__file__).parents[2] / "conda_torchmirror" / "data" / "conda_forge.json"
FEEDSTOCK = "https://github.com/conda-forge/{}-feedstock"
#: The keys of an architecture list: CUDA, the variant, the platform, the build numbers.
CODE_KEY = re.compile(
    r"(?P<cuda>\d+\.\d)(?: \((?P<variant>\w+)\))?(?:,? (?P<subdir>[a-z]+-\w+))?"
    r"(?:, _(?P<first>\d+)(?: (?:to _(?P<last>\d+)|(?P<later>and later)))?)?"
)
#: The form of a variant: its name, the ARM board, the oldest glibc that it runs on.
VARIANT = re.compile(r"(?P<name>\w+)(?: \((?P<arm>tegra)\))?(?: \(glibc>=(?P<glibc>[\d.]+)\))?")
#: Sentences of the material and their meaning; the script stops if their wording changes.
PROSE = {
    "blas": "mkl builds: libblas * *mkl (an existing openblas numpy is switched over), mkl "
    ">=20NN,<20NN+1; generic: nomkl, libcblas/liblapack; osx-arm64, linux-aarch64 generic only; "
    "win-64 mkl only; osx-64 both",
    "osx": "arm64 11.0, from 2.13.0 12.0; osx-64 10.15, from 2.8.0 11.0; still built for osx-64",
    "partner_cuda_check": "torchvision compares only the CUDA major with torch at import, "
    "torchaudio compares major.minor and raises (their extension code): a partner of another minor "
    "is right for torchvision (win-64 torch cuda128 + torchvision cuda129), wrong for torchaudio",
    "torchaudio_end": "2.11.0 _0 (2026-05-21) is the last and belongs to torch 2.10. There is none "
    "for torch 2.11 or newer on any platform, none at all on win-64. It drags in kaldi and "
    "torchcodec (torchcodec 0.15.0 was marked broken 2026-08-11)",
}
OSX_FLOORS = {
    "osx-64": [{"since": "2.0.0", "osx": "10.15"}, {"since": "2.8.0", "osx": "11.0"}],
    "osx-arm64": [{"since": "2.0.0", "osx": "11.0"}, {"since": "2.13.0", "osx": "12.0"}],
}
BLAS = {
    "linux-64": "mkl generic",
    "linux-aarch64": "generic",
    "osx-64": "mkl generic",
    "osx-arm64": "generic",
    "win-64": "mkl",
}
PARTNER_CUDA = {"torchvision": "major", "torchaudio": "minor"}
LAST_TORCHAUDIO = {"version": "2.11.0", "date": "2026-05-21", "torch": "2.10"}


class Variant(NamedTuple):
    """One cell of a feedstock's matrix. `cuda` is major.minor, None for a CPU build."""

    cuda: str | None
    arm: str | None
    glibc: str | None


def variant(text: str) -> Variant:
    """Parse a variant such as `cuda129_generic (tegra) (glibc>=2.34)`."""
    found = VARIANT.fullmatch(text)
    if not found:
        raise SystemExit(f"variant {text!r} is in no known form: mend conda_forge.py")
    cuda = re.match(r"cuda(\d+)(\d)", found["name"])
    return Variant(f"{cuda[1]}.{cuda[2]}" if cuda else None, found["arm"], found["glibc"])


def matrices(builds: Mapping[Any, Mapping[str, Any]]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Each build number (or name) with its date and its cells by platform.

    `same` in the material stands for the cells of the build before it.
    """
    before: dict[str, Any] = {}
    for which, row in builds.items():
        if not row.get("same"):
            before = {subdir: row[subdir] for subdir in PLATFORMS if subdir in row}
        yield which, {"date": row["date"], "platforms": before}


def platform(builds: Mapping[int, Mapping[str, Any]], subdir: str) -> dict[str, Any] | None:
    """The facts on a release on one platform: the Pythons and CUDAs over all its builds, the oldest
    glibc of its newest builds if not 2.17, and the CUDAs of its variant for Jetson."""
    pythons: set[str] = set()
    found: dict[Variant, int] = {}
    for which, row in matrices(builds):
        if cell := row["platforms"].get(subdir):
            pythons |= set(cell["python"])
            found |= dict.fromkeys(map(variant, cell["variants"]), which)
    if not pythons:
        return None
    plain = [one for one in found if one.arm is None]
    newest = {one.cuda: max(found[o] for o in plain if o.cuda == one.cuda) for one in plain}
    facts: dict[str, Any] = {
        "python": sorted(pythons, key=number),
        "cuda": sorted({one.cuda for one in plain if one.cuda}, key=number),
    }
    floors = {
        one.cuda or "cpu": one.glibc
        for one in plain
        if one.glibc and found[one] == newest[one.cuda]
    }
    if floors:
        facts["glibc"] = dict(sorted(floors.items()))
    if tegra := sorted({one.cuda for one in found if one.arm and one.cuda}, key=number):
        facts["tegra"] = tegra
    return facts


def partners(entries: list[str]) -> list[str]:
    """The versions in entries, without the build numbers."""
    return sorted({entry.split(" ")[0] for entry in entries}, key=number)


#: By partner, minor of torch and version: by platform, the Pythons and CUDAs over all its builds.
Cells = dict[str, dict[str, dict[str, dict[str, Any]]]]


def partner_cells(table: Mapping[str, Any]) -> Cells:
    """The Pythons and CUDAs of every partner, as the matrices by build number have them."""
    found: Cells = {}
    for name, entries in table["partners_by_build"].items():
        for which, row in matrices(entries):
            torch = found.setdefault(name, {}).setdefault(entries[which]["torch"], {})
            there = torch.setdefault(which.split(" ")[0], {})
            for subdir, cell in row["platforms"].items():
                cuda = {one.cuda for one in map(variant, cell["variants"]) if one.cuda}
                known = there.setdefault(subdir, {"python": [], "cuda": []})
                for key, more in (("python", {*cell["python"]}), ("cuda", cuda)):
                    known[key] = sorted({*known[key], *more}, key=number)
    return found


def code(releases: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The architecture lists, each once with the releases and platforms that have it.

    Rows that name build numbers come first, because they override general ones.
    """
    rows: dict[str, dict[str, Any]] = {}
    for torch, release in releases.items():
        for key, carried in release["arch"].items():
            found = CODE_KEY.fullmatch(key)
            if not found:
                raise SystemExit(f"architectures of {key!r}: mend conda_forge.py")
            row: dict[str, Any] = {"cuda": found["cuda"]}
            if found["variant"]:
                row["variant"] = found["variant"]
            if found["first"]:
                last = found["last"] or (None if found["later"] else found["first"])
                row["numbers"] = [int(found["first"]), None if last is None else int(last)]
            subdirs = [found["subdir"]] if found["subdir"] else _built(release, found["cuda"])
            row |= {"subdirs": subdirs, "carried": carried}
            rows.setdefault(json.dumps(row), {**row, "torch": []})["torch"].append(torch)
    return sorted(rows.values(), key=lambda row: "numbers" not in row)


def _built(release: Mapping[str, Any], cuda: str) -> list[str]:
    """The platforms that a release was built for with this CUDA."""
    return [
        subdir
        for subdir in PLATFORMS
        if (found := platform(release["builds"], subdir)) and cuda in found["cuda"]
    ]


def upstream(releases: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The minor of torchvision that upstream made for each minor of torch, from 2.0 on."""
    pairs = {}
    for torch, row in releases.items():
        vision = str(row["torchvision"])
        if number(torch) >= (2, 0) and "?" not in vision:
            pairs[torch.rpartition(".")[0]] = vision.rpartition(".")[0]
    return dict(sorted(pairs.items(), key=lambda pair: number(pair[0])))


def _grouped(platforms: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cells of one version, each once with the platforms that have it."""
    rows: dict[str, dict[str, Any]] = {}
    for subdir in filter(platforms.__contains__, PLATFORMS):
        cell = platforms[subdir]
        rows.setdefault(json.dumps(cell), {"subdirs": [], **cell})["subdirs"].append(subdir)
    return list(rows.values())


def release_row(
    torch: str, row: Mapping[str, Any], cells: Cells, known: list[Any]
) -> dict[str, Any]:
    """The facts on one release: dates, last build number, partners, platforms.

    A partner's version has the index of its cells in `known`, which grows.
    """
    builds = row["builds"]

    def placed(name: str) -> dict[str, int]:
        there = cells[name].get(torch.rpartition(".")[0], {})
        if sorted(there, key=number) != partners(row[name]):
            raise SystemExit(f"{name} for {torch}: {row[name]}, but the matrices have {[*there]}")
        made = {version: _grouped(there[version]) for version in partners(row[name])}
        known.extend(one for one in made.values() if one not in known)
        return {version: known.index(one) for version, one in made.items()}

    return {
        "torch": torch,
        "first": builds[min(builds)]["date"],
        "last": builds[max(builds)]["date"],
        "number": max(builds),
        "torchvision": placed("torchvision"),
        "torchaudio": placed("torchaudio"),
        "platforms": {
            subdir: found for subdir in PLATFORMS if (found := platform(builds, subdir)) is not None
        },
    }


def facts(shared: Path) -> str:
    """The text of `data/conda_forge.json`."""
    table = read_yaml(shared / "compat" / "conda_forge.yaml")
    said = {**table["run_requirements"], **table}
    for name, words in PROSE.items():
        if said[name] != words:
            raise SystemExit(f"{name} reads {said[name]!r} now: see what it means, mend PROSE")
    as_of = {name: str(table["as_of"][name]) for name in ("pytorch", "torchvision", "torchaudio")}
    pytorch = FEEDSTOCK.format("pytorch-cpu")
    head = {
        "schema": 3,
        "about": "conda-forge's releases of PyTorch from 2.0 on, newest first, as the feedstocks' "
        "recipes and matrices have them: what of that was uploaded, an index says.",
        "source": [pytorch, FEEDSTOCK.format("torchvision"), FEEDSTOCK.format("torchaudio")],
        "as_of": as_of,
        "partner_cuda": {
            "about": "How far the CUDA of a partner has to be that of its pytorch.",
            "source": "the extension code of torchvision and torchaudio",
            "as_of": as_of["torchvision"][:10],
            "same": PARTNER_CUDA,
        },
        "upstream": {
            "about": "The torchvision that upstream made for each torch. The channel has builds of "
            "a torchvision for another torch as well; this one is preferred.",
            "source": "https://github.com/pytorch/vision, the table of its README",
            "as_of": "2026-11-25",
            "torchvision": upstream(read_releases(shared)),
        },
        "last_torchaudio": {**LAST_TORCHAUDIO, "source": FEEDSTOCK.format("torchaudio")},
        "cudnn": {
            "about": "The packages that bring cuDNN; which GPU needs which cuDNN is in cuda.json. "
            "A build names a range of one of them, so a lower cuDNN within it can be pinned.",
            "source": [
                "https://github.com/pytorch/pytorch/issues/162574",
                "https://github.com/immich-app/immich/pull/23110",
            ],
            "as_of": "2026-08",
            "packages": ["cudnn", "libcudnn"],
        },
        "floors": {
            "about": "The oldest systems that the builds run on, where a record says nothing. The "
            "glibc of a platform's CUDA is with the release, where it is another than this.",
            "source": f"{pytorch}: c_stdlib_version and MACOSX_DEPLOYMENT_TARGET of .ci_support",
            "as_of": as_of["pytorch"][:10],
            "glibc": "2.17",
            "tegra_glibc": "2.34",
            "libraries": {
                "about": "What cuDNN and CUDA need from these versions on, and so builds that need "
                "them: all for CUDA 12 and later from this torch on. Their own records say less.",
                "source": [FEEDSTOCK.format(name) for name in ("cudnn", "libcublas")],
                "as_of": "2026-11-25",
                "glibc": "2.28",
                "cudnn": "9.7",
                "cuda": "12.8",
                "torch": "2.6.0",
            },
            "osx": OSX_FLOORS,
        },
        "blas": {
            "about": "The BLAS in the build strings of a platform.",
            "source": f"{pytorch}: blas_impl of .ci_support",
            "as_of": as_of["pytorch"][:10],
            "platforms": BLAS,
        },
    }
    code_head = {
        "about": "TORCH_CUDA_ARCH_LIST: X.Y is machine code, +PTX stands for its PTX besides. The "
        "first row that has the release, CUDA, platform, variant and build number holds. numbers: "
        "the first and the last, null where it goes on; without them all of a release.",
        "source": f"{pytorch}: recipe/build.sh and bld.bat, by commit",
        "as_of": as_of["pytorch"][:10],
        "ptx": {
            "since": None,
            "source": "nothing shows that cuDNN and cuBLAS run where torch's own code does by PTX",
            "as_of": "2026-11-25",
        },
    }
    releases = table["releases"]
    cells, known = partner_cells(table), list[Any]()
    rows = [release_row(torch, row, cells, known) for torch, row in releases.items()]
    partner_head = {
        "about": "The Pythons and CUDAs of partners by platform, over the builds of a version for "
        "one minor of torch. A release names a row for each version of a partner.",
        "source": [FEEDSTOCK.format(name) for name in cells],
        "as_of": as_of["torchvision"][:10],
    }
    about_partners = "".join(
        f'  "{name}": {json.dumps(value)},\n' for name, value in partner_head.items()
    )
    about = "".join(f'  "{name}": {json.dumps(value)},\n' for name, value in code_head.items())
    return (
        f"{json.dumps(head, indent=1)[:-2]},\n"
        f' "code": {{\n{about}  "builds": [\n  {_lines(code(releases))}\n  ]\n }},\n'
        f' "partners": {{\n{about_partners}  "builds": [\n  {_lines(known)}\n  ]\n }},\n'
        f' "releases": [\n  {_lines(rows, ",")}\n ]\n}}\n'
    )


def _lines(rows: list[Any], between: str = ", ") -> str:
    return ",\n  ".join(json.dumps(row, separators=(between, ": ")) for row in rows)


def builds(shared: Path) -> str:
    """The text of `tests/data/conda_forge_builds.json`: the matrices by build number.

    `cells` holds every pair of Pythons and variants once, `packages` their indexes by package,
    version, build number and platform.
    """
    table = read_yaml(shared / "compat" / "conda_forge.yaml")
    cells: list[Any] = []

    def place(cell: Any) -> int:
        if cell not in cells:
            cells.append(cell)
        return cells.index(cell)

    def placed(row: Mapping[str, Any]) -> dict[str, Any]:
        return {subdir: place(cell) for subdir, cell in row["platforms"].items()}

    packages: dict[str, list[Any]] = {"pytorch": []}
    for torch, release in table["releases"].items():
        for which, row in matrices(release["builds"]):
            packages["pytorch"].append([torch, which, row["date"], torch, placed(row)])
    for name, entries in table["partners_by_build"].items():
        packages[name] = []
        for which, row in matrices(entries):
            version, tail = which.split(" _")
            pinned = entries[which]["torch"]
            packages[name].append([version, int(tail), row["date"], pinned, placed(row)])
    lines = [f' "{name}": [\n  {_lines(rows)}\n ]' for name, rows in packages.items()]
    inner = ",\n".join(lines)
    return f'{{\n"schema": 1,\n"cells": [\n  {_lines(cells)}\n],\n"packages": {{\n{inner}\n}}\n}}\n'


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("shared", type=Path, help="the folder with compat/")
    parser.add_argument("--out", type=Path, default=OUT, help="where to write (%(default)s)")
    options = parser.parse_args()
    options.out.write_bytes(facts(options.shared).encode())


if __name__ == "__main__":
    main()
