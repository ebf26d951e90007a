"""Which of conda-forge's builds go together, in which order, and what keeps one off a machine."""

from __future__ import annotations

from collections.abc import Hashable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.forge_records import FAMILY, PLATFORMS, TABLES, builds, find_build

from conda_torchmirror.index import match
from conda_torchmirror.models import Build, Installed, Machine
from conda_torchmirror.selection.facts import conda_forge
from conda_torchmirror.selection.facts.conda_forge import pairs, partner_key, read, torch_keys


def test_all_specs_on_pytorch_hold() -> None:
    vision = find_build("linux-64", "torchvision", "0.21.0", "cuda126_py312_h3e02b30_1")
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
    torch = find_build("linux-64", "pytorch", version, build)
    clash = conda_forge.clash(torch, read(torch), machine, TABLES)
    assert (clash.code if clash else None) == code
    if pins is not None:
        assert conda_forge.cudnn_pins([torch], machine, TABLES) == pins


@pytest.mark.parametrize("subdir", PLATFORMS)
def test_a_pinned_cudnn_satisfies_every_build_that_passes(subdir: str) -> None:
    """9.10.2.21 is the last that the pin admits."""
    machine = Machine(subdir, cuda="13.0", cuda_arch="7.0")
    for build in builds(subdir):
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
    torch = find_build("win-64", "pytorch", "2.12.1", "cuda128_mkl_py314_h5a5d2fc_300")
    vision = Build(
        *("torchvision", "0.27.0", "cuda129_py314_h1_0", 0, "win-64"),
        depends=("cuda-version >=12.9,<13",),
    )
    assert conda_forge.cuda_version([torch]) == "12.8"
    assert conda_forge.cuda_version([torch, vision]) == "12.9"
    assert conda_forge.cuda_version([MKL]) is None


def test_the_metapackage_of_a_build() -> None:
    metapackages = [b for b in builds("linux-64") if b.name in ("pytorch-gpu", "pytorch-cpu")]
    generic = find_build("linux-64", "pytorch", "2.12.0", "cuda130_generic_py314_h61e8f04_200")
    found = conda_forge.metapackage_of(generic, metapackages, match.admits)
    assert found
    assert (found.name, found.version) == ("pytorch-gpu", "2.12.0")
    assert found.depends == ("pytorch 2.12.0 cuda*_generic*200",)
    other = find_build("linux-64", "pytorch", "2.12.1", "cuda130_mkl_py314_h5d99997_300")
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
    st.sampled_from([b for subdir in PLATFORMS for b in builds(subdir) if b.name in FAMILY]),
    st.randoms(use_true_random=False),
)
def test_the_order_of_specs_says_nothing(build: Build, random) -> None:
    depends, constrains = list(build.depends), list(build.constrains)
    random.shuffle(depends)
    random.shuffle(constrains)
    shuffled = build._replace(depends=tuple(depends), constrains=tuple(constrains))
    assert read(shuffled) == read(build)
