"""Pages are read through conda's session, within bounds."""

from __future__ import annotations

import time
from functools import partial

import pytest

from conda_torchmirror.index.wheels import read
from conda_torchmirror.index.wheels.pages import JSON


@pytest.fixture
def served(make_mirror, tmp_path):
    """A mirror with two pages."""
    for name in ("torch", "torchvision"):
        folder = tmp_path / "whl" / "cu128" / name
        folder.mkdir(parents=True)
        (folder / "index.html").write_text(f"<a href='{name}-1.whl'>x</a>")
    mirror = make_mirror(tmp_path, {})
    mirror.mounts = {"/": tmp_path}
    return mirror


def page(mirror, name="torch"):
    return f"{mirror.url}/whl/cu128/{name}/index.html"


def test_pages_come_by_their_addresses(served):
    urls = [page(served), page(served, "torchvision"), page(served)]
    found = read.read_pages(urls)
    assert [body.content for body in found.values()] == [
        b"<a href='torch-1.whl'>x</a>",
        b"<a href='torchvision-1.whl'>x</a>",
    ]
    assert len(served.asked()) == 2
    headers = served.requests[0].headers
    assert headers["User-Agent"].startswith("conda-torchmirror/")
    assert headers["Accept"].startswith(JSON)


def test_a_status_keeps_its_page(served):
    found = read.read_pages([f"{served.url}/none/"])[f"{served.url}/none/"]
    assert isinstance(found, read.BadStatus)
    assert (found.status, b"404 Not Found" in found.page) == (404, True)


def _redirect(exchange, to):
    exchange.send(302, b"", {"Location": to})


def test_redirects_stay_at_known_hosts(served, sandbox):
    served.fail("*/torch/*", partial(_redirect, to=page(served, "torchvision")))
    found = read.read_pages([page(served)])[page(served)]
    assert found.url == page(served, "torchvision")
    served.fail("*/torch/*", partial(_redirect, to="https://stranger.example/x/"))
    found = read.read_pages([page(served)])[page(served)]
    assert isinstance(found, read.ForeignPage)
    assert (found.host, found.insecure) == ("stranger.example", False)
    served.fail("*/torch/*", partial(_redirect, to="file:///etc/passwd"))
    assert read.read_pages([page(served)])[page(served)].insecure


def test_redirects_end(served):
    served.fail("*/torch/*", partial(_redirect, to=page(served)))
    assert isinstance(read.read_pages([page(served)])[page(served)], read.ForeignPage)
    assert len(served.asked()) == read.HOPS + 1


def test_a_bomb_is_not_unpacked(served, monkeypatch):
    import gzip

    bomb = gzip.compress(b"<" * 5_000_000)
    monkeypatch.setattr(read, "BYTES", 1_000_000)
    served.fail("*", lambda exchange: exchange.send(200, bomb, {"Content-Encoding": "gzip"}))
    found = read.read_pages([page(served)])[page(served)]
    assert isinstance(found, read.PageTooLarge)


def _drip(exchange):
    exchange.send(200, b"<", length=10_000)
    while not exchange.mirror.stopped.wait(0.2):
        exchange.wfile.write(b"<")
        exchange.wfile.flush()


def test_a_server_that_drips_is_left_at_the_end(served):
    served.fail("*/torch/*", _drip)
    began = time.monotonic()
    found = read.read_pages([page(served), page(served, "torchvision")], seconds=2)
    assert time.monotonic() - began < 60  # not half an hour
    assert isinstance(found[page(served)], TimeoutError)
    assert isinstance(found[page(served, "torchvision")], read.Body)


def test_nobody_is_asked_offline(served, condarc):
    condarc(offline=True)
    found = read.read_pages([page(served)])[page(served)]
    assert isinstance(found, Exception)
    assert served.asked() == []
