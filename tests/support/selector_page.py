"""The selector page, and its answers read as the script of the page reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple


class State(NamedTuple):
    """What is chosen on the page. "" is its first option: no driver, or left open."""

    system: str
    source: str
    release: str
    cuda: str
    arch: str
    python: str


class Page:
    """A page and the answers in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        text = path.read_text(encoding="utf-8")
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text)
        assert found, "the page has no data"
        self.data: dict[str, Any] = json.loads(found[1])
        self.systems = {one["id"]: one for one in self.data["systems"]}

    def states(self) -> list[State]:
        """Every cell."""
        return [
            State(name, source, release, cuda, arch, python)
            for name, one in self.systems.items()
            for source in self.data["sources"]
            for release in ("", *one["releases"][source])
            for python in ("", *one["pythons"])
            for cuda in ("", *one["cudas"])
            for arch in ("", *(one["archs"] if cuda else ()))
        ]

    def answer(self, state: State) -> dict[str, Any]:
        """The answer for a cell."""
        on, text = self.systems[state.system], self.data["strings"]
        release = ["", *on["releases"][state.source]].index(state.release)
        python = ["", *on["pythons"]].index(state.python)
        place, *near = self.data["tables"][on["tables"][state.source][release][python]]
        if state.cuda:
            pattern, *there = near
            line = self.data["patterns"][pattern][on["cudas"].index(state.cuda)]
            letter = self.data["lines"][line][["", *on["archs"]].index(state.arch)]
            place = there[ord(letter) - ord("0")]
        kind, source, torch, cuda, of, rows, words, tools, *notes = self.data["answers"][place]
        texts = self.data["texts"][tools]
        asked = _filled(text[of], {"y": state.python})
        packages = [text[number] for number in self.data["rows"][rows]]
        grouped = [packages[i : i + 3] for i in range(0, len(packages), 3)]
        values = {
            **{"d": state.cuda, "a": state.arch, "r": state.release, "s": state.system},
            **{"t": text[torch], "c": text[cuda], "k": text[cuda].replace(".", "")},
            **{"p": asked, "q": asked.replace(".", "")},
        }
        for at, (name, version, build) in enumerate(grouped):
            values |= {str(at): f"{name}={version}={build}", f"v{at}": version, f"b{at}": build}
        return {
            "kind": text[kind],
            "source": text[source],
            "release": text[torch],
            "cuda": text[cuda],
            "python": asked,
            "rows": [tuple(_filled(word, values) for word in row) for row in grouped],
            "notes": [self._english(note, values) for note in notes],
            "words": _filled(text[words], values),
            "texts": {
                text[tool]: _filled(text[said], values)
                for tool, said in zip(texts[::2], texts[1::2], strict=True)
            },
        }

    def _english(self, note: int, values: Mapping[str, str]) -> str:
        """A note, which is phrases, each with what stands in its holes."""
        numbers = list(self.data["notes"][note])
        said = ""
        while numbers:
            english, _, holes = self.data["phrases"][numbers.pop(0)]
            inside = {f"h{at}": self.data["strings"][numbers.pop(0)] for at in range(holes)}
            said += _filled(english, {**values, **inside})
        return said


def _filled(word: str, values: Mapping[str, str]) -> str:
    def value(mark: re.Match[str]) -> str:
        return _filled(values[mark[1]], values) if mark[1] in values else mark[0]

    return re.sub(r"\{(\w+)\}", value, word)
