"""Text on its way to a person: what must not get there, and how wide it is."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from textwrap import wrap
from unicodedata import category, east_asian_width
from urllib.parse import quote

_COMMAND = re.compile(r"`[^`]+`")

#: Categories of characters that show nothing and can hide or turn round what stands beside them:
#: controls, formats (bidirectional marks, zero widths), separators of lines and paragraphs.
_HIDDEN = frozenset(("Cc", "Cf", "Zl", "Zp"))

#: What hides a secret, and what is shown instead. A password may hold `/`, a port is no password.
#: Bounded, so that no text takes longer than its length. `re` keeps what it has compiled, and what
#: holds no secret compiles nothing.
_SECRETS = (
    ("//", r"(?<=//)(?:[^/\s?#]+@|[^/\s?#@:]{1,64}:(?!\d*[/?#])[^\s@]{1,256}@)", ""),
    ("/t/", r"/t/(?!<TOKEN>/)[^/\s]+(?=/)", "/t/<TOKEN>"),
    ("/t/", r"(?<=/t/)[A-Za-z]{2}-[\w-]{8,}", "<TOKEN>"),
    ("/t/", r"(//[^\s/]{1,256}/t/)(?!<TOKEN>)[^/\s'\"`\])]+", r"\1<TOKEN>"),
    (
        "=",
        r"(?i)([?&](?:[\w-]{0,32}(?:token|passw(?:or)?d|secret|signature|api_?key)|sig|auth|key)=)"
        r"[^&\s#'\"`]+",
        r"\1<TOKEN>",
    ),
)


def safe(text: str) -> str:
    """Without credentials, tokens and characters that hide others, which any input may carry.

    Line breaks and tabs stay.

    >>> safe("https://me:secret@host/t/abc/pytorch")
    'https://host/t/<TOKEN>/pytorch'
    """
    # Hidden characters first: one of them may split what shows a secret.
    if not text.isprintable():
        text = "".join(
            c for c in text if c.isprintable() or c in "\n\t" or category(c) not in _HIDDEN
        )
    for mark, pattern, instead in _SECRETS:
        if mark in text:
            text = re.sub(pattern, instead, text)
    return text


def public_url(url: str) -> str:
    """A URL without token or credentials, and in one word: records may carry anything.

    >>> public_url("https://me:secret@host/t/abc/pytorch/linux-64/a 1.conda")
    'https://host/pytorch/linux-64/a%201.conda'
    """
    return re.sub(r"\s", lambda found: quote(found[0]), safe(url).replace("/t/<TOKEN>", ""))


def terminal_width() -> int:
    """The columns of the terminal, or what COLUMNS says; 80 where output is no terminal."""
    if "COLUMNS" not in os.environ and not sys.stdout.isatty():
        return 80
    return max(40, shutil.get_terminal_size().columns)


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
    would be wider than the terminal."""
    if not rows:
        return []
    widths = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        padded = [cell + " " * (widths[i] - width(cell)) for i, cell in enumerate(row[:-1])]
        head = indent + "".join(cell + gap for cell in padded)
        if width(head) + width(row[-1]) <= terminal_width():
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
