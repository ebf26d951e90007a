"""The words of the command line, and what they ask for."""

from __future__ import annotations

import shlex
import time

import pytest
from support.condas import reads_over

from conda_torchmirror.exceptions import usage as exceptions
from conda_torchmirror.index import match
from conda_torchmirror.index.sources import allowed
from conda_torchmirror.install import request


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("auto", "auto"),
        (" CPU ", "cpu"),
        ("12.4", "12.4"),
        ("12.4.1", "12.4"),
        ("cu124", "12.4"),
        ("cu92", "9.2"),
        ("CU118", "11.8"),
        ("cuda12.4", "12.4"),
        ("12", "12"),
        ("cuda12", "12"),
        ("cu12", "12"),
    ],
)
def test_cuda(word, found):
    assert request.cuda(word) == found


def test_digits_of_another_keyboard_are_digits():
    """The Python was told as one that no build is for."""
    assert request.python("３.１２") == ("3.12", "3.12")
    assert request.python("03.012.４") == ("3.12", "3.12.4")
    assert request.cuda("１２.４") == "12.4"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        *(("v12.4", "12.4"), ("12,4", "12.4"), ("12。4", "12.4"), (">=12.1", "12.1")),
        *(("12.4+", "12.4"), ("none", "cpu"), ("GPU", "auto"), ("new", None), ("", None)),
        *(("cu", None), ("12.", None), ("12.4-1", None), ("-1.0", None), ("v580", None)),
    ],
)
def test_cuda_that_is_none(word, meant):
    with pytest.raises(exceptions.BadCuda) as raised:
        request.cuda(word)
    said = [hint["text"] for hint in raised.value._hints if hint["hint_code"] == "spec_meant"]
    assert said == ([f"did you mean `--cuda {meant}`?"] if meant else [])
    assert meant is None or request.cuda(meant) == meant


@pytest.mark.parametrize(
    "word", ["torch", "Torch", "TORCH", "pytorch", "PyTorch", "pytorch::torch"]
)
def test_torch_means_pytorch_however_it_is_written(word):
    assert set(request.make([word]).specs) == {"pytorch"}
    assert request.make([f"{word}=2.3"]).specs["pytorch"][0].endswith("=2.3")


@pytest.mark.parametrize(
    "word", ["torchmetrics", "torch-geometric", "pytorch-lightning", "mytorch"]
)
def test_a_longer_name_is_another_package(word):
    asked = request.make([word])
    assert asked.others == (word,)
    assert "pytorch" in asked.specs


@pytest.mark.parametrize(
    ("words", "option", "found"),
    [
        (["python=3.11"], None, "3.11"),
        (["python==3.11.4"], None, "3.11.4"),
        (["python 3.11.*"], None, "3.11"),
        (["python=3.11"], "3.11", "3.11"),
        (["python=3.11"], "3.11.4", "3.11.4"),
        (["python"], "3.10", "3.10"),
        (["python"], None, None),
    ],
)
def test_python(words, option, found):
    assert request.make(words, python_word=option).python == found


@pytest.mark.parametrize("word", ["python>=3.10", "python<3.13", "python=3", "python=3.10|3.11"])
def test_a_spec_that_names_no_one_python(word):
    with pytest.raises(exceptions.BadPythonSpec):
        request.make([word])


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["python=3.10"], {"python_word": "3.11"}),
        (["cpuonly"], {"cuda_word": "12.4"}),
        (["pytorch", "cpuonly"], {"cuda_word": "cu118"}),
    ],
)
def test_what_cannot_both_hold(words, options):
    with pytest.raises(exceptions.Contradiction) as raised:
        request.make(words, **options)
    assert raised.value.return_code == 2


def test_cpuonly_is_a_cpu_build():
    assert request.make(["cpuonly"]).cuda == "cpu"
    assert request.make(["cpuonly"], cuda_word="cpu").cuda == "cpu"


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["pytorch", "pytorch-mutex=1.0=cpu"], {}),
        (["pytorch-mutex=*=cpu"], {}),
        (["pytorch-mutex 1.0 cpu"], {"cuda_word": "cpu"}),
        (["torch==2.3.1+cpu"], {}),
    ],
    ids=str,
)
def test_what_says_cpu(words, options):
    assert request.make(words, **options).cuda == "cpu"


def test_a_mutex_that_says_nothing_says_nothing():
    assert request.make(["pytorch-mutex"]).cuda == "auto"
    assert request.make(["pytorch-mutex=1.0=cuda"]).cuda == "auto"


