"""nginx as it stands, in front of mirrors that fail: real processes on loopback."""

from __future__ import annotations

import hashlib
import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import pytest
from support.channels import write_channel
from support.lab import record
from support.nginx import PATIENCE, Cache, caching, needs_nginx, site

from conda_torchmirror.index.sparse.reader import walk
from conda_torchmirror.mirrors.registry import built_in
from conda_torchmirror.mirrors.urls import UPSTREAM
from conda_torchmirror.proxy.kept import examine
from conda_torchmirror.proxy.layout import NEXT, arrange
from conda_torchmirror.proxy.nginx import Host, ports_of, render

pytestmark = needs_nginx

#: Three ranges of 8 MB, the last one not full.
PACKAGE, SIZE = "cloud/pytorch/linux-64/large-1.0-0.conda", 20_000_000
INDEX = "cloud/pytorch/linux-64/repodata.json"
BODY = hashlib.shake_128(b"large").digest(SIZE)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("files")
    for name in ("pytorch", "conda-forge", "nvidia", "pkgs/main"):
        write_channel(root / name, "linux-64", {"a-1.0-0.tar.bz2": record("a")})
        write_channel(root / name, "noarch", {})
    (root / "pytorch" / "linux-64" / "large-1.0-0.conda").write_bytes(BODY)
    return root


@pytest.fixture
def origins(files, make_mirror):
    """Three mirrors, each with all of it."""
    cloud = dict.fromkeys(("pytorch", "conda-forge", "nvidia"), "anaconda/cloud")
    return [make_mirror(files, {**cloud, "pkgs/main": "anaconda"}) for _ in range(3)]


@pytest.fixture
def cache(origins):
    with caching([site(f"m{n}", origin) for n, origin in enumerate(origins)]) as found:
        yield found


def sent(origin, glob: str = "*") -> int:
    """Bytes of the package that a mirror sent, by the ranges that were asked for."""
    total = 0
    for request in list(origin.requests):
        span = request.headers.get("Range")
        if request.path.endswith(".conda") and request.status == 206 and span:
            first, last = span.removeprefix("bytes=").split("-")
            total += min(int(last), SIZE - 1) - int(first) + 1
        elif request.path.endswith(".conda") and request.status == 200:
            total += SIZE
    return total


# The configuration.


@pytest.mark.parametrize(
    "preference",
    [
        ("tuna",),
        ("tuna", "nju"),
        ("sustech", "sjtu", "nju", "tuna"),
        ("auto",),
        ("upstream",),
        ("https://mirror.example.com/anaconda/cloud",),
    ],
    ids=" ".join,
)
def test_it_is_taken_without_dns_and_starts_as_an_ordinary_user(preference, tmp_path) -> None:
    known = built_in()
    words = known.chosen_for() if preference == ("auto",) else preference
    layout = arrange(known.resolve(words))
    on = Host(str(tmp_path), "127.0.0.1:18080", range(20000, 20000 + ports_of(layout)))
    found = Cache(layout, tmp_path)
    found.file.write_text(render(layout, on._replace(resolver=("192.0.2.1", "2001:db8::1"))))
    done = found.test()
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


# Many clients.


@pytest.mark.parametrize("path", [PACKAGE, INDEX], ids=["package", "index"])
def test_fifty_clients_cost_the_mirror_one(cache, origins, files, path) -> None:
    barrier = threading.Barrier(50)

    def ask(_: int) -> bytes:
        barrier.wait()
        return cache.get(path)[1]

    with ThreadPoolExecutor(50) as pool:
        bodies = set(pool.map(ask, range(50)))
    assert bodies == {(files / path.removeprefix("cloud/")).read_bytes()}
    if path == PACKAGE:
        assert sent(origins[0]) == SIZE
    else:
        assert len(origins[0].asked("*repodata.json")) == 1
    assert not origins[1].requests
    assert not origins[2].requests


def test_the_first_byte_does_not_wait_for_the_file(cache, origins) -> None:
    """The mirror sends the second range when the first is with the client, and not before."""
    held = threading.Event()

    def wait(exchange) -> None:
        if exchange.headers.get("Range", "").startswith("bytes=8388608-"):
            held.wait(60)
        exchange.serve()

    origins[0].fail("*.conda", wait)
    connection = http.client.HTTPConnection(cache.url.removeprefix("http://"), timeout=60)
    connection.request("GET", f"/anaconda/{PACKAGE}")
    answer = connection.getresponse()
    assert answer.read(1_000_000) == BODY[:1_000_000]
    held.set()
    assert answer.read() == BODY[1_000_000:]


def test_ranges_go_over_one_connection_to_the_adapter(cache, origins) -> None:
    cache.kill()
    log = cache.folder / "adapters.log"
    printed = cache.file.read_text().replace("access_log off;", f'access_log "{log}" connections;')
    form = "log_format connections '$connection $connection_requests';\n"
    cache.file.write_text(printed.replace("server_tokens off;", f"server_tokens off;\n    {form}"))
    cache.start()
    assert cache.get(PACKAGE) == (200, BODY)
    cache.kill()
    used = [int(line.split()[1]) for line in log.read_text().splitlines()]
    assert max(used, default=0) > 1


