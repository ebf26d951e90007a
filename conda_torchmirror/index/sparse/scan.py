"""Finding the records of a few names in a huge index by scanning its bytes, without parsing it all.

An index of conda-forge has a million records in half a gigabyte, of which a choice reads some
hundred. All bytes are scanned, but only members that may be wanted are decoded. For every valid
JSON document the result is that of a full parse (a property test in `tests/laws/test_sparse.py`).

How the scan keeps its position: it starts at the first member of a section and searches for the
next closing brace that is not followed by `,"name":{`. A `"` followed by a letter opens a string,
since after a closing one there can only be `,:]}` or whitespace. So every brace that the search
passes closes an object whose next sibling is an object too, and a section of plain records is
passed in one search. Where the search stops, the member with the brace is decoded by the real
parser, and the scan goes on after it. The search does not see braces that open inside a record. If
it missed one, the document seems to end before its last brace, because it does see every closing
brace. Then, or if a string hides the end of a key, or if a wanted record has another name's key,
every member of both sections is decoded, one at a time: slower than a full parse, but in a
thousandth of its memory.

These are errors: a file that ends early, anything between members that is not JSON, a NUL (with
which the file system fills holes in a file), and a decoded member that does not parse. Invalid JSON
inside a plain record that is not wanted goes unnoticed.
"""

from __future__ import annotations

import json
import mmap
import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from ...text.messages import text

#: The top-level keys with records, and the other keys to return.
SECTIONS = ("packages", "packages.conda")
KEPT = ("info", "repodata_version")

#: Sizes in bytes: the largest member, a block in `_look_through`, the first try at decoding one.
MOST_MEMBER, _BLOCK, _FIRST = 1 << 24, 1 << 17, 1 << 11
#: Size in bytes above which an unwanted value is skipped by its brackets instead of parsed.
_PARSED = 1 << 20

