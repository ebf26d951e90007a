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
        without, *driver = on["cells"][state.source][release][python]
        place = without
        if state.cuda:
            archs = self.data["drivers"][driver[0]][on["cudas"].index(state.cuda)]
            place = self.data["archs"][archs][["", *on["archs"]].index(state.arch)]
        kind, source, torch, cuda, of, rows, notes, words, texts = self.data["answers"][place]
        packages = [text[number] for number in self.data["rows"][rows]]
        grouped = [packages[i : i + 3] for i in range(0, len(packages), 3)]
        values = {
            **{"d": state.cuda, "a": state.arch, "r": state.release, "s": state.system},
            **{"t": text[torch], "c": text[cuda]},
            **{"p": text[of], "q": text[of].replace(".", "")},
        }
        for at, (name, version, build) in enumerate(grouped):
            values |= {str(at): f"{name}={version}={build}", f"v{at}": version, f"b{at}": build}
        return {
            "kind": text[kind],
            "source": text[source],
            "release": text[torch],
            "cuda": text[cuda],
            "python": text[of],
            "rows": [tuple(_filled(word, values) for word in row) for row in grouped],
            "notes": [_filled(text[number], values) for number in notes[::2]],
            "words": _filled(text[words], values),
            "texts": {
                text[tool]: _filled(text[said], values)
                for tool, said in zip(texts[::2], texts[1::2], strict=True)
            },
        }


def _filled(word: str, values: Mapping[str, str]) -> str:
    def value(mark: re.Match[str]) -> str:
        return _filled(values[mark[1]], values) if mark[1] in values else mark[0]

    return re.sub(r"\{(\w+)\}", value, word)
