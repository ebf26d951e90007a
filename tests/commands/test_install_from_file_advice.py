"""Next steps for files: each is taken by its words, on the file, and must give a choice."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

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
        case "file_open_lines" | "file_leave_lines" | "file_open_and_leave":
            *lines, command = quoted
            at = hint["text"].find(" open and ")
            for line in lines:
                opened = hint["hint_code"] != "file_leave_lines" and (
                    at < 0 or hint["text"].index(f"`{line}`") < at
                )
                name = re.match(r"[\w-]+", line)[0]
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
    assert "the channel has no `pytorch=2.9` for linux-64" in result.words


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