_SPACE = rb"[ \t\r\n]*"
_SPACES = re.compile(_SPACE)
_COLON = re.compile(_SPACE + rb":" + _SPACE)
_COMMA = re.compile(_SPACE + rb"," + _SPACE)
_PLAIN_KEY = re.compile(rb'"([\w.+!-]*)"' + _SPACE + rb":" + _SPACE)
#: What follows a member: the end of the object, or a comma and another member.
_AFTER = re.compile(_SPACE + rb"(?:(\})|," + _SPACE + rb'(?="))')
#: Escapes that may stand for a letter of a name, and those that hide the end of a key.
_ESCAPE = re.compile(rb'\\(?:(u00[2-7])|"' + _SPACE + rb":" + _SPACE + rb"\{)")
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("?)|[\[\]{}]', re.DOTALL)
_DECODER = json.JSONDecoder()

Span = tuple[int, int]


class BrokenIndex(ValueError):
    """A file that is not an index, or an incomplete one."""


class Places(NamedTuple):
    """The positions in a file of the wanted part of an index, as (first byte, byte after the last).

    `values` has those of the values of top-level keys; `sections` those of the members (key and
    record) of each section, in order.
    """

    values: dict[str, Span]
    sections: dict[str, list[Span]]


class _Unsure(Exception):
    """The quick scan cannot answer: it lost count of the braces, or a wanted record has a key that
    does not begin with its name, so that a later duplicate of that key may go unnoticed."""


def scan(data: mmap.mmap, names: Collection[str]) -> Places:
    """Find the records of these names. Raises: BrokenIndex."""
    letters, hidden = _look_through(data)
    if not hidden:
        with suppress(_Unsure):
            return _Scan(data, names, letters, quick=True).document()
    return _Scan(data, names, letters, quick=False).document()


def _look_through(data: mmap.mmap) -> tuple[list[int], bool]:
    """The positions of escapes that may stand for a letter, and whether any hides the end of a key.

    Raises: BrokenIndex for a NUL, with which the file system fills holes in a file.
    """
    letters: list[int] = []
    hidden = False
    for begin in range(0, len(data), _BLOCK):
        block = data[begin : begin + _BLOCK]
        if 0 in block:
            raise broken(begin + block.index(0))
        at = block.find(b"\\")
        while at >= 0:
            if escape := _ESCAPE.match(data, begin + at):
                if escape[1]:
                    letters.append(escape.start())
                else:
                    hidden = True
            at = block.find(b"\\", at + 1)
    return letters, hidden


class _Member(NamedTuple):
    """A member of a section, decoded as Latin-1."""

    start: int
    end: int
    key: str
    record: Any

    @property
    def name(self) -> str | None:
        """The name in its record, or None."""
        name = self.record.get("name") if isinstance(self.record, dict) else None
        return name if isinstance(name, str) else None


class _Scan:
    """One pass over a document: with `quick` by the search, else by decoding every member."""

    def __init__(
        self, data: mmap.mmap, names: Collection[str], letters: list[int], *, quick: bool
    ) -> None:
        self._data, self._names, self._letters, self._quick = data, names, letters, quick
        if not quick:
            return
        self._prefixes = tuple(f"{name}-" for name in names)
        first, rest = _alternatives(names)
        # Searching for a superset of the wanted names is faster than searching for the names.
        other = rb'"(?!%s(?:%s)-)\w[^"]*"' % (first, rest)
        usual = rb",%s:\{" % other
        spaced = rb"%s,%s%s%s:%s\{" % (_SPACE, _SPACE, other, _SPACE, _SPACE)
        self._other = re.compile(rb"%s%s:%s\{" % (other, _SPACE, _SPACE))
        self._stop = re.compile(rb"\}(?!%s|%s)" % (usual, spaced))
        # The end of the key `"name"`, from its rarest letters on, and a value that may be wanted.
        self._named = re.compile(rb'me"[^"]*"%s(?:%s)"' % (first, rest))

    def document(self) -> Places:
        """Find the wanted part of the document. Raises: BrokenIndex, _Unsure."""
        data = self._data
        values: dict[str, Span] = {}
        sections: dict[str, list[Span]] = {}
        at = self._past(_SPACES, 0)
        if data[at : at + 1] != b"{":
            raise broken(at)
        at = self._past(_SPACES, at + 1)
        more = data[at : at + 1] != b"}"
        if not more:
            at += 1
        while more:
            key, at = self._key(at)
            begin = at
            values.pop(key, None)
            sections.pop(key, None)
            if key in SECTIONS and data[at : at + 1] == b"{":
                sections[key], at = self._section(at)
            else:
                at = self._end(at)
                if key in SECTIONS or key in KEPT:
                    values[key] = (begin, at)
            at, more = self._after(at)
        if (end := self._past(_SPACES, at)) != len(data):
            raise _Unsure if self._quick else broken(end)
        return Places(values, sections)

    def _section(self, at: int) -> tuple[list[Span], int]:
        """The wanted members of the object that begins at `at`, and the position after it."""
        found: dict[str, Span] = {}

        def keep(member: _Member) -> None:
            if member.name in self._names:
                if self._quick and not member.key.startswith(self._prefixes):
                    raise _Unsure
                found[member.key] = (member.start, member.end)
            else:
                found.pop(member.key, None)

        at = self._each(at, keep)
        return list(found.values()), at

    def _each(self, at: int, visit: Callable[[_Member], None]) -> int:
        """Visit the members that may be wanted in the object at `at`; return its end."""
        at = self._past(_SPACES, at + 1)
        if self._data[at : at + 1] == b"}":
            return at + 1
        more = True
        while more:
            if self._quick and (other := self._other.match(self._data, at)):
                stop = self._stop.search(self._data, other.end())
                if stop is None:
                    raise broken(len(self._data))
                last = self._member_of(stop.start(), other.end(), at)
                for member in self._wanted_in(at, last):
                    visit(member)
                at = last
            member = self._member(at)
            visit(member)
            at, more = self._after(member.end)
        return at

    def _wanted_in(self, begin: int, end: int) -> Iterator[_Member]:
        """Yield what may be wanted among the consecutive plain records from `begin` to `end`."""
        hits = [hit.start() for hit in self._named.finditer(self._data, begin, end)]
        letters = self._letters
        hits += letters[bisect_left(letters, begin) : bisect_left(letters, end)]
        done = begin
        for hit in sorted(hits):
            if hit >= done:
                member = self._member(self._member_of(hit, done, done))
                done = member.end
                yield member

    def _member_of(self, at: int, begin: int, default: int) -> int:
        """The start of the plain member around position `at`: after the last brace before it."""
        brace = self._data.rfind(b"}", begin, at)
        if brace < 0:
            comma = _COMMA.match(self._data, default)
            return comma.end() if comma else default
        return self._past(_COMMA, brace + 1)

    def _member(self, at: int) -> _Member:
        """Decode the member that begins at `at`."""
        key, body = self._key(at)
        record, end = self._value(body, MOST_MEMBER)
        return _Member(at, end, key, record)

    def _key(self, at: int) -> tuple[str, int]:
        """The key that begins at `at`, and the position of its value."""
        if plain := _PLAIN_KEY.match(self._data, at):
            return plain[1].decode("ascii"), plain.end()
        if self._data[at : at + 1] != b'"':
            raise broken(at)
        _, end = self._value(at, MOST_MEMBER)
        key: str = json.loads(self._data[at:end].decode("utf-8"))
        return key, self._past(_COLON, end)

    def _after(self, at: int) -> tuple[int, bool]:
        """The position of the next member and True, or that after the object and False."""
        after = _AFTER.match(self._data, at)
        if after is None:
            raise broken(at)
        return after.end(), after[1] is None

    def _end(self, at: int) -> int:
        """The position after the value at `at`; a large one is skipped by counting brackets."""
        try:
            return self._value(at, _PARSED)[1]
        except BrokenIndex:
            end = self._walked(at)
            if end - at < _PARSED:
                raise
            return end

    def _walked(self, at: int) -> int:
        """The position after the object or array at `at`, found by counting brackets."""
        if self._data[at : at + 1] not in (b"{", b"["):
            raise broken(at)
        depth = 0
        for token in _TOKEN.finditer(self._data, at):
            mark = self._data[token.start()]
            if mark in b"{[":
                depth += 1
            elif mark in b"}]":
                depth -= 1
                if depth == 0:
                    return token.end()
            elif not token[1]:
                break
        raise broken(len(self._data))

    def _value(self, at: int, most: int) -> tuple[Any, int]:
        """The value that begins at `at`, and the position after it.

        Decoded as Latin-1, in which a character is a byte, so characters outside ASCII are wrong.
        """
        size = _FIRST
        while True:
            part = self._data[at : at + size].decode("latin-1")
            with suppress(ValueError, RecursionError):
                value, length = _DECODER.raw_decode(part)
                # A number that reaches the end of the part may continue after it.
                if length < size:
                    return value, at + length
            if len(part) < size or size >= most:
                raise broken(at)
            size *= 8

    def _past(self, pattern: re.Pattern[bytes], at: int) -> int:
        found = pattern.match(self._data, at)
        if found is None:
            raise broken(at)
        return found.end()


class Walk(_Scan):
    """A pass that calls `visit` with the key and value of every record, and keeps no positions."""

    def __init__(self, data: mmap.mmap, visit: Callable[[str, Any], None]) -> None:
        super().__init__(data, (), [], quick=False)
        self._visit = visit

    def _section(self, at: int) -> tuple[list[Span], int]:
        return [], self._each(at, self._give)

    def _give(self, member: _Member) -> None:
        content = self._data[member.start : member.end]
        try:
            whole = {} if content.isascii() else json.loads(b"{%s}" % content)
        except ValueError as error:  # no UTF-8
            raise broken(member.start) from error
        self._visit(member.key, whole.get(member.key, member.record))


def _alternatives(names: Collection[str]) -> tuple[bytes, bytes]:
    """Two regular expressions: for the first characters of names, and for the rests of names."""
    firsts = sorted({re.escape(name[:1]) for name in names})
    rests = sorted({re.escape(name[1:]) for name in names})
    return f"[{''.join(firsts)}]".encode(), "|".join(rests).encode()


def broken(byte: int) -> BrokenIndex:
    """The error for an index that is broken at this byte."""
    return BrokenIndex(text("index_broken", {"byte": byte}))
