"""Taking lines out of a list of a YAML document, with the comments around them kept: ruamel counts
them to the line above, and drops them with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ruamel.yaml.error import CommentMark
from ruamel.yaml.tokens import CommentToken


def keep(entries: Any, wanted: Callable[[str], bool]) -> str:
    """Delete the unwanted texts of a list, in place; the comments below one stay, below the text
    above it. Return those below a first one."""
    over = ""
    for at in reversed(range(len(entries))):
        if isinstance(entries[at], str) and not wanted(entries[at].strip()):
            held = entries.ca.items.get(at)
            below = held[0].value.partition("\n")[2] if held and held[0] else ""
            del entries[at]
            if at:
                add_below(entries, at - 1, below)
            else:
                over = below
    return over


def add_below(entries: Any, at: int, lines: str) -> None:
    """Add lines of comments below a text of a list."""
    if not lines.strip():
        return
    held = entries.ca.items.setdefault(at, [None] * 4)
    above, mark = (held[0].value, held[0].start_mark) if held[0] else ("", CommentMark(0))
    held[0] = CommentToken("\n".join([above.removesuffix("\n"), lines]), mark, None)


def add_above(document: Any, key: str, lines: str) -> None:
    """Add lines of comments above the first text of the list that is at a key."""
    said = [line.strip() for line in lines.splitlines() if line.strip()]
    if said:
        held = document.ca.items.setdefault(key, [None] * 4)
        more = (CommentToken(f"{line}\n", CommentMark(2), None) for line in said)
        held[3] = [*(held[3] or ()), *more]
