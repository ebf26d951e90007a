"""The one reader of names and versions: what it takes, and what it leaves to others."""

from __future__ import annotations

import pytest
from conda.models.match_spec import MatchSpec
from hypothesis import example, given
from hypothesis import strategies as st

from conda_torchmirror.index.match import admits
from conda_torchmirror.selection import specs


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("pytorch", "pytorch"),
        ("PyTorch", "pytorch"),
        (" pytorch ", "pytorch"),
        ("pytorch-cuda=12.1", "pytorch-cuda"),
        ("pytorch 2.3.*", "pytorch"),
        ("pytorch==2.3.1=py3.12_cuda12.1_cudnn8.9.2_0", "pytorch"),
        ("pytorch>=2,<3", "pytorch"),
        ("pytorch!=2.4.0", "pytorch"),
        ("pytorch~=2.3", "pytorch"),
        ("pytorch[version='>=2']", "pytorch"),
        ("python[version='3.12']", "python"),
        ("pytorch::pytorch=2.3", "pytorch"),
        ("pytorch/win-64::pytorch", "pytorch"),
        ("https://mirror.example/cloud/pytorch::torchvision>=0.15", "torchvision"),
        ("pytorch=2.3  # from a::b", "pytorch"),
        ("pytorch[url='https://a.example/x::y.conda']", "pytorch"),
        ("_libgcc_mutex", "_libgcc_mutex"),
        ("zlib.net", "zlib.net"),
        ("", ""),
        ("==2.3", ""),
    ],
)
def test_the_name_in_a_match_spec(spec, name):
    assert specs.package_name(spec) == name


@pytest.mark.parametrize(
    ("word", "version"),
    [
        ("12.4", "12.4"),
        ("12.4.1", "12.4"),
        ("12", "12"),
        ("cuda12", "12"),
        ("cu12", "12"),
        ("cu124", "12.4"),
        ("cu92", "9.2"),
        ("cuda12.4", "12.4"),
        (" 12.4 ", "12.4"),
        *(("１２.４", "12.4"), ("cu１２４", "12.4"), ("124", None), ("cuda124", None)),
        ("twelve", None),
        ("12.4.x", None),
        ("", None),
    ],
)
def test_a_cuda_version(word, version):
    assert specs.cuda_version(word) == version


@pytest.mark.parametrize(
    ("word", "version"),
    [
        ("121", "12.1"),
        ("118", "11.8"),
        (" CU12.1 ", "12.1"),
        ("cu121", "12.1"),
        ("12.4", "12.4"),
        ("12", "12"),
        ("cu12", "12"),
        *(("cuda124", "12.4"), ("CUDA 12.4", "12.4"), ("cuda-12.4", "12.4"), ("v12.4", None)),
        *(("12.x", "12"), ("12.*", "12"), ("92", "9.2"), ("cuda92", "9.2"), ("１２４", "12.4")),
        *(("580", None), ("580.65", None), ("99", "9.9"), ("2026", None), ("1210", None)),
        ("cu", None),
        ("gpu", None),
    ],
)
def test_the_value_of_the_option(word, version):
    """As people remember `cu121`; a driver of CUDA 121 was taken for one of CUDA 13, and so were
    `cuda124`, `92` and a driver's own version."""
    assert specs.cuda_option(word) == version


def test_versions_are_ordered_by_value():
    assert specs.number("12.10") > specs.number("12.9")
    assert specs.release("2.10.0") > specs.release("2.9.1")
    assert specs.release("nightly") is None
    assert specs.minor("2.5.1") == "2.5"


def test_a_python_passes_with_any_of_its_patch_releases():
    def admits(spec, name, version, build):
        return (spec, name, build) == ("python >=3.11.4", "python", "") and version == "3.11.4"

    assert specs.admits_python("python >=3.11.4", "3.11", admits)
    assert not specs.admits_python("python >=3.11.4", "3.10", admits)


@pytest.mark.parametrize(
    ("text", "cuda", "torch"),
    [
        ("cuda-11.8.0", "11.8", None),
        ("th24_cu118", "11.8", "2.4"),
        ("th113_cu117", "11.7", "1.13"),
        ("py310_torch_2.3.0_cu121", "12.1", "2.3"),
        ("py39_pt22_cu12", "12", "2.2"),
        ("cuda112py39h01bd6f0_0", "11.2", None),
        ("2.4.0.th24.cu118", "11.8", "2.4"),
        ("main", None, None),
        ("pytorch_test", None, None),
        ("cudatoolkit", None, None),
    ],
)
def test_what_a_label_or_a_build_is_made_for(text, cuda, torch):
    assert specs.marks(text) == (cuda, torch)


@pytest.mark.parametrize(
    ("asked", "cuda", "same"),
    [("12.4", "12.4", True), ("12.4", "12.1", False), ("12", "12.1", True), ("11", "12.1", False)],
)
def test_a_major_means_every_minor_of_it(asked, cuda, same):
    assert specs.same_cuda(asked, cuda) == same


MKL, LIBTORCH = "mkl >=2024.2.2,<2025.0a0", "libtorch 2.8.0 cuda129_mkl_h502773c_300"
CUDNN = "cudnn >=9.10.1.4,<10.0a0"


