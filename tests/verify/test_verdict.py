"""The verdict on a torch that works, on the CPU and on GPUs, and on GPUs that fail."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from support.torches import A100, RTX, MakeTorch, codes

from conda_torchmirror.verify.causes import sentence
from conda_torchmirror.verify.run import verify

pytest_plugins = ("support.torch_fixtures",)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the environments here are POSIX venvs")


def test_a_cpu_build_where_no_gpu_is_expected(make_torch: MakeTorch) -> None:
    check = verify(make_torch(), expect_gpu=False)
    assert (check.status, check.exit_code) == ("fine", 0)
    assert (check.torch, check.cuda) == ("2.3.1", None)
    assert check.sample == ((0.25, 0.5, 0.75),) * 5
    assert check.python == ".".join(map(str, sys.version_info[:3]))
    assert codes(check) == []


def test_a_cpu_build_where_a_gpu_is_expected(make_torch: MakeTorch) -> None:
    check = verify(make_torch(), expect_gpu=True)
    assert (check.exit_code, codes(check)) == (3, ["cpu_build"])


def test_working_gpus(make_torch: MakeTorch) -> None:
    check = verify(make_torch(cuda="12.1", gpus=[A100, RTX]), expect_gpu=True)
    assert (check.status, codes(check)) == ("fine", [])
    assert [(d.index, d.name, d.arch, d.ok) for d in check.devices] == [
        (0, "NVIDIA A100", "8.0", True),
        (1, "NVIDIA GeForce RTX 5090", "12.0", True),
    ]
    assert check.archs == ("sm_50", "sm_90")


def test_a_gpu_that_nobody_expected_is_no_failure(make_torch: MakeTorch) -> None:
    check = verify(make_torch(cuda="12.1", gpus=[A100]), expect_gpu=False)
    assert (check.status, codes(check)) == ("fine", ["gpu_skipped"])


def test_one_gpu_of_two_without_code(make_torch: MakeTorch) -> None:
    """As an RTX 50 with the channel's newest build: available, and the first kernel fails."""
    error = "CUDA error: no kernel image is available for execution on the device"
    prefix = make_torch(cuda="12.4", gpus=[A100, RTX], kernel_error=error, bad=["cuda:1"])
    check = verify(prefix, expect_gpu=True)
    assert (check.exit_code, codes(check)) == (3, ["no_kernel_image"])
    assert [device.ok for device in check.devices] == [True, False]
    assert "(compute capability 12.0)" in sentence(check.notices[0])
    assert error in (check.devices[1].error or "")


@pytest.mark.parametrize(
    ("knobs", "code"),
    [
        ({"wrong": True}, "wrong_result"),
        ({"kernel_error": "CUDA out of memory. Tried to allocate"}, "gpu_memory"),
        # Torch 2.11.0+cu130 on an H100 with 540 MiB free (driver 580.159.04, 2026-11-26).
        (
            {
                "kernel_error": "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"
                " `cublasCreate(handle)`"
            },
            "gpu_memory",
        ),
        (
            {"kernel_error": "the provided PTX was compiled with an unsupported toolchain."},
            "ptx_toolchain",
        ),
        ({"kernel_error": "something nobody has seen"}, "unexplained"),
        ({"kernel_signal": 11}, "crashed"),
        ({"kernel_sleep": 60}, "timed_out"),
    ],
    ids=["wrong product", "memory", "cuBLAS", "PTX", "unknown", "crash", "hang"],
)
def test_a_gpu_that_fails(make_torch: MakeTorch, knobs: dict[str, Any], code: str) -> None:
    check = verify(make_torch(cuda="12.1", gpus=[A100], **knobs), expect_gpu=True, limit=4)
    assert (check.exit_code, codes(check)) == (3, [code])
    assert (check.torch, check.devices[0].ok) == ("2.3.1", False)


@pytest.mark.parametrize(
    ("knobs", "code"),
    [
        # https://github.com/pytorch/pytorch/issues: cuDNN 9 on GPUs below compute capability 5.0
        ({"convolution_error": "cuDNN error: CUDNN_STATUS_ARCH_MISMATCH"}, "convolution_fails"),
        (
            {"convolution_error": "GET was unable to find an engine to execute this computation"},
            "convolution_fails",
        ),
        ({"convolution_error": "CUDNN_STATUS_NOT_INITIALIZED"}, "convolution_fails"),
        ({"convolution_error": "CUDA error: no kernel image is available"}, "convolution_fails"),
        ({"convolution_error": "CUDA out of memory. Tried to allocate"}, "gpu_memory"),
        ({"convolution_error": "cuDNN error: CUDNN_STATUS_ALLOC_FAILED"}, "gpu_memory"),
        ({"convolution_error": "libcudnn_ops_infer.so.8: cannot open shared object file"}, "cudnn"),
        ({"convolution_error": "cuDNN version incompatibility: 8.7.0, but found 8.2.1"}, "cudnn"),
        ({"convolution_wrong": True}, "wrong_convolution"),
        ({"convolution_signal": 11}, "crashed"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value.values())),
)
def test_a_gpu_that_multiplies_and_does_not_convolve(
    make_torch: MakeTorch, knobs: dict[str, Any], code: str
) -> None:
    prefix = make_torch(cuda="12.1", gpus=[A100, RTX], bad_convolution=["cuda:1"], **knobs)
    check = verify(prefix, expect_gpu=True, limit=20)
    assert (check.exit_code, codes(check)) == (3, [code])
    assert [device.ok for device in check.devices] == [True, False]
    assert "cuDNN" in sentence(check.notices[0]) or code == "gpu_memory"


def test_a_warning_explains_a_kernel_that_fails_without_a_reason(make_torch: MakeTorch) -> None:
    """What torch says of a GPU that it has no code for as it starts; cuBLAS fails after it."""
    warning = "NVIDIA A100 with CUDA capability sm_80 is not compatible with the current PyTorch"
    error = "CUDA error: CUBLAS_STATUS_INTERNAL_ERROR when calling `cublasCreate(handle)`"
    torch = make_torch(cuda="12.1", gpus=[A100], kernel_error=error, kernel_warning=warning)
    check = verify(torch, expect_gpu=True)
    assert (check.exit_code, codes(check)) == (3, ["no_kernel_image"])
    assert error in (check.error or "")


def test_no_word_from_torch_is_told_as_well(make_torch: MakeTorch) -> None:
    check = verify(make_torch(cuda="12.1"), expect_gpu=True)
    assert (check.exit_code, codes(check)) == (3, ["gpu_unseen"])
