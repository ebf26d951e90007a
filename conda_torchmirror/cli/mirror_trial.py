"""`conda torch-mirror test`: which mirrors answer, how soon, and what they hold of a request.

One request to each mirror first, all at once; only those that answer are asked for the rest: the
index of each channel, the chosen files, and the state of their last sync where a mirror publishes
it (`static/tunasync.json`). Everything together ends by a deadline.
"""

from __future__ import annotations

import json
import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any
from urllib.parse import urlsplit

from ..exceptions.mirror import OfflineTest
from ..exceptions.usage import BadMirror
from ..index import builtin, repodata
from ..install import request
from ..machine import survey
from ..mirrors import registry
from ..mirrors.registry import UPSTREAM, Mirror
from ..models import Build, Choice, Notice, Route
from ..redirect import settings
from ..selection import cuda
from ..selection.choose import choose
from ..text import output
from ..text.layout import bullet, columns, safe
from ..text.messages import text
from ..transport import probe as probing
from ..transport import routes
from ..transport.probe import Answer, Target
from ..transport.probe_cache import ProbeCache

#: What a set of torch builds is read from.
CHANNELS = ("pytorch", "conda-forge", "nvidia")
#: Seconds for the whole test, and the share of them for the first request to each mirror.
SECONDS, FIRST = 10.0, 0.6
#: Mirrors that are asked for their first answer at one time.
AT_ONCE = 16
#: Bytes of a tunasync.json; a site with 200 mirrors needs 60 kB.
SYNC_SIZE = 1_000_000


@dataclass
class Row:
    """What one mirror answered. `channels` maps each channel that it carries to its index, `files`
    each chosen file to what came back; `sync` is what it says of its last sync."""

    name: str
    title: str
    sources: dict[str, Route]
    first: Answer | None = None
    channels: dict[str, Answer] = field(default_factory=dict)
    files: dict[str, Answer] = field(default_factory=dict)
    sync: Mapping[str, Any] | None = None

    @property
    def ok(self) -> bool:
        """Whether the mirror answered with an index."""
        return self.first is not None and self.first.ok

    @property
    def modified(self) -> float | None:
        """When its newest index was made, in seconds since 1970."""
        return max(
            (p.modified for p in self.channels.values() if p.ok and p.modified), default=None
        )


def execute(args: Namespace) -> int:
    """Run the command: 0 where any mirror answered, else 1.

    Raises: BadMirror, OfflineTest.
    """
    from conda.base.context import context

    if context.offline:
        raise OfflineTest()
    subdir = context.subdir
    chosen = _chosen(subdir, args.spec or ())
    rows = _rows(args.mirrors, subdir)
    measure(rows, subdir, chosen, args.timeout or SECONDS)
    if context.json:
        about = _document(rows, chosen, subdir)
        output.emit(about, success=any(row.ok for row in rows))
    else:
        output.say(_lines(rows, chosen, subdir))
    return 0 if any(row.ok for row in rows) else 1


def _chosen(subdir: str, specs: Sequence[str]) -> tuple[Build, ...]:
    """The builds that torch-install would choose here, going by the built-in index; () where it
    knows none."""
    asked = request.make(
        list(specs),
        cuda_word="auto",
        compat="minor",
        allow_cpu=True,
        source="auto",
        python_word=None,
    )
    here = survey.survey(subdir=subdir, prefix=None, cuda="auto", python=None, probe_gpus=False)
    known = builtin.load(subdir)
    if known is None:
        return ()
    best = choose(here.machine, asked, known.builds, repodata.admits, cuda.tables())
    return best.builds if isinstance(best, Choice) else ()


