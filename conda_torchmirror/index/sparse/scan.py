"""Where in a huge index the records of a few names are, without parsing it: one scan of the bytes.

An index of conda-forge has a million records in half a gigabyte, of which a choice reads some
hundred. The bytes are scanned whole; only members that may be wanted are decoded. For
every valid JSON document the answer is that of a full parse (`test_sparse.py` holds this as a law).

How the scan knows where it is. It starts at the first member of a section and searches the next
closing brace that is not followed by `,"name":{`. Where such a `"` is followed by a letter, it
opens a string: after one that closes, only `,:]}` or whitespace can stand. So every brace that is
passed closes an object which has a next sibling that is an object too. Sections of plain records
are passed in one search. Where the search stops, the member that holds the brace is decoded by the
real parser, and the scan goes on behind it. What the search cannot see are braces that open inside
a record. If one was missed, the document seems to end before its last brace does, as the scan sees
every brace that closes; then, and in the two cases of `_Unsure`, every member of both sections is
decoded, one at a time: slower than a full parse, in a thousandth of its memory.

What is an error: a file that ends early, anything that no JSON has between members, a NUL, which a
hole in a file is full of, and a decoded member that does not parse. Not seen is nonsense inside a
plain record that nobody asked for.
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

#: The parts of an index that hold records, and what else of it is returned.
SECTIONS = ("packages", "packages.conda")
KEPT = ("info", "repodata_version")

#: Bytes of one member, of one block that is looked through, and of the first try at a member.
MOST_MEMBER, _BLOCK, _FIRST = 1 << 24, 1 << 17, 1 << 11
#: Bytes up to which a value that nobody asked for is parsed, and not only walked through.
_PARSED = 1 << 20

_SPACE = rb"[ \t\r\n]*"
_SPACES = re.compile(_SPACE)
_COLON = re.compile(_SPACE + rb":" + _SPACE)
_COMMA = re.compile(_SPACE + rb"," + _SPACE)
_PLAIN_KEY = re.compile(rb'"([\w.+!-]*)"' + _SPACE + rb":" + _SPACE)
#: What follows a member: another one, or the end of the object.
_AFTER = re.compile(_SPACE + rb"(?:(\})|," + _SPACE + rb'(?="))')
#: Escapes that may spell a letter of a name, and those that hide the end of a key.
_ESCAPE = re.compile(rb'\\(?:(u00[2-7])|"' + _SPACE + rb":" + _SPACE + rb"\{)")
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("?)|[\[\]{}]', re.DOTALL)
_DECODER = json.JSONDecoder()

Span = tuple[int, int]


class BrokenIndex(ValueError):
    """A file that is no index, or not a whole one."""


class Places(NamedTuple):
    """Where in a file the wanted part of an index is, as (first byte, one behind the last).

    `values` are those of top-level keys; `sections` the members of each, key and record, in order.
    """

    values: dict[str, Span]
    sections: dict[str, list[Span]]


class _Unsure(Exception):
    """The quick scan cannot answer: it lost count of the braces, a string hides the end of a key,
    or a wanted record stands under another name's key, where a later one of that key may hide."""


def scan(data: mmap.mmap, names: Collection[str]) -> Places:
    """Where the records of these names are. Raises: BrokenIndex."""
    letters, hidden = _look_through(data)
    if not hidden:
        with suppress(_Unsure):
            return _Scan(data, names, letters, quick=True).document()
    return _Scan(data, names, letters, quick=False).document()


