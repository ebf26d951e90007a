"""The two sides of a clash, as phrases: what machine or request say, and what the build needs.

The codes are those of `Rejection.machine` and `Rejection.needs`.
"""

from __future__ import annotations

TEXT: dict[str, str] = {
    # Of the machine, the environment, the request.
    "driver_runs": "the driver runs CUDA {cuda} or older",
    "driver_unusable": "the NVIDIA driver does not run",
    "gpu_unusable": "the driver of this machine's GPU ({gpus}) does not run",
    "driver": "driver {driver}",
    "driver_strict": "the driver runs CUDA {cuda}, and --cuda-compat is strict",
    "cuda_to_compare": "a CUDA version to compare with",
    "cpu_asked": "a CPU build is asked for",
    "no_driver": "there is no NVIDIA driver",
    "driver_unknown": "nothing is known of the driver",
    "cuda_asked": "CUDA {cuda} is asked for",
    "gpu_there": "there is an NVIDIA GPU",
    "driver_there": "there is an NVIDIA driver",
    "python_there": "Python {python} ({origin})",
    "pin": "{spec} ({source})",
    "gpu_arch": "GPU of compute capability {arch}",
    "partner_there": "{name} {version} is installed",
    "partner_asked": "{name} is asked for",
    # Of the build.
    "cuda": "CUDA {cuda}",
    "cuda_floor": "CUDA {cuda}: driver {driver}",
    "no_cuda_version": "no CUDA version",
    "cuda_build": "CUDA build",
    "cpu_only": "runs on the CPU only",
    "python": "Python {python}",
    "spec": "{spec}",
    "code_for": "code for {architectures}",
    "code_from": "code from {arch} upward",
    "code_never": "no release of this channel has code for {major}.x",
    "code_first": "code for {major}.x only from PyTorch {torch} with CUDA {cuda} on",
    "no_partner": "no {name} for {torch} in this channel",
}
