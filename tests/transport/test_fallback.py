"""Which source a channel is read from, and what happens when it fails. See also the matrix."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path

import pytest
from support.faults import FAULTS
from support.mirror import Exchange
from support.sites import (
    ASK,
    CUDART,
    FIRST,
    LEAF,
    OLDER,
    RUNTIME,
    SET,
    TORCH,
    installed,
    tree,
    whole,
)

from conda_torchmirror.mirrors.registry import built_in
from conda_torchmirror.models import InstallOptions
from conda_torchmirror.transport.routes import chains

pytest_plugins = ("support.site_fixtures",)


def words(result) -> str:
    """Everything that was said, on one line."""
    return " ".join(f"{result.stdout}\n{result.stderr}".split())


def slow(exchange: Exchange, seconds: float = 0.25) -> None:
    """Answer after a while."""
    time.sleep(seconds)
    exchange.serve()


# The order of sources


@pytest.fixture
def world(sites, conda_in_process):
    """The sites, in a conda that has read the settings of plugins."""
    conda_in_process("torch-mirror", "list").ok()
    return sites


def order(*words, name="pytorch", no_fallback=False):
    found = chains(InstallOptions(mirrors=words, fallback=not no_fallback), "linux-64", (name,))
    return [source.mirror for source in found[name]]


@pytest.mark.parametrize(
    ("asked", "name", "found"),
    [
        ([], "pytorch", ["first", "second", "upstream"]),
        ([], "nvidia", ["upstream"]),
        (["third"], "nvidia", ["third", "upstream"]),
        (["second", "first"], "conda-forge", ["second", "first", "upstream"]),
        (["second", "upstream", "first"], "pytorch", ["second", "upstream"]),
        (["upstream"], "pytorch", ["upstream"]),
        (["first", "FIRST"], "pytorch", ["first", "upstream"]),
    ],
)
def test_the_order_of_sources(world, asked, name, found):
    assert order(*asked, name=name) == found


def test_all_that_may_be_chosen(world):
    found = order("auto")
    assert found[-1] == "upstream"
    assert {"first", "second", "third", *built_in().chosen_for()} >= set(found) - {"upstream"}


@pytest.mark.parametrize("how", ["option", "setting"])
def test_without_fallback_there_is_one_source(world, condarc, how):
    if how == "setting":
        settings = world.settings()
        settings["plugins"]["torchmirror_fallback"] = False
        condarc(**settings)
    assert order(no_fallback=how == "option") == ["first"]


@pytest.mark.parametrize(
    ("own", "asked", "found"),
    [
        ("http://127.0.0.1:9/lab", [], ["custom_channels"]),
        ("http://127.0.0.1:9/lab", ["second"], ["second", "custom_channels"]),
        ("https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud", [], None),
        ("http://127.0.0.1:9/lab", ["upstream"], ["upstream"]),
    ],
    ids=["lab", "lab-and-mirror", "public", "lab-and-upstream"],
)
def test_the_users_own_mapping(world, condarc, own, asked, found):
    condarc(**world.settings(), custom_channels={"pytorch": own})
    expected = found or ["custom_channels", "first", "second", "upstream"]
    assert order(*asked) == expected


def test_a_channel_alias_stands_for_the_official_channels(world, condarc):
    condarc(**{**world.settings(), "channel_alias": "https://conda.company.example/cloud"})
    found = chains(InstallOptions(), "linux-64", ("nvidia",))
    assert found["nvidia"][0].url == "https://conda.company.example/cloud/nvidia"


# What is asked, and what is not


def test_a_sound_mirror_is_all_that_is_asked(sites, conda_in_process, prefix):
    conda_in_process(*ASK, "-p", prefix).ok()
    assert set(installed(prefix)) == SET
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


# Failures


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
    sound = conda_in_process(*ASK, "-p", tmp_path / "sound").ok().seconds
    url = sites.second.custom_channels()["pytorch"]
    asked = ("--mirror", hole, "--mirror", url)
    result = conda_in_process(*ASK, "-p", prefix, *asked).ok()
    assert "did not send linux-64/repodata.json in time: `pytorch`" in words(result)
    assert result.seconds < sound + 1.0 + 1.0  # the timeout of this rc file, and some grace
    again = conda_in_process(*ASK, "-p", tmp_path / "again", *asked).ok()
    assert "not asked again" in words(again)
    assert again.seconds < sound + 0.7


def test_without_fallback_the_failure_is_the_error(sites, conda_in_process, prefix):
    before = tree(prefix)
    sites.first.fail("*", "blocked")
    result = conda_in_process(*ASK, "-p", prefix, "--no-fallback")
    assert result.rc == 1
    assert "NoSource: the channel `pytorch` cannot be had from first" in words(result)
    assert "write to help@first" not in words(result)
    assert "support@mirror.example" in words(result)
    assert "7f3c0a91e5d24b68" in words(result)
    assert not sites.second.requests
    assert tree(prefix) == before


def test_all_fail(sites, conda_in_process, prefix):
    before = tree(prefix)
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
    assert tree(prefix) == before


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


def test_what_another_mirror_sent_counts_in_the_next_run(sites, conda_in_process, tmp_path):
    conda_in_process(*ASK, "-p", tmp_path / "one").ok()
    sites.first.refuse()
    conda_in_process(*ASK, "-p", tmp_path / "two").ok()
    assert whole(tmp_path / "two")
    assert not any("tar.bz2" in request.path for request in sites.second.requests)


def test_listed_and_missing_at_the_mirror_of_the_runtime(sites, condarc, conda_in_process, prefix):
    condarc(**sites.settings("third"))
    sites.third.fail(f"*/{CUDART}", "not_found")
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert f"third does not have {CUDART} (404): `nvidia` from upstream" in words(result)
    assert installed(prefix)["cuda-cudart"]["url"].startswith(sites.upstream.url)
    assert installed(prefix)["pytorch"]["url"].startswith(sites.third.url)
    assert sites.fetched(CUDART)["third"] == 0


def test_a_channel_that_the_mirror_has_not_after_all(sites, conda_in_process, prefix):
    sites.first.fail("*/conda-forge/*", "not_found")
    conda_in_process(*ASK, "-p", prefix).ok()
    assert installed(prefix)["filelock"]["url"].startswith(sites.second.url)
    assert installed(prefix)["pytorch"]["url"].startswith(sites.first.url)


def test_another_source_must_have_what_was_agreed_on(sites, conda_in_process, prefix):
    def without(exchange: Exchange) -> None:
        repodata = json.loads(exchange.file().with_suffix("").read_bytes())
        del repodata["packages"][TORCH]
        exchange.send(200, json.dumps(repodata).encode())

    sites.first.fail(f"*/{TORCH}", "wrong_hash")
    sites.second.fail("*/pytorch/linux-64/repodata.json.zst", "not_found")
    sites.second.fail("*/pytorch/linux-64/repodata.json", "stale")
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert installed(prefix)["pytorch"]["version"] == "2.5.1"
    assert installed(prefix)["pytorch"]["url"].startswith(sites.upstream.url)
    assert "`pytorch` from upstream" in words(result)


def test_what_is_no_mirrors_fault(sites, conda_in_process, prefix):
    result = conda_in_process(*ASK, "no-such-package", "-p", prefix)
    assert result.rc == 1
    assert "PackagesNotFound" in type(result.error).__name__
    assert not sites.second.requests


def test_declined_is_declined(sites, conda_in_process, prefix):
    before = tree(prefix)
    conda_in_process("torch-install", *ASK[2:], "-p", prefix, input="n\n")
    assert not sites.second.requests
    assert tree(prefix) == before


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


def test_a_users_mapping_to_a_dead_public_mirror_is_overridden_and_said(
    sites, condarc, conda_in_process, prefix
):
    own = sites.third.custom_channels()
    condarc(**sites.settings(), custom_channels=own)
    sites.third.refuse()
    from conda_torchmirror.mirrors import addresses

    with pytest.MonkeyPatch.context() as patch:
        # As if the address were in the built-in registry.
        patch.setattr(addresses, "identify", lambda url, mirrors=None: object())
        result = conda_in_process(*ASK, "-p", prefix).ok()
    assert f"127.0.0.1:{sites.third.port} refuses connections" in words(result)
    assert installed(prefix)["pytorch"]["url"].startswith(sites.first.url)
    assert installed(prefix)["cuda-cudart"]["url"].startswith(sites.upstream.url)


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


# Whose fault it is


def conda_errors():
    """What conda raises when nobody is to blame, and when a mirror is."""
    from conda import CondaMultiError, exceptions

    url = "https://mirror.example/cloud/pytorch/linux-64/x.tar.bz2"
    mismatch = exceptions.ChecksumMismatchError(url, "/x", "sha256", "a", "b")
    return {
        "declined": (exceptions.CondaSystemExit("Exiting"), None),
        "dry-run": (exceptions.DryRunExit(), None),
        "unsolvable": (exceptions.PackagesNotFoundError(["x"]), None),
        "disk-full": (OSError(28, "No space left on device"), None),
        "interrupted": (CondaMultiError([mismatch, exceptions.CondaSignalInterrupt(2)]), None),
        "wrong-hash": (CondaMultiError([mismatch]), "probe_hash"),
        "nested": (CondaMultiError([CondaMultiError([mismatch])]), "probe_hash"),
        "elsewhere": (
            exceptions.ChecksumMismatchError("https://other.example/x", "/x", "md5", "a", "b"),
            None,
        ),
        "404": (
            exceptions.CondaHTTPError("gone", url, 404, "Not Found", None),
            "probe_not_found",
        ),
        "connection": (
            exceptions.CondaHTTPError(
                "", url, None, None, None, caused_by=ConnectionRefusedError(111, "refused")
            ),
            "probe_refused",
        ),
        "channel": (
            exceptions.UnavailableInvalidChannel("https://mirror.example/cloud/pytorch", 404),
            "probe_not_found",
        ),
    }


@pytest.mark.parametrize(
    "what",
    [
        *("declined", "dry-run", "unsolvable", "disk-full", "interrupted", "wrong-hash"),
        *("nested", "elsewhere", "404", "connection", "channel"),
    ],
)
def test_who_is_to_blame(what):
    from conda_torchmirror.mirrors.registry import Route
    from conda_torchmirror.transport import failures

    error, code = conda_errors()[what]
    source = Route("pytorch", "https://me:hunter2@mirror.example/cloud/pytorch", "lab")
    found = failures.find_culprit(error, [source])
    assert (found and found.reason.code) == code
    assert "hunter2" not in repr(found and found.answer)


# What a solver reads by itself


@pytest.mark.parametrize(
    "fields",
    [
        {"depends": 5},
        {"depends": [["python"]]},
        {"depends": ["python[[["]},
        {"build_number": "none"},
        {"version": None},
        {"name": None},
        {"md5": {"a": 1}, "sha256": []},
    ],
    ids=str,
)
def test_a_record_that_a_solver_stumbles_over_is_the_mirrors(
    sites, conda_in_process, prefix, fields
):
    before = tree(prefix)

    def odd(exchange: Exchange) -> None:
        plain = exchange.file().with_name("repodata.json")
        repodata = json.loads(plain.read_bytes())
        repodata["packages"][LEAF].update(fields)
        exchange.send(200, json.dumps(repodata).encode())

    sites.first.fail("*/conda-forge/linux-64/repodata.json.zst", "not_found")
    sites.first.fail("*/conda-forge/linux-64/repodata.json", odd)
    result = conda_in_process(*ASK, "-p", prefix)
    assert "Traceback" not in result.stderr
    assert "unexpected error" not in words(result)
    if result.rc:  # the solver did without it, and says what it lacks
        assert tree(prefix) == before
    else:
        assert whole(prefix)


def test_an_index_that_is_refused_after_a_good_probe_is_left(sites, conda_in_process, prefix):
    def whole_file_refused(exchange: Exchange) -> None:
        if exchange.headers.get("Range"):
            exchange.serve()
        else:
            exchange.send(403, b"<html>Forbidden</html>", {"Content-Type": "text/html"})

    sites.first.fail("*/conda-forge/linux-64/repodata*", whole_file_refused)
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert "first refuses linux-64/repodata.json (403 or 404)" in words(result)
    assert installed(prefix)["filelock"]["url"].startswith(sites.second.url)
    assert not any(
        path.stat().st_size == 2 for path in Path(sites.file.parent).rglob("cache/*.json")
    )


def test_a_block_page_without_an_end_is_not_waited_for(sites, conda_in_process, monkeypatch):
    """As far as it is ours: conda itself reads such a page to its end when it makes its error."""
    import requests

    from conda_torchmirror.mirrors.registry import Route
    from conda_torchmirror.transport import failures

    def endless(exchange: Exchange) -> None:
        exchange.send(403, b"<html>", {"Content-Type": "text/html"}, length=10_000_000)
        while not exchange.mirror.stopped.wait(0.05):
            exchange.wfile.write(b" ")
            exchange.wfile.flush()

    monkeypatch.setattr(failures, "PAGE_SECONDS", 0.3)
    sites.first.fail("*", endless)
    url = f"{sites.first.channel_url('conda-forge')}/linux-64/{LEAF}"
    with pytest.raises(requests.HTTPError) as raised:
        requests.get(url, stream=True, timeout=5).raise_for_status()
    started = time.monotonic()
    route = Route("conda-forge", sites.first.channel_url("conda-forge"), "first")
    found = failures.find_culprit(raised.value, [route])
    assert found is not None
    assert found.reason.code == "probe_forbidden"
    assert time.monotonic() - started < 3


def test_what_is_remembered_is_told_as_remembered(sites):
    from conda_torchmirror.mirrors.registry import Route
    from conda_torchmirror.transport import failures
    from conda_torchmirror.transport.answers import Answer

    url = f"{sites.first.url}/x/linux-64/repodata.json"
    answer = Answer(url, "blocked", status=403, at=time.time() - 300, remembered=True)
    failed = failures.from_answer(Route("pytorch", f"{sites.first.url}/x", "first"), answer)
    cause = failures.no_route_left([failed], [])._cause
    assert "(5 min ago, not asked again)" in cause


# Indexes


def test_a_compressed_index_that_is_older_is_left_alone(sites, conda_in_process, prefix):
    def old(exchange: Exchange) -> None:
        exchange.send_content(exchange.content(), int(time.time()) - 8 * 86400)

    sites.first.fail("*/pytorch/*/repodata.json.zst", old)
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert "first's compressed index of `pytorch` is older than the plain one" in words(result)
    whole_ones = [
        r.path for r in sites.first.requests if "repodata" in r.path and "Range" not in r.headers
    ]
    assert whole_ones
    assert not any(path.endswith(".zst") for path in whole_ones)
    assert installed(prefix)["pytorch"]["url"].startswith(sites.first.url)


def test_an_old_index_is_passed_over(sites, conda_in_process, prefix):
    sites.first.fail("*/pytorch/*/repodata*", "stale")
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert f"first has an old index, without {TORCH}: `pytorch` from second" in words(result)
    assert installed(prefix)["pytorch"]["version"] == "2.5.1"


def test_an_old_index_is_better_than_none(sites, conda_in_process, prefix):
    sites.first.fail("*/pytorch/*/repodata*", "stale")
    sites.second.fail("*/pytorch/*", "not_found")
    sites.upstream.fail("*/pytorch/*", "server_error")
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert installed(prefix)["pytorch"]["version"] == "2.4.1"
    assert sites.fetched(OLDER)["first"] == 1
    assert "first's index is old" in words(result)


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
    assert "first has an old index" in words(result)
    assert installed(prefix)["pytorch"]["url"].startswith(sites.second.url)


def test_where_every_index_is_empty_the_error_says_that_it_looks_old(sites, conda_in_process):
    for mirror in (sites.first, sites.second, sites.upstream):
        mirror.fail("*/pytorch/*/repodata*", without_fitting("empty"))
    result = conda_in_process(*ASK, "--dry-run", "--json")
    document = result.json()
    assert document["exception_name"] == "NoFittingBuild"
    codes = [hint["hint_code"] for hint in document["guidance"]["hints"]]
    assert codes[0] == "index_behind"


# Hashes


def test_equal_hashes_ask_nobody(sites, doubting, conda_in_process, prefix):
    conda_in_process(*ASK, "-p", prefix).ok()
    assert not any("/pytorch/" in request.path for request in sites.upstream.requests)


def test_another_hash_than_upstreams_is_an_error(sites, doubting, conda_in_process, prefix):
    before = tree(prefix)
    sites.first.fail("*/pytorch/linux-64/repodata*", "wrong_hash")
    result = conda_in_process(*ASK, "-p", prefix)
    assert result.rc == 1
    assert f"HashConflict: first offers another {TORCH} than the official channel" in words(result)
    assert doubting[f"linux-64/{TORCH}"] in words(result)
    assert "tell the mirror's operators" in words(result)
    assert tree(prefix) == before
    assert not sites.second.requests


def test_our_own_index_may_be_the_old_one(sites, doubting, conda_in_process, prefix):
    doubting[f"linux-64/{TORCH}"] = "0" * 64
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert "the official channel confirms the new one" in words(result)
    asked = [r.path for r in sites.upstream.requests if "/pytorch/" in r.path]
    assert asked.count("/pytorch/linux-64/repodata.json.zst") == 1
    assert installed(prefix)["pytorch"]["url"].startswith(sites.first.url)


def test_a_doubt_that_nobody_can_settle(sites, doubting, conda_in_process, prefix, condarc):
    doubting[f"linux-64/{TORCH}"] = "0" * 64
    sites.upstream.fail("/pytorch/*", "server_error")
    result = conda_in_process(*ASK, "-p", prefix)
    assert result.rc == 1
    assert "HashUnconfirmed" in words(result)
    assert "torchmirror_check_hashes: false" in words(result)
    os.environ["CONDA_PLUGINS_TORCHMIRROR_CHECK_HASHES"] = "false"
    conda_in_process(*ASK, "-p", prefix).ok()


def test_the_users_own_server_may_have_its_own_packages(
    sites, doubting, condarc, conda_in_process, prefix
):
    doubting[f"linux-64/{TORCH}"] = "0" * 64
    condarc(**sites.settings(), custom_channels=sites.first.custom_channels())
    conda_in_process(*ASK, "-p", prefix).ok()
    assert not any("/pytorch/" in request.path for request in sites.upstream.requests)


@pytest.mark.parametrize("dry", [True, False])
def test_upstream_is_asked_when_asked_for(sites, conda_in_process, prefix, dry):
    more = ["--dry-run"] if dry else []
    result = conda_in_process(*ASK, "-p", prefix, "--check-upstream", *more).ok()
    assert "the official channel confirms the hashes of the chosen builds" in words(result)
    assert any(r.path.startswith("/pytorch/linux-64/repodata") for r in sites.upstream.requests)


def test_upstream_contradicts(sites, conda_in_process, prefix):
    sites.upstream.fail("/pytorch/linux-64/repodata*", "wrong_hash")
    result = conda_in_process(*ASK, "-p", prefix, "--check-upstream")
    assert result.rc == 1
    assert "HashConflict" in words(result)


def test_upstream_needs_no_second_opinion(sites, doubting, conda_in_process, prefix):
    doubting[f"linux-64/{TORCH}"] = "0" * 64
    conda_in_process(*ASK, "-p", prefix, "--mirror", "upstream").ok()
    assert Path(installed(prefix)["pytorch"]["url"]).name == TORCH
