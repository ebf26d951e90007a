"""Fallback of conda's own redirected commands: real commands, and mirrors that fail."""

from __future__ import annotations

import gc
import json
import re
import time
from pathlib import Path

import pytest
from support.condas import EMPTYING
from support.faults import BLOCK_ID, FAULTS
from support.mirror import Exchange
from support.prefixes import records
from support.sites import FIRST, LEAF

from conda_torchmirror.hooks import fallback, redirect
from conda_torchmirror.plugin import REDIRECTED
from conda_torchmirror.redirect import answer_log

pytest_plugins = ("support.site_fixtures",)

INDEX = "linux-64/repodata.json"


@pytest.fixture
def auto(sites, condarc):
    """`auto(**plugins)`: the sites, with the automatic redirect on."""

    def write(**plugins):
        settings = sites.settings()
        settings["plugins"].update({"torchmirror_auto": True, **plugins})
        condarc(**settings)

    write()
    return write


def create(prefix: Path, *more: str) -> tuple[str, ...]:
    return ("create", "-y", "-p", str(prefix), "-c", "conda-forge", "filelock", *more)


def words(result) -> str:
    return " ".join(result.stderr.split())


def log(sandbox) -> list[dict]:
    (file,) = Path(sandbox.root).rglob(answer_log.NAME)
    return json.loads(file.read_text())["probes"]


def test_a_mirror_that_answers_is_asked_once_in_ten_minutes(
    auto, sites, conda_in_process, tmp_path
):
    for name in ("one", "two"):
        result = conda_in_process(*create(tmp_path / name)).ok()
        assert "conda-forge from first" in words(result)
    assert sites.probed("repodata.json") == {"first": 1, "second": 0, "third": 0, "upstream": 0}


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("refused", "first refuses connections"),
        ("blocked", "first has shut out this network"),
        ("html", "first sends a web page instead of linux-64/repodata.json"),
        ("not_found", "first does not have linux-64/repodata.json (404)"),
        ("server_error", "first fails with 500"),
        ("busy", "first is busy"),
        ("redirect_loop", "in a circle"),
    ],
)
def test_a_mirror_that_fails_is_left_for_the_next(
    auto, sites, conda_in_process, tmp_path, fault, why
):
    sites.first.fail("*", fault)
    result = conda_in_process(*create(tmp_path / "one")).ok()
    assert why in words(result)
    assert "`conda-forge` from second" in words(result)
    assert "conda-forge from second (conda torch-mirror disable" in words(result)
    assert records(tmp_path / "one")["filelock"]["url"].startswith(sites.second.url)
    asked = len(sites.first.requests)
    again = conda_in_process(*create(tmp_path / "two")).ok()
    assert "(1 min ago, not asked again)" in words(again)
    assert len(sites.first.requests) == asked
    assert records(tmp_path / "two")["filelock"]["url"].startswith(sites.second.url)


def test_after_all_mirrors_comes_the_official_channel(auto, sites, conda_in_process, tmp_path):
    sites.first.fail("*", "refused")
    sites.second.fail("*", "html")
    result = conda_in_process(*create(tmp_path / "one")).ok()
    assert "`conda-forge` from upstream" in words(result)
    assert records(tmp_path / "one")["filelock"]["url"].startswith(sites.upstream.url)


def test_where_nothing_answers_nothing_is_said_and_nothing_kept(
    auto, sites, conda_in_process, tmp_path, sandbox
):
    for mirror in sites.all.values():
        mirror.fail("*", "refused")
    result = conda_in_process(*create(tmp_path / "one"))
    assert result.rc == 1
    assert "`conda-forge` from" not in words(result)
    assert "`conda torch-mirror test` shows which mirrors answer" in words(result)
    assert not list(Path(sandbox.root).rglob(answer_log.NAME))


