"""The tables against a wheel that was run: PyPI's torch 2.11.0 on an H100 with driver 580.159.04.

What it said of itself on 2026-11-26: `torch.version.cuda`, `torch.cuda.get_arch_list()`,
`torch.backends.cudnn.version()`, and the METADATA of the set. `cuobjdump` found no PTX in it, and
no code below 7.5 in its cuDNN and cuBLAS, but for two files of sm_70.
"""

from __future__ import annotations

from conda_torchmirror.selection.facts.cuda import runs_on
from conda_torchmirror.selection.wheels.tables import Home, cuda_tables, tables

CUDA = "13.0"
ARCHS = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120")
CUDNN = 91900
NEEDS_CUDNN = "nvidia-cudnn-cu13==9.19.0.56"
PARTNERS = {"torchvision": "0.26.0", "torchaudio": "2.11.0"}


def capability(arch: str) -> str:
    digits = arch.removeprefix("sm_")
    return f"{digits[:-1]}.{digits[-1]}"


def test_what_the_wheel_said_is_in_the_tables() -> None:
    known = tables()
    assert known.home("torch", "2.11.0", "", "linux-64") == Home("cuda", CUDA)
    assert {name: known.partner(name, "2.11.0") for name in PARTNERS} == PARTNERS
    assert all(
        known.home(name, version, "", "linux-64") == Home("cuda", CUDA)
        for name, version in PARTNERS.items()
    )
    major, rest = divmod(CUDNN, 10_000)
    said = f"{major}.{rest // 100}"
    assert known.cudnn("2.11.0", CUDA) == said
    assert NEEDS_CUDNN.partition("==")[2].startswith(f"{said}.")


def test_its_code_is_in_the_tables() -> None:
    of_cuda = cuda_tables("linux-64")
    carried = of_cuda.architectures("2.11.0", CUDA, "linux-64")
    assert carried == tuple(map(capability, ARCHS))
    assert runs_on("9.0", carried)
    assert of_cuda.cudnn_floor("9.19") == "7.5"
