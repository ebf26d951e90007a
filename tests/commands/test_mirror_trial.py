"""`conda torch-mirror test`: the report, what it asks for, and that it ends."""

from __future__ import annotations

import json
import re
import time

import pytest
from support.lab import hosts
from support.mirror import Exchange
from support.sites import CUDART, TORCH

from conda_torchmirror.cli.mirror_trial import ago
from conda_torchmirror.index import builtin

pytest_plugins = ("support.site_fixtures",)

NAMES = ("first", "second", "third", "upstream")


def ask(conda_in_process, names=NAMES, *more):
    return conda_in_process("torch-mirror", "test", *names, "--json", *more)


def rows(result) -> dict:
    """The rows by mirror."""
    return {row["mirror"]: row for row in result.json()["torchmirror"]["test"]}


@pytest.fixture
def gpu(monkeypatch):
    """A driver that runs CUDA 12.4, as the channels here need."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")


def tunasync(exchange: Exchange, status: str = "success", hours: float = 2) -> None:
    """The state of a site's mirrors, as TUNA publishes it."""
    jobs = [
        {"name": "debian", "status": "failed", "last_update_ts": 1},
        {"name": "anaconda", "status": status, "last_update_ts": time.time() - hours * 3600},
    ]
    exchange.send(200, json.dumps(jobs).encode(), {"Content-Type": "application/json"})


SIZES = {build.fn: build.size for build in builtin.load("linux-64", channel="pytorch").builds}


def whole(exchange: Exchange) -> None:
    """The beginning of a file that has the size of the real one."""
    size = SIZES.get(exchange.record.path.rpartition("/")[2]) or 1000
    exchange.send(206, b"BZh9" + bytes(508), {"Content-Range": f"bytes 0-511/{size}"})


def test_of_several_words_the_wrong_one_is_named(conda_in_process):
    done = conda_in_process("torch-mirror", "test", "tuna", "tsinhua")
    assert "`tsinhua` cannot be used as a mirror" in done.words
    assert done.rc == 2


def test_every_mirror_gets_a_row(sites, gpu, conda_in_process):
    result = ask(conda_in_process).ok()
    found = rows(result)
    assert list(found) == list(NAMES)
    assert all(row["ok"] for row in found.values())
    assert list(found["first"]["channels"]) == ["pytorch", "conda-forge"]
    assert list(found["third"]["channels"]) == ["pytorch", "conda-forge", "nvidia"]
    assert {c["code"] for row in found.values() for c in row["channels"].values()} == {"ok"}
    assert found["first"]["files"][TORCH]["code"] in ("ok", "wrong_size")
    index = sites.first.file("/anaconda/cloud/pytorch/linux-64/repodata.json")
    assert found["first"]["modified"] == int(index.stat().st_mtime)


def test_the_table(sites, gpu, conda_in_process):
    sites.first.fail("*/tunasync.json", tunasync)
    sites.second.fail("*", "blocked")
    out = conda_in_process("torch-mirror", "test", *NAMES).ok().stdout
    table = {line.split()[0]: line.split() for line in out.splitlines() if line.startswith("  ")}
    assert table["mirror"][1:] == [
        *("answer", "pytorch", "conda-forge", "nvidia", "files", "index", "sync"),
    ]
    assert table["first"][2:6] == ["ms", "yes", "yes", "-"]
    assert table["first"][-3:] == ["success,", "2", "h"]
    assert table["second"][1] == "no"
    assert "second has shut out this network (403; identifier: 7f3c0a91e5d24b68" in " ".join(
        out.split()
    )
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("faults", "recommended", "said"),
    [
        ({}, "first", "first, the first of them, has what was asked for"),
        (
            {"first": "not_found"},
            None,
            "`conda torch-mirror enable --mirror (second|third)` prefers it",
        ),
        (
            {"first": "blocked", "second": "server_error"},
            "third",
            "`conda torch-mirror enable --mirror third` prefers it",
        ),
        (
            {"first": "blocked", "second": "blocked", "third": "blocked"},
            "",
            "`conda torch-mirror test` without names asks all mirrors",
        ),
    ],
    ids=["all", "first lacks", "one left", "none"],
)
def test_a_mirror_is_recommended(sites, gpu, conda_in_process, faults, recommended, said):
    names = ("first", "second", "third")
    for mirror in (sites.first, sites.second, sites.third):
        mirror.fail("*.tar.bz2", whole)
    for name, fault in faults.items():
        getattr(sites, name).fail("*.tar.bz2" if fault == "not_found" else "*", fault)
    result = ask(conda_in_process, names)
    name = result.json()["torchmirror"]["recommended"]
    if recommended is None:
        assert name in {"second", "third"}
    else:
        assert (name or "") == recommended
    out = " ".join(conda_in_process("torch-mirror", "test", *names).stdout.split())
    assert re.search(said, out)


