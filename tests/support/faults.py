"""What a mirror can do wrong: one function for each way, applied to one request.

Named in `FAULTS` for `mirror.fail(glob, name)`. Each answers the exchange it is given. Two belong
to the connection and not to the request, and are brought about from there: `refused` cuts the
first request that matches and closes the port for all that follow (`mirror.fail("*", "refused")`
closes it at once), `tls` sends the client to the same port by https.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from .channels import Record, zstd_compress
from .mirror import Exchange, Fault

HTML = {"Content-Type": "text/html; charset=utf-8"}

#: What the block page shows; a tool should repeat both to its user.
BLOCK_ID = "7f3c0a91e5d24b68"
BLOCK_ADDRESS = "support@mirror.example"

_BLOCK_PAGE = f"""<!DOCTYPE html>
<html><head><title>403 Forbidden</title></head><body>
<h1>Access from your network has been suspended</h1>
<p>Too many large downloads were seen from your subnet.</p>
<p>If you think this is a mistake, write to <a href="mailto:{BLOCK_ADDRESS}">{BLOCK_ADDRESS}</a>
and include this request ID: <code>{BLOCK_ID}</code></p>
</body></html>
"""

#: How old a stale index says that it is; tuna's channels were once gone for eight days.
STALE = timedelta(days=8)


def refused(exchange: Exchange) -> None:
    """Cut this connection and accept none from now on."""
    exchange.mirror.refuse()
    exchange.cut()


def reset(exchange: Exchange) -> None:
    """Announce the whole file, send half of it, reset the connection."""
    _half(exchange)
    exchange.cut()


def stall(exchange: Exchange, seconds: float = 60.0) -> None:
    """Announce the whole file, send half of it, then nothing for `seconds`."""
    _half(exchange)
    exchange.mirror.stopped.wait(seconds)
    exchange.cut()


def _half(exchange: Exchange) -> None:
    content = exchange.content() or b"-" * 1000
    exchange.send(200, content[: len(content) // 2], length=len(content))


def tls(exchange: Exchange) -> None:
    """Send the client to a port that does not speak TLS, by https."""
    _redirect(exchange, exchange.mirror.https_url + exchange.path)


def blocked(exchange: Exchange) -> None:
    """403 with an HTML page that gives a request ID and an address."""
    exchange.send(403, _BLOCK_PAGE.encode(), HTML)


def _status(status: int, headers: Mapping[str, str] | None = None) -> Fault:
    def answer(exchange: Exchange) -> None:
        page = f"<html><h1>{status}</h1></html>\n".encode()
        exchange.send(status, page, {**HTML, **(headers or {})})

    answer.__doc__ = f"{status} with a short HTML page."
    return answer


def redirect(exchange: Exchange, to: str | None = None) -> None:
    """302 to the same path below the URL `to`; by default this server under another host name."""
    base = to or f"http://localhost:{exchange.mirror.port}"
    if to is None and exchange.headers.get("Host", "").startswith("localhost"):
        exchange.serve()
    else:
        _redirect(exchange, base.rstrip("/") + exchange.path)


def redirect_loop(exchange: Exchange) -> None:
    """302 to itself."""
    _redirect(exchange, exchange.mirror.url + exchange.path)


def _redirect(exchange: Exchange, location: str) -> None:
    exchange.send(302, b"", {"Location": location})


def html(exchange: Exchange) -> None:
    """200 and a web page, as a captive portal or a mirror's front page does."""
    exchange.send(200, b"<!DOCTYPE html><html><body>Welcome</body></html>\n", HTML)


def truncated(exchange: Exchange) -> None:
    """Half of the file as if it were the whole: the transfer is sound, the content is not."""
    content = exchange.content()
    if content is None:
        exchange.serve()
    else:
        exchange.send_content(content[: len(content) // 2])


def wrong_hash(exchange: Exchange) -> None:
    """A package of the right size with another content; in an index, other hashes."""

    def other(repodata: dict[str, Any]) -> None:
        for section in ("packages", "packages.conda"):
            for record in repodata.get(section, {}).values():
                record.update(md5="0" * 32, sha256="0" * 64)

    content = exchange.content()
    if content is None:
        exchange.serve()
    elif not _edit_index(exchange, other):
        middle = len(content) // 2
        exchange.send_content(
            content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        )


def stale(exchange: Exchange, drop: Callable[[Record], bool] | None = None) -> None:
    """An index from before the newest release of everything (or without what `drop` says), dated
    eight days back. Not an index: the file is not there yet, 404."""

    def older(repodata: dict[str, Any]) -> None:
        gone = drop or _newest(repodata)
        for section in ("packages", "packages.conda"):
            records = repodata.get(section, {})
            repodata[section] = {fn: rec for fn, rec in records.items() if not gone(rec)}

    if not _edit_index(exchange, older):
        NOT_FOUND(exchange)


def _newest(repodata: Mapping[str, Any]) -> Callable[[Record], bool]:
    """True for the records of each name's latest version, unless it is the only one."""
    versions: dict[str, dict[str, int]] = {}
    for section in ("packages", "packages.conda"):
        for record in repodata.get(section, {}).values():
            dates = versions.setdefault(record["name"], {})
            date = max(dates.get(record["version"], 0), record.get("timestamp", 0))
            dates[record["version"]] = date
    latest = {name: max(dates, key=dates.__getitem__) for name, dates in versions.items()}
    return lambda rec: len(versions[rec["name"]]) > 1 and rec["version"] == latest[rec["name"]]


def _edit_index(exchange: Exchange, edit: Callable[[dict[str, Any]], None]) -> bool:
    """Serve the index changed by `edit`; False, with nothing sent, where it is not an index."""
    path = exchange.file()
    if path is None or not path.name.startswith(("repodata.json", "current_repodata.json")):
        return False
    source = path.with_name(path.name.removesuffix(".zst"))
    repodata = json.loads(source.read_bytes())
    edit(repodata)
    text = json.dumps(repodata).encode()
    modified = int(path.stat().st_mtime - STALE.total_seconds())
    exchange.send_content(zstd_compress(text) if path.suffix == ".zst" else text, modified)
    return True


NOT_FOUND = _status(404)

#: Name -> fault. `truncated` on `*.zst` and on `*.json` are two of the ways of issue 3.
FAULTS: dict[str, Fault] = {
    "refused": refused,
    "reset": reset,
    "stall": stall,
    "tls": tls,
    "blocked": blocked,
    "not_found": NOT_FOUND,
    "server_error": _status(500),
    "busy": _status(503, {"Retry-After": "1"}),
    "redirect": redirect,
    "redirect_loop": redirect_loop,
    "html": html,
    "truncated": truncated,
    "wrong_hash": wrong_hash,
    "stale": stale,
}
