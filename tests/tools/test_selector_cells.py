"""The selector page says what `torch-install` says: cells at random against the command, 2,000 with
`-m slow`."""

from __future__ import annotations

import random
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import pytest
from conda.base.context import Context
from support.running import conda_in_process
from support.selector_page import Page, State

pytest_plugins = ("support.page_fixtures",)

#: The cells are others with every change of the page, and the same in every run of it: those of a
#: run with `-m slow`, and those of every run, each in parts of a few seconds.
CELLS, PARTS = 2000, 20
QUICK, QUICK_PARTS = 300, 6


@contextmanager
def on_computer(monkeypatch: pytest.MonkeyPatch, state: State) -> Iterator[None]:
    """Conda on a computer like the one of a cell."""
    with monkeypatch.context() as patch:
        patch.setattr(Context, "_native_subdir", lambda self: state.system)
        patch.setenv("CONDA_SUBDIR", state.system)
        patch.setenv("CONDA_OVERRIDE_CUDA", state.cuda)
        patch.delenv("CONDA_OVERRIDE_CUDA_ARCH", raising=False)
        # What the page cannot know, and does not ask for.
        patch.delenv("CONDA_OVERRIDE_GLIBC", raising=False)
        patch.setattr("conda_torchmirror.machine.system.notices", lambda subdir: iter(()))
        if state.arch:
            patch.setenv("CONDA_OVERRIDE_CUDA_ARCH", state.arch)
        yield


_DRIVER = r"the driver runs \1 or older"


def told(state: State, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The document of the very command that the page shows."""
    words = shlex.split(answer["words"])
    with on_computer(monkeypatch, state):
        return conda_in_process("torch-install", *words, "--dry-run", "--offline", "--json").json()


def differences(state: State, answer: dict[str, Any], document: Any) -> list[str]:
    """Where the page and the command disagree."""
    found = document.get("torchmirror", {})
    if answer["kind"] == "none":
        if document.get("success"):
            return [f"the command has a choice: {found['specs']}"]
        cause = (document["guidance"] or {}).get("cause") or document["message"]
        # The page is told what a driver runs, and the command by an override.
        cause = re.sub(r"the override of `__cuda` says (CUDA \d+(?:\.\d+)*)", _DRIVER, cause)
        return [] if answer["notes"] == [cause] else [f"{answer['notes']} is not {cause!r}"]
    if answer["kind"] == "recipe":
        return _of_recipes(answer, document)
    if not document.get("success"):
        return [f"the command refuses: {document['message']} {document['guidance']}"]
    chosen = found["selected"]
    builds = [(b["name"], b["version"], b["build"] or b["file"]) for b in chosen["builds"]]
    rows = [(name, version, unquote(build)) for name, version, build in answer["rows"] if build]
    torch = builds[0][1].partition("+")[0]
    warnings = {warning["text"] for warning in found["warnings"]}
    texts = [unquote(text) for text in answer["texts"].values()]
    wanted = [*found["pins"], *(found["specs"] if chosen["source"] != "wheels" else ())]
    files = [b["file"] for b in chosen["builds"] if not b["build"]]
    pairs = {
        "builds": (rows, builds),
        "release": (answer["release"], torch),
        "cuda": (answer["cuda"] or None, chosen["cuda"]),
        "python": (answer["python"], chosen["python"]),
        "source": (answer["source"], chosen["source"]),
        "notes": ([note for note in answer["notes"] if note not in warnings], []),
        "specs": ([s for s in wanted if s not in texts[0]], []),
        "files": ([f for f in files if not all(f in text for text in texts)], []),
    }
    return [f"{what}: {a} is not {b}" for what, (a, b) in pairs.items() if a != b]


def _of_recipes(answer: dict[str, Any], document: Any) -> list[str]:
    """What only the recipes say: the command says so of the release, or knows too little."""
    found = document.get("torchmirror", {})
    if not document.get("success"):
        hints = {hint["hint_code"] for hint in document["guidance"]["hints"]}
        return [] if "built_in_part" in hints else [f"not a sample: {document['guidance']}"]
    chosen = found["selected"]
    other = chosen.get("other") or {}
    newer = [w["text"] for w in found["warnings"] if w["code"] == "sample_newer"]
    if chosen["source"] == "pytorch":
        known = [other.get("version")] if other.get("source") == "conda-forge" else []
    else:
        # By the release alone: the words beside it may change.
        known = re.findall(r" (\d+(?:\.\d+)+)", newer[0]) if newer else []
        known = known or [chosen["builds"][0]["version"]]
    return [] if answer["release"] in known else [f"{answer['release']} is none of {known}"]


def wrong(page: Page, drawn: list[State], monkeypatch: pytest.MonkeyPatch) -> str:
    """The cells that the command answers otherwise, with what differs."""
    found = {}
    for state in drawn:
        answer = page.answer(state)
        if differs := differences(state, answer, told(state, answer, monkeypatch)):
            found[state] = differs
    return "\n".join(f"{tuple(state)}: {each}" for state, each in list(found.items())[:10])


@pytest.mark.parametrize("part", range(QUICK_PARTS))
def test_cells_say_what_the_command_says(
    part: int, selector_page: Page, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = random.Random(20261126).sample(selector_page.states(), QUICK)
    assert not wrong(selector_page, drawn[part::QUICK_PARTS], monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_two_thousand_cells_say_what_the_command_says(
    part: int, selector_page: Page, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = selector_page.states()
    drawn = random.Random(20261127).sample(every, min(CELLS, len(every)))
    assert not wrong(selector_page, drawn[part::PARTS], monkeypatch)
