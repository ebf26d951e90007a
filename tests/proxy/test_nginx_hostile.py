"""A cache between a mirror and a client that mean harm: what nginx passes on, keeps and prints."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from support.channels import write_channel
from support.lab import record
from support.nginx import PATIENCE, caching, needs_nginx, site

from conda_torchmirror.mirrors.registry import Mirror
from conda_torchmirror.proxy.layout import arrange
from conda_torchmirror.proxy.nginx import Host, ports_of, render

OPENSSL = shutil.which("openssl")
PACKAGE, INDEX = "cloud/pytorch/linux-64/large-1.0-0.conda", "cloud/pytorch/linux-64/repodata.json"
SLICE, SIZE = 2**23, 9_000_000
BODY = b"".join(hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(SIZE // 32))


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("files")
    write_channel(root / "pytorch", "linux-64", {"a-1.0-0.tar.bz2": record("a")})
    (root / "pytorch" / "linux-64" / "large-1.0-0.conda").write_bytes(BODY)
    return root


@pytest.fixture
def origins(files, make_mirror):
    return [make_mirror(files, {"pytorch": "anaconda/cloud"}) for _ in range(2)]


@pytest.fixture
def cache(origins):
    with caching([site(f"m{n}", origin) for n, origin in enumerate(origins)]) as found:
        yield found


# A mirror.


def _span(exchange) -> tuple[int, int]:
    first, last = exchange.headers["Range"].removeprefix("bytes=").split("-")
    return int(first), min(int(last), SIZE - 1)


def whole(exchange) -> None:
    exchange.send(200, BODY)


def whole_later(exchange) -> None:
    """The first range as it was asked for, the whole file for the second one."""
    exchange.serve() if _span(exchange)[0] == 0 else whole(exchange)


def another_range(exchange) -> None:
    first, last = _span(exchange)
    body = BODY[first + 1 : last + 1]
    exchange.send(206, body, {"Content-Range": f"bytes {first + 1}-{last}/{SIZE}"})


def no_range(exchange) -> None:
    first, last = _span(exchange)
    exchange.send(206, BODY[first : last + 1])


def packed(exchange) -> None:
    first, last = _span(exchange)
    spoken = {"Content-Range": f"bytes {first}-{last}/{SIZE}", "Content-Encoding": "gzip"}
    exchange.send(206, bytes(last - first + 1), spoken)


def endless_headers(exchange) -> None:
    exchange.send(206, b"", {f"X-{n}": "x" * 1000 for n in range(100)})


def sent_inside(exchange) -> None:
    """nginx would go on at the place that this header names."""
    first, last = _span(exchange)
    spoken = {"Content-Range": f"bytes {first}-{last}/{SIZE}"}
    spoken["X-Accel-Redirect"] = "/anaconda/cloud/pytorch/linux-64/repodata.json"
    exchange.send(206, BODY[first : last + 1], spoken)


def not_to_be_kept(exchange) -> None:
    first, last = _span(exchange)
    spoken = {
        "Content-Range": f"bytes {first}-{last}/{SIZE}",
        "Cache-Control": "no-store",
        "Vary": "*",
        "Set-Cookie": "who=1",
        "ETag": f'"{first}"',
    }
    exchange.send(206, BODY[first : last + 1], spoken)


@needs_nginx
@pytest.mark.parametrize(
    "fault",
    [whole_later, another_range, no_range, packed, endless_headers],
    ids=lambda fault: fault.__name__,
)
def test_an_answer_that_is_not_what_was_asked_for_is_left_and_not_kept(
    cache, origins, fault
) -> None:
    origins[0].fail("*.conda", fault)
    assert cache.get(PACKAGE) == (200, BODY)
    assert origins[1].asked("*.conda")
    for origin in origins:
        origin.refuse()
    assert cache.get(PACKAGE) == (200, BODY)


@needs_nginx
@pytest.mark.parametrize(
    "answer", [whole, sent_inside, not_to_be_kept], ids=lambda answer: answer.__name__
)
def test_what_a_mirror_says_besides_changes_nothing(cache, origins, answer) -> None:
    """A mirror without ranges serves too; what is right is kept, whatever else is said of it."""
    origins[0].fail("*.conda", answer)
    assert cache.get(PACKAGE) == (200, BODY)
    for origin in origins:
        origin.refuse()
    assert cache.get(PACKAGE) == (200, BODY)
    assert not origins[1].requests


# Its certificate.


@needs_nginx
@pytest.mark.skipif(OPENSSL is None, reason="there is no openssl to make certificates with")
@pytest.mark.parametrize("fault", ["", "self_signed", "other_name", "expired"])
def test_a_mirror_without_a_good_certificate_is_not_asked(
    files, make_mirror, tmp_path, fault
) -> None:
    """With a good one it is, so that it is the certificate which makes the difference."""
    bad, good = (make_mirror(files, {"pytorch": "anaconda/cloud"}) for _ in range(2))
    ca = _authority(tmp_path)
    certificate, key = _certificate(tmp_path, fault)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    bad._server.socket = context.wrap_socket(bad._server.socket, server_side=True)
    url = bad.channel_url("pytorch").replace("http:", "https:")
    first = Mirror("tls", {"channels": {"pytorch": {"url": url}}})
    with caching([first, site("good", good)], ca=str(ca)) as found:
        assert found.get(PACKAGE) == (200, BODY)
        assert found.get(INDEX)[0] == 200
    assert bool(bad.requests) is (fault == "")
    assert bool(good.requests) is (fault != "")


def _authority(folder: Path) -> Path:
    _openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "ca.key"),
        *("-out", folder / "ca.pem", "-days", "30", "-subj", "/CN=authority"),
    )
    return folder / "ca.pem"


def _certificate(folder: Path, fault: str) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 and its key, right but for `fault`."""
    request, key, found = (folder / f"leaf.{end}" for end in ("csr", "key", "pem"))
    name = "192.0.2.1" if fault == "other_name" else "127.0.0.1"
    names = folder / "names"
    # nginx holds a name against the names of hosts alone, an address too.
    names.write_text(f"subjectAltName=DNS:{name},IP:{name}\n", encoding="utf-8")
    _openssl(
        *("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request),
        *("-subj", f"/CN={name}"),
    )
    signed = ("-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial")
    by = ("-signkey", key) if fault == "self_signed" else signed
    days = "-1" if fault == "expired" else "30"
    _openssl(
        *("x509", "-req", "-in", request, "-out", found, "-days", days, "-extfile", names), *by
    )
    return found, key


def _openssl(*words: object) -> None:
    assert OPENSSL is not None
    subprocess.run([OPENSSL, *map(str, words)], check=True, capture_output=True)


# A client.


def _raw(cache, method: str, target: str, **headers: str) -> int:
    """The status of a request whose target goes out as it is written."""
    connection = http.client.HTTPConnection(cache.url.removeprefix("http://"), timeout=PATIENCE)
    connection.putrequest(method, target, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        return connection.getresponse().status
    finally:
        connection.close()


@needs_nginx
@pytest.mark.parametrize(
    "path",
    [
        "../../../secret",
        "%2e%2e/%2e%2e/%2e%2e/secret",
        "..%2f..%2f..%2fsecret",
        "%252e%252e/%252e%252e/secret",
        "linux-64/a%3Fsecret",
        "linux-64/a%23secret",
        "linux-64/a%20HTTP/1.1",
        "linux-64/a%0d%0aX-Secret:%201",
        "linux-64/a%0a",
        "linux-64/%5c..%5csecret",
        "linux-64/$host",
    ],
)
def test_no_path_leads_elsewhere_at_a_mirror(cache, origins, path) -> None:
    assert _raw(cache, "GET", f"/anaconda/cloud/pytorch/{path}") in (400, 404)
    assert not any(origin.requests for origin in origins)


@needs_nginx
def test_a_client_chooses_the_file_and_nothing_else(cache, origins, files) -> None:
    index = f"/anaconda/{INDEX}"
    assert _raw(cache, "POST", index) == 405
    assert _raw(cache, "DELETE", index) == 405
    assert not origins[0].requests
    said = {"Host": "elsewhere.example", "Cookie": "a=1", "Authorization": "Basic eDp5"}
    assert _raw(cache, "GET", f"http://elsewhere.example{index}?a=1", **said) == 200
    (asked,) = origins[0].requests
    assert asked.path == f"/anaconda/cloud/pytorch/{index.partition('/pytorch/')[2]}"
    assert asked.headers["Host"] == origins[0].url.removeprefix("http://")
    assert not {"Cookie", "Authorization"} & set(asked.headers)


@needs_nginx
def test_ranges_that_a_client_makes_up_cost_no_more_than_the_file(cache, origins) -> None:
    path = f"/anaconda/{PACKAGE}"
    assert cache.get(PACKAGE) == (200, BODY)
    before = len(origins[0].requests)
    assert _raw(cache, "GET", path, Range="bytes=0-0,5-6,8-9") in (200, 206)
    assert _raw(cache, "GET", path, Range=f"bytes={SIZE - 1}-") == 206
    assert len(origins[0].requests) == before


# An administrator's registry.


@needs_nginx
@pytest.mark.parametrize(
    "url",
    [
        "https://m.example/a;}evil{",
        "https://m.example/$host",
        'https://m.example/a"b',
        "https://m.example/a'b",
        "https://m.example/a\\b",
        "https://m.example/a\n}evil",
        "https://user:word@m.example/a",
    ],
)
def test_an_odd_address_is_left_out_and_puts_nothing_into_the_configuration(url, tmp_path) -> None:
    mirror = Mirror("odd", {"channels": {"pytorch": {"url": url}}})
    found = arrange([mirror])
    assert "odd" not in {place.site for channel in found.channels for place in channel.places}
    assert any(word.startswith("odd (") for word in found.left_out)
    printed = render(found, Host(str(tmp_path), "127.0.0.1:1", range(2, 2 + ports_of(found))))
    assert "m.example" not in printed


@needs_nginx
def test_many_mirrors_and_addresses_without_names_are_taken(tmp_path) -> None:
    hosts = ["[2001:db8::1]:8443", "[::1]", *(f"192.0.2.{n}:8080" for n in range(28))]
    mirrors = [
        Mirror(f"m{n}", {"channels": {"pytorch": {"url": f"https://{host}/pytorch"}}})
        for n, host in enumerate(hosts)
    ]
    with caching(mirrors) as found:
        assert found.test().returncode == 0
        assert found.get("cloud/elsewhere/noarch/repodata.json")[0] == 404


@pytest.mark.parametrize(
    "words", [("a\nb",), ('a"b',), ("a/../b",), ("--url", 'http://x/"\nb'), ("--url", "cache.lab")]
)
def test_odd_words_are_refused(conda_in_process, words) -> None:
    refused = conda_in_process("torch-mirror", "cache", "--print", "registry", *words)
    assert refused.rc in (1, 2)
    assert "cannot be used" in " ".join(refused.stderr.split())


@pytest.mark.parametrize("kind", ["registry", "condarc", "pip", "nginx"])
def test_addresses_of_this_computer_are_told_as_such(conda_in_process, kind):
    """Copied to other machines, which is what they are for, they led each to itself."""
    words = ("torch-mirror", "cache", "--print", kind, "--mirror", "tuna", "--port", "9000")
    told = "add `--url http://HOST:9000`"
    assert (told in " ".join(conda_in_process(*words).ok().stderr.split())) is (kind != "nginx")
    assert told not in conda_in_process(*words, "--url", "http://cache.lab:9000").stderr