def test_a_channel_that_a_mirror_lacks_is_found_out_by_one_failure(
    auto, sites, conda_in_process, tmp_path
):
    """Each site is asked for one index; of the other channels there the failure tells."""
    sites.first.fail("*/pytorch/*", "not_found")
    asked = create(tmp_path / "one", "-c", "pytorch", "--dry-run")
    said = words(conda_in_process(*asked))
    assert "the same command, run again, reads `pytorch` from second" in said
    said = words(conda_in_process(*asked))
    assert "`pytorch` from second" in said
    assert "conda-forge from first" in said


def test_a_mirror_that_never_answers_costs_one_request(auto, sites, conda_in_process, tmp_path):
    def silent(exchange: Exchange) -> None:
        exchange.mirror.stopped.wait(30)

    sites.first.fail("*", silent)
    for name in ("one", "two"):
        result = conda_in_process(*create(tmp_path / name)).ok()
        assert "`conda-forge` from second" in words(result)
    assert len(sites.first.requests) == 1


@pytest.mark.parametrize(
    "command",
    [
        ("list", "-p", "{env}"),
        ("info",),
        ("create", "-y", "-p", "{env}/empty"),
        ("create", "-y", "-p", "{env}/copy", "--clone", "{env}"),
        ("create", "-y", "--offline", "-p", "{env}/x", "-c", "conda-forge", "filelock"),
        ("search", "--use-index-cache", "-c", "conda-forge", "filelock"),
        ("remove", "-y", "-p", "{env}", "filelock"),
        ("config", "--show", "channels"),
    ],
    ids=" ".join,
)
def test_nobody_is_asked_where_nothing_is_fetched(
    auto, sites, conda_in_process, tmp_path, sandbox, command
):
    env = tmp_path / "env"
    conda_in_process(*create(env)).ok()
    (file,) = Path(sandbox.root).rglob(answer_log.NAME)
    file.unlink()
    before = sites.probed("repodata.json")
    conda_in_process(*(word.format(env=env) for word in command))
    assert sites.probed("repodata.json") == before


def test_without_fallback_nobody_is_asked(auto, sites, conda_in_process, tmp_path):
    auto(torchmirror_fallback=False)
    sites.first.fail("*", "server_error")
    result = conda_in_process(*create(tmp_path / "one"))
    assert result.rc == 1
    assert not any(request.headers.get("Range") == FIRST for request in sites.first.requests)
    assert "`conda torch-mirror test` shows which mirrors answer" in words(result)
    assert not sites.second.requests


def test_in_json_and_quietly_it_falls_back_without_a_word(auto, sites, conda_in_process, tmp_path):
    sites.first.fail("*", "server_error")
    for option in ("--json", "-q"):
        result = conda_in_process(*create(tmp_path / option.strip("-"), option)).ok()
        assert "torchmirror" not in result.stderr
    assert sites.fetched(LEAF)["second"] == 1


# After a failure


@pytest.mark.parametrize(
    "fault", ["not_found", "wrong_hash", "server_error", "reset", "stall", "blocked"]
)
def test_after_a_failure_the_same_command_goes_elsewhere(
    auto, sites, conda_in_process, tmp_path, fault
):
    sites.first.fail(f"*/{LEAF}", fault)
    result = conda_in_process(*create(tmp_path / "one"))
    assert result.rc == 1
    hint = "the same command, run again, reads `conda-forge` from second"
    assert " ".join(f"{result.stdout} {result.stderr}".split()).count(hint) == 1
    again = conda_in_process(*create(tmp_path / "two")).ok()
    assert records(tmp_path / "two")["filelock"]["url"].startswith(sites.second.url)
    assert "`conda-forge` from second" in words(again)