def _look_through(data: mmap.mmap) -> tuple[list[int], bool]:
    """Where escapes are that may spell a letter, and whether one hides the end of a key.

    Raises: BrokenIndex for a NUL, which a hole in a file is full of.
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
    """One member of a section that was decoded, as Latin-1."""

    start: int
    end: int
    key: str
    record: Any

    @property
    def name(self) -> str | None:
        """The name of its record, where it has one."""
        name = self.record.get("name") if isinstance(self.record, dict) else None
        return name if isinstance(name, str) else None


class _Scan:
    """One pass over a document; `quick` is the search, otherwise every member is decoded."""

    def __init__(
        self, data: mmap.mmap, names: Collection[str], letters: list[int], *, quick: bool
    ) -> None:
        self._data, self._names, self._letters, self._quick = data, names, letters, quick
        if not quick:
            return
        self._prefixes = tuple(f"{name}-" for name in names)
        first, rest = _alternatives(names)
        # A superset of the wanted names costs less to look for than the names.
        other = rb'"(?!%s(?:%s)-)\w[^"]*"' % (first, rest)
        usual = rb",%s:\{" % other
        spaced = rb"%s,%s%s%s:%s\{" % (_SPACE, _SPACE, other, _SPACE, _SPACE)
        self._other = re.compile(rb"%s%s:%s\{" % (other, _SPACE, _SPACE))
        self._stop = re.compile(rb"\}(?!%s|%s)" % (usual, spaced))
        # `"name"`, from its rarest letter on, and a value that may be wanted.
        self._named = re.compile(rb'me"[^"]*"%s(?:%s)"' % (first, rest))

    def document(self) -> Places:
        """Where the wanted part of the document is. Raises: BrokenIndex, _Unsure."""
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
        """The wanted members of the object that begins here, and where it ends."""
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
        """Visit the members that may be wanted of the object that begins here; where it ends."""
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
        """What may be wanted among members that are plain records, one behind the other."""
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
        """Where the plain member begins that holds this place: behind the brace before it."""
        brace = self._data.rfind(b"}", begin, at)
        if brace < 0:
            comma = _COMMA.match(self._data, default)
            return comma.end() if comma else default
        return self._past(_COMMA, brace + 1)

    def _member(self, at: int) -> _Member:
        """The member that begins here, decoded."""
        key, body = self._key(at)
        record, end = self._value(body, MOST_MEMBER)
        return _Member(at, end, key, record)

    def _key(self, at: int) -> tuple[str, int]:
        """The key that begins here, and where its value does."""
        if plain := _PLAIN_KEY.match(self._data, at):
            return plain[1].decode("ascii"), plain.end()
        if self._data[at : at + 1] != b'"':
            raise broken(at)
        _, end = self._value(at, MOST_MEMBER)
        key: str = json.loads(self._data[at:end].decode("utf-8"))
        return key, self._past(_COLON, end)

    def _after(self, at: int) -> tuple[int, bool]:
        """Where the member behind this one begins, or the object ends, and which of the two."""
        after = _AFTER.match(self._data, at)
        if after is None:
            raise broken(at)
        return after.end(), after[1] is None

    def _end(self, at: int) -> int:
        """Where the value ends that begins here; a large one is walked through, not parsed."""
        try:
            return self._value(at, _PARSED)[1]
        except BrokenIndex:
            end = self._walked(at)
            if end - at < _PARSED:
                raise
            return end

    def _walked(self, at: int) -> int:
        """Where the object or array ends that begins here, by its brackets."""
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
        """The value that begins here, and where it ends.

        It is read as Latin-1, where a character is a byte: what is not ASCII in it is not right.
        """
        size = _FIRST
        while True:
            part = self._data[at : at + size].decode("latin-1")
            with suppress(ValueError, RecursionError):
                value, length = _DECODER.raw_decode(part)
                # A number may go on behind what was read.
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
    """A pass that gives every record to `visit`, with its key, and keeps the place of none."""

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
    """Regular expressions of the first letters of names, and of what follows any of them."""
    firsts = sorted({re.escape(name[:1]) for name in names})
    rests = sorted({re.escape(name[1:]) for name in names})
    return f"[{''.join(firsts)}]".encode(), "|".join(rests).encode()


def broken(byte: int) -> BrokenIndex:
    """The error for what stands at a byte."""
    return BrokenIndex(text("index_broken", {"byte": byte}))
