"""Whatever names a CUDA, a GPU or a file narrows the choice to it."""

from __future__ import annotations

import pytest
from support.choosing import ask, chosen, known, refused

from conda_torchmirror.models import NoChoice
from conda_torchmirror.selection.facts import cuda as tables

ON_12_4 = {"driver": "12.4", "cuda_arch": "8.6"}


@pytest.mark.parametrize(
    ("words", "cuda"),
    [
        (("pytorch=2.3.1", "cuda-version=11.8"), "11.8"),
        (("pytorch=2.1.0", "cuda-toolkit==11.8"), "11.8"),
        (("pytorch=2.1.2", "nvidia/label/cuda-11.8.0::cuda-toolkit"), "11.8"),
        (("pytorch=2.3.1", "cuda=11.8.0"), "11.8"),
        (("pytorch=2.3.1", "cuda-runtime>=11.8,<12"), "11.8"),
        (("pytorch", "cuda-version=12"), "12.4"),
        (("torch==2.3.1+cu121",), "12.1"),
        (("torch==2.3.1+cu118", "torchvision==0.18.1+cu118"), "11.8"),
        (("pytorch", "dglteam/label/th24_cu118::dgl"), "11.8"),
        (("pytorch", "pytorch-mutex=1.0=cuda"), "12.4"),
    ],
    ids=str,
)
def test_a_cuda_that_is_named_is_the_one_chosen(words, cuda):
    assert chosen(*words, **ON_12_4).cuda == cuda


def test_a_label_names_the_release_too():
    found = chosen("pytorch", "dglteam/label/th24_cu118::dgl", **ON_12_4)
    assert found.torch.version == "2.4.1"


@pytest.mark.parametrize("words", [("pytorch-mutex=1.0=cpu",), ("torch==2.3.1+cpu",)])
def test_a_cpu_that_is_named_is_chosen_beside_a_gpu(words):
    assert chosen("pytorch", *words, **ON_12_4).cuda is None


@pytest.mark.parametrize("word", ["cuda-version=11.8", "torch==2.3.1+cu121"])
def test_a_named_cuda_is_never_a_cpu_build(word):
    """Without a driver there is no choice; with `--cuda` there is."""
    found = refused("pytorch", word)
    assert {item.code for item in found.rejected} == {"cuda_build", "pinned"}
    assert chosen("pytorch", word, cuda="12.4").cuda in ("11.8", "12.1")


@pytest.mark.parametrize(
    ("word", "version", "cuda"),
    [("12", "2.5.1", "12.4"), ("11", "2.5.1", "11.8"), ("cuda12", "2.5.1", "12.4")],
)
@pytest.mark.parametrize("compat", ["minor", "strict"])
def test_a_major_alone_is_a_driver_for_every_minor_of_it(word, version, cuda, compat):
    found = chosen("pytorch", cuda=word, compat_mode=compat)
    assert (found.torch.version, found.cuda, found.compat) == (version, cuda, "strict")
    assert not [n for n in found.notices if n.code.startswith(("cuda_below", "minor"))]


# What only a record knows

PICKED = next(
    b for b in known("linux-64") if b.name == "pytorch" and b.version == "2.1.0" and b.sha256
)


@pytest.mark.parametrize("field", ["md5", "sha256", "fn", "url"])
def test_one_file_is_chosen_by_what_only_it_has(field):
    value = getattr(PICKED, field)
    if field == "url":
        value = f"https://conda.anaconda.org/pytorch/linux-64/{PICKED.fn}"
    found = ask(f"pytorch[{field}='{value}']", driver="12.4", allow_cpu=True)
    assert found.torch == PICKED


@pytest.mark.parametrize(
    "word",
    [
        "pytorch[md5=00000000000000000000000000000000]",
        "pytorch[subdir=win-64]",
        "pytorch/win-64::pytorch",
        "pytorch[build_number=7]",
        "pytorch[fn=pytorch-2.3.1-nothing_0.tar.bz2]",
    ],
)
def test_what_no_record_has_gives_no_choice(word):
    assert isinstance(ask(word, **ON_12_4), NoChoice)


# cuDNN


@pytest.mark.parametrize(
    ("cudnn", "arch"),
    [
        ("8", None),
        ("8.7.0", None),
        ("8.9.2", "5.0"),
        ("9", "5.0"),
        ("9.0.0", "5.0"),
        ("9.1.0", "5.0"),
        ("9.10.2", "5.0"),
        ("9.11.0", "7.5"),
        ("10.0", "7.5"),
    ],
)
def test_the_floor_of_a_cudnn(cudnn, arch):
    assert tables.tables().cudnn_floor(cudnn) == arch


@pytest.mark.parametrize(
    ("subdir", "arch", "version"),
    [
        ("linux-64", "3.7", "2.3.1"),
        ("win-64", "3.7", "2.3.1"),
        ("linux-64", "5.0", "2.5.1"),
        ("linux-64", "6.1", "2.5.1"),
    ],
)
def test_a_gpu_below_the_floor_of_a_cudnn_gets_the_release_before(subdir, arch, version):
    found = chosen("pytorch", subdir=subdir, driver="11.8", cuda_arch=arch)
    assert (found.torch.version, found.cuda) == (version, "11.8")
    codes = {item.code for item in found.rejected}
    assert ("cudnn_too_new" in codes) == (arch == "3.7")


def test_the_cudnn_is_said():
    found = refused("pytorch=2.5.1", driver="11.8", cuda_arch="3.7")
    item = next(item for item in found.rejected if item.code == "cudnn_too_new")
    assert dict(item.needs.facts) == {"cudnn": "9.1.0", "arch": "5.0"}
    assert dict(item.machine.facts) == {"arch": "3.7"}
