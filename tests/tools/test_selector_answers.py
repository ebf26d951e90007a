"""The selector page's answers by its own parts, without the page, which takes minutes to make."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conda_torchmirror.index.wheels import builtin

TOOL = Path(__file__).resolve().parents[2] / "tools" / "selector-page"
#: A cell a line comes in, its answer goes out; a process of its own, as the tool patches conda.
SCRIPT = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
os.environ["CONDA_TORCHMIRROR_LANG"] = "zh"
from answer import Cell, Desk, on_computer, without_steps
from shown import shown
from table import Asked
found = []
for cell in map(lambda words: Cell(*words), json.load(sys.stdin)):
    with on_computer(cell.system), without_steps():
        desk = Desk(cell.system)
        desk.narrow(cell.release)
        found.append(shown(Asked(cell, desk.answer(cell), desk.matrix(cell)), desk))
print(json.dumps(found))
"""
CELLS = {
    "channel": ("linux-64", "pytorch", "2.3", "12.1", "8.6", "3.11"),
    "too_new_a_gpu": ("linux-64", "pytorch", "2.3", "12.4", "12.0", "3.11"),
    "recipes": ("linux-64", "conda-forge", "2.12", "12.9", "8.6", "3.11"),
    "wheels": ("win-64", "wheels", "2.7", "12.8", "12.0", "3.12"),
    "release_above_a_driver": ("linux-64", "wheels", "2.14", "11.8", "8.9", "3.12"),
    "mac": ("osx-arm64", "pytorch", "", "cpu", "", ""),
    "one_source_unread": ("linux-aarch64", "auto", "", "11.8", "8.7", "3.12"),
    "unknown_platform": ("linux-aarch64", "pytorch", "", "12.4", "", ""),
}


#: Which wheels can be asked for after another system had its answers in the same process.
AXES = """
import json, sys
sys.path.insert(0, sys.argv[1])
from answer import Desk, on_computer
from axes import SYSTEMS, axes
found = {}
for name in SYSTEMS:
    with on_computer(name):
        found[name] = axes(name).releases["wheels"]
        Desk(name).narrow("2.8")
print(json.dumps(found))
"""


def test_the_wheels_of_a_system_are_its_own(session_sandbox: Any) -> None:
    """Of a list that was narrowed for the system before, three systems had one release."""
    found = json.loads(_run(AXES, ""))
    assert found["osx-64"] == ["2.2", "2.1", "2.0"]
    assert "2.13" in found["osx-arm64"]
    assert found["linux-aarch64"] == found["linux-64"]
    # PyPI alone has the newest: no directory of a mirror does.
    listed = builtin.load("linux-64")
    assert listed
    names = [link.filename for link in listed.links if not link.variant]
    assert any(name.startswith("torch-2.15.") for name in names)
    assert "2.15" not in found["linux-64"]


@pytest.fixture(scope="module")
def answers(session_sandbox: Any) -> dict[str, Any]:
    said = _run(SCRIPT, json.dumps(list(CELLS.values())))
    names = ("kind", "source", "release", "cuda", "python", "rows", "notes", "words", "texts")
    found = [dict(zip(names, answer, strict=True)) for answer in json.loads(said)]
    return dict(zip(CELLS, found, strict=True))


def _run(script: str, given: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, str(TOOL)],
        input=given,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_set_of_the_channel(answers: dict[str, Any]) -> None:
    found = answers["channel"]
    assert (found["kind"], found["release"], found["cuda"]) == ("exact", "2.3.1", "12.1")
    assert found["words"].startswith("-n torch --python 3.11 pytorch=2.3 torchvision torchaudio")
    texts = dict(found["texts"])
    assert list(texts) == ["conda", "mamba", "environment.yml", "pixi"]
    for text in texts.values():
        assert found["rows"][0][2] in text
        assert "{at}pytorch" in text


def test_a_gpu_that_is_too_new(answers: dict[str, Any]) -> None:
    found = answers["too_new_a_gpu"]
    [(english, chinese)] = found["notes"]
    assert found["kind"] == "none"
    assert "12.0" in english
    assert "显卡" in chinese


def test_what_only_the_recipes_say_has_loose_specs(answers: dict[str, Any]) -> None:
    found = answers["recipes"]
    assert found["kind"] == "recipe"
    assert f"pytorch-gpu={found['release']}" in dict(found["texts"])["conda"]


def test_wheels_by_their_addresses(answers: dict[str, Any]) -> None:
    found = answers["wheels"]
    assert (found["kind"], found["cuda"]) == ("exact", "12.8"), found["notes"]
    assert "{wheels}/cu128/torch-2.7.1%2Bcu128-cp312" in dict(found["texts"])["pip"]


def test_a_release_that_no_directory_of_a_driver_has(answers: dict[str, Any]) -> None:
    """The directories of other CUDAs are read for the refusal, which says what they need."""
    found = answers["release_above_a_driver"]
    [(english, _)] = found["notes"]
    assert found["kind"] == "none"
    assert "builds for CUDA 12.6, 13.0, 13.2 are too new: the driver runs CUDA 11.8" in english


def test_a_mac_is_asked_for_no_driver(answers: dict[str, Any]) -> None:
    # The whole set, although the words name none of it.
    assert [row[0] for row in answers["mac"]["rows"]] == ["pytorch", "torchvision", "torchaudio"]
    assert "--cuda" not in answers["mac"]["words"]
    assert answers["mac"]["kind"] == "exact"


def test_a_platform_that_the_index_does_not_know(answers: dict[str, Any]) -> None:
    assert answers["unknown_platform"]["kind"] == "none"


def test_why_a_source_could_not_be_read_is_said_in_each_language(answers: dict[str, Any]) -> None:
    [(english, chinese)] = answers["one_source_unread"]["notes"]
    assert "pytorch could not be read: nothing is known about linux-aarch64" in english
    assert english.isascii()
    assert "不联网" in chinese
