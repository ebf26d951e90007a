"""The second opinion on hashes, by a cache that alone reaches the official site."""

from __future__ import annotations

import json

import pytest
from support.nginx import caching, needs_nginx, registry_of, site
from support.sites import ASK, TORCH, move_upstream

from conda_torchmirror.mirrors.registry import Registry
from conda_torchmirror.mirrors.schema import check_entry
from conda_torchmirror.proxy.layout import OFFICIAL

pytestmark = needs_nginx
pytest_plugins = ("support.site_fixtures",)

INDEX = "/pytorch/linux-64/repodata*"


@pytest.fixture
def behind(sites, condarc, monkeypatch, tmp_path):
    """A client of a cache in front of a mirror and the official site, which it cannot reach."""
    sites.upstream.channels.update(dict.fromkeys(sites.first.channels, ""))
    mirrors = [site("first", sites.first), site("upstream", sites.upstream)]
    with caching(mirrors) as cache:
        settings = sites.settings()
        nowhere = "http://127.0.0.1:9"
        plugins = {**settings["plugins"], **registry_of(cache, tmp_path)}
        patience = {"remote_connect_timeout_secs": 30.0, "remote_read_timeout_secs": 60.0}
        condarc(**{**settings, **patience, "channel_alias": nowhere, "plugins": plugins})
        move_upstream(monkeypatch, nowhere)
        yield cache


@pytest.mark.parametrize("more", [(), ("--check-upstream",)], ids=["differs", "asked"])
def test_it_is_asked_through_the_cache(
    sites, behind, doubting, conda_in_process, prefix, more
) -> None:
    if not more:
        doubting[f"linux-64/{TORCH}"] = "0" * 64
    said = conda_in_process(*ASK, "-p", prefix, *more).ok().words
    assert "the official channel confirms the" in said
    assert sites.upstream.asked(INDEX)
    assert not sites.upstream.asked("/pytorch/*.tar.bz2")


def test_it_contradicts_through_the_cache(
    sites, behind, doubting, conda_in_process, prefix
) -> None:
    sites.first.fail("*/pytorch/linux-64/repodata*", "wrong_hash")
    result = conda_in_process(*ASK, "-p", prefix)
    assert result.rc == 1
    assert f"HashConflict: cache offers another {TORCH} than the official channel" in result.words


def test_no_mirror_answers_in_its_place(sites, behind, doubting, conda_in_process, prefix) -> None:
    doubting[f"linux-64/{TORCH}"] = "0" * 64
    sites.upstream.fail("*", "server_error")
    result = conda_in_process(*ASK, "-p", prefix)
    assert result.rc == 1
    assert "HashUnconfirmed" in result.words


def test_it_has_indexes_alone(sites, behind) -> None:
    index, package = "cloud/pytorch/linux-64/repodata.json", f"cloud/pytorch/linux-64/{TORCH}"
    status, body = behind.get(index, way=OFFICIAL)
    assert status == 200
    assert TORCH in json.loads(body)["packages"]
    assert behind.get(package)[0] == 200
    assert behind.get(package, way=OFFICIAL)[0] == 404
    assert not sites.upstream.asked(f"*{TORCH}")


def test_an_entry_names_where_they_are() -> None:
    entry = check_entry("lab", {"official": "https://cache.lab/official/anaconda/"})
    assert Registry({"lab": entry})["lab"].official == "https://cache.lab/official/anaconda"
