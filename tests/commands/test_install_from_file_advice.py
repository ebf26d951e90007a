"""Next steps for files: each is taken by its words, on the file, and must give a choice."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from support.torches import record

pytest_plugins = ("support.file_fixtures",)

#: As an export from Windows: exact builds throughout.
WINDOWS = """\
channels: [pytorch, nvidia, conda-forge]
dependencies:
  - python=3.9.19=h1aa4202_1
  - pytorch=2.3.1=py3.9_cuda12.1_cudnn8_0
  - pytorch-cuda=12.1=hde6ce7c_5
  - cuda-version=12.5=3
  - numpy=1.26.4=py39h055cbcc_0
"""
HEAD = "channels: [pytorch, nvidia, conda-forge]\ndependencies:\n"
LINES = {
    "everything narrows": "  - pytorch=2.3.1=py3.9_cuda11.8_cudnn8.9.2_0\n"
    "  - torchvision=0.20.1\n  - pytorch-cuda=12.4\n  - tqdm=4\n",
    "a CUDA that no release has": "  - pytorch=1.13\n  - cudatoolkit=11.4\n  - tqdm=4\n",
    "a CUDA of another major": "  - pytorch=2.3.1\n  - pytorch-cuda=12.1\n  - cuda-version=11.8\n",
    "a partner of another release": "  - pytorch=2.3.1\n  - torchvision=0.17.0\n  - torchaudio\n",
    "a build of another release": "  - pytorch=2.3.1\n  - torchaudio=2.2.0=py39_cu118\n",
    "a Python without a build": "  - python=3.13\n  - pytorch=2.3.1\n  - tqdm=4\n",
    "releases that no Python has": "  - python=3.6\n  - pytorch=2.3.1\n  - torchvision=0.17\n",
    "a channel of its own": "  - python=3.13\n  - pytorch::pytorch=2.3.1\n  - tqdm=4\n",
    "a build of that Python": "  - python=3.10\n  - pytorch=2.3.1=py3.9_cuda12.1_cudnn8.9.2_0\n",
}
#: Steps on the lines of a file.
OF_LINES = (
    *("file_leave_lines", "file_open_lines", "file_open_and_leave"),
    *("file_bare_lines", "file_bare_and_leave"),
)
#: Steps that lead away from the file, to another tool or list.
AWAY = ("see_list", "file_as_it_is", "use_conda_forge", "use_conda_forge_cpu", "use_wheels")


def refused(conda_in_process, *words):
    result = conda_in_process("torch-install", "-d", "--offline", "--json", *words)
    assert result.rc == 1
    return result.json()["guidance"]["hints"]


def test_no_other_python_beside_exact_builds_for_that_of_the_file(mirrored, file, conda_in_process):
    """They are for that Python alone, and conda could install neither."""
    path = file(f"{HEAD}  - python=3.7\n  - pytorch=2.3.1\n  - numpy=1.21.6=py37h976b520_0\n")
    hints = refused(conda_in_process, "-f", path, "-n", "x")
    assert not [hint for hint in hints if "--python 3." in hint["text"]]
    path = file(f"{HEAD}  - python=3.7\n  - pytorch=2.3.1\n  - numpy=1.21.6\n")
    hints = refused(conda_in_process, "-f", path, "-n", "x")
    # The newest Python for which there are builds of that NumPy.
    assert [hint for hint in hints if "--python 3.10" in hint["text"]]


@pytest.mark.parametrize("lines", LINES.values(), ids=LINES)
def test_each_step_taken_on_the_file_gives_a_choice(mirrored, file, conda_in_process, lines):
    path = file(HEAD + lines)
    taken = 0
    for hint in refused(conda_in_process, "-f", path, "-n", "x"):
        assert "tqdm" not in hint["text"], "the lines that do not matter are not repeated"
        if hint["hint_code"] in AWAY:
            continue
        words = list(_taken(hint, path))
        conda_in_process("torch-install", "-d", "--offline", *words).ok()
        file(HEAD + lines)
        taken += 1
    assert taken


#: Files that only an older GPU runs, and what is to be left out of them.
OLD = {
    "a release": ("python=3.10 pytorch=2.1.0 torchvision pytorch-cuda=12.1", "pytorch-cuda=12.1"),
    "a toolkit": ("python=3.8 pytorch=1.10 torchvision cudatoolkit=11.3", "cudatoolkit=11.3"),
    "a line with its channel": (
        "python=3.10 pytorch::pytorch>=2.1 pytorch-cuda=12.1",
        "pytorch-cuda=12.1",
    ),
    "the whole family": (
        "python=3.10 pytorch torchvision torchaudio pytorch-cuda=12.4",
        "torchaudio pytorch-cuda=12.4",
    ),
}


@pytest.mark.parametrize(("lines", "out"), OLD.values(), ids=OLD)
def test_a_file_of_the_channel_that_ended_goes_on_from_conda_forge(
    mirrored, file, conda_in_process, monkeypatch, lines, out
):
    """On a newer GPU no more than a CPU build was offered."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.9")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", "12.0")
    deps = "".join(f"  - {line}\n" for line in lines.split())
    path = file(f"channels: [pytorch, nvidia, defaults]\ndependencies:\n{deps}")
    first = refused(conda_in_process, "-f", path, "-n", "x")[0]
    assert first["hint_code"] in OF_LINES
    assert f"{', '.join(f'`{line}`' for line in out.split())} out" in first["text"]
    words = list(_taken(first, path))
    assert "conda-forge" in words
    found = conda_in_process("torch-install", "-d", "--offline", "--json", *words).ok().json()
    assert found["torchmirror"]["selected"]["cuda"] == "12.9"


