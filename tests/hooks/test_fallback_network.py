"""What is wrong between this computer and every mirror, in conda's own redirected commands."""

from __future__ import annotations

import json
import re
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from support.lab import entry
from support.mirror import Exchange
from support.raw import RawServer, head

from conda_torchmirror.redirect import answer_log

pytest_plugins = ("support.site_fixtures",)


def wants_a_password(exchange: Exchange) -> None:
    """A proxy that asks for a log-in."""
    exchange.send(407, b"", {"Proxy-Authenticate": 'Basic realm="proxy"'})


@pytest.fixture
def auto(sites, condarc):
    """The automatic redirect, with or without entries of the user's own for these mirrors."""

    def write(**more):
        settings = sites.settings()
        settings["plugins"]["torchmirror_auto"] = True
        condarc(**settings, **more)

    write()
    return write


@pytest.mark.parametrize("own", [False, True], ids=["mirror", "own"])
@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        ("{mirror}", "407 Proxy Authentication Required"),
        ("http://127.0.0.1:9", "[Errno 111] Connection refused"),
    ],
    ids=["password", "refused"],
)
def test_a_proxy_is_told_with_what_to_check(
    auto, sites, conda_in_process, tmp_path, monkeypatch, proxy, why, own
):
    """Conda's question for a password that nobody answers was told as a broken index, and what was
    offered, another mirror or a test of mirrors, goes through the same proxy."""
    if own:
        auto(custom_channels=sites.first.custom_channels())
    sites.first.fail("*", wants_a_password)
    monkeypatch.setenv("http_proxy", proxy.format(mirror=sites.first.url))
    words = ("create", "-y", "-p", tmp_path / "one", "-c", "conda-forge", "filelock")
    refused = conda_in_process(*words)
    assert refused.rc == 1
    said = f"first cannot be reached through the proxy ({why}"
    assert said in refused.words
    assert "; check the network, and the proxy that `conda config --show" in refused.words
    assert "index that cannot be read" not in refused.words
    assert "torch-mirror test" not in refused.words
    assert "custom_channels" not in refused.words
    sites.first.heal()
    monkeypatch.delenv("http_proxy")
    conda_in_process(*words).ok()


def test_a_connection_that_is_cut_behind_a_proxy_is_the_mirrors_fault(
    auto, sites, conda_in_process, tmp_path, monkeypatch
):
    """The proxy was blamed, as urllib3 does, and nothing was remembered: it failed each time."""

    def forward(connection: socket.socket, url: str, probe: bool) -> None:
        if url.startswith(sites.first.url) and not probe:
            return
        ranged = {"Range": "bytes=0-15"} if probe else {}
        request = urllib.request.Request(url, headers=ranged)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as got:
                status, body = f"{got.status} OK", got.read()
        except urllib.error.HTTPError as error:
            status, body = f"{error.code} No", b""
        connection.sendall(head(status, f"Content-Length: {len(body)}") + body)

    words = ("create", "-y", "-p", tmp_path / "one", "-c", "conda-forge", "filelock")
    with RawServer(forward) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        refused = conda_in_process(*words)
        assert refused.rc == 1
        assert re.search("first cut the connection for [a-z0-9-]+/repodata.json;", refused.words)
        assert "run again, reads `conda-forge` from second" in refused.words
        assert "check the network" not in refused.words
        conda_in_process(*words).ok()


@pytest.mark.parametrize("which", ["CONNECT", "READ"])
def test_a_timeout_of_nothing_is_no_mirrors_fault(
    auto, conda_in_process, tmp_path, monkeypatch, which
):
    """No request is made, which was told as a broken index, and remembered of the mirror."""
    words = ("create", "-y", "-p", tmp_path / "one", "-c", "conda-forge", "filelock")
    monkeypatch.setenv(f"CONDA_REMOTE_{which}_TIMEOUT_SECS", "0")
    refused = conda_in_process(*words)
    assert refused.rc == 1
    assert "first cannot be asked, by this computer's own settings (Invalid" in refused.words
    assert "check what goes into every request" in refused.words
    assert "cannot be read" not in refused.words
    monkeypatch.delenv(f"CONDA_REMOTE_{which}_TIMEOUT_SECS")
    assert "conda-forge from first" in conda_in_process(*words).ok().words


@pytest.mark.parametrize("fault", ["not_found", "server_error", "html"])
@pytest.mark.parametrize("secret", ["/t/to-secret1", "me:secret1@"], ids=["token", "password"])
def test_a_mirror_with_a_login_is_asked_once_and_its_secret_is_not_stored(
    sites, condarc, conda_in_process, sandbox, tmp_path, secret, fault
):
    """It was asked again and again for ten seconds, and then told not to have answered in time."""
    first = sites.first
    settings = sites.settings()
    registry = json.loads(Path(sites.file).read_text())
    at = (
        f"{first.url}{secret}" if secret.startswith("/") else first.url.replace("//", f"//{secret}")
    )
    named = json.loads(entry(first).replace(first.url, at))["lab"]
    settings["plugins"] |= {
        "torchmirror_auto": True,
        "torchmirror_registry": json.dumps({**registry, "first": named}),
    }
    condarc(**settings)
    first.fail("*", fault)
    words = ("create", "-y", "-p", tmp_path / "one", "-c", "conda-forge", "filelock")
    done = conda_in_process(*words).ok()
    assert "in time" not in done.words
    assert "`conda-forge` from second" in done.words
    assert len([one for one in first.requests if "conda-forge" in one.path]) == 1
    (file,) = Path(sandbox.root).rglob(answer_log.NAME)
    assert "secret1" not in file.read_text() + done.words
    again = conda_in_process(*words[:3], tmp_path / "two", *words[4:]).ok()
    assert "not asked again" in again.words


@pytest.mark.parametrize("everywhere", [True, False])
def test_certificates_that_nobody_offers_are_this_sides(
    auto, sites, conda_in_process, tmp_path, everywhere
):
    """Where a firm opens every connection with a certificate of its own, or the clock is wrong, a
    mirror was blamed, and a test of mirrors was offered, which said to check the network."""
    servers = sites.all if everywhere else ("first", "second")
    for name in servers:
        sites.all[name].fail("*", "tls")
    words = ("create", "-y", "-p", tmp_path / "one", "-c", "conda-forge", "filelock")
    done = conda_in_process(*words)
    told = "check `conda config --show ssl_verify` and the clock of this computer"
    assert done.rc == int(everywhere)
    assert (told in done.words) is everywhere
    assert "torch-mirror test" not in done.words
    tested = conda_in_process("torch-mirror", "test", *sites.all)
    assert (told in tested.words) is everywhere
    assert "check the network" not in tested.words
