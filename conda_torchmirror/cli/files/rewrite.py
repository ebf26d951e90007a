"""`conda torch-mirror rewrite` and `upstream`: running them, and their results as text or JSON.

Standard output gets the report. With `--diff` or standard input it gets the diff or the rewritten
text instead, and the report goes to standard error. Imports no conda, so that
`python -m conda_torchmirror` works where conda is not installed.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from glob import glob
from typing import Any

from ...envfiles import batch
from ...envfiles.batch import STDIN, FileResult, Options
from ...envfiles.channel_entry import Direction
from ...envfiles.file_io import BACKUP_SUFFIX
from ...envfiles.source_text import UnreadableText, decode
from ...mirrors.urls import UPSTREAM, MirrorError
from ...models import Notice
from ...redirect import settings
from ...text import output
from ...text.layout import bullet, on_terminal, terminal_width, width, wrapped
from ...text.messages import listed, plural, text
from ...text.sanitize import safe


def execute(
    args: Namespace,
    direction: Direction,
    values: settings.Settings,
    *,
    subdir: str | None = None,
    as_json: bool = False,
    quiet: bool = False,
) -> int:
    """Rewrite the files and report on them; return the exit code.

    Raises MirrorError for mirrors that cannot be used, before any file is read.
    """
    known = settings.registry(values)
    preference = settings.preference(tuple(args.mirror or ()), values, known)
    if direction == "rewrite" and set(preference) == {UPSTREAM}:
        raise MirrorError(text("file.only_upstream"))
    options = Options(
        direction=direction,
        preference=preference,
        subdir=subdir,
        pip=args.pip,
        check=args.check,
        diff=args.diff,
        backup=not args.no_backup,
        allow_http=values.http,
    )
    # A path that is given twice must not be rewritten twice.
    paths = tuple(dict.fromkeys(expanded(args.files, windows=os.name == "nt")))
    stdin = sys.stdin.buffer if STDIN in paths and sys.stdin is not None else None
    results = batch.run(paths, options, mirrors=known, stdin=stdin)
    code = batch.exit_code(results, options)
    if as_json:
        output.emit(document(results, options), success=code == 0)
    else:
        _show(results, options, quiet=quiet)
    return code


def expanded(words: Iterable[str], *, windows: bool) -> Iterator[str]:
    """Yield the paths that are meant: Windows' shells leave `*.yml` to programs. A pattern that
    nothing matches stays as it is."""
    for word in words:
        pattern = word.replace("[", "[[]")
        found = sorted(glob(pattern)) if windows and {*"*?"} & {*word} else []
        yield from found or [word]


def document(results: Iterable[FileResult], options: Options) -> dict[str, Any]:
    """The JSON value of the run. The output for standard input is its `content`."""
    files = []
    for result in results:
        shown = result.document
        if result.data is not None:
            shown["content"] = _decoded(result.data)
        files.append(shown)
    return {
        "direction": options.direction,
        "mirrors": list(options.preference or ()),
        "files": files,
    }


def _decoded(data: bytes) -> str | None:
    try:
        return decode(data).text
    except UnreadableText:
        return None


def _show(results: Sequence[FileResult], options: Options, *, quiet: bool) -> None:
    piped = options.diff or any(result.path == STDIN for result in results)
    for result in results:
        if options.diff:
            _show_diff(result.diff)
        elif result.data is not None and not options.check:
            output.put(result.data)
        told = lines(result, edits=not options.diff)
        if result.status == "failed" or not quiet:
            (output.warn if piped or result.status == "failed" else output.say)(told)
    if len(results) > 1 and not quiet:
        (output.warn if piped else output.say)(["", summary(results)])


def _show_diff(diff: Sequence[str]) -> None:
    """Show a diff as lines on a terminal, and as exact bytes to a pipe or file, for `patch`."""
    if not diff:
        return
    if on_terminal() or not batch.is_exact(diff):
        output.say(diff)
    else:
        output.put("".join(f"{line}\n" for line in diff).encode(errors="surrogateescape"))


def lines(result: FileResult, *, edits: bool = True) -> list[str]:
    """The result of one file as lines for a terminal; with `edits`, every edit has a line."""
    name = text("file.stdin") if result.path == STDIN else safe(result.path)
    count = len(result.edits)
    entries = plural("file.entries", count)
    facts = {"file": name, "entries": entries, "backup": _backup(result)}
    if result.error is not None:
        facts["why"] = batch.sentence(result.error)
        return wrapped(text("file.failed", facts), "", "  ")
    code = "changed_with_backup" if result.backup else result.status
    out = wrapped(text(f"file.{code}", facts), "", "  ")
    if edits:
        for edit in result.edits:
            out += _edit(edit.line, safe(edit.old), safe(edit.new))
    for notice in result.notices:
        out += bullet(_told(notice))
    return out


def _backup(result: FileResult) -> str:
    """The path of the backup, relative where the file's was, unless a link leads elsewhere."""
    beside = result.path + BACKUP_SUFFIX
    return beside if result.backup == os.path.realpath(beside) else result.backup or ""


def _edit(line: int, old: str, new: str) -> list[str]:
    head = "  " + text("file.at_line", {"line": line, "said": ""})
    whole = f"{head}{old} -> {new}"
    if width(whole) <= terminal_width():
        return [whole]
    return [f"{head}{old}", f"{' ' * (width(head) - 3)}-> {new}"]


#: Notices whose sentence already has the line.
_OF_LINES = frozenset(("not_yaml", "edited_by_lines", "read_by_lines"))


def _told(notice: Notice) -> str:
    said = safe(batch.sentence(notice))
    facts = notice.facts
    if others := facts.get("others"):
        # Those that are preferred stay, for what the other one lacks.
        options = safe(" ".join(f"--mirror {one}" for one in (*facts["preference"], others[0])))
        said += text("file.others_carry", {"others": ", ".join(others), "options": options})
    if facts.get("count", 1) > 1:
        said += text("file.times", {"count": facts["count"]})
    elif facts.get("line") and notice.code not in _OF_LINES:
        said = text("file.at_line", {"line": facts["line"], "said": said})
    return said


def summary(results: Iterable[FileResult]) -> str:
    """The number of files with each status, as a sentence."""
    counted = Counter(result.status for result in results)
    return listed(
        text(f"file.total.{status}", {"count": count}) for status, count in sorted(counted.items())
    )
