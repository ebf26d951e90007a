"""Facts of conda-forge's records: named ones typed by hand, and all that there are."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Hashable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.material import material

from conda_torchmirror.index import builtin, match
from conda_torchmirror.models import Build, Installed, Machine
from conda_torchmirror.selection.facts import conda_forge, cuda
from conda_torchmirror.selection.facts.conda_forge import pairs, partner_key, read, torch_keys

ROOT = Path(__file__).resolve().parents[3]
PLATFORMS = ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")
TABLES = cuda.conda_forge_tables()


@cache
def _builds(subdir: str) -> tuple[Build, ...]:
    records = builtin.load(subdir, channel="conda-forge")
    assert records is not None
    return records.builds


def _build(subdir: str, name: str, version: str, build: str) -> Build:
    return next(
        found
        for found in _builds(subdir)
        if (found.name, found.version, found.build) == (name, version, build)
    )


# Named records


@pytest.mark.parametrize(
    ("subdir", "name", "version", "build", "expected"),
    [
        (
            *("linux-64", "pytorch", "2.12.1", "cuda130_mkl_py314_h5d99997_300"),
            {
                **{"accelerator": "cuda", "cuda": "13.0", "python": "3.14", "number": 0},
                **{"blas": "mkl", "glibc": "2.28", "cudnn": "9.23.1.3", "needs_driver": True},
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
                **{"blas": "mkl", "glibc": "2.17", "cudnn": None, "needs_driver": False},
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
    found = read(_build(subdir, name, version, build))._asdict()
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
    build = _build("linux-64", "pytorch", "2.5.1", "cuda126_py311hd4abd4e_303")
    assert read(build).cudas == ("12.6", "12.7", "12.8", "12.9")
    cpu = _build("linux-64", "pytorch", "2.13.0", "cpu_mkl_py312_h999dc20_102")
    assert read(cpu).cudas == ()


# All records


FAMILY = ("pytorch", "torchvision", "torchaudio", "pytorch-gpu", "pytorch-cpu")
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
        assert facts.needs_driver == (facts.accelerator == "cuda")
        assert (facts.cudnn is not None) == (facts.accelerator == "cuda")
        assert (facts.osx is not None) == build.subdir.startswith("osx-")


@pytest.mark.parametrize("subdir", PLATFORMS)
def test_facts_agree_with_the_build_string(subdir: str) -> None:
    for build in _builds(subdir):
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


# Partners


def test_all_specs_on_pytorch_hold() -> None:
    vision = _build("linux-64", "torchvision", "0.21.0", "cuda126_py312_h3e02b30_1")
    assert conda_forge.torch_specs(vision) == (
        "pytorch >=2.6.0,<2.7.0a0",
        "pytorch * cuda126*",
    )


def _key(name: str, made_for: str | None, python: str = "3.12") -> Hashable:
    """The key of a partner by what its record would say."""
    runtime = (f"cuda-version >={made_for},<99",) if made_for else ()
    build = Build(
        *(name, "1.0", "cpu_py312_h0123456_0" if made_for is None else "x_0", 0, "linux-64"),
        depends=(*runtime, f"python_abi {python}.* *_cp"),
    )
    return partner_key(name, read(build))


@pytest.mark.parametrize(
    ("name", "torch", "partner", "fits"),
    [
        # torchvision compares majors, torchaudio major and minor.
        ("torchvision", "12.8", "12.9", True),
        ("torchvision", "12.9", "12.6", True),
        ("torchvision", "12.9", "13.0", False),
        ("torchvision", "11.8", "12.0", False),
        ("torchaudio", "12.9", "12.9", True),
        ("torchaudio", "12.8", "12.9", False),
        ("torchaudio", "12.9", "13.0", False),
        # CPU with CPU.
        ("torchvision", None, None, True),
        ("torchvision", None, "12.9", False),
        ("torchvision", "12.9", None, False),
        ("torchaudio", "12.9", None, False),
    ],
)
def test_the_cuda_of_a_partner(
    name: str, torch: str | None, partner: str | None, fits: bool
) -> None:
    runtime = (f"cuda-version >={torch},<99", "__cuda") if torch else ("nomkl",)
    build = Build(
        *("pytorch", "2.10.0", "x_0", 0, "linux-64"),
        depends=(*runtime, "python_abi 3.12.* *_cp312"),
    )
    keys = torch_keys(name, read(build))
    assert (_key(name, partner) in keys) == fits
    assert _key(name, partner, "3.11") not in keys


@pytest.mark.parametrize(
    ("torch", "name", "version", "expected"),
    [
        ("2.13.0", "torchvision", "0.28.0", True),
        ("2.12.1", "torchvision", "0.28.0", False),
        ("2.12.1", "torchvision", "0.27.1", True),
        ("2.10.0", "torchvision", "0.25.0", True),
        ("2.10.0", "torchvision", "0.26.0", False),
        ("2.8.0", "torchvision", "0.24.0", False),
        ("2.14.0", "torchvision", "0.29.0", True),
        ("2.10.0", "torchaudio", "2.10.0", True),
        ("2.10.0", "torchaudio", "2.11.0", False),
    ],
)
def test_upstream_s_own_pairs(torch: str, name: str, version: str, expected: bool) -> None:
    found = pairs(
        Build("pytorch", torch, "x_0", 0, "linux-64"), Build(name, version, "x_0", 0, "linux-64")
    )
    assert found == expected


# Order


LIBBLAS = {
    "openblas": Installed("libblas", "3.9.0", "34_h59b9bed_openblas"),
    "mkl": Installed("libblas", "3.9.0", "34_hfdb39a5_mkl"),
    "nomkl": Installed("nomkl", "1.0", "h5ca1d4c_0"),
    "old mkl": Installed("mkl", "2024.2.2", "ha770c72_17"),
}


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        ((), None),
        (("openblas",), "generic"),
        (("mkl",), "mkl"),
        (("nomkl",), "generic"),
        (("old mkl",), "mkl"),
        (("openblas", "old mkl"), "generic"),
    ],
)
def test_the_blas_of_an_environment(installed: tuple[str, ...], expected: str | None) -> None:
    machine = Machine("linux-64", installed=tuple(LIBBLAS[name] for name in installed))
    assert conda_forge.environment_blas(machine) == expected


def _torch(build: str, number: int, *depends: str, subdir: str = "linux-64") -> Build:
    return Build("pytorch", "2.13.0", build, number, subdir, depends=depends)


MKL = _torch("cpu_mkl_py312_h0000001_100", 100, "mkl >=2026.1.0,<2027.0a0")
GENERIC = _torch("cpu_generic_py312_h0000002_2", 2, "nomkl")


@pytest.mark.parametrize(
    ("installed", "expected"), [((), MKL), (("mkl",), MKL), (("openblas",), GENERIC)]
)
def test_the_environment_decides_between_mkl_and_another_blas(
    installed: tuple[str, ...], expected: Build
) -> None:
    """Whatever the build numbers are, as they are not those of one variant."""
    machine = Machine("linux-64", installed=tuple(LIBBLAS[name] for name in installed))
    assert max((MKL, GENERIC), key=lambda b: conda_forge.order(b, machine)) == expected


def test_of_one_variant_the_higher_number_comes_first() -> None:
    newer = _torch("cpu_mkl_py312_h0000003_102", 102, "mkl >=2026.1.0,<2027.0a0")
    machine = Machine("linux-64")
    assert max((newer, MKL), key=lambda b: conda_forge.order(b, machine)) == newer


def test_a_build_for_jetson_comes_last() -> None:
    made = ("cuda-version >=12.9,<13", "nomkl")
    jetson = _torch("cuda129_generic_py312_h1_205", 205, *made, "__glibc >=2.34,<3.0.a0")
    jetson = jetson._replace(subdir="linux-aarch64")
    other = _torch("cuda129_generic_py312_h2_200", 200, *made, subdir="linux-aarch64")
    machine = Machine("linux-aarch64", cuda="12.9")
    assert max((jetson, other), key=lambda b: conda_forge.order(b, machine)) == other


# What keeps a build off a machine


JETSON = _torch(
    *("cuda129_generic_py312_h1_200", 200),
    *("cuda-version >=12.9,<13", "arm-variant * tegra", "libcudnn >=9.10.2.21,<10.0a0"),
    subdir="linux-aarch64",
)


@pytest.mark.parametrize(("arch", "code"), [("8.7", None), ("9.0", "arch_missing"), (None, None)])
def test_a_build_for_jetson_is_for_jetson(arch: str | None, code: str | None) -> None:
    machine = Machine("linux-aarch64", cuda="12.9", cuda_arch=arch)
    clash = conda_forge.clash(JETSON, read(JETSON), machine, TABLES)
    assert (clash.code if clash else None) == code


@pytest.mark.parametrize(
    ("version", "build", "arch", "code", "pins"),
    [
        # cuDNN 9.10 runs on Maxwell, Pascal and Volta, 9.11 does not.
        (
            *("2.12.1", "cuda129_mkl_py314_h89d6db0_300", "7.0"),
            *(None, ("cudnn<9.11", "libcudnn<9.11")),
        ),
        (
            *("2.12.1", "cuda129_mkl_py314_h89d6db0_300", "5.2"),
            *(None, ("cudnn<9.11", "libcudnn<9.11")),
        ),
        ("2.12.1", "cuda129_mkl_py314_h89d6db0_300", "7.5", None, ()),
        ("2.12.1", "cuda129_mkl_py314_h89d6db0_300", None, None, ()),
        ("2.12.1", "cuda130_mkl_py314_h5d99997_300", "7.0", "cudnn_too_new", None),
        # The builds of CUDA 11.8 ask for cuDNN 8.9, which has no Kepler any more.
        ("2.4.0", "cuda118_py311h4ee7bbc_301", "3.7", "cudnn_too_new", None),
        ("2.13.0", "cpu_mkl_py312_h999dc20_102", "7.0", None, ()),
    ],
)
def test_the_cudnn_of_a_gpu(
    version: str, build: str, arch: str | None, code: str | None, pins: tuple[str, ...] | None
) -> None:
    machine = Machine("linux-64", cuda="13.0", cuda_arch=arch)
    torch = _build("linux-64", "pytorch", version, build)
    clash = conda_forge.clash(torch, read(torch), machine, TABLES)
    assert (clash.code if clash else None) == code
    if pins is not None:
        assert conda_forge.cudnn_pins([torch], machine, TABLES) == pins


@pytest.mark.parametrize("subdir", PLATFORMS)
def test_a_pinned_cudnn_satisfies_every_build_that_passes(subdir: str) -> None:
    """9.10.2.21 is the last that the pin admits."""
    machine = Machine(subdir, cuda="13.0", cuda_arch="7.0")
    for build in _builds(subdir):
        if build.name == "pytorch" and read(build).cuda:
            passes = conda_forge.clash(build, read(build), machine, TABLES) is None
            specs = [s for s in build.depends if s.split()[0] in ("cudnn", "libcudnn")]
            known = ("8.9.7.29", "9.10.2.21")
            admitted = any(
                all(match.admits(s, s.split()[0], version, "") for s in specs) for version in known
            )
            assert passes == admitted, build.spec


# A set


def test_the_cuda_version_of_a_set() -> None:
    """The highest lower bound: the runtime of the partner counts as well."""
    torch = _build("win-64", "pytorch", "2.12.1", "cuda128_mkl_py314_h5a5d2fc_300")
    vision = Build(
        *("torchvision", "0.27.0", "cuda129_py314_h1_0", 0, "win-64"),
        depends=("cuda-version >=12.9,<13",),
    )
    assert conda_forge.cuda_version([torch]) == "12.8"
    assert conda_forge.cuda_version([torch, vision]) == "12.9"
    assert conda_forge.cuda_version([MKL]) is None


def test_the_metapackage_of_a_build() -> None:
    metapackages = [b for b in _builds("linux-64") if b.name in ("pytorch-gpu", "pytorch-cpu")]
    generic = _build("linux-64", "pytorch", "2.12.0", "cuda130_generic_py314_h61e8f04_200")
    found = conda_forge.metapackage_of(generic, metapackages, match.admits)
    assert found
    assert (found.name, found.version) == ("pytorch-gpu", "2.12.0")
    assert found.depends == ("pytorch 2.12.0 cuda*_generic*200",)
    other = _build("linux-64", "pytorch", "2.12.1", "cuda130_mkl_py314_h5d99997_300")
    assert conda_forge.metapackage_of(other, metapackages, match.admits) is None


@pytest.mark.parametrize(
    ("spec", "of"),
    [
        ("pytorch=2.5.1=py3.12_cuda12.4_cudnn9.1.0_0", "pytorch"),
        ("pytorch=2.3.1=py3.12_cuda12.1_cudnn8_0", "pytorch"),
        ("pytorch=2.3.1=py3.12_cpu_0", "pytorch"),
        ("pytorch=2.3.1=py3.12_0", "pytorch"),
        ("torchvision=0.18.1=py312_cu121", "pytorch"),
        ("pytorch=2.13.0=cpu_mkl_py312_h999dc20_102", None),
        ("pytorch=2.5.1=cuda118_py311h4ee7bbc_301", None),
        ("pytorch=2.13.0", None),
    ],
)
def test_whose_builds_are_named_so(spec: str, of: str | None) -> None:
    assert conda_forge.named_for(spec) == of


@given(
    st.sampled_from([b for subdir in PLATFORMS for b in _builds(subdir) if b.name in FAMILY]),
    st.randoms(use_true_random=False),
)
def test_the_order_of_specs_says_nothing(build: Build, random) -> None:
    depends, constrains = list(build.depends), list(build.constrains)
    random.shuffle(depends)
    random.shuffle(constrains)
    shuffled = build._replace(depends=tuple(depends), constrains=tuple(constrains))
    assert read(shuffled) == read(build)
