"""Files as text with exact positions: decoding, edits at spans, and the diff made from them.

Guarantees that no byte outside a reported span changes: the result is assembled from slices of the
input's bytes. Line ends, byte order marks and encodings are never changed.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

#: Longest first: UTF-32's little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

#: Control characters that show that a file is binary; tab, form feed and the like occur in text.
_BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")

_CONTEXT = 3


class UnreadableText(ValueError):
    """Bytes that are not text in a supported encoding. `code` is binary, utf16_without_bom or
    not_unicode.
    """

    def __init__(self, code: str) -> None:
        """Keep the code; the caller has the sentence for it."""
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class SourceText:
    """A file's bytes, and its text without the byte order mark."""

    data: bytes
    text: str
    codec: str = "utf-8"
    bom: bytes = b""


@dataclass(frozen=True)
class Change:
    """Replace the characters `start` to `end` of a text by `new`."""

    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Edit:
    """A replacement: the span in bytes of the input, its line (from 1), old and new text."""

    start: int
    end: int
    line: int
    old: str
    new: str


def decode(data: bytes) -> SourceText:
    """Read bytes as UTF-8, or as what their byte order mark says. Raises UnreadableText."""
    bom, codec = next(((b, c) for b, c in _MARKS if data.startswith(b)), (b"", "utf-8"))
    try:
        text = data[len(bom) :].decode(codec)
    except UnicodeDecodeError as error:
        raise UnreadableText("binary" if b"\0" in data and not bom else "not_unicode") from error
    if _BINARY.search(text):
        raise UnreadableText("utf16_without_bom" if _looks_wide(data) else "binary")
    return SourceText(data, text, codec, bom)


def _looks_wide(data: bytes) -> bool:
    """Whether the bytes look like ASCII text with two bytes per character."""
    head = data[:4096]
    zeros = head[::2].count(0), head[1::2].count(0)
    return min(zeros) == 0 and max(zeros) > len(head) // 4


def apply(source: SourceText, changes: Iterable[Change]) -> tuple[bytes, tuple[Edit, ...]]:
    """Apply changes; return the new bytes and the edits, in order. Takes linear time.

    Raises ValueError when two changes overlap.
    """
    pieces: list[bytes] = []
    edits: list[Edit] = []
    char = 0
    offset = copied = len(source.bom)
    line = 1
    for change in sorted(changes, key=lambda change: change.start):
        if change.start < char:
            raise ValueError(f"changes overlap at character {change.start}")
        between = source.text[char : change.start]
        start = offset + len(between.encode(source.codec))
        line += between.count("\n")
        old = source.text[change.start : change.end]
        end = start + len(old.encode(source.codec))
        pieces += [source.data[copied:start], change.new.encode(source.codec)]
        edits.append(Edit(start, end, line, old, change.new))
        char, offset, copied = change.end, end, end
    return b"".join([source.bom, *pieces, source.data[copied:]]), tuple(edits)


def edited(text: str, changes: Sequence[Change]) -> str:
    """The text with the changes applied."""
    pieces = []
    char = 0
    for change in sorted(changes, key=lambda change: change.start):
        pieces += [text[char : change.start], change.new]
        char = change.end
    return "".join([*pieces, text[char:]])


def unified_diff(
    before: SourceText, after: SourceText, edits: Sequence[Edit], name: str
) -> Iterator[str]:
    """Unified diff lines without line ends, with three lines of context. Takes linear time.

    Every edit stays within its line, so the changed lines are known without comparing. Lines that
    end in CR LF keep the CR, and the first line keeps a UTF-8 byte order mark, so that `patch` and
    `git apply` find the content of the file. `name` is the path with slashes.
    """
    old, new = _lines(_with_mark(before)), _lines(_with_mark(after))
    changed = sorted({edit.line - 1 for edit in edits})
    if not changed:
        return
    yield f"--- {_diff_name(name, 'a/')}"
    yield f"+++ {_diff_name(name, 'b/')}"
    groups = [[changed[0]]]
    for previous, number in pairwise(changed):
        if number - previous > 2 * _CONTEXT:
            groups.append([])
        groups[-1].append(number)
    for group in groups:
        first = max(group[0] - _CONTEXT, 0)
        last = min(group[-1] + _CONTEXT + 1, len(old))
        yield f"@@ -{first + 1},{last - first} +{first + 1},{last - first} @@"
        yield from _hunk(old, new, range(first, last), frozenset(group))


def _hunk(
    old: Sequence[str], new: Sequence[str], numbers: range, changed: frozenset[int]
) -> Iterator[str]:
    removed: list[str] = []
    added: list[str] = []
    for number in numbers:
        if number in changed:
            removed += _shown("-", old[number])
            added += _shown("+", new[number])
            continue
        yield from (*removed, *added)
        removed, added = [], []
        yield from _shown(" ", old[number])
    yield from (*removed, *added)


def _diff_name(name: str, prefix: str) -> str:
    """A file name as git writes it: below `a/` or `b/`, and quoted if necessary.

    An absolute path gets no prefix; programs only apply a diff to one if told to.
    """
    if not name.startswith("/"):
        name = prefix + name
    if re.search(r'["\\\x00-\x1f\x7f]', name):
        return '"' + re.sub(r'["\\\x00-\x1f\x7f]', _escaped, name) + '"'
    return f"{name}\t" if " " in name else name


def _escaped(match: re.Match[str]) -> str:
    return f"\\{match[0]}" if match[0] in '"\\' else f"\\{ord(match[0]):03o}"


def _with_mark(source: SourceText) -> str:
    return ("\ufeff" if source.bom and source.codec == "utf-8" else "") + source.text


def _shown(sign: str, line: str) -> list[str]:
    bare = line.removesuffix("\n")
    end = [] if line.endswith("\n") else ["\\ No newline at end of file"]
    return [sign + bare, *end]


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + lines[-1:] * bool(lines[-1])
