"""Locating the entries of an environment.yml in its text. Pure.

Works on the events of the YAML parser, which have positions, and not on loaded data, which lacks
comments, quoting, duplicate keys and anchors.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from .yaml_events import Event, Meaning, NotYaml, events

SlotKind = Literal["channel", "dependency", "pip"]

#: The paths of entries from the top of a document; None is any position in a list.
_PLACES: Mapping[tuple[str | None, ...], SlotKind] = {
    ("channels", None): "channel",
    ("dependencies", None): "dependency",
    ("dependencies", None, "pip", None): "pip",
}

#: Most levels of nesting: the parser's time is quadratic in the depth, and no file is deeper.
_TOO_DEEP = 50

#: Events to compare after the last change: enough to leave the list that has it.
_EVENTS_BEHIND = 8

#: The list of channels itself, which may be an alias.
_LIST = ("channels",)

_DEEPEST = max(map(len, _PLACES))
_DEEP = ("too deep to matter",)

#: With a limited length, so that many unclosed brackets do not make the search quadratic.
_JINJA = re.compile(r"\{\{.{0,1000}?\}\}|\{%.{0,1000}?%\}|\{#.{0,1000}?#\}", re.S)

#: Lines of a file that is not valid YAML, for `plain_channels`.
_HEAD = re.compile(r"[\"']?channels[\"']?[ \t]*:")
_PLAIN_HEAD = re.compile(r"channels:[ ]*(?:#.*)?")
_DEPENDENCIES = re.compile(r"^dependencies:", re.M)
_ENTRY = re.compile(r" *- +[^\s{}\[\]%&*!|>]+ *(?: #.*)?")
_BLANK = re.compile(r"[ \t]*(?:#.*)?")
_NEXT_KEY = re.compile(r"[A-Za-z_][\w-]*[ ]*:|---|\.\.\.")


class Slot(NamedTuple):
    """One entry: its kind, and the position of its characters without quotes.

    `trouble` is None if it may be edited, else a code: alias (of something outside), escaped (the
    text differs from the value, so no part of it can be replaced), shared (an alias elsewhere
    repeats it), not_text (a list or a mapping). `event` is its index in the events.
    """

    kind: SlotKind
    value: str
    start: int
    end: int
    line: int
    event: int
    quoted: bool = False
    trouble: str | None = None
    anchors: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Outline:
    """The relevant parts of a YAML file: slots, top-level keys with their counts, and events."""

    slots: tuple[Slot, ...]
    keys: Mapping[str, int]
    documents: int
    meanings: tuple[Meaning, ...]
    mapping: bool
    pip_sections: int = 0


@dataclass
class _Frame:
    """An open mapping or sequence. `key` is the mapping's key whose value comes next."""

    is_map: bool
    key: str | None = None
    wants_key: bool = True
    anchors: frozenset[str] = frozenset()


@dataclass
class _Walk:
    text: str
    frames: list[_Frame] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    keys: Counter[tuple[int, str]] = field(default_factory=Counter)
    meanings: list[Meaning] = field(default_factory=list)
    anchored: dict[str, set[tuple[str | None, ...]]] = field(default_factory=dict)
    aliases: list[tuple[str, tuple[str | None, ...], bool]] = field(default_factory=list)
    documents: int = 0
    mapping: bool = False
    pip_sections: int = 0

    def place(self) -> tuple[str | None, ...]:
        """The path from the top: keys, None for a list; the same value for all that is too deep."""
        if len(self.frames) > _DEEPEST:
            return _DEEP
        return tuple([(frame.key or "") if frame.is_map else None for frame in self.frames])

    def is_key(self) -> bool:
        return bool(self.frames) and self.frames[-1].is_map and self.frames[-1].wants_key

    def advance(self, key: str | None = None) -> None:
        """Note that a node of the innermost container has been read."""
        if self.frames and self.frames[-1].is_map:
            frame = self.frames[-1]
            frame.key = key if frame.wants_key else None
            frame.wants_key = not frame.wants_key

    def anchors(self, own: str | None) -> frozenset[str]:
        above = self.frames[-1].anchors if self.frames else frozenset()
        if own is None or len(self.frames) > _DEEPEST:
            return above
        self.anchored.setdefault(own, set()).add(self.place())
        return above | {own}


def outline(text: str) -> Outline:
    """Outline a YAML text. Takes linear time and memory. Raises NotYaml."""
    walk = _Walk(text)
    for number, event in enumerate(events(text)):
        _step(walk, number, event)
    return Outline(
        slots=tuple(_settled(walk)),
        keys={key: count for (_, key), count in sorted(walk.keys.items(), key=lambda kv: kv[1])},
        documents=walk.documents,
        meanings=tuple(walk.meanings),
        mapping=walk.mapping,
        pip_sections=walk.pip_sections,
    )


