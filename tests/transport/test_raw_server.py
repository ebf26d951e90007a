"""A mirror that misbehaves on the wire: whatever it sends, the next one is used, or one error names
it; nothing is a traceback, and no prefix is left in pieces."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable

import pytest
from support.files import contents
from support.prefixes import whole
from support.raw import RawServer, head
from support.sites import ASK, LEAF

from conda_torchmirror.index import cache
from conda_torchmirror.mirrors.registry import Route
from conda_torchmirror.text.messages import text
from conda_torchmirror.transport.probe import ProbeTarget, ask

pytest_plugins = ("support.site_fixtures",)

#: What a misbehaviour does: the connection, the file as it should be, the server.
Fault = Callable[[socket.socket, bytes, RawServer], None]


def sound(connection: socket.socket, content: bytes, server: RawServer) -> None:
    connection.sendall(head("200 OK", f"Content-Length: {len(content)}") + content)


def with_headers(*headers: str, status: str = "200 OK", length: bool = True) -> Fault:
    """The file, with these headers beside it."""

    def fault(connection: socket.socket, content: bytes, server: RawServer) -> None:
        own = (f"Content-Length: {len(content)}",) if length else ()
        connection.sendall(head(status, *own, *headers) + content)

    return fault


def bare(*headers: str, status: str, body: bytes = b"") -> Fault:
    """An answer without the file."""

    def fault(connection: socket.socket, content: bytes, server: RawServer) -> None:
        connection.sendall(head(status, *headers) + body)

    return fault


def raw(data: bytes) -> Fault:
    def fault(connection: socket.socket, content: bytes, server: RawServer) -> None:
        connection.sendall(data)

    return fault


def endless(start: bytes, block: bytes, pause: float = 0.01) -> Fault:
    """Something first, then the same again and again."""

    def fault(connection: socket.socket, content: bytes, server: RawServer) -> None:
        connection.sendall(start)
        while not server.stopped.wait(pause):
            connection.sendall(block)

    return fault


def reset(connection: socket.socket, content: bytes, server: RawServer) -> None:
    connection.sendall(head("200 OK", f"Content-Length: {len(content)}") + content[:40])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def chunked(body: bytes) -> Fault:
    return raw(head("200 OK", "Transfer-Encoding: chunked") + body)


LONG = "9" * 5000

WIRE: dict[str, Fault] = {
    "location-ipv6": bare("Location: http://[::1", status="302 Found"),
    "location-port": bare("Location: http://127.0.0.1:99999999/", status="302 Found"),
    "location-empty": bare("Location:", status="302 Found"),
    "location-none": bare(status="302 Found"),
    "location-file": bare("Location: file:///etc/passwd", status="301 Moved"),
    "location-data": bare("Location: data:,{}", status="307 Temporary Redirect"),
    "location-control": bare("Location: /\x1b[31m\x07\x00x", status="302 Found"),
    "location-bytes": bare("Location: /\xff\xfe\x80", status="302 Found"),
    "location-long": bare(f"Location: /{'x' * 60000}", status="302 Found"),
    "content-range": with_headers("Content-Range: bytes ?-!/x", status="206 Partial"),
    "content-range-long": with_headers(f"Content-Range: bytes 0-15/{LONG}", status="206 Partial"),
    "retry-after-long": bare(f"Retry-After: {LONG}", status="503 Busy"),
    "retry-after-date": bare("Retry-After: Fri, 99 Foo 99999 99:99:99 GMT", status="503 Busy"),
    "retry-after-digit": bare("Retry-After: \xb2", status="429 Too Many"),
    "retry-after-negative": bare("Retry-After: -1", status="429 Too Many"),
    "retry-after-nan": bare("Retry-After: NaN", status="503 Busy"),
    "last-modified": with_headers("Last-Modified: Thu, 00 Jan 0000 00:00:00 +99999999999999"),
    "last-modified-long": with_headers(f"Last-Modified: Mon, 01 Jan {LONG} 00:00:00 GMT"),
    "etag-control": with_headers('ETag: "\x1b]0;x\x07\x00"'),
    "cache-control": with_headers(f"Cache-Control: max-age={LONG}, \x80"),
    "length-negative": with_headers("Content-Length: -5", length=False),
    "length-float": with_headers("Content-Length: 1e3", length=False),
    "length-digit": with_headers("Content-Length: \xb2", length=False),
    "length-long": with_headers(f"Content-Length: {LONG}", length=False),
    "length-two": with_headers("Content-Length: 5"),
    "length-more": with_headers("Content-Length: 99999999", length=False),
    "length-less": with_headers("Content-Length: 7", length=False),
    "headers-many": with_headers(*(f"X-{n}: {n}" for n in range(500))),
    "header-long": with_headers(f"X: {'x' * 100_000}"),
    "header-bytes": with_headers("Content-Type: \xff\x00\x1b[2J"),
    "header-no-colon": with_headers("what is this"),
    "http-0.9": raw(b"hello, world\n"),
    "nothing": raw(b""),
    "garbage": raw(bytes(range(256)) * 20),
    "status-word": raw(b"HTTP/1.1 yes OK\r\n\r\n"),
    "status-huge": raw(b"HTTP/1.1 99999 X\r\n\r\n"),
    "status-zero": raw(b"HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n"),
    "status-line-long": raw(b"HTTP/1.1 200 " + b"x" * 100_000),
    "version": raw(b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    "reason-escape": bare(status="500 \x1b[31mred\x07 \x9b2J"),
    "tls-alert": raw(b"\x15\x03\x01\x00\x02\x02\x46"),
    "reset": reset,
    "cut": with_headers("Content-Length: 100000", length=False),
    "chunk-size": chunked(b"zz\r\n{}\r\n0\r\n\r\n"),
    "chunk-huge": chunked(b"f" * 400 + b"\r\n{}"),
    "chunk-negative": chunked(b"-5\r\n{}\r\n"),
    "chunk-cut": chunked(b"10\r\n{"),
    "gzip-none": with_headers("Content-Encoding: gzip"),
    "encoding-unknown": with_headers("Content-Encoding: snafu"),
    "login-page": bare(
        "Content-Type: text/html", status="200 OK", body=b"<html><form>Log in</form></html>"
    ),
    "denied-page": bare(
        "Content-Type: text/html", status="403 Forbidden", body=b"<html>" + b"<" * 60000
    ),
    "401": bare('WWW-Authenticate: Basic realm="\x1b[31m"', status="401 Unauthorized"),
    "407": bare("Proxy-Authenticate: Basic", status="407 Proxy Authentication Required"),
    "204": bare(status="204 No Content"),
    "304": bare(status="304 Not Modified"),
    "416": bare(status="416 Range Not Satisfiable"),
}
#: Without an end: what bounds them is in `index.fetch`, `transport.probe` and conda's timeouts.
ENDLESS: dict[str, Fault] = {
    "continue": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "headers": endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.05),
    "drip": endless(head("200 OK", "Content-Length: 9999"), b" ", 0.05),
    "page-403": endless(head("403 Forbidden", "Content-Type: text/html"), b"<p>", 0.05),
    "page-500": endless(head("500 Oops", "Content-Type: text/html"), b"<p>", 0.05),
    "chunks": endless(head("200 OK", "Transfer-Encoding: chunked"), b"1\r\n \r\n", 0.05),
}


@pytest.fixture
def first(sites, condarc, monkeypatch):
    """`first(fault, where)`: the first mirror is one that misbehaves where the path says so."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def make(fault: Fault, where: str = "", *, probed: bool = True, **plugins) -> RawServer:
            def answer(connection: socket.socket, path: str, ranged: bool) -> None:
                file = sites.first.file(path)
                hit = where in path and (probed or not ranged)
                if file is None:
                    connection.sendall(head("404 Not Found", "Content-Length: 0"))
                else:
                    (fault if hit else sound)(connection, file.read_bytes(), server)

            server = stack.enter_context(RawServer(answer))
            registry = sites.registry()
            registry["mirrors"]["first"]["roots"] = [f"{server.url}/anaconda"]
            settings = sites.settings()
            sites.file.write_text(json.dumps(registry))
            settings["plugins"].update(plugins)
            settings["remote_max_retries"] = 0
            condarc(**settings)
            return server

        yield make


