"""Reading an index ends: by its size, by its pace, and whatever its content does to a reader."""

from __future__ import annotations

import errno
import json
import os
import pty
import subprocess
import sys

import pytest
from conda.gateways.repodata import cache_fn_url
from support.channels import zstd_compress

from conda_torchmirror.exceptions import causes, channel, mirror
from conda_torchmirror.index import fetch, repodata
from conda_torchmirror.mirrors.registry import Route

pytest_plugins = ("support.site_fixtures",)


@pytest.fixture
def read(sites, condarc, conda_in_process):
    """`read(zst=False, ...)`: the channel `pytorch` as the first mirror sends it."""

    def reading(*, zst=False, under="anaconda/cloud", **settings):
        base = f"{sites.first.url}/{under}"
        own = {"custom_channels": {"pytorch": base}, "repodata_use_zst": zst}
        condarc(**{**sites.settings(), **own, **settings})
        conda_in_process("info", "--json").ok()
        return repodata.read(Route("pytorch", f"{base}/pytorch", "first"), "linux-64", {"pytorch"})

    return reading


def endless(exchange):
    exchange.send_response(200)
    exchange.end_headers()
    exchange.close_connection = True
    block = b'{"packages": {' + b" " * 65536
    for _ in range(10_000):
        if exchange.mirror.stopped.is_set():
            return
        exchange.wfile.write(block)


def dripping(exchange):
    exchange.send_response(200)
    exchange.end_headers()
    exchange.close_connection = True
    for _ in range(600):
        exchange.wfile.write(b" ")
        exchange.wfile.flush()
        if exchange.mirror.stopped.wait(0.1):
            return


def sending(content):
    return lambda exchange: exchange.send(200, content, {"Content-Type": "application/json"})


def test_an_endless_index_is_left(sites, read, monkeypatch):
    monkeypatch.setattr(fetch, "MOST_BYTES", 2**22)
    sites.first.fail("*/linux-64/*", endless)
    with pytest.raises(channel.ChannelBroken) as raised:
        read()
    assert "more than 4 MB" in raised.value.dump_map()["guidance"]["cause"]


@pytest.mark.parametrize("digit", ["0", "1"])
def test_a_bomb_is_left(sites, read, monkeypatch, digit):
    """Sixteen MB of nothing in a block. One in sixteen was unpacked to its end: where the last
    digit of conda's name for the index was taken for its mark of .tar.bz2."""
    monkeypatch.setattr(fetch, "MOST_BYTES", 2**22)
    bomb = zstd_compress(b" " * 2**24 + os.urandom(2**18).hex().encode())
    sites.first.fail("*/linux-64/*.zst", sending(bomb))
    places = (f"lab{n}" for n in range(1000))
    name = f"{digit}.json"
    url = sites.first.url
    under = next(p for p in places if cache_fn_url(f"{url}/{p}/pytorch/linux-64").endswith(name))
    with pytest.raises(channel.ChannelBroken) as raised:
        read(zst=True, under=under)
    assert "more than 4 MB" in raised.value.dump_map()["guidance"]["cause"]


@pytest.mark.parametrize("limit", ["PATIENCE", "TOTAL"])
def test_a_dripping_index_is_left(sites, read, monkeypatch, limit):
    monkeypatch.setattr(fetch, limit, 1.0)
    sites.first.fail("*/linux-64/*", dripping)
    with pytest.raises(channel.ChannelUnreachable):
        read(remote_read_timeout_secs=20.0)


DEEP = "[" * 200_000
BAD = {
    "deep": '{"packages": ' + DEEP,
    "deep in a record": '{"packages": {"a-1-0.conda": ' + DEEP,
    "a number of 9,999 digits": '{"packages": {"a-1-0.conda": {"size": ' + "9" * 9999 + "}}}",
    "a list": "[1, 2]",
    "null": "null",
    "half of it": '{"packages": {"a-1-0.conda": {',
}


@pytest.mark.parametrize("name", BAD)
def test_what_no_reader_can_read_is_this_mirrors_fault(sites, read, name):
    sites.first.fail("*/linux-64/*", sending(BAD[name].encode()))
    with pytest.raises(channel.ChannelBroken):
        read()
    sites.first.heal()
    assert read().builds, "the broken index was kept"


ODD = {"Content-Length": "many", "Location": "http://[X]/"}


@pytest.mark.parametrize("header", ODD)
def test_an_unreadable_header_is_this_mirrors_fault(sites, read, header):
    def odd(exchange):
        exchange.send_response(302 if header == "Location" else 200)
        exchange.send_header(header, ODD[header])
        exchange.end_headers()
        exchange.close_connection = True

    sites.first.fail("*/linux-64/*", odd)
    with pytest.raises(channel.ChannelError):
        read()


FULL = [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE]


@pytest.mark.parametrize("number", FULL, ids=errno.errorcode.get)
def test_this_computers_disk_is_no_mirrors_fault(number):
    error = ValueError("wrapped")
    error.__cause__ = OSError(number, os.strerror(number))
    assert causes.disk_error(error) is error.__cause__


def test_a_full_disk_stops_the_run_and_names_the_folder(sites, read, tmp_path, monkeypatch):
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "none", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small file system can be mounted here")
    monkeypatch.setenv("CONDA_PKGS_DIRS", str(small / "pkgs"))
    try:
        with pytest.raises(mirror.CannotWrite) as raised:
            read()
        assert str(small) in str(raised.value)
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_terminal_shows_that_something_is_read(sandbox):
    script = (
        "from conda.base.context import context; context.__init__()\n"
        "from conda_torchmirror.index.repodata import spinner\n"
        "with spinner('Reading'): pass\n"
    )
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", script], stdout=theirs, check=True, timeout=60)
    os.close(theirs)
    assert b"Reading" in os.read(ours, 4096)
    os.close(ours)
    piped = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert piped.stdout == b""


def test_offline_no_site_is_said_to_be_read(sandbox):
    """A machine without a network had twelve lines of sites that were not asked."""
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "conda", "torch-install", "-n", "new", "-y", "--offline"]
    done = subprocess.run(words, stdout=theirs, stderr=subprocess.PIPE, check=False, timeout=60)
    os.write(theirs, b"end")
    os.close(theirs)
    assert b"NothingCached" in done.stderr
    assert os.read(ours, 4096) == b"end"
    os.close(ours)


def test_the_index_is_what_conda_itself_reads(sites, read):
    there = json.loads((sites.root / "pytorch/linux-64/repodata.json").read_text())
    names = {**there["packages"], **there["packages.conda"]}
    wanted = {fn for fn, record in names.items() if record["name"] == "pytorch"}
    assert {build.fn for build in read(zst=True).builds if build.subdir == "linux-64"} == wanted
