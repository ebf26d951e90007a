"""Text on a terminal: how wide it is, wrapped lines, aligned columns."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from unicodedata import east_asian_width

#: Pieces that are not split: a command in backticks with what adjoins it, a full-width character
#: with punctuation that may not begin or end a line, a word; each with the space before it.
#: Compiled on first use, because it takes 6 ms.
_PIECE = (
    r" *(?:[（《「“]*(?:`[^`]+`|[^\s`\u2e80-\u9fff\uff00-\uffef（《「“]|`)+"
    r"|[（《「“]*[\u2e80-\u9fff\uff00-\uffef]?)[，。、：；！？）》」”]*"
)
#: The same for a sentence in ASCII.
_ASCII_PIECE = r" *(?:`[^`]+`|[^\s`]|`)+"


def terminal_width() -> int:
    """The width of the terminal in cells, or the value of COLUMNS; 80 if output is no terminal."""
    if "COLUMNS" not in os.environ and not on_terminal():
        return 80
    return max(40, shutil.get_terminal_size().columns)


def on_terminal() -> bool:
    """Whether standard output is a terminal; `sys.stdout` is None if closed, as under pythonw."""
    return sys.stdout is not None and sys.stdout.isatty()


def wrapped(
    sentence: str, first: str = "", indent: str = "", *, most: int | None = None
) -> list[str]:
    """Wrap a sentence for this terminal; the first line begins with `first`.

    No word is split, nor text in backticks, so that a command can be copied from one line. Chinese
    has no spaces: a line may end after any character, but none begins with a comma or a full stop.
    `most` is the width of a line in cells; by default that of the terminal.
    """
    most = terminal_width() - 2 if most is None else most
    lines: list[str] = []
    line, empty, room = first, True, most - width(first)
    pattern = _ASCII_PIECE if sentence.isascii() else _PIECE
    for piece in re.findall(pattern, re.sub(r"\s", " ", sentence).rstrip()):
        wide = width(piece)
        if wide > room and not empty:
            lines.append(line)
            line, empty, room = indent, True, most - width(indent)
        if empty and lines:
            piece = piece.lstrip()
            wide = width(piece)
        line += piece
        room -= wide
        empty = empty and not piece
    return lines if empty else [*lines, line]


def bullet(sentence: str) -> list[str]:
    """A sentence as an item of a list."""
    return wrapped(sentence, "  - ", "    ")


def width(text: str) -> int:
    """How many terminal cells a text takes: two for a full-width character."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def columns(rows: Sequence[Sequence[str]], *, indent: str = "  ", gap: str = "  ") -> list[str]:
    """Rows as aligned lines. The last cell is not padded, and is wrapped below itself if the line
    would be wider than the terminal. If the last cells are single words, such as URLs, and one is
    too wide, all of them go on lines below their rows."""
    if not rows:
        return []
    widths = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    room = terminal_width() - width(indent) - sum(widths[:-1]) - width(gap) * len(widths[:-1])
    below = widths[-1] > room and not any(" " in row[-1] for row in rows)
    lines = []
    for row in rows:
        padded = [cell + " " * (widths[i] - width(cell)) for i, cell in enumerate(row[:-1])]
        head = indent + "".join(cell + gap for cell in padded)
        if below:
            lines += [head.rstrip(), f"{indent}{gap}{row[-1]}"]
        elif width(head) + width(row[-1]) <= terminal_width():
            lines.append((head + row[-1]).rstrip())
        else:
            lines += wrapped(row[-1], head, " " * width(head))
    return lines


def file_size(size: int) -> str:
    """A number of bytes as people read it, in decimal units as mirrors show them.

    >>> file_size(1571072276)
    '1.57 GB'
    """
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.2f} GB"
