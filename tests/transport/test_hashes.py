"""Old indexes and wrong hashes: what an index says, held against what is known besides."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from support.faults import FAULTS
from support.files import contents
from support.mirror import Exchange
from support.prefixes import records
from support.sites import ASK, OLDER, TORCH

pytest_plugins = ("support.site_fixtures",)


def slow(exchange: Exchange, seconds: float = 0.25) -> None:
    """Answer after a while."""
    time.sleep(seconds)
    exchange.serve()


def test_a_compressed_index_that_is_older_is_left_alone(sites, conda_in_process, prefix):
    def old(exchange: Exchange) -> None:
        exchange.send_content(exchange.content(), int(time.time()) - 8 * 86400)

    sites.first.fail("*/pytorch/*/repodata.json.zst", old)
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert "first's compressed index of `pytorch` is older than the plain one" in result.words
    whole_ones = [
        r.path for r in sites.first.requests if "repodata" in r.path and "Range" not in r.headers
    ]
    assert whole_ones
    assert not any(path.endswith(".zst") for path in whole_ones)
    assert records(prefix)["pytorch"]["url"].startswith(sites.first.url)


def test_an_old_index_is_passed_over(sites, conda_in_process, prefix):
    sites.first.fail("*/pytorch/*/repodata*", "stale")
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert f"first has an old index, without {TORCH}: `pytorch` from second" in result.words
    assert records(prefix)["pytorch"]["version"] == "2.5.1"


def test_an_old_index_is_better_than_none(sites, conda_in_process, prefix):
    sites.first.fail("*/pytorch/*/repodata*", "stale")
    sites.second.fail("*/pytorch/*", "not_found")
    sites.upstream.fail("*/pytorch/*", "server_error")
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert records(prefix)["pytorch"]["version"] == "2.4.1"
    assert sites.fetched(OLDER)["first"] == 1
    assert "first's index is old" in result.words


def test_an_old_index_everywhere_is_said(sites, conda_in_process):
    for mirror in (sites.first, sites.second, sites.upstream):
        mirror.fail("*/pytorch/*/repodata*", "stale")
    found = conda_in_process(*ASK, "--dry-run", "--json").ok().json()["torchmirror"]
    assert found["selected"]["builds"][0]["version"] == "2.4.1"
    assert "index_behind" in [warning["code"] for warning in found["warnings"]]


def without_fitting(kind):
    """An index that is valid and of no use: without any package, or with one old release."""

    def change(exchange):
        content = exchange.content()
        if content is None or not exchange.path.endswith(".json"):
            FAULTS["not_found"](exchange)
            return
        found = json.loads(content)
        for section in ("packages", "packages.conda"):
            found[section] = {
                fn: record
                for fn, record in found.get(section, {}).items()
                if kind == "half" and record["name"] != "pytorch"
            }
        exchange.send(200, json.dumps(found).encode(), {"Content-Type": "application/json"})

    return change


@pytest.mark.parametrize("kind", ["empty", "half"])
def test_an_index_without_a_fitting_build_is_held_against_the_built_in_one(
    sites, conda_in_process, prefix, kind
):
    sites.first.fail("*/pytorch/*/repodata*", without_fitting(kind))
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert "first has an old index" in result.words
    assert records(prefix)["pytorch"]["url"].startswith(sites.second.url)


def test_where_every_index_is_empty_the_error_says_that_it_looks_old(sites, conda_in_process):
    for mirror in (sites.first, sites.second, sites.upstream):
        mirror.fail("*/pytorch/*/repodata*", without_fitting("empty"))
    result = conda_in_process(*ASK, "--dry-run", "--json")
    document = result.json()
    assert document["exception_name"] == "NoFittingBuild"
    codes = [hint["hint_code"] for hint in document["guidance"]["hints"]]
    assert codes[0] == "index_behind"


def test_equal_hashes_ask_nobody(sites, doubting, conda_in_process, prefix):
    conda_in_process(*ASK, "-p", prefix).ok()
    assert not any("/pytorch/" in request.path for request in sites.upstream.requests)


def test_another_hash_than_upstreams_is_an_error(sites, doubting, conda_in_process, prefix):
    before = contents(prefix)
    sites.first.fail("*/pytorch/linux-64/repodata*", "wrong_hash")
    result = conda_in_process(*ASK, "-p", prefix)
    assert result.rc == 1
    assert f"HashConflict: first offers another {TORCH} than the official channel" in result.words
    assert doubting[f"linux-64/{TORCH}"] in result.words
    assert "tell the mirror's operators" in result.words
    assert contents(prefix) == before
    assert not sites.second.requests


def test_our_own_index_may_be_the_old_one(sites, doubting, conda_in_process, prefix):
    doubting[f"linux-64/{TORCH}"] = "0" * 64
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert "the official channel confirms the new one" in result.words
    asked = [r.path for r in sites.upstream.requests if "/pytorch/" in r.path]
    assert asked.count("/pytorch/linux-64/repodata.json.zst") == 1
    assert records(prefix)["pytorch"]["url"].startswith(sites.first.url)


def test_a_doubt_that_nobody_can_settle(sites, doubting, conda_in_process, prefix, condarc):
    doubting[f"linux-64/{TORCH}"] = "0" * 64
    sites.upstream.fail("/pytorch/*", "server_error")
    result = conda_in_process(*ASK, "-p", prefix)
    assert result.rc == 1
    assert "HashUnconfirmed" in result.words
    assert "torchmirror_check_hashes: false" in result.words
    os.environ["CONDA_PLUGINS_TORCHMIRROR_CHECK_HASHES"] = "false"
    conda_in_process(*ASK, "-p", prefix).ok()


def test_nor_can_what_is_asked_for(sites, conda_in_process, prefix):
    """The setting that was offered changes nothing here: what asks is the option."""
    os.environ["CONDA_PLUGINS_TORCHMIRROR_CHECK_HASHES"] = "false"
    sites.upstream.fail("/pytorch/*", "server_error")
    result = conda_in_process(*ASK, "-p", prefix, "--check-upstream")
    assert (result.rc, "HashUnconfirmed" in result.words) == (1, True)
    assert "torchmirror_check_hashes" not in result.words
    assert "leave `--check-upstream` out" in result.words
    conda_in_process(*ASK, "-p", prefix).ok()


def test_the_users_own_server_may_have_its_own_packages(
    sites, doubting, condarc, conda_in_process, prefix
):
    doubting[f"linux-64/{TORCH}"] = "0" * 64
    condarc(**sites.settings("second"), custom_channels=sites.first.custom_channels())
    known = sites.registry()["mirrors"]
    del known["first"]
    sites.file.write_text(json.dumps(known))
    conda_in_process(*ASK, "-p", prefix).ok()
    assert not any("/pytorch/" in request.path for request in sites.upstream.requests)


@pytest.mark.parametrize("dry", [True, False])
def test_upstream_is_asked_when_asked_for(sites, conda_in_process, prefix, dry):
    more = ["--dry-run"] if dry else []
    result = conda_in_process(*ASK, "-p", prefix, "--check-upstream", *more).ok()
    assert "the official channel confirms the hashes of the chosen builds" in result.words
    assert any(r.path.startswith("/pytorch/linux-64/repodata") for r in sites.upstream.requests)


def test_a_comparison_for_which_nothing_was_read_is_said(sites, conda_in_process):
    result = conda_in_process(*ASK, "--check-upstream", "--dry-run", "--offline").ok()
    assert "`--check-upstream` compared nothing" in result.words


def test_upstream_contradicts(sites, conda_in_process, prefix):
    sites.upstream.fail("/pytorch/linux-64/repodata*", "wrong_hash")
    result = conda_in_process(*ASK, "-p", prefix, "--check-upstream")
    assert result.rc == 1
    assert "HashConflict" in result.words


def test_upstream_needs_no_second_opinion(sites, doubting, conda_in_process, prefix):
    doubting[f"linux-64/{TORCH}"] = "0" * 64
    conda_in_process(*ASK, "-p", prefix, "--mirror", "upstream").ok()
    assert Path(records(prefix)["pytorch"]["url"]).name == TORCH
