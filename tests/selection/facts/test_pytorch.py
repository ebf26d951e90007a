"""What a record says: accelerator, CUDA, Python."""

from __future__ import annotations

import pytest
from support.choosing import LINUX

from conda_torchmirror.models import Build
from conda_torchmirror.selection.facts.pytorch import read

# Facts from records


@pytest.mark.parametrize(
    ("name", "build", "depends", "expected"),
    [
        ("pytorch", "py3.12_cuda12.1_cudnn8_0", ["pytorch-cuda >=12.1,<12.2"], ("cuda", "12.1")),
        ("pytorch", "py3.9_cuda11.3_cudnn8_0", ["cudatoolkit >=11.3,<11.4"], ("cuda", "11.3")),
        ("torchvision", "py312_cu121", ["pytorch-cuda 12.1.*"], ("cuda", "12.1")),
        ("pytorch", "cuda126_mkl_py312_h1_300", ["cuda-version >=12.6,<13"], ("cuda", "12.6")),
        ("torchaudio", "py39_cu102", [], ("cuda", "10.2")),
        ("pytorch", "py3.9_cpu_0", [], ("cpu", None)),
        ("pytorch", "py3.12_0", [], ("cpu", None)),
        ("torchvision", "py39_cpu", [], ("cpu", None)),
        ("pytorch", "other_0", ["pytorch-mutex 1.0 cpu"], ("cpu", None)),
        ("pytorch", "other_0", ["pytorch-mutex 1.0 cuda"], ("cuda", None)),
        ("torchaudio", "py37", [], ("any", None)),
        ("torchtext", "py310", [], ("any", None)),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_accelerator_and_cuda_of_a_record(name, build, depends, expected):
    found = read(Build(name, "1.0", build, 0, "linux-64", depends=tuple(depends)))
    assert (found.accelerator, found.cuda) == expected


def test_depends_win_over_the_build_string():
    depends = ("pytorch-cuda >=11.8,<11.9",)
    assert (
        read(Build("pytorch", "2.3.1", "py3.12_cuda12.1_0", 0, "x", depends=depends)).cuda == "11.8"
    )


@pytest.mark.parametrize("build", [b for b in LINUX if b.name == "pytorch"], ids=lambda b: b.spec)
def test_real_records_say_the_same_in_depends_and_build_string(build):
    without = build._replace(depends=tuple(d for d in build.depends if d.startswith("python ")))
    assert read(build).cuda in (None, read(without).cuda) or "cuda" not in build.build
    assert read(build).python == read(without).python
