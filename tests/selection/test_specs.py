"""The one reader of names and versions: what it takes, and what it leaves to others."""

from __future__ import annotations

import pytest

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
        ("1210", None),
        ("cu", None),
        ("gpu", None),
    ],
)
def test_the_value_of_the_option(word, version):
    """As people remember `cu121`; a driver of CUDA 121 was taken for one of CUDA 13."""
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