def _taken(hint, path: Path):
    """Change the file as a step says, and return the words of the command that comes then."""
    text = path.read_text()
    quoted = re.findall(r"`([^`]*)`", hint["text"])
    words = ["-f", path, "-n", "x"]
    match hint["hint_code"]:
        case "file_change_pins" | "drop_cuda" | "drop_cuda_cpu":
            text = _without(text, quoted)
        case "open_build" | "open_partner" | "torch_instead":
            for new, old in zip(quoted[0].split(), quoted[1].split(), strict=True):
                text = _replaced(text, old, new)
        case "drop_partner":
            text = re.sub(r"  - torchaudio.*\n|  - torchvision.*\n", "", text)
        case "open_versions":
            text = re.sub(r"- (pytorch|torchvision|torchaudio)=.*", r"- \1", text)
        case "older_release":
            text = re.sub(r"- pytorch=.*", "- pytorch", text)
        case code if code in OF_LINES:
            *lines, command = quoted
            said = hint["text"]
            at = max(said.find(" open and "), said.find(" without channel and version, and "))
            for line in lines:
                opened = hint["hint_code"] != "file_leave_lines" and (
                    at < 0 or hint["text"].index(f"`{line}`") < at
                )
                # Only where it is said the channel goes too.
                word = line.rpartition("::")[2] if "_bare_" in code else line
                name = re.match(r"(?:[\w-]+::)?[\w-]+", word)[0]
                text = _replaced(text, line, name) if opened else _without(text, [line])
            words = _command(command)
        case "use_python":
            words = _command(quoted[-1])
        case "use_cpu" | "use_cpu_only":
            words += ["--cuda", "cpu"]
        case code:
            raise AssertionError(f"nobody takes the step {code}")
    path.write_text(text)
    return words


def _command(command: str) -> list[str]:
    words = shlex.split(command)
    assert words[:2] == ["conda", "torch-install"]
    return [*words[2:], *([] if "-n" in words else ["-n", "x"])]


def _replaced(text: str, old: str, new: str) -> str:
    assert f"- {old}\n" in text
    return text.replace(f"- {old}\n", f"- {new}\n")


def _without(text: str, lines: list[str]) -> str:
    for line in lines:
        text = _replaced(text, line, "tqdm")
    return text