@pytest.mark.parametrize(
    ("runtime", "version", "narrows"),
    [
        ("pytorch-cuda=12.1", "cuda-version=12.5", False),
        ("pytorch-cuda=12.1=hde6ce7c_5", "cuda-version=12.5=3", False),
        ("pytorch-cuda=12.1", "cuda-version=11.8", True),
        ("pytorch-cuda=12.1", "cuda-runtime=12.4.1", True),
        ("pytorch-cuda", "cuda-version=12.1", True),
        ("pytorch-cuda>=11.8", "cuda-version=12.1", True),
    ],
)
def test_a_cuda_version_beside_pytorch_cuda(runtime, version, narrows):
    """Exports have `cuda-version` of a newer minor there; another major is a contradiction."""
    found = request.make([runtime, version])
    assert bool(found.pins) is narrows
    assert found.others == (version,)


@pytest.mark.parametrize(
    ("words", "options", "first", "second"),
    [
        (["pytorch-cuda=12.4"], {"cuda_word": "cpu"}, "--cuda cpu", "pytorch-cuda=12.4"),
        (["cuda-version=12"], {"cuda_word": "cpu"}, "--cuda cpu", "cuda-version=12"),
        (["cpuonly", "pytorch-cuda=12.4"], {}, "cpuonly", "pytorch-cuda=12.4"),
        (["torch==2.3.1+cpu", "torchvision==0.18.1+cu121"], {}, "torch==2.3.1+cpu", "+cu121"),
        (["pytorch-mutex=1.0=cpu"], {"cuda_word": "12.4"}, "pytorch-mutex=1.0=cpu", "--cuda 12.4"),
    ],
)
def test_cpu_and_cuda_contradict(words, options, first, second):
    with pytest.raises(exceptions.Contradiction) as raised:
        request.make(words, **options)
    assert f"`{first}`" in str(raised.value)
    assert second in str(raised.value)


@pytest.mark.parametrize(
    ("words", "channels", "pins"),
    [
        (["cuda-version=11.8"], [], ["cuda-version=11.8"]),
        (["cuda-toolkit==11.8"], [], ["cuda-toolkit==11.8"]),
        (["cuda=11.8.0"], [], ["cuda=11.8.0"]),
        (["cuda-runtime[version='>=11.8,<12']"], [], ["cuda-runtime[version='>=11.8,<12']"]),
        (["nvidia/label/cuda-11.8.0::cuda-toolkit"], [], ["cuda-version=11.8"]),
        (["pytorch"], ["nvidia/label/cuda-12.1.1"], ["cuda-version=12.1"]),
        (["dgl"], ["dglteam/label/th24_cu118"], ["cuda-version=11.8", "pytorch=2.4"]),
        (["dglteam/label/th24_cu118::dgl"], [], ["cuda-version=11.8", "pytorch=2.4"]),
        (["dgl=2.4.0.th24.cu118"], [], ["cuda-version=11.8", "pytorch=2.4"]),
        (["pyg=2.5=py310_torch_2.3.0_cu121"], [], ["cuda-version=12.1", "pytorch=2.3"]),
        (["torch==2.3.1+cu121"], [], ["cuda-version=12.1"]),
        # They say nothing of the CUDA of torch.
        (["cuda-version"], [], []),
        (["nvidia::cuda-toolkit"], [], []),
        (["tensorflow=2.10=cuda112py39h01bd6f0_0"], [], []),
        (["pytorch"], ["pytorch", "conda-forge/label/cuda_rc"], []),
    ],
    ids=str,
)
def test_what_names_a_cuda_narrows(words, channels, pins):
    assert sorted(pin.spec for pin in request.make(words, channels=channels).pins) == pins


@pytest.mark.parametrize("word", ["torch==2.7.1+rocm6.3", "torch==2.7.1+xpu"])
def test_a_variant_that_no_build_has_is_refused_by_name(word):
    with pytest.raises(exceptions.BadSpec) as raised:
        request.make([word])
    assert word in str(raised.value)


def test_what_says_cuda_beside_pytorch_cuda_goes_to_the_solver():
    asked = request.make(["pytorch-cuda=11.8", "cudatoolkit=11.8"])
    assert "cudatoolkit" not in asked.specs
    assert asked.others == ("cudatoolkit=11.8",)
    assert "cudatoolkit" in request.make(["pytorch", "cudatoolkit"]).specs


