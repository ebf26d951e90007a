"""What is asked of a mirror, and what happens when it fails. See also the fault matrix."""

from __future__ import annotations

import json
import os
import socket
import sys
import time

import pytest
from support.files import contents
from support.mirror import Exchange
from support.prefixes import records, whole
from support.sites import ASK, CUDART, FIRST, LEAF, RUNTIME, SET, TORCH

pytest_plugins = ("support.site_fixtures",)


def slow(exchange: Exchange, seconds: float = 0.25) -> None:
    """Answer after a while."""
    time.sleep(seconds)
    exchange.serve()


def test_a_sound_mirror_is_all_that_is_asked(sites, conda_in_process, prefix):
    conda_in_process(*ASK, "-p", prefix).ok()
    assert set(records(prefix)) == SET
    assert not sites.second.requests
    assert {r.path.split("/")[1] for r in sites.upstream.requests} == {"nvidia"}
    chosen = {file: sites.probed(file) for file in (TORCH, RUNTIME, CUDART, LEAF)}
    assert [chosen[file]["first"] for file in (TORCH, RUNTIME, LEAF)] == [1, 1, 0]
    assert chosen[CUDART]["upstream"] == 1


def test_no_first_bytes_are_asked_for_twice(sites, conda_in_process, prefix, tmp_path):
    conda_in_process(*ASK, "-p", prefix).ok()
    first = [r.path for r in sites.first.requests if r.headers.get("Range") == FIRST]
    assert len(first) == len(set(first))
    conda_in_process(*ASK, "-p", tmp_path / "again").ok()
    assert [r.path for r in sites.first.requests if r.headers.get("Range") == FIRST] == first


def test_a_preview_asks_for_no_package(sites, conda_in_process):
    conda_in_process(*ASK, "--dry-run").ok()
    assert not any("tar.bz2" in r.path for m in sites.all.values() for r in m.requests)


def test_shards_are_not_asked_of_mirrors(sites, conda_in_process, prefix):
    conda_in_process(*ASK, "-p", prefix).ok()
    asked = [r.path for m in (sites.first, sites.second) for r in m.requests]
    assert not any("shards" in path or "current_repodata" in path for path in asked)


def test_nothing_is_left_behind(sites, conda_in_process, prefix):
    from conda.base import context

    before = dict(os.environ), context.SEARCH_PATH
    sites.first.fail("*", "blocked")
    conda_in_process(*ASK, "-p", prefix).ok()
    assert (dict(os.environ), context.SEARCH_PATH) == before


