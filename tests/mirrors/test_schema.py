"""The one door for registry entries that a user writes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from conda_torchmirror.mirrors.registry import Mirror, built_in
from conda_torchmirror.mirrors.schema import check_entry
from conda_torchmirror.mirrors.urls import BadMirrorUrl, InsecureMirror, MirrorError

AT = {"roots": ["https://lab.example/anaconda"]}
URL = {"url": "https://lab.example/nv"}


@pytest.mark.parametrize("name", built_in())
def test_the_built_in_registry_passes_unchanged(name: str) -> None:
    entry = built_in().entries[name]
    checked = check_entry(name, entry)
    assert checked.keys() == entry.keys()
    before, after = Mirror(name, entry), Mirror(name, checked)
    for field in ("title", "roots", "parents", "pypi", "confidence", "chosen", "as_of", "source"):
        assert getattr(before, field) == getattr(after, field)
    for channel, carried in before.channels.items():
        there = after.channels[channel]
        assert (there.url, there.subdirs, there.status, there.labels) == (
            carried.url,
            carried.subdirs,
            carried.status,
            carried.labels,
        )


@pytest.mark.parametrize(
    ("entry", "field", "value"),
    [
        pytest.param({"as_of": date(2026, 11, 1)}, "as_of", "2026-11-01", id="date-without-quotes"),
        pytest.param({"roots": "https://a.example/x/"}, "roots", ["https://a.example/x"], id="one"),
        pytest.param({"source": "a note"}, "source", ["a note"], id="one-source"),
        pytest.param({"pypi": "https://a.example/p"}, "pypi", ["https://a.example/p"], id="pypi"),
        pytest.param(
            {**AT, "channels": {"pytorch": None}}, "channels", {"pytorch": {}}, id="bare-channel"
        ),
        pytest.param(
            {**AT, "channels": {"pytorch": {"subdirs": "linux-64 noarch", "status": True}}},
            "channels",
            {"pytorch": {"subdirs": ["linux-64", "noarch"], "status": "yes"}},
            id="words-of-yaml",
        ),
    ],
)
def test_what_yaml_makes_of_it_is_understood(entry: Any, field: str, value: Any) -> None:
    assert check_entry("lab", entry)[field] == value


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        pytest.param(3, "is not a map", id="number"),
        pytest.param(["a"], "is not a map", id="list"),
        pytest.param(None, "is not a map", id="nothing"),
        pytest.param({"chanels": {}}, "'chanels', which is none of title", id="unknown-field"),
        pytest.param({7: {}}, "'7', which is none of", id="number-as-field"),
        pytest.param({"title": 3}, "title must be a text of one line, not 3", id="title"),
        pytest.param({"title": "a\nb"}, "title must be a text of one line", id="lines"),
        pytest.param({"title": "x" * 3000}, "title must be a text", id="long"),
        pytest.param({"note": "\u202eabc"}, "note must be a text", id="bidirectional"),
        pytest.param({"channels": {"pytorch": {}}}, "no url for pytorch", id="no-url"),
        pytest.param(
            {"channels": {"pytorch": {"url": "https://x.example/conda/pytorch-remote"}}},
            "https://x.example/conda/pytorch-remote for pytorch: the address must end",
            id="url-of-another-name",
        ),
        pytest.param(
            {**AT, "channels": {"x/label/y": {"url": "https://a:b@x.example/y"}}},
            "gives https://x.example/y for x/label/y",
            id="url-of-another-label",
        ),
        pytest.param({"channels": ["pytorch"]}, "channels must be a map", id="channel-list"),
        pytest.param({"channels": 3}, "channels must be a map, not 3", id="channel-number"),
        pytest.param({**AT, "channels": {"../x": {}}}, "by channel name", id="channel-path"),
        pytest.param({**AT, "channels": {3: {}}}, "text of one line", id="channel-3"),
        pytest.param({**AT, "channels": {"x": 3}}, "must be a map, not 3", id="carried-number"),
        pytest.param({**AT, "channels": {"x": {"labels": "no"}}}, "true or false", id="labels"),
        pytest.param({**AT, "channels": {"x": {"status": "maybe"}}}, "takes yes, no", id="status"),
        pytest.param({**AT, "channels": {"x": {"subdirs": 3}}}, "a list of texts", id="subdirs"),
        pytest.param({**AT, "channels": {"x": {"subdirs": ["a b"]}}}, "a platform", id="subdir"),
        pytest.param({**AT, "channels": {"x": {"urls": "y"}}}, "it takes url, subdirs", id="key"),
        pytest.param({"roots": {"a": 1}}, "roots must be a list of texts", id="roots-map"),
        pytest.param({"roots": [None]}, "roots must be a text", id="roots-nothing"),
        pytest.param({"roots": ["https://x.example"] * 600}, "not a list", id="roots-many"),
        pytest.param({"chosen": ["everything"]}, "chosen takes conda, pypi", id="chosen"),
        pytest.param({"chosen": [["conda"]]}, "chosen takes conda, pypi", id="chosen-nested"),
        pytest.param({"confidence": ["conda"]}, "confidence must be a map", id="confidence"),
        pytest.param({"drops_tar_bz2": 1}, "true or false, not 1", id="flag"),
        pytest.param({"redirects_to": ["a b"]}, "redirects_to must be a host", id="host"),
        pytest.param({"wheels": {"url": "https://x.example"}}, "url and layout", id="no-layout"),
        pytest.param({"wheels": {**URL, "layout": "odd"}}, "index, flat, not 'odd'", id="layout"),
        pytest.param({"wheels": {**URL, "layout": "flat", "x": 1}}, "it takes url", id="wheel-key"),
        pytest.param({"as_of": 20261101}, "as_of must be a text", id="as-of"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(entry: Any, said: str) -> None:
    with pytest.raises(MirrorError, match="lab") as caught:
        check_entry("lab", entry)
    assert said in str(caught.value)


def test_an_address_that_is_only_recognised_has_any_name() -> None:
    there = {"url": "https://x.example/old", "status": "no"}
    assert check_entry("lab", {"channels": {"x": there}})["channels"]["x"] == there


@pytest.mark.parametrize(
    ("url", "error"),
    [
        pytest.param("http://lab.example/x", InsecureMirror, id="http"),
        pytest.param("file:///etc", BadMirrorUrl, id="file"),
        pytest.param("lab.example", BadMirrorUrl, id="no-scheme"),
        pytest.param("https://lab.example/a?b", BadMirrorUrl, id="query"),
    ],
)
@pytest.mark.parametrize("field", ["roots", "parents", "pypi", "channel", "wheels"])
def test_every_address_is_checked(field: str, url: str, error: type[MirrorError]) -> None:
    entry: dict[str, Any] = {field: [url]}
    if field == "channel":
        entry = {"channels": {"pytorch": {"url": url}}}
    elif field == "wheels":
        entry = {"wheels": {"url": "https://x.example", "layout": "flat", "also": [url]}}
    with pytest.raises(error):
        check_entry("lab", entry)


@pytest.mark.parametrize("name", ["", "upstream", "auto", "a b", "../x", "x" * 70, "a\nb", "Lab"])
def test_a_name_that_cannot_be_used_is_said(name: str) -> None:
    with pytest.raises(MirrorError, match="cannot name a mirror"):
        check_entry(name, AT)