def check(result, prefix, before) -> None:
    """What holds after any run of torch-install."""
    said = f"{result.stdout}\n{result.stderr}"
    assert "Traceback" not in said
    assert "unexpected error" not in said.lower()
    assert not any(sign in said for sign in "\x1b\x07\x00\x9b\u202e")
    if result.rc:
        assert contents(prefix) == before
        assert "first" in said
    else:
        assert whole(prefix)


#: Odd headers beside a sound file, which is then taken.
HARMLESS = frozenset(
    (
        *("content-range", "content-range-long", "last-modified", "last-modified-long"),
        *("etag-control", "cache-control", "header-bytes", "header-no-colon"),
        *("length-negative", "length-float", "length-digit", "length-long"),
        # What is wrong with these is behind the first bytes.
        *("length-more", "length-less", "cut", "gzip-none", "encoding-unknown", "reset"),
    )
)


@pytest.mark.parametrize("name", {**WIRE, **ENDLESS})
def test_a_probe_says_what_it_is_in_words(sites, name):
    content = sites.first.file("/anaconda/cloud/pytorch/linux-64/repodata.json").read_bytes()

    def answer(connection: socket.socket, path: str, ranged: bool) -> None:
        {**WIRE, **ENDLESS}[name](connection, content, server)

    with RawServer(answer) as server:
        url = f"{server.url}/pytorch/linux-64/repodata.json"
        found = ask([ProbeTarget(url)], deadline=1.0)[url]
    assert len(server.paths) == 1 or found.code == "redirect_loop" or "location" in name
    assert found.ok is (name in HARMLESS), found
    if not found.ok:
        said = text(found.notice.code, {**found.notice.facts, "mirror": "first"})
        assert said.startswith("first ")
    assert found.size is None or found.size < 10**15
    assert found.retry_after is None or 0 <= found.retry_after < 10**15


