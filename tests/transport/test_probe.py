"""One request for the first bytes: what every way to fail is called, and that it is bounded."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.channels import zstd_compress
from support.faults import BLOCK_ADDRESS, BLOCK_ID
from support.mirror import Exchange

from conda_torchmirror.mirrors.registry import built_in
from conda_torchmirror.redirect.answer_log import BLOCKED, FAILED, FOUND, NAME
from conda_torchmirror.transport import probe as probing
from conda_torchmirror.transport.answers import Answer, block_page
from conda_torchmirror.transport.probe import ProbeTarget, ask
from conda_torchmirror.transport.probe_cache import ProbeCache
from conda_torchmirror.transport.routes import known_hosts

INDEX = "cloud/pytorch/linux-64/repodata.json"
PACKAGE = "cloud/pytorch/linux-64/pytorch-2.5.1-py3.12_cpu_0.tar.bz2"


@pytest.fixture
def site(tmp_path: Path, make_mirror):
    """A mirror of three small files."""
    folder = tmp_path / "site" / "pytorch" / "linux-64"
    folder.mkdir(parents=True)
    (folder / "repodata.json").write_text('\n{"packages": {}}' + " " * 5000)
    (folder / "repodata.json.zst").write_bytes(zstd_compress(b"{}"))
    (folder / Path(PACKAGE).name).write_bytes(b"BZh9" + b"x" * 996)
    return make_mirror(tmp_path / "site", {"pytorch": "cloud"})


def one(url: str, **fields):
    """The probe of one URL."""
    return ask([ProbeTarget(url, **fields)], hosts=frozenset(), deadline=2.0)[url]


@pytest.mark.parametrize("path", [INDEX, f"{INDEX}.zst", PACKAGE])
def test_a_file_that_is_there(site, path):
    probe = one(f"{site.url}/{path}")
    kept = Path(site.file(f"/{path}")).stat()
    assert (probe.ok, probe.status, probe.moved_to) == (True, 206, None)
    assert (probe.size, probe.modified) == (kept.st_size, int(kept.st_mtime))


def test_one_request_of_a_few_bytes_under_an_honest_name(site):
    from conda.base.context import context

    one(f"{site.url}/{PACKAGE}")
    (request,) = site.requests
    assert request.method == "GET"
    assert request.headers["Range"] == "bytes=0-15"
    assert request.headers["User-Agent"].startswith("conda-torchmirror/")
    assert request.headers["User-Agent"].endswith(context.user_agent)


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ("refused", "refused", None),
        ("tls", "tls", None),
        ("blocked", "blocked", 403),
        ("not_found", "not_found", 404),
        ("server_error", "server_error", 500),
        ("busy", "busy", 503),
        ("redirect_loop", "redirect_loop", 302),
        ("html", "html", 200),
        ("truncated", "wrong_size", 206),
        ("reset", "ok", 200),
        ("stall", "ok", 200),
    ],
)
def test_every_fault_has_a_name(site, fault, code, status):
    site.fail("*", fault)
    probe = one(f"{site.url}/{PACKAGE}", size=1000)
    assert (probe.code, probe.status) == (code, status)
    assert probe.notice.code == f"probe_{code}" or code == "ok"


def test_a_connection_that_is_cut(site):
    site.fail("*", Exchange.cut)
    assert one(f"{site.url}/{PACKAGE}").code == "reset"


def test_nothing_is_asked_twice(site, condarc):
    condarc(remote_max_retries=3, remote_backoff_factor=1)
    site.fail("*", "server_error")
    one(f"{site.url}/{PACKAGE}")
    assert len(site.requests) == 1


def test_a_name_that_dns_does_not_know():
    assert one("https://mirror.invalid/cloud/pytorch/linux-64/repodata.json").code == "dns"


def test_a_block_page_is_read(site):
    site.fail("*", "blocked")
    probe = one(f"{site.url}/{INDEX}")
    assert (probe.identifier, probe.support) == (BLOCK_ID, BLOCK_ADDRESS)


@pytest.mark.parametrize(
    ("page", "identifier", "support"),
    [
        ("<p>Request ID: 18af-22</p>", "18af-22", None),
        ("<p>您的请求编号为：<b>20260910-7f3a</b></p>", "20260910-7f3a", None),
        ("<a href='mailto:a@b.example'>mail us</a>", None, "a@b.example"),
        ("<p>write to a&#64;b.example.</p>", None, "a@b.example"),
        ("<p>identifier is <code>AB12CD34</code></p>", "AB12CD34", None),
        ("<script>id: 123456</script><p>Forbidden</p>", None, None),
        ("<h1>403 Forbidden</h1><hr>nginx/1.22.1", None, None),
        ("no page at all, id: 1234567", None, None),
        ("", None, None),
    ],
)
def test_what_a_403_page_says(page, identifier, support):
    assert block_page(page) == (identifier, support)


@given(st.text())
def test_no_page_breaks_the_reading(page):
    identifier, support = block_page(f"<html>{page}")
    assert all(word is None or word.isprintable() for word in (identifier, support))


# Redirects


def test_a_redirect_to_a_known_host_is_followed_and_shown(site):
    site.fail("*", "redirect")
    probe = one(f"{site.url}/{INDEX}")
    assert probe.ok
    assert probe.moved_to == f"localhost:{site.port}"


@pytest.mark.parametrize("hashed", [False, True])
def test_a_redirect_to_plain_http_is_refused(site, hashed):
    site.fail("*", "redirect", to="http://mirror.example")
    probe = one(f"{site.url}/{PACKAGE}", hashed=hashed)
    assert (probe.code, probe.host) == ("insecure", "mirror.example")
    assert len(site.requests) == 1


def test_a_redirect_to_what_is_no_host_is_shown_as_it_is(site):
    """The mirror itself was called the place that it redirects to."""
    site.fail("*", "redirect", to="file:///etc/")
    probe = one(f"{site.url}/{PACKAGE}")
    assert probe.code == "insecure"
    assert probe.host.startswith("file:///etc/")


@pytest.mark.parametrize("content", [b"{}", b" { }\n", b"\xef\xbb\xbf{}"])
@pytest.mark.parametrize("subdir", ["linux-64", "noarch"])
def test_an_empty_object_is_no_index(site, subdir, content):
    path = site.mounts["/cloud/pytorch/"] / subdir / "repodata.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    probe = one(f"{site.url}/cloud/pytorch/{subdir}/repodata.json")
    assert probe.code == ("ok" if subdir == "noarch" else "not_the_file")


def test_a_redirect_to_a_strange_host_is_refused_where_no_hash_is_known(site):
    site.fail("*", "redirect", to="https://cdn.example")
    assert one(f"{site.url}/{INDEX}").code == "foreign"


def test_a_redirect_of_a_known_hash_goes_anywhere(site):
    site.fail("*", "redirect", to="https://cdn.invalid")
    assert one(f"{site.url}/{PACKAGE}", hashed=True).code == "redirect_dead"


def test_a_redirect_within_the_registry_goes_on(site, sandbox):
    site.fail("*", "redirect", to="https://mirrors.cernet.edu.cn")
    url = f"{site.url}/{INDEX}"
    hosts = known_hosts(built_in().values())
    assert ask([ProbeTarget(url)], hosts=hosts)[url].code != "foreign"
    assert sandbox.take_blocked()


# Headers that no server should send


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-Range", "bytes 0-15/\u00b2\u00b3"),
        ("Content-Range", "bytes 0-15/" + "9" * 5000),
        ("Content-Range", "nonsense"),
        ("Last-Modified", "Thu, 99 Foo 9999999999 99:99:99 GMT"),
        ("Last-Modified", "\u00b2" * 50),
        ("Content-Type", "html\x85" * 1000),
    ],
)
def test_a_header_that_cannot_be_read_says_nothing(site, name, value):
    def odd(exchange: Exchange) -> None:
        exchange.send(206, b"BZh9" + b"x" * 12, {name: value})

    site.fail("*", odd)
    probe = one(f"{site.url}/{PACKAGE}", size=1000)
    assert probe.ok
    assert (probe.size, probe.modified) == (None, None)


@pytest.mark.parametrize("after", ["\u00b2", "9" * 5000, "soon", "-1"])
def test_a_mirror_that_is_busy_for_no_time_that_can_be_read(site, after):
    site.fail("*", lambda exchange: exchange.send(503, b"", {"Retry-After": after}))
    probe = one(f"{site.url}/{INDEX}")
    assert (probe.code, probe.retry_after) == ("busy", None)


@pytest.mark.parametrize("to", ["http://[::1", "https://mirror.example:port/x", "//", "\u00b2"])
def test_a_redirect_that_cannot_be_read_is_a_failure_of_the_mirror(site, to, capfd):
    site.fail("*", lambda exchange: exchange.send(302, b"", {"Location": to}))
    probe = one(f"{site.url}/{INDEX}")
    assert not probe.ok
    assert probe.code != "timeout"
    assert "Traceback" not in capfd.readouterr().err


# Time


def silent(exchange: Exchange) -> None:
    """Accept, and never answer."""
    exchange.mirror.stopped.wait(30)


def test_five_mirrors_are_asked_side_by_side(site):
    together = threading.Barrier(5)

    def meet(exchange: Exchange) -> None:
        together.wait(20)
        exchange.serve()

    site.fail("*", meet)
    found = ask([ProbeTarget(f"{site.url}/{INDEX}?{n}") for n in range(5)], deadline=30)
    assert [probe.code for probe in found.values()] == ["ok"] * 5


def test_silence_ends_with_the_deadline(site):
    site.fail("*", silent)
    targets = [ProbeTarget(f"{site.url}/{INDEX}?{n}") for n in range(20)]
    started = time.monotonic()
    found = ask(targets, deadline=0.4)
    assert time.monotonic() - started < 20  # not the 30 of one silence
    assert {probe.code for probe in found.values()} == {"timeout"}
    assert len(found) == 20


def test_no_more_requests_at_one_time_than_is_polite(site):
    most = []
    now = []

    def counting(exchange: Exchange) -> None:
        now.append(1)
        most.append(len(now))
        time.sleep(0.02)
        now.pop()
        exchange.serve()

    site.fail("*", counting)
    ask([ProbeTarget(f"{site.url}/{INDEX}?{n}") for n in range(40)])
    assert max(most) <= probing.PARALLEL


def test_the_dead_do_not_delay_the_end_of_the_process():
    import threading

    before = set(threading.enumerate())
    ask([ProbeTarget("http://127.0.0.1:9/x.json")], deadline=0.2)
    assert all(thread.daemon for thread in set(threading.enumerate()) - before)


# Secrets


def test_no_secret_is_in_a_probe(site):
    site.fail("*", "not_found")
    secret = site.url.replace("://", "://me:hunter2@") + "/t/tk-123/cloud/pytorch/x.json"
    probe = one(secret)
    assert probe.code == "not_found"
    assert "hunter2" not in repr(probe)
    assert "tk-123" not in repr(probe)


# ProbeCache


def probed(url: str, code: str = "ok", age: float = 0.0, **fields):
    return Answer(url, code, at=time.time() - age, **fields)


@pytest.mark.parametrize(
    ("code", "holds"), [("ok", FOUND), ("not_found", FAILED), ("blocked", BLOCKED)]
)
def test_an_answer_is_remembered_for_minutes(sandbox, code, holds):
    for age, known in ((holds - 5, True), (holds + 5, False)):
        memory = ProbeCache(fresh=True)
        memory.keep([probed("https://a.example/x", code, age), probed("https://b.example/y")])
        memory.save()
        found = ProbeCache().get("https://a.example/x")
        assert (found is not None) is known
        if found is not None:
            assert (found.code, found.remembered) == (code, True)


def test_what_is_of_the_site_holds_for_all_its_files(sandbox):
    memory = ProbeCache()
    memory.keep([probed("https://a.example/x", age=60), probed("https://a.example/y", "blocked")])
    assert memory.get("https://a.example/x").code == "blocked"
    assert memory.site_failure("https://a.example/other").code == "blocked"
    memory.keep([probed("https://a.example/x")])
    assert memory.site_failure("https://a.example/other") is None


def test_a_missing_file_is_not_of_the_site(sandbox):
    memory = ProbeCache()
    memory.keep([probed("https://a.example/x", "not_found")])
    assert memory.get("https://a.example/y") is None
    assert memory.site_failure("https://a.example/y") is None


def test_nothing_is_remembered_where_all_failed(sandbox):
    memory = ProbeCache()
    memory.keep([probed("https://a.example/x", "dns"), probed("https://b.example/x", "dns")])
    memory.save()
    assert ProbeCache().get("https://a.example/x") is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[" * 100_000,
        "[]",
        '{"schema": 2}',
        '{"schema": 1, "probes": [{"url": 1}]}',
        '{"probes": 3}',
    ],
)
def test_a_broken_memory_is_an_empty_one(sandbox, content):
    memory = ProbeCache()
    memory.keep([probed("https://b.example/x")])
    memory.save()
    (file,) = sandbox.root.rglob(NAME)
    file.write_text(content)
    assert ProbeCache().get("https://a.example/x") is None
    memory.keep([probed("https://a.example/x")])
    memory.save()
    assert ProbeCache().get("https://a.example/x") is not None


def test_conda_clean_makes_us_forget(sandbox, conda_in_process):
    memory = ProbeCache()
    memory.keep([probed("https://a.example/x")])
    memory.save()
    assert ProbeCache().get("https://a.example/x") is not None
    conda_in_process("clean", "--index-cache", "-y").ok()
    assert ProbeCache().get("https://a.example/x") is None


# What a page may do to its reader

#: Of the length that is read of a page: each made a pattern take the square of it, or worse.
HOSTILE = {
    "scripts": "<script" * 9000,
    "styles": "<style>" * 9000,
    "open tags": "<" * 65000,
    "a long word": "<p>" + "a" * 65000,
    "signs": "<p>" + "@" * 65000,
    "names": "<p>" + "a@" * 32000,
    "dots": "<p>" + "a." * 16000 + "@" + "a" * 32000,
    "blanks": "<p>" + ("id" + " " * 62) * 1000,
    "colons": "<p>" + "id:" * 21000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_page_is_read_in_linear_time(name):
    page = HOSTILE[name]
    for _ in range(20):  # minutes, were it not linear
        assert block_page(page)[1] is None
    told = "<p>ID: <code>7f3c-0a91</code>, mail help@mirror.example</p>"
    assert block_page(told + page) == ("7f3c-0a91", "help@mirror.example")
