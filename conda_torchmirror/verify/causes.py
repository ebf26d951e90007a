"""Known causes of a failed check, found in the messages of loaders, drivers and torch; and a cause,
and what to do about it, as a sentence."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping

from ..models import Notice
from ..selection.facts.names import DEFAULT, FAMILY
from ..text.messages import text

#: Messages that mean one known thing: (code, pattern). The first that is found explains.
KNOWN: tuple[tuple[str, str], ...] = (
    ("mkl_ijit", r"iJIT_NotifyEvent|iJIT_IsProfilingActive"),
    ("openmp_twice", r"OMP: Error #15|already initialized\. *OMP"),
    ("numpy_abi", r"_ARRAY_API not found|compiled using NumPy 1\.x|Numpy is not available"),
    ("partner_mismatch", r"operator torchvision::\w+ does not exist|custom C\+\+ ops"),
    ("driver_too_old", r"driver on your system is too old|CUDA driver version is insufficient"),
    ("ptx_toolchain", r"PTX was compiled with an unsupported toolchain"),
    ("no_kernel_image", r"no kernel image is available|CUDA capability sm_\d+ is not compatible"),
    ("driver_mixed", r"unsupported display driver / cuda driver combination"),
    ("gpu_busy", r"CUDA-capable device\(s\) is/are busy|all CUDA-capable devices are busy"),
    (
        "gpu_memory",
        r"CUDA out of memory|CUDA error: out of memory|CU(BLAS|DNN)_STATUS_ALLOC_FAILED"
        r"|CUDNN_STATUS_\w*ALLOCATION_FAILED",
    ),
    ("host_memory", r"cudaGetDeviceCount\(\).*Error 2: out of memory"),
    ("driver_stub", r"CUDA driver is a stub library"),
    # Before the libraries that it names, which are as they should be. Windows says all this in its
    # own language; what Python imports has no number of the error, only those words.
    ("paging_file", r"WinError 1455\b|paging file is too small|页面文件太小"),
    ("driver_missing", r"Found no NVIDIA driver|CUDA driver initialization failed"),
    ("cuda_unknown", r"CUDA unknown error"),
    ("gpu_unseen", r"No CUDA GPUs are available|no CUDA-capable device is detected"),
    ("cudnn", r"libcudnn|cudnn\w*64_|CUDNN_STATUS_|cuDNN error|cuDNN version"),
    ("glibc_old", r"version [`']GLIBC(XX)?_[\d.]+' not found"),
    ("mkl_missing", r"libmkl_\w+|mkl_\w+\.\d\.dll"),
    (
        "cuda_library",
        r"lib(cudart|cublas|cufft|curand|cusolver|cusparse|nvJitLink|nccl|cupti)\w*\.",
    ),
    ("dll_procedure", r"WinError 127\b|specified procedure could not be found|找不到指定的程序"),
    (
        "dll_init",
        r"WinError 1114\b|\(DLL\) initialization routine failed|\(DLL\)\s?初始化例程失败",
    ),
    (
        "truncated",
        r"file too short|invalid ELF header|truncated"
        r"|WinError 193\b|not a valid Win32 application|不是有效的 Win32 应用程序",
    ),
    ("dll_missing", r"WinError 126\b|DLL load failed"),
    ("undefined_symbol", r"undefined symbol|Symbol not found|symbol lookup error"),
    ("library_missing", r"cannot open shared object file|Library not loaded"),
    # A folder without its files is a package without anything in it.
    (
        "torch_missing",
        r"No module named '?torch'?(?![\w.])|module 'torch' has no attribute '(__)?version",
    ),
    # The first module that Python itself imports.
    ("python_files", r"init_fs_encoding|No module named '?encodings'?(?![\w.])"),
    ("module_missing", r"No module named"),
)

#: Messages of a system that does not start a Python, in the words of a shell too, which are in the
#: user's language; and the exit codes that tell them apart from what a Python says.
_NOT_STARTED: tuple[tuple[str, str], ...] = (
    ("python_foreign", r"Exec format error|cannot execute binary|Bad CPU type|可执行文件格式错误"),
    ("python_forbidden", r"Permission denied|WinError 5\b|权限不够"),
)
_UNABLE = (126, errno.EACCES, errno.ENOEXEC, getattr(errno, "EBADARCH", errno.ENOEXEC))

#: Messages of a convolution that mean that cuDNN's libraries are at fault, and not the GPU.
LOADING = re.compile(r"libcudnn|cudnn\w*64_|cuDNN version|VERSION_MISMATCH|SUBLIBRARY", re.I)


def explain(message: str) -> str | None:
    """Return the code of the known cause that a message of a loader or driver has."""
    for code, pattern in KNOWN:
        if re.search(pattern, message, re.IGNORECASE):
            return code
    return None


def not_started(exit_code: int, message: str) -> str | None:
    """Return the code of the known cause of a Python that the system did not start."""
    found = (code for code, pattern in _NOT_STARTED if re.search(pattern, message, re.IGNORECASE))
    return next(found, None) if exit_code in _UNABLE else None


def keeping(cuda: str | None, *, has_gpu: bool) -> str:
    """The words by which an installation stays with the CUDA of a build, with a space before them.
    Where there is a GPU, what it runs is chosen without them; elsewhere, what is for the CPU."""
    return f" --cuda {cuda}" if cuda and not has_gpu else ""


def naming(versions: Mapping[str, str]) -> str:
    """The words by which an installation takes what is there again, with a space before each: these
    packages of conda's in these versions."""
    return "".join(f" {name}={versions[name]}" for name in FAMILY if name in versions)


def asking(there: str) -> str:
    """The words by which an installation chooses for what `naming` names, in any version, with a
    space before each; none where it does by itself, as it does for the usual partners."""
    names = [word.partition("=")[0] for word in there.split()]
    return "" if {*DEFAULT} <= {*names} else "".join(f" {name}" for name in names)


def sentence(
    notice: Notice,
    part: str = "",
    *,
    where: str = "",
    by_pip: bool = False,
    keep: str = "",
    there: str = "",
) -> str:
    """Return the sentence of a notice, or its `.hint`; empty if there is none.

    `where` are the words that name the environment in a command, with a space before them, `keep`
    those of `keeping`, `there` those of `naming`. `by_pip` says that pip installed its torch, over
    which conda's would not be installed.
    """
    # The GPU is named by its compute capability where the notice has that.
    arch = notice.facts.get("arch")
    of_arch = text("check.for_arch", {"arch": arch}) if arch else ""
    install = f"{where} --source wheels" if by_pip else where + asking(there)
    facts = {"cuda": text("check.this_version"), "of_arch": of_arch, "where": where}
    facts |= {"install": install, "same": install + keep, "again": where + there + keep}
    facts["reinstall"] = text("check.reinstall_pip" if by_pip else "check.reinstall", facts)
    facts |= notice.facts
    # Codes of remarks about the machine have a prefix already.
    code = notice.code if "." in notice.code else f"check.{notice.code}"
    return text(code + part, facts, default="")