def _step(walk: _Walk, number: int, event: Event) -> None:
    name, _, anchor, _ = event.meaning
    walk.meanings.append(event.meaning)
    match name:
        case "ScalarEvent":  # first, as it is the most frequent
            _scalar(walk, number, event)
        case "DocumentStartEvent":
            walk.documents += 1
        case "AliasEvent":
            is_key, place = walk.is_key(), walk.place()
            walk.aliases.append((str(anchor), place, is_key))
            if not is_key and (place in _PLACES or place == _LIST):
                kind = _PLACES.get(place, "channel")
                walk.slots.append(_slot(walk, kind, number, event, "alias"))
            walk.advance()
        case "MappingStartEvent" | "SequenceStartEvent":
            if not walk.frames and name == "MappingStartEvent":
                walk.mapping = True
            frame = _Frame(name == "MappingStartEvent", anchors=walk.anchors(anchor))
            if not walk.is_key() and _PLACES.get(walk.place()) == "channel":
                walk.slots.append(_slot(walk, "channel", number, event, "not_text"))
            walk.frames.append(frame)
            if len(walk.frames) > _TOO_DEEP:
                raise NotYaml(event.line, f"nested more than {_TOO_DEEP} levels deep")
        case "MappingEndEvent" | "SequenceEndEvent":
            walk.frames.pop()
            walk.advance()
        case _:
            pass


def _scalar(walk: _Walk, number: int, event: Event) -> None:
    _, value, anchor, _ = event.meaning
    if walk.is_key():
        if len(walk.frames) == 1:
            walk.keys[walk.documents, value or ""] += 1
        elif value == "pip" and walk.place()[:-1] == ("dependencies", None):
            walk.pip_sections += 1
        walk.anchors(anchor)
        walk.advance(value)
        return
    kind = _PLACES.get(walk.place())
    if kind is not None:
        walk.slots.append(_slot(walk, kind, number, event, None))
    else:
        walk.anchors(anchor)
    walk.advance()


def _slot(walk: _Walk, kind: SlotKind, number: int, event: Event, trouble: str | None) -> Slot:
    start, end, line = event.start, event.end, event.line
    value = (event.meaning.anchor if trouble == "alias" else event.meaning.value) or ""
    quoted = False
    anchors: frozenset[str] = frozenset()
    if trouble is None:
        anchors = walk.anchors(event.meaning.anchor)
        quote = event.style if event.style in ("'", '"') else ""
        quoted = bool(quote)
        # The event's span begins with anchor and tag, and ends with the value itself.
        written = quote + value + quote
        if event.style in ("", "'", '"') and (
            walk.text[max(start, end - len(written)) : end] == written
        ):
            end -= len(quote)
            start = end - len(value)
        else:
            trouble = "escaped"
    return Slot(kind, value, start, end, line, number, quoted, trouble, anchors)


def _settled(walk: _Walk) -> list[Slot]:
    """The slots; those that an alias in another place repeats are marked as shared."""
    shared = set()
    for anchor, place, is_key in walk.aliases:
        if is_key or any(place != at for at in walk.anchored.get(anchor, ())):
            shared.add(anchor)
    settled = []
    for slot in walk.slots:
        if slot.trouble == "alias" and _follows(walk, slot, shared):
            continue
        if slot.trouble is None and slot.anchors & shared:
            slot = slot._replace(trouble="shared")
        settled.append(slot)
    return settled


def _follows(walk: _Walk, slot: Slot, shared: set[str]) -> bool:
    """Whether an alias repeats an entry of the same list, and so changes with it."""
    return slot.value not in shared and slot.value in walk.anchored


def without_jinja(text: str) -> str:
    """The text with Jinja replaced by harmless characters, every line with the same length."""

    def blank(match: re.Match[str]) -> str:
        found = match[0]
        if "\n" in found or not found.startswith("{{"):
            # A statement or comment becomes a YAML comment.
            return re.sub(r"[^\r\n]", "#", found)
        return "j" * len(found)

    return _JINJA.sub(blank, text)


def same_but(before: Outline, text: str, changed: Mapping[int, str]) -> bool:
    """Whether an edited text has the events of `before`, except for the values in `changed`.

    `changed` has the new values by event. After the last change the text is the same, and so are
    the events once the parser is in the same state, so the comparison ends a few events later.
    Raises NotYaml.
    """
    enough = max(changed) + _EVENTS_BEHIND
    number = -1
    for number, event in enumerate(events(text, enough + 1)):
        if number > enough:
            return True
        if number >= len(before.meanings):
            return False
        expected = before.meanings[number]
        if number in changed:
            expected = expected._replace(value=changed[number])
        if event.meaning != expected:
            return False
    return number + 1 == len(before.meanings)


class Ambiguous(ValueError):
    """The channel list cannot be identified with certainty: `line` (from 1) and a code."""

    def __init__(self, line: int | None, code: str) -> None:
        """Keep both."""
        self.line = line
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class PlainList:
    """The channel list as a separate text: its start in the file, and its outline, with positions
    in this text but line numbers of the file."""

    text: str
    start: int
    outline: Outline


def plain_channels(text: str, error_line: int | None) -> PlainList:
    """Find the channel list of a file that is not valid YAML (at `error_line`, if known).

    Raises Ambiguous, with the code no_list, two_lists, odd_line, broken_inside, broken_before or
    line_ends.
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
    shifted = tuple(slot._replace(line=slot.line + first) for slot in found.slots)
    return PlainList(region, start, replace(found, slots=shifted))


def _end(lines: list[str], first: int) -> int:
    """The index of the line after the last entry. Raises Ambiguous at a line that is neither an
    entry, blank, a comment nor the next key."""
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
