"""Arguments that contradict each other: what is named, and what may be left out."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support import offered
from support.running import Result

PREVIEW = ("torch-install", "--dry-run", "--offline", "-n", "new")

SIDE = re.compile(r"--\w+ \S+|\S+")


def guidance(done: Result) -> tuple[str, dict[str, str]]:
    """What a refusal says, and its next steps by code."""
    assert done.rc != 0, str(done)
    document: dict[str, Any] = done.json()
    hints = {hint["hint_code"]: hint["text"] for hint in document["guidance"]["hints"]}
    return f"{document['message']} {document['guidance'].get('cause')}", hints


def each(side: str) -> str:
    """The words of a side as they are shown, each by itself."""
    return " ".join(f"`{word}`" for word in SIDE.findall(side))


def sides(said: list[str]) -> list[list[str]]:
    """The words of each side that may be left out."""
    shown = [side for hint in said for side in hint.split(", or ")]
    return [re.findall(r"`([^`]+)`", side) for side in shown]


@pytest.mark.parametrize(
    ("words", "first", "second"),
    [
        ("cpuonly pytorch-cuda=12.1 --cuda 12.4", "cpuonly", "pytorch-cuda=12.1 --cuda 12.4"),
        ("pytorch-gpu pytorch-cpu --cuda 12.4", "pytorch-cpu", "pytorch-gpu --cuda 12.4"),
        ("torch==2.5.1+cpu --cuda 12.4", "torch==2.5.1+cpu", "--cuda 12.4"),
        ("cpuonly cuda-version=12.4 --cuda cpu", "cpuonly --cuda cpu", "cuda-version=12.4"),
        (
            "torch==2.5.1+cpu torchvision==0.20.1+cu124 --cuda 12.4",
            "torch==2.5.1+cpu",
            "+cu124 --cuda 12.4",
        ),
    ],
)
def test_either_side_that_may_be_left_out_is_named_whole(
    conda_in_process, monkeypatch, words, first, second
):
    """Without a part of one side, the rest of it would go on contradicting the other."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")
    _, hints = guidance(conda_in_process(*PREVIEW, "--json", *words.split()))
    assert hints == {"leave_one_out": f"leave out {each(first)}, or {each(second)}"}
    for side in (first, second):
        kept = words
        for word in re.findall(r"--cuda \S+|\S+", side):
            kept = kept.replace(word, "")
        conda_in_process(*PREVIEW, "--json", *kept.split()).ok()


@pytest.mark.parametrize(
    ("words", "first", "second"),
    [
        (("pytorch=2.1.0", "pytorch=1.11.0"), "pytorch=1.11.0", "pytorch=2.1.0"),
        (("pytorch>2", "pytorch<2"), "pytorch<2", "pytorch>2"),
        (("pytorch=1.4", "pytorch=1.5"), "pytorch=1.4", "pytorch=1.5"),
        (("torchvision=0.12", "torchvision=0.13"), "torchvision=0.12", "torchvision=0.13"),
        (
            ("torchaudio=0.10.0=py38_cu113", "pytorch=2.1.0", "pytorch=1.11.0"),
            *("pytorch=1.11.0", "pytorch=2.1.0"),
        ),
        (("pytorch-cuda=12.1", "pytorch-cuda=11.8"), "pytorch-cuda=11.8", "pytorch-cuda=12.1"),
        (("pytorch::pytorch=2.7", "pytorch=2.3"), "pytorch=2.3", "pytorch=2.7"),
    ],
)
def test_two_specs_of_one_package_are_named_and_no_index_is_blamed(
    conda_in_process, words, first, second
):
    said, hints = guidance(conda_in_process(*PREVIEW, "--cuda", "12.4", "--json", *words))
    assert f"`{first}` and `{second}` exclude each other" in said
    assert "index has no" not in said
    assert "built_in_part" not in hints


@pytest.mark.parametrize(
    "words",
    [
        ("pytorch>=1.4", "pytorch<1.5"),
        ("pytorch>1.4.1", "pytorch<1.7"),
        ("pytorch<1.5", "pytorch!=1.4"),
        ("pytorch=1.5", "pytorch==1.5.1"),
        ("pytorch>=1.4,<1.8", "pytorch>1.4.1,<1.7"),
    ],
)
def test_specs_that_a_release_outside_the_index_meets_do_not_exclude_each_other(
    conda_in_process, words
):
    said, _ = guidance(conda_in_process(*PREVIEW, "--cuda", "12.4", "--json", *words))
    assert "exclude each other" not in said


