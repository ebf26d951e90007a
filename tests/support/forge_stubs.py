"""Builds of conda-forge for tests: real records, and stubs where no record could be had.

A stub is made from the feedstocks' matrices (`tests/data/conda_forge_builds.json`) and marked
`derived`. It has the variant, the Pythons and the build number of its matrix, and an invented hash.
It proves mechanics, never which GPU or CUDA a real build is for: expected values are typed by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

from conda_torchmirror.index import builtin
from conda_torchmirror.models import Build
from conda_torchmirror.selection.facts import conda_forge
from conda_torchmirror.selection.facts.cuda import data as table

DATA = Path(__file__).resolve().parent.parent / "data"
_VARIANT = re.compile(
    r"(?P<name>(?P<kind>cpu|cuda(?P<cuda>\d+))(?:_(?P<blas>mkl|generic))?)"
    r"(?: \((?P<arm>tegra)\))?(?: \(glibc>=(?P<glibc>[\d.]+)\))?"
)


@cache
def builds(subdir: str) -> tuple[Build, ...]:
    """Every real record of a platform, and a stub for each other cell of the matrices."""
    records = builtin.load(subdir, channel="conda-forge")
    assert records is not None
    real = tuple(records.builds)
    known = {_cell(build) for build in real}
    return (*real, *(stub for stub in _stubs(subdir) if _cell(stub) not in known))


def _cell(build: Build) -> tuple[object, ...]:
    """What tells the cells of a matrix apart."""
    facts = conda_forge.read(build)
    variant = (facts.cuda, facts.blas, facts.arm, facts.python)
    return (build.name, build.version, build.build_number, *variant)


def _stubs(subdir: str) -> Iterator[Build]:
    matrices = json.loads((DATA / "conda_forge_builds.json").read_text(encoding="utf-8"))
    for name, rows in matrices["packages"].items():
        for version, count, _date, torch, platforms in rows:
            if subdir in platforms:
                cell = matrices["cells"][platforms[subdir]]
                for variant in cell["variants"]:
                    for python in cell["python"]:
                        yield _stub(name, version, count, torch, subdir, variant, python)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _stub(
    name: str, version: str, count: int, torch: str, subdir: str, variant: str, python: str
) -> Build:
    found = _VARIANT.fullmatch(variant)
    assert found, variant
    digits = python.replace(".", "")
    depends = ["python", f"python_abi {python}.* *_cp{digits}"]
    number = count
    if cuda := found["cuda"]:
        major = int(cuda[:2])
        depends.append(f"cuda-version >={major}.{cuda[2:]},<{major + 1}")
    if found["glibc"]:
        depends.append(f"__glibc >={found['glibc']},<3.0.a0")
    for floor in table("conda_forge.json")["floors"]["osx"].get(subdir, ()):
        if name == "pytorch" and _numbers(floor["since"]) <= _numbers(version):
            depends.append(f"__osx >={floor['osx']}")
    if name == "pytorch":
        number += 200 * bool(cuda) + 100 * (found["blas"] == "mkl")
        depends += ["__cuda"] * bool(cuda)
        depends.append("mkl" if found["blas"] == "mkl" else "nomkl")
        if cuda and major == 11:
            # As the real records of 2.4.0 for CUDA 11.8.
            depends.append("cudnn >=8.9.7.29,<9.0a0")
        elif cuda and major == 12:
            # As the records; every build for CUDA 12 takes 9.10, the feedstock's issues say.
            old = _numbers(version) < (2, 6)
            depends.append("cudnn >=9.3.0.75,<10.0a0" if old else "libcudnn >=9.10.2.21,<10.0a0")
    else:
        first, second = (int(part) for part in torch.split("."))
        depends.append(f"pytorch * {found['kind'][:4].rstrip('1')}*")
        depends.append(f"pytorch >={first}.{second}.0,<{first}.{second + 1}.0a0")
    invented = sha256(f"{name} {version} {variant} {python} {number} {subdir}".encode()).hexdigest()
    word = found["name"] if name == "pytorch" else found["kind"]
    build = f"{word}_py{digits}_h{invented[:7]}_{number}"
    return Build(
        *(name, version, build, number, subdir, "conda-forge"),
        fn=f"{name}-{version}-{build}.conda",
        depends=tuple(depends),
        known_by="derived",
    )