#: Why the mirror is left where conda takes a refused index for an empty one.
WITHHELD = "first refuses linux-64/repodata.json (403 or 404), though its first bytes could be had"
SHUT_OUT = f"first has shut out this network (403; identifier: {BLOCK_ID}; write to: "


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("blocked", WITHHELD if "blocked" in EMPTYING else SHUT_OUT),
        ("not_found", WITHHELD),
        ("server_error", "first fails with 500 for linux-64/repodata.json"),
        ("reset", "first cut the connection for linux-64/repodata.json"),
        ("stall", "first did not send linux-64/repodata.json"),
    ],
)
def test_an_index_that_fails_after_a_good_probe(
    auto, sites, conda_in_process, tmp_path, fault, why
):
    def whole_file_fails(exchange: Exchange) -> None:
        if exchange.headers.get("Range"):
            exchange.serve()
        else:
            FAULTS[fault](exchange)

    sites.first.fail("*/linux-64/repodata*", whole_file_fails)
    result = conda_in_process(*create(tmp_path / "one"))
    assert result.rc == 1
    hint = "the same command, run again, reads `conda-forge` from second"
    assert why in words(result)
    assert result.words.count(hint) == 1
    conda_in_process(*create(tmp_path / "two")).ok()


def test_a_conda_that_asks_for_no_hints_is_told_as_well(
    auto, sites, conda_in_process, tmp_path, monkeypatch
):
    """26.5 has observers, and no hints."""
    monkeypatch.setattr(redirect, "ASKS", False)
    sites.first.fail(f"*/{LEAF}", "server_error")
    result = conda_in_process(*create(tmp_path / "one"))
    assert result.words.count("the same command, run again, reads `conda-forge` from second") == 1


@pytest.mark.parametrize(
    ("fault", "left"), [("not_found", False), ("html", False), ("reset", True), ("busy", True)]
)
def test_a_compressed_index_that_fails(auto, sites, conda_in_process, tmp_path, fault, left):
    """Conda does without one that is refused or garbled; what else happens ends its command."""
    sites.first.fail("*/linux-64/repodata.json.zst", fault)
    first = conda_in_process(*create(tmp_path / "one"))
    assert bool(first.rc) == left
    again = conda_in_process(*create(tmp_path / "two")).ok()
    assert ("`conda-forge` from second" in words(again)) == left


def test_what_is_nobodys_fault_is_not_explained(auto, sites, conda_in_process, tmp_path):
    for more in (("no-such-package",), ("--dry-run",)):
        result = conda_in_process(*create(tmp_path / "one", *more))
        assert "run again" not in words(result)
        assert "torch-mirror test" not in words(result)


# What it costs


def test_what_is_remembered_costs_next_to_nothing(auto, sites, conda_in_process, tmp_path, sandbox):
    """Less than a millisecond, with the log that a comparison of all mirrors leaves."""
    conda_in_process(*create(tmp_path / "one")).ok()
    (file,) = Path(sandbox.root).rglob(answer_log.NAME)
    known = log(sandbox)
    others = [
        {**known[0], "url": f"https://mirror{n}.example/x/linux-64/repodata.json"}
        for n in range(100)
    ]
    file.write_text(json.dumps({"schema": answer_log.SCHEMA, "probes": [*known, *others]}))
    url = sites.first.channel_url("conda-forge")

    def look_up() -> float:
        begun = time.process_time()
        answers = answer_log.read([str(file)], (answer_log.site_of(url),))
        assert answer_log.verdict(answers.values(), url, "linux-64")["code"] == "ok"
        return time.process_time() - begun

    assert min(look_up() for _ in range(20)) < 0.001


def test_the_log_takes_nothing_that_is_no_answer(tmp_path):
    good = {
        **dict.fromkeys(("detail", "host"), ""),
        **dict.fromkeys(("modified", "retry_after", "status", "size", "identifier", "support")),
        "url": "https://mirror.example/pytorch/linux-64/repodata.json",
        "code": "ok",
        "seconds": 0.1,
        "at": time.time() - 5,
    }
    file = tmp_path / "log.json"

    def read(*entries):
        file.write_text(json.dumps({"schema": answer_log.SCHEMA, "probes": entries}))
        return answer_log.read([str(file)])

    assert list(read(good)) == [good["url"]]
    for wrong in (
        {"at": float("nan")},
        {"at": float("inf")},
        {"at": time.time() + 3600},
        {"at": time.time() - 3600},
        {"at": "now"},
        {"url": 5},
        {"url": "http://[::1"},
        {"code": None},
        {"detail": ["x"]},
        {"retry_after": "soon"},
    ):
        assert read({**good, **wrong}) == {}, wrong
    gc.collect()  # urllib3's pools of other tests would be closed in the depth of the last one
    schemas = ('{"schema": 1}', '{"schema": 1, "probes": 5}')
    for text in ("", "null", "[]", "{}", *schemas, "[" * 99999):
        file.write_text(text)
        assert answer_log.read([str(file)]) == {}


