"""A mirror whose indexes have no end: none is read on, neither by us nor by conda's solver."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.channels import zstd_compress
from support.mirror import Exchange
from support.prefixes import records, whole
from support.running import Result
from support.sites import ASK, Sites

from conda_torchmirror.index import fetch

pytest_plugins = ("support.site_fixtures",)

#: What no index of these tests has, and what the endless ones are cut at, for old code to end.
MOST, CUT = 2**22, 2**24


def _begins(exchange: Exchange) -> bool:
    """Whether this is a probe, which sees the beginning of an index."""
    if "Range" not in exchange.headers:
        return False
    exchange.serve()
    return True


def endless(exchange: Exchange) -> None:
    """Blanks within an object, for as long as they are taken."""
    if _begins(exchange):
        return
    exchange.send_response(200)
    exchange.end_headers()
    exchange.close_connection = True
    exchange.wfile.write(b'{"packages": {')
    for _ in range(CUT >> 16):
        if exchange.mirror.stopped.is_set():
            return
        exchange.wfile.write(b" " * 65536)


#: The same as small answers: by a Content-Encoding, and by the form of the index.
GZIP = gzip.compress(b'{"packages": {' + b" " * CUT)
ZST = zstd_compress(b'{"packages": {' + b" " * CUT + os.urandom(2**18).hex().encode())


def gzip_bomb(exchange: Exchange) -> None:
    if not _begins(exchange):
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        exchange.send(200, GZIP, headers)


def zst_bomb(exchange: Exchange) -> None:
    """The plain index is whole."""
    if exchange.path.endswith(".zst") and not _begins(exchange):
        exchange.send(200, ZST, {"Content-Type": "application/zstd"})
    elif not exchange.path.endswith(".zst"):
        exchange.serve()


FAULTS = {"endless": endless, "gzip bomb": gzip_bomb, "zst bomb": zst_bomb}


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MOST_BYTES", MOST)


@pytest.mark.parametrize("solve", [False, True], ids=["install", "preview"])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_other_index_is_read_from_there(
    sites: Sites,
    prefix: Path,
    conda_in_process: Callable[..., Result],
    fault: str,
    solve: bool,
) -> None:
    """The solver read conda-forge from the same site without bound."""
    sites.first.fail("*repodata.json*", FAULTS[fault])
    result = conda_in_process(*ASK, "-p", prefix, *(("-d", "--solve") if solve else ())).ok()
    assert "first sends an index that is too large (it sends more than 4 MB" in result.words
    assert "`pytorch`, `conda-forge` from second" in result.words
    whole_ones = [r for r in sites.first.requests if "Range" not in r.headers]
    assert [r for r in whole_ones if "/pytorch/" in r.path] == whole_ones
    if not solve:
        assert whole(prefix)
        assert {one["url"].startswith(sites.first.url) for one in records(prefix).values()} == {
            False
        }


def test_the_next_run_does_not_ask_it(
    sites: Sites, prefix: Path, conda_in_process: Callable[..., Result]
) -> None:
    sites.first.fail("*repodata.json*", endless)
    conda_in_process(*ASK, "-p", prefix, "-d").ok()
    before = len(sites.first.requests)
    conda_in_process(*ASK, "-p", prefix).ok()
    assert len(sites.first.requests) == before


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_solver_alone_reads_is_bounded(
    sites: Sites, prefix: Path, conda_in_process: Callable[..., Result], fault: str
) -> None:
    """It was read for as long as it was sent: nothing of ours reads this channel."""
    sites.first.fail("*/conda-forge/*repodata.json*", FAULTS[fault])
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert whole(prefix)
    assert "first sends an index that is too large" in result.words
    assert records(prefix)["filelock"]["url"].startswith(sites.second.url)


def test_one_broken_index_costs_no_other_channel(
    sites: Sites, prefix: Path, conda_in_process: Callable[..., Result]
) -> None:
    sites.first.fail("*/pytorch/*repodata.json*", "truncated")
    conda_in_process(*ASK, "-p", prefix).ok()
    assert records(prefix)["pytorch"]["url"].startswith(sites.second.url)
    assert records(prefix)["filelock"]["url"].startswith(sites.first.url)


def dripping(exchange: Exchange) -> None:
    """A few bytes at a time, by a length that promises more, or in one chunk of it."""
    if _begins(exchange):
        return
    chunked = "/noarch/" in exchange.path
    exchange.send_response(200)
    exchange.send_header(
        *("Transfer-Encoding", "chunked") if chunked else ("Content-Length", "9999")
    )
    exchange.end_headers()
    exchange.close_connection = True
    exchange.wfile.write(b"270F\r\n{" if chunked else b"{")
    for _ in range(400):
        if exchange.mirror.stopped.wait(0.05):
            return
        exchange.wfile.write(b" ")


@pytest.mark.parametrize("form", ["*/linux-64/repodata.json*", "*/noarch/repodata.json*"])
def test_what_the_solver_alone_reads_is_bounded_in_time(
    sites: Sites,
    prefix: Path,
    conda_in_process: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    """It was waited for as long as bytes came, which is for ever."""
    monkeypatch.setattr(fetch, "PATIENCE", 1.5)
    sites.first.fail(f"*/conda-forge{form[1:]}", dripping)
    begun = time.monotonic()
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert time.monotonic() - begun < 15
    assert whole(prefix)
    assert "first did not send" in result.words
    assert "in time" in result.words
    assert records(prefix)["filelock"]["url"].startswith(sites.second.url)