@pytest.mark.parametrize("name", WIRE)
@pytest.mark.parametrize("where", ["repodata.json", LEAF])
def test_what_goes_wrong_after_a_good_probe(first, conda_in_process, prefix, name, where):
    first(WIRE[name], where, probed=False)
    before = contents(prefix)
    result = conda_in_process(*ASK, "-p", prefix)
    check(result, prefix, before)
    assert result.rc == 0


@pytest.mark.parametrize("name", ["page-403", "page-500"])
@pytest.mark.parametrize("where", ["repodata.json", LEAF])
def test_a_page_without_an_end_is_not_waited_for(
    first, conda_in_process, prefix, monkeypatch, name, where
):
    from conda_torchmirror.index import fetch

    monkeypatch.setattr(fetch, "PAGE_SECONDS", 0.2)
    first(ENDLESS[name], where, probed=False)
    before = contents(prefix)
    result = conda_in_process(*ASK, "-p", prefix)
    check(result, prefix, before)
    assert result.rc == 0


@pytest.mark.parametrize("name", ["continue", "headers", "drip", "chunks"])
def test_an_index_without_an_end_is_left(first, conda_in_process, prefix, monkeypatch, name):
    from conda_torchmirror.index import fetch

    monkeypatch.setattr(fetch, "PATIENCE", 1.0)
    monkeypatch.setattr(fetch, "TOTAL", 2.0)
    first(ENDLESS[name], "conda-forge/linux-64/repodata.json", probed=False)
    result = conda_in_process("torch-install", "--list", "--mirror", "first", "-p", prefix)
    check(result, prefix, contents(prefix))


# Conda's own commands


@pytest.mark.parametrize("name", sorted({*WIRE} - HARMLESS))
def test_a_redirected_command_never_meets_it(first, conda_in_process, prefix, name):
    first(WIRE[name], "", torchmirror_auto=True)
    ask_conda = ("install", "-y", "-p", str(prefix), "-c", "conda-forge", "filelock")
    result = conda_in_process(*ask_conda).ok()
    assert "`conda-forge` from second" in result.stderr
    check(result, prefix, {})


@pytest.mark.parametrize(
    "name", ["location-ipv6", "location-file", "length-two", "chunk-negative", "login-page", "204"]
)
def test_a_redirected_command_says_whose_it_was(first, conda_in_process, prefix, name):
    """Conda's own words of it, a report of an unexpected error among them, are not ours."""
    first(WIRE[name], "linux-64/repodata.json", torchmirror_auto=True, probed=False)
    before = contents(prefix)
    ask_conda = ("install", "-y", "-p", str(prefix), "-c", "conda-forge", "filelock")
    result = conda_in_process(*ask_conda)
    assert result.rc == 1
    assert contents(prefix) == before
    told = [line for line in result.stderr.splitlines() if line.startswith("torchmirror: first ")]
    assert len(told) == 1
    assert "cannot be reached" not in told[0]
    assert "run again, reads `conda-forge` from second" in result.stderr.replace("\n", " ")
    conda_in_process(*ask_conda).ok()
    assert whole(prefix)


# What an index says