@pytest.mark.parametrize("toolkit", ["cudatoolkit=11.3", "cudatoolkit>=11.2", "cudatoolkit"])
def test_which_cudatoolkit_builds_of_conda_forge_take_is_left_to_what_they_need(toolkit):
    asked = request.make(["pytorch", toolkit], channels=["conda-forge"])
    assert ([pin.spec for pin in asked.pins], asked.others) == (["cuda-version<12"], (toolkit,))


@pytest.mark.parametrize("channels", [["conda-forge", "pytorch"], ["pytorch"], ["nvidia"], []])
def test_cudatoolkit_names_the_channel_pytorch_where_no_other_is_meant(channels):
    asked = request.make(["pytorch", "cudatoolkit=11.3"], channels=channels)
    assert asked.specs["cudatoolkit"] == ("cudatoolkit=11.3",)
    assert asked.ties == (("pytorch", "cudatoolkit=11.3"),)


@pytest.mark.parametrize(
    ("word", "spec"),
    [
        ("pytorch=2.3  # a::b", "pytorch=2.3"),
        ("torch==2.3.1+cu121", "pytorch==2.3.1"),
        ("pytorch/win-64::pytorch", "pytorch[subdir='win-64']"),
        ("pytorch[md5=abc]", "pytorch[md5='abc']"),
        ("pytorch=2.3[build_number=0]", "pytorch[version='2.3.*',build_number='0']"),
        ("pytorch[fn=pytorch-2.3.1-x_0.tar.bz2]", "pytorch[fn='pytorch-2.3.1-x_0.tar.bz2']"),
        (
            "pytorch[url='https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch/win-64/p.conda']",
            "pytorch[subdir='win-64',fn='p.conda']",
        ),
    ],
)
def test_nothing_that_a_spec_asks_is_dropped(word, spec):
    assert request.make([word]).specs["pytorch"] == (spec,)


def test_a_python_in_brackets_is_a_python():
    assert request.make(["python[version='3.12']"]).python == "3.12"


@pytest.mark.parametrize(
    "word",
    ["pytorch>", "pytorch=", "pytorch>=", "pytorch!", "numpy<", "pytorch::pytorch|", "numpy ="],
)
def test_an_operator_without_a_version_is_no_open_spec(word):
    """Conda itself drops most of these and takes any version."""
    with pytest.raises(exceptions.BadSpec) as raised:
        request.make([word])
    assert word in str(raised.value)


@pytest.mark.parametrize("word", ["pytorch[license=BSD]", "pytorch[track_features=x]"])
def test_what_no_choice_knows_is_refused_by_name(word):
    with pytest.raises(exceptions.BadSpec) as raised:
        request.make([word])
    assert word in str(raised.value)


@pytest.mark.parametrize(
    "word",
    [
        "pytorch[url='https://conda.anaconda.org/conda-forge/linux-64/pytorch-2.3.1-x_0.conda']",
        "pytorch[url='https://files.example/linux-64/pytorch-2.3.1-x_0.conda']",
        "conda-forge/linux-64::pytorch",
    ],
)
def test_a_file_of_another_channel_is_refused_by_name(word):
    with pytest.raises(exceptions.OtherChannelSpec) as caught:
        request.make([word], source="pytorch")
    hints = {hint["hint_code"]: hint["text"] for hint in caught.value._hints}
    assert {"leave_channel_out", "conda_takes_it"} <= hints.keys()
    command = shlex.split(hints["conda_takes_it"].split("`")[1])
    assert command == ["conda", "install", "-n", "NAME", word]


@pytest.mark.parametrize(
    "word",
    [
        "https://files.example/pytorch::pytorch=2.3",
        "https://files.example/conda/pytorch/linux-64::pytorch",
        "pytorch[version=2.3, channel='https://files.example/pytorch']",
    ],
)
def test_a_channel_by_url_is_that_of_its_host(word):
    """Conda 24.7 takes it for upstream's of the same path, so no command of its own is offered."""
    with pytest.raises(exceptions.OtherChannelSpec) as raised:
        request.make([word])
    assert "https://files.example/" in raised.value.message
    hints = {hint["hint_code"] for hint in raised.value._hints}
    assert ("conda_takes_it" in hints) is ("files" in str(match.channel_for_conda(word)))


