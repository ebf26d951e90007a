"""The packages of a plan, where the place that they came from fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.prefixes import installed
from support.sites import ASK, CUDART, LEAF, RUNTIME, SET, TORCH

from conda_torchmirror.exceptions.channel import PlanNowhere

pytest_plugins = ("support.site_fixtures",)


@pytest.fixture
def plan(sites, conda_in_process, tmp_path) -> Path:
    """One whose packages came from the first mirror, and from the official channel `nvidia`."""
    folder = tmp_path / "plan"
    conda_in_process(*ASK, "-n", "new", "--python", "3.12", "--save-plan", folder).ok()
    for server in sites.all.values():
        del server.requests[:]
    return folder


@pytest.fixture
def replay(plan, conda_in_process, tmp_path):
    def run(*words):
        return conda_in_process("torch-install", "-y", "--plan", plan, *words)

    return run


@pytest.mark.parametrize("fault", ["not_found", "wrong_hash", "blocked", "html", "reset"])
def test_the_next_mirror_has_it(sites, replay, sandbox, fault):
    """Conda's error was all that was said, twice, and each package was asked of one place."""
    sites.first.fail(f"*/{TORCH}", fault)
    done = replay("-n", "new").ok()
    assert installed(sandbox.envs / "new").keys() == SET
    assert sites.fetched(TORCH)["second"] == 1
    # A block is of the whole site.
    assert fault == "blocked" or sites.fetched(LEAF)["first"] == 1
    assert "`pytorch` from second" in done.words
    # The package counts as that of the plan, wherever it came from.
    assert "is as planned; nothing is changed" in replay("-n", "new").ok().words
    assert "nothing has to be downloaded" in replay("-n", "other", "--dry-run").ok().words


def test_a_mirror_that_is_gone_is_left_for_all_that_it_had(sites, replay, sandbox):
    sites.first.stop()
    told = replay("-n", "new", "--json").ok().json()["torchmirror"]["warnings"]
    assert installed(sandbox.envs / "new").keys() == SET
    assert sites.fetched(TORCH)["second"] == sites.fetched(LEAF)["second"] == 1
    assert [row["code"] for row in told].count("mirror_left") >= 1


def test_where_no_place_has_it_each_is_named_with_what_to_do(sites, plan, replay, sandbox):
    for server in (sites.first, sites.second, sites.upstream):
        server.fail(f"*/{RUNTIME}", "not_found")
    refused = replay("-n", "new")
    assert isinstance(refused.error, PlanNowhere)
    assert "those of `pytorch`, cannot be had from first, second, " in refused.words
    assert "save it again" in refused.words
    assert f"or put {RUNTIME} into {plan} from a machine that has it" in refused.words
    assert not (sandbox.envs / "new").exists()
    sites.second.heal()
    replay("-n", "new").ok()
    assert sites.fetched(LEAF)["first"] == 1  # what was fetched is kept


@pytest.mark.parametrize("words", [("-n", "new"), ("--download-only",)])
def test_what_only_the_official_channel_has_is_asked_there_alone(sites, replay, words):
    sites.upstream.fail(f"*/{CUDART}", "server_error")
    refused = replay(*words)
    assert isinstance(refused.error, PlanNowhere)
    assert "those of `nvidia`, cannot be had from" in refused.words
    assert "run the same command again when one of them answers" in refused.words


@pytest.mark.parametrize("fault", ["wrong_hash", "not_found"])
def test_what_every_place_has_otherwise_is_not_waited_for(sites, plan, replay, sandbox, fault):
    """The same command again was offered, `when one of them answers`, and the files of the same
    addresses. Each step that is offered instead is taken."""
    kept = sites.root / "pytorch" / "linux-64" / RUNTIME
    for server in (sites.first, sites.second, sites.upstream):
        server.fail(f"*/{RUNTIME}", fault)
    refused = replay("-n", "new")
    assert isinstance(refused.error, PlanNowhere)
    steps = {step["hint_code"] for step in refused.error._hints}
    anew = {"wrong_hash": "plan_anew", "not_found": "save_again"}[fault]
    assert steps == {anew, "other_place_listed", "plan_bring"}
    if fault == "wrong_hash":
        assert f"first sent {RUNTIME} with another content: the hash differs" in refused.words
    shutil.copy(kept, plan)
    replay("-n", "new").ok()
    assert installed(sandbox.envs / "new").keys() == SET


def test_a_mirror_that_was_not_asked_is_named_by_hand(sites, replay, sandbox, condarc):
    settings = sites.settings()
    only = {**settings["plugins"], "torchmirror_mirrors": ["first"]}
    condarc(**{**settings, "plugins": only})
    for server in (sites.first, sites.upstream):
        server.fail(f"*/{RUNTIME}", "wrong_hash")
    assert isinstance(replay("-n", "new").error, PlanNowhere)
    condarc(**settings)
    replay("-n", "new").ok()
    assert installed(sandbox.envs / "new").keys() == SET


def test_without_fallback_there_is_one_place(sites, replay, condarc):
    settings = sites.settings()
    condarc(**{**settings, "plugins": {**settings["plugins"], "torchmirror_fallback": False}})
    sites.first.fail(f"*/{TORCH}", "not_found")
    assert isinstance(replay("-n", "new").error, PlanNowhere)
    assert sites.fetched(TORCH)["second"] == 0