def test_an_export_of_another_platform(mirrored, file, conda_in_process):
    path = file(WINDOWS)
    hints = refused(conda_in_process, "-f", path, "-n", "x", "--platform", "linux-64")
    assert [hint["hint_code"] for hint in hints] == [
        "file_on_platform",
        "file_export_anew",
        "see_list",
    ]
    assert all(len(hint["text"]) < 300 for hint in hints)
    there = conda_in_process(
        "torch-install", "-d", "--offline", "-f", path, "-n", "x", "--platform", "win-64"
    ).ok()
    assert "pytorch=2.3.1=py3.9_cuda12.1_cudnn8_0" in there.words


def test_a_file_that_conda_cannot_take_either_is_not_offered_to_it(
    mirrored, file, conda_in_process
):
    path = file(HEAD + "  - pytorch=2.3.1\n  - torchvision=0.17.0\n")
    codes = [h["hint_code"] for h in refused(conda_in_process, "-f", path, "-n", "x")]
    assert "file_as_it_is" not in codes
    path = file(HEAD + "  - pytorch=2.1.2=py3.10_cuda12.1_cudnn8_0\n")  # of win-64
    codes = [h["hint_code"] for h in refused(conda_in_process, "-f", path, "-n", "x")]
    assert "open_build" in codes
    assert "file_as_it_is" not in codes
    path = file(HEAD + "  - pytorch=1.5.0=cpu_py37h9f948e0_0\n")
    codes = [h["hint_code"] for h in refused(conda_in_process, "-f", path, "-n", "x")]
    assert "file_as_it_is" in codes


def test_what_the_built_in_index_does_not_go_back_to(mirrored, file, conda_in_process):
    path = file(HEAD + "  - pytorch=1.6.0\n")
    result = conda_in_process("torch-install", "-d", "--offline", "-f", path, "-n", "x")
    assert "the built-in index has no `pytorch=1.6.0` for linux-64" in result.words
    path = file(HEAD + "  - pytorch=2.9\n")
    result = conda_in_process("torch-install", "-d", "--offline", "-f", path, "-n", "x")
    assert "the built-in index has no `pytorch=2.9` for linux-64" in result.words


def test_lines_that_say_it_as_pip_does_are_told_as_they_are(mirrored, file, conda_in_process):
    """`torch==2.3.1` was told as `pytorch==2.3.1`, and the file was left to conda, which has no
    such package."""
    lines = f"{HEAD}  - python=3.10\n  - torch==2.3.1\n  - torchvision==%s+cu121\n"
    fitting = conda_in_process("torch-install", "-d", "--offline", "-f", file(lines % "0.18.1"))
    assert "`torch==2.3.1`, `torchvision==0.18.1+cu121` became the builds" in fitting.ok().words
    hints = refused(conda_in_process, "-f", file(lines % "0.17.1"), "-n", "x")
    said = {hint["hint_code"]: hint["text"] for hint in hints}
    assert "instead of `torchvision==0.17.1+cu121`" in said["open_partner"]
    assert "file_as_it_is" not in said


def test_the_label_of_a_channel_is_no_pin(file, preview_file):
    """Conda solves with both; only of pins it takes one or the other."""
    channels = "channels: [dglteam/label/th21_cu118, pytorch, nvidia]\n"
    found = preview_file(file(f"{channels}dependencies: [pytorch=2.1]\n"), "-n", "x")
    assert found["selected"]["cuda"] == "11.8"
    assert "pins_beside" not in [warning["code"] for warning in found["warnings"]]


def test_a_long_file_leaves_the_choice_in_sight(mirrored, file, conda_in_process):
    lines = "".join(f"  - package{number}\n" for number in range(40))
    path = file(f"{HEAD}  - pytorch=2.3.1\n{lines}")
    words = ("torch-install", "-d", "--offline", "-f", path, "-n", "x")
    said = conda_in_process(*words).ok().words
    assert "package5 and 34 more (`-v` shows them): chosen by conda's solver" in said
    assert "package39: chosen by conda's solver" in conda_in_process(*words, "-v").ok().words