@pytest.mark.parametrize(
    ("pin", "needed", "never"),
    [
        ("mkl<2024.1", MKL, True),
        ("mkl=2024.2", MKL, False),
        ("mkl 2024.*", MKL, False),
        ("mkl", MKL, False),
        ('mkl[version=">=2025"]', MKL, True),
        ("mkl 2023.*|2025.*", MKL, True),
        ("mkl 2023.*|2024.*", MKL, False),
        ("libtorch=2.6", LIBTORCH, True),
        ("libtorch=*=cuda12*", LIBTORCH, False),
        ("libtorch=*=cpu*", LIBTORCH, True),
        ("libtorch=2.8=*generic*", LIBTORCH, True),
        ("libblas=*=*openblas", "libblas * *mkl", True),
        ("libblas=*=*mkl", "libblas * *mkl", False),
        ("libblas=*=35_*", "libblas * *mkl", False),
        ("libblas[build='*openblas']", "libblas * *mkl", True),
        ("libblas=*=^.*mkl$", "libblas * *mkl", False),
        ("blas=1.0=mkl", "blas * mkl", False),
        ("blas=*=openblas", "blas * mkl", True),
        ("cudnn=8.9", CUDNN, True),
        ("cudnn<9.11", CUDNN, False),
        ("cudnn=9", "cudnn <9.11", False),
        ("numpy=1.26", "numpy >=1.23,<3", False),
        ("numpy==1.26.4=py312_0", "numpy >=1.23,<3", False),
        ("numpy<1.23", "numpy >=1.23,<3", True),
        ("numpy~=1.0,>1.21.2", "numpy !=1.21.*,!=1.20.3", False),
        ("setuptools=82.0.1", "setuptools <82", True),
        ("setuptools<82", "setuptools", False),
        # A version that is none of those tried says nothing.
        ("openssl=1.1.1w", "openssl >=1.1.1w,<1.1.2a", False),
    ],
)
def test_what_never_goes_together(pin, needed, never):
    name = specs.package_name(pin)
    assert specs.never_together(pin, needed, name, admits) is never
    assert specs.never_together(needed, pin, name, admits) is never


@pytest.mark.parametrize(
    ("first", "second", "meet"),
    [
        ("*mkl", "cuda*", True),
        ("*a*b*", "*b*a*", True),
        ("a*b", "a*c", False),
        ("", "*", True),
        ("", "a*", False),
        ("abc", "abc", True),
        ("abc", "ab", False),
        ("*" * 40, "a" * 80, True),
        ("*a" * 40, "*b" * 40, False),
        # More pairs of positions than any cache holds.
        ("*a*b" * 24, "*b*a" * 24, False),
        ("*a*b" * 24 + "*", "*b*a" * 24 + "*", True),
        ("*a*b" * 24 + "c", "*b*a" * 24 + "d", False),
    ],
)
def test_builds_with_wildcards(first, second, meet):
    assert specs._globs_meet(first, second) is specs._globs_meet(second, first) is meet


VERSIONS = st.from_regex(r"[0-3](\.[0-2]){0,2}((dev|a|rc|\.post)[0-1])?", fullmatch=True)
SIGNS = st.sampled_from(["=", "==", ">=", "<=", ">", "<", "!=", "~=", ">= ", "< ", "== "])
ONE = st.tuples(SIGNS, VERSIONS).map("".join)
BOTH, EITHER = (st.lists(ONE, min_size=2, max_size=2).map(sign.join) for sign in ",|")
SPECS = ONE | BOTH | EITHER


@example("~=1.0,>1.21.2", "!=1.21.*,!=1.20.3", "1.22", " ")
@example("<3.8", ">=9|==2.0.post1.*", "2.0.post1", " ")
@example("=1.*,!=1.24", "=1.*,!=1.25", "1.26", "")
@given(SPECS, SPECS, VERSIONS, st.sampled_from([" ", ""]))
def test_what_conda_admits_by_two_specs_is_no_contradiction(first, second, version, gap):
    words = (f"numpy{gap}{first}", f"numpy{gap}{second}")
    if all(admits(word, "numpy", version, "") for word in words):
        assert specs.excluding(words, admits) is None


@pytest.mark.parametrize(
    ("spec", "version", "build"),
    [
        ("pytorch>=2.6=cuda12*", "pytorch>=2.6", "cuda12*"),
        ("pytorch>=2.6,<2.9=*mkl*", "pytorch>=2.6,<2.9", "*mkl*"),
        ("pytorch!=2.6=cuda*", "pytorch!=2.6", "cuda*"),
        ("pytorch >=2.6=cuda12*", "pytorch>=2.6", "cuda12*"),
        ("numpy>=1.8,!=1.24", None, None),
        ("numpy>=1.8,==1.24", None, None),
        ("numpy>=1.8,<=1.24", None, None),
        ("numpy>=1.8", None, None),
        ("numpy~=1.8", None, None),
    ],
)
def test_a_build_after_a_version_that_is_compared(spec, version, build):
    assert (specs.without_build(spec), specs.build_of(spec)) == (version, build)
    read = MatchSpec(spec)
    assert (read.get_raw_value("build") or None) == build
