"""Names of packages: those of the torch family everywhere, and those that one channel alone has.

What a person writes is read with all of them, whichever source is chosen from; what a source's own
records are read with is in its module beside this one. Pure: constants only.
"""

from __future__ import annotations

TORCH = "pytorch"
#: Packages that are chosen together with pytorch, each built for exactly one release of it.
PARTNERS = ("torchvision", "torchaudio", "torchtext", "torchdata")
FAMILY = (TORCH, *PARTNERS)
#: What is installed where no package is named, the last of it where there is one.
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
#: What its pytorch is built on, which no other channel has as a package.
LIBTORCH = "libtorch"
#: Packages of which one says what BLAS an environment has.
BLAS = ("libblas", "blas", "nomkl")
#: The packages that bring cuDNN: the second is all of it since conda-forge took it apart.
CUDNN = ("cudnn", "libcudnn")
#: Packages whose version is a CUDA version, the first of them only that.
CUDA_NAMES = ("cuda-version", "cuda-toolkit", "cuda", "cuda-runtime")
#: The distributions that bring the same modules by pip.
PIP_NAMES = ("torch", "torchvision", "torchaudio")
#: What is chosen as wheels, each of its partners for a release of the first.
PIP_FAMILY = (*PIP_NAMES, PARTNERS[2])
