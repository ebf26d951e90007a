"""Environments with a Python of their own and a torch that breaks as the real one does.

Also the records that conda writes for what it installs: for what only looks at an environment.
"""

from __future__ import annotations

import json
import shutil
import venv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conda_torchmirror.verify.verdict import Check

#: Installs a torch that breaks as the knobs say, and returns the prefix.
MakeTorch = Callable[..., str]

#: A torch with just what the check touches. `KNOBS` says how it breaks.
TORCH = """
import os, signal, sys, time, types, warnings
KNOBS = {knobs!r}
if "print" in KNOBS:
    print(KNOBS["print"], file=sys.stderr, flush=True)
if "signal" in KNOBS:
    os.kill(os.getpid(), KNOBS["signal"])
if "sleep" in KNOBS:
    time.sleep(KNOBS["sleep"])
if "import_error" in KNOBS:
    raise ImportError(KNOBS["import_error"])
if "needs" in KNOBS and os.environ.get(KNOBS["needs"][0]) != KNOBS["needs"][1]:
    raise ImportError("no " + KNOBS["needs"][0])

__version__ = KNOBS.get("version", "2.3.1")
version = types.SimpleNamespace(cuda=KNOBS.get("cuda"), hip=None)

class Tensor:
    def __init__(self, device="cpu"):
        self.device = device
        self.wrong = False
    def __matmul__(self, other):
        if "kernel_warning" in KNOBS and self.device != "cpu":
            warnings.warn(KNOBS["kernel_warning"])
        if "kernel_error" in KNOBS and self.device in KNOBS.get("bad", [self.device]):
            if self.device != "cpu":
                raise RuntimeError(KNOBS["kernel_error"])
        if "kernel_signal" in KNOBS and self.device != "cpu":
            os.kill(os.getpid(), KNOBS["kernel_signal"])
        if "kernel_sleep" in KNOBS and self.device != "cpu":
            time.sleep(KNOBS["kernel_sleep"])
        return self
    def __mod__(self, other): return self
    __add__ = __mod__
    def reshape(self, *shape): return self
    def float(self): return self
    def to(self, device): return Tensor(str(device))
    def cpu(self): return self
    def tolist(self): return [[0.25, 0.5, 0.75]] * 5
    def numpy(self):
        if "numpy_error" in KNOBS:
            raise RuntimeError(KNOBS["numpy_error"])
        return types.SimpleNamespace(tolist=lambda: [1.0, 1.0])

def rand(*shape):
    if "rand_error" in KNOBS:
        raise RuntimeError(KNOBS["rand_error"])
    return Tensor()
arange = ones = lambda *shape: Tensor()
equal = lambda left, right: left.device == "cpu" or not (
    KNOBS.get("wrong") or left.wrong
)
allclose = lambda left, right, rtol, atol: equal(left, right)
def _conv2d(image, weight):
    if image.device not in KNOBS.get("bad_convolution", [image.device]):
        return image
    if "convolution_error" in KNOBS:
        raise RuntimeError(KNOBS["convolution_error"])
    if "convolution_signal" in KNOBS:
        os.kill(os.getpid(), KNOBS["convolution_signal"])
    image.wrong = bool(KNOBS.get("convolution_wrong"))
    return image
nn = types.SimpleNamespace(
    functional=types.SimpleNamespace(unfold=lambda image, size: Tensor(), conv2d=_conv2d)
)
backends = types.SimpleNamespace(cudnn=types.SimpleNamespace(version=lambda: 90100))

def _available():
    if "warning" in KNOBS:
        warnings.warn(KNOBS["warning"])
    return bool(KNOBS.get("gpus"))
def _init():
    raise RuntimeError(KNOBS.get("init_error", "No CUDA GPUs are available"))
cuda = types.SimpleNamespace(
    is_available=_available,
    init=_init,
    device_count=lambda: len(KNOBS.get("gpus", [])),
    get_arch_list=lambda: ["sm_50", "sm_90"],
    get_device_name=lambda i: KNOBS["gpus"][i][0],
    get_device_capability=lambda i: tuple(KNOBS["gpus"][i][1]),
)
"""

A100 = ["NVIDIA A100", [8, 0]]
RTX = ["NVIDIA GeForce RTX 5090", [12, 0]]


def bare_environment(folder: Path) -> Path:
    """Make an environment with a Python and nothing else."""
    venv.create(folder, symlinks=True, with_pip=False)
    (folder / "conda-meta").mkdir()
    (folder / "conda-meta" / "history").touch()
    return folder


def copy(bare: Path, folder: Path) -> Path:
    """Copy an environment, which is faster than making one."""
    return Path(shutil.copytree(bare, folder, symlinks=True))


def site_packages(prefix: Path) -> Path:
    [folder] = prefix.glob("lib/python3*/site-packages")
    return folder


def install_torch(prefix: Path, **knobs: Any) -> str:
    """Put a torch into the environment that breaks as the knobs say; returns the prefix."""
    folder = site_packages(prefix) / "torch"
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").write_text(TORCH.format(knobs=knobs), encoding="utf-8")
    return str(prefix)


def package(prefix: Path, name: str, text: str) -> None:
    (site_packages(prefix) / f"{name}.py").write_text(text, encoding="utf-8")


def record(
    prefix: Path, name: str, version: str, build: str, *depends: str, channel: str = "pytorch"
) -> None:
    """Write what conda writes when it installs a package. `channel` may be a URL."""
    fn = f"{name}-{version}-{build}"
    base = channel if "://" in channel else f"https://conda.anaconda.org/{channel}"
    text = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": 0,
        "channel": f"{base}/linux-64",
        "subdir": "linux-64",
        "fn": f"{fn}.tar.bz2",
        "url": f"{base}/linux-64/{fn}.tar.bz2",
        "depends": depends,
        "files": [],
    }
    (prefix / "conda-meta" / f"{fn}.json").write_text(json.dumps(text), encoding="utf-8")


CUDA_BUILD = (
    "pytorch",
    "2.3.1",
    "py3.11_cuda12.1_cudnn8.9.2_0",
    "pytorch-cuda >=12.1,<12.2",
    "pytorch-mutex 1.0 cuda",
    "mkl >=2018",
    "python >=3.11,<3.12.0a0",
)
CPU_BUILD = ("pytorch", "2.3.1", "py3.11_cpu_0", "pytorch-mutex 1.0 cpu")
VISION = ("torchvision", "0.18.1", "py311_cu121", "pytorch 2.3.1")


def codes(check: Check) -> list[str]:
    """What a check found, but for variables that it leaves out."""
    return [notice.code for notice in check.notices if notice.code != "ignored_variable"]