def test_only_commands_that_read_channels_fetch():
    fetching = {name for name, traits in REDIRECTED.items() if "fetches" in traits}
    reading = {name for name, traits in REDIRECTED.items() if "reads" in traits}
    assert fetching < reading
    assert reading - fetching == {"info", "remove"}
    assert fallback.ROUND < fallback.TOTAL


@pytest.mark.parametrize(
    ("fault", "more"),
    [
        ("refused", {}),
        ("html", {}),
        ("html", {"repodata_use_shards": True}),
        ("blocked", {}),
    ],
)
def test_a_mirror_of_the_users_own_configuration_is_named_when_it_fails(
    sites, condarc, conda_in_process, tmp_path, fault, more
):
    settings = {**sites.settings(), **more}
    settings["plugins"]["torchmirror_auto"] = True
    own = {"conda-forge": sites.first.channel_url("conda-forge").rpartition("/")[0]}
    file = condarc(**settings, custom_channels=own)
    sites.first.fail("*", fault)
    result = conda_in_process(*create(tmp_path / "one"))
    assert result.rc == 1
    said = words(result)
    assert said.count(f"your own `custom_channels` in {file} leads `conda-forge` there") == 1
    assert said.count("torchmirror: ") == (0 if redirect.ASKS and fault != "html" else 1)
    # What it says holds: the entry is all that is in the way.
    condarc(**settings)
    done = conda_in_process(*create(tmp_path / "one")).ok()
    assert "`conda-forge` from second" in words(done)


@pytest.mark.parametrize("fault", ["truncated", "reset"])
def test_a_site_with_several_broken_indexes_costs_one_run(
    auto, sites, conda_in_process, tmp_path, fault
):
    """Conda stops at the first of them, whose first bytes are as they should be."""
    for mirror in (sites.first, sites.second):
        for channel in ("pytorch", "conda-forge"):
            mirror.fail(f"*/{channel}/linux-64/*repodata*", fault)
    ask = ("create", "-y", "-c", "conda-forge", "-c", "pytorch", "filelock", "pytorch-mutex")
    for instead in ("second", "upstream"):
        failed = conda_in_process(*ask, "-p", tmp_path / instead)
        assert failed.rc == 1
        said = words(failed)
        assert re.search(rf"run again, reads `(pytorch|conda-forge)` from {instead}", said)
    done = conda_in_process(*ask, "-p", tmp_path / "done").ok()
    assert "`conda-forge`, `pytorch` from upstream" in words(done)


@pytest.mark.parametrize("fault", ["refused", "html"])
def test_the_step_for_the_file_of_enable_works_as_it_stands(
    auto, sites, conda_in_process, tmp_path, fault
):
    conda_in_process("torch-mirror", "enable", "conda-forge").ok()
    sites.first.fail("*", fault)
    said = words(conda_in_process(*create(tmp_path / "one")))
    [step] = [part for part in said.split("`") if part.startswith("conda torch-mirror enable --")]
    assert step == "conda torch-mirror enable --mirror second"
    conda_in_process(*step.split()[1:]).ok()
    conda_in_process(*create(tmp_path / "one")).ok()
    assert records(tmp_path / "one")["filelock"]["url"].startswith(sites.second.url)


def test_a_channel_that_the_command_does_not_read_is_not_blamed(
    sites, condarc, conda_in_process, tmp_path
):
    settings = sites.settings()
    settings["plugins"]["torchmirror_auto"] = True
    own = {"nvidia": sites.third.channel_url("nvidia").rpartition("/")[0]}
    condarc(**settings, custom_channels=own)
    sites.third.fail("*", "refused")
    conda_in_process(*create(tmp_path / "one")).ok()