# What goes wrong at a mirror.


@pytest.mark.parametrize("path", [PACKAGE, INDEX], ids=["package", "index"])
@pytest.mark.parametrize(
    "fault",
    [
        "refused",
        "blocked",
        "not_found",
        "server_error",
        "busy",
        "html",
        "redirect_loop",
        "redirect",
    ],
)
def test_the_whole_file_comes_from_the_next_mirror(cache, origins, files, fault, path) -> None:
    origins[0].fail("*", fault)
    assert cache.get(path) == (200, (files / path.removeprefix("cloud/")).read_bytes())
    assert origins[1].requests


def test_a_mirror_that_hangs_is_left(cache, origins) -> None:
    origins[0].fail("*", lambda exchange: exchange.mirror.stopped.wait(60))
    assert cache.get(PACKAGE) == (200, BODY)
    assert origins[1].requests


def test_two_mirrors_may_fail(cache, origins) -> None:
    origins[0].fail("*", "blocked")
    origins[1].fail("*", "server_error")
    assert cache.get(PACKAGE) == (200, BODY)
    assert sent(origins[2]) == SIZE


def test_a_mirror_that_dies_between_ranges_is_left(cache, origins) -> None:
    def die(exchange) -> None:
        if exchange.headers.get("Range", "").startswith("bytes=0-"):
            exchange.serve()
        else:
            exchange.mirror.refuse()
            exchange.cut()

    origins[0].fail("*.conda", die)
    assert cache.get(PACKAGE) == (200, BODY)
    assert sent(origins[1]) == SIZE - 8 * 2**20


def test_a_mirror_that_dies_inside_a_range_leaves_nothing_broken(cache, origins) -> None:
    """The transfer breaks; the other way has the file, and so has this one when asked again."""

    def die(exchange) -> None:
        content = exchange.content()
        exchange.send(
            206,
            content[: 2**20],
            {"Content-Range": f"bytes 0-{2**23 - 1}/{SIZE}"},
            length=2**23,
        )
        exchange.cut()

    origins[0].fail("*.conda", die)
    with pytest.raises((http.client.HTTPException, OSError)):
        cache.get(PACKAGE)
    assert cache.get(PACKAGE, way=NEXT) == (200, BODY)
    origins[0].heal()
    assert cache.get(PACKAGE) == (200, BODY)


def test_a_blocked_mirror_is_not_asked_for_every_range(cache, origins) -> None:
    origins[0].fail("*", "blocked")
    assert cache.get(PACKAGE) == (200, BODY)
    assert len(origins[0].requests) < 3


def test_a_redirect_is_followed_to_the_hosts_of_the_registry_alone(files, make_mirror) -> None:
    cloud = {"pytorch": "anaconda/cloud"}
    first, store = make_mirror(files, cloud), make_mirror(files, cloud)
    first.fail("*", "redirect", to=store.url)
    for allowed in (True, False):
        store.requests.clear()
        hosts = [store.url.removeprefix("http://")] if allowed else []
        with caching([site("m", first, redirects_to=hosts)]) as found:
            status, body = found.get(PACKAGE)
            assert (status == 200) is allowed
            assert bool(store.requests) is allowed
            assert (body == BODY) is allowed


@pytest.mark.parametrize("faults", [("not_found", "not_found"), ("not_found", "blocked")])
def test_a_file_is_missing_only_if_every_mirror_says_so(files, make_mirror, faults) -> None:
    both = [make_mirror(files, {"pytorch": "anaconda/cloud"}) for _ in faults]
    for origin, fault in zip(both, faults, strict=True):
        origin.fail("*", fault)
    with caching([site(f"m{n}", origin) for n, origin in enumerate(both)]) as found:
        missing = found.get(PACKAGE)[0] == 404
        assert missing is (set(faults) == {"not_found"})


@pytest.mark.parametrize("way", ["", NEXT], ids=["first", "next"])
def test_the_official_site_knows_what_is_missing_while_a_mirror_is_blocked(
    files, make_mirror, way
) -> None:
    blocked, official = (make_mirror(files, {"pytorch": "anaconda/cloud"}) for _ in range(2))
    blocked.fail("*", "blocked")
    with caching([site("m", blocked), site(UPSTREAM, official)]) as found:
        for name in ("one", "two"):  # when it has just failed, and while it is not asked any more
            assert found.get(f"cloud/pytorch/linux-64/{name}.json", way=way)[0] == 404
        assert found.get(INDEX, way=way)[0] == 200
        official.refuse()
        assert found.get("cloud/pytorch/linux-64/three.json", way=way)[0] >= 500