# Lines for the CPU or for one source, and words that are typed beside a file


@pytest.fixture
def preview(file, conda_in_process):
    """`preview(channels, lines, *words)`: the JSON document of a preview for a file of these, the
    return code, and the hints by code."""

    def run(channels, lines, *words):
        path = file(f"channels: [{channels}]\ndependencies: [{', '.join(map(repr, lines))}]\n")
        asked = ("torch-install", "-d", "--offline", "--json", "-n", "x", "-f", path, *words)
        done = conda_in_process(*asked)
        document = done.json()
        hints = document.get("guidance", {}).get("hints", ())
        return document, done.rc, {hint["hint_code"]: hint["text"] for hint in hints}

    return run


@pytest.mark.parametrize(
    ("where", "lines", "source", "torch"),
    [
        # `+cpu` is no package of the channel pytorch, as cpuonly is.
        ("conda-forge", ["torch==2.8.0+cpu"], "conda-forge", "2.8.0"),
        ("pytorch", ["torch==2.3.1+cpu"], "pytorch", "2.3.1"),
        ("conda-forge", ["pytorch=2.3", "pytorch-mutex=1.0=cpu"], "pytorch", "2.3.1"),
        # conda-forge has no such package, which went to the solver beside its pytorch.
        ("conda-forge", ["pytorch", "pytorch-mutex=*=cuda"], "pytorch", "2.5.1"),
    ],
)
def test_a_line_names_a_source_as_the_word_does(preview, where, lines, source, torch):
    document, rc, _ = preview(where, lines)
    assert rc == 0, document
    found = document["torchmirror"]["selected"]
    assert (found["source"], found["builds"][0]["version"]) == (source, torch)
    assert (found["cuda"] is None) is any("cpu" in line for line in lines)
    assert "cpuonly" not in str(document["torchmirror"]["warnings"])


@pytest.mark.parametrize(
    ("lines", "words", "sides"),
    [
        (["torch==2.8.0+cpu"], ("--cuda", "12.4"), {"torch==2.8.0+cpu", "--cuda 12.4"}),
        (["cpuonly", "torch==2.3.1+cu121"], (), {"cpuonly", "+cu121"}),
        (
            ["pytorch=2.5.1=cpu_mkl_py312_h6ed91f6_109", "pytorch-mutex=*=cpu"],
            ("--platform", "osx-64"),
            {"pytorch=2.5.1=cpu_mkl_py312_h6ed91f6_109", "pytorch-mutex=*=cpu"},
        ),
    ],
)
def test_a_contradiction_names_lines_that_are_there(preview, lines, words, sides):
    document, rc, hints = preview("defaults", lines, *words)
    assert rc == 2
    assert set(re.findall("`([^`]*)`", document["message"])) == sides
    assert "see_list" not in hints, "one of them helps"


def test_a_variant_that_the_option_overrules_is_told(preview):
    document, rc, _ = preview("pytorch", ["torch==2.3.1+cu121"], "--cuda", "cpu")
    assert rc == 0
    told = [one["text"] for one in document["torchmirror"]["warnings"]]
    assert any("`+cu121` is left out, as `--cuda cpu`" in text for text in told)


def test_the_metapackage_of_cuda_builds_asks_for_cuda_without_a_driver(preview):
    """A file with it was refused on a login node, where one with cuda-version was answered."""
    document, rc, _ = preview("conda-forge", ["pytorch-gpu=2.5.1"])
    assert rc == 0, document
    found = document["torchmirror"]
    assert found["selected"]["cuda"] == "12.6"
    assert "file_any_cuda" in [one["code"] for one in found["warnings"]]


def test_no_file_is_left_without_a_line(preview):
    mac = ("--python", "3.12", "--platform", "osx-arm64")
    document, rc, hints = preview("conda-forge", ["pytorch-gpu"], *mac)
    assert rc == 1, document
    assert "file_leave_lines" not in hints
    assert "ask for `pytorch` instead of `pytorch-gpu`" in hints["torch_instead"]
    done, rc, _ = preview("conda-forge", ["pytorch"], *mac)
    assert rc == 0
    torch = done["torchmirror"]["selected"]["builds"][0]["version"]
    assert f"here it is pytorch {torch}" in hints["torch_instead"]