def _rows(names: Sequence[str], subdir: str) -> list[Row]:
    """The mirrors to test: those named, else the preferred ones and all that may be chosen on
    their own; the official channels last."""
    try:
        values = settings.read()
        known = settings.registry(values)
        wanted = settings.preference(names, values)
        if not names:
            wanted = tuple(dict.fromkeys((*wanted, *settings.preference([settings.AUTO], values))))
        found = registry.resolve(wanted, known, allow_http=values.http)
    except registry.MirrorError as error:
        raise BadMirror(value=safe(" ".join(names)), detail=str(error)) from error
    rows = [Row(m.name, m.title, _sources(m, subdir)) for m in found]
    if not names or UPSTREAM in [name.lower() for name in names]:
        official = {name: Route(name, registry.upstream_url(name), UPSTREAM) for name in CHANNELS}
        rows.append(Row(UPSTREAM, text("upstream_title"), official))
    return rows


def _sources(mirror: Mirror, subdir: str) -> dict[str, Route]:
    return {
        name: Route(name, url, mirror.name)
        for name in CHANNELS
        if (url := mirror.url_of(name, subdir)) is not None
    }


def measure(rows: Sequence[Row], subdir: str, chosen: Sequence[Build], seconds: float) -> None:
    """Ask the mirrors and fill the rows, within so many seconds."""
    end = time.monotonic() + seconds
    hosts = routes.hosts([list(row.sources.values()) for row in rows])
    memory = ProbeCache(fresh=True)

    def index(source: Route) -> str:
        return f"{source.url}/{subdir}/repodata.json"

    firsts = {row.name: index(next(iter(row.sources.values()))) for row in rows if row.sources}
    found = probing.ask(
        [Target(url) for url in firsts.values()],
        hosts=hosts,
        deadline=seconds * FIRST,
        parallel=AT_ONCE,
    )
    for row in rows:
        row.first = found.get(firsts.get(row.name, ""))
    there = [row for row in rows if row.ok]
    targets: dict[str, Target] = {}
    for row in there:
        targets |= {index(s): Target(index(s)) for s in row.sources.values()}
        targets |= {t.url: t for t in _files(row, chosen).values()}
    rest = [target for url, target in targets.items() if url not in found]
    found |= probing.ask(rest, hosts=hosts, deadline=max(0.1, end - time.monotonic()))
    for row in there:
        row.channels = {name: found[index(source)] for name, source in row.sources.items()}
        row.files = {fn: found[target.url] for fn, target in _files(row, chosen).items()}
    _add_sync(there, max(0.1, end - time.monotonic()))
    memory.keep(found.values())
    memory.save()


def _files(row: Row, chosen: Sequence[Build]) -> dict[str, Target]:
    """The chosen files at a mirror. Their hashes are known, sizes only where a record was seen."""
    torch = row.sources.get("pytorch")
    if torch is None:
        return {}
    return {
        build.fn: Target(f"{torch.url}/{build.subdir}/{build.fn}", build.size, hashed=True)
        for build in chosen
        if build.known_by != "derived"
    }


def _add_sync(rows: Sequence[Row], seconds: float) -> None:
    """What the mirrors say of their last sync, as far as they publish it."""
    pages = {}
    for row in rows:
        if row.name != UPSTREAM and row.sources:
            parts = urlsplit(next(iter(row.sources.values())).url)
            pages[row.name] = f"{parts.scheme}://{parts.netloc}/static/tunasync.json"
    bodies = probing.read(set(pages.values()), most=SYNC_SIZE, deadline=seconds)
    for row in rows:
        if body := bodies.get(pages.get(row.name, "")):
            row.sync = _job(body, row)


def _job(body: bytes, row: Row) -> Mapping[str, Any] | None:
    """The entry for the folder that the channels are in, such as `anaconda`."""
    folders = {urlsplit(s.url).path.strip("/").partition("/")[0] for s in row.sources.values()}
    try:
        jobs = json.loads(body)
        entry = next(job for job in jobs if job["name"] in folders)
        return {
            "status": safe(str(entry["status"]))[:40],
            "updated": float(entry.get("last_update_ts") or 0) or None,
        }
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration):
        return None


