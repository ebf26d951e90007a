"""Facts of conda-forge's records: named ones typed by hand, and all that there are."""

from __future__ import annotations

import csv
import json
import re

import pytest
from support.forge_records import FAMILY, PLATFORMS, builds, find_build
from support.material import material

from conda_torchmirror.models import Build
from conda_torchmirror.selection.facts.conda_forge import read


@pytest.mark.parametrize(
    ("subdir", "name", "version", "build", "expected"),
    [
        (
            *("linux-64", "pytorch", "2.12.1", "cuda130_mkl_py314_h5d99997_300"),
            {
                **{"accelerator": "cuda", "cuda": "13.0", "python": "3.14", "number": 0},
                **{"blas": "mkl", "glibc": "2.28", "cudnn": "9.23.1.3"},
                **{"runtime": "cuda-version", "arm": None, "osx": None},
            },
        ),
        (
            *("linux-64", "pytorch", "2.12.0", "cuda130_generic_py314_h61e8f04_200"),
            {"cuda": "13.0", "blas": "generic", "number": 0, "glibc": "2.28"},
        ),
        (
            *("linux-64", "pytorch", "2.13.0", "cpu_mkl_py312_h999dc20_102"),
            {
                **{"accelerator": "cpu", "cuda": None, "python": "3.12", "number": 2},
                **{"blas": "mkl", "glibc": "2.17", "cudnn": None},
            },
        ),
        # CUDA 11 comes by cudatoolkit, the string says no BLAS and the hash is glued on.
        (
            *("linux-64", "pytorch", "2.4.0", "cuda118_py311h4ee7bbc_301"),
            {
                **{"accelerator": "cuda", "cuda": "11.8", "python": "3.11", "number": 1},
                **{"runtime": "cudatoolkit", "cudnn": "8.9.7.29", "blas": "mkl"},
            },
        ),
        (
            *("linux-64", "pytorch", "2.5.1", "cuda126_py311hd4abd4e_303"),
            {"cuda": "12.6", "number": 3, "glibc": "2.28", "blas": "mkl"},
        ),
        (
            *("linux-aarch64", "pytorch", "2.5.1", "cuda126_py311h81e0feb_206"),
            {"cuda": "12.6", "number": 6, "glibc": "2.28", "blas": "generic", "arm": "sbsa"},
        ),
        (
            *("linux-aarch64", "pytorch", "2.12.0", "cpu_generic_py311_h8ebb990_0"),
            {"accelerator": "cpu", "arm": None, "glibc": None, "blas": "generic", "number": 0},
        ),
        (
            *("osx-arm64", "pytorch", "2.13.0", "cpu_generic_py312_ha1580ae_2"),
            {"accelerator": "cpu", "osx": "12.0", "glibc": None, "blas": "generic", "number": 2},
        ),
        # Both specs on __osx hold.
        (
            *("osx-64", "pytorch", "2.4.0", "cpu_mkl_py312h0c6306f_101"),
            {"osx": "10.15", "number": 1, "blas": "mkl"},
        ),
        # The field counts, not the end of the string.
        (
            *("osx-arm64", "pytorch", "2.5.1", "cpu_generic_py311h9d776f9_3"),
            {"number": 1},
        ),
        (
            *("win-64", "pytorch", "2.10.0", "cuda130_mkl_py312_hd6af8e7_303"),
            {"cuda": "13.0", "number": 3, "cudnn": "9.19.0.56", "glibc": None},
        ),
        # Two specs on cudnn: `<9.11` beside the range.
        (
            *("linux-64", "pytorch", "2.8.0", "cuda129_mkl_py310_ha2cb699_300"),
            {"cuda": "12.9", "cudnn": "9.10.1.4", "number": 0},
        ),
        # Partners: bare python first, the version in python_abi; no BLAS.
        (
            *("linux-64", "torchvision", "0.24.0", "cuda129_py312_h9f56bbf_2"),
            {"accelerator": "cuda", "cuda": "12.9", "python": "3.12", "number": 2, "blas": None},
        ),
        (
            *("linux-64", "torchvision", "0.21.0", "cuda126_py312_h3e02b30_1"),
            {"accelerator": "cuda", "cuda": "12.6", "python": "3.12"},
        ),
        (
            *("win-64", "torchvision", "0.25.0", "cuda130_py312_h3a33692_5"),
            {"cuda": "13.0", "cudnn": "9.20.0.48", "number": 5},
        ),
        (
            *("osx-arm64", "torchvision", "0.28.0", "cpu_py312_hebe7b9b_1"),
            {"accelerator": "cpu", "python": "3.12", "osx": "11.0"},
        ),
        (
            *("linux-64", "torchaudio", "2.10.0", "cuda129_py314haaa9aa7_0"),
            {"accelerator": "cuda", "cuda": "12.9", "python": "3.14"},
        ),
        # It says cpu and needs CUDA 11.8: what it needs counts.
        (
            *("linux-64", "torchaudio", "2.5.1", "cpu_py312h254f4b0_1"),
            {"accelerator": "cuda", "cuda": "11.8", "python": "3.12"},
        ),
        (
            *("linux-64", "torchaudio", "2.5.1", "cpu_py312h6db6e6d_1"),
            {"accelerator": "cpu", "cuda": None},
        ),
        # Metapackages.
        (
            *("linux-64", "pytorch-gpu", "2.12.0", "cuda129_generic_h1715cf7_200"),
            {"accelerator": "cuda", "cuda": "12.9", "python": None, "number": 0},
        ),
        (
            *("win-64", "pytorch-cpu", "2.13.0", "cpu_mkl_hf38594e_102"),
            {"accelerator": "cpu", "cuda": None, "python": None, "number": 2},
        ),
    ],
)
def test_a_record(
    subdir: str, name: str, version: str, build: str, expected: dict[str, object]
) -> None:
    found = read(find_build(subdir, name, version, build))._asdict()
    assert {field: found[field] for field in expected} == expected


