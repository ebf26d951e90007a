"""The channel list of a file that is no valid YAML, if it is plain beyond doubt. Pure.

Leftover templates and a tab somewhere else are common, and other programs accept them. The list is
edited only if it stands alone at the left margin, holds nothing but `- entry` lines, blank lines
and comments, all before it can be read, and what the parser stumbled over is not in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .yaml_outline import NotYaml, Outline, outline, without_jinja

_HEAD = re.compile(r"[\"']?channels[\"']?[ \t]*:")
_PLAIN_HEAD = re.compile(r"channels:[ ]*(?:#.*)?")
_DEPENDENCIES = re.compile(r"^dependencies:", re.M)
_ENTRY = re.compile(r" *- +[^\s{}\[\]%&*!|>]+ *(?: #.*)?")
_BLANK = re.compile(r"[ \t]*(?:#.*)?")
_NEXT_KEY = re.compile(r"[A-Za-z_][\w-]*[ ]*:|---|\.\.\.")


class Ambiguous(ValueError):
    """The list cannot be told beyond doubt: `line` (from 1) and a code."""

    def __init__(self, line: int | None, code: str) -> None:
        """Keep both for the message."""
        self.line = line
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class PlainList:
    """The list as a text of its own: where it starts, and its outline (lines as in the file)."""

    text: str
    start: int
    outline: Outline


def plain_channels(text: str, error_line: int | None) -> PlainList:
    """Find the list. Raises Ambiguous; its codes are no_list, two_lists, odd_line, broken_inside,
    broken_before and line_ends.
    """
    lines = text.split("\n")
    bare = [line.removesuffix("\r") for line in lines]
    if any("\r" in line for line in bare):
        raise Ambiguous(None, "line_ends")
    heads = [number for number, line in enumerate(bare) if _HEAD.match(line)]
    if not heads or not _DEPENDENCIES.search(text):
        raise Ambiguous(None, "no_list")
    if len(heads) > 1:
        raise Ambiguous(heads[1] + 1, "two_lists")
    first = heads[0]
    last = _end(bare, first)
    if error_line is not None and first < error_line <= last:
        raise Ambiguous(error_line, "broken_inside")
    start = sum(len(line) + 1 for line in lines[:first])
    try:
        outline(without_jinja("\n".join(lines[:first])))
    except NotYaml as error:
        raise Ambiguous(error.line, "broken_before") from error
    region = "\n".join([*lines[first:last], ""])
    try:
        found = outline(region)
    except NotYaml as error:
        raise Ambiguous(first + (error.line or 1), "odd_line") from error
    shifted = tuple(replace(slot, line=slot.line + first) for slot in found.slots)
    return PlainList(region, start, replace(found, slots=shifted))


def _end(lines: list[str], first: int) -> int:
    """The number of the first line after the list. Raises Ambiguous at a line that is neither."""
    if not _PLAIN_HEAD.fullmatch(lines[first]):
        raise Ambiguous(first + 1, "odd_line")
    end = last = first + 1
    indents = set()
    while end < len(lines) and not _NEXT_KEY.match(lines[end]):
        line = lines[end]
        if _ENTRY.fullmatch(line):
            indents.add(len(line) - len(line.lstrip()))
            last = end + 1
        elif not _BLANK.fullmatch(line):
            raise Ambiguous(end + 1, "odd_line")
        end += 1
    if len(indents) > 1:
        raise Ambiguous(first + 1, "odd_line")
    return last
