"""The events of a YAML text, with positions. Pure.

Two readers give the same events. `parsed` uses the YAML parser, which handles everything but takes
most of the time for a file. `plain` reads, line by line, the form that `conda env export` and
nearly all people write, and gives up at anything else; a property test in `tests/laws` compares
the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError


class NotYaml(ValueError):
    """The parser stopped: at `line` (from 1, None if unknown) for the reason `problem`."""

    def __init__(self, line: int | None, problem: str) -> None:
        """Keep both."""
        self.line = line
        self.problem = problem
        super().__init__(problem)


class Meaning(NamedTuple):
    """The content of an event, apart from its position. `name` is the name of its class."""

    name: str
    value: str | None = None
    anchor: str | None = None
    tag: str | None = None


class Event(NamedTuple):
    """An event at the characters `start` to `end`, in `line` (from 1).

    `style` is the quote of a scalar, empty for a plain one, `|` or `>` for a block.
    """

    meaning: Meaning
    start: int
    end: int
    line: int
    style: str = ""


def events(text: str, most: int | None = None) -> Iterable[Event]:
    """The events of a text, or at least the first `most`, by the fastest reader that can read it.

    Raises NotYaml.
    """
    found = plain(text, most)
    return parsed(text) if found is None else found


def parsed(text: str) -> Iterator[Event]:
    """The events of any text, by the YAML parser. Raises NotYaml."""
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            yield _converted(event)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise NotYaml(None if mark is None else mark.line + 1, str(problem)) from error
    except (ValueError, TypeError, LookupError, AssertionError, AttributeError) as error:
        # Bugs of the parser on broken text must not end the run.
        raise NotYaml(None, str(error) or type(error).__name__) from error


def _converted(event: Any) -> Event:
    tag = getattr(event, "tag", None)
    meaning = Meaning(
        type(event).__name__,
        getattr(event, "value", None),
        getattr(event, "anchor", None),
        None if tag is None else str(tag),
    )
    start, end = event.start_mark, event.end_mark
    style = getattr(event, "style", None) or ""
    return Event(meaning, start.index, end.index, start.line + 1, style)


#: Characters that the plain reader leaves to the parser, such as controls and unusual line ends.
_UNUSUAL = re.compile(
    "[^\n\x20-\x7e\xa1-\u1fff\u2010-\u2027\u2030-\ud7ff\uf900-\ufdcf\uff01-\uffee]"
)
#: A line: its indentation, the dash of a list, a key; what follows is read by `_scalar`.
_LINE = re.compile(
    r"(?P<indent> *)(?P<dash>- +)?(?:(?P<key>[A-Za-z_][A-Za-z0-9_-]{0,99}):(?= |$))?"
)
_DOCUMENT = re.compile(r"---(?: +#.*| *)")
_COMMENT = re.compile(r" +#.*| *")

#: Characters that cannot begin a plain scalar. A dash can, unless a space follows.
_INDICATORS = frozenset("?:,[]{}#&*!|>'\"%@`")

#: Longer lines are left to the parser.
_LONG = 2000

_START = (Meaning("StreamStartEvent"), Meaning("DocumentStartEvent"))
_END = (Meaning("DocumentEndEvent"), Meaning("StreamEndEvent"))
_MAP, _END_MAP = Meaning("MappingStartEvent"), Meaning("MappingEndEvent")
_LIST, _END_LIST = Meaning("SequenceStartEvent"), Meaning("SequenceEndEvent")


def plain(text: str, most: int | None = None) -> list[Event] | None:
    """The events of a text in plain block form; None for a text with anything else.

    With `most`, stops after a few more than that many events, whatever follows.

    Plain block form is one mapping at the left margin. Its values are scalars of one line, lists of
    such, or mappings of such; a list may have mappings of one key with a list (`- pip:`). Events
    other than scalars have the position of the item after them.
    """
    text = text.replace("\r\n", " \n")
    if _UNUSUAL.search(text):
        return None
    reader = _PlainReader()
    start = 0
    try:
        for number, line in enumerate(text.split("\n"), 1):
            # Read one event more, since a scalar may continue until the next event.
            if most is not None and len(reader.events) > most:
                return reader.events
            reader.read(line, number, start)
            start += len(line) + 1
        reader.finish()
    except _NotPlain:
        return None
    return reader.events


class _NotPlain(Exception):
    """A line that only the parser can read."""


class _PlainReader:
    """The state of the plain reader: the events so far, and the open containers."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.document = False
        self.waiting = False  # the last top-level key has no value yet
        self.block: Meaning | None = None  # the container that is its value
        self.indent = 0
        self.inner_key: int | None = None  # the column of the key of a mapping within a list
        self.inner: int | None = None  # the indentation of that key's list
        self.number = self.start = 0

    def read(self, line: str, number: int, start: int) -> None:
        """Read a line that starts at the character `start` of the text. Raises _NotPlain."""
        if len(line) > _LONG:
            raise _NotPlain
        match = _LINE.match(line)
        assert match is not None
        dash, key = match["dash"], match["key"]
        if not (dash or key) and line[match.end() : match.end() + 1] in ("", "#"):
            return
        self.number, self.start = number, start
        if not self.events:
            if not self.document and _DOCUMENT.fullmatch(line):
                self.document = True
                return
            for meaning in (*_START, _MAP):
                self._emit(meaning)
        if dash:
            self._item(line, match)
        elif key:
            self._pair(line, match)
        else:
            raise _NotPlain

    def finish(self) -> None:
        """Emit the events at the end of the text. Raises _NotPlain."""
        self._close()
        if not self.events:
            raise _NotPlain
        for meaning in (_END_MAP, *_END):
            self._emit(meaning)

    def _emit(self, meaning: Meaning, column: int = 0) -> None:
        at = self.start + column
        self.events.append(Event(meaning, at, at, self.number))

    def _close(self) -> None:
        """End the value of the last top-level key."""
        if self.waiting:
            raise _NotPlain
        self._close_inner()
        if self.block is not None:
            self._emit(_END_LIST if self.block is _LIST else _END_MAP)
        self.block = None

    def _close_inner(self) -> None:
        if self.inner_key is None:
            return
        if self.inner is None:
            raise _NotPlain
        self._emit(_END_LIST)
        self._emit(_END_MAP)
        self.inner_key = self.inner = None

    def _pair(self, line: str, match: re.Match[str]) -> None:
        indent = match.end("indent")
        if indent == 0:
            self._close()
        elif self.waiting:
            self._open(_MAP, indent)
        elif self.block is not _MAP or indent != self.indent:
            raise _NotPlain
        self._key(match)
        if not _COMMENT.fullmatch(line, match.end()):
            self._scalar(line, match.end())
        elif indent == 0:
            self.waiting = True
        else:
            raise _NotPlain

    def _item(self, line: str, match: re.Match[str]) -> None:
        indent = match.end("indent")
        if self.waiting:
            self._open(_LIST, indent)
        elif self.block is not _LIST:
            raise _NotPlain
        elif self.inner_key is not None and self.inner is None:
            if indent < self.inner_key:
                raise _NotPlain
            self.inner = indent
            self._emit(_LIST, indent)
        elif indent != self.inner:
            self._close_inner()
            if indent != self.indent:
                raise _NotPlain
        if match["key"] is None:
            self._scalar(line, match.end())
        elif self.inner is None and _COMMENT.fullmatch(line, match.end()):
            self.inner_key = match.start("key")
            self._emit(_MAP, self.inner_key)
            self._key(match)
        else:
            raise _NotPlain

    def _open(self, container: Meaning, indent: int) -> None:
        self.block, self.indent, self.waiting = container, indent, False
        self._emit(container, indent)

    def _key(self, match: re.Match[str]) -> None:
        start = self.start + match.start("key")
        meaning = Meaning("ScalarEvent", match["key"])
        self.events.append(Event(meaning, start, start + len(match["key"]), self.number))

    def _scalar(self, line: str, at: int) -> None:
        """Read a quoted or plain scalar that ends with its line. Raises _NotPlain."""
        rest = line[at:].lstrip(" ")
        at = len(line) - len(rest)
        style = rest[:1] if rest[:1] in ("'", '"') else ""
        if style:
            end = line.find(style, at + 1)
            value = line[at + 1 : end]
            if end < 0 or not _COMMENT.fullmatch(line, end + 1) or ("\\" in value and style == '"'):
                raise _NotPlain
            end += 1
        else:
            comment = rest.find(" #")
            value = (rest if comment < 0 else rest[:comment]).rstrip(" ")
            end = at + len(value)
            if (
                not value
                or value[0] in _INDICATORS
                or (value[0] == "-" and value[1:2] in ("", " "))
                or ": " in value
                or value[-1] == ":"
            ):
                raise _NotPlain
        meaning = Meaning("ScalarEvent", value)
        self.events.append(Event(meaning, self.start + at, self.start + end, self.number, style))