# What is offered to be left out is tried


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("pytorch=2.13 pytorch-cuda=12.1 --python 3.8", "leave out `pytorch=2.13`"),
        ("pytorch=2.99 cpuonly --cuda 12.4", None),
        (
            "cpuonly pytorch-cuda=12.1 python=3.9 --python 3.8",
            "leave out `python=3.9` `cpuonly`, or `python=3.9` `pytorch-cuda=12.1`",
        ),
        ("pytorch-gpu pytorch-cuda=12.1 --python 3.5", None),
        ("pytorch-cuda=12.1 --source conda-forge --python 3.13", "leave out `pytorch-cuda=12.1`"),
        ("cpuonly pytorch=2.3 --cuda 10.2", "leave out `--cuda 10.2`"),
    ],
)
def test_what_may_be_left_out_has_been_tried(conda_in_process, monkeypatch, words, told):
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")
    _, hints = guidance(conda_in_process(*PREVIEW, "--json", *words.split()))
    said = [hints[code] for code in ("leave_one_out", "leave_words_out") if code in hints]
    if told:
        assert said == [told]
    assert said or "see_list" in hints
    for side in sides(said):
        kept = words
        for word in side:
            kept = re.sub(rf"(?<!\S){re.escape(word)}(?!\S)", "", kept, count=1)
        conda_in_process(*PREVIEW, "--json", *kept.split()).ok()


@pytest.mark.parametrize(
    ("python", "line", "named"),
    [
        ("3.11", "numpy", True),
        ("2.6", "numpy", False),
        ("3.11", "pytorch-cuda=12.1", True),
        ("3.11", "pytorch-cuda=12.6", False),
    ],
)
def test_pytorch_is_named_beside_a_file_only_if_that_has_a_choice(
    conda_in_process, tmp_path, python, line, named
):
    file = tmp_path / "environment.yml"
    file.write_text(f"name: lab\ndependencies: [{line}]\n")
    words = ("-f", file, "--python", python, "--cuda", "12.4", "--source", "pytorch")
    _, hints = guidance(conda_in_process(*PREVIEW, "--json", *words))
    assert ("file_name_torch" in hints) is named


def test_pytorch_is_named_beside_a_file_only_if_the_channels_of_that_have_it(
    conda_in_process, tmp_path
):
    """The channels of a file decide the source, and conda-forge has nothing for Python 3.8."""
    file = tmp_path / "environment.yml"
    words = ("-f", file, "--cuda", "12.4")
    for channel, named in (("pytorch", True), ("conda-forge", False)):
        file.write_text(f"name: lab\nchannels: [{channel}]\ndependencies: [python=3.8, tqdm]\n")
        _, hints = guidance(conda_in_process(*PREVIEW, "--json", *words))
        assert ("file_name_torch" in hints) is named
        done = conda_in_process(*PREVIEW, "--json", *words, "pytorch", "torchvision")
        assert (done.rc == 0) is named, str(done)


@pytest.mark.parametrize("cuda", ["11.8", "12.4"])
def test_what_a_line_of_a_file_makes_harmless_is_not_so_without_it(
    conda_in_process, tmp_path, cuda
):
    """Without pytorch-cuda, a cudatoolkit beside pytorch-gpu is the next contradiction."""
    file = tmp_path / "environment.yml"

    def run(*lines: str) -> Result:
        found = ", ".join(lines)
        file.write_text(f"name: lab\nchannels: [pytorch, nvidia]\ndependencies: [{found}]\n")
        return conda_in_process(*PREVIEW, "--json", "-f", file, "--cuda", cuda)

    lines = ("pytorch-gpu", "pytorch-cuda=12.1", "torchvision", "cudatoolkit")
    _, hints = guidance(run(*lines))
    said = [hints[code] for code in ("leave_one_out", "leave_words_out") if code in hints]
    assert said or "see_list" in hints
    for side in sides(said):
        run(*(line for line in lines if line not in side)).ok()


@pytest.mark.parametrize(
    ("channels", "whole"),
    [("pytorch, nvidia, nodefaults", False), ("pytorch, nvidia, conda-forge", True)],
)
def test_a_release_past_the_end_beside_what_the_channel_brings(
    conda_in_process, tmp_path, channels, whole
):
    """Without a word on the channel's end; and conda was to take the file as it is, where it reads
    no channel that has the release."""
    file = tmp_path / "environment.yml"

    def run(torch: str) -> Result:
        lines = f"dependencies: [python=3.11, {torch}, pytorch-cuda=12.4]"
        file.write_text(f"name: lab\nchannels: [{channels}]\n{lines}\n")
        return conda_in_process(*PREVIEW, "--json", "-f", file, "--cuda", "12.4")

    said, hints = guidance(run("pytorch=2.6"))
    assert "`pytorch-cuda=12.4` and `pytorch=2.6` contradict each other" in said
    assert "the channel `pytorch` ended with PyTorch 2.5.1" in said
    assert ("file_as_it_is" in hints) == whole
    if not whole:
        assert "pytorch 2.5.1 has what fits" in hints["older_release"]
        run("pytorch").ok()