@pytest.mark.parametrize(
    ("depends", "build", "expected"),
    [
        # Where nothing else says so: a spec on pytorch, then the build string.
        (("pytorch * cuda126*", "python_abi 3.12.* *_cp312"), "x_0", ("cuda", "12.6", "3.12")),
        (("pytorch * cpu*",), "py312_0", ("cpu", None, "3.12")),
        ((), "cuda_126py312h254f4b0_1", ("cuda", "12.6", "3.12")),
        ((), "cuda112py310h21def76_301", ("cuda", "11.2", "3.10")),
        ((), "cuda129_py313_h7de4b66_2", ("cuda", "12.9", "3.13")),
        ((), "py39h0123456_0", ("any", None, "3.9")),
        # A lower bound counts, an upper one does not.
        (("cuda-version >=12.9,<13",), "cpu_py312_0", ("cuda", "12.9", "3.12")),
        (("cudatoolkit >=11.8.0,<12.0a0",), "x_0", ("cuda", "11.8", None)),
        (("python >=3.11,<3.12.0a0",), "x_0", ("any", None, "3.11")),
        (("python",), "x_0", ("any", None, None)),
        (("python 3.12.* *_cpython", "python_abi 3.12.* *_cp312"), "x_0", ("any", None, "3.12")),
    ],
)
def test_where_a_fact_comes_from(
    depends: tuple[str, ...], build: str, expected: tuple[str | None, ...]
) -> None:
    found = read(Build("torchvision", "0.28.0", build, 0, "linux-64", depends=depends))
    assert (found.accelerator, found.cuda, found.python) == expected


@pytest.mark.parametrize(
    ("depends", "arm"),
    [
        (("arm-variant * tegra",), "tegra"),
        (("arm-variant * sbsa",), "sbsa"),
        # The recipe names the variant for the building alone; Jetson's is built against 2.34.
        (("__glibc >=2.34,<3.0.a0",), "tegra"),
        (("__glibc >=2.28,<3.0.a0",), "sbsa"),
        (("arm-variant * sbsa", "__glibc >=2.34,<3.0.a0"), "sbsa"),
        ((), "sbsa"),
    ],
)
def test_the_board_of_a_build_for_arm(depends: tuple[str, ...], arm: str) -> None:
    made = ("cuda-version >=12.9,<13", *depends)
    name = "cuda129_generic_py312_h0123456_200"
    assert read(Build("pytorch", "2.13.0", name, 200, "linux-aarch64", depends=made)).arm == arm
    assert read(Build("pytorch", "2.13.0", name, 200, "linux-64", depends=made)).arm is None


def test_the_cuda_that_a_runtime_may_have() -> None:
    build = find_build("linux-64", "pytorch", "2.5.1", "cuda126_py311hd4abd4e_303")
    assert read(build).cudas == ("12.6", "12.7", "12.8", "12.9")
    cpu = find_build("linux-64", "pytorch", "2.13.0", "cpu_mkl_py312_h999dc20_102")
    assert read(cpu).cudas == ()


# All records


NAMED = re.compile(
    r"(?P<kind>cpu|cuda_?(?P<cuda>\d{3}))(?:_(?P<blas>mkl|generic))?"
    r"(?:_?py(?P<python>\d{2,3}))?(?:_?h[0-9a-f]{7})?_(?P<number>\d+)"
)
#: It says cpu and needs CUDA 11.8.
CONTRADICTORY = ("torchaudio", "2.5.1", "cpu_py312h254f4b0_1")