@pytest.mark.parametrize("word", ["pytorch-gpu=2.4.1", "pytorch-cpu", "libtorch=2.10"])
@pytest.mark.parametrize(
    ("source", "second"),
    [("pytorch", "--source pytorch"), ("auto", "torchmirror_source: pytorch")],
)
def test_what_only_conda_forge_has_contradicts_the_other_source(word, source, second):
    """It went to the solver beside a set of the channel pytorch, with which it goes nowhere."""
    with pytest.raises(exceptions.Contradiction) as error:
        request.make((word,), source=source, sources=allowed("pytorch"))
    said = " ".join(str(error.value.message).split())
    assert said == f"`{word}` and `{second}` contradict each other"


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("pytorch['version=2.3']", "['version=2.3']"),
        ("pytorch[version]", "[version]"),
        ("pytorch[version=2.3,build]", "[version=2.3,build]"),
        ("pytorch[x,version=2.3]", "[x,version=2.3]"),
        ("pytorch=2.3 (py3.11)", "(py3.11)"),
        ("pytorch=2.3[version=2.4]", "=2.3"),
        ("pytorch-cuda[12.1]", "[12.1]"),
    ],
)
def test_what_conda_reads_over_is_refused_by_name(word, part):
    with pytest.raises(exceptions.BadSpec) as raised:
        request.make([word])
    assert f"`{part}`" in raised.value._cause


@pytest.mark.parametrize(
    "word",
    [
        *("pytorch[]", "pytorch[version='>=2,<3', build=*cuda*]", 'pytorch[version=">=2"]'),
        *("pytorch[build='*cuda1(1|2)*']", "pytorch=2.3[md5=abc]", "pytorch=2.3[subdir=linux-64]"),
        *("pytorch::pytorch[build=^py3.(11|12).*$]", "pytorch[version=>=2.0]"),
    ],
)
def test_what_conda_reads_is_taken(word):
    assert request.make([word]).specs["pytorch"]


@reads_over
def test_what_goes_to_the_solver_is_read_as_conda_reads_it():
    """Environment files have extras of pip among conda's packages, which conda reads over."""
    assert request.make(["astartes[molecules]"]).others == ("astartes[molecules]",)


def test_a_parser_that_fails_over_a_word_has_not_read_it(monkeypatch):
    """With the solver rattler, conda 26.7 raises an IndexError for `numpy[version]`."""

    def fail(word):
        raise IndexError("string index out of range")

    monkeypatch.setattr(match, "MatchSpec", fail)
    with pytest.raises(exceptions.BadSpec) as raised:
        request.make(["numpy[version]"])
    assert "string index out of range" in raised.value._cause


@pytest.mark.parametrize(
    ("word", "way"),
    [
        ("tuna::pytorch=2.3", "pytorch=2.3 --mirror tuna"),
        (
            "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch::pytorch",
            "pytorch::pytorch --mirror tuna",
        ),
        ("https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/other::pytorch", None),
        ("nosuch::pytorch=2.3", None),
    ],
)
def test_a_mirror_that_is_named_as_a_channel_is_named_as_one(word, way):
    with pytest.raises(exceptions.OtherChannelSpec) as raised:
        request.make([word])
    hints = {hint["hint_code"]: hint["text"] for hint in raised.value._hints}
    said = f"write `{way}`, if that mirror is meant" if way else None
    assert hints.get("spec_at_mirror") == said


def test_all_words_of_a_side_are_left_out_together():
    with pytest.raises(exceptions.Contradiction) as raised:
        request.make(["cpuonly", "pytorch-mutex=*=cpu"], cuda_word="12.4", source="pytorch")
    assert raised.value.sides == ("cpuonly pytorch-mutex=*=cpu", "--cuda 12.4")


@pytest.mark.parametrize("word", ["、" * 20_000, "pytorch" + " ," * 20_000 + "="])
def test_a_long_word_that_cannot_be_read_is_refused_at_once(word):
    """What separates words was looked for again from each of its characters."""
    start = time.monotonic()
    with pytest.raises(exceptions.BadSpec):
        request.make([word])
    assert time.monotonic() - start < 3


@pytest.mark.parametrize("word", ["CUDA", "Cuda-Toolkit", "PyTorch-Cuda=12.1", "CPUonly"])
def test_the_case_of_a_name_means_nothing(word):
    """Conda reads names in any case; a bare `CUDA` kept CPU builds out, and `cuda` did not."""
    made, lower = (request.make(["pytorch", each]) for each in (word, word.lower()))
    assert (made.pins, made.specs) == (lower.pins, lower.specs)
