"""Which route is to blame for a failure, and what is said of it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from support.condas import EMPTYING
from support.faults import FAULTS
from support.files import contents
from support.mirror import Exchange
from support.prefixes import records, whole
from support.sites import ASK, LEAF, move_upstream

pytest_plugins = ("support.site_fixtures",)


def slow(exchange: Exchange, seconds: float = 0.25) -> None:
    """Answer after a while."""
    time.sleep(seconds)
    exchange.serve()


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
    before = contents(prefix)

    def odd(exchange: Exchange) -> None:
        plain = exchange.file().with_name("repodata.json")
        repodata = json.loads(plain.read_bytes())
        repodata["packages"][LEAF].update(fields)
        exchange.send(200, json.dumps(repodata).encode())

    sites.first.fail("*/conda-forge/linux-64/repodata.json.zst", "not_found")
    sites.first.fail("*/conda-forge/linux-64/repodata.json", odd)
    result = conda_in_process(*ASK, "-p", prefix)
    assert "Traceback" not in result.stderr
    assert "unexpected error" not in result.words
    if result.rc:  # the solver did without it, and says what it lacks
        assert contents(prefix) == before
    else:
        assert whole(prefix)


@pytest.mark.parametrize("fault", ["blocked", "not_found"])
def test_an_index_that_is_refused_after_a_good_probe_is_left(
    sites, conda_in_process, prefix, fault
):
    def whole_file_refused(exchange: Exchange) -> None:
        if exchange.headers.get("Range"):
            exchange.serve()
        else:
            FAULTS[fault](exchange)

    sites.first.fail("*/conda-forge/linux-64/repodata*", whole_file_refused)
    result = conda_in_process(*ASK, "-p", prefix).ok()
    # Where conda takes the index for an empty one, it does not say what was answered.
    emptied = "first refuses linux-64/repodata.json (403 or 404)"
    why = emptied if fault in EMPTYING else "first has shut out this network (403"
    assert why in result.words
    assert records(prefix)["filelock"]["url"].startswith(sites.second.url)
    assert not any(
        path.stat().st_size == 2 for path in Path(sites.file.parent).rglob("cache/*.json")
    )


def test_a_block_page_without_an_end_is_not_waited_for(sites, conda_in_process, monkeypatch):
    """As far as it is ours: conda itself reads such a page to its end when it makes its error."""
    import requests

    from conda_torchmirror.exceptions import causes
    from conda_torchmirror.mirrors.registry import Route
    from conda_torchmirror.transport import failures

    def endless(exchange: Exchange) -> None:
        exchange.send(403, b"<html>", {"Content-Type": "text/html"}, length=10_000_000)
        while not exchange.mirror.stopped.wait(0.05):
            exchange.wfile.write(b" ")
            exchange.wfile.flush()

    monkeypatch.setattr(causes, "PAGE_SECONDS", 0.3)
    sites.first.fail("*", endless)
    url = f"{sites.first.channel_url('conda-forge')}/linux-64/{LEAF}"
    with pytest.raises(requests.HTTPError) as raised:
        requests.get(url, stream=True, timeout=5).raise_for_status()
    started = time.monotonic()
    route = Route("conda-forge", sites.first.channel_url("conda-forge"), "first")
    found = failures.find_culprit(raised.value, [route])
    assert found is not None
    assert found.reason.code == "probe_forbidden"
    assert time.monotonic() - started < 60  # the page has no end


def invalid(channel: str, url: str) -> Exception:
    """Conda's error for a channel whose index a server does not have."""
    import requests
    from conda.exceptions import UnavailableInvalidChannel

    response = requests.get(url, timeout=5)
    found = UnavailableInvalidChannel(channel, 404, response)
    found.__context__ = requests.HTTPError(response=response)
    return found


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("conda-forge/linux-64/current_repodata.json", None),
        ("conda-forge/noarch/current_repodata.json", None),
        ("conda-forge/noarch/repodata.json", None),
        ("elsewhere/x.json", "conda-forge/noarch/repodata.json"),
    ],
)
def test_the_index_that_was_asked_for_is_told(sites, asked, told):
    """By `repodata_fns` conda reads another one: that of the usual name was said to be missing."""
    from conda_torchmirror.mirrors.registry import Route
    from conda_torchmirror.transport import failures

    sites.first.fail("*", "not_found")
    channel = sites.first.channel_url("conda-forge")
    above = channel.removesuffix("conda-forge")
    error = invalid(channel, above + asked)
    found = failures.find_culprit(error, [Route("conda-forge", channel, "first")])
    assert found is not None
    assert found.answer is not None
    assert (found.answer.code, found.answer.url) == ("not_found", above + (told or asked))


@pytest.mark.parametrize(
    ("kinds", "alone"), [(("dns", "dns", "unreachable"), True), (("dns", "refused", "dns"), False)]
)
def test_a_computer_without_a_network_is_told_in_one_line(kinds, alone):
    from conda_torchmirror.mirrors.registry import Route
    from conda_torchmirror.transport import failures
    from conda_torchmirror.transport.answers import Answer

    failed = []
    for number, kind in enumerate(kinds):
        url = f"https://mirror{number}.example/cloud/pytorch"
        answer = Answer(f"{url}/linux-64/repodata.json", kind)
        failed.append(failures.from_answer(Route("pytorch", url, f"m{number}"), answer))
    cause = failures.no_route_left(failed, [])._cause
    assert ("this computer seems to have no network" in cause) is alone
    named = [number for number in range(3) if f"m{number}" in cause]
    assert named == ([2] if alone else [0, 1, 2])


