"""Text on a terminal: how wide it is, wrapped lines, aligned columns."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from textwrap import wrap
from unicodedata import east_asian_width

_COMMAND = re.compile(r"`[^`]+`")


def terminal_width() -> int:
    """The columns of the terminal, or what COLUMNS says; 80 where output is no terminal."""
    if "COLUMNS" not in os.environ and not on_terminal():
        return 80
    return max(40, shutil.get_terminal_size().columns)


def on_terminal() -> bool:
    """Whether standard output is a terminal; it is None where it is closed, as under pythonw."""
    return sys.stdout is not None and sys.stdout.isatty()


def wrapped(sentence: str, first: str = "", indent: str = "") -> list[str]:
    """A sentence as lines for this terminal, the first of which begins with `first`.

    No word is split, and nothing between backticks: a command can be copied from one line.
    """
    kept = _COMMAND.sub(lambda found: found[0].replace(" ", "\0"), sentence)
    lines = wrap(
        kept,
        width=terminal_width() - 2,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\0", " ") for line in lines]


def bullet(sentence: str) -> list[str]:
    """A sentence as an item of a list."""
    return wrapped(sentence, "  - ", "    ")


def width(text: str) -> int:
    """How many terminal cells a text takes: two for a full-width character."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def columns(rows: Sequence[Sequence[str]], *, indent: str = "  ", gap: str = "  ") -> list[str]:
    """Rows as aligned lines. The last cell is not padded, and goes on below itself where the line
    would be wider than the terminal. Where the last cells are single words, such as URLs, and one
    is too wide, all of them stand below their rows."""
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