@pytest.fixture
def hole():
    """A port of 127.0.0.1 where connecting takes for ever: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            waiting.append(client)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/anaconda/cloud"
        for client in waiting:
            client.close()


@pytest.mark.skipif(sys.platform != "linux", reason="a full queue drops packets on Linux only")
def test_a_dead_mirror_costs_its_connect_timeout_once(
    sites, hole, conda_in_process, prefix, tmp_path
):
    url = sites.second.custom_channels()["pytorch"]
    asked = ("--mirror", hole, "--mirror", url)
    result = conda_in_process(*ASK, "-p", prefix, *asked).ok()
    assert "did not send linux-64/repodata.json in time: `pytorch`" in result.words
    assert result.words.count("in time: `pytorch`") == 1
    again = conda_in_process(*ASK, "-p", tmp_path / "again", *asked).ok()
    assert "not asked again" in again.words


def test_without_fallback_the_failure_is_the_error(sites, conda_in_process, prefix):
    before = contents(prefix)
    sites.first.fail("*", "blocked")
    result = conda_in_process(*ASK, "-p", prefix, "--no-fallback")
    assert result.rc == 1
    assert "NoSource: the channel `pytorch` cannot be had from first" in result.words
    assert "write to help@first" not in result.words
    assert "support@mirror.example" in result.words
    assert "7f3c0a91e5d24b68" in result.words
    assert not sites.second.requests
    assert contents(prefix) == before


def test_all_fail(sites, conda_in_process, prefix):
    before = contents(prefix)
    sites.first.fail("*", "blocked")
    sites.second.fail("*", "html")
    sites.upstream.refuse()
    result = conda_in_process(*ASK, "-p", prefix, "--json")
    found = result.json()
    assert result.rc == 1
    assert found["exception_name"] == "NoSource"
    assert "first, second, upstream" in found["message"]
    cause = found["guidance"]["cause"]
    assert "first has shut out this network" in cause
    assert "second sends a web page instead of linux-64/repodata.json" in cause
    assert "upstream refuses connections" in cause
    assert "write_to_support" in [hint["hint_code"] for hint in found["guidance"]["hints"]]
    assert contents(prefix) == before


def test_one_document_whatever_happened(sites, conda_in_process, prefix):
    sites.first.fail(f"*/{LEAF}", "server_error")
    found = conda_in_process(*ASK, "-p", prefix, "--json").ok().json()
    assert found["success"] is True
    left = [w for w in found["torchmirror"]["warnings"] if w["code"] == "mirror_left"]
    assert left[0]["text"] == f"first fails with 500 for {LEAF}: `conda-forge` from second"
    by_name = {c["name"]: c["mirror"] for c in found["torchmirror"]["channels"]}
    assert by_name["pytorch"] == "first"


def test_a_block_during_the_download_ends_all_requests_there(sites, conda_in_process, prefix):
    sites.first.fail(f"*/{LEAF}", "blocked")
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert "first has shut out this network (403; identifier: 7f3c0a91e5d24b68" in result.stderr
    refused = [r.path for r in sites.first.requests].index(
        f"/anaconda/cloud/conda-forge/linux-64/{LEAF}"
    )
    after = [r.path for r in sites.first.requests][refused + 1 :]
    assert not any("repodata" in path for path in after)
    assert sum(LEAF in path for path in after) == 0
    assert whole(prefix)


def test_what_another_mirror_sent_counts_in_the_next_run(
    sites, condarc, conda_in_process, tmp_path
):
    # On a busy machine a mirror is not left for being slow.
    patient = {"remote_connect_timeout_secs": 30.0, "remote_read_timeout_secs": 30.0}
    condarc(**{**sites.settings(), **patient})
    conda_in_process(*ASK, "-p", tmp_path / "one").ok()
    sites.first.refuse()
    conda_in_process(*ASK, "-p", tmp_path / "two").ok()
    assert whole(tmp_path / "two")
    assert not any("tar.bz2" in request.path for request in sites.second.requests)


def test_listed_and_missing_at_the_mirror_of_the_runtime(sites, condarc, conda_in_process, prefix):
    condarc(**sites.settings("third"))
    sites.third.fail(f"*/{CUDART}", "not_found")
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert f"third does not have {CUDART} (404): `nvidia` from upstream" in result.words
    assert records(prefix)["cuda-cudart"]["url"].startswith(sites.upstream.url)
    assert records(prefix)["pytorch"]["url"].startswith(sites.third.url)
    assert sites.fetched(CUDART)["third"] == 0


def test_a_channel_that_the_mirror_has_not_after_all(sites, conda_in_process, prefix):
    sites.first.fail("*/conda-forge/*", "not_found")
    conda_in_process(*ASK, "-p", prefix).ok()
    assert records(prefix)["filelock"]["url"].startswith(sites.second.url)
    assert records(prefix)["pytorch"]["url"].startswith(sites.first.url)


def test_another_source_must_have_what_was_agreed_on(sites, conda_in_process, prefix):
    def without(exchange: Exchange) -> None:
        repodata = json.loads(exchange.file().with_suffix("").read_bytes())
        del repodata["packages"][TORCH]
        exchange.send(200, json.dumps(repodata).encode())

    sites.first.fail(f"*/{TORCH}", "wrong_hash")
    sites.second.fail("*/pytorch/linux-64/repodata.json.zst", "not_found")
    sites.second.fail("*/pytorch/linux-64/repodata.json", "stale")
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert records(prefix)["pytorch"]["version"] == "2.5.1"
    assert records(prefix)["pytorch"]["url"].startswith(sites.upstream.url)
    assert "`pytorch` from upstream" in result.words


def test_what_is_no_mirrors_fault(sites, conda_in_process, prefix):
    result = conda_in_process(*ASK, "no-such-package", "-p", prefix)
    assert result.rc == 1
    assert "PackagesNotFound" in type(result.error).__name__
    assert not sites.second.requests


def test_declined_is_declined(sites, conda_in_process, prefix):
    before = contents(prefix)
    conda_in_process("torch-install", *ASK[2:], "-p", prefix, input="n\n")
    assert not sites.second.requests
    assert contents(prefix) == before


def test_offline_the_cached_index_of_any_source_will_do(sites, conda_in_process):
    sites.first.fail("*", "not_found")
    conda_in_process(*ASK, "--dry-run").ok()
    asked = len(sites.second.requests)
    found = conda_in_process(*ASK, "--dry-run", "--offline", "--json").ok().json()["torchmirror"]
    assert found["selected"]["index"] == "cache"
    assert found["channels"][0]["mirror"] == "second"
    assert len(sites.second.requests) == asked


def test_the_quickest_first(sites, conda_in_process, sandbox):
    for mirror in (sites.first, sites.third):
        mirror.fail("*", slow)
    found = conda_in_process(*ASK, "--dry-run", "--json", "--mirror", "auto").ok().json()
    assert found["torchmirror"]["channels"][0]["mirror"] == "second"
    assert sandbox.take_blocked()  # the public mirrors, which these tests do not reach


def test_a_users_mapping_to_a_dead_mirror_is_overridden_and_said(
    sites, condarc, conda_in_process, prefix
):
    own = sites.third.custom_channels()
    condarc(**sites.settings(), custom_channels=own)
    sites.third.refuse()
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert "third refuses connections" in result.words
    assert records(prefix)["pytorch"]["url"].startswith(sites.first.url)
    assert records(prefix)["cuda-cudart"]["url"].startswith(sites.upstream.url)


@pytest.mark.parametrize("as_json", [True, False])
def test_no_secret_is_shown(sites, conda_in_process, prefix, sandbox, as_json):
    url = sites.first.url.replace("://", "://me:hunter2@") + "/t/tk-1/anaconda/cloud"
    sites.first.fail("*", "not_found")
    more = ["--json"] if as_json else ["-v"]
    result = conda_in_process(*ASK, "-p", prefix, "--mirror", url, *more)
    kept = "".join(
        path.read_text(errors="replace") for path in sandbox.pkgs.rglob("*.json") if path.is_file()
    )
    for said in (result.stdout, result.stderr, kept):
        assert "hunter2" not in said
        assert "tk-1" not in said
