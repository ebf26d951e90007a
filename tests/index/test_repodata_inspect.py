"""A whole index held against the schema: every record of it, and none of them kept."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from support import big_index
from support.index_texts import WANTED, index, raw, record

from conda_torchmirror.exceptions.channel import ChannelBroken
from conda_torchmirror.index import cache, repodata
from conda_torchmirror.index.sparse import reader, scan
from conda_torchmirror.mirrors.registry import Route

pytest_plugins = ("support.site_fixtures",)


def walked(path: Path, content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The records by key as they are visited, and what is returned."""
    path.write_bytes(content)
    found: dict[str, Any] = {}
    rest = reader.walk(path, found.__setitem__)
    return found, rest


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"v3": {"conda": {"q-1-0.conda": record("q")}}},
        {"removed": ["pytorch-0.conda"], "repodata_version": 1},
    ],
    ids=["plain", "other sections", "other keys"],
)
@pytest.mark.parametrize(
    "member",
    [
        WANTED,
        ("é-1.conda", record("é", license="Café 軟體 🐍")),
        ("x.conda", None),
        ("y.conda", ["{", {"name": "pytorch"}]),
        ("q-1-0.conda", record("q", zz={"a-1-0.conda": record("pytorch")})),
        ("b-1-0.conda", record("b", license='},"pytorch-3-0.conda":{"name":"pytorch"},"x":{')),
    ],
    ids=["a wanted one", "letters of the world", "null", "a list", "nested", "braces in strings"],
)
def test_every_record_is_visited_as_a_full_parse_has_it(tmp_path, member, more):
    document = index(member, **more)
    found, rest = walked(tmp_path / "i.json", json.dumps(document, ensure_ascii=False).encode())
    assert found == {**document["packages"], **document["packages.conda"]}
    assert rest == {
        "info": document["info"],
        "packages": {},
        "packages.conda": {},
        **({"repodata_version": 1} if "repodata_version" in more else {}),
    }


@pytest.mark.parametrize(
    "content",
    [
        raw('"a.conda":{"name":"a"'),
        raw('"a.conda":{"name":"a"}').replace(b'"a"', b'"\xff"'),
        raw('"a.conda":{"name":"a"}')[:-1],
        b"",
        b"[]",
    ],
    ids=["no end", "no UTF-8", "cut off", "nothing", "a list"],
)
def test_what_is_no_index_is_an_error(tmp_path, content):
    with pytest.raises(scan.BrokenIndex):
        walked(tmp_path / "i.json", content)


def test_no_more_than_one_record_is_held(tmp_path):
    path = tmp_path / "i.json"
    big_index.write(path, 5_000)
    seen = 0

    def visit(fn: str, record: Any) -> None:
        nonlocal seen
        seen += 1

    tracemalloc.start()
    try:
        reader.walk(path, visit)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seen == 5_000
    # All of them are 2.9 MB as text, and three times that as objects.
    assert peak < 300_000


# What solvers would stumble over


FAULTS: dict[str, tuple[dict[str, Any], str | None]] = {
    "nothing": (index(WANTED), None),
    "a name": (index(("q-1-0.conda", record("a b"))), "q-1-0.conda: name"),
    "a build number": (index(("q-1-0.conda", record("q", build_number="x"))), "build_number"),
    "a record": (index(("q-1-0.conda", None)), "q-1-0.conda: record"),
    "a spec": (index(("q-1-0.conda", record("q", depends=["é"]))), "q-1-0.conda: depends"),
    "a time": (index(("q-1-0.conda", record("q", timestamp=-1))), "q-1-0.conda: timestamp"),
    "a file name": (index(("../q.conda", record("q"))), "../q.conda: fn"),
    "the platform": (index(info={"subdir": "win-64"}), "info: subdir"),
    "the base": (index(info={"base_url": "ftp://x"}), "info: base_url"),
    "a section": (index(**{"packages": None}), "packages"),
}


@pytest.fixture
def judged(sandbox):
    """`judged(content)`: the error for a cached index."""
    route = Route("pytorch", "https://conda.anaconda.org/pytorch", "upstream")

    def judge(content: bytes) -> ChannelBroken | None:
        path = cache.path_of(route, "linux-64")
        path.write_bytes(content)
        cache.path_of(route, "noarch").write_text('{"info":{"subdir":"noarch"},"packages":{}}')
        try:
            repodata.inspect(route, "linux-64")
        except ChannelBroken as error:
            return error
        return None

    return judge


@pytest.mark.parametrize("name", FAULTS)
def test_the_first_fault_is_named(judged, name):
    document, fault = FAULTS[name]
    found = judged(json.dumps(document, ensure_ascii=False).encode())
    assert (found is None) == (fault is None)
    assert fault is None or fault in found.dump_map()["guidance"]["cause"]


def test_of_a_key_that_stands_there_twice_the_last_counts(judged):
    good, bad = json.dumps(record("q")), json.dumps(record("q", version=""))
    assert judged(raw(f'"q.conda":{bad},"q.conda":{good}')) is None
    found = judged(raw(f'"q.conda":{good},"q.conda":{bad}'))
    assert "q.conda: version" in found.dump_map()["guidance"]["cause"]


def test_what_has_a_fault_is_dropped_as_the_error_says(sites, condarc, conda_in_process):
    """It is asked for anew, and not taken out of the cache for the next ten minutes."""
    base = f"{sites.first.url}/anaconda/cloud"
    condarc(**{**sites.settings(), "custom_channels": {"pytorch": base}, "local_repodata_ttl": 600})
    conda_in_process("info", "--json").ok()
    route = Route("pytorch", f"{base}/pytorch", "first")
    repodata.read(route, "linux-64", {"pytorch"})
    kept = cache.path_of(route, "linux-64")
    assert kept.exists()
    asked = len(sites.first.asked())
    repodata.inspect(route, "linux-64")
    assert len(sites.first.asked()) == asked
    document = json.loads(kept.read_text(encoding="utf-8"))
    document["packages.conda"]["q-1-0.conda"] = record("q", version="")
    kept.write_text(json.dumps(document), encoding="utf-8")
    state = kept.with_suffix(".info.json")
    known = json.loads(state.read_text())
    stat = kept.stat()
    state.write_text(json.dumps({**known, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}))
    with pytest.raises(ChannelBroken) as error:
        repodata.inspect(route, "linux-64")
    hints = [hint["hint_code"] for hint in error.value.dump_map()["guidance"]["hints"]]
    assert "clean_index" in hints
    assert not kept.exists()
    repodata.inspect(route, "linux-64")
    assert not kept.exists(), "what is not cached is not downloaded to be inspected"
    assert len(sites.first.asked()) == asked