def altered(change: Callable[[dict], object]) -> Fault:
    def fault(connection: socket.socket, content: bytes, server: RawServer) -> None:
        repodata = json.loads(content)
        found = change(repodata)
        if not isinstance(found, bytes):
            found = json.dumps(repodata if found is None else found).encode()
        sound(connection, found, server)

    return fault


def records(repodata: dict) -> dict:
    return repodata["packages"]


def each(**fields) -> Fault:
    """Every record with these fields."""
    return altered(lambda repodata: [r.update(fields) for r in records(repodata).values()] and None)


RECORD = {"name": "x", "version": "1", "build": "0", "build_number": 0, "depends": []} | {
    "sha256": "0" * 64,
    "subdir": "linux-64",
}
ESCAPES = "\x1b[31m\x1b]0;owned\x07\u202e\u2066evil\u0000\n\x9b2J"

INDEXES: dict[str, Fault] = {
    "other-subdir": altered(lambda r: r["info"].update(subdir="win-64")),
    "other-subdir-records": each(subdir="win-64"),
    "no-info": altered(lambda r: r.pop("info") and None),
    "list": altered(lambda r: []),
    "null": altered(lambda r: b"null"),
    "nan": altered(lambda r: b"NaN"),
    "empty": altered(lambda r: b""),
    "packages-list": altered(lambda r: r.update(packages=[1, 2])),
    "packages-null": altered(lambda r: r.update({"packages": None, "packages.conda": None})),
    "record-null": altered(lambda r: records(r).update(dict.fromkeys(records(r)))),
    "deep": altered(lambda r: b"[" * 200_000),
    "deep-record": altered(lambda r: b'{"packages":{"a":' + b'{"a":' * 100_000),
    "bom": altered(lambda r: b"\xef\xbb\xbf" + json.dumps(r).encode()),
    "utf-16": altered(lambda r: json.dumps(r).encode("utf-16")),
    "not-utf-8": altered(lambda r: b'{"packages": {"\xff\xfe": {}}}'),
    "duplicate-keys": altered(lambda r: json.dumps(r).encode()[:-1] + b', "packages": {}}'),
    # JSON to Python and fine to conda's classic solver; py-rattler reads none of these.
    "field-twice": altered(
        lambda r: json.dumps(r).replace('"size": ', '"size": 1, "size": ').encode()
    ),
    "license-number": each(license=5),
    "constrains-null": each(constrains=None),
    "features-number": each(track_features=5),
    "noarch-unknown": each(noarch="other"),
    "purls-odd": each(purls=["x"]),
    "version-of-nothing": altered(
        lambda r: records(r).update({"x-1__1-0.tar.bz2": {**RECORD, "version": "1__1"}})
    ),
    "fn-short": altered(lambda r: records(r).update({"x.tar.bz2": RECORD})),
    "base-url-number": altered(lambda r: r["info"].update(base_url=5)),
    "v3-number": altered(lambda r: r.update(v3=5)),
    "two-documents": altered(lambda r: json.dumps(r).encode() * 2),
    "surrogates": altered(lambda r: records(r).update({"\ud800": {"name": "\ud800"}})),
    "name-escapes": altered(lambda r: records(r).update({ESCAPES: {"name": ESCAPES}})),
    "version-escapes": each(version=ESCAPES),
    "build-escapes": each(build=ESCAPES),
    "depends-escapes": each(depends=[ESCAPES]),
    "depends-long": each(depends=["x" * 100_000]),
    "depends-many": each(depends=["python"] * 4_000),
    "version-digits": each(version=LONG),
    "size-huge": each(size=10**400),
    "size-negative": each(size=-1),
    "size-nan": each(size=float("nan")),
    "size-infinite": each(size=float("inf")),
    "build-number-huge": each(build_number=10**400),
    "build-number-bool": each(build_number=True),
    "timestamp-huge": each(timestamp=10**400),
    "timestamp-text": each(timestamp="soon"),
    "timestamp-nan": each(timestamp=float("nan")),
    "sha256-lines": each(sha256="0\n dir=/\n out=x"),
    "sha256-short": each(sha256="abc", md5=None),
    "fn-above": altered(
        lambda r: records(r).update({f"../../{fn}": x for fn, x in [*records(r).items()]})
    ),
    "base-url": altered(lambda r: r["info"].update(base_url="file:///etc/")),
    "removed": altered(lambda r: r.update(removed=list(records(r)))),
    "removed-odd": altered(lambda r: r.update(removed=5)),
    "version-of-format": altered(lambda r: r.update(repodata_version=10**400)),
}