def test_what_is_missing_is_known_while_every_mirror_is_down(cache, origins) -> None:
    """conda takes the plain index only where the packed one is missing, and not where it fails."""
    missing = f"{INDEX}.bz2"
    assert cache.get(missing)[0] == 404
    asked = [len(origin.asked("*.bz2")) for origin in origins]
    assert asked == [1, 1, 1]
    for origin in origins:
        origin.refuse()
    assert cache.get(missing)[0] == 404
    assert cache.get(f"{INDEX}.zst")[0] == 502
    # No package: one that is asked for stands in an index.
    assert cache.get(PACKAGE.replace("1.0", "2.0"))[0] == 502
    assert not [one for one in examine(cache.folder, walk) if one.wrong]


def test_only_what_is_behind_it_is_asked_for(cache, origins) -> None:
    assert cache.get("cloud/elsewhere/linux-64/repodata.json")[0] == 404
    assert cache.get("cloud/pytorch/../../secret")[0] == 404
    assert not any(origin.requests for origin in origins)


# What is kept.


def test_an_index_is_served_stale_while_every_mirror_is_down(cache, origins, files) -> None:
    kept = cache.get(INDEX)
    assert kept == (200, (files / "pytorch/linux-64/repodata.json").read_bytes())
    cache.kill()
    # Let its time be over, without a wait: the head of a kept file has a version and then the
    # second until which it is fresh, 8 bytes each (ngx_http_file_cache_header_t).
    (file,) = (piece.file for one in examine(cache.folder, walk) for piece in one.pieces)
    data = file.read_bytes()
    until = int.from_bytes(data[8:16], sys.byteorder)
    assert until > 1_700_000_000, "the head of a kept file has another form"
    file.write_bytes(data[:8] + (1_700_000_000).to_bytes(8, sys.byteorder) + data[16:])
    cache.start()
    for origin in origins:
        origin.refuse()
    assert cache.get(INDEX) == kept
    # The line is written when the answer has gone, which a client may see earlier.
    log, end = cache.folder / "access.log", time.monotonic() + 60
    while "STALE" not in log.read_text() and time.monotonic() < end:
        time.sleep(0.05)
    assert "STALE" in log.read_text()


def test_an_index_that_did_not_change_is_not_sent_again(cache, origins) -> None:
    cache.file.write_text(
        cache.file.read_text().replace("proxy_cache_valid 200 404 5m;", "proxy_cache_valid 200 1s;")
    )
    cache.kill()
    cache.start()
    first = cache.get(INDEX)
    end = time.monotonic() + PATIENCE
    while len(origins[0].asked("*repodata.json")) < 2 and time.monotonic() < end:
        assert cache.get(INDEX) == first
        time.sleep(0.2)
    assert [r.status for r in origins[0].requests if r.path.endswith("repodata.json")] == [200, 304]


def test_a_cache_that_was_killed_goes_on_with_what_it_has(cache, origins) -> None:
    connection = http.client.HTTPConnection(cache.url.removeprefix("http://"), timeout=60)
    connection.request("GET", f"/anaconda/{PACKAGE}", headers={"Range": "bytes=0-9000000"})
    assert connection.getresponse().read() == BODY[:9_000_001]
    cache.kill()
    before = sent(origins[0])
    cache.start()
    assert cache.get(PACKAGE) == (200, BODY)
    assert sent(origins[0]) - before <= SIZE - 8 * 2**20
    for origin in origins:
        origin.refuse()
    assert cache.get(PACKAGE) == (200, BODY)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A folder on a disk of 32 MB."""
    folder = Path(mkdtemp(prefix="torch-disk-"))
    mount = ("mount", "-t", "tmpfs", "-o", "size=32m,mode=755", "tmpfs", str(folder))
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        folder.rmdir()
        pytest.skip(f"no disk of its own can be had here: {error}")
    if done.returncode:
        folder.rmdir()
        pytest.skip(f"no disk of its own can be had here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=True)
        folder.rmdir()


def test_on_a_full_disk_nothing_broken_is_served_or_kept(small_disk, cache, origins) -> None:
    """A transfer breaks; with space again the whole file comes, and all of it is kept."""
    cache.kill()
    printed = cache.file.read_text().replace(str(cache.folder), str(small_disk))
    cache.file.write_text(printed)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(20_000_000))
    cache.start()
    whole = 0
    for _ in range(3):
        with suppress(http.client.HTTPException, OSError):
            status, body = cache.get(PACKAGE)
            assert status >= 500 or body == BODY
            whole += status == 200
        found = examine(small_disk, walk)
        assert not [one for one in found if one.wrong]
    assert whole < 3, "the disk was not full"
    ballast.unlink()
    assert cache.get(PACKAGE) == (200, BODY)
    for origin in origins:
        origin.refuse()
    assert cache.get(PACKAGE) == (200, BODY)


def test_the_two_ways_are_kept_apart(cache, origins) -> None:
    """A wrong body on one way is not that of the other."""
    origins[0].fail("*large*", lambda exchange: exchange.send_content(bytes(SIZE)))
    assert cache.get(PACKAGE) == (200, bytes(SIZE))
    assert cache.get(PACKAGE, way=NEXT) == (200, BODY)
    assert json.loads(cache.get(INDEX, way=NEXT)[1])["packages"]
