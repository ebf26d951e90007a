"""Text on its way to a person: what must not get there, and how wide it is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from textwrap import wrap

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_TOKEN = re.compile(r"/t/[^/\s]+(?=/)")
_COMMAND = re.compile(r"`[^`]+`")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def safe(text: str) -> str:
    """Without credentials, tokens and control characters, which records and URLs may carry.

    >>> safe("https://me:secret@host/t/abc/pytorch")
    'https://host/t/<TOKEN>/pytorch'
    """
    return _CONTROL.sub("", _TOKEN.sub("/t/<TOKEN>", _CREDENTIALS.sub("", text)))


def wrapped(sentence: str, first: str = "", indent: str = "") -> list[str]:
    """A sentence as lines for a terminal of width 80, the first of which begins with `first`.

    No word is split, and nothing between backticks: a command can be copied from one line.
    """
    kept = _COMMAND.sub(lambda found: found[0].replace(" ", "\0"), sentence)
    lines = wrap(
        kept,
        width=78,
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
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def columns(rows: Sequence[Sequence[str]], *, indent: str = "  ", gap: str = "  ") -> list[str]:
    """Rows as aligned lines. The last column is not padded."""
    if not rows:
        return []
    widths = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        (
            indent + gap.join(cell + " " * (widths[i] - width(cell)) for i, cell in enumerate(row))
        ).rstrip()
        for row in rows
    ]


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
