"""A mirror that misbehaves on the wire: whatever it sends, the next one is used, or one error names
it; nothing is a traceback, and no prefix is left in pieces."""

from __future__ import annotations

import socket

import pytest
from support.files import contents
from support.prefixes import whole
from support.raw import RawServer, head
from support.sites import ASK, LEAF
from support.wire import LONG, Fault, bare, check, chunked, endless, raw, reset, with_headers

from conda_torchmirror.text.messages import text
from conda_torchmirror.transport.probe import ProbeTarget, ask

pytest_plugins = ("support.wire_fixtures",)

#: The end of a chunked body, with headers behind it.
TRAILERS = b"0\r\nX: \x1b[31m\r\nContent-Length: 3\r\n\r\n"

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
    "101": bare(status="101 Switching Protocols"),
    "103": raw(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + head("404 No")),
    "205": bare("Content-Length: 0", status="205 Reset Content"),
    "300": bare("Content-Length: 0", status="300 Multiple Choices"),
    "451": bare("Content-Length: 0", status="451 Unavailable For Legal Reasons"),
    "511": bare(status="511 Network Authentication Required", body=b"<html>Log in</html>"),
    "retry-after-a-year": bare("Retry-After: 31536000", status="503 Busy"),
    "location-ftp": bare("Location: ftp://127.0.0.1/x", status="302 Found"),
    "cookies": with_headers(*(f"Set-Cookie: a{n}=\x1b[31m{'x' * 4000}" for n in range(20))),
    "multipart": with_headers(
        "Content-Type: multipart/byteranges; boundary=x", status="206 Partial Content"
    ),
    "trailers": chunked(b"2\r\n{}\r\n" + TRAILERS),
    "dates": with_headers("Date: Thu, 01 Jan 1970 00:00:00 GMT", "Age: 99999999999999999999"),
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


#: Odd headers beside a sound file, which is then taken.
HARMLESS = frozenset(
    (
        *("content-range", "content-range-long", "last-modified", "last-modified-long"),
        *("etag-control", "cache-control", "header-bytes", "header-no-colon"),
        *("cookies", "dates", "multipart"),
        *("length-negative", "length-float", "length-digit", "length-long"),
        # What is wrong with these is behind the first bytes.
        *(
            "length-more",
            "length-less",
            "cut",
            "gzip-none",
            "encoding-unknown",
            "reset",
        ),
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


def test_headers_behind_a_body_are_harmless():
    with RawServer(chunked(b'10\r\n{"packages": {}}\r\n' + TRAILERS)) as server:
        url = f"{server.url}/pytorch/linux-64/repodata.json"
        assert ask([ProbeTarget(url)], deadline=1.0)[url].ok


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
    from conda_torchmirror.exceptions import causes

    monkeypatch.setattr(causes, "PAGE_SECONDS", 0.2)
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


@pytest.mark.parametrize(
    "words", [("test",), ("status",), ("list",), ("test", "--json")], ids=" ".join
)
@pytest.mark.parametrize("name", ["reason-escape", "location-control", "header-bytes", "http-0.9"])
def test_what_is_shown_of_mirrors(first, conda_in_process, prefix, name, words, sandbox):
    first(WIRE[name])
    result = conda_in_process("torch-mirror", *words).ok()
    check(result, prefix, contents(prefix))
    sandbox.take_blocked()  # the comparison asks all mirrors