def ago(moment: float | None) -> str:
    """How long ago a time in seconds since 1970 was.

    >>> import time
    >>> ago(time.time() - 3 * 3600)
    '3 h'
    """
    if moment is None:
        return "?"
    seconds = max(0.0, time.time() - moment)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length or (unit == "min"):
            return f"{seconds / length:.0f} {unit}"
    return ""


def _lines(rows: Sequence[Row], chosen: Sequence[Build], subdir: str) -> list[str]:
    table: list[tuple[str, ...]] = [("mirror", "answer", *CHANNELS, "files", "index", "sync")]
    remarks = []
    for row in rows:
        cells = [_held(row, name) for name in CHANNELS]
        table.append((row.name, _answer(row), *cells, _count(row), _age(row), _synced(row)))
        remarks += [text(n.code, n.facts) for n in _remarks(row)]
    about = [build.fn for build in chosen]
    head = wrap(text("test_head", {"subdir": subdir, "count": len(rows)}), width=78)
    lines = [*head, "", *columns(table)]
    if remarks:
        lines += [
            "",
            *(line for remark in dict.fromkeys(remarks) for line in bullet(remark)),
        ]
    lines += [
        "",
        *(line for line in bullet(text("test_files", {"files": ", ".join(about)}))),
    ]
    return lines if about else lines[:-2]


def _answer(row: Row) -> str:
    if row.first is None:
        return "-"
    return f"{row.first.seconds * 1000:.0f} ms" if row.ok else row.first.code


def _held(row: Row, name: str) -> str:
    if name not in row.sources:
        return "-"
    probe = row.channels.get(name)
    return "?" if probe is None else "yes" if probe.ok else probe.code


def _count(row: Row) -> str:
    if not row.files:
        return "-" if "pytorch" not in row.sources else "?"
    return f"{sum(probe.ok for probe in row.files.values())} of {len(row.files)}"


def _age(row: Row) -> str:
    return ago(row.modified) if row.ok else "?"


def _synced(row: Row) -> str:
    if row.sync is None:
        return "-"
    return f"{row.sync['status']}, {ago(row.sync['updated'])}"


def _remarks(row: Row) -> list[Notice]:
    """What needs a sentence: why a mirror or a file is not to be had, and where one sends on to."""
    probes = [row.first, *row.channels.values(), *row.files.values()]
    found = []
    for probe in probes:
        if probe is not None and not probe.ok:
            why = text(probe.reason.code, probe.reason.facts)
            found.append(Notice("test_failed", {"mirror": row.name, "why": why}))
        elif probe is not None and probe.moved_to:
            facts = {"mirror": row.name, "channel": "pytorch", "host": probe.moved_to}
            found.append(Notice("mirror_sends_on", facts))
    return found


def _document(rows: Sequence[Row], chosen: Sequence[Build], subdir: str) -> dict[str, Any]:
    files = [build.fn for build in chosen]
    return {"subdir": subdir, "files": files, "test": [_as_json(row) for row in rows]}


def _as_json(row: Row) -> dict[str, Any]:
    return {
        "mirror": row.name,
        "title": row.title,
        "ok": row.ok,
        "first": _probe(row.first) if row.first else None,
        "channels": {
            name: {"url": safe(source.url), **_probe(row.channels.get(name))}
            for name, source in row.sources.items()
        },
        "files": {fn: _probe(probe) for fn, probe in row.files.items()},
        "modified": row.modified,
        "sync": dict(row.sync) if row.sync else None,
        "remarks": [text(n.code, n.facts) for n in _remarks(row)],
    }


def _probe(probe: Answer | None) -> dict[str, Any]:
    if probe is None:
        return {"code": "not_asked"}
    shown = {"code": probe.code, "status": probe.status, "host": probe.host}
    return {**shown, "milliseconds": round(probe.seconds * 1000), "modified": probe.modified}
