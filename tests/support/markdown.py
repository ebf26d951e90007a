"""Blocks of code in this project's pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]*?) -->\n)?"
    r"(?P<indent> *)```(?P<language>\S*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A fenced block; `mark` is the comment on the line before it, such as `ci: test`."""

    mark: str
    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page in order."""
    for found in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        yield Block(found["mark"] or "", found["language"], found["text"].rstrip("\n"))


def marked(page: Path, mark: str) -> str:
    """The one block with this mark."""
    [text] = [block.text for block in blocks(page) if block.mark == mark]
    return text
