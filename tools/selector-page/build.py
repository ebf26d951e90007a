"""The page: its parts and the answers in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from answer import load_wheels
from axes import CHOICES, gpus
from document import document

from conda_torchmirror.index import builtin
from conda_torchmirror.selection.facts.cuda import data

HERE = Path(__file__).parent


def page(answers: Mapping[str, Any] | None = None) -> str:
    """The text of the page, with the answers of all systems or with those given."""
    found = {
        **(answers or document()),
        "gpus": gpus()["gpus"],
        "sources": CHOICES,
        "words": _words(),
    }
    written = json.dumps(found, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    text = _part("page.html")
    for mark, part in (
        ("style", _part("page.css")),
        ("script", _part("page.js")),
        ("data", written),
    ):
        text = text.replace(f"/*{mark}*/", part.strip())
    return text


def _part(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _words() -> dict[str, Any]:
    """The page's own words by language, with the days that the answers are of."""
    words: dict[str, Any] = json.loads(_part("words.json"))
    found = {channel: builtin.load("linux-64", (), channel=channel) for channel in CHOICES[1:3]}
    listed = load_wheels("linux-64")
    assert listed
    days = {
        "pytorch": str(found["pytorch"] and found["pytorch"].date),
        "forge": str(found["conda-forge"] and found["conda-forge"].date),
        "recipes": str(data("conda_forge.json")["as_of"]["pytorch"]).partition(",")[0],
        "wheels": listed.date,
    }
    for of in words.values():
        of["footer"] = of["footer"].format(**days)
    return words