def test_the_channels_end_is_the_reason_where_it_is_one(conda_in_process):
    def told(*words: str) -> str:
        return guidance(conda_in_process(*PREVIEW, "--json", *words))[0]

    assert "ended with PyTorch 2.5.1" in told("torchvision=0.22", "pytorch-cuda=12.1")
    assert "ended with PyTorch 2.5.1" in told("pytorch=2.6", "cpuonly")
    assert "ended" not in told("libtorch=2.6", "pytorch-cuda=12.1")
    assert "ended" not in told("pytorch=2.3", "cpuonly", "--cuda", "12.4")


def test_the_same_words_are_offered_once(conda_in_process):
    words = ("pytorch=2.6", "pytorch-cuda=12.4", "cpuonly")
    _, hints = guidance(conda_in_process(*PREVIEW, "--json", *words))
    said = [frozenset(side) for side in sides([hints["leave_one_out"]])]
    assert len(said) == len(set(said))


def test_a_file_is_not_left_without_pytorch(conda_in_process, tmp_path):
    file = tmp_path / "environment.yml"
    file.write_text("name: lab\nchannels: [pytorch]\ndependencies: [tqdm]\n")
    words = ("pytorch-cpu", "-f", file, "--source", "pytorch", "--cuda", "cpu")
    _, hints = guidance(conda_in_process(*PREVIEW, "--json", *words))
    assert hints
    assert "leave out `pytorch-cpu`" not in hints.values()


# What says that it is for the CPU stays, in every step


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("torch==2.13+cpu --python 2.7 --platform linux-aarch64", "ask_less"),
        ("torch==2.0+cpu mkl>=2024.1 --source conda-forge", "use_wheel_set"),
        ("torch==2.99+cpu --python 2.7 --source wheels", "ask_less"),
    ],
)
def test_a_step_is_for_the_cpu_as_well(conda_in_process, monkeypatch, words, code):
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "11.4")
    _, hints = guidance(conda_in_process(*PREVIEW, "--json", *words.split()))
    [line] = [line for of, line in offered.commands(hints) if of == code]
    assert line[line.index("--cuda") + 1] == "cpu"
    conda_in_process("torch-install", *line, "--json").ok()


def test_what_nobody_typed_is_not_left_out(conda_in_process):
    words = ("cuda-toolkit=12.1", "--cuda", "12.4", "--platform", "linux-aarch64")
    _, hints = guidance(conda_in_process(*PREVIEW, "--json", *words))
    assert "drop_partner" not in hints
    assert "name `pytorch`, to do without torchvision, torchaudio" in hints["name_alone"]
    conda_in_process(*PREVIEW, "--json", "pytorch", *words).ok()


# What a word makes harmless is dropped with that word


@pytest.mark.parametrize(
    ("words", "code", "gone"),
    [
        (
            "pytorch=1.8 pytorch-cuda=11.8 -c nvidia/label/cuda-11.8.0 --python 3.13",
            "ask_less",
            "nvidia/label/cuda-11.8.0",
        ),
        (
            "pytorch=2.0 pytorch-cuda=12.6 cudatoolkit=10.2 --platform osx-arm64",
            "drop_cuda_cpu",
            "cudatoolkit=10.2",
        ),
        (
            "pytorch=1.12.1 pytorch-cuda=11.8 -c nvidia/label/cuda-11.8.0 --source pytorch",
            "drop_cuda",
            "nvidia/label/cuda-11.8.0",
        ),
        ("pytorch-cuda=11.1 torch==2.3.1+cu118 torchaudio", "drop_cuda", "+cu118"),
    ],
)
def test_what_would_narrow_alone_is_dropped_too(conda_in_process, monkeypatch, words, code, gone):
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")
    _, hints = guidance(conda_in_process(*PREVIEW, "--json", *words.split()))
    if code == "ask_less":
        [line] = [line for of, line in offered.commands(hints) if of == code]
        assert gone not in line
        conda_in_process("torch-install", *line, "--json").ok()
    else:
        kept = words
        for word in re.findall(r"`([^`]+)`", hints[code]):
            kept = re.sub(rf"(-c )?{re.escape(word)}", "", kept)
        assert gone not in kept
        conda_in_process(*PREVIEW, "--json", *kept.split()).ok()


