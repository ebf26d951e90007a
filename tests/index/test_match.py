"""Words that are no match specs, and what they were meant for."""

from __future__ import annotations

import pytest

from conda_torchmirror.exceptions.usage import BadSpec
from conda_torchmirror.index import match


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("pytorch，torchvision", "pytorch torchvision"),
        ("pytorch、torchvision=0.18", "pytorch torchvision=0.18"),
        ("pytorch>=2,<2.4,torchvision", "pytorch>=2,<2.4 torchvision"),
        ("pytorch;torchvision", "pytorch torchvision"),
        ("pytorch torchvision", "pytorch torchvision"),
        ("ｐｙｔｏｒｃｈ＝２.３", "pytorch=2.3"),
        ("“pytorch>=2”", "pytorch>=2"),
        ("'pytorch'", "pytorch"),
        ("pytorch\u200b", "pytorch"),
        ("—cuda", "--cuda"),
        ("–c", "-c"),
        ("−−offline", "--offline"),
        ("pytorch>=2.0<2.4", "pytorch>=2.0,<2.4"),
        ("pytorch>=2.*!=2.3", "pytorch>=2.*,!=2.3"),
        ("pytorch=2。3", "pytorch=2.3"),
        ("pytorch≥2.0", "pytorch>=2.0"),
        ("pytorch：2.3", "pytorch=2.3"),
        ("pytorch@2.3.1", "pytorch=2.3.1"),
        ("pytorch-2.3", "pytorch=2.3"),
        ("pytorch-v2.3.1", "pytorch=2.3.1"),
        ("torch2.3", "torch=2.3"),
        ("Torch:2.3", "Torch=2.3"),
        ("python3.11", "python=3.11"),
        ("cuda-12.4", "cuda=12.4"),
        ("conda-forge::pytorch-2.3", "conda-forge::pytorch=2.3"),
        ("conda-forge:pytorch>=2.3", "conda-forge::pytorch>=2.3"),
        ("conda-forge:python=3.11", "conda-forge::python=3.11"),
        ("numpy:1.26", "numpy=1.26"),
        ("pytorch-2.3，torchvision", "pytorch=2.3 torchvision"),
        ("*", None),
        ("火炬", None),
        ("—", None),
        ("git+https://x/pytorch", None),
    ],
)
def test_what_a_word_was_likely_meant_for_is_offered(word, meant):
    with pytest.raises(BadSpec) as raised:
        match.read(word)
    said = [hint["text"] for hint in raised.value._hints if hint["hint_code"] != "spec_form"]
    assert [meant] == ([said[0].partition("`")[2].rpartition("`")[0]] if said else [None])


@pytest.mark.parametrize(
    "word",
    [
        *("pytorch3d", "pytorch-lightning", "torch-geometric", "libblas=3.9=1_mkl", "pyg-2.5"),
        *("pytorch[version='>=2.0,<2.4']", "pytorch>=2.0,<2.4", "pytorch 2.3", "h5py-3.11"),
        *("conda-forge::numpy", "conda-forge/label/x::numpy", "numpy[channel=https://a.b:80/c]"),
        "https://a.b:8080/c/linux-64/numpy-1.26-0.conda",
    ],
)
def test_what_conda_reads_is_read(word):
    assert match.read(word)


@pytest.mark.parametrize(
    ("word", "name", "plain"),
    [
        ("conda-forge:gdal", "gdal", "gdal"),
        ("conda-forge:numpy>=1.26", "numpy", "numpy>=1.26"),
        ("pytorch:captum[version='0.7']", "captum", "captum[version='0.7']"),
        ("C:/channel::numpy=1.26", "numpy", "numpy=1.26"),
    ],
)
def test_a_colon_before_another_package_is_read_over_as_conda_does(word, name, plain):
    found = match.read(word)
    assert (found.name, found.plain) == (name, plain)
