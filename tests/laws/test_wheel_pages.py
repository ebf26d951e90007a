"""Laws of pages of links: how a tag is written makes no difference to what is read of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conda_torchmirror.index.wheels.pages import JSON, Address, NoIndex, parse
from conda_torchmirror.install.wheels.decide import keep
from conda_torchmirror.models import Machine
from conda_torchmirror.selection.wheels.link import Link, project_of, triple_of
from conda_torchmirror.selection.wheels.tags import WheelTarget

AT = Address("https://mirror.example/whl/cu128/torch/", "cu128")
SHA = "0" * 63 + "a"
FOLDERS = st.sampled_from(
    [
        *("", "/", "../", "/whl/cu126/", "/whl/cpu/../cu118/", "//other.example/whl/xpu/", "./"),
        *("https://files.example/a%20b/", "http://plain.example/", "file:///tmp/", "http://[X]/"),
        *("  /whl/cu128/", "/a b/", "/x;y/", "/x\u202e/", "a:b/", "/é/", "/" + "x" * 900 + "/"),
    ]
)
PARTS = st.sampled_from(
    [
        *(
            "torch",
            "-",
            "2.7.1",
            "%2B",
            "%2b",
            "+",
            "cu128",
            "cp312",
            "manylinux_2_28_x86_64",
            "1!",
        ),
        *("%", "%2F", "%252B", "_", ".", "é", "%00", "%C3%A9", "win_amd64", "x" * 240),
    ]
)
NAMES = st.one_of(
    st.lists(PARTS, min_size=1, max_size=9).map("".join),
    st.sampled_from(
        [
            "torch-2.7.1%2Bcu128-cp312-cp312-manylinux_2_28_x86_64",
            "torchvision-0.22.1+cu128-cp312-cp312-linux_x86_64",
        ]
    ),
)
ATTRIBUTES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("data-requires-python", "data-core-metadata", "data-dist-info-metadata"),
                *("data-yanked", "rel", "href", "class"),
            ]
        ),
        st.sampled_from(
            [
                "",
                "true",
                "False",
                "&gt;=3.9",
                ">=3.9",
                "&gt;=3.6,&lt;4",
                f"sha256={SHA}",
                "a<b",
                "é",
            ]
        ),
    ),
    max_size=4,
)
ENDS = st.sampled_from(["", f"#sha256={SHA}", "#sha256=no", "#", "#md5=0", "?x"])


def read(body: str, media: str = "", keep_name=None) -> tuple[Link, ...] | None:
    try:
        return parse(body.encode(), AT, media, keep_name)
    except NoIndex:
        return None


@settings(max_examples=400, deadline=None)
@given(folder=FOLDERS, name=NAMES, end=ENDS, attributes=ATTRIBUTES, based=st.booleans())
def test_a_tag_as_indexes_write_it_says_what_any_other_form_of_it_says(
    folder, name, end, attributes, based
):
    words = [f'href="{folder}{name}.whl{end}"', *(f'{key}="{value}"' for key, value in attributes)]
    base = '<base href="/store/">' if based else ""
    usual, other = (f"{base}<a{gap}{gap.join(words)}>x</a>" for gap in (" ", "\n  "))
    assert read(usual) == read(other)


@settings(max_examples=300, deadline=None)
@given(folder=FOLDERS, name=NAMES, end=ENDS)
def test_a_json_page_says_of_an_address_what_an_html_page_says(folder, name, end):
    url = f"{folder}{name}.whl{end}"
    document = json.dumps({"files": [{"url": url}]})
    assert read(document, JSON) == read(f'<a href="{url}">x</a>')


ON = Machine("linux-64", cuda="12.8", python="3.12")
TARGET = WheelTarget("linux-64", ["3.12"])


def whole(name: str) -> bool:
    """What `keep` says, worked out anew for each name."""
    return (
        name.count("-") >= 3
        and project_of(name) in ("torch", "torchvision", "torchaudio")
        and TARGET.fit(triple_of(name)) is not None
    )


@settings(max_examples=300, deadline=None)
@given(
    names=st.lists(
        st.lists(
            st.sampled_from(
                [
                    *(
                        "torch",
                        "Torchvision",
                        "numpy",
                        "2.7.1",
                        "2.8.0+cu128",
                        "1",
                        "cp312",
                        "abi3",
                    ),
                    *("none", "py3", "any", "cp311", "manylinux_2_28_x86_64", "win_amd64", ""),
                ]
            ),
            min_size=1,
            max_size=7,
        ).map("-".join),
        max_size=12,
    )
)
def test_names_are_kept_by_themselves_whatever_came_before(names):
    kept = keep(ON)
    assert [kept(f"{name}.whl") for name in names] == [whole(f"{name}.whl") for name in names]


@pytest.mark.parametrize("media", ["", JSON])
def test_pages_are_filtered_by_name_in_every_form(media):
    names = [f"torch-2.{n}.0+cu128-cp3{n}-cp3{n}-linux_x86_64.whl" for n in range(9, 15)]
    urls = [f"/whl/cu128/{name.replace('+', '%2B')}" for name in names]
    body = json.dumps({"files": [{"url": url} for url in urls]})
    if not media:
        body = "".join(f'<a href="{url}">x</a>' for url in urls)
    found = read(body, media, lambda name: "-cp312-" in name)
    assert [link.filename for link in found or ()] == [names[3]]
    # A page whose wheels are all for others is an index all the same.
    assert read(body, media, lambda name: False) == ()