def test_what_is_remembered_is_told_as_remembered(sites):
    from conda_torchmirror.mirrors.registry import Route
    from conda_torchmirror.transport import failures
    from conda_torchmirror.transport.answers import Answer

    url = f"{sites.first.url}/x/linux-64/repodata.json"
    answer = Answer(url, "blocked", status=403, at=time.time() - 300, remembered=True)
    failed = failures.from_answer(Route("pytorch", f"{sites.first.url}/x", "first"), answer)
    cause = failures.no_route_left([failed], [])._cause
    assert "(5 min ago, not asked again)" in cause


def wants_a_password(exchange: Exchange) -> None:
    exchange.send(407, b"", {"Proxy-Authenticate": 'Basic realm="proxy"'})


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        ("socks5://me:hidden@127.0.0.1:9", "Missing dependencies for SOCKS support."),
        ("http:///127.0.0.1:9", "Please check proxy URL."),
        ("http://me:hidden@@:99999", "Failed to parse: http://:99999"),
        ("{mirror}", "407 Proxy Authentication Required"),  # conda asks for name and password
    ],
    ids=["socks", "malformed", "unparsed", "password"],
)
def test_an_unusable_proxy_is_not_blamed_on_mirrors(
    sites, prefix, conda_in_process, monkeypatch, proxy, why
):
    sites.first.fail("*", wants_a_password)
    monkeypatch.setenv("http_proxy", proxy.format(mirror=sites.first.url))
    refused = conda_in_process(*ASK, "-p", prefix)
    assert refused.rc == 1
    for name in ("first", "second", "upstream"):
        assert f"{name} cannot be reached through the proxy ({why}" in refused.words
    assert "cannot be read" not in refused.words
    assert "hidden" not in refused.words
    assert "check the network, and the proxy" in refused.words
    # Conda asks for each of the three places, 24.7 twice at the last; our probes asked beside it.
    assert refused.words.count("proxy username") <= (4 if proxy == "{mirror}" else 0)
    sites.first.heal()
    monkeypatch.delenv("http_proxy")
    conda_in_process(*ASK, "-p", prefix).ok()
    assert sites.fetched(LEAF)["first"]


NETRC = {
    "netrc-bytes": "# 密码\nmachine 127.0.0.1 login me password x\n".encode("gbk"),
    "netrc-latin": "machine 127.0.0.1 login 张 password x\n".encode(),
}


@pytest.fixture
def unusable(sites, sandbox, condarc, monkeypatch, tmp_path):
    """`unusable(kind)`: settings by which requests makes no request."""

    def make(kind):
        if kind in NETRC:
            monkeypatch.setenv("NETRC", str(sandbox.home / "netrc"))
            (sandbox.home / "netrc").write_bytes(NETRC[kind])
            return
        if kind == "timeout":
            condarc(**{**sites.settings(), "remote_read_timeout_secs": 0})
            return
        absent, https = str(tmp_path / "absent.pem"), sites.upstream.url.replace("http:", "https:")
        move_upstream(monkeypatch, https)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", absent if kind == "bundle" else "")
        own = {"client_ssl_cert": absent} if kind == "certificate" else {}
        condarc(**{**sites.settings(), "channel_alias": https, **own})
        sites.file.write_text(sites.file.read_text().replace("http:", "https:"))

    return make


@pytest.mark.parametrize("words", [(), ("--mirror", "first", "--no-fallback")], ids=["all", "one"])
@pytest.mark.parametrize("kind", [*NETRC, "bundle", "certificate", "timeout"])
def test_own_settings_are_not_blamed_on_mirrors(unusable, prefix, conda_in_process, kind, words):
    """`.netrc` was told as a broken answer of each mirror, an absent certificate as no network."""
    unusable(kind)
    refused = conda_in_process(*ASK, "-p", prefix, *words)
    assert refused.rc == 1
    assert "cannot be asked, by this computer's own settings" in refused.words
    assert "check what goes into every request: `.netrc`" in refused.words
    for untrue in ("cannot be read", "no network", "not an index", "torch-mirror test", "--mirror"):
        assert untrue not in refused.words


@pytest.mark.parametrize("kind", ["NoSource", "NoWheels"])
def test_where_no_certificate_is_valid_the_clock_may_be_wrong(sandbox, kind):
    """With a wrong clock, every mirror's is expired, or not yet valid."""
    from conda_torchmirror.exceptions import channel
    from conda_torchmirror.mirrors.registry import Route
    from conda_torchmirror.transport import failures
    from conda_torchmirror.transport.answers import Answer

    def hints(*codes: str) -> list[str]:
        failed = []
        for number, code in enumerate(codes):
            url = f"https://mirror{number}.example/cloud/pytorch"
            answer = Answer(f"{url}/linux-64/repodata.json", code)
            failed.append(failures.from_answer(Route("pytorch", url, f"m{number}"), answer))
        error = failures.no_route_left(failed, [], getattr(channel, kind))
        return [hint["hint_code"] for hint in error._hints]

    assert hints("tls")[0] == "check_certificates"
    assert hints("tls", "tls")[0] == "check_certificates"
    assert "check_certificates" not in hints("tls", "timeout")
