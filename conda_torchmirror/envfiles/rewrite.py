"""Rewriting the content of files: channel entries and pip's index options to mirrors and back.

Decides what is edited in which kind of file. No byte outside the reported edits changes; a file
that cannot be edited safely is left unchanged, with the reason. Pure: no conda, no HTTP, no files.

These cases are defined here, because YAML does not define them or readers differ: a duplicate
`channels` key is edited in both places; every document of a file is edited; an alias in a channel
list is edited at its anchor, if that is a channel entry; an entry that an alias repeats elsewhere
is left alone, since something else would change with it. `defaults` is a list in the user's own
configuration, not a channel, and stays.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..mirrors.registry import locate
from ..mirrors.urls import UPSTREAM
from ..models import Notice
from ..text.sanitize import safe
from .channel_entry import MAX_ENTRY, EntryRewriter, Identity
from .kind import Foreign, Kind, is_configuration, recognise
from .pip_options import rewrite_line
from .source_text import Change, Edit, SourceText, UnreadableText, apply, decode, edited
from .yaml_events import NotYaml
from .yaml_outline import (
    Ambiguous,
    Outline,
    Slot,
    outline,
    plain_channels,
    same_but,
    without_jinja,
)

_URL_SPEC = re.compile(r"(https?://[^\s\[\]'\"]+?)::")
_NAME_SPEC = re.compile(r"([A-Za-z0-9][\w./-]*)::")
_BRACKET = re.compile(r"\[[^\]]*?\bchannel\s*=\s*[\"']?(https?://[^\s\[\]'\",]+)")
_PACKAGE = re.compile(
    r"^[ \t]*(?P<at>https?://[^\s#]+)/(?P<fn>[^/\s#]+\.(?:conda|tar\.bz2))(?=[\s#]|$)", re.M
)
_LOCKED_PACKAGE = re.compile(
    r"^[ \t]*(?:-[ \t]+)?(?:conda|url):[ \t]+[\"']?(?P<at>https?://[^\s#\"']+)/"
    r"(?P<fn>[^/\s#\"']+\.(?:conda|tar\.bz2))(?=[\s#\"']|$)",
    re.M,
)
_LOCKED_CHANNEL = re.compile(
    r"^[ \t]*(?:-[ \t]+)?url:[ \t]+[\"']?(?P<at>https?://[^\s#\"']+)(?=[\s\"']|$)", re.M
)


@dataclass(frozen=True)
class Rewritten:
    """The new content, the edits and notices.

    `refused` is the reason if the file could not be edited; `data` is then the input. `kind` is
    None if it was not recognized.
    """

    data: bytes
    kind: Kind | None
    edits: tuple[Edit, ...] = ()
    notices: tuple[Notice, ...] = ()
    refused: Notice | None = None


class _Notes:
    """Collects notices; repetitions are merged into one with its first line and a count."""

    def __init__(self) -> None:
        self._found: dict[tuple[Any, ...], dict[str, Any]] = {}

    def add(self, code: str, line: int | None = None, **facts: Any) -> None:
        key = (code, *sorted((name, str(value)) for name, value in facts.items()))
        known = self._found.setdefault(key, {**facts, "line": line, "count": 0})
        known["count"] += 1

    def all(self) -> tuple[Notice, ...]:
        return tuple(Notice(key[0], facts) for key, facts in self._found.items())


def rewrite(data: bytes, rewriter: EntryRewriter, *, pip: bool = False) -> Rewritten:
    """Point a file's entries at mirrors or back; `pip` includes pip's index options."""
    try:
        source = decode(data)
    except UnreadableText as error:
        return Rewritten(data, None, refused=Notice(error.code))
    kind = recognise(source.text)
    if isinstance(kind, Foreign):
        return Rewritten(data, None, refused=Notice(kind.code, kind.facts))
    if kind is None:
        return _environment(source, rewriter, pip)
    notes = _Notes()
    changes: list[Change] = []
    if kind == "explicit":
        changes = _packages(_PACKAGE, source.text, rewriter, notes)
    elif kind == "lock":
        changes = _lock(source.text, rewriter, notes)
    elif kind == "requirements":
        changes = _requirements(source.text, rewriter, pip, notes)
    elif kind == "specs":
        changes = _specs(source.text, rewriter, notes)
    return _result(source, kind, changes, notes)


def _result(source: SourceText, kind: Kind, changes: list[Change], notes: _Notes) -> Rewritten:
    data, edits = apply(source, changes)
    return Rewritten(data, kind, edits, notes.all())


def _environment(source: SourceText, rewriter: EntryRewriter, pip: bool) -> Rewritten:
    text = source.text
    if "channels" not in text and "dependencies" not in text:
        # A quick check: the parser would take long for a large file of another kind.
        return Rewritten(source.data, None, refused=Notice("not_environment"))
    try:
        try:
            found = outline(text)
        except NotYaml:
            text = without_jinja(text)
            if text == source.text:
                raise
            found = outline(text)
    except NotYaml as error:
        return _by_lines(source, rewriter, error)
    refused = _not_ours(found)
    if refused is not None:
        return Rewritten(source.data, None, refused=refused)
    notes = _Notes()
    by_event: dict[int, list[Change]] = {}
    for slot in found.slots:
        changes = _slot_changes(slot, rewriter, pip, notes)
        if changes:
            by_event[slot.event] = changes
    _about_yaml(found, notes)
    _about_channels(found.slots, by_event, rewriter, notes)
    changes = [change for several in by_event.values() for change in several]
    if changes and not _only_these(text, found, by_event):
        return Rewritten(source.data, "environment", refused=Notice("unsafe_edit"))
    return _result(source, "environment", changes, notes)


def _not_ours(found: Outline) -> Notice | None:
    keys = found.keys
    if not found.mapping or not ("channels" in keys or "dependencies" in keys):
        return Notice("not_environment")
    if is_configuration(keys):
        return Notice("conda_configuration")
    return None


def _only_these(text: str, found: Outline, by_event: Mapping[int, list[Change]]) -> bool:
    """Whether, to the YAML parser, the edited text differs in exactly the edited entries."""
    changed = {}
    for slot in found.slots:
        if slot.event in by_event:
            inside = [
                Change(c.start - slot.start, c.end - slot.start, c.new)
                for c in by_event[slot.event]
            ]
            changed[slot.event] = edited(slot.value, inside)
    after = edited(text, [change for several in by_event.values() for change in several])
    try:
        return same_but(found, after, changed)
    except NotYaml:
        return False


def _about_yaml(found: Outline, notes: _Notes) -> None:
    if found.documents > 1:
        notes.add("several_documents", documents=found.documents)
    for key in ("channels", "dependencies"):
        if found.keys.get(key, 0) > 1:
            notes.add("duplicate_key", key=key)
    if found.pip_sections > 1:
        notes.add("several_pip_sections")
    if "<<" in found.keys:
        notes.add("merge_left")


def _slot_changes(slot: Slot, rewriter: EntryRewriter, pip: bool, notes: _Notes) -> list[Change]:
    if slot.trouble in ("alias", "not_text"):
        if slot.kind == "channel":
            notes.add(f"{slot.trouble}_left", slot.line, entry=slot.value)
        return []
    # For an entry that cannot be edited, only note whether there would be changes.
    told = notes if slot.trouble is None else _Notes()
    if slot.kind == "channel":
        changes = _channel(slot, rewriter, told)
    elif slot.kind == "dependency":
        changes = _dependency(slot, rewriter, told)
    else:
        changes = _pip(slot.value, slot.start, slot.line, rewriter, pip, told)
    if slot.trouble is not None and changes:
        notes.add(f"{slot.trouble}_left", slot.line, entry=safe(slot.value))
        return []
    return changes


def _channel(slot: Slot, rewriter: EntryRewriter, notes: _Notes) -> list[Change]:
    result = rewriter.rewrite(slot.value)
    if result.code:
        notes.add(result.code, slot.line, **(result.facts or {}))
    return [Change(slot.start, slot.end, result.new)] if result.new is not None else []


def _dependency(slot: Slot, rewriter: EntryRewriter, notes: _Notes) -> list[Change]:
    """The changes of a match spec: `URL::name`, `name[channel=URL]`, or the URL of a package."""
    value = slot.value
    if len(value) > MAX_ENTRY or ("::" not in value and "://" not in value):
        return []
    match = _URL_SPEC.match(value) or _BRACKET.search(value)
    if match is not None:
        start, url = match.start(1), match[1]
    elif (package := _PACKAGE.match(value)) is not None:
        start, url = package.start("at"), package["at"]
    else:
        named = _NAME_SPEC.match(value)
        if named and rewriter.direction == "rewrite":
            entry = rewriter.read(named[1])
            carried = entry and locate(entry.channel, rewriter.subdir, rewriter.chosen)
            if entry and carried and carried.mirror != UPSTREAM:
                notes.add("named_spec_stays", slot.line, channel=entry.channel)
        return []
    result = rewriter.rewrite(url, url_first=True)
    if result.code:
        notes.add(result.code, slot.line, **(result.facts or {}))
    if result.new is None:
        return []
    at = slot.start + start
    return [Change(at, at + len(url), result.new)]


def _pip(
    line: str, start: int, number: int, rewriter: EntryRewriter, pip: bool, notes: _Notes
) -> list[Change]:
    if "-" not in line or "://" not in line:
        return []
    changes, left = rewrite_line(line, rewriter)
    if not pip:
        if changes:
            notes.add("pip_left", number)
        return []
    for one in left:
        notes.add(one.code, number, **one.facts)
    return [Change(start + c.start, start + c.end, c.new) for c in changes]


def _requirements(text: str, rewriter: EntryRewriter, pip: bool, notes: _Notes) -> list[Change]:
    changes = []
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        changes += _pip(line.removesuffix("\r"), start, number, rewriter, pip, notes)
        start += len(line) + 1
    return changes


def _specs(text: str, rewriter: EntryRewriter, notes: _Notes) -> list[Change]:
    """The changes of a list of match specs, which name channels as dependencies do."""
    changes = []
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        value = line.split("#")[0].strip()
        at = start + line.find(value)
        slot = Slot("dependency", value, at, at + len(value), number, number)
        changes += _dependency(slot, rewriter, notes)
        start += len(line) + 1
    if not changes and "::" not in text and "channel" not in text:
        notes.add("specs_name_no_channels")
    return changes


def _lock(text: str, rewriter: EntryRewriter, notes: _Notes) -> list[Change]:
    """The changes of a lock file with a URL for each package.

    Its tool compares the list of channels with the manifest, so no mirror is written there; one
    that is there is changed back to upstream.
    """
    changes = _packages(_LOCKED_PACKAGE, text, rewriter, notes)
    if rewriter.direction == "upstream":
        for match in _LOCKED_CHANNEL.finditer(text):
            result = rewriter.rewrite(match["at"], url_first=True)
            if result.new is not None:
                changes.append(Change(match.start("at"), match.end("at"), result.new))
    return changes


def _packages(
    pattern: re.Pattern[str], text: str, rewriter: EntryRewriter, notes: _Notes
) -> list[Change]:
    """The changes of package URLs that a pattern finds, each on a line of its own."""
    changes = []
    lost = 0
    line, counted = 1, 0
    moved: dict[str, str | None] = {}
    drops = {mirror.name for mirror in rewriter.chosen if mirror.drops_tar_bz2}
    for match in pattern.finditer(text):
        at = match["at"]
        if at not in moved:
            result = rewriter.rewrite(at, url_first=True)
            moved[at] = result.new
            if result.code:
                line += text.count("\n", counted, match.start())
                counted = match.start()
                notes.add(result.code, line, **(result.facts or {}))
        new = moved[at]
        if new is None:
            continue
        changes.append(Change(match.start("at"), match.end("at"), new))
        if drops and match["fn"].endswith(".tar.bz2"):
            entry = rewriter.read(new)
            lost += entry is not None and entry.origin in drops
    if lost:
        notes.add("tar_bz2_may_be_gone", packages=lost, mirrors=", ".join(sorted(drops)))
    return changes


def _about_channels(
    slots: Iterable[Slot],
    by_event: Mapping[int, list[Change]],
    rewriter: EntryRewriter,
    notes: _Notes,
) -> None:
    """Note where entries for different channels have become the same channel."""
    groups: dict[Identity, list[tuple[int, Identity | None]]] = defaultdict(list)
    for slot in slots:
        if slot.kind != "channel" or slot.trouble in ("alias", "not_text"):
            continue
        change = by_event.get(slot.event)
        after = rewriter.identity(change[0].new if change else slot.value)
        if after is not None:
            groups[after].append((slot.line, rewriter.identity(slot.value)))
    for after, members in groups.items():
        if len({before for _, before in members}) > 1:
            lines = ", ".join(str(line) for line, _ in members)
            notes.add("same_channel", members[0][0], channel=after.channel, lines=lines)


def _by_lines(source: SourceText, rewriter: EntryRewriter, error: NotYaml) -> Rewritten:
    """Edit only the channel list, line by line, of a file that is not valid YAML elsewhere."""
    facts = {"line": error.line, "problem": error.problem}
    try:
        found = plain_channels(source.text, error.line)
    except Ambiguous as why:
        detail = {**facts, "where": why.line, "why": why.code}
        return Rewritten(source.data, None, refused=Notice("not_yaml", detail))
    notes = _Notes()
    by_event = {}
    for slot in found.outline.slots:
        changes = _slot_changes(slot, rewriter, False, notes)
        if changes:
            by_event[slot.event] = changes
    _about_channels(found.outline.slots, by_event, rewriter, notes)
    inside = [change for several in by_event.values() for change in several]
    if inside and not _only_these(found.text, found.outline, by_event):
        return Rewritten(source.data, "environment", refused=Notice("unsafe_edit"))
    notes.add("edited_by_lines" if inside else "read_by_lines", error.line, problem=error.problem)
    changes = [Change(found.start + c.start, found.start + c.end, c.new) for c in inside]
    return _result(source, "environment", changes, notes)
