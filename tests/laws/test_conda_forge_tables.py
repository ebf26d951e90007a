"""The law of conda-forge's table: what advice reads from it is what a choice comes to.

Held against the real records and stubs of the feedstocks' matrices, so it proves the mechanics of
the table and not what was uploaded.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from support import forge_stubs

from conda_torchmirror.index.match import admits
from conda_torchmirror.index.sources import named
from conda_torchmirror.install import request as requests
from conda_torchmirror.models import Choice, Machine
from conda_torchmirror.selection.choose import choose
from conda_torchmirror.selection.sources.forge_tables import best_of_conda_forge

FORGE = named("conda-forge")
RELEASES = (
    *("2.13", "2.12.1", "2.11", "2.10", "2.9", "2.8", "2.7.1", "2.7.0", "2.6", "2.5", "2.4.1"),
    *("2.4.0", "2.3", "2.1", "2.0"),
)
OF_BLAS = (("pytorch=*=*mkl*",), ("pytorch=*=*generic*",))
WORDS = (
    *(("pytorch=*=cuda126*",), ("pytorch=*=cuda*", "torchvision"), ("pytorch=*=cpu*",)),
    *(*OF_BLAS, ("pytorch=*=cuda130_mkl_py312*",), ("pytorch=2.5.1=cuda118*",)),
    *(("pytorch>=2.6=cuda12*",), ("torchvision=*=cuda128*",)),
    ("pytorch", "torchvision=0.22=cuda126*"),
    *(("pytorch", f"cuda-version={c}") for c in ("11.4", "11.8", "12", "12.4", "12.6", "12.8")),
    *(("pytorch", "cuda-version=13.1"), ("torchvision", "cuda-version>=12.8")),
    *(("pytorch", "cuda-version<13"), ("pytorch=2.7.1", "cuda-version=12.8")),
    ("pytorch=2.12", "torchvision=0.27"),
)
PARTNERS = ((), ("torchvision",), ("torchaudio",), ("torchvision", "torchaudio"))


def gpu(subdir: str, cuda: str, arch: str) -> Machine:
    return Machine(subdir, cuda=cuda, cuda_from="libcuda", cuda_arch=arch)


MACHINES = {
    "linux-64, CPU": Machine("linux-64"),
    "aarch64, CPU": Machine("linux-aarch64"),
    "Intel Mac": Machine("osx-64"),
    "Mac": Machine("osx-arm64"),
    "Windows, CPU": Machine("win-64"),
    "11.4": gpu("linux-64", "11.4", "8.0"),
    "12.0": gpu("linux-64", "12.0", "8.6"),
    "13.0": gpu("linux-64", "13.0", "12.0"),
    "GH200": gpu("linux-aarch64", "12.6", "9.0"),
    "glibc 2.17": gpu("linux-64", "13.0", "8.9")._replace(glibc="2.17"),
    "macOS 11": Machine("osx-arm64", osx="11.7"),
    "macOS 10.15": Machine("osx-64", osx="10.15"),
    "Windows": gpu("win-64", "12.8", "8.9"),
    "Jetson": gpu("linux-aarch64", "12.6", "8.7"),
}


def chosen(on: Machine, words: tuple[str, ...], *, allow_cpu: bool = False) -> tuple[Any, Any]:
    """What the table has and what a choice has, each a release and its CUDA or None."""
    asked = requests.make(
        words, cuda_word="auto", compat="minor", allow_cpu=allow_cpu, source=FORGE.name
    )
    found = choose(on, asked, forge_stubs.builds(on.subdir), FORGE.knowledge)
    told = best_of_conda_forge(on, asked, admits)
    return told, (found.torch.version, found.cuda or "") if isinstance(found, Choice) else None


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("python", ["3.8", "3.13"])
def test_the_table_has_what_a_choice_has(machine, python):
    on = MACHINES[machine]._replace(python=python)
    differ = []
    for release, partners in product(RELEASES, PARTNERS):
        told, found = chosen(on, (f"pytorch={release}", *partners))
        if told != found:
            differ.append((release, partners, told, found))
    assert differ == []


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("allow_cpu", [False, True], ids=["", "CPU allowed"])
def test_of_words_on_builds_and_cuda_it_takes_what_a_choice_takes(machine, allow_cpu):
    """A build for a CUDA may run with any later minor, and is not the newest release for long. Of
    CUDA 11 the stubs name a BLAS, which few of the channel's builds do."""
    differ = []
    for words, python in product(WORDS, ("3.9", "3.12", None)):
        on = MACHINES[machine]._replace(python=python)
        if machine == "11.4" and words in OF_BLAS:
            continue
        told, found = chosen(on, words, allow_cpu=allow_cpu)
        if told != found:
            differ.append((words, python, told, found))
    assert differ == []


@pytest.mark.parametrize(
    ("machine", "python", "words", "expected"),
    [
        # torchaudio for 2.6 was never built for Python 3.13, and for 2.8 not on an Intel Mac.
        ("Intel Mac", "3.13", ("pytorch=2.6", "torchaudio"), None),
        ("Intel Mac", "3.12", ("pytorch=2.6", "torchaudio"), ("2.6.0", "")),
        ("Intel Mac", "3.13", ("pytorch=2.8", "torchaudio"), None),
        ("Mac", "3.13", ("pytorch=2.8", "torchaudio"), ("2.8.0", "")),
        # torchaudio compares the minor of CUDA, torchvision the major.
        ("12.0", "3.12", ("pytorch=2.5", "torchaudio"), ("2.5.1", "11.8")),
        ("12.0", "3.12", ("pytorch=2.5", "torchvision"), ("2.5.1", "12.0")),
        ("Windows", "3.12", ("pytorch=2.9", "torchvision"), ("2.9.1", "12.8")),
        ("Windows", "3.12", ("pytorch=2.9", "torchaudio"), None),
        ("macOS 11", "3.12", ("pytorch=2.13",), None),
        ("macOS 11", "3.12", ("pytorch=2.12.1",), ("2.12.1", "")),
        # From 2.6 on they need a cuDNN, and from CUDA 12.8 on libraries of CUDA, for glibc 2.28.
        ("glibc 2.17", "3.12", ("pytorch=2.13",), None),
        ("glibc 2.17", "3.12", ("pytorch=2.6",), None),
        ("glibc 2.17", "3.12", ("pytorch=2.5",), ("2.5.1", "12.6")),
    ],
)
def test_partners_by_python_and_cuda(machine, python, words, expected):
    on = MACHINES[machine]._replace(python=python)
    assert chosen(on, words) == (expected, expected)