def test_official_channels_that_lack_a_file_are_not_recommended(sites, gpu, conda_in_process):
    for mirror in (sites.first, sites.second, sites.third, sites.upstream):
        mirror.fail("*.tar.bz2", "not_found")
    out = " ".join(conda_in_process("torch-mirror", "test", *NAMES).ok().stdout.split())
    assert "Neither a mirror nor the official channels have all that was asked for." in out
    assert "--mirror upstream" not in out


def test_the_table_fits_a_terminal_on_a_bad_day(sites, gpu, conda_in_process):
    for mirror, fault in ((sites.first, "redirect_loop"), (sites.second, "server_error")):
        mirror.fail("*", fault)
    sites.third.fail("*/nvidia/*", "server_error")
    sites.third.fail("*/tunasync.json", lambda e: tunasync(e, "pre-syncing-for-long", 5000))
    out = conda_in_process("torch-mirror", "test", *NAMES).ok().stdout
    table = out.split("\n\n")[2].splitlines()
    assert len(table) == 1 + len(NAMES)
    assert max(map(len, table)) <= 80


def test_no_more_is_asked_than_is_needed(sites, gpu, conda_in_process):
    ask(conda_in_process).ok()
    for mirror in (sites.first, sites.third):
        paths = [request.path for request in mirror.requests]
        assert len(paths) == len(set(paths)) < 10
        assert all("Range" in r.headers for r in mirror.requests if "tunasync" not in r.path)
    assert not any("tunasync" in request.path for request in sites.upstream.requests)


def test_a_mirror_that_does_not_answer_is_asked_once(sites, gpu, conda_in_process):
    sites.first.fail("*", "server_error")
    found = rows(ask(conda_in_process).ok())
    assert len(sites.first.requests) == 1
    assert found["first"]["ok"] is False
    assert found["first"]["first"]["code"] == "server_error"
    assert found["first"]["channels"]["pytorch"]["code"] == "not_asked"


def test_a_missing_file_is_named(sites, gpu, conda_in_process):
    sites.first.fail(f"*/{TORCH}", "not_found")
    found = rows(ask(conda_in_process, NAMES, "--spec", "pytorch=2.5.1").ok())
    assert found["first"]["files"][TORCH]["code"] == "not_found"
    assert any(TORCH in remark for remark in found["first"]["remarks"])


def test_a_redirect_is_named(sites, gpu, conda_in_process):
    sites.first.fail("*", "redirect")
    found = rows(ask(conda_in_process).ok())
    assert f"on to localhost:{sites.first.port}" in found["first"]["remarks"][0]


@pytest.mark.parametrize(
    ("answer", "sync"),
    [
        (tunasync, ("success", 2)),
        (lambda e: tunasync(e, "failed", 200), ("failed", 200)),
        ("not_found", None),
        ("html", None),
        (lambda e: e.send(200, b"[]"), None),
        (lambda e: e.send(200, b'[{"name": "anaconda"}]'), None),
        (lambda e: e.send(200, b'{"name": "anaconda"}'), None),
        (lambda e: e.send(200, b"[" + b" " * 2_000_000 + b"]"), None),
        (lambda e: tunasync(e, hours=-1), ("success", -1)),
    ],
    ids=["good", "failed", "404", "html", "empty", "other-fields", "no-list", "huge", "ahead"],
)
def test_the_state_of_the_last_sync(sites, gpu, conda_in_process, answer, sync):
    sites.first.fail("*/tunasync.json", answer)
    found = rows(ask(conda_in_process).ok())["first"]["sync"]
    assert (found is None) is (sync is None)
    if sync:
        assert found["status"] == sync[0]
        assert abs(time.time() - sync[1] * 3600 - found["updated"]) < 60


