"""An index that conda emptied after a refusal is no index: it is dropped, and fetched anew."""

from __future__ import annotations

import json

import pytest
from support.condas import EMPTYING
from support.faults import FAULTS
from support.sites import ASK

from conda_torchmirror.index import cache
from conda_torchmirror.index.emptied import drop_emptied
from conda_torchmirror.mirrors.registry import Route

pytest_plugins = ("support.site_fixtures",)


def indexes(sandbox):
    return [
        path
        for path in sandbox.root.rglob("cache/*.json")
        if not path.name.endswith(".info.json") and path.read_bytes() == b"{}"
    ]


@pytest.fixture(params=EMPTYING)
def emptied(request, sites, condarc, run_conda, sandbox):
    """Conda has asked the first mirror when it was healthy, and again when it refused the index."""
    condarc(
        **{**sites.settings(), "custom_channels": {"pytorch": f"{sites.first.url}/anaconda/cloud"}}
    )
    search = ("search", "-c", "pytorch", "--override-channels", "pytorch", "--json")
    run_conda(*search).ok()
    sites.first.fail("*/pytorch/linux-64/*", request.param)
    for state in sandbox.root.rglob("cache/*.info.json"):
        known = json.loads(state.read_text())
        state.write_text(json.dumps({**known, "refresh_ns": 0, "cache_control": "max-age=0"}))
    run_conda(*search)
    sites.first.heal()
    condarc(**sites.settings())
    return search


def test_torch_install_reads_the_healthy_mirror_again(emptied, sites, sandbox, run_conda):
    assert indexes(sandbox), "conda has not emptied its index: the test shows nothing"
    done = run_conda(*ASK, "--dry-run").ok()
    assert "pytorch=2.5.1" in done.stdout
    assert not sites.second.requests
    assert not indexes(sandbox)


def test_the_paths_are_returned_and_a_second_time_nothing_is_there(emptied, sites, sandbox):
    where = Route("pytorch", sites.first.channel_url("pytorch"), "first")
    assert str(cache.path_of(where, "linux-64")) in drop_emptied()
    assert drop_emptied() == ()


def block_whole_files(exchange):
    """The first bytes, which a probe asks for, are sent; the file is not."""
    if exchange.headers.get("Range"):
        exchange.serve()
    else:
        FAULTS["blocked"](exchange)


def test_a_refusal_after_a_good_probe_is_told_as_one(sites, sandbox, conda_in_process):
    sites.first.fail("*/pytorch/linux-64/repodata.json*", block_whole_files)
    done = conda_in_process(*ASK, "--dry-run").ok()
    assert "first has shut out this network" in " ".join(done.stdout.split())
    assert "second" in done.stdout
    assert not indexes(sandbox)
