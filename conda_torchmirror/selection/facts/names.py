"""Names of packages: those of the torch family everywhere, and those that only one channel has.

Users' words are read with all of these names, whatever the source; names needed only to read a
source's records are in that source's module. Pure: constants only.
"""

from __future__ import annotations

TORCH = "pytorch"
#: Packages that are chosen together with pytorch, each built for exactly one release of it.
PARTNERS = ("torchvision", "torchaudio", "torchtext", "torchdata")
FAMILY = (TORCH, *PARTNERS)
#: The channels of the source of that name, which a run with conda-forge leaves out.
OF_PYTORCH = (TORCH, "nvidia")
#: The channels whose builds of other packages are read, or much the same; and conda's option.
KNOWN_CHANNELS = frozenset((*OF_PYTORCH, "conda-forge", "defaults", "--override-channels"))
#: The packages to install if none is named; the last one only if there is a build of it.
DEFAULT = (TORCH, *PARTNERS[:2])
AUDIO = DEFAULT[2]
#: Packages that bring CUDA into an environment of the channel `pytorch`: cudatoolkit up to pytorch
#: 1.12, then pytorch-cuda.
RUNTIME = "pytorch-cuda"
TOOLKIT = "cudatoolkit"
RUNTIMES = (RUNTIME, TOOLKIT)
#: The package that keeps an environment on CPU builds, and the one whose build says which it is.
CPU_ONLY, MUTEX = "cpuonly", "pytorch-mutex"
#: Packages of conda-forge that bring its own pytorch, and so no other.
GPU_METAPACKAGE, CPU_METAPACKAGE = METAPACKAGES = ("pytorch-gpu", "pytorch-cpu")
#: The library that conda-forge's pytorch is built on, a package of that channel only.
LIBTORCH = "libtorch"
#: Packages that tell which BLAS an environment has.
BLAS = ("libblas", "blas", "nomkl")
#: The packages that bring cuDNN: the second holds all of it since conda-forge split it.
CUDNN = ("cudnn", "libcudnn")
#: Packages whose version is a CUDA version; the first holds nothing else.
CUDA_NAMES = ("cuda-version", "cuda-toolkit", "cuda", "cuda-runtime")
#: Packages of a CUDA toolkit, whose versions begin with that of the toolkit. Nothing says that the
#: set is for the same CUDA, but extensions are compiled with these, which torch refuses otherwise.
OF_TOOLKIT = (
    *("cuda-nvcc", "cuda-compiler", "cuda-nvrtc", "cuda-nvrtc-dev", "cudatoolkit-dev"),
    *("cuda-cudart", "cuda-cudart-dev", "cuda-libraries", "cuda-libraries-dev"),
    *("cuda-nvcc_linux-64", "cuda-nvcc_linux-aarch64", "cuda-nvcc_win-64", "cuda-minimal-build"),
    *("cuda-cudart-static", "cuda-driver-dev", "cuda-cccl", "cuda-profiler-api", "cuda-nvtx-dev"),
    "cuda-command-line-tools",
)
#: The distributions on PyPI with the same modules.
PIP_NAMES = ("torch", "torchvision", "torchaudio")
#: The distributions chosen as wheels, each partner for a release of the first.
PIP_FAMILY = (*PIP_NAMES, PARTNERS[2])
#: The one that pip takes, whose older releases are for one release of the first each.
PIP_DATA = PARTNERS[3]