@pytest.mark.parametrize(
    "moment", ["1e999", "-1e999", "NaN", "-5", "1e300", "true", '"soon"', "[]"]
)
def test_a_sync_at_no_time_that_may_have_been(sites, gpu, conda_in_process, moment):
    """JSON has no word for what is infinite, and a reader would refuse the whole document."""
    job = f'[{{"name": "anaconda", "status": "ok", "last_update_ts": {moment}}}]'
    sites.first.fail("*/tunasync.json", lambda e: e.send(200, job.encode()))
    done = ask(conda_in_process, ("first",)).ok()
    sync = rows(done)["first"]["sync"]
    assert sync is None or sync["updated"] in (None, 1.0)
    assert "Infinity" not in done.stdout
    assert "NaN" not in done.stdout


def test_two_places_at_one_host_are_two_mirrors(sites, gpu, conda_in_process):
    """Each has its own answer and name, whichever comes first; one that is named twice is one."""
    there = sites.first.url.replace("127.0.0.1", "localhost")  # by which no registry knows it
    good, bad = f"{there}/anaconda/cloud", f"{there}/elsewhere"
    for words in ((good, bad), (bad, good, good + "/")):
        found = ask(conda_in_process, words).ok().json()["torchmirror"]["test"]
        assert {row["title"]: row["ok"] for row in found} == {good: True, bad: False}
        assert {f"http://{row['mirror']}" for row in found} == {good, bad}
        assert len(found) == 2


def test_a_mirror_by_url_is_recommended_by_its_url(sites, gpu, conda_in_process):
    """Its host, by which the table calls it, is no value of `--mirror`."""
    urls = (mirror.url.replace("127.0.0.1", "localhost") for mirror in (sites.first, sites.second))
    bad, good = (f"{url}/anaconda/cloud" for url in urls)
    sites.first.fail("*", "blocked")
    sites.second.fail("*.tar.bz2", whole)
    assert ask(conda_in_process, (bad, good)).json()["torchmirror"]["recommended"] == good
    out = " ".join(conda_in_process("torch-mirror", "test", bad, good).stdout.split())
    assert f"`conda torch-mirror enable --mirror {good}` prefers it" in out


def test_an_old_index_shows(sites, gpu, conda_in_process):
    def old(exchange: Exchange) -> None:
        exchange.send_content(exchange.content(), int(time.time()) - 8 * 86400)

    sites.first.fail("*repodata*", old)
    out = conda_in_process("torch-mirror", "test", "first").ok().stdout
    assert "8 d" in out


def test_the_whole_ends_in_time(sites, gpu, conda_in_process):
    for mirror in (sites.first, sites.second):
        mirror.fail("*", lambda exchange: exchange.mirror.stopped.wait(30))
    found = rows(ask(conda_in_process, NAMES, "--timeout", "4").ok())
    assert found["first"]["first"]["code"] == "timeout"
    assert found["third"]["ok"]
    # Neither is asked for anything else, nor is the 30 seconds' silence waited for.
    assert [len(mirror.requests) for mirror in (sites.first, sites.second)] == [1, 1]
    assert not sites.first.stopped.is_set()


def test_the_slow_do_not_hold_up_the_quick(sites, gpu, conda_in_process):
    def slow(exchange: Exchange) -> None:
        time.sleep(1)
        exchange.serve()

    sites.first.fail("*", slow)
    found = rows(ask(conda_in_process).ok())
    assert all(row["ok"] for row in found.values())
    took = {name: row["first"]["milliseconds"] for name, row in found.items()}
    assert took["first"] > 990
    assert max(took, key=took.__getitem__) == "first"


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "601", "x"])
def test_a_time_that_is_none_is_a_usage_error(sites, run_conda, seconds):
    result = run_conda("torch-mirror", "test", "first", f"--timeout={seconds}")
    assert result.rc == 2
    assert "more than 0 and at most 600" in result.words
    assert sites.first.requests == []


@pytest.mark.parametrize(
    ("words", "said", "files"),
    [
        (("--spec", "numpy"), "PyTorch only, and for none of numpy", 3),
        (("--spec", "pytorch=9"), "index knows none of pytorch=9 for linux-64 for certain", 0),
        (("--platform", "linux-aarch64"), "torchvision torchaudio for linux-aarch64", 0),
    ],
    ids=["other package", "no such release", "unknown platform"],
)
def test_what_is_asked_of_nobody_is_said(sites, gpu, conda_in_process, words, said, files):
    found = ask(conda_in_process, ("first",), *words).json()["torchmirror"]
    assert len(found["files"]) == files
    [remark] = found["remarks"]
    assert said in remark
    assert said in conda_in_process("torch-mirror", "test", "first", *words).words


