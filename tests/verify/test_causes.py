"""What loaders and drivers say, as reports quote it, and the cause that it is told as."""

from __future__ import annotations

import os

import pytest
from support.torches import MakeTorch, codes

from conda_torchmirror.verify.causes import explain
from conda_torchmirror.verify.run import verify

pytest_plugins = ("support.torch_fixtures",)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the environments here are POSIX venvs")


#: What torch says where a GPU is expected and none can be used. Sources: torch/cuda/__init__.py,
#: c10/cuda/CUDAFunctions.cpp, aten/src/ATen/cuda/detail/CUDAHooks.cpp of 2.3.
UNUSABLE = [
    (
        "CUDA initialization: The NVIDIA driver on your system is too old (found version 11040).",
        "driver_too_old",
    ),
    (
        (
            "CUDA initialization: Found no NVIDIA driver on your system. Please check that you have"
            " an NVIDIA GPU and installed a driver"
        ),
        "driver_missing",
    ),
    (
        (
            "CUDA initialization: CUDA unknown error - this may be due to an incorrectly set up"
            " environment, e.g. changing env variable CUDA_VISIBLE_DEVICES after program start."
        ),
        "cuda_unknown",
    ),
    (
        (
            "CUDA initialization: Unexpected error from cudaGetDeviceCount(). Error 803: system has"
            " unsupported display driver / cuda driver combination"
        ),
        "driver_mixed",
    ),
    # The rest: 2.11.0+cu130 on an H100, driver 580.159.04, 2026-11-26, with a toolkit's folder
    # `stubs` on LD_LIBRARY_PATH, and under `ulimit -v 6000000`.
    (
        (
            "CUDA initialization: Unexpected error from cudaGetDeviceCount(). Did you run some cuda"
            " functions before calling NumCudaDevices() that might have already set an error? Error"
            " 34: CUDA driver is a stub library (Triggered internally at"
            " /pytorch/c10/cuda/CUDAFunctions.cpp:119.)"
        ),
        "driver_stub",
    ),
    (
        (
            "CUDA initialization: Unexpected error from cudaGetDeviceCount(). Did you run some cuda"
            " functions before calling NumCudaDevices() that might have already set an error? Error"
            " 2: out of memory (Triggered internally at /pytorch/c10/cuda/CUDAFunctions.cpp:119.)"
        ),
        "host_memory",
    ),
]


#: Messages of loaders as reports quote them: (message, code, where).
BROKEN = [
    # Python's own, where its library is missing or closed: Python/pylifecycle.c of 3.11.
    (
        (
            "Fatal Python error: init_fs_encoding: failed to get the Python codec of the filesystem"
            " encoding ModuleNotFoundError: No module named 'encodings'"
        ),
        "python_files",
    ),
    (
        (
            "/opt/env/lib/python3.11/site-packages/torch/lib/libtorch_cpu.so: undefined symbol:"
            " iJIT_NotifyEvent"
        ),
        "mkl_ijit",  # pytorch issue 123097
    ),
    (
        "libcudnn.so.8: cannot open shared object file: No such file or directory",
        "cudnn",
    ),
    (
        "libmkl_intel_lp64.so.2: cannot open shared object file: No such file or directory",
        "mkl_missing",
    ),
    (
        (
            "/opt/env/lib/libcusparse.so.12: undefined symbol: __nvJitLinkAddData_12_1, version"
            " libnvJitLink.so.12"
        ),
        "cuda_library",  # pytorch issue 111469
    ),
    (
        "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.28' not found (required by libc10.so)",
        "glibc_old",
    ),
    (
        (
            '[WinError 126] The specified module could not be found. Error loading "C:\\torch\\lib'
            '\\c10.dll" or one of its dependencies.'
        ),
        "dll_missing",
    ),
    ('[WinError 126] 找不到指定的模块。 Error loading "C:\\torch\\lib\\c10.dll"', "dll_missing"),
    ('[WinError 127] 找不到指定的程序。 Error loading "C:\\torch\\lib\\c10.dll"', "dll_procedure"),
    (
        (
            "[WinError 1114] A dynamic link library (DLL) initialization routine failed."
            ' Error loading "C:\\torch\\lib\\c10.dll"'
        ),
        "dll_init",
    ),
    ("DLL load failed while importing _C: The specified module could not be found.", "dll_missing"),
    ("DLL load failed while importing _C: 找不到指定的模块。", "dll_missing"),
    (
        "DLL load failed while importing _C: The specified procedure could not be found.",
        "dll_procedure",
    ),
    ("DLL load failed while importing _C: 找不到指定的程序。", "dll_procedure"),
    ("DLL load failed while importing _C: 动态链接库(DLL)初始化例程失败。", "dll_init"),
    ("DLL load failed while importing _C: %1 不是有效的 Win32 应用程序。", "truncated"),
    (
        '[WinError 1455] 页面文件太小，无法完成操作。 Error loading "C:\\torch\\lib'
        '\\cudnn_cnn_infer64_8.dll" or one of its dependencies.',
        "paging_file",
    ),
    (
        "[WinError 1455] The paging file is too small for this operation to complete. Error"
        ' loading "C:\\torch\\lib\\cublas64_11.dll" or one of its dependencies.',
        "paging_file",
    ),
    ("/opt/env/lib/libtorch.so: file too short", "truncated"),
    ("undefined symbol: _ZN3c105ErrorC2ENS_14SourceLocationESs", "undefined_symbol"),
    ("libtorch_cuda.so: cannot open shared object file: No such file", "library_missing"),
    ("No module named 'typing_extensions'", "module_missing"),
    ("a message nobody has seen", "unexplained"),
]


@pytest.mark.parametrize(("warning", "code"), UNUSABLE, ids=[code for _, code in UNUSABLE])
def test_a_gpu_that_torch_does_not_see(make_torch: MakeTorch, warning: str, code: str) -> None:
    check = verify(make_torch(cuda="12.1", warning=warning), expect_gpu=True)
    assert (check.exit_code, codes(check)) == (3, [code])
    assert verify(make_torch(cuda="12.1", warning=warning), expect_gpu=False).exit_code == 0


@pytest.mark.parametrize(
    ("message", "code"), BROKEN, ids=[f"{c}-{i}" for i, (_, c) in enumerate(BROKEN)]
)
def test_a_broken_import_is_explained(make_torch: MakeTorch, message: str, code: str) -> None:
    check = verify(make_torch(import_error=message), expect_gpu=True)
    assert (check.status, check.exit_code) == ("broken", 1)
    assert codes(check) == [code]
    assert message in (check.error or "")


@pytest.mark.parametrize(("message", "code"), BROKEN + UNUSABLE, ids=str)
def test_explanations_stand_in_a_longer_text(message: str, code: str) -> None:
    assert (explain(f"Traceback\n  File x\n{message}\nmore") or "unexplained") == code
