"""What is said of a PyTorch of conda-forge by looking at it: its records are shaped otherwise."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.torches import CUDA_BUILD, MakeTorch, codes, record

from conda_torchmirror.index import builtin
from conda_torchmirror.models import Build
from conda_torchmirror.verify import verdict
from conda_torchmirror.verify.causes import sentence
from conda_torchmirror.verify.run import verify
from conda_torchmirror.verify.static import inspect_records, with_records
from conda_torchmirror.verify.verdict import Check

pytest_plugins = ("support.torch_fixtures",)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the environments here are POSIX venvs")

CUDA = "pytorch=2.8.0=cuda129_mkl_py312_had1c889_302"
GENERIC = "pytorch=2.8.0=cuda129_generic_py310_h340c4bc_201"
CPU = "pytorch=2.8.0=cpu_mkl_py312_hb1fc07b_102"
VISION = "torchvision=0.24.0=cuda129_py312_h9f56bbf_2"
CUDA_VERSION = ("cuda-version", "12.9", "h4f385c5_3")
CUDNN = ("cudnn", "9.10.2.21", "h0_0")
CUDNN_9_13 = ("cudnn", "9.13.1.26", "h0_0")
MKL = ("libblas", "3.9.0", "35_h0_mkl")
#: What pytorch asks of it; the built-in index leaves that spec out.
LIBTORCH = ("libtorch", "2.8.0", "cuda129_mkl_hf53477d_302")
ASKS = "libtorch 2.8.0 cuda129_mkl_hf53477d_302"
COMPANY = "https://nexus.company.test/repository/proxy"
MIRROR = "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/conda-forge"


@pytest.fixture(scope="module")
def known() -> dict[str, Build]:
    """The real records of the built-in index, by spec."""
    found = builtin.load("linux-64", channel="conda-forge")
    assert found is not None
    return {build.spec: build for build in found.builds}


@pytest.fixture
def make_forge(
    venv: Path, condarc: Callable[..., Path], known: dict[str, Build]
) -> Callable[..., Path]:
    """`make_forge(spec or words, ...)`: an environment with these records of conda-forge."""

    def make(*packages: str | tuple[str, ...], channel: str = "conda-forge") -> Path:
        condarc()
        for one in packages:
            words = one if isinstance(one, tuple) else _words(known[one])
            record(venv, *words, channel=channel)
        return venv

    return make


def _words(build: Build) -> tuple[str, ...]:
    more = (ASKS,) if build.spec == CUDA else ()
    return build.name, build.version, build.build, *build.depends, *more


BESIDE = (VISION, CUDA_VERSION, CUDNN, MKL, LIBTORCH)


@pytest.mark.parametrize(
    ("packages", "cuda", "arch", "expected"),
    [
        pytest.param((CUDA, *BESIDE), "12.9", "8.9", [], id="fits"),
        pytest.param((CUDA, *BESIDE), "12.4", "8.6", [], id="minor-version compatibility"),
        pytest.param((CUDA, *BESIDE), "11.8", "8.6", ["driver_too_old"], id="driver"),
        pytest.param((CUDA, *BESIDE), "12.9", "12.0", [], id="RTX 50"),
        pytest.param((CUDA, *BESIDE), "12.9", "3.7", ["no_kernel_image"], id="K80"),
        pytest.param((CUDA, *BESIDE), "12.9", "6.1", [], id="GTX 1080, cuDNN 9.10"),
        pytest.param(
            (CUDA, VISION, CUDA_VERSION, CUDNN_9_13, MKL, LIBTORCH),
            *("12.9", "6.1", ["cudnn_too_new"]),
            id="GTX 1080, cuDNN 9.13",
        ),
        pytest.param((CUDA, CUDNN_9_13, MKL), "12.9", "7.5", [], id="T4, cuDNN 9.13"),
        pytest.param((CUDA, *BESIDE), "", "", [], id="no driver"),
        pytest.param((GENERIC, CUDA_VERSION, CUDNN, ("nomkl", "1.0", "h0_0")), "12.9", "8.9", []),
        pytest.param((CPU, MKL, ("mkl", "2025.3.0", "h0_0")), "12.9", "8.9", ["cpu_build"]),
        pytest.param((CPU, MKL, ("mkl", "2025.3.0", "h0_0")), "", "", [], id="CPU"),
        pytest.param(
            (CUDA, ("torchvision", "0.20.1", "cuda126_py312_h0_6", "pytorch >=2.5.1,<2.6.0a0")),
            *("12.9", "8.9", ["set_mismatch"]),
            id="partner of another release",
        ),
        pytest.param(
            (CUDA, ("libtorch", "2.9.1", "cuda129_mkl_h0_300")),
            *("12.9", "8.9", ["set_mismatch"]),
            id="libtorch of another release",
        ),
        pytest.param(
            (CUDA, CUDNN, ("libblas", "3.9.0", "35_h0_openblas")),
            *("12.9", "8.9", ["set_mismatch"]),
            id="another BLAS",
        ),
        pytest.param(
            (CUDA, ("cuda-version", "13.0", "h0_3")), "13.0", "8.9", ["set_mismatch"], id="CUDA 13"
        ),
    ],
)
def test_by_its_records(
    make_forge: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    packages: tuple[str | tuple[str, ...], ...],
    cuda: str,
    arch: str,
    expected: list[str],
) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", cuda)
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", arch)
    found = inspect_records(str(make_forge(*packages))).notices
    assert [notice.code for notice in found] == expected
    assert all(sentence(notice) and sentence(notice, ".hint") for notice in found)


def test_a_channel_that_was_typed_as_a_url_is_the_same_channel(
    make_forge: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read as the channel `pytorch`'s, the build would need a pin of MKL, and have no sm_120."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.9")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", "12.0")
    mkl = ("mkl", "2025.3.0", "h0_0")
    report = inspect_records(str(make_forge(CUDA, *BESIDE, mkl, channel=MIRROR)))
    assert report.torch is not None
    assert (report.torch.channel, report.notices) == ("conda-forge", ())


def test_a_channel_at_an_address_without_a_name_is_known_by_its_builds(
    make_forge: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A company's mirror, or a cache: read as the channel `pytorch`'s, there was no sm_120."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.9")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", "12.0")
    report = inspect_records(str(make_forge(CUDA, *BESIDE, channel=COMPANY)))
    assert report.torch is not None
    assert (report.torch.channel, report.notices) == ("conda-forge", ())


def test_the_ended_channel_at_an_address_without_a_name_is_known_too(
    venv: Path, condarc: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.9")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", "8.6")
    condarc()
    record(venv, *CUDA_BUILD, channel=COMPANY)
    record(venv, "mkl", "2023.1.0", "h0_0", channel=COMPANY)
    report = inspect_records(str(venv))
    assert report.torch is not None
    assert report.torch.channel == "pytorch"
    assert [notice.code for notice in report.notices] == ["pin_missing"]


def test_the_advice_for_a_cudnn_is_our_own_command(
    make_forge: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which pins it; `conda install pytorch-gpu` would bring the same one again."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.9")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", "6.1")
    prefix = make_forge(CUDA, ("libcudnn", "9.13.1.26", "h0_0"), CUDNN_9_13)
    [notice] = inspect_records(str(prefix)).notices
    assert sentence(notice) == (
        "cuDNN 9.13.1.26 runs on GPUs from compute capability 7.5 on, and this one has 6.1: "
        "convolutions fail."
    )
    assert "`conda torch-install -p here`" in sentence(notice, ".hint", where=" -p here")


@pytest.mark.parametrize("works", [True, False])
def test_the_cudnn_is_named_beside_a_convolution_that_fails_alone(
    make_forge: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.9")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", "6.1")
    report = inspect_records(str(make_forge(CUDA, CUDNN_9_13)))
    device = verdict.Tested(0, "GTX 1080", "6.1", ok=works)
    tried = Check("fine" if works else "no_gpu", torch="2.8.0", devices=(device,), expect_gpu=True)
    assert codes(with_records(tried, report)) == ([] if works else ["cudnn_too_new"])


def test_the_check_says_where_it_came_from(
    make_forge: Callable[..., Path], make_torch: MakeTorch
) -> None:
    make_forge(CUDA, channel=MIRROR)
    check = verify(make_torch(), expect_gpu=False)
    assert check.build == CUDA.rpartition("=")[2]
    assert check.url is not None
    assert check.url.startswith(MIRROR)