def test_without_a_network_no_mirror_is_recommended(sites, gpu, conda_in_process):
    for mirror in sites.all.values():
        mirror.refuse()
    for names in (NAMES, ("first",)):
        said = conda_in_process("torch-mirror", "test", *names).words
        assert "Nothing answered: check the network" in said
        assert "`conda torch-mirror test` without names asks all" in said
        assert "torch-install" not in said


def test_who_names_no_mirror_is_not_told_to_name_none(sites, gpu, conda_in_process, sandbox):
    for mirror in sites.all.values():
        mirror.refuse()
    said = conda_in_process("torch-mirror", "test").words
    assert hosts(sandbox)  # the real ones, as none is named
    assert "Nothing answered: check the network" in said
    assert "without names" not in said


def test_official_channels_that_fail_are_not_recommended(sites, gpu, conda_in_process):
    for mirror in sites.all.values():
        mirror.fail("*", "server_error")
    said = conda_in_process("torch-mirror", "test", *NAMES).words
    assert "No mirror has all that was asked for, and the official channels do not" in said
    assert "torch-install" not in said


def test_nothing_is_said_of_mirrors_that_were_not_asked(sites, gpu, conda_in_process):
    """No mirror was said to have it, and the official channels were recommended unasked."""
    sites.first.fail("*", "server_error")
    said = conda_in_process("torch-mirror", "test", "first").words
    assert "None that was asked has all of it; `conda torch-mirror test` without names" in said
    assert "torch-install" not in said


def test_nobody_answers(sites, gpu, conda_in_process):
    for mirror in sites.all.values():
        mirror.refuse()
    result = ask(conda_in_process)
    assert result.rc == 1
    assert result.json()["success"] is False
    assert {row["first"]["code"] for row in rows(result).values()} == {"refused"}


def test_offline(sites, conda_in_process):
    result = conda_in_process("torch-mirror", "test", "--offline")
    assert result.rc == 1
    assert "OfflineTest" in result.stderr


def test_an_unknown_name(sites, conda_in_process):
    result = conda_in_process("torch-mirror", "test", "frist")
    assert result.rc == 2
    assert "Did you mean first?" in result.stderr


def test_without_names_the_preferred_and_the_known_are_asked(sites, gpu, conda_in_process, sandbox):
    found = rows(conda_in_process("torch-mirror", "test", "--json", "--timeout", "3").ok())
    assert list(found)[:2] == ["first", "second"]
    assert list(found)[-1] == "upstream"
    assert {"third", "tuna", "sustech"} <= set(found)
    assert found["tuna"]["ok"] is False
    assert sandbox.take_blocked()


def test_what_was_learned_is_used_by_the_next_installation(sites, gpu, conda_in_process, prefix):
    sites.first.fail("*", "blocked")
    ask(conda_in_process).ok()
    before = len(sites.first.requests)
    result = conda_in_process("torch-install", "-y", "-p", prefix, "pytorch").ok()
    assert len(sites.first.requests) == before
    assert "min ago, not asked again): `pytorch` from second" in " ".join(result.stdout.split())


def test_no_secret_is_shown(sites, gpu, conda_in_process):
    url = sites.first.url.replace("://", "://me:hunter2@") + "/t/tk-1/anaconda/cloud"
    sites.first.fail("*", "not_found")
    result = conda_in_process("torch-mirror", "test", url)
    assert "hunter2" not in result.stdout + result.stderr
    assert "tk-1" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(20, "0 min"), (90, "2 min"), (3600 * 3, "3 h"), (86400 * 8, "8 d"), (-5, "0 min")],
)
def test_ago(seconds, words):
    assert ago(time.time() - seconds) == words
    assert ago(None) == "?"


@pytest.mark.parametrize("release", ["2.3", "2.4", "2.0", "1.13"])
def test_a_file_that_is_not_asked_for_is_not_named(sites, conda_in_process, release):
    """Where the newest Python's build is known by the naming rules only, other files are asked."""
    words = ("torch-mirror", "test", "first", "--spec", f"pytorch={release}", "--json")
    found = conda_in_process(*words).ok().json()["torchmirror"]
    asked = {file for file in found["files"] if sum(sites.probed(file).values())}
    assert asked == set(found["files"])
    assert any(file.startswith(f"pytorch-{release}") for file in asked)


def test_cuda_packages_are_not_asked_for(sites, gpu, conda_in_process):
    ask(conda_in_process).ok()
    assert not any(sites.probed(CUDART).values())