@pytest.mark.parametrize("name", INDEXES)
@pytest.mark.parametrize("words", [("--dry-run",), ()], ids=["preview", "install"])
def test_an_index_that_lies(first, conda_in_process, prefix, name, words):
    """The compressed form is refused, so that the plain one is read."""

    def fault(connection: socket.socket, content: bytes, server: RawServer) -> None:
        if content[:1] == b"{":
            INDEXES[name](connection, content, server)
        else:
            connection.sendall(head("404 Not Found", "Content-Length: 0"))

    first(fault, "linux-64/repodata.json", probed=False)
    before = contents(prefix)
    result = conda_in_process(*ASK, "-p", prefix, *words)
    if name == "build-escapes" and not words:
        # Conda itself shows the builds of what the solver takes along, as they are.
        assert whole(prefix) if result.rc == 0 else contents(prefix) == before
        return
    check(result, prefix, before)
    assert result.rc == 0 or name in UNSOLVABLE


#: Sound to a reader, and not to be installed: that is for conda to say. Of a key that stands there
#: twice the classic solver takes the last; py-rattler reads no such index.
UNSOLVABLE = ("depends-escapes", "depends-long", "duplicate-keys", "noarch-unknown")


#: Read by conda's classic solver. Py-rattler stumbles when it opens the first, solves the second.
STRICT = ("v3-number", "license-number")


@pytest.mark.parametrize("account", ["", "me:hunter2@"])
@pytest.mark.parametrize("name", STRICT)
def test_an_index_of_a_channel_of_ones_own_that_its_solver_cannot_read(
    first, conda_in_process, sandbox, prefix, name, account
):
    """No mirror stands in for it; it is named, and conda's copy of it is dropped."""

    def fault(connection: socket.socket, path: str, ranged: bool) -> None:
        content = json.dumps({"info": {}, "packages": {"x-1-0.tar.bz2": RECORD}}).encode()
        if path.endswith("linux-64/repodata.json"):
            INDEXES[name](connection, content, server)
        elif path.endswith("repodata.json"):
            sound(connection, b'{"info": {"subdir": "noarch"}, "packages": {}}', server)
        else:
            connection.sendall(head("404 Not Found", "Content-Length: 0"))

    first(sound)
    before = contents(prefix)
    with RawServer(fault) as server:
        own = f"{server.url}/own".replace("//", f"//{account}")
        ask = (*ASK, "-p", prefix, "-c", own)
        result = conda_in_process(*ask)
        check(result, prefix, before)
        assert result.rc == 0 or f"{server.url}/own/linux-64/repodata.json: " in result.stderr
        assert "hunter2" not in result.stderr + result.stdout
        path = cache.path_of(Route("own", own, "own"), "linux-64")
        assert path.parent == sandbox.pkgs / "cache"
        assert path.exists() == (result.rc == 0)
        offline = conda_in_process(*ask, "--offline")
    assert "Traceback" not in offline.stderr
    if result.rc:
        assert "not in conda's cache" in offline.stderr or not offline.rc


@pytest.mark.parametrize("name", STRICT)
def test_a_redirected_command_says_whose_index_its_solver_cannot_read(
    first, conda_in_process, prefix, name
):
    def fault(connection: socket.socket, content: bytes, server: RawServer) -> None:
        if content[:1] == b"{":
            INDEXES[name](connection, content, server)
        else:
            connection.sendall(head("404 Not Found", "Content-Length: 0"))

    first(fault, "linux-64/repodata.json", torchmirror_auto=True, probed=False)
    ask_conda = ("install", "-y", "-p", str(prefix), "-c", "conda-forge", "filelock")
    result = conda_in_process(*ask_conda)
    if result.rc:
        told = [ln for ln in result.stderr.splitlines() if ln.startswith("torchmirror: first ")]
        assert len(told) == 1
        conda_in_process(*ask_conda).ok()
    assert whole(prefix)


@pytest.mark.parametrize(
    "words", [("test",), ("status",), ("list",), ("test", "--json")], ids=" ".join
)
@pytest.mark.parametrize("name", ["reason-escape", "location-control", "header-bytes", "http-0.9"])
def test_what_is_shown_of_mirrors(first, conda_in_process, prefix, name, words, sandbox):
    first(WIRE[name])
    result = conda_in_process("torch-mirror", *words).ok()
    check(result, prefix, contents(prefix))
    sandbox.take_blocked()  # the comparison asks all mirrors