@pytest.mark.parametrize(
    ("where", "lines", "words", "never"),
    [
        # The line on Python stays, and with it no release of conda-forge is there.
        (
            "conda-forge",
            ["pytorch", "python>=3.8,<3.10", "tqdm"],
            ("torchvision=0.13.1", "--platform", "linux-aarch64"),
            {"file_open_lines", "file_leave_lines", "ask_less"},
        ),
        # A cudatoolkit in a file names no source.
        ("conda-forge", ["pytorch", "pytorch-cuda=10.2"], ("--cuda", "12.9"), {"torch_instead"}),
        # The other line asks for a CUDA as well.
        (
            "nvidia/label/cuda-12.1.0, pytorch",
            ["pytorch=2.5", "cuda-toolkit=11.1"],
            (),
            {"drop_cuda_cpu"},
        ),
        # The line goes on naming the other channel.
        (
            "conda-forge",
            ["pytorch::pytorch", "python=3.13"],
            ("--cuda", "12.6"),
            {"use_conda_forge"},
        ),
    ],
)
def test_a_step_that_the_other_lines_spoil_is_not_offered(preview, where, lines, words, never):
    document, rc, hints = preview(where, lines, *words)
    assert rc == 1, document
    assert not never & hints.keys()


def test_the_variant_of_a_line_stays_where_its_release_is_opened(preview):
    lines = ["torch==2.4.1+cpu", "torchvision=0.20"]
    _, _, hints = preview("pytorch", lines)
    assert "ask for `pytorch=*+cpu` instead of `torch==2.4.1+cpu`" in hints["torch_instead"]
    document, rc, _ = preview("pytorch", ["pytorch=*+cpu", "torchvision=0.20"])
    assert rc == 0
    assert document["torchmirror"]["selected"]["builds"][0]["version"] == "2.5.1"


def test_what_is_typed_beside_a_file_is_told_as_no_line_of_it(preview):
    words = ("-c", "nvidia/label/cuda-12.1.1", "--source", "pytorch", "--cuda", "10.2")
    _, _, hints = preview("pytorch", ["pytorch=2.99", "tqdm"], "torchvision=0.13.1", *words)
    said = " ".join(text for code, text in hints.items() if code.startswith("file_"))
    lines = said.partition(": then")[0]
    assert "torchvision=0.13.1" not in lines
    assert "nvidia/label" not in lines


@pytest.mark.parametrize("more", ["", "  - tqdm\n"], ids=["alone", "with-more"])
def test_pytorch_instead_of_its_metapackage_need_not_stay(file, sandbox, conda_in_process, more):
    """For the step without pytorch-gpu, the release that is there, of another channel than the file
    names, was taken to stay: the command names pytorch, and found nothing."""
    prefix = sandbox.envs / "there"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta" / "history").touch()
    record(prefix, "python", "3.12.4", "h0_0", channel="conda-forge")
    record(prefix, "pytorch", "2.5.1", "py3.12_cuda12.4_cudnn9.1.0_0", "python >=3.12,<3.13.0a0")
    record(prefix, "torchvision", "0.20.1", "py312_cu124", "pytorch 2.5.1")
    record(prefix, "torchaudio", "2.5.1", "py312_cu124", "pytorch 2.5.1")
    path = file(f"channels: [conda-forge]\ndependencies:\n  - pytorch-gpu\n{more}")
    hints = refused(conda_in_process, "-f", path, "-n", "there", "--cuda", "12.4")
    assert {"file_leave_lines", "torch_instead"}.isdisjoint(one["hint_code"] for one in hints)
    path = file(f"channels: [conda-forge]\ndependencies:\n  - pytorch\n{more}")
    assert refused(conda_in_process, "-f", path, "-n", "there", "--cuda", "12.4")