def test_the_cpu_is_named_instead_of_what_is_typed_beside_a_file(
    conda_in_process, monkeypatch, tmp_path
):
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "10.2")
    file = tmp_path / "environment.yml"
    file.write_text("name: lab\ndependencies: [tqdm]\n")
    words = ("pytorch-gpu", "--python", "3.12", "-f", file)
    _, hints = guidance(conda_in_process(*PREVIEW, "--json", *words))
    assert "`pytorch-gpu`" in hints["use_cpu_instead"]
    assert "use_cpu_only" not in hints


# Words are told as they were typed, and a step is true of what is left of them


@pytest.mark.parametrize(
    "words",
    [
        ("conda-forge::pytorch=2.13.0[build_number=200]", "pytorch::torchvision", "--cuda", "12.4"),
        ("pytorch[fn=pytorch-2.5.0-py3.12_cpu_0.tar.bz2]", "torchaudio=2.8"),
        ("torch==2.13.0", "pytorch-cuda=12.1"),
    ],
)
def test_the_words_of_a_contradiction_are_those_that_were_typed(conda_in_process, words):
    done = conda_in_process(*PREVIEW, "--json", *words)
    assert done.rc != 0
    named = re.findall("`([^`]*)`", done.json()["message"])
    assert named
    assert set(" ".join(named).split()) <= {*words, "contradict"}


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        (("torch==2.3.1+cpu", "torchvision>=0.20", "--platform", "win-64"), "pytorch=*+cpu"),
        (
            ("pytorch==1.13.1", "pytorch/osx-64::pytorch=1.12.1", "--platform", "osx-64"),
            "pytorch::pytorch",
        ),
        (("pytorch-gpu=2.8", "conda-forge::pytorch", "cuda-version<=12.1", "--cuda", "13.0"), None),
    ],
)
def test_another_word_instead_gives_what_it_says(conda_in_process, words, instead):
    """The channel and the variant of the word stay, which made the step about another set."""
    _, hints = guidance(conda_in_process(*PREVIEW, "--json", *words))
    said = re.fullmatch(
        r"ask for `(.*)` instead of `(.*)`: here it is (.*)", hints["torch_instead"]
    )
    assert said[1] != said[2]
    assert instead in (None, said[1])
    kept = [word for word in words if word not in said[2].split()]
    done = conda_in_process(*PREVIEW, "--json", *said[1].split(), *kept).ok().json()
    torch = done["torchmirror"]["selected"]["builds"][0]
    assert f"{torch['name']} {torch['version']}" == said[3]


@pytest.mark.parametrize(
    "words",
    [
        ("pytorch-gpu", "--python", "3.10"),
        ("pytorch-gpu=2.8=*cuda129*", "tqdm"),
        ("pytorch-gpu", "--platform", "osx-64", "--python", "3.13"),
        ("pytorch-gpu=2.8", "--platform", "linux-aarch64"),
    ],
)
def test_without_the_metapackage_that_is_the_only_word_the_set_is_the_default(
    conda_in_process, words
):
    """The step was tried for pytorch alone, and led into the next refusal or to another release."""
    _, hints = guidance(conda_in_process(*PREVIEW, "--json", *words))
    if "drop_cuda_cpu" in hints:
        done = conda_in_process(*PREVIEW, "--json", *words[1:]).ok().json()["torchmirror"]
        torch = done["selected"]["builds"][0]["version"]
        assert f"out: pytorch {torch} for the CPU fits" in hints["drop_cuda_cpu"]
    if "use_cpu_instead" in hints:
        conda_in_process(*PREVIEW, "--json", *words[1:], "--cuda", "cpu").ok()
    assert ("drop_cuda_cpu" in hints) is ("osx-64" not in words and "linux-aarch64" not in words)


def test_a_word_that_stays_is_offered_with_its_channel(conda_in_process, monkeypatch):
    monkeypatch.setenv("CONDA_PINNED_PACKAGES", "mkl>=2024.1")
    words = ("conda-forge::pytorch", "pytorch-cpu=2.3", "torchaudio=*=*cpu*", "--python", "3.10")
    _, hints = guidance(conda_in_process(*PREVIEW, "--json", *words))
    [line] = [line for of, line in offered.commands(hints) if of == "ask_less"]
    assert "conda-forge::pytorch" in line
    conda_in_process("torch-install", *line, "--json").ok()
