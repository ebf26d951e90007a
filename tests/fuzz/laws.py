"""What holds for every file and every preference, as functions that assert it."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from conda_torchmirror.envfiles.channel_entry import EntryRewriter
from conda_torchmirror.envfiles.rewrite import Rewritten, rewrite
from conda_torchmirror.envfiles.source_text import decode


def both(
    preference: tuple[str, ...], subdir: str | None = None
) -> tuple[EntryRewriter, EntryRewriter]:
    """The rewriter to the mirrors and the one back."""
    return (
        EntryRewriter("rewrite", preference, subdir=subdir),
        EntryRewriter("upstream", preference, subdir=subdir),
    )


def nothing_else_changes(data: bytes, result: Rewritten) -> None:
    """The bytes between the reported spans are those of the input, and the spans say the truth."""
    source = decode(data) if result.edits else None
    pieces = []
    at = 0
    for edit in result.edits:
        assert source is not None
        assert edit.start >= at
        assert data[edit.start : edit.end].decode(source.codec) == edit.old
        assert source.text.count("\n", 0, _chars(source.codec, data, edit.start)) == edit.line - 1
        pieces += [data[at : edit.start], edit.new.encode(source.codec)]
        at = edit.end
    assert b"".join([*pieces, data[at:]]) == result.data


def _chars(codec: str, data: bytes, end: int) -> int:
    bom = len(decode(data).bom)
    return len(data[bom:end].decode(codec))


def same_document(data: bytes, result: Rewritten) -> None:
    """What a YAML reader sees differs in channel entries and pip lines only."""
    before, after = _loaded(data), _loaded(result.data)
    if before is not None:
        assert _without_entries(before) == _without_entries(after)


def _loaded(data: bytes) -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.allow_duplicate_keys = True
    try:
        return list(yaml.load_all(decode(data).text))
    except YAMLError:
        return None


def _without_entries(documents: list[Any]) -> list[Any]:
    shown = []
    for document in documents:
        if isinstance(document, dict):
            document = dict(document)
            for key in ("channels", "dependencies"):
                if isinstance(document.get(key), list):
                    document[key] = [_shape(entry) for entry in document[key]]
        shown.append(document)
    return shown


def _shape(entry: Any) -> Any:
    if isinstance(entry, dict):
        return {
            key: len(value) if key == "pip" and value else value for key, value in entry.items()
        }
    if isinstance(entry, str):
        return entry.partition("::")[2]
    return entry


def check(data: bytes, preference: tuple[str, ...], pip: bool, subdir: str | None = None) -> bool:
    """Every law that holds for any bytes. Returns whether anything was edited."""
    changed = False
    there, back = both(preference, subdir)
    for rewriter in (there, back):
        once = rewrite(data, rewriter, pip=pip)
        nothing_else_changes(data, once)
        if once.refused is not None:
            assert once.data == data
            continue
        if once.kind == "environment" and once.edits:
            same_document(data, once)
        changed = changed or bool(once.edits)
        twice = rewrite(once.data, rewriter, pip=pip)
        assert twice.data == once.data, rewriter.direction
    upstream = rewrite(data, back, pip=pip).data
    mirrored = rewrite(upstream, there, pip=pip)
    assert rewrite(mirrored.data, back, pip=pip).data == upstream
    return changed