def _agrees(build: Build) -> None:
    """Hold the facts of one record against its build string."""
    name = NAMED.fullmatch(build.build)
    assert name, build.spec
    facts = read(build)
    python = name["python"]
    if python and build.name in ("pytorch", "torchvision", "torchaudio"):
        assert facts.python == f"{python[0]}.{python[1:]}", build.spec
    if (build.name, build.version, build.build) != CONTRADICTORY:
        assert facts.accelerator == name["kind"][:4].rstrip("_"), build.spec
        if made_for := name["cuda"]:
            assert facts.cuda == f"{made_for[:2]}.{made_for[2]}", build.spec
        else:
            assert facts.cuda is None, build.spec
    if name["blas"] and build.name == "pytorch":
        assert facts.blas == name["blas"], build.spec
    # 200 for CUDA and 100 for MKL: of pytorch and its metapackages alone.
    if not build.name.startswith("torch"):
        hundreds = 200 * (facts.accelerator == "cuda")
        if build.name == "pytorch":
            hundreds += 100 * (facts.blas == "mkl")
            assert build.build_number == hundreds + facts.number, build.spec
        assert build.build_number - facts.number in (hundreds, hundreds + 100), build.spec
        assert facts.number < 20
    if build.name == "pytorch":
        assert (facts.cudnn is not None) == (facts.accelerator == "cuda")
        assert (facts.osx is not None) == build.subdir.startswith("osx-")


@pytest.mark.parametrize("subdir", PLATFORMS)
def test_facts_agree_with_the_build_string(subdir: str) -> None:
    for build in builds(subdir):
        if build.name in FAMILY:
            _agrees(build)


def test_all_records_of_the_material_agree_with_their_names() -> None:
    """Every one of 1,807 is read without an error, and those of the family agree."""
    channel = material("channels", "conda-forge")
    count = family = 0
    for subdir in (*PLATFORMS, "noarch"):
        path = channel / subdir / "repodata.json"
        data = json.loads(path.read_text(encoding="utf-8"))
        for record in (*data["packages"].values(), *data["packages.conda"].values()):
            build = Build(
                *(record[field] for field in ("name", "version", "build", "build_number")),
                subdir,
                depends=tuple(record["depends"]),
                constrains=tuple(record.get("constrains", ())),
            )
            count += 1
            read(build)
            if build.name in FAMILY:
                family += 1
                _agrees(build)
    assert (count, family) == (1807, 559)


def test_names_without_a_record_are_read_as_well() -> None:
    """Every build of 2.0 and later that a listing names: kind, CUDA, Python and number agree."""
    with material("channels", "listing.tsv").open(encoding="utf-8", newline="") as lines:
        rows = [
            row
            for row in csv.DictReader(lines, delimiter="\t")
            if row["channel"] == "conda-forge" and row["name"] in ("pytorch", "torchvision")
        ]
    assert len(rows) > 500
    for row in rows:
        name = NAMED.fullmatch(row["build"])
        assert name, row
        facts = read(
            Build(row["name"], row["version"], row["build"], int(name["number"]), row["subdir"])
        )
        made_for = name["cuda"]
        assert facts.accelerator == ("cuda" if made_for else "cpu")
        assert facts.cuda == (f"{made_for[:2]}.{made_for[2]}" if made_for else None)
        assert facts.python == f"{name['python'][0]}.{name['python'][1:]}"
        assert facts.number == int(name["number"]) % 100


@pytest.mark.parametrize(
    ("version", "build", "glibc"),
    [
        # Of cuDNN 9.3.0.75 there is a build for 2.17, of 9.7 and later none.
        ("2.5.1", "cuda126_mkl_py312_hdbe889e_310", "2.17"),
        ("2.4.1", "cuda120_py312hf8d5e09_302", "2.17"),
        ("2.4.1", "cuda120_mkl_py310_h1a43862_306", "2.28"),
        ("2.6.0", "cuda126_mkl_py312_h30b5a27_304", "2.28"),
        ("2.8.0", "cuda129_mkl_py312_had1c889_302", "2.28"),
    ],
)
def test_what_cuda_and_cudnn_need_counts(version: str, build: str, glibc: str) -> None:
    """The records of these builds say 2.17; nothing of 2.6 and later was installable there."""
    assert read(find_build("linux-64", "pytorch", version, build)).glibc == glibc


def test_that_they_need_it_is_in_their_records() -> None:
    path = material("channels", "conda-forge", "linux-64", "repodata.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    known = {"cudnn": (9, 7), "libcudnn": (9, 7), "libcublas": (12, 8), "cuda-cupti": (12, 9)}
    floors: dict[bool, set[str | None]] = {True: set(), False: set()}
    for record in (*data["packages"].values(), *data["packages.conda"].values()):
        if since := known.get(record["name"]):
            number = tuple(map(int, record["version"].split(".")))
            said = [spec for spec in record["depends"] if spec.startswith("__glibc >=2.28")]
            floors[number >= since].add("2.28" if said else None)
    assert floors[True] == {"2.28"}
    assert None in floors[False]
