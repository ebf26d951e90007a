"""Pages of links, real and hostile: what is read of them, and how long that takes."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest
from support.material import material

from conda_torchmirror.index.wheels.pages import JSON, LINKS, Address, NoIndex, parse
from conda_torchmirror.selection.wheels.link import Link

ROOT = "https://mirror.example/whl"
CU128 = "torch-2.7.1+cu128-cp312-cp312-manylinux_2_28_x86_64.whl"
SHA = "0" * 63 + "a"


def page(*anchors: str, head: str = "") -> bytes:
    lines = "<br/>\n".join(anchors)
    return f"<!DOCTYPE html>\n<html>{head}<body><h1>Links</h1>\n{lines}\n</body></html>".encode()


def links(body: bytes, url: str = f"{ROOT}/cu128/torch/", variant: str = "cu128", media: str = ""):
    return parse(body, Address(url, variant), media)


def one(*args, **kwargs):
    (found,) = links(*args, **kwargs)
    return found


ESCAPED = CU128.replace("+", "%2B")


@pytest.mark.parametrize(
    ("href", "url"),
    [
        (f"/whl/cu128/{ESCAPED}", f"{ROOT}/cu128/{ESCAPED}"),
        (f"../{ESCAPED}", f"{ROOT}/cu128/{ESCAPED}"),
        (f"../../cu128/{CU128}", f"{ROOT}/cu128/{CU128}"),
        (
            f"https://other.example/whl/cu128/{ESCAPED}",
            f"https://other.example/whl/cu128/{ESCAPED}",
        ),
        (f"//other.example/{ESCAPED}", f"https://other.example/{ESCAPED}"),
        (f"  /whl/cu128/{ESCAPED}", f"{ROOT}/cu128/{ESCAPED}"),
        (f"/a b/{ESCAPED}", f"https://mirror.example/a%20b/{ESCAPED}"),
        (f"/whl/../whl/cu128/{ESCAPED}", f"{ROOT}/cu128/{ESCAPED}"),
    ],
    ids=["root", "relative", "raw-plus", "other-host", "no-scheme", "blanks", "space", "dots"],
)
def test_links_become_absolute(href, url):
    found = one(page(f'<a href="{href}#sha256={SHA}">x</a>'))
    assert (found.filename, found.url, found.sha256) == (CU128, url, SHA)
    assert found.variant == "cu128"


def test_what_a_link_says_beside_its_address():
    found = one(
        page(
            f'<a href="/whl/cu128/{ESCAPED}#sha256={SHA}" data-requires-python="&gt;=3.9.0"'
            f' data-yanked="broken" data-dist-info-metadata="sha256={SHA}">x</a>'
        )
    )
    assert found.requires_python == ">=3.9.0"
    assert found.yanked
    assert found.metadata == SHA


@pytest.mark.parametrize(
    ("attribute", "metadata"),
    [
        ("", False),
        ('data-core-metadata="true"', True),
        ('data-core-metadata="false"', False),
        ("data-core-metadata", True),
        (f'data-core-metadata="sha256={SHA}"', SHA),
        (f'data-core-metadata="false" data-dist-info-metadata="sha256={SHA}"', False),
        ('data-core-metadata="sha256=none"', True),
    ],
)
def test_metadata_beside_a_wheel(attribute, metadata):
    assert one(page(f'<a href="{ESCAPED}" {attribute}>x</a>')).metadata == metadata


def test_an_unescaped_bracket_in_an_attribute_ends_no_tag():
    found = one(page(f'<a data-requires-python=">=3.9" href="{ESCAPED}">x</a>'))
    assert found.requires_python == ">=3.9"


def test_the_first_base_counts():
    head = '<base href="https://files.example/store/"><base href="https://second.example/">'
    found = one(page(f'<a href="{ESCAPED}">x</a>', head=head))
    assert found.url == f"https://files.example/store/{ESCAPED}"


def test_a_flat_listing_is_of_the_directory_it_was_asked_for():
    body = page('<a href="../">../</a>', f'<a href="{ESCAPED}">{CU128}</a>   12-Mar-2026  820M')
    assert one(body, url=f"{ROOT}/cu128/").variant == "cu128"


def test_torch_stable_names_a_variant_for_each_file():
    body = (
        b'<a href="cpu/torch-1.8.0%2Bcpu-cp38-cp38-win_amd64.whl">cpu/...</a><br>\n'
        b'<a href="cu102/torch-1.8.0-cp38-cp38-linux_x86_64.whl">cu102/...</a><br>\n'
        b'<a href="torchaudio-0.8.0-cp38-cp38-linux_x86_64.whl">torchaudio</a><br>\n'
    )
    found = links(body, url=f"{ROOT}/torch_stable.html", variant="")
    assert [(link.variant, link.url) for link in found] == [
        ("cpu", f"{ROOT}/cpu/torch-1.8.0%2Bcpu-cp38-cp38-win_amd64.whl"),
        ("cu102", f"{ROOT}/cu102/torch-1.8.0-cp38-cp38-linux_x86_64.whl"),
        ("", f"{ROOT}/torchaudio-0.8.0-cp38-cp38-linux_x86_64.whl"),
    ]


def test_json_pages():
    document = {
        "meta": {"api-version": "1.1"},
        "name": "torch",
        "files": [
            {
                "filename": "another-name.txt",
                "url": f"../{ESCAPED}",
                "hashes": {"sha256": SHA},
                "requires-python": ">=3.9",
                "size": 821000000,
                "yanked": "why",
                "core-metadata": {"sha256": SHA},
            },
            {"filename": "torch-2.7.1.tar.gz", "url": "/torch-2.7.1.tar.gz", "hashes": {}},
            {"url": 3},
            "file",
        ],
    }
    found = one(json.dumps(document).encode(), media=JSON)
    assert found == Link(
        CU128,
        f"{ROOT}/cu128/{ESCAPED}",
        "cu128",
        sha256=SHA,
        size=821000000,
        requires_python=">=3.9",
        yanked=True,
        metadata=SHA,
    )


@pytest.mark.parametrize(
    "files",
    [
        None,
        {},
        [{"url": f"../{ESCAPED}", "size": 10**20, "hashes": {"sha256": "short"}}],
        [{"url": f"../{ESCAPED}", "size": "3", "hashes": ["sha256"], "requires-python": ["3"]}],
        [{"url": f"../{ESCAPED}", "requires-python": "x" * 1000}],
    ],
)
def test_json_of_the_wrong_types_says_nothing(files):
    body = json.dumps({"files": files}).encode()
    if not isinstance(files, list):
        with pytest.raises(NoIndex):
            links(body)
        return
    found = one(body)
    assert (found.sha256, found.size) == (None, None)
    assert found.requires_python is None


@pytest.mark.parametrize("requires", [">=banana", ">=3,,<", ">=3.6.*", "3", "~=3", ">="])
def test_a_requirement_that_is_none_is_not_handed_on(requires):
    """An old pip finds no Python that meets it, and takes the wheel for one that is not there."""
    escaped = requires.replace(">", "&gt;").replace("<", "&lt;")
    for quote in ('"', "'"):
        tag = f"<a href={quote}{ESCAPED}{quote} data-requires-python={quote}{escaped}{quote}>x</a>"
        assert one(page(tag)).requires_python is None
    files = [{"url": ESCAPED, "requires-python": requires}]
    assert one(json.dumps({"files": files}).encode()).requires_python is None


def test_a_hash_in_capitals_is_one():
    assert one(page(f'<a href="{ESCAPED}#sha256={SHA.upper()}">x</a>')).sha256 == SHA
    tag = f'<a href="{ESCAPED}" data-core-metadata="sha256={SHA.upper()}">x</a>'
    assert one(page(tag)).metadata == SHA
    files = [{"url": ESCAPED, "hashes": {"sha256": SHA.upper()}}]
    assert one(json.dumps({"files": files}).encode()).sha256 == SHA


def test_a_byte_order_mark_is_no_part_of_a_page():
    mark = "\ufeff".encode()
    assert one(mark + page(f'<a href="{ESCAPED}">x</a>')).filename == CU128
    assert one(mark + json.dumps({"files": [{"url": ESCAPED}]}).encode()).filename == CU128


@pytest.mark.parametrize(
    "href",
    [
        f"javascript:{CU128}",
        f"file:///etc/{CU128}",
        f"ftp://mirror.example/{CU128}",
        f"http://mirror.example/{CU128}",
        f"http://[X]/{CU128}",
        f"https://mirror.example:port/{CU128}",
        f"/x/..%2f..%2f{CU128}",
        f"/x/%00{CU128}",
        f"/x/a&#10;b/{CU128}",
        f"/x/&#x202e;{CU128}",
        "/x/torch-2.7.1.whl.exe",
        "/x/-r%20evil.whl",
        "/x/.whl",
        "/x/" + "a" * 300 + ".whl",
        "/x/torch%25.whl",
        "/" + "x" * 1200 + f"/{CU128}",
        f"/x?{CU128}",
        f"/x#{CU128}",
    ],
)
def test_what_is_no_link_to_a_wheel_is_left_out(href):
    good = f'<a href="{ESCAPED}">x</a>'
    assert one(page(f'<a href="{href}">x</a>', good)).url == f"{ROOT}/cu128/torch/{ESCAPED}"


def test_a_page_over_plain_http_may_lead_to_plain_http():
    url = "http://127.0.0.1:80/whl/cu128/torch/"
    assert one(page(f'<a href="{ESCAPED}">x</a>'), url=url).url.startswith("http://127.0.0.1:80/")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><h1>Welcome to the portal</h1><a href='/login'>log in</a></html>",
        b"\xff\xfe\x00garbage",
        b"{",
        b'{"files": ' + b"[" * 100_000,
        b"[]",
        b"<!-- " + page(f'<a href="{ESCAPED}">x</a>') + b" -->",
        b"<!-- " + page(f'<a href="{ESCAPED}">x</a>'),
        b'<a href="' + ESCAPED.encode(),
    ],
)
def test_a_page_without_a_wheel_is_no_index(body):
    with pytest.raises(NoIndex):
        links(body)


def test_the_first_of_two_links_to_one_file_counts():
    found = one(page(f'<a href="/a/{ESCAPED}">x</a>', f'<a href="/b/{ESCAPED}">x</a>'))
    assert found.url == f"https://mirror.example/a/{ESCAPED}"


MANY = 2_000_000


@pytest.mark.parametrize(
    "body",
    [
        b"<" * MANY,
        b"<a " * (MANY // 3),
        b'<a "' * (MANY // 4),
        b"<a href='" * (MANY // 9),
        b"<!--" * (MANY // 4),
        b"<!-- -->" * (MANY // 8),
        b"<a " + b"x=y " * (MANY // 4),
        b"&" * MANY,
        b"<a href=" + b"&amp;" * (MANY // 5) + b">",
        b"<![CDATA[" * (MANY // 9),
        b"<a href=x.whl" + b"<" * MANY,
        b"<script>" * (MANY // 8),
        b'<a href="' + b"a" * MANY + b'.whl">',
        b"{" * MANY,
    ],
    ids=lambda body: body[:12].decode(),
)
def test_two_megabytes_of_anything_take_no_more_than_their_length(body):
    good = page(f'<a href="{ESCAPED}">x</a>')
    began = time.process_time()
    with suppress(NoIndex):
        links(good + body)
    assert time.process_time() - began < 3


def many(count: int) -> bytes:
    names = [f"torch-2.{n}.0%2Bcu128-cp3{n % 40}-cp3{n % 40}-win_amd64.whl" for n in range(count)]
    return page(*(f'<a href="/whl/cu128/{name}#sha256={SHA}">{name}</a>' for name in names))


def test_of_a_hundred_thousand_links_no_more_are_made_than_an_index_has():
    began = time.process_time()
    found = links(many(100_000))
    assert len(found) == LINKS
    assert found[-1].filename == f"torch-2.{LINKS - 1}.0+cu128-cp339-cp339-win_amd64.whl"
    assert time.process_time() - began < 20


def test_links_are_kept_by_the_name_of_the_file():
    url = f"{ROOT}/cu128/torch/"
    began = time.process_time()
    found = parse(many(100_000), Address(url, "cu128"), keep=lambda name: "-cp312-" in name)
    assert len(found) == 2500
    assert all("-cp312-" in link.filename for link in found)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("escaped", ["&#43;", "%2B", "+", "%2b"])
def test_a_name_is_kept_however_it_is_written(escaped):
    body = page(f"<a href='/whl/cu128/{CU128.replace('+', escaped)}'>x</a>")
    at = Address(f"{ROOT}/cu128/torch/", "cu128")
    assert [x.filename for x in parse(body, at, keep=lambda name: "+cu128" in name)] == [CU128]
    assert parse(body, at, keep=lambda name: "+cu126" in name) == ()


def test_nothing_kept_is_not_the_same_as_no_index():
    at = Address(f"{ROOT}/cu128/torch/", "cu128")
    with pytest.raises(NoIndex):
        parse(b"<a href='/login'>log in</a>", at, keep=lambda name: False)


def test_real_pages():
    pages = material("wheels", "pages")
    body = (pages / "pep503_upstream_2025-07.html").read_bytes()
    found = links(body, url=f"{ROOT}/torch/", variant="")
    assert len(found) == body.count(b"<a href")
    assert {"cu118", "cu126", "cu124", "cpu-cxx11-abi", "", "xpu"} <= {x.variant for x in found}
    assert all(link.sha256 for link in found)
    body = (pages / "torch_stable_2021-03.html").read_bytes()
    found = links(body, url=f"{ROOT}/torch_stable.html", variant="")
    assert len(found) == body.count(b"<a href")


@pytest.mark.parametrize("media", ["", JSON])
@pytest.mark.parametrize(
    ("href", "url"),
    [
        (
            f"https://mirror.example/api/{ESCAPED}",
            f"https://me:secret@mirror.example/api/{ESCAPED}",
        ),
        (f"/api/{ESCAPED}", f"https://me:secret@mirror.example/api/{ESCAPED}"),
        (f"https://files.example/api/{ESCAPED}", f"https://files.example/api/{ESCAPED}"),
    ],
    ids=["absolute", "root", "other-host"],
)
def test_a_log_in_goes_on_to_the_files_of_the_same_server(media, href, url):
    body = json.dumps({"files": [{"filename": CU128, "url": href}]}).encode()
    body = body if media else page(f'<a href="{href}">{CU128}</a>')
    (found,) = links(body, "https://me:secret@mirror.example/whl/cu128/torch/", media=media)
    assert found.url == url


def test_it_goes_on_from_the_base_of_a_page_as_well():
    head = '<head><base href="https://mirror.example/files/"></head>'
    body = page(f'<a href="{ESCAPED}">{CU128}</a>', head=head)
    (found,) = links(body, "https://me:secret@mirror.example/whl/cu128/torch/")
    assert found.url == f"https://me:secret@mirror.example/files/{ESCAPED}"
