"""`conda torch-mirror cache`: configurations of a cache and its clients, and checking its files."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from conda.base.context import context

from ...exceptions.mirror import CannotWrite
from ...exceptions.usage import BadCacheOption, CacheWithoutAction, Contradiction
from ...index.sparse.reader import walk
from ...mirrors.urls import UPSTREAM
from ...proxy import clients, kept, layout, listed, nginx
from ...redirect import settings
from ...text.layout import bullet, wrapped
from ...text.messages import text
from ...text.output import emit, say, warn

#: The sentence for each fault because of which a file is deleted.
_WHY = {"size": "cache_size", "hash": "cache_hash", "unreadable": "cache_unreadable"}


def execute(args: Namespace) -> int:
    """Print what `--print` names, or check a folder.

    Raises: BadMirror, BadRegistry, BadCacheOption, CacheWithoutAction, Contradiction, CannotWrite.
    """
    if args.check is not None:
        if args.print:
            raise Contradiction.of_options("--check", "--print")
        return _check(Path(args.check))
    if not args.print:
        raise CacheWithoutAction
    for channel in args.channels:
        if channel != "defaults" and not layout.is_name(channel):
            raise BadCacheOption(option=channel, detail=text("cache_channel"))
    if args.url and not layout.is_address(args.url):
        raise BadCacheOption(option=f"--url {args.url}", detail=text("cache_url"))
    found, known, mirrors = settings.in_force(args.mirror or ())
    official = not found.only or UPSTREAM in found.only
    names = dict.fromkeys((*known.chosen_for("pypi"), *known.chosen_for("wheels")))
    spare = [known[name] for name in names if not found.only or name in found.only]
    arranged = layout.arrange(mirrors, args.channels, upstream=official, spare=spare)
    url = args.url or f"http://localhost:{args.port}"
    if args.print == "registry":
        printed = clients.registry(arranged, url)
    elif args.print == "pip":
        printed = clients.pip(arranged, url)
    elif args.print == "condarc":
        printed = clients.condarc(arranged, url, context.subdir)
    else:
        printed = _nginx(arranged, args)
    if context.json:
        emit({"print": {"tool": args.print, "text": printed.rstrip("\n") + "\n"}})
    else:
        say(printed.rstrip("\n"))
        if not args.url and args.print != "nginx":
            warn(list(bullet(text("cache_of_here", {"url": url, "port": args.port}))))
    return 0


def _nginx(arranged: layout.Layout, args: Namespace) -> str:
    folder = os.path.abspath(os.path.expanduser(args.dir or "torch-cache"))
    if set(folder) & set("\"$;{}'\\\n"):
        raise BadCacheOption(option=f"--dir {folder}", detail=text("cache_folder_characters"))
    needed = nginx.ports_of(arranged)
    if not 0 < args.port <= 65535 - needed:
        raise BadCacheOption(option=f"--port {args.port}", detail=text("cache_port"))
    ports = range(args.port + 1, args.port + 1 + needed)
    on = nginx.Host(folder, str(args.port), ports, tuple(_resolvers()))
    if context.ssl_verify not in (True, False, None) and os.path.isfile(str(context.ssl_verify)):
        on = on._replace(ca=str(context.ssl_verify))
    return nginx.render(arranged, on)


def _resolvers() -> Iterator[str]:
    """The name servers of this machine; nginx does not look for them itself."""
    with suppress(OSError, UnicodeDecodeError):
        for line in Path("/etc/resolv.conf").read_text(encoding="utf-8").splitlines():
            words = line.split()
            if words[:1] == ["nameserver"] and len(words) > 1 and "%" not in words[1]:
                yield words[1]


def _check(folder: Path) -> int:
    """Delete files that differ from the indexes, and report them; with `--dry-run`, only report."""
    if not os.path.isdir(folder):
        raise BadCacheOption(option=f"--check {folder}", detail=text("cache_no_folder"))
    try:
        found = kept.examine(folder, walk)
    except listed.NoRoom as error:
        if error.filename is None:
            raise CannotWrite.of_temporary() from error
        raise CannotWrite.of(error, error.filename) from error
    wrong = [one for one in found if one.wrong]
    if not context.dry_run:
        for one in wrong:
            for piece in one.pieces:
                try:
                    piece.file.unlink(missing_ok=True)
                except OSError as error:
                    raise CannotWrite.of(error, piece.file) from error
    if context.json:
        rows = [{"path": one.path, "way": one.way, "fault": one.fault} for one in found]
        emit({"kept": rows, "deleted": len(wrong)}, dry_run=bool(context.dry_run))
    else:
        say(list(_lines(folder, found, wrong)))
    return 0


def _lines(folder: Path, found: Sequence[kept.Found], wrong: Iterable[kept.Found]) -> Iterator[str]:
    if not found:
        yield from wrapped(text("cache_empty", {"folder": str(folder)}))
        return
    closed = sum(one.fault == "no_access" for one in found)
    unknown = sum(bool(one.fault) and not one.wrong for one in found) - closed
    right = sum(not one.fault for one in found)
    yield from wrapped(text("cache_checked", {"count": right}))
    for count, said in ((unknown, "cache_unknown"), (closed, "cache_closed")):
        if count:
            yield from wrapped(text(said, {"count": count}))
    code = "cache_would_delete" if context.dry_run else "cache_deleted"
    for one in wrong:
        facts = {"path": f"{one.way}{one.path}", "why": text(_WHY[one.fault])}
        yield from bullet(text(code, facts))
